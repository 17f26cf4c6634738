import type { EmittedSpan, EmittedTrace } from "../../telemetry.ts";
import { Refusal, type Route, refusing, type ServerReply, textReply } from "../exchange.ts";
import { goDuration, goDurationProblem, goInteger, goJson, goQuoted, rfc3339Ns } from "../go-text.ts";
import { hasFailed } from "../recent-traces.ts";
import { idProblem, NO_DEPTH, textsIn } from "./legacy.ts";
import { byService, type JaegerStore, storedTags } from "./store.ts";

/** Jaeger's stable API: OTLP's JSON, and status 404 where nothing is found. */
export function v3Routes(store: JaegerStore): readonly Route[] {
  const get = (path: RegExp, answer: Route["answer"]): Route => ({ methods: ["GET"], path, answer });
  const routes = [
    get(/^\/api\/v3\/services$/, () => answered({ services: store.services() })),
    get(/^\/api\/v3\/operations$/, ({ query }) => {
      const kind = parameter(query, "span_kind", "spanKind");
      return answered({ operations: store.operations(query.get("service") ?? "", kind) });
    }),
    get(/^\/api\/v3\/traces$/, ({ query }) => searched(store, query)),
    get(/^\/api\/v3\/traces\/([^/]+)$/, (_, id = "") => {
      const problem = idProblem(id);
      if (problem !== undefined) throw malformed("trace_id", problem);
      const trace = store.trace(id);
      return found(trace === undefined ? [] : [trace]);
    }),
  ];
  return refusing(routes, refused);
}

/** Nobody says that it is JSON, so that it goes by the look of it. */
const answered = (document: unknown): ServerReply => ({
  status: 200,
  contentType: "text/plain; charset=utf-8",
  body: JSON.stringify(document),
});

const refused = ({ status, message }: Refusal): ServerReply =>
  textReply(status, goJson({ error: { httpCode: status, message } }));

const malformed = (name: string, reason: string): Refusal => new Refusal(400, `malformed parameter ${name}: ${reason}`);

/** By its name in snake case, which every version knows, or by the newer one. */
const parameter = (query: URLSearchParams, snake: string, camel: string): string =>
  query.get(snake) ?? query.get(camel) ?? "";

const DEFAULT_DEPTH = "100";

function searched(store: JaegerStore, query: URLSearchParams): ServerReply {
  const [min, max] = [
    parameter(query, "query.start_time_min", "query.startTimeMin"),
    parameter(query, "query.start_time_max", "query.startTimeMax"),
  ];
  if (min === "" || max === "") {
    throw new Refusal(400, "query.start_time_min and query.start_time_max are required");
  }
  const depthText =
    parameter(query, "query.search_depth", "query.searchDepth") ||
    (query.get("query.num_traces") ?? "") ||
    DEFAULT_DEPTH;
  const depth = goInteger(depthText);
  if (typeof depth === "string") throw malformed("query.search_depth", depth);
  const traces = store.search({
    service: parameter(query, "query.service_name", "query.serviceName"),
    operation: parameter(query, "query.operation_name", "query.operationName"),
    tags: attributesIn(query.get("query.attributes") ?? ""),
    fromUs: Number(timeNs(min, "query.start_time_min")) / 1000,
    toUs: Number(timeNs(max, "query.start_time_max")) / 1000,
    leastNs: durationNs(parameter(query, "query.duration_min", "query.durationMin"), "query.duration_min"),
    mostNs: durationNs(parameter(query, "query.duration_max", "query.durationMax"), "query.duration_max"),
    depth,
  });
  if (traces === undefined) throw new Refusal(500, NO_DEPTH);
  return found(traces);
}

function timeNs(text: string, name: string): bigint {
  const ns = rfc3339Ns(text);
  if (ns !== undefined) return ns;
  throw malformed(name, `parsing time ${goQuoted(text)} as "2006-01-02T15:04:05.999999999Z07:00": cannot parse it`);
}

function durationNs(text: string, name: string): number {
  if (text === "") return 0;
  const ns = goDuration(text);
  if (ns === undefined) throw malformed(name, goDurationProblem(text));
  return ns;
}

function attributesIn(text: string): Readonly<Record<string, string>> {
  if (text === "") return {};
  const pairs = textsIn(text);
  if (typeof pairs === "string") throw malformed("query.attributes", pairs);
  return Object.fromEntries(pairs);
}

function found(traces: readonly EmittedTrace[]): ServerReply {
  if (traces.length === 0) throw new Refusal(404, "No traces found");
  return answered({ result: { resourceSpans: traces.flatMap(resourceSpans) } });
}

const resourceSpans = (trace: EmittedTrace) =>
  Array.from(byService(trace), ([service, spans]) => ({
    resource: { attributes: attributes([["service.name", service]]) },
    scopeSpans: [{ scope: {}, spans: spans.map((span) => otlpSpan(trace.id, span)) }],
  }));

const KINDS = { client: 3, server: 2 } as const;
const FAILED = 2;

const otlpSpan = (traceId: string, span: EmittedSpan) => ({
  traceId: traceId.padStart(32, "0"),
  spanId: span.id,
  ...(span.parentId === undefined ? {} : { parentSpanId: span.parentId }),
  name: span.operation,
  kind: KINDS[span.kind],
  startTimeUnixNano: `${span.startUs}000`,
  endTimeUnixNano: `${span.startUs + span.durationUs}000`,
  attributes: attributes(storedTags(span)),
  status: hasFailed(span) ? { code: FAILED } : {},
});

const attributes = (pairs: readonly (readonly [string, string])[]) =>
  pairs.map(([key, value]) => ({ key, value: { stringValue: value } }));
