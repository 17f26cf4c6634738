import { EvaluationError, MeshQueryError, PromqlSyntaxError, QueryError } from "../../../errors.ts";
import { AGGREGATIONS, FUNCTIONS, type Parameter, type Signature } from "../../../promql/functions.ts";
import { type Expr, evaluate, parse, pretty, type SeriesStorage, selectors, typeOf } from "../../../promql/index.ts";
import { PRECEDENCE } from "../../../promql/operators.ts";
import type { Telemetry } from "../../telemetry.ts";
import { type Route, routed, type ServerReply, type ServerRequest, textReply, type Unrouted } from "../exchange.ts";
import { goJson } from "../go-text.ts";
import { failure, success, valueReply } from "./answer.ts";
import {
  ApiFault,
  durationNs,
  durationParameter,
  invalidParameter,
  limitParameter,
  optionalTime,
  requiredTime,
} from "./parameters.ts";
import { SeriesQuestions, syntaxMessage } from "./series.ts";

/** Prometheus 3's HTTP API over series in memory, with the limits and words of its default settings. */
export function prometheusApi({ series }: Telemetry, now: () => number): (request: ServerRequest) => ServerReply {
  const about = new SeriesQuestions(series, now);
  const routes: readonly Route[] = [
    both("query", (request) => instant(request, series, now)),
    both("query_range", (request) => range(request, series)),
    both("query_exemplars", exemplars),
    both("format_query", ({ form }) => success(goJson(pretty(parsed(form))))),
    both("labels", (request) => about.labels(request)),
    both("series", (request) => about.series(request)),
    get("label/([^/]*)/values", (request, name = "") => about.values(request, name)),
    get("metadata", (request) => about.metadata(request)),
    get("targets", (request) => about.targets(request)),
    get("rules", () => success('{"groups":[]}')),
    get("alerts", () => success('{"alerts":[]}')),
    get("alertmanagers", () => success('{"activeAlertmanagers":[],"droppedAlertmanagers":[]}')),
    get("status/buildinfo", () => success(goJson(BUILD))),
    get("features", () => success(goJson(features()))),
    { methods: ["GET", "HEAD"], path: /^\/-\/ready$/, answer: () => plain("Prometheus Server is Ready.\n") },
    { methods: ["GET", "HEAD"], path: /^\/-\/healthy$/, answer: () => plain("Prometheus Server is Healthy.\n") },
    { methods: ["OPTIONS"], path: /^\/api\/v1\//, answer: () => NO_CONTENT },
  ];
  return (request) => {
    try {
      return routed(routes, UNROUTED, request);
    } catch (error) {
      return refusalOf(error);
    }
  };
}

const get = (path: string, answer: Route["answer"]): Route => ({
  methods: ["GET"],
  path: new RegExp(`^/api/v1/${path}$`),
  answer,
});
const both = (path: string, answer: Route["answer"]): Route => ({ ...get(path, answer), methods: ["GET", "POST"] });

const plain = (body: string): ServerReply => ({ status: 200, contentType: "text/plain; charset=utf-8", body });
const NO_CONTENT: ServerReply = { status: 204, body: "" };

const NOT_FOUND = textReply(404, "404 page not found");
const NOT_ALLOWED = textReply(405, "Method Not Allowed");

const UNROUTED: Unrouted = {
  notFound: () => NOT_FOUND,
  // Every path takes OPTIONS, also one that does not exist.
  notAllowed: (_, methods) =>
    methods.every((method) => method === "OPTIONS")
      ? NOT_FOUND
      : { ...NOT_ALLOWED, headers: { ...NOT_ALLOWED.headers, allow: methods.join(", ") } },
};

function refusalOf(error: unknown): ServerReply {
  if (error instanceof ApiFault) return failure(error.type, error.message);
  if (error instanceof EvaluationError) return failure("execution", error.message);
  if (error instanceof QueryError) return failure("bad_data", error.message);
  return failure("internal", error instanceof MeshQueryError ? error.message : String(error));
}

function instant({ form }: ServerRequest, series: SeriesStorage, now: () => number): ServerReply {
  const limit = limitParameter(form);
  const at = optionalTime(form, "time", Math.floor(now()));
  timeout(form);
  const lookback = lookbackOf(form);
  parsed(form);
  return valueReply(evaluate(textOf(form), { at }, series, { lookback }), limit);
}

/** A server refuses more steps than this. */
const MOST_STEPS = 11_000;

function range({ form }: ServerRequest, series: SeriesStorage): ServerReply {
  const limit = limitParameter(form);
  const [from, to] = [requiredTime(form, "start"), requiredTime(form, "end")];
  if (to < from) throw invalidParameter("end", "end timestamp must not be before start time");
  const stepNs = durationParameter(form, "step");
  if (stepNs <= 0) {
    const advice = "zero or negative query resolution step widths are not accepted. Try a positive integer";
    throw invalidParameter("step", advice);
  }
  if (Math.floor(((to - from) * 1e6) / stepNs) > MOST_STEPS) {
    throw new ApiFault(
      "bad_data",
      "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
    );
  }
  timeout(form);
  const lookback = lookbackOf(form);
  const type = typeOf(parsed(form));
  if (type === "matrix" || type === "string") {
    const shown = type === "matrix" ? "range vector" : "string";
    throw invalidParameter(
      "query",
      `invalid expression type "${shown}" for range query, must be Scalar or instant Vector`,
    );
  }
  const step = Math.max(1, Math.trunc(stepNs / 1e6));
  return valueReply(evaluate(textOf(form), { from, to, step }, series, { lookback }), limit);
}

/** Series of a mesh carry no exemplars; a server that keeps none answers the same. */
function exemplars({ form }: ServerRequest): ServerReply {
  const [from, to] = [optionalTime(form, "start", 0), optionalTime(form, "end", Number.POSITIVE_INFINITY)];
  if (to < from) throw new ApiFault("bad_data", "end timestamp must not be before start timestamp");
  const expr = parsed(form, (reason) => new ApiFault("bad_data", reason));
  return selectors(expr).length === 0 ? NO_CONTENT : success("[]");
}

const textOf = (form: URLSearchParams): string => form.get("query") ?? "";

function parsed(form: URLSearchParams, refuse = (reason: string) => invalidParameter("query", reason)): Expr {
  try {
    return parse(textOf(form));
  } catch (error) {
    if (error instanceof PromqlSyntaxError) throw refuse(syntaxMessage(error));
    throw error;
  }
}

/** Nothing here takes so long that it could end early, but what is no duration is refused. */
function timeout(form: URLSearchParams): void {
  if ((form.get("timeout") ?? "") !== "") durationParameter(form, "timeout");
}

function lookbackOf(form: URLSearchParams): string | undefined {
  const text = form.get("lookback_delta") ?? "";
  if (text === "") return undefined;
  try {
    const ms = Math.trunc(durationNs(text) / 1e6);
    return ms > 0 ? `${ms}ms` : undefined;
  } catch (error) {
    if (!(error instanceof ApiFault)) throw error;
    throw new ApiFault("bad_data", `error parsing lookback delta duration: ${error.message}`);
  }
}

const BUILD = {
  version: "3.16.0",
  revision: "",
  branch: "",
  buildUser: "",
  buildDate: "",
  goVersion: "",
};

/** Understood under its old name too, which Prometheus 3 has no more. */
const RENAMED = "holt_winters";

/** What is there of Prometheus 3's, as a server says it of itself. */
function features(): Readonly<Record<string, Readonly<Record<string, boolean>>>> {
  const stable = (table: Readonly<Record<string, Parameter | Signature>>): Record<string, boolean> =>
    Object.fromEntries(
      Object.entries(table)
        .filter(([name]) => name !== RENAMED)
        .map(([name, { experimental }]) => [name, experimental !== true]),
    );
  const operators = Object.fromEntries(Object.keys(PRECEDENCE).map((op) => [op, true]));
  return {
    api: {
      label_values_match: true,
      query_warnings: true,
      time_range_labels: true,
      time_range_series: true,
    },
    prometheus: { agent_mode: false, server_mode: true },
    promql: {
      at_modifier: true,
      bool: true,
      by: true,
      delayed_name_removal: false,
      group_left: true,
      group_right: true,
      ignoring: true,
      negative_offset: true,
      offset: true,
      on: true,
      per_query_lookback_delta: true,
      subqueries: true,
      without: true,
    },
    promql_functions: stable(FUNCTIONS),
    promql_operators: { ...operators, ...stable(AGGREGATIONS) },
  };
}
