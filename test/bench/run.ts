import { cpus } from "node:os";
import { benchDecode } from "./decode.ts";
import { benchImport } from "./import.ts";
import { benchQuery } from "./query.ts";

/** Figures to read, not to assert: every ratio is of one and the same run. */
console.log(`Node ${process.version} on ${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}`);

table(
  "Building and printing one edge query",
  ["way", "µs", "× template"],
  benchQuery().map(({ way, us, ratio }) => [way, us.toFixed(2), ratio.toFixed(1)]),
);

table(
  "Decoding a range answer",
  ["series×samples", "MB", "ours ms", "JSON.parse ms", "× faster"],
  benchDecode().map((row) => [
    row.body,
    row.megabytes.toFixed(1),
    row.oursMs.toFixed(2),
    row.jsonParseMs.toFixed(2),
    row.ratio.toFixed(2),
  ]),
);

table(
  "Importing in a fresh process",
  ["module", "ms", "× axios"],
  (await benchImport()).map(({ module, ms, ratio }) => [module, ms.toFixed(1), ratio.toFixed(2)]),
);

function table(title: string, headings: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [headings, ...rows];
  const widths = headings.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const print = (line: readonly string[]) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("   ");
  console.log(`\n${title}\n${lines.map((line) => `  ${print(line)}`).join("\n")}`);
}
