import { formatDuration } from "../time.ts";

/** A value with its unit as a person reads it: four significant digits, ratios in per cent, `no data` where there is none. */
export function printValue(value: number | undefined, unit: string): string {
  if (value === undefined) return "no data";
  if (unit === "1") return printNumber(value);
  return unit === "ratio" ? `${printPercent(value * 100)} %` : `${printNumber(value)} ${unit}`;
}

/**
 * Near 100 it is what is missing that counts, and two digits of that are kept: 99.995 and 99.989 are not the same, and
 * what is not all is never printed as 100.
 */
function printPercent(percent: number): string {
  const missing = 100 - percent;
  if (!(missing > 0 && missing < 1)) return printNumber(percent);
  // A double near 100 has no more than 13 decimals.
  const decimals = Math.min(13, 1 - Math.floor(Math.log10(missing)));
  return String(Number(percent.toFixed(decimals)));
}

function printNumber(value: number): string {
  if (!Number.isFinite(value) || value === 0) return String(value);
  const size = Math.abs(value);
  if (size >= 1e15 || size < 1e-4) return value.toExponential(3);
  return size >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(4)));
}

/** A length of time in its two largest units: `"2h 5m"`. */
export function printLength(ms: number): string {
  const text = formatDuration(Math.round(ms));
  return (text.match(/\d+[a-z]+/g) ?? [text]).slice(0, 2).join(" ");
}

/** Rows under their headings, in columns as wide as their widest cell. */
export function printTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "no data";
  const widths = headings.map((h, i) =>
    rows.reduce((width, row) => Math.max(width, plain(row[i] ?? "").length), h.length),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => plain(cell).padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  return [line(headings), ...rows.map(line)].join("\n");
}

/** Label values and warnings come from the network: nothing in them may move a terminal's cursor or break a row. */
export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced here
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, "�");
}

const BARS = "▁▂▃▄▅▆▇█";

/**
 * The course of the values in one line of at most 60 characters, from 0 (or the least, below 0) to the most. A place
 * whose values are not finite is empty.
 */
export function sparkline(values: Float64Array): string {
  const means = shrunk(values, 60);
  const finite = values.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), 0);
  const high = finite.reduce((a, b) => Math.max(a, b), 0);
  return Array.from(means, (mean) => {
    const height = (mean - low) / (high - low || 1);
    return Number.isNaN(mean) ? " " : BARS.charAt(Math.min(BARS.length - 1, Math.floor(height * BARS.length)));
  }).join("");
}

/** At most so many values: the mean of those finite ones that fall together, NaN where there are none. */
export function shrunk(values: Float64Array, most: number): Float64Array {
  const width = Math.min(values.length, most);
  return Float64Array.from({ length: width }, (_, i) => {
    const from = Math.floor((i * values.length) / width);
    const part = values.subarray(from, Math.floor(((i + 1) * values.length) / width)).filter(Number.isFinite);
    // Each divided first: a sum of the greatest numbers is none.
    return part.length === 0 ? Number.NaN : part.reduce((sum, value) => sum + value / part.length, 0);
  });
}
