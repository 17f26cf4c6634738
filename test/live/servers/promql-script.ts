/** Runs Prometheus's own test scripts (`promql/promqltest`) against the engine. */
import type { Expr } from "../../../src/promql/index.ts";
import {
  aggregate,
  binary,
  call,
  type EvaluatedInstant,
  type EvaluatedSeries,
  type EvaluatedVector,
  EvaluationError,
  evaluate,
  type LabelRecord,
  type Matcher,
  type MemoryStorage,
  matcher,
  matrix,
  memoryStorage,
  type NativeHistogram,
  type NotedSeries,
  PromqlSyntaxError,
  parse,
  parseSeries,
  print,
  type SeriesStorage,
  type StoredSeries,
  selector,
  seriesTest,
  subquery,
  unary,
} from "../../../src/promql/index.ts";
import { parseDuration } from "../../../src/time.ts";

/** How one case of a script went. */
export interface CaseResult {
  readonly line: number;
  readonly expr: string;
  /** `unsupported`: refused by name, because it needs what is not evaluated here. */
  readonly outcome: "failed" | "passed" | "unsupported";
  readonly why?: string;
}

/** Runs a script from its first line to its last, each case over what was loaded before it. */
export function runScript(text: string): CaseResult[] {
  // A comment ends a block as an empty line does.
  const lines = text.split("\n").map((line) => (line.trim().startsWith("#") ? "" : line.trim()));
  const results: CaseResult[] = [];
  let storage = new ScriptStorage();
  for (let i = 0; i < lines.length; ) {
    const line = lines[i] ?? "";
    const start = i++;
    if (line === "") continue;
    const block: string[] = [];
    if (!line.startsWith("clear")) for (; i < lines.length && lines[i] !== ""; i++) block.push(lines[i] ?? "");
    if (line.startsWith("clear")) storage = new ScriptStorage();
    else if (line.startsWith("load")) storage.loadBlock(line, block);
    else results.push(runCase(readCase(line, block, start + 1), storage));
  }
  return results;
}

/** Float series as they are loaded, and the names of those that need native histograms or start timestamps. */
class ScriptStorage implements SeriesStorage {
  readonly #floats: MemoryStorage = memoryStorage();
  readonly #beyond: { readonly labels: LabelRecord; readonly why: string }[] = [];

  loadBlock(command: string, lines: readonly string[]): void {
    const [, histograms, step = ""] = /^load(_with_nhcb)?\s+(\S+)$/.exec(command) ?? [];
    for (const line of lines.map(withQuotedNames)) {
      const [metric = "", started] = /^(?:[^\s{@]|\{(?!\{)[^}]*\})*(@st)?/.exec(line) ?? [];
      const why = started === undefined ? "native histograms" : "start timestamps";
      if (started !== undefined) {
        this.#beyond.push({ labels: parseSeries(`${metric.replace("@st", "")} _`).labels, why });
      } else {
        this.#floats.load(line, { step, start: 0 });
        if (histograms !== undefined) this.#converted(parseSeries(line).labels);
      }
    }
  }

  /** `load_with_nhcb` makes native histograms of the classic ones. */
  #converted({ le: _, ...labels }: LabelRecord & { readonly le?: string }): void {
    const name = labels.__name__?.replace(/_(?:bucket|count|sum)$/, "");
    if (name === undefined || name === labels.__name__) return;
    for (const [time, histogram] of convertedHistogram({ ...labels, __name__: name }, this.#floats)) {
      this.#floats.append({ ...labels, __name__: name }, time, histogram);
    }
  }

  select(matchers: readonly Matcher[], fromMs: number, toMs: number) {
    const matches = seriesTest(matchers);
    const beyond = this.#beyond.find(({ labels }) => matches(labels));
    if (beyond !== undefined) throw new EvaluationError("unsupported", `${beyond.why} are not supported`);
    return this.#floats.select(matchers, fromMs, toMs);
  }
}

/** The native histograms, with the bounds of its buckets, that a classic histogram is at each of its times. */
function convertedHistogram(labels: LabelRecord, storage: SeriesStorage): Map<number, NativeHistogram> {
  const { __name__: name = "", ...rest } = labels;
  const matchers = Object.entries(rest).map(([label, value]) => matcher(label, "=", value));
  const read = (suffix: string) =>
    [...storage.select([matcher("__name__", "=", `${name}_${suffix}`), ...matchers], -1e15, 1e15)].filter(
      ({ labels: found }) => keyOf({ ...found, le: "", __name__: "" }) === keyOf(rest),
    );
  const buckets = read("bucket")
    .map((series) => ({ series, bound: numberOf(series.labels.le ?? "") }))
    .sort((a, b) => a.bound - b.bound);
  const bounds = buckets.map(({ bound }) => bound).filter(Number.isFinite);
  const [count, sum] = [read("count")[0], read("sum")[0]];
  const at = (series: StoredSeries | undefined, time: number) => series?.values[series.timesMs.indexOf(time)];
  const histograms = new Map<number, NativeHistogram>();
  for (const time of new Set(buckets.flatMap(({ series }) => [...series.timesMs]))) {
    const upTo = buckets.map(({ series }) => at(series, time) ?? Number.NaN);
    const total = at(count, time) ?? upTo[upTo.length - 1] ?? 0;
    const counts = [
      ...bounds.map((_, i) => (upTo[i] ?? 0) - (upTo[i - 1] ?? 0)),
      total - (upTo[bounds.length - 1] ?? 0),
    ];
    const populated = [...counts.keys()].filter((i) => counts[i] !== 0);
    histograms.set(time, {
      schema: -53,
      bounds,
      count: total,
      sum: at(sum, time) ?? 0,
      zeroCount: 0,
      zeroThreshold: 0,
      positive: { indexes: populated, counts: populated.map((i) => counts[i] ?? 0) },
      negative: { indexes: [], counts: [] },
      hint: "unknown",
    });
  }
  return histograms;
}

/** Names that a server takes without quotes under `promql-unquoted-utf8-names` only. */
const hasUnquotedNames = (text: string): boolean =>
  /[^\0-\x7f]|[A-Za-z_]\.[A-Za-z_.\d]/.test(text.replace(/"(?:[^"\\]|\\.)*"|'[^']*'|`[^`]*`/g, ""));

/** A series with all its names in quotes, where some of them need those. */
function withQuotedNames(line: string): string {
  const [metric = "", name = "", labels = ""] = /^([^\s{@]*)(?:\{(?!\{)([^}]*)\})?/.exec(line) ?? [];
  if (!hasUnquotedNames(metric)) return line;
  const quoted = labels.replace(/([^\s,="]+)\s*=\s*("(?:[^"\\]|\\.)*")/g, '"$1"=$2');
  const all = name === "" ? quoted : `"${name}"${quoted === "" ? "" : `,${quoted}`}`;
  return `{${all}}${line.slice(metric.length)}`;
}

interface Case {
  readonly line: number;
  readonly expr: string;
  readonly at: { readonly at: number } | { readonly from: number; readonly to: number; readonly step: number };
  readonly fails: boolean;
  readonly ordered: boolean;
  readonly messages: readonly Expected[];
  readonly text: string | undefined;
  readonly scalar: number | undefined;
  /** The grid of a range vector that an instant query gives. */
  readonly grid: { readonly from: number; readonly step: number } | undefined;
  readonly series: readonly string[];
}

/** What is said of an expected error, warning or remark. */
interface Expected {
  readonly kind: string;
  readonly matches: (message: string) => boolean;
  readonly shown: string;
}

const INSTANT = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+at\s+(\S+)\s+(.+)$/;
const RANGE = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/;
const EXPECT = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/;
const EXPECT_RANGE = /^expect range vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$/;

function readCase(line: string, block: readonly string[], number: number): Case {
  const instant = INSTANT.exec(line);
  const range = RANGE.exec(line);
  const mode = instant?.[1] ?? range?.[1];
  const messages: Expected[] = [];
  if (mode === "warn" || mode === "info") messages.push({ kind: mode, matches: () => true, shown: "anything" });
  let text: string | undefined;
  let scalar: number | undefined;
  let grid: Case["grid"];
  const series: string[] = [];
  for (const expected of block) {
    const expectation = EXPECT.exec(expected);
    const ranged = EXPECT_RANGE.exec(expected);
    if (expected.startsWith("expect string ")) text = JSON.parse(goString(expected.slice(14))) as string;
    else if (ranged !== null) grid = { from: ms(ranged[1]), step: ms(ranged[3]) };
    else if (expectation !== null) messages.push(readExpectation(expectation));
    else if (expected.startsWith("expected_fail_message ")) {
      messages.push(readExpectation(["", "fail", "msg", expected.slice(22)]));
    } else if (expected.startsWith("expected_fail_regexp ")) {
      messages.push(readExpectation(["", "fail", "regex", expected.slice(21)]));
    } else if (/^[-+]?(?:[\d.]\S*|inf|nan)$/i.test(expected)) scalar = numberOf(expected);
    else series.push(withQuotedNames(expected));
  }
  return {
    line: number,
    expr: (instant?.[3] ?? range?.[5] ?? "").trim(),
    at: instant === null ? { from: ms(range?.[2]), to: ms(range?.[3]), step: ms(range?.[4]) } : { at: ms(instant[2]) },
    fails: mode === "fail" || messages.some(({ kind }) => kind === "fail"),
    ordered: mode === "ordered" || messages.some(({ kind }) => kind === "ordered"),
    messages,
    text,
    scalar,
    grid,
    series,
  };
}

function readExpectation([, kind = "", how, rest = ""]: readonly (string | undefined)[]): Expected {
  const wanted = rest.trim();
  if (how === undefined) return { kind, matches: () => true, shown: "anything" };
  const pattern = how === "regex" ? new RegExp(wanted.replace(/\(\?i\)/, ""), "i") : undefined;
  return { kind, matches: (message) => pattern?.test(message) ?? message === wanted, shown: wanted };
}

const goString = (text: string): string =>
  text.startsWith("`") ? JSON.stringify(text.slice(1, -1)) : text.startsWith("'") ? `"${text.slice(1, -1)}"` : text;

function numberOf(text: string): number {
  if (/^[-+]?inf$/i.test(text)) return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}

function ms(text = ""): number {
  const sign = text.startsWith("-") ? -1 : 1;
  const length = /^\d+$/.test(text) ? Number(text) : parseDuration(text.replace(/^-/, ""));
  if (length === undefined) throw new Error(`the script says ${text}, which is no duration`);
  return sign * length;
}

/** As Prometheus runs its scripts. */
const OPTIONS = { delayedNameRemoval: true, experimental: true, subqueryStep: "1m" } as const;

function runCase(one: Case, storage: SeriesStorage): CaseResult {
  const { line, expr } = one;
  if (hasUnquotedNames(expr)) return { line, expr, outcome: "unsupported", why: "such names without quotes" };
  try {
    for (const [text, at] of variants(one)) checkVariant(one, text, at, storage);
    return { line, expr, outcome: "passed" };
  } catch (error) {
    const isRefusal = error instanceof EvaluationError || error instanceof PromqlSyntaxError;
    if (isRefusal && error.code === "unsupported") return { line, expr, outcome: "unsupported", why: error.message };
    // Text that is no UTF-8 is refused when it is read; Prometheus refuses it when it becomes a label.
    if (one.fails && error instanceof PromqlSyntaxError) return { line, expr, outcome: "passed" };
    return { line, expr, outcome: "failed", why: error instanceof Error ? error.message : String(error) };
  }
}

/** The case itself, and for an instant query the same with every selector's time fixed, asked at other times. */
function variants(one: Case): [string, Case["at"]][] {
  const all: [string, Case["at"]][] = [[one.expr, one.at]];
  if (!("at" in one.at)) return all;
  const expr = parse(one.expr, { ...OPTIONS, query: { rangeMs: 0, stepMs: 0 } });
  const evalMs = one.at.at;
  if (looksAtTime(expr)) return all;
  const fixed = print(fixedAt(expr, evalMs));
  const others = evalMs === 0 ? [-1000, 1000] : [-10 * evalMs, 0, Math.trunc(evalMs / 5), evalMs, 10 * evalMs];
  for (const at of others) all.push([fixed, { at }]);
  return all;
}

const TIMED =
  /^(?:day_of_month|day_of_week|day_of_year|days_in_month|end|hour|minute|month|predict_linear|range|start|step|time|timestamp|year)$/;

const childrenOf = (expr: Expr): readonly Expr[] => {
  switch (expr.kind) {
    case "call":
      return expr.args;
    case "aggregation":
      return expr.param === undefined ? [expr.expr] : [expr.expr, expr.param];
    case "binary":
      return [expr.left, expr.right];
    case "unary":
    case "subquery":
      return [expr.expr];
    default:
      return [];
  }
};

function looksAtTime(expr: Expr): boolean {
  if (expr.kind === "call" && (TIMED.test(expr.func) || expr.func === "info")) return true;
  return childrenOf(expr).some(looksAtTime);
}

function fixedAt(expr: Expr, atMs: number): Expr {
  const inner = (child: Expr): Expr => fixedAt(child, atMs);
  switch (expr.kind) {
    case "vector":
      return selector(expr.name, expr.matchers, { ...expr, at: expr.at ?? atMs });
    case "matrix": {
      const fixed = inner(expr.selector);
      return fixed.kind === "vector" ? matrix(fixed, expr.rangeMs) : expr;
    }
    case "subquery":
      return subquery(expr.expr, expr.rangeMs, expr.stepMs, { ...expr, at: expr.at ?? atMs });
    case "call":
      return call(expr.func, ...expr.args.map(inner));
    case "aggregation":
      return aggregate(expr.op, inner(expr.expr), { ...expr, param: expr.param && inner(expr.param) });
    case "binary":
      return binary(expr.op, inner(expr.left), inner(expr.right), expr);
    case "unary":
      return unary(expr.op, inner(expr.expr));
    default:
      return expr;
  }
}

function checkVariant(one: Case, text: string, at: Case["at"], storage: SeriesStorage): void {
  const found = attempt(text, at, storage);
  if (one.fails) {
    if (!(found instanceof EvaluationError)) throw new Error(`${text}: an error is expected`);
    if (found.code === "unsupported") throw found;
    const wanted = one.messages.find(({ kind }) => kind === "fail");
    if (wanted !== undefined && !wanted.matches(found.message)) {
      throw new Error(`${text}: the error should be ${wanted.shown}, it is ${found.message}`);
    }
    return;
  }
  if (found instanceof EvaluationError) throw found;
  checkRemarks(one, text, found, text === one.expr);
  compare(one, text, found);
  if (!("at" in at) || one.ordered || one.grid !== undefined || one.text !== undefined) return;
  if (/(?:start|end|range|step)\(\)/.test(text)) return;
  // The same in the middle of a range.
  const range = evaluate(text, { from: at.at - 60_000, to: at.at + 60_000, step: "1m" }, storage, OPTIONS);
  compare(one, `${text} over a range`, atMiddle(range.series, at.at, found));
}

function attempt(text: string, at: Case["at"], storage: SeriesStorage): EvaluatedInstant | EvaluationError {
  try {
    return evaluate(text, at, storage, OPTIONS);
  } catch (error) {
    if (error instanceof EvaluationError) return error;
    throw error;
  }
}

function atMiddle(series: readonly EvaluatedSeries[], atMs: number, instant: EvaluatedInstant): EvaluatedInstant {
  const there = series.flatMap(({ labels, timesMs, values, histograms }) => {
    const place = timesMs.indexOf(atMs);
    const value = values[place];
    return value === undefined ? [] : [{ labels, value, histogram: histograms?.[place] }];
  });
  const none = { warnings: [], infos: [] };
  if (instant.kind === "scalar") {
    return { kind: "scalar", timeMs: atMs, value: there[0]?.value ?? Number.NaN, ...none };
  }
  return {
    kind: "vector",
    labels: there.map(({ labels }) => labels),
    timesMs: new Float64Array(there.length).fill(atMs),
    values: Float64Array.from(there, ({ value }) => value),
    histograms: there.map(({ histogram }) => histogram),
    ...none,
  };
}

/** In another text than the case's own the same remark may have another place. */
function checkRemarks(one: Case, text: string, { warnings, infos }: EvaluatedInstant, isOwn: boolean): void {
  for (const [kind, found] of [
    ["warn", warnings],
    ["info", infos],
  ] as const) {
    const expected = one.messages.filter((message) => message.kind === kind);
    const fits = (wanted: Expected, message: string): boolean =>
      wanted.matches(message) || (!isOwn && placeless(wanted.shown) === placeless(message));
    const missing = expected.find((wanted) => !found.some((message) => fits(wanted, message)));
    if (missing !== undefined)
      throw new Error(`${text}: ${kind} ${missing.shown} is expected, not ${found.join("; ")}`);
    const forbidden = one.messages.some((message) => message.kind === `no_${kind}`);
    const unexpected = found.find(
      (message) => forbidden || (expected.length > 0 && !expected.some((wanted) => fits(wanted, message))),
    );
    if (unexpected !== undefined) throw new Error(`${text}: nobody expects ${unexpected}`);
  }
}

const placeless = (message: string): string => message.replace(/ \(\d+:\d+\)$/, "");

function compare(one: Case, text: string, found: EvaluatedInstant): void {
  const difference = differenceOf(one, found);
  if (difference !== undefined) throw new Error(`${text}: ${difference}`);
}

/** What differs from the expected result, if anything. */
function differenceOf(one: Case, found: EvaluatedInstant): string | undefined {
  switch (found.kind) {
    case "scalar":
      if (one.scalar !== undefined && isNear(found.value, one.scalar)) return undefined;
      return `a scalar ${found.value} is found, ${one.scalar} expected`;
    case "string":
      return found.value === one.text ? undefined : `${found.value} is found, ${one.text} expected`;
    case "vector":
      return one.scalar === undefined ? vectorDifference(one, found) : "a scalar is expected";
    case "matrix": {
      const grid = "at" in one.at ? one.grid : one.at;
      return grid === undefined ? "no range vector is expected" : matrixDifference(one, found.series, grid);
    }
  }
}

function vectorDifference(one: Case, { labels, values, histograms }: EvaluatedVector): string | undefined {
  const wanted = one.series.map(parseSeries);
  const order = wanted.map((series) => keyOf(series.labels));
  const seen = labels.map(keyOf);
  const extra = seen.find((key) => !order.includes(key));
  const missing = order.find((key) => !seen.includes(key));
  if (extra !== undefined || missing !== undefined) return `${extra} is found, ${missing} expected`;
  if (one.ordered && seen.join() !== order.join()) return `the order is ${seen.join(" ")}`;
  const i = seen.findIndex((key, at) => {
    const noted = wanted[order.lastIndexOf(key)];
    return !isSame(values[at], histograms?.[at], noted?.values[0], noted?.histograms?.[0]);
  });
  return i < 0 ? undefined : `${seen[i]} is ${values[i]} ${JSON.stringify(histograms?.[i])}`;
}

function isSame(
  value: number | undefined,
  histogram: NativeHistogram | undefined,
  wantedValue: number | undefined,
  wanted: NativeHistogram | undefined,
): boolean {
  if (histogram === undefined || wanted === undefined) {
    return histogram === wanted && isNear(value ?? Number.NaN, wantedValue ?? Number.NaN);
  }
  return (
    histogram.schema === wanted.schema &&
    (wanted.hint === "unknown" || histogram.hint === wanted.hint) &&
    histogram.zeroThreshold === wanted.zeroThreshold &&
    isNear(histogram.count, wanted.count) &&
    isNear(histogram.sum, wanted.sum) &&
    isNear(histogram.zeroCount, wanted.zeroCount) &&
    [...histogram.bounds].join() === [...wanted.bounds].join() &&
    (["positive", "negative"] as const).every((side) => {
      const [found, expected] = [histogram, wanted].map((one) => populated(one[side]));
      return (
        found?.length === expected?.length &&
        found?.every(([index, count], i) => index === expected?.[i]?.[0] && isNear(count, expected?.[i]?.[1] ?? 0))
      );
    })
  );
}

const populated = ({ indexes, counts }: NativeHistogram["positive"]): (readonly [number, number])[] =>
  indexes.map((index, i) => [index, counts[i] ?? 0] as const).filter(([, count]) => count !== 0);

function matrixDifference(
  one: Case,
  found: readonly EvaluatedSeries[],
  grid: { readonly from: number; readonly step: number },
): string | undefined {
  const wanted = new Map(one.series.map(parseSeries).map((series) => [keyOf(series.labels), series]));
  for (const key of wanted.keys()) if (!found.some(({ labels }) => keyOf(labels) === key)) return `${key} is missing`;
  for (const series of found) {
    const key = keyOf(series.labels);
    const noted = wanted.get(key);
    if (noted === undefined) return `${key} is found`;
    const difference = seriesDifference(series, noted, grid);
    if (difference !== undefined) return `${key} ${difference}`;
  }
  return undefined;
}

function seriesDifference(
  { timesMs, values, histograms }: EvaluatedSeries,
  noted: NotedSeries,
  grid: { readonly from: number; readonly step: number },
): string | undefined {
  const kept = Array.from(noted.values.keys()).filter((i) => noted.omitted[i] === 0);
  if (kept.length !== values.length) return `has ${values.length} samples, not ${kept.length}: ${values.join(" ")}`;
  for (const [i, place] of kept.entries()) {
    if (timesMs[i] !== grid.from + place * grid.step) return `has a sample at ${timesMs[i]}`;
    if (!isSame(values[i], histograms?.[i], noted.values[place], noted.histograms?.[place])) {
      return `is ${values[i]} ${JSON.stringify(histograms?.[i])} at ${timesMs[i]}`;
    }
  }
  return undefined;
}

const keyOf = (labels: LabelRecord): string =>
  JSON.stringify(
    Object.entries(labels)
      .filter(([, value]) => value !== "")
      .sort(),
  );

/** The scripts' own tolerance. */
function isNear(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < 2 ** -1022) return difference < 1e-6 * 2 ** -1022;
  return difference / Math.min(sum, Number.MAX_VALUE) < 1e-6;
}
