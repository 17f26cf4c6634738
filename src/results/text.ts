import { formatDuration } from "../time.ts";

/** A value with its unit as a person reads it: four significant digits, ratios in per cent, `no data` where there is none. */
export function printValue(value: number | undefined, unit: string): string {
  if (value === undefined) return "no data";
  if (unit === "1") return printNumber(value);
  return unit === "ratio" ? `${printPercent(value * 100)} %` : `${printNumber(value)} ${unit}`;
}

/** What is not all is never printed as 100: 99.999 is the whole news. */
function printPercent(percent: number): string {
  for (let digits = 4; digits <= 15; digits++) {
    const text = percent.toPrecision(digits);
    if (percent !== 100 && Math.round(percent) === 100 && Number(text) === 100) continue;
    return digits === 4 ? printNumber(percent) : text;
  }
  return printNumber(percent);
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
 * The course of the values in one line of at most 60 characters, from 0 (or the least, below 0) to the most. A value
 * that is not finite leaves its place empty.
 */
export function sparkline(values: Float64Array): string {
  const width = Math.min(values.length, 60);
  const finite = values.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), 0);
  const high = finite.reduce((a, b) => Math.max(a, b), 0);
  let text = "";
  for (let i = 0; i < width; i++) {
    const part = values.subarray(
      Math.floor((i * values.length) / width),
      Math.floor(((i + 1) * values.length) / width),
    );
    const mean = part.reduce((a, b) => a + b, 0) / part.length;
    const height = (mean - low) / (high - low || 1);
    const bar = Math.min(BARS.length - 1, Math.floor(height * BARS.length));
    text += Number.isFinite(mean) ? BARS.charAt(bar) : " ";
  }
  return text;
}
