import { MeshQueryError, QueryError } from "../../errors.ts";
import { checkOptions, type OptionNames } from "../../http/config.ts";
import type { Call } from "../../logs/call.ts";
import { matrixOf, metaOf } from "../../metrics/answer.ts";
import type { Context } from "../../metrics/query.ts";
import { by, type Expr, type Matcher, print, seriesTest } from "../../promql/index.ts";
import { type AskOptions, type Duration, durationMs, shown, type TimeSpan } from "../../time.ts";
import type { Trace } from "../../traces/trace.ts";
import type { ScopeLogs } from "../log-scope.ts";
import type { Peer } from "../peer.ts";
import { endMatchers, type Scope } from "../scope.ts";
import type { ScopeTraces } from "../trace-scope.ts";
import { askWindow, joinMetas } from "../window.ts";
import { Explanation } from "./explanation.ts";
import { byWeight, type Finding, type Suspicion } from "./finding.ts";
import { scopeFigures, suspicionsOf } from "./judge.ts";
import { onsetOf } from "./onset.ts";
import { pathSuspicions } from "./paths.ts";
import { courseOf, durationsOf, lostOf, requestsOf, triesOf } from "./questions.ts";
import { viewOf, type WindowView } from "./window-view.ts";

/** Over which time, and compared with what. */
export type ExplainOptions = TimeSpan &
  AskOptions & {
    /** How much earlier the window lies that it is compared with; just before it when left out. */
    readonly against?: Duration | undefined;
    /** How many examples each finding has at most, of calls and of traces each; 3 when left out. */
    readonly examples?: number | undefined;
  };

const NAMES: OptionNames<ExplainOptions> = {
  ...{ last: true, from: true, to: true },
  ...{ against: true, examples: true, signal: true, timeoutMs: true },
};

/** What an explanation is made from. */
export interface ExplainSource {
  readonly context: Context;
  readonly scope: Scope;
  /** `undefined` where the mesh has no such backend. */
  readonly logs: ScopeLogs | undefined;
  readonly traces: ScopeTraces | undefined;
}

/** So many findings get their beginning and examples. */
const MOST_SHOWN = 5;
/** So many calls are enough to tell paths apart. */
const ENOUGH_CALLS = 50_000;
/** Points of a finding's course over the window. */
const POINTS = 15;

/** Compares two windows of a scope in all signals that the mesh has, and says what changed. */
export async function askExplain(source: ExplainSource, options: ExplainOptions): Promise<Explanation> {
  checkOptions(options, NAMES, "explain");
  const { context, scope } = source;
  const examples = options.examples ?? 3;
  if (!Number.isSafeInteger(examples) || examples < 0) {
    throw new QueryError("scope", `explain: examples is ${shown(examples)}; write a whole number from 0 on`);
  }
  const matchers = endMatchers(scope);
  const failureLabels = scope.failures.flatMap((set) => set.map(({ label }) => label));
  const given = options.against === undefined ? undefined : durationMs(options.against, "explain: against", "range");
  const lost = lostCalls(scope);
  const asked = await askWindow(context, "explain", options, (windowMs) =>
    [given ?? windowMs, 0].flatMap((offsetMs) => {
      const selection = { matchers, failureLabels, windowMs, offsetMs };
      return [
        requestsOf(selection),
        durationsOf(selection),
        lost === undefined ? requestsOf(selection) : lostOf({ ...selection, ...lost }),
      ];
    }),
  );
  const { fromMs, toMs, answers } = asked;
  const windowMs = toMs - fromMs;
  const againstMs = given ?? windowMs;
  const tests = scope.failures.map((set) => seriesTest(set));
  const view = (first: number): WindowView => {
    const [requests, durations, unanswered] = answers.slice(first, first + 3).map(({ data }) => data);
    if (requests === undefined || durations === undefined || unanswered === undefined) {
      throw new RangeError("explain: each question has an answer");
    }
    return viewOf(lost === undefined ? [requests] : [requests, unanswered], durations, {
      seconds: windowMs / 1000,
      hasFailed: (labels) => tests.some((test) => test(labels)),
      preferred: scope.reporter === "source" ? "caller" : "callee",
    });
  };
  const [before, after] = [view(0), view(3)];
  const report = new Report(source, options, { fromMs, toMs, againstMs, examples });
  const metrics = suspicionsOf(before, after);
  const suspicions = [...metrics, ...(await report.paths(metrics, after))].sort(byWeight);
  const findings = await Promise.all(
    suspicions.map((suspicion, i) =>
      i < MOST_SHOWN ? report.shown(suspicion) : Promise.resolve(bare(suspicion, [report.text(suspicion)])),
    ),
  );
  const joined = joinMetas(answers);
  return new Explanation({
    subject: subjectOf(scope),
    findings: findings.sort(byWeight),
    figures: scopeFigures(before, after),
    meta: {
      fromMs,
      toMs,
      against: { fromMs: fromMs - againstMs, toMs: toMs - againstMs },
      promql: [...new Set(joined.promql)],
      complete: joined.complete && report.warnings.length === 0,
      warnings: [...joined.warnings, ...report.warnings],
      infos: [...joined.infos, ...report.infos],
      tookMs: asked.tookMs,
    },
  });
}

interface Frame {
  readonly fromMs: number;
  readonly toMs: number;
  readonly againstMs: number;
  readonly examples: number;
}

/** Asks the other signals for what the metrics made suspicious, and keeps what they could not say. */
class Report {
  readonly warnings: string[] = [];
  readonly infos: string[] = [];
  readonly #source: ExplainSource;
  readonly #options: AskOptions;
  readonly #frame: Frame;

  constructor(source: ExplainSource, { signal, timeoutMs }: AskOptions, frame: Frame) {
    this.#source = source;
    this.#options = { signal, timeoutMs };
    this.#frame = frame;
  }

  /** What access logs say of paths, where failures or slowness are to be explained. */
  async paths(suspicions: readonly Suspicion[], after: WindowView): Promise<readonly Suspicion[]> {
    const { logs } = this.#source;
    const isSlower = suspicions.some(({ kind }) => kind === "slower" || kind === "slow-version");
    if (logs === undefined || !(isSlower || suspicions.some(({ kind }) => kind === "errors"))) return [];
    const { toMs, fromMs, againstMs } = this.#frame;
    const seconds = Math.min(
      (toMs - fromMs) / 1000,
      after.rate > 0 ? ENOUGH_CALLS / after.rate : Number.POSITIVE_INFINITY,
    );
    if (seconds < (toMs - fromMs) / 1000) {
      this.infos.push(
        `paths are told from the last ${Math.round(seconds)} s of access logs, which are ${ENOUGH_CALLS} calls`,
      );
    }
    const window = (endMs: number) =>
      logs.topPaths({ from: endMs - seconds * 1000, to: endMs, limit: Number.MAX_SAFE_INTEGER, ...this.#options });
    const seen = await this.#tried("access logs", async () => Promise.all([window(toMs - againstMs), window(toMs)]));
    if (seen === undefined) return [];
    for (const { meta } of seen) if (!meta.complete) this.warnings.push("access logs: some lines are missing");
    return pathSuspicions({ before: seen[0], after: seen[1], seconds, isSlower });
  }

  /** The finding with its beginning and its examples. */
  async shown(suspicion: Suspicion): Promise<Finding> {
    const [sinceMs, calls, traces] = await Promise.all([
      this.#onset(suspicion),
      this.#calls(suspicion),
      this.#traces(suspicion),
    ]);
    const told = this.#source.logs === undefined ? suspicion : denialTold(suspicion, calls);
    return { ...bare(told, [this.text(suspicion)]), sinceMs, calls, traces };
  }

  /** The query that shows a suspicion's course. */
  text(suspicion: Suspicion): string {
    return print(this.#course(suspicion));
  }

  #course({ kind, shows, side }: Suspicion): Expr {
    const { scope } = this.#source;
    const windowMs = this.#stepMs * 2;
    if (kind === "retried") return triesOf(endMatchers(scope), windowMs);
    const lost = kind === "unreachable" ? lostCalls(scope)?.lost : undefined;
    const selection = { matchers: lost ?? endMatchers(scope), side, shows };
    return courseOf(selection, windowMs, kind.startsWith("slow") ? "mean" : "rate");
  }

  get #stepMs(): number {
    const { fromMs, toMs } = this.#frame;
    const scrapeMs = this.#source.context.backend?.scrapeIntervalMs ?? 15_000;
    return Math.max(Math.ceil((toMs - fromMs) / POINTS), 2 * scrapeMs);
  }

  async #onset(suspicion: Suspicion): Promise<number | undefined> {
    const { backend } = this.#source.context;
    const figure = suspicion.figures.find(({ unit }) => unit === (suspicion.kind.startsWith("slow") ? "ms" : "req/s"));
    // What lasts began before either window.
    if (backend === undefined || figure?.after === undefined || suspicion.kind === "lasting") return undefined;
    const { fromMs, toMs } = this.#frame;
    const stepMs = this.#stepMs;
    const grid = { startMs: fromMs - (toMs - fromMs), endMs: toMs, stepMs };
    const expr = this.#course(suspicion);
    const answer = await this.#tried("metrics", () => backend.range(expr, grid, this.#options));
    if (answer === undefined) return undefined;
    const meta = metaOf(backend.name, print(expr), answer, "warn");
    const [course] = matrixOf(answer.data, by(), { unit: figure.unit, meta, ...grid }).series;
    const since = course && onsetOf(course, figure.before ?? 0, figure.after);
    return since !== undefined && since >= fromMs ? since : undefined;
  }

  async #calls({ examples: wanted }: Suspicion): Promise<readonly Call[]> {
    const { logs } = this.#source;
    const { fromMs, toMs, examples } = this.#frame;
    if (logs === undefined || wanted === undefined || examples === 0) return [];
    const search = () => logs.calls({ from: fromMs, to: toMs, limit: examples, ...wanted, ...this.#options });
    return (await this.#tried("access logs", async () => search())) ?? [];
  }

  async #traces({ examples: wanted }: Suspicion): Promise<readonly Trace[]> {
    const { traces } = this.#source;
    const { fromMs, toMs, examples } = this.#frame;
    if (traces === undefined || wanted === undefined || examples === 0) return [];
    const { errors, slowerThan } = wanted;
    if (errors === undefined && slowerThan === undefined) return [];
    const search = () => traces.find({ from: fromMs, to: toMs, limit: examples, errors, slowerThan, ...this.#options });
    return (await this.#tried("traces", async () => search())) ?? [];
  }

  /** What a signal says, or `undefined` with a warning: one signal less is still a report. */
  async #tried<T>(signal: string, ask: () => PromiseLike<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof MeshQueryError)) throw error;
      this.warnings.push(`${signal}: ${error.message}`);
      return undefined;
    }
  }
}

/** In metrics an application's own 403 looks like a policy's: where no line tells of a policy, it is the application's. */
function denialTold(suspicion: Suspicion, calls: readonly Call[]): Suspicion {
  if (suspicion.kind !== "denied" || calls.length > 0) return suspicion;
  const message = suspicion.message.replace("are denied", "are refused, by no policy that access logs tell of");
  return { ...suspicion, kind: "client-errors", message };
}

const bare = ({ kind, message, affected, figures }: Suspicion, promql: readonly string[]): Finding => ({
  kind,
  message,
  affected,
  figures,
  sinceMs: undefined,
  promql,
  traces: [],
  calls: [],
});

/**
 * What selects the calls of a scope's callers that found nobody, where the scope names the callee by what only an answer
 * tells: its workload, app, version or identity, or the namespace that it runs in.
 */
function lostCalls(scope: Scope): { readonly lost: readonly Matcher[]; readonly isServed: boolean } | undefined {
  const { destination, ...rest } = scope;
  if (destination === undefined) return undefined;
  const { workload, app, version, principal, ...told } = destination;
  const isServed = [workload, app, version, principal].some((part) => part !== undefined);
  // A service or a host is named in every series of its calls.
  if (!isServed && (told.namespace === undefined || told.service !== undefined)) return undefined;
  return { lost: endMatchers({ ...rest, destination: told }, "source"), isServed };
}

const nameOf = (peer: Peer | undefined): string =>
  [peer?.workload ?? peer?.service ?? peer?.app ?? peer?.host, peer?.version, peer?.namespace]
    .filter((part) => part !== undefined)
    .join(" ") || "anyone";

function subjectOf({ source, destination }: Scope): string {
  return source === undefined && destination === undefined ? "the mesh" : `${nameOf(source)} to ${nameOf(destination)}`;
}
