import { cpus } from "node:os";
import { ACCESS_LOG_TASKS, benchAccessLog } from "./access-log.ts";
import { benchBacktest } from "./backtest.ts";
import { benchCheck } from "./check.ts";
import { benchDecode } from "./decode.ts";
import { benchEvaluate } from "./evaluate.ts";
import { benchGraph } from "./graph.ts";
import { benchHops } from "./hops.ts";
import { benchImport } from "./import.ts";
import { benchLargeAnswers } from "./large-answers.ts";
import { benchLogStream } from "./log-stream.ts";
import { benchPromql } from "./promql.ts";
import { benchQuery } from "./query.ts";
import { benchSimulation } from "./simulation.ts";
import { benchTraces } from "./traces.ts";

/** Figures to read, not to assert: every ratio is of one and the same run. */
console.log(`Node ${process.version} on ${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}`);

table(
  "Building and printing one edge query",
  ["way", "µs", "× template"],
  benchQuery().map(({ way, us, ratio }) => [way, us.toFixed(2), ratio.toFixed(1)]),
);

table(
  "Reading and writing PromQL",
  ["way", "expressions/s", "MB/s", "× lezer's parse"],
  benchPromql().map((row) => [
    row.what,
    Math.round(row.perSecond).toLocaleString("en"),
    row.megabytesPerSecond.toFixed(1),
    row.ratio.toFixed(2),
  ]),
);

table(
  "Evaluating golden signals over 1,000 series of a day, at each minute, beside a real Prometheus over HTTP",
  ["signal", "series", "ours ms", "Prometheus ms", "× faster", "bytes/sample"],
  (await benchEvaluate()).map((row) => [
    row.signal,
    String(row.series),
    row.oursMs.toFixed(0),
    row.prometheusMs.toFixed(0),
    row.ratio.toFixed(2),
    row.bytesPerSample.toFixed(1),
  ]),
);

table(
  "Asking a simulated mesh within the process",
  ["question", "ms", "in the answer"],
  (await benchSimulation()).map(({ question, ms, count }) => [question, ms.toFixed(0), count.toLocaleString("en")]),
);

table(
  "Decoding a range answer",
  ["series×samples", "MB", "ours ms", "in pieces ms", "JSON.parse ms", "× JSON.parse", "× prometheus-query"],
  benchDecode().map((row) => [
    row.body,
    row.megabytes.toFixed(1),
    row.oursMs.toFixed(2),
    row.streamMs.toFixed(2),
    row.jsonParseMs.toFixed(2),
    row.ratio.toFixed(2),
    row.peerRatio.toFixed(2),
  ]),
);

const large = await benchLargeAnswers();
table(
  "From the question to columns, and a bare download of the same bytes with axios",
  ["answer", "MB", "ours ms", "axios ms", "× axios"],
  large.socket.map((row) => [
    row.answer,
    row.megabytes.toFixed(2),
    row.oursMs.toFixed(2),
    row.axiosMs.toFixed(2),
    row.ratio.toFixed(2),
  ]),
);
table(
  "30 days at 15 s for 50 series",
  ["way", "samples", "s", "peak MB", "bytes/sample"],
  large.month.map((row) => [
    row.way,
    row.samples.toLocaleString("en"),
    row.seconds.toFixed(2),
    row.peakMegabytes.toFixed(0),
    row.bytesPerSample.toFixed(1),
  ]),
);

table(
  "Decoding traces, of which tags can then be asked for",
  ["dialect", "traces×spans", "MB", "ours ms", "JSON.parse ms", "eager ms", "× JSON.parse"],
  benchTraces().map((row) => [
    row.dialect,
    row.body,
    row.megabytes.toFixed(1),
    row.oursMs.toFixed(1),
    row.jsonParseMs.toFixed(1),
    row.eagerMs.toFixed(1),
    row.ratio.toFixed(2),
  ]),
);

table(
  "Finding the hops of a trace, per span",
  ["spans", "tree µs", "hops µs", "critical path µs", "× 1,000 spans"],
  benchHops().map((row) => [
    row.trace,
    row.treeUs.toFixed(2),
    row.hopsUs.toFixed(2),
    row.criticalPathUs.toFixed(2),
    row.ratio.toFixed(2),
  ]),
);

for (const task of ACCESS_LOG_TASKS) {
  table(
    `Reading a million access-log lines: ${task}`,
    ["way", "ns/line", "× meshquery's time"],
    benchAccessLog(task).map(({ way, nsPerLine, ratio }) => [way, nsPerLine.toFixed(0), ratio.toFixed(2)]),
  );
}

table(
  "Streaming an edge's calls from logs, both sides joined",
  ["calls", "calls/s", "peak heap MB", "× the first's"],
  (await benchLogStream()).map((row) => [
    row.calls.toLocaleString("en"),
    Math.round(row.callsPerSecond).toLocaleString("en"),
    row.peakMegabytes.toFixed(1),
    row.ratio.toFixed(2),
  ]),
);

table(
  "Drawing the graph of a mesh, from the bytes of the backend's answers to nodes",
  ["edges", "MB", "decode ms", "graph ms", "µs/edge", "× 100 edges", "requests", "Kiali's queries"],
  benchGraph().map((row) => [
    row.edges.toLocaleString("en"),
    row.megabytes.toFixed(1),
    row.decodeMs.toFixed(1),
    row.graphMs.toFixed(1),
    row.usPerEdge.toFixed(0),
    row.ratio.toFixed(2),
    `${row.requests}`,
    row.kialiQueries.toLocaleString("en"),
  ]),
);

table(
  "Checking policies against a mesh, from the bytes of the backend's answers to verdicts",
  ["edges", "policies", "MB", "YAML ms", "check ms", "µs/edge", "× 100 edges"],
  (await benchCheck()).map((row) => [
    row.edges.toLocaleString("en"),
    row.policies.toLocaleString("en"),
    row.megabytes.toFixed(1),
    row.readMs.toFixed(1),
    row.checkMs.toFixed(1),
    row.usPerEdge.toFixed(0),
    row.ratio.toFixed(2),
  ]),
);

table(
  "Back-testing an alert: 30 days, a minute apart, 100 series",
  ["way", "s", "requests", "peak MB", "× the first's time"],
  (await benchBacktest()).map((row) => [
    row.way,
    row.seconds.toFixed(2),
    row.requests.toLocaleString("en"),
    row.peakMegabytes.toFixed(0),
    row.ratio.toFixed(1),
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
