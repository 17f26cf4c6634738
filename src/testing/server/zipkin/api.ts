import type { EmittedSpan, EmittedTrace, Telemetry } from "../../telemetry.ts";
import {
  jsonReply,
  Refusal,
  type Route,
  refusing,
  routed,
  type ServerReply,
  type ServerRequest,
  type Unrouted,
} from "../exchange.ts";
import { linksOf, recentTraces, survey } from "../recent-traces.ts";
import { annotationsIn, isFound, type ZipkinQuery } from "./query.ts";

/** Version 2 of Zipkin's API. Names of services and spans are kept in lower case. */
export function zipkinApi(telemetry: Telemetry, now: () => number): (request: ServerRequest) => ServerReply {
  const names = (namesOf: (span: EmittedSpan) => string | undefined): ServerReply =>
    jsonReply(survey(telemetry, now(), namesOf));
  const get = (path: string, answer: Route["answer"]): Route => ({
    methods: ["GET"],
    path: new RegExp(`^(?:/zipkin)?/api/v2/${path}$`),
    answer,
  });
  const routes = [
    get("services", () => names(({ service }) => service.toLowerCase())),
    get("spans", ({ query }) => {
      const service = required(query, "serviceName");
      return names((span) => (span.service.toLowerCase() === service ? span.operation.toLowerCase() : undefined));
    }),
    // A proxy's span does not say what service is on its other side.
    get("remoteServices", ({ query }) => {
      required(query, "serviceName");
      return jsonReply([]);
    }),
    get("autocompleteKeys", () => jsonReply([])),
    get("traces", ({ query }) => jsonReply(searched(telemetry, query, now()).map(spansOf))),
    get("trace/([^/]+)", (_, id = "") => {
      const normal = normalId(id);
      const trace = telemetry.trace(normal);
      return trace === undefined ? plain(404, `${normal} not found`) : jsonReply(spansOf(trace));
    }),
    get("traceMany", ({ query }) => jsonReply(many(telemetry, present(query, "traceIds")).map(spansOf))),
    get("dependencies", ({ query }) => {
      const endMs = positive(query, "endTs", undefined);
      const fromMs = endMs - positive(query, "lookback", DEFAULT_LOOKBACK_MS);
      return jsonReply(
        linksOf(telemetry, fromMs, endMs).map(({ parent, child, calls, errors }) => ({
          parent: parent.toLowerCase(),
          child: child.toLowerCase(),
          callCount: calls,
          ...(errors === 0 ? {} : { errorCount: errors }),
        })),
      );
    }),
    { methods: ["GET"], path: /^\/info$/, answer: () => jsonReply({ zipkin: { version: "3.4.4", commit: "" } }) },
    { methods: ["GET"], path: /^\/health$/, answer: () => jsonReply({ status: "UP" }) },
  ];
  const answering = refusing(routes, ({ status, message }) => plain(status, message));
  return (request) => routed(answering, UNROUTED, request);
}

/** The text alone, of whatever kind. */
const plain = (status: number, body: string): ServerReply => ({ status, contentType: "text/*", body });

const UNROUTED: Unrouted = {
  notFound: () => plain(404, "Status: 404\nDescription: Not Found\n"),
  notAllowed: () => plain(405, "Status: 405\nDescription: Method Not Allowed\n"),
};

const DEFAULT_LOOKBACK_MS = 86_400_000;
const DEFAULT_LIMIT = 10;

function searched(telemetry: Telemetry, query: URLSearchParams, nowMs: number): readonly EmittedTrace[] {
  const endMs = positive(query, "endTs", Math.floor(nowMs));
  const name = query.get("spanName")?.toLowerCase() ?? "";
  const minDuration = query.has("minDuration") ? positive(query, "minDuration", undefined) : undefined;
  if (query.has("maxDuration") && minDuration === undefined) {
    throw new Refusal(400, "maxDuration is only valid with minDuration");
  }
  const asked: ZipkinQuery = {
    service: query.get("serviceName")?.toLowerCase() ?? "",
    name: name === "all" ? "" : name,
    remoteService: query.get("remoteServiceName")?.toLowerCase() ?? "",
    annotations: annotationsIn(query.get("annotationQuery") ?? ""),
    leastUs: minDuration,
    mostUs: query.has("maxDuration") ? positive(query, "maxDuration", undefined) : undefined,
  };
  const limit = positive(query, "limit", DEFAULT_LIMIT);
  const fromMs = endMs - positive(query, "lookback", DEFAULT_LOOKBACK_MS);
  const found: EmittedTrace[] = [];
  for (const trace of recentTraces(telemetry, fromMs, endMs)) {
    if (!isFound(trace, asked)) continue;
    found.push(trace);
    if (found.length === limit) break;
  }
  return found;
}

function many(telemetry: Telemetry, text: string): readonly EmittedTrace[] {
  if (text === "") throw new Refusal(400, "traceIds parameter is empty");
  const ids = text.split(",").map((id) => id.trim());
  const [only] = ids;
  if (ids.length === 1) throw new Refusal(400, `Use /api/v2/trace/{traceId} endpoint to retrieve a single trace`);
  const twice = ids.find((id, i) => ids.indexOf(id) < i);
  if (twice !== undefined || only === undefined) throw new Refusal(400, `redundant traceId: ${twice}`);
  return ids.map((id) => telemetry.trace(normalId(id))).filter((trace) => trace !== undefined);
}

/** 16 or 32 digits in lower case. */
function normalId(id: string): string {
  if (id === "") throw new Refusal(400, "traceId is empty");
  if (id.length > 32) throw new Refusal(400, "traceId.length > 32");
  if (!/^[0-9a-f]+$/i.test(id)) throw new Refusal(400, `${id} should be lower-hex encoded with no prefix`);
  if (/^0+$/.test(id)) throw new Refusal(400, "traceId is all zeros");
  const digits = id.toLowerCase().replace(/^0+/, "");
  return digits.padStart(digits.length <= 16 ? 16 : 32, "0");
}

const required = (query: URLSearchParams, name: string): string => present(query, name).toLowerCase();

function present(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (value === null) throw new Refusal(400, `Mandatory parameter/header/attribute is missing: ${name}`);
  return value;
}

function positive(query: URLSearchParams, name: string, otherwise: number | undefined): number {
  if (otherwise !== undefined && !query.has(name)) return otherwise;
  const text = present(query, name);
  if (!/^-?\d{1,15}$/.test(text)) throw new Refusal(400, `For input string: "${text}"`);
  if (Number(text) <= 0) throw new Refusal(400, `${name} <= 0`);
  return Number(text);
}

const spansOf = ({ id, spans }: EmittedTrace) =>
  spans.map(({ id: spanId, parentId, kind, operation, startUs, durationUs, service, address, tags }: EmittedSpan) => ({
    traceId: id,
    ...(parentId === undefined ? {} : { parentId }),
    id: spanId,
    kind: kind.toUpperCase(),
    name: operation.toLowerCase(),
    timestamp: startUs,
    // Zipkin takes a duration of nothing for none.
    ...(durationUs === 0 ? {} : { duration: durationUs }),
    localEndpoint: { serviceName: service.toLowerCase(), [address.includes(":") ? "ipv6" : "ipv4"]: address },
    tags,
  }));
