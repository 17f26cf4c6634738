import type { LabelSet } from "./labels.ts";

/** One line of a chart: instants in order, and the value at each. */
export interface Course {
  readonly name: string;
  readonly timesMs: Float64Array;
  readonly values: Float64Array;
}

/** Courses of one unit on a common grid of instants. */
export interface Courses {
  readonly unit: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly courses: readonly Course[];
}

/** What tells each of several label sets from the others, in a few words: values alone where they differ in one label. */
export function courseNames(sets: readonly LabelSet[]): readonly string[] {
  const names = [...new Set(sets.flatMap((labels) => Object.keys(labels)))];
  const value = (labels: LabelSet, name: string) => (Object.hasOwn(labels, name) ? (labels[name] ?? "") : "");
  const telling = names.filter((name) => sets.some((labels) => value(labels, name) !== value(sets[0] ?? {}, name)));
  const [only] = telling.length === 0 ? names : telling;
  if (telling.length <= 1) return sets.map((labels) => (only === undefined ? "" : value(labels, only) || `no ${only}`));
  return sets.map((labels) =>
    telling.flatMap((name) => (value(labels, name) === "" ? [] : [`${name}=${value(labels, name)}`])).join(" "),
  );
}

/** Runs of a course without a gap: between two of them at least one instant of the grid has no finite value. */
export function* runsOf(
  { timesMs, values }: Course,
  stepMs: number,
): IterableIterator<readonly [from: number, to: number]> {
  const isGap = (i: number) => (timesMs[i] as number) - (timesMs[i - 1] as number) > stepMs * 1.5;
  let from = -1;
  for (let i = 0; i <= values.length; i++) {
    const isValue = i < values.length && Number.isFinite(values[i]);
    if (from >= 0 && (!isValue || isGap(i))) {
      yield [from, i];
      from = -1;
    }
    if (isValue && from < 0) from = i;
  }
}

/** The least and the greatest finite value of all courses; `undefined` where there is none. */
export function extentOf(courses: readonly Course[]): readonly [least: number, greatest: number] | undefined {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (const { values } of courses) {
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
  }
  return least <= greatest ? [least, greatest] : undefined;
}

/** Whether an axis goes down to 0: shares that are all near 1 would be one line under it. */
export const reachesZero = (unit: string, least: number): boolean => !(unit === "ratio" && least > 0.5);
