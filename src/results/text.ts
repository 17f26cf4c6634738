import { formatInstant } from "../time.ts";
import type { Meta } from "./meta.ts";

/** A value with its unit as a person reads it: four significant digits, ratios in per cent, `no data` where there is none. */
export function printValue(value: number | undefined, unit: string): string {
  if (value === undefined) return "no data";
  return unit === "ratio" ? `${printNumber(value * 100)} %` : `${printNumber(value)} ${unit}`;
}

function printNumber(value: number): string {
  if (!Number.isFinite(value) || value === 0) return String(value);
  const size = Math.abs(value);
  if (size >= 1e15 || size < 1e-4) return value.toExponential(3);
  return size >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(4)));
}

/** A result's text with what a reader must know beside the values: when, from what query, and what is missing. */
export function printAnswer(meta: Meta, atMs: number, body: string): string {
  const lines = [body, `  at ${formatInstant(atMs)} from ${meta.backend}: ${meta.promql}`];
  if (!meta.complete) lines.push("  incomplete: part of the data is missing");
  for (const warning of meta.warnings) lines.push(`  warning: ${warning}`);
  for (const info of meta.infos) lines.push(`  info: ${info}`);
  return lines.join("\n");
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

/** Label values come from the network: nothing in them may move a terminal's cursor or break a row. */
function plain(cell: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced here
  return cell.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, "�");
}

const BARS = "▁▂▃▄▅▆▇█";

/** The course of the values in one line of at most 60 characters, from 0 (or the least, below 0) to the most. */
export function sparkline(values: Float64Array): string {
  const width = Math.min(values.length, 60);
  const low = values.reduce((a, b) => Math.min(a, b), 0);
  const high = values.reduce((a, b) => Math.max(a, b), 0);
  let text = "";
  for (let i = 0; i < width; i++) {
    const part = values.subarray(
      Math.floor((i * values.length) / width),
      Math.floor(((i + 1) * values.length) / width),
    );
    const height = high === low ? 0 : (part.reduce((a, b) => a + b, 0) / part.length - low) / (high - low);
    text += BARS[Math.min(BARS.length - 1, Math.floor(height * BARS.length))] ?? " ";
  }
  return text;
}
