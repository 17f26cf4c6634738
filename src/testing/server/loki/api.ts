import { QueryError } from "../../../errors.ts";
import type { LogSelection } from "../../../logs/logql/ast.ts";
import { plainText } from "../../../promql/engine/float-text.ts";
import { formatDuration } from "../../../time.ts";
import type { Telemetry } from "../../telemetry.ts";
import {
  jsonReply,
  Refusal,
  type Route,
  routed,
  type ServerReply,
  type ServerRequest,
  textReply,
  type Unrouted,
} from "../exchange.ts";
import { linesOf } from "./lines.ts";
import { LogqlFault } from "./logql-lexer.ts";
import { parseLogql } from "./logql-parser.ts";
import { type LokiSeries, measured } from "./metric.ts";
import { instantIn, type RangeQuestion, rangeQuestion, spanIn } from "./parameters.ts";
import { type LogEntry, type LokiLabels, pipelineOf, streamKey, streamOf } from "./pipeline.ts";

/** Loki 3's API over lines that promtail would have sent, with the limits of its default settings. */
export function lokiApi(telemetry: Telemetry, now: () => number): (request: ServerRequest) => ServerReply {
  const nowNs = (): bigint => BigInt(Math.floor(now() * 1000)) * 1_000n;
  const recent = (form: URLSearchParams) => streamsIn(telemetry, spanIn(form, nowNs(), SIX_HOURS_NS));
  const both = (path: string, answer: Route["answer"]): Route => ({
    methods: ["GET", "POST"],
    path: new RegExp(`^/loki/api/v1/${path}$`),
    answer,
  });
  const routes: readonly Route[] = [
    both("query_range", (request) => overRange(request, telemetry, nowNs())),
    both("query", ({ form }) => atInstant(form, telemetry, nowNs())),
    both("labels?", ({ form }) => listed(recent(form).flatMap((labels) => Object.keys(labels)))),
    both("label/([^/]+)/values", ({ form }, name = "") =>
      listed(recent(form).flatMap((labels) => (Object.hasOwn(labels, name) ? [labels[name] ?? ""] : []))),
    ),
    both("series", ({ form }) => series(form, recent(form))),
    // Without a web socket there is nothing to follow.
    both("tail", () => textReply(400, "Bad Request")),
    both("status/buildinfo", () => jsonReply(BUILD, 200, JSON_TYPE)),
    { methods: ["GET"], path: /^\/ready$/, answer: () => ({ status: 200, contentType: TEXT_TYPE, body: "ready\n" }) },
  ];
  return (request) => {
    try {
      return routed(routes, UNROUTED, request);
    } catch (error) {
      if (error instanceof Refusal) return textReply(error.status, error.message);
      if (error instanceof LogqlFault) return textReply(400, error.message);
      if (error instanceof QueryError) return textReply(400, `parse error : ${error.message}`);
      throw error;
    }
  };
}

const JSON_TYPE = "application/json; charset=UTF-8";
const TEXT_TYPE = "text/plain; charset=utf-8";
const SIX_HOURS_NS = 6n * 3_600_000_000_000n;
const BUILD = { version: "3.5.0", revision: "", branch: "", buildUser: "", buildDate: "", goVersion: "" };

const UNROUTED: Unrouted = {
  notFound: () => textReply(404, "404 page not found"),
  notAllowed: () => ({ status: 405, body: "" }),
};

/** Lines of one call, and the nanoseconds of one. */
const MOST_LINES = 5_000;
const MOST_SPAN_MS = 721 * 3_600_000;

function overRange({ form, headers }: ServerRequest, telemetry: Telemetry, nowNs: bigint): ServerReply {
  const question = rangeQuestion(form, nowNs);
  const expr = parseLogql(question.query);
  const { startNs, endNs, stepNs, limit } = question;
  if (expr.kind === "selection" && limit > MOST_LINES) {
    const comparison = `limit > max_entries_limit_per_query (${limit} > ${MOST_LINES})`;
    throw new Refusal(400, `max entries limit per query exceeded, ${comparison}`);
  }
  const spanMs = Number((endNs - startNs) / 1_000_000n);
  if (spanMs > MOST_SPAN_MS) {
    const lengths = `query length: ${formatDuration(spanMs)}, limit: ${formatDuration(MOST_SPAN_MS)}`;
    throw new Refusal(400, `the query time range exceeds the limit (${lengths})`);
  }
  if (expr.kind === "selection") {
    const sorted = String(headers["x-loki-response-encoding-flags"] ?? "")
      .split(",")
      .includes(CATEGORIZE);
    return streams(found(expr, telemetry, question), sorted);
  }
  const grid = { startNs, endNs, stepNs };
  const all = measured(expr, telemetry, grid);
  const result = all.map(({ labels, values }) => ({
    metric: sortedLabels(labels),
    values: Array.from(values, ([i, value]) => [secondsOf(startNs + BigInt(i) * stepNs), plainText(value)]),
  }));
  return success(
    "matrix",
    result.filter(({ values }) => values.length > 0),
  );
}

function atInstant(form: URLSearchParams, telemetry: Telemetry, nowNs: bigint): ServerReply {
  const ns = instantIn(form, "time", nowNs);
  const expr = parseLogql(form.get("query") ?? "");
  if (expr.kind === "selection") {
    throw new Refusal(
      400,
      "log queries are not supported as an instant query type, please change your query to a range query type",
    );
  }
  const all = measured(expr, telemetry, { startNs: ns, endNs: ns, stepNs: 1n });
  const sampleOf = ({ labels, values }: LokiSeries) =>
    Array.from(values.values(), (value) => ({
      metric: sortedLabels(labels),
      value: [secondsOf(ns), plainText(value)],
    }));
  return success("vector", all.flatMap(sampleOf));
}

const secondsOf = (ns: bigint): number => Number(ns / 1_000_000n) / 1000;

/** The lines that pass, as many as are wanted. */
function found(expr: LogSelection, telemetry: Telemetry, { startNs, endNs, order, limit }: RangeQuestion): LogEntry[] {
  const pipeline = pipelineOf(expr);
  const entries: LogEntry[] = [];
  for (const line of linesOf(telemetry, startNs, endNs, order, pipeline.isOf)) {
    const entry = pipeline.entryOf(line);
    if (entry === undefined) continue;
    entries.push(entry);
    if (entries.length === limit) break;
  }
  return entries;
}

const CATEGORIZE = "categorize-labels";

/** Entries by their labels; what a parser made of a line stands beside it where the answer sorts labels by their kind. */
function streams(entries: readonly LogEntry[], sorted: boolean): ServerReply {
  const groups = new Map<string, { readonly stream: LokiLabels; readonly values: unknown[] }>();
  for (const entry of entries) {
    const { stream, labels, line } = entry;
    const key = JSON.stringify(Object.entries(labels).sort());
    const group = groups.get(key) ?? { stream: sortedLabels(sorted ? stream : labels), values: [] };
    groups.set(key, group);
    const { parsed, error } = entry;
    const beside = error === "" ? parsed : { ...parsed, __error__: error };
    const has = Object.keys(beside).length > 0;
    group.values.push([String(line.timeNs), line.text, ...(sorted ? [has ? { parsed: beside } : {}] : [])]);
  }
  return success("streams", [...groups.values()], sorted ? { encodingFlags: [CATEGORIZE] } : {});
}

function success(resultType: string, result: readonly unknown[], more: object = {}): ServerReply {
  const stats = { summary: { totalEntriesReturned: result.length } };
  return jsonReply({ status: "success", data: { resultType, ...more, result, stats } }, 200, JSON_TYPE);
}

const sortedLabels = (labels: LokiLabels): LokiLabels =>
  Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** So many lines in a row of known streams end the search for others. */
const ENOUGH_LINES = 20_000;

/** The streams that had lines of late. */
function streamsIn(
  telemetry: Telemetry,
  span: { readonly startNs: bigint; readonly endNs: bigint },
): readonly LokiLabels[] {
  const known = new Map<string, LokiLabels>();
  let since = 0;
  for (const line of telemetry.lines(span.startNs, span.endNs, "backward")) {
    const key = streamKey(line);
    if (known.has(key)) since++;
    else {
      known.set(key, sortedLabels(streamOf(line)));
      since = 0;
    }
    if (since >= ENOUGH_LINES) break;
  }
  return [...known.values()];
}

const listed = (texts: readonly string[]): ServerReply =>
  jsonReply({ status: "success", data: [...new Set(texts)].sort() }, 200, JSON_TYPE);

function series(form: URLSearchParams, all: readonly LokiLabels[]): ServerReply {
  const selections = [...form.getAll("match[]"), ...form.getAll("match")].map((text) => {
    const expr = parseLogql(text);
    if (expr.kind !== "selection" || expr.stages.length > 0) throw new Refusal(400, "only label matchers is supported");
    return pipelineOf(expr);
  });
  const isWanted = (labels: LokiLabels): boolean => {
    const { namespace = "", pod = "", container = "", app = "" } = labels;
    const writer = { namespace, pod, container, app };
    return selections.length === 0 || selections.some(({ isOf }) => isOf(writer));
  };
  return jsonReply({ status: "success", data: all.filter(isWanted) }, 200, JSON_TYPE);
}
