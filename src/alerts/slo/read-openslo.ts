import * as z from "zod/mini";
import { QueryError, RuleFileError } from "../../errors.ts";
import { binary, call, type Expr, matrix, number, parse, transform, walk } from "../../promql/index.ts";
import { type Duration, durationMs, parseDuration, shown } from "../../time.ts";
import { problemOf } from "../rulefile/issue.ts";
import { readYaml } from "../rulefile/yaml.ts";
import { Decimal } from "./decimal.ts";
import type { Counted } from "./indicator.ts";
import { burnAlertsOf, type Policies } from "./openslo-alerts.ts";
import { type Slo, type SloOptions, slo } from "./slo.ts";

/** What the text does not say. */
export interface OpenSloOptions
  extends Pick<SloOptions, "alerts" | "interval" | "labels" | "minTraffic" | "retention"> {
  /** Whose metrics the queries are asked of. */
  readonly mesh: {
    /** As the mesh's own: a query of raw PromQL. */
    promql(source: Expr): Counted;
  };
  /** What errors call the text, such as its path. */
  readonly file?: string | undefined;
}

const SOURCE = z.object({ metricSource: z.object({ spec: z.object({ query: z.string() }) }) });
const INDICATOR = z.object({
  spec: z.object({
    ratioMetric: z.object({
      counter: z.optional(z.boolean()),
      good: z.optional(SOURCE),
      bad: z.optional(SOURCE),
      total: SOURCE,
    }),
  }),
});
const DOCUMENT = z.object({
  apiVersion: z.literal("openslo/v1"),
  kind: z.string(),
  metadata: z.object({ name: z.string() }),
  spec: z.unknown(),
});
const SPEC = z.object({
  indicator: z.optional(INDICATOR),
  indicatorRef: z.optional(z.string()),
  timeWindow: z.tuple([z.object({ duration: z.string(), isRolling: z.literal(true) })]),
  budgetingMethod: z.literal("Occurrences"),
  alertPolicies: z.optional(z.array(z.unknown())),
  objectives: z.tuple([z.object({ target: z.optional(z.number()), targetPercent: z.optional(z.number()) })]),
});

/**
 * The SLOs of a text of OpenSLO v1: each with one objective over a rolling window, and a ratio of occurrences that is
 * counted in PromQL. An indicator stands in its SLO, or as an `SLI` in the same text.
 *
 * Queries are of counters (`counter: true`), or have `[{{.window}}]` where a window belongs. What cannot be read is an
 * error. Its alert policies, in it or in the same text, are lines of its table: burn rates over one time. Without any the
 * alerts are the usual ones of its window, and `alerts` goes before both. Whom a policy tells is not read: that is for
 * the routes of an Alertmanager, by severity.
 *
 * @throws {RuleFileError} with the file, the document and the path of what is wrong
 * @throws {QueryError} as {@link slo}
 * @example
 * import { readFileSync } from "node:fs";
 *
 * const [backend] = fromOpenSLO(readFileSync("backend.yml", "utf8"), { mesh });
 */
export function fromOpenSLO(text: string, { mesh, file = "the text", ...options }: OpenSloOptions): readonly Slo[] {
  if (typeof text !== "string") throw new QueryError("string", `fromOpenSLO: text is wanted, not ${shown(text)}`);
  const documents = readYaml(text).map((document, i) => {
    const place = { file, document: i + 1 };
    if (document.problem !== undefined) throw failure("syntax", place, "", document.problem, document.cause);
    return { place, content: document.content };
  });
  const read = documents
    .filter(({ content }) => content !== null && content !== undefined)
    .map(({ place, content }) => ({ place, ...checked(DOCUMENT, content, place, "") }));
  const named = new Map(
    read
      .filter(({ kind }) => kind === "SLI")
      .map(({ place, metadata, spec }) => [metadata.name, checked(INDICATOR, { spec }, place, "")]),
  );
  return read
    .filter(({ kind }) => kind === "SLO")
    .map(({ place, metadata, spec }) => {
      const {
        indicator,
        indicatorRef = "",
        timeWindow,
        objectives,
        alertPolicies = [],
      } = checked(SPEC, spec, place, "spec");
      const found = indicator ?? named.get(indicatorRef);
      if (found === undefined) {
        throw failure("shape", place, "spec.indicatorRef", `no SLI is called ${shown(indicatorRef)} in the text`);
      }
      const [{ target, targetPercent }] = objectives;
      const objective = target ?? (targetPercent === undefined ? undefined : (`${targetPercent}%` as const));
      if (objective === undefined) throw failure("shape", place, "spec.objectives[0]", "target is missing");
      const share = Decimal.read(objective)?.value ?? 0;
      if (!(share > 0 && share < 1)) {
        throw failure("shape", place, "spec.objectives[0]", `${shown(objective)} is no share between 0 and 1`);
      }
      const [{ duration }] = timeWindow;
      if (!((parseDuration(duration) ?? 0) > 0)) {
        const why = `${shown(duration)} is no length of time that is always the same; write 30d or 4w`;
        throw failure("shape", place, "spec.timeWindow[0].duration", why);
      }
      const { good, bad, total, counter = false } = found.spec.ratioMetric;
      const query = (one: z.infer<typeof SOURCE>): ((window: Duration) => Expr) =>
        windowed(one.metricSource.spec.query, counter, place);
      const all = query(total);
      const policies: Policies = {
        checked: (schema, content, path) => checked(schema, content, place, path),
        named: (kind, name, path) => {
          const other = read.find((one) => one.kind === kind && one.metadata.name === name);
          return other ?? policies.refuse(path, `no ${kind} is called ${shown(name)} in the text`);
        },
        refuse: (path, why) => {
          throw failure("shape", place, path, why);
        },
      };
      const alerts = burnAlertsOf(alertPolicies, policies);
      return slo({
        ...options,
        alerts: options.alerts ?? (alerts.length === 0 ? undefined : alerts),
        name: metadata.name,
        objective,
        window: duration,
        of: {
          errors: (window) => mesh.promql(errorsOf(good && query(good), bad && query(bad), all, place)(window)),
          total: (window) => mesh.promql(all(window)),
        },
      });
    });
}

type Windowed = (window: Duration) => Expr;

function errorsOf(good: Windowed | undefined, bad: Windowed | undefined, total: Windowed, place: Place): Windowed {
  if (bad !== undefined && good === undefined) return bad;
  if (good === undefined || bad !== undefined) {
    throw failure("shape", place, "spec.indicator.spec.ratioMetric", "one of good and bad is wanted");
  }
  return (window) => call("clamp_min", binary("-", total(window), good(window)), number(0));
}

/** A query over any window: where the text has a place for it, otherwise the rate of each counter. */
function windowed(query: string, counter: boolean, place: Place): Windowed {
  const hole = /\{\{\s*\.window\s*\}\}/g;
  if (hole.test(query)) return (window) => parsed(query.replace(hole, window), place);
  const counters = parsed(query, place);
  walk(counters, (node) => {
    if (counter && node.kind !== "matrix" && node.kind !== "subquery") return;
    throw failure(
      "shape",
      place,
      "spec.indicator.spec.ratioMetric",
      `${shown(query)} has no window; write counter: true and the counters alone, or rate(…[{{.window}}])`,
    );
  });
  return (window) =>
    transform(counters, (node) =>
      node.kind === "vector" ? call("rate", matrix(node, durationMs(window, "fromOpenSLO"))) : node,
    );
}

function parsed(query: string, place: Place): Expr {
  try {
    return parse(query);
  } catch (cause) {
    throw failure("promql", place, "spec.indicator.spec.ratioMetric", String(cause), cause);
  }
}

interface Place {
  readonly file: string;
  readonly document: number;
}

function checked<T>(schema: z.ZodMiniType<T>, content: unknown, place: Place, above: string): T {
  const read = z.safeParse(schema, content);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const path = [above, ...(issue?.path ?? []).map(String)].filter((part) => part !== "").join(".");
  throw failure("shape", place, path, issue === undefined ? "is not of OpenSLO v1" : problemOf(issue));
}

function failure(code: RuleFileError["code"], place: Place, path: string, why: string, cause?: unknown): RuleFileError {
  const where = `${place.file}, document ${place.document}${path === "" ? "" : `, ${path}`}`;
  return new RuleFileError(code, `fromOpenSLO: ${where}: ${why}`, { ...place, path, cause });
}
