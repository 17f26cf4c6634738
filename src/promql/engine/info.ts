import { EvaluationError } from "../../errors.ts";
import type { Call, Expr, Matcher, Subquery, TimeShift, VectorSelector } from "../ast.ts";
import { matcher } from "../construct.ts";
import { typeOf } from "../types.ts";
import { childrenOf } from "../walk.ts";
import { type Column, emptyColumn, type Grid, nonEmpty, presentAnywhere, setFrom } from "./column.ts";
import type { Evaluation } from "./evaluation.ts";
import { isMetadata, Labels } from "./labels.ts";
import { seriesTest } from "./matchers.ts";

/** The labels by which a series finds the info metrics of what it comes from. */
const IDENTIFYING: ReadonlySet<string> = new Set(["instance", "job"]);

/**
 * Series with the labels of the info metrics that belong to the same target, `target_info` unless the second argument
 * names others.
 *
 * @see Prometheus, `promql/info.go`
 */
export function info(evaluation: Evaluation, call: Call, grid: Grid): Column[] {
  const [arg, second] = call.args;
  if (arg === undefined) throw new EvaluationError("execution", "info() has no argument");
  const base = evaluation.vector(arg, grid);
  const given = second?.kind === "vector" ? allMatchers(second) : [];
  const data = given.filter(({ label }) => label !== "__name__");
  const names = namesOf(given);
  const hasName = seriesTest(names);
  const isInfo = (column: Column): boolean => hasName({ __name__: column.labels.get("__name__") });
  const infos = infoSeries(
    evaluation,
    arg,
    base.filter((column) => !isInfo(column)),
    [...data, ...names],
    grid,
  );
  return new Enrichment(data, infos, presentAnywhere(base, grid.steps)).of(base, isInfo, grid.steps);
}

const allMatchers = ({ name, matchers }: VectorSelector): readonly Matcher[] =>
  name === undefined ? matchers : [...matchers, matcher("__name__", "=", name)];

/** Which metrics are looked for: where nothing says what they are called, they at least end like info metrics. */
function namesOf(given: readonly Matcher[]): readonly Matcher[] {
  const names = given.filter(({ label }) => label === "__name__");
  if (names.length === 0) return [matcher("__name__", "=", "target_info")];
  return names.some(({ op }) => op === "=" || op === "=~") ? names : [matcher("__name__", "=~", ".+_info"), ...names];
}

/** The info series of the same targets as `wanted`; their values are the times of their samples, in seconds. */
function infoSeries(
  evaluation: Evaluation,
  arg: Expr,
  wanted: readonly Column[],
  matchers: readonly Matcher[],
  grid: Grid,
): Column[] {
  const targets = identitiesOf(wanted);
  if (targets.size === 0) return [];
  const selector: VectorSelector = { kind: "vector", name: undefined, matchers };
  const lookups = evaluation.lookups(referenceOf(evaluation, arg), grid);
  const { selection } = evaluation.settings;
  if (selection.instants(selector, lookups, "value").some(({ histograms }) => histograms !== undefined)) {
    throw new EvaluationError("execution", "info sample should be float");
  }
  const found = selection.instants(selector, lookups, "time");
  return found.filter(({ labels }) => {
    const values = targets.get(presenceOf(labels));
    return values !== undefined && [...IDENTIFYING].every((name) => values.get(name)?.has(labels.get(name)) === true);
  });
}

/** Which of the identifying labels there are. */
const presenceOf = (labels: Labels): string => [...IDENTIFYING].filter((name) => labels.get(name) !== "").join();

/** The values of the identifying labels, by which of them a series has; one without any of them has no target. */
function identitiesOf(columns: readonly Column[]): Map<string, Map<string, Set<string>>> {
  const targets = new Map<string, Map<string, Set<string>>>();
  for (const { labels } of columns) {
    const presence = presenceOf(labels);
    if (presence === "") continue;
    const values = targets.get(presence) ?? new Map([...IDENTIFYING].map((name) => [name, new Set<string>()]));
    targets.set(presence, values);
    for (const name of IDENTIFYING) values.get(name)?.add(labels.get(name));
  }
  return targets;
}

/** Adds labels to series, step by step the newest that an info metric has. */
class Enrichment {
  readonly #data: readonly Matcher[];
  /** The series of each info metric by its name and its target. */
  readonly #byName = new Map<string, Map<string, Column[]>>();

  constructor(data: readonly Matcher[], infos: readonly Column[], asked: Uint8Array) {
    this.#data = data;
    for (const column of infos) {
      const name = column.labels.get("__name__");
      const targets = this.#byName.get(name) ?? new Map<string, Column[]>();
      this.#byName.set(name, targets);
      const target = column.labels.keyWith(IDENTIFYING);
      targets.set(target, [...(targets.get(target) ?? []), column]);
    }
    for (const targets of this.#byName.values()) for (const same of targets.values()) checkApart(same, asked);
  }

  of(base: readonly Column[], isInfo: (column: Column) => boolean, steps: number): Column[] {
    const results = new Map<string, Column>();
    for (const column of base) {
      const target = column.labels.keyWith(IDENTIFYING);
      const infos = isInfo(column) ? undefined : [...this.#byName.values()].map((targets) => targets.get(target) ?? []);
      for (let step = 0; step < steps; step++) {
        if (column.present[step] === 0) continue;
        const labels = infos === undefined ? column.labels : this.#enriched(column.labels, infos, step);
        if (labels === undefined) continue;
        let result = results.get(labels.key);
        if (result === undefined) {
          result = emptyColumn(labels, steps, column.dropName);
          results.set(labels.key, result);
        }
        if (result.present[step] !== 0) {
          throw new EvaluationError("execution", "vector cannot contain metrics with the same labelset");
        }
        setFrom(result, step, column);
      }
    }
    return nonEmpty([...results.values()]);
  }

  /** The labels with those of the info metrics at a step; none where a label is asked for that no info metric has. */
  #enriched(labels: Labels, infos: readonly (readonly Column[])[], step: number): Labels | undefined {
    const added = new Map<string, string>();
    let isFound = false;
    for (const same of infos) {
      const newest = newestOf(same, step);
      if (newest === undefined) continue;
      isFound = true;
      this.#collect(newest.labels, labels, added);
    }
    if (!isFound && this.#data.some((one) => !seriesTest([one])({}))) return undefined;
    return added.size === 0 ? labels : Labels.of({ ...labels.toRecord(), ...Object.fromEntries(added) });
  }

  #collect(from: Labels, base: Labels, added: Map<string, string>): void {
    for (const [i, name] of from.names.entries()) {
      if (isMetadata(name)) continue;
      if (this.#data.length > 0 && !this.#data.some(({ label }) => label === name)) continue;
      const value = from.values[i] ?? "";
      const before = added.get(name);
      if (before !== undefined && before !== value)
        throw new EvaluationError("execution", `conflicting label: ${name}`);
      if (base.get(name) === "") added.set(name, value);
    }
  }
}

function newestOf(columns: readonly Column[], step: number): Column | undefined {
  let newest: Column | undefined;
  for (const column of columns) {
    if (column.present[step] !== 1) continue;
    if (newest === undefined || (column.values[step] as number) > (newest.values[step] as number)) newest = column;
  }
  return newest;
}

/** Two series of one info metric must not be equally new. */
function checkApart(columns: readonly Column[], asked: Uint8Array): void {
  if (columns.length < 2) return;
  for (let step = 0; step < asked.length; step++) {
    if (asked[step] !== 1) continue;
    let newest: Column | undefined;
    for (const column of columns) {
      if (column.present[step] !== 1) continue;
      const [seconds, most] = [column.values[step] as number, (newest?.values[step] ?? Number.NaN) as number];
      if (newest !== undefined && seconds === most) {
        const at = Math.round(seconds * 1000);
        throw new EvaluationError(
          "execution",
          `found duplicate series for info metric: existing ${newest.labels} @ ${at}, new ${column.labels} @ ${at}`,
        );
      }
      if (!(seconds < most)) newest = column;
    }
  }
}

/** When info series are looked at: at the time that all selectors of an expression share, or else at that of the step. */
function referenceOf(evaluation: Evaluation, expr: Expr): Subquery | VectorSelector {
  const shifts: TimeShift[] = [];
  const isShared = collectShifts(expr, [], shifts);
  const [first] = shifts;
  const none: VectorSelector = { kind: "vector", name: undefined, matchers: [] };
  if (first === undefined || !isShared) return none;
  const instant = { startMs: 0, stepMs: 1, steps: 1 };
  const key = (shift: TimeShift): string => {
    const { firstMs } = evaluation.lookups({ ...none, ...shift }, instant);
    return shift.at === undefined ? `step ${firstMs}` : `at ${firstMs}`;
  };
  return shifts.every((shift) => key(shift) === key(first)) ? { ...none, ...first } : none;
}

/** Collects when each selector looks, and tells whether there is one in every part that gives series. */
function collectShifts(expr: Expr, around: readonly Expr[], shifts: TimeShift[]): boolean {
  const type = typeOf(expr);
  if (type !== "vector" && type !== "matrix") return true;
  if (expr.kind === "vector") {
    let { at, offsetMs = 0 } = expr;
    for (const outer of around.toReversed()) {
      if (at !== undefined || outer.kind !== "subquery") continue;
      offsetMs += outer.offsetMs ?? 0;
      at = outer.at;
    }
    shifts.push({ at, offsetMs });
    return true;
  }
  const children = expr.kind === "call" && expr.func === "info" ? expr.args.slice(0, 1) : childrenOf(expr);
  const before = shifts.length;
  const isShared = children.map((child) => collectShifts(child, [...around, expr], shifts)).every(Boolean);
  return isShared && shifts.length > before;
}
