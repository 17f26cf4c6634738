import { ACCESS_LOG_TASKS, benchAccessLog } from "./access-log.ts";
import { benchBacktest } from "./backtest.ts";
import { benchCheck } from "./check.ts";
import { benchDecode } from "./decode.ts";
import { benchEvaluate } from "./evaluate.ts";
import { benchGraph } from "./graph.ts";
import { benchHops } from "./hops.ts";
import { benchImport } from "./import.ts";
import { overLargeAnswers } from "./large-answers.ts";
import { benchLogStream } from "./log-stream.ts";
import { benchMonth } from "./month.ts";
import { benchPromql } from "./promql.ts";
import { benchQuery } from "./query.ts";
import { benchSimulation } from "./simulation.ts";
import { benchSocket } from "./socket.ts";
import { benchTraces } from "./traces.ts";

/** One table: figures to read, not to assert. Every ratio is of one and the same run. */
export interface Section {
  readonly title: string;
  readonly columns: readonly string[];
  /** One list of cells for each line. */
  readonly measure: () => readonly Cells[] | Promise<readonly Cells[]>;
}

export type Cells = readonly string[];

const count = (value: number): string => Math.round(value).toLocaleString("en");

/** Every table of `npm run bench`, by the name that chooses it and marks its place in the page. */
export const SECTIONS: Readonly<Record<string, Section>> = {
  decode: {
    title: "Decoding a range answer",
    columns: ["series×samples", "MB", "ours ms", "in pieces ms", "JSON.parse ms", "× JSON.parse", "× prometheus-query"],
    measure: () =>
      benchDecode().map((row) => [
        row.body,
        row.megabytes.toFixed(1),
        row.oursMs.toFixed(2),
        row.streamMs.toFixed(2),
        row.jsonParseMs.toFixed(2),
        row.ratio.toFixed(1),
        row.peerRatio.toFixed(1),
      ]),
  },
  socket: {
    title: "From the question to columns, beside a bare download of the same bytes with axios",
    columns: ["answer", "MB", "ours ms", "axios ms", "× axios"],
    measure: async () =>
      (await overLargeAnswers(benchSocket)).map((row) => [
        row.answer,
        row.megabytes.toFixed(2),
        row.oursMs.toFixed(2),
        row.axiosMs.toFixed(2),
        row.ratio.toFixed(2),
      ]),
  },
  month: {
    title: "Thirty days at 15 seconds for 50 series",
    columns: ["way", "samples", "s", "peak MB", "bytes/sample"],
    measure: async () =>
      (await overLargeAnswers(benchMonth)).map((row) => [
        row.way,
        count(row.samples),
        row.seconds.toFixed(2),
        row.peakMegabytes.toFixed(0),
        row.bytesPerSample.toFixed(1),
      ]),
  },
  query: {
    title: "Building and printing one edge query",
    columns: ["way", "µs", "× template"],
    measure: () => benchQuery().map(({ way, us, ratio }) => [way, us.toFixed(2), ratio.toFixed(1)]),
  },
  promql: {
    title: "Reading and writing PromQL",
    columns: ["way", "expressions/s", "MB/s", "× lezer's parse"],
    measure: () =>
      benchPromql().map((row) => [
        row.what,
        count(row.perSecond),
        row.megabytesPerSecond.toFixed(1),
        row.ratio.toFixed(2),
      ]),
  },
  evaluate: {
    title: "Evaluating signals over 1,000 series of a day, at each minute, beside a real Prometheus over HTTP",
    columns: ["signal", "series", "ours ms", "Prometheus ms", "× faster", "bytes/sample"],
    measure: async () =>
      (await benchEvaluate()).map((row) => [
        row.signal,
        String(row.series),
        row.oursMs.toFixed(0),
        row.prometheusMs.toFixed(0),
        row.ratio.toFixed(2),
        row.bytesPerSample.toFixed(1),
      ]),
  },
  simulation: {
    title: "Asking a simulated mesh within the process",
    columns: ["question", "ms", "in the answer"],
    measure: async () => (await benchSimulation()).map((row) => [row.question, row.ms.toFixed(0), count(row.count)]),
  },
  traces: {
    title: "Decoding traces, of which tags can then be asked for",
    columns: ["dialect", "traces×spans", "MB", "ours ms", "JSON.parse ms", "eager ms", "× JSON.parse"],
    measure: () =>
      benchTraces().map((row) => [
        row.dialect,
        row.body,
        row.megabytes.toFixed(1),
        row.oursMs.toFixed(1),
        row.jsonParseMs.toFixed(1),
        row.eagerMs.toFixed(1),
        row.ratio.toFixed(2),
      ]),
  },
  hops: {
    title: "Finding the hops of a trace, per span",
    columns: ["spans", "tree µs", "hops µs", "critical path µs", "× 1,000 spans"],
    measure: () =>
      benchHops().map((row) => [
        row.trace,
        row.treeUs.toFixed(2),
        row.hopsUs.toFixed(2),
        row.criticalPathUs.toFixed(2),
        row.ratio.toFixed(2),
      ]),
  },
  "access-log": {
    title: "Reading a million access-log lines",
    columns: ["task", "way", "ns/line", "× meshquery's time"],
    measure: () =>
      ACCESS_LOG_TASKS.flatMap((task) =>
        benchAccessLog(task).map(({ way, nsPerLine, ratio }) => [task, way, nsPerLine.toFixed(0), ratio.toFixed(2)]),
      ),
  },
  "log-stream": {
    title: "Streaming an edge's calls from logs, both sides joined",
    columns: ["calls", "calls/s", "peak heap MB", "× the first's"],
    measure: async () =>
      (await benchLogStream()).map((row) => [
        count(row.calls),
        count(row.callsPerSecond),
        row.peakMegabytes.toFixed(1),
        row.ratio.toFixed(2),
      ]),
  },
  graph: {
    title: "Drawing the graph of a mesh, from the bytes of the backend's answers to nodes",
    columns: ["edges", "MB", "decode ms", "graph ms", "µs/edge", "× 100 edges", "requests", "Kiali's queries"],
    measure: () =>
      benchGraph().map((row) => [
        count(row.edges),
        row.megabytes.toFixed(1),
        row.decodeMs.toFixed(1),
        row.graphMs.toFixed(1),
        row.usPerEdge.toFixed(0),
        row.ratio.toFixed(2),
        String(row.requests),
        count(row.kialiQueries),
      ]),
  },
  check: {
    title: "Checking policies against a mesh, from the bytes of the backend's answers to verdicts",
    columns: ["edges", "policies", "MB", "YAML ms", "check ms", "µs/edge", "× 100 edges"],
    measure: async () =>
      (await benchCheck()).map((row) => [
        count(row.edges),
        count(row.policies),
        row.megabytes.toFixed(1),
        row.readMs.toFixed(1),
        row.checkMs.toFixed(1),
        row.usPerEdge.toFixed(0),
        row.ratio.toFixed(2),
      ]),
  },
  backtest: {
    title: "Back-testing an alert: 30 days, a minute apart, 100 series",
    columns: ["way", "s", "requests", "peak MB", "× the first's time"],
    measure: async () =>
      (await benchBacktest()).map((row) => [
        row.way,
        row.seconds.toFixed(2),
        count(row.requests),
        row.peakMegabytes.toFixed(0),
        row.ratio.toFixed(1),
      ]),
  },
  import: {
    title: "Importing in a fresh process",
    columns: ["module", "ms", "× axios", "processor ms", "× axios's"],
    measure: async () =>
      (await benchImport()).map((row) => [
        row.module,
        row.ms.toFixed(1),
        row.ratio.toFixed(2),
        row.processorMs.toFixed(1),
        row.processorRatio.toFixed(2),
      ]),
  },
};
