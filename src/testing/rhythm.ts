import { mix, unit } from "./hash.ts";

/** How requests come over time: a cumulative curve, so that what came until any instant is known at once. */
export interface Rhythm {
  /** How many requests are to be expected from the start until `ms`; rises with every millisecond, 0 at the start. */
  until(ms: number): number;
}

/** How often requests come: so many a second on average, always alike (`"steady"`) or by the hour of the day. */
export function rhythmOf(kind: "daily" | "steady", perSecond: number, startMs: number, seed: number): Rhythm {
  if (kind === "steady") return { until: (ms) => (perSecond * (ms - startMs)) / 1000 };
  const curve = new DailyCurve(perSecond, startMs, seed);
  const before = curve.at(startMs);
  return { until: (ms) => curve.at(ms) - before };
}

const HOUR = 3_600_000;
const WEEK = 168 * HOUR;
/** The epoch began on a Thursday. */
const MONDAY = 4 * 24 * HOUR;

/** What the hours of a working day in UTC have of the traffic of its busiest, in percent. */
const DAY_SHAPE = [
  34, 28, 25, 24, 26, 31, 40, 52, 65, 75, 82, 86, 88, 86, 85, 87, 89, 92, 97, 100, 95, 79, 60, 44,
] as const;
const WEEKEND = 0.82;

/** By the hour from Monday's first on, with a mean of 1. */
const weekShape = (): Float64Array => {
  const shape = Float64Array.from({ length: 168 }, (_, hour) => {
    return (DAY_SHAPE[hour % 24] ?? 0) * (hour >= 120 ? WEEKEND : 1);
  });
  const mean = shape.reduce((a, b) => a + b, 0) / shape.length;
  return shape.map((value) => value / mean);
};

/**
 * Ripples on the curve: within `periodMs` of each other, requests come up to this part more or less often than in the
 * quietest hour. They are added to the cumulative curve itself, which therefore needs no sum over the past.
 */
const RIPPLES = [
  { periodMs: 40_000, part: 0.3 },
  { periodMs: 420_000, part: 0.25 },
  { periodMs: 3_900_000, part: 0.2 },
] as const;

class DailyCurve {
  readonly #perSecond: number;
  readonly #originMs: number;
  readonly #seed: number;
  readonly #shape = weekShape();
  /** The integral of the shape up to each hour of the week, in hours. */
  readonly #sums = new Float64Array(169);
  readonly #heights: readonly number[];
  readonly #lastCells: Cell[] = [];

  constructor(perSecond: number, startMs: number, seed: number) {
    this.#perSecond = perSecond;
    this.#originMs = Math.floor((startMs - MONDAY) / WEEK) * WEEK + MONDAY;
    this.#seed = seed;
    for (let hour = 0; hour < 168; hour++) {
      this.#sums[hour + 1] = (this.#sums[hour] ?? 0) + (this.#height(hour) + this.#height(hour + 1)) / 2;
    }
    const quietest = this.#shape.reduce((a, b) => Math.min(a, b));
    // Neighbouring heights differ by 1 at most.
    this.#heights = RIPPLES.map(({ periodMs, part }) => (part * quietest * perSecond * periodMs) / 1000);
  }

  at(ms: number): number {
    const sinceMs = ms - this.#originMs;
    const weeks = Math.floor(sinceMs / WEEK);
    const hours = (sinceMs - weeks * WEEK) / HOUR;
    const hour = Math.min(167, Math.floor(hours));
    const part = hours - hour;
    const from = this.#height(hour);
    const inHour = part * (from + ((this.#height(hour + 1) - from) * part) / 2);
    const whole = weeks * (this.#sums[168] ?? 0) + (this.#sums[hour] ?? 0) + inHour;
    let total = whole * 3_600 * this.#perSecond;
    for (let i = 0; i < RIPPLES.length; i++) total += this.#ripple(i, sinceMs);
    return total;
  }

  #height(hour: number): number {
    return this.#shape[hour % 168] ?? 0;
  }

  #ripple(i: number, sinceMs: number): number {
    const x = sinceMs / (RIPPLES[i]?.periodMs ?? 1);
    const cell = Math.floor(x);
    const last = this.#lastCells[i];
    const { from, to } = last?.cell === cell ? last : this.#cell(i, cell);
    return (from + (to - from) * (x - cell)) * (this.#heights[i] ?? 0);
  }

  /** Whoever asks for one instant mostly asks for those beside it too. */
  #cell(i: number, cell: number): Cell {
    const seed = mix(this.#seed, i);
    const found = { cell, from: unit(mix(seed, cell)), to: unit(mix(seed, cell + 1)) };
    this.#lastCells[i] = found;
    return found;
  }
}

/** One period of a ripple, with what it is at its ends. */
interface Cell {
  readonly cell: number;
  readonly from: number;
  readonly to: number;
}
