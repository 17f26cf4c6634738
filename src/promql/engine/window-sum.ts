import { EvaluationError } from "../../errors.ts";
import type { Window } from "./window.ts";

/*
 * Sums over windows carry the rounding errors of every addition along (Neumaier's variant of Kahan's summation), in the
 * order of Prometheus's own additions, so that they agree with it to the last bit. That order leaves no room for sums
 * that slide with the window.
 */

/** A sum with what its additions have lost so far. */
export class Compensated {
  sum = 0;
  lost = 0;

  set(sum: number, lost: number): void {
    this.sum = sum;
    this.lost = lost;
  }

  add(x: number): void {
    const { sum } = this;
    const t = sum + x;
    if (t === Number.POSITIVE_INFINITY || t === Number.NEGATIVE_INFINITY) this.lost = 0;
    else if (Math.abs(sum) >= Math.abs(x)) this.lost += sum - t + x;
    else this.lost += x - t + sum;
    this.sum = t;
  }

  get total(): number {
    return this.sum + this.lost;
  }
}

const isInfinite = (x: number): boolean => x === Number.POSITIVE_INFINITY || x === Number.NEGATIVE_INFINITY;

export function sumOver({ values, first, end }: Window): number {
  let sum = 0;
  let lost = 0;
  for (let i = first; i < end; i++) {
    const x = values[i] as number;
    const t = sum + x;
    if (isInfinite(t)) lost = 0;
    else if (Math.abs(sum) >= Math.abs(x)) lost += sum - t + x;
    else lost += x - t + sum;
    sum = t;
  }
  return isInfinite(sum) ? sum : sum + lost;
}

/** The mean as the sum by the count, or as a running mean from where the sum would be infinite. */
export function meanOver(window: Window): number {
  const { values, first, end } = window;
  const total = new Compensated();
  total.set(values[first] as number, 0);
  for (let i = first + 1; i < end; i++) {
    const { sum, lost } = total;
    total.add(values[i] as number);
    if (isInfinite(total.sum)) {
      total.set(sum / (i - first), lost / (i - first));
      return runningMean(window, total, i);
    }
  }
  const count = end - first;
  return total.sum / count + total.lost / count;
}

/** Goes on at `next` from the mean of all samples before it. */
function runningMean({ values, first, end }: Window, mean: Compensated, next: number): number {
  for (let i = next; i < end; i++) {
    const count = i - first + 1;
    const share = (count - 1) / count;
    mean.set(share * mean.sum, share * mean.lost);
    mean.add((values[i] as number) / count);
  }
  return mean.total;
}

export function varianceOver({ values, first, end }: Window): number {
  const mean = new Compensated();
  const squares = new Compensated();
  for (let i = first; i < end; i++) {
    const x = values[i] as number;
    const delta = x - mean.total;
    mean.add(delta / (i - first + 1));
    squares.add(delta * (x - mean.total));
  }
  return squares.total / (end - first);
}

/** The slope over time in seconds, and the value at `interceptMs`, of the line through the samples by least squares. */
export function lineThrough(
  window: Window,
  interceptMs: number,
): { readonly slope: number; readonly intercept: number } {
  const { values, timesMs, first, end } = window;
  const x = new Compensated();
  const y = new Compensated();
  const xy = new Compensated();
  const xx = new Compensated();
  const initial = values[first] as number;
  let isConstant = true;
  for (let i = first; i < end; i++) {
    const value = values[i] as number;
    if (isConstant && i > first && value !== initial) isConstant = false;
    const seconds = ((timesMs[i] as number) - interceptMs) / 1e3;
    x.add(seconds);
    y.add(value);
    xy.add(seconds * value);
    xx.add(seconds * seconds);
  }
  if (isConstant) {
    return isInfinite(initial) ? { slope: Number.NaN, intercept: Number.NaN } : { slope: 0, intercept: initial };
  }
  const n = end - first;
  const covariance = xy.total - (x.total * y.total) / n;
  const variance = xx.total - (x.total * x.total) / n;
  const slope = covariance / variance;
  return { slope, intercept: y.total / n - (slope * x.total) / n };
}

/** Holt's double exponential smoothing: the last value of a level that follows its trend. */
export function smoothed({ values, first, end }: Window, level: number, trend: number): number {
  let before = 0;
  let now = values[first] as number;
  let slope = (values[first + 1] as number) - now;
  for (let i = first + 1; i < end; i++) {
    const scaled = level * (values[i] as number);
    if (i > first + 1) {
      const seen = trend * (now - before);
      const kept = (1 - trend) * slope;
      slope = seen + kept;
    }
    const followed = (1 - level) * (now + slope);
    before = now;
    now = scaled + followed;
  }
  return now;
}

export function checkFactor(name: "smoothing" | "trend", factor: number): void {
  if (factor > 0 && factor < 1) return;
  if (Number.isNaN(factor)) return;
  throw new EvaluationError(
    "execution",
    `invalid ${name} factor. Expected: 0 < ${name === "smoothing" ? "sf" : "tf"} < 1, got: ${factor.toFixed(6)}`,
  );
}

/** How an integral joins two samples: by the first, by the second, or by a straight line. */
export type Quadrature = 0 | 1 | 2;

/** The area under the samples, in units of the value times seconds; NaN counts as zero. */
export function integralOver({ values, timesMs, first, end }: Window, strategy: Quadrature): number {
  const area = new Compensated();
  const pair = new Compensated();
  for (let i = first + 1; i < end; i++) {
    const previous = (values[i - 1] as number) || 0;
    const current = (values[i] as number) || 0;
    pair.set(0, 0);
    if (strategy === 0) pair.set(previous, 0);
    else if (strategy === 1) pair.set(current, 0);
    else halve(pair, previous, current);
    if (pair.sum === 0 && pair.lost === 0) continue;
    const seconds = ((timesMs[i] as number) - (timesMs[i - 1] as number)) / 1000;
    area.set(area.sum, area.lost + pair.lost * seconds);
    area.add(pair.sum * seconds);
  }
  return isInfinite(area.sum) ? area.sum : area.total;
}

/** Half of a + b, without becoming infinite on the way. */
function halve(half: Compensated, a: number, b: number): void {
  if (a === 0 && b === 0) return;
  half.set(a, 0);
  half.add(b);
  if (isInfinite(half.sum) && !isInfinite(a) && !isInfinite(b)) {
    half.set(a / 2, 0);
    half.add(b / 2);
  } else half.set(half.sum / 2, half.lost / 2);
}
