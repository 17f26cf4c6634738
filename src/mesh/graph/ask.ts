import { QueryError } from "../../errors.ts";
import { metaOf } from "../../metrics/answer.ts";
import type { Answer, InstantData, MetricsBackend, VectorData } from "../../metrics/backend.ts";
import type { Context } from "../../metrics/query.ts";
import { type Expr, escapePattern, type Matcher, print, seriesTest } from "../../promql/index.ts";
import { type AskOptions, type Duration, durationMs, resolveSpan, shown, type TimeSpan } from "../../time.ts";
import { together } from "../../traces/together.ts";
import { type FoldRules, fold } from "./fold.ts";
import { Graph } from "./graph.ts";
import type { GraphGrouping } from "./node.ts";
import type { GraphMeta } from "./part.ts";
import { durationsOf, type GraphSelection, namespaceMatchers, requestsOf, volumesOf } from "./questions.ts";

/** Which graph is wanted. */
export type GraphOptions = TimeSpan &
  AskOptions & {
    /** Only traffic of which either end is in one of these namespaces; all traffic when left out. */
    readonly namespaces?: readonly string[] | undefined;
    /** What the nodes stand for; `"workload"` when left out. */
    readonly groupBy?: GraphGrouping | undefined;
    /** The same length of time so much earlier, to compare with: `"1d"` is yesterday. */
    readonly against?: Duration | undefined;
  };

/** What a graph is made with. */
export interface GraphSource {
  readonly context: Context;
  /** Sets of matchers; a failed request has all of any one of them. */
  readonly failures: readonly (readonly Matcher[])[];
}

const GROUPINGS: readonly GraphGrouping[] = ["app", "service", "version", "workload"];

const QUESTIONS = [requestsOf, durationsOf, volumesOf] as const;

/** Asks for the whole graph: three questions for each window, however large the mesh is. */
export async function askGraph({ context, failures }: GraphSource, options: GraphOptions): Promise<Graph> {
  const { groupBy = "workload", signal, timeoutMs } = options;
  const backend = checked(context.backend);
  if (!GROUPINGS.includes(groupBy)) {
    throw new QueryError("grouping", `graph: groupBy ${shown(groupBy)} is none of ${GROUPINGS.map(shown).join(", ")}`);
  }
  const startedMs = context.now();
  const { fromMs, toMs } = resolveSpan(spanOf(options), startedMs, "graph");
  const windowMs = Math.round(toMs - fromMs);
  if (windowMs <= 0) throw new QueryError("range", 'graph: the range is empty; write { last: "10m" } or { from, to }');
  const againstMs = options.against === undefined ? undefined : durationMs(options.against, "graph: against", "range");
  const selection = {
    windowMs,
    namespaces: namespacesOf(options.namespaces),
    failureLabels: failures.flatMap((set) => set.map(({ label }) => label)),
  };
  const offsets = againstMs === undefined ? [0] : [0, againstMs];
  const exprs = offsets.flatMap((offsetMs) => QUESTIONS.map((question) => question({ ...selection, offsetMs })));
  // The backend's own clock says what is now.
  const atMs = options.last === undefined ? toMs : undefined;
  const answers = await together(exprs, signal, (expr, ended) =>
    backend.instant(expr, atMs, { signal: ended, timeoutMs }),
  );
  const rules = rulesOf(groupBy, failures);
  const frame = { backend, groupBy, tookMs: context.now() - startedMs, onPartial: context.onPartial };
  const part = (index: number) => ({ exprs: exprs.slice(index, index + 3), answers: answers.slice(index, index + 3) });
  const before =
    againstMs === undefined
      ? undefined
      : graphFrom(part(3), rules, { ...frame, fromMs: fromMs - againstMs, toMs: toMs - againstMs });
  return graphFrom(part(0), rules, { ...frame, fromMs, toMs }, before);
}

interface Frame {
  readonly backend: MetricsBackend;
  readonly groupBy: GraphGrouping;
  readonly fromMs: number;
  readonly toMs: number;
  readonly tookMs: number;
  readonly onPartial: Context["onPartial"];
}

interface Part {
  readonly exprs: readonly Expr[];
  readonly answers: readonly Answer<InstantData>[];
}

function graphFrom({ exprs, answers }: Part, rules: FoldRules, frame: Frame, before?: Graph): Graph {
  const { backend, onPartial, ...known } = frame;
  const texts = exprs.map(print);
  const metas = answers.map((answer, i) => metaOf(backend.name, texts[i] ?? "", answer, onPartial));
  const [requests, durations, volumes] = answers.map(({ data }) => vectorIn(data));
  const folded = fold({ requests: requests ?? EMPTY, durations: durations ?? EMPTY, volumes: volumes ?? EMPTY }, rules);
  const meta: GraphMeta = {
    ...known,
    backend: backend.name,
    promql: texts,
    requests: texts.length + (before?.meta.requests ?? 0),
    complete: metas.every(({ complete }) => complete),
    warnings: [...new Set(metas.flatMap(({ warnings }) => warnings))],
    infos: [...new Set([...metas.flatMap(({ infos }) => infos), ...folded.notes])],
  };
  return new Graph(folded, meta, before);
}

const EMPTY: VectorData = { kind: "vector", labels: [], timesMs: new Float64Array(), values: new Float64Array() };

const vectorIn = (data: InstantData): VectorData => (data.kind === "vector" ? data : EMPTY);

function rulesOf(grouping: GraphGrouping, failures: GraphSource["failures"]): FoldRules {
  const tests = failures.map((set) => seriesTest(set));
  return { grouping, hasFailed: (labels) => tests.some((test) => test(labels)) };
}

function namespacesOf(names: readonly string[] | undefined): GraphSelection["namespaces"] {
  if (names === undefined) return [];
  if (!Array.isArray(names) || names.length === 0 || names.some((name) => typeof name !== "string" || name === "")) {
    throw new QueryError("scope", 'graph: namespaces is a list of names such as ["default"]; leave it out for all');
  }
  const [only] = names;
  if (names.length === 1 && only !== undefined) return namespaceMatchers({ op: "=", value: only });
  return namespaceMatchers({ op: "=~", value: names.map(escapePattern).join("|") });
}

/** The span alone of what the options say. */
const spanOf = (options: GraphOptions): TimeSpan =>
  options.last !== undefined ? { last: options.last } : { from: options.from, to: options.to };

function checked(backend: MetricsBackend | undefined): MetricsBackend {
  if (backend !== undefined) return backend;
  throw new QueryError(
    "config",
    'graph: this mesh has no metrics backend; write createMesh({ metrics: prometheus("http://prometheus:9090") })',
  );
}
