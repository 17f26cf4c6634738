import { printValue } from "./text.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const STEPS_MS = [
  ...[1, 5, 15, 30].map((n) => n * SECOND),
  ...[1, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((n) => n * DAY),
];
const MOST_TICKS = 8;

/** Round instants of a range in UTC, with what stands below each: a day where the clock shows midnight, else the time. */
export function timeTicks(startMs: number, endMs: number): readonly { readonly ms: number; readonly text: string }[] {
  const step = STEPS_MS.find((ms) => (endMs - startMs) / ms <= MOST_TICKS) ?? (endMs - startMs) / MOST_TICKS;
  const ticks: { ms: number; text: string }[] = [];
  for (let ms = Math.ceil(startMs / step) * step; ms <= endMs; ms += step) {
    const iso = new Date(ms).toISOString();
    const ofDay = ms % DAY === 0 || step >= DAY;
    ticks.push({ ms, text: ofDay ? iso.slice(0, 10) : iso.slice(11, step < MINUTE ? 19 : 16) });
  }
  return ticks;
}

/** Round numbers from at or below `low` to at or above `high`, three to six of them. */
export function valueTicks(low: number, high: number): readonly number[] {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((one) => one >= rough) ?? 10 * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil((low === high ? low + span : high) / step - 1e-9));
  // Multiples, not sums, and without the digits that binary fractions add.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(15)));
}

/** What stands beside each of {@link valueTicks}: as many digits as tell one from the next. */
export function tickTexts(ticks: readonly number[], unit: string): readonly string[] {
  const texts = ticks.map((value) => printValue(value, unit));
  if (new Set(texts).size === texts.length) return texts;
  const factor = unit === "ratio" ? 100 : 1;
  const step = ((ticks.at(-1) ?? 0) - (ticks[0] ?? 0)) / (ticks.length - 1);
  // A step of 2.5 has a digit more than its size says.
  const decimals = Math.max(0, Math.min(100, 1 - Math.floor(Math.log10(factor * step))));
  const sign = unit === "ratio" ? " %" : unit === "1" ? "" : ` ${unit}`;
  return ticks.map((value) => `${Number((factor * value).toFixed(decimals))}${sign}`);
}
