import { type Exchange, spanUs } from "./exchange.ts";
import { bodiesOf, durationMsOf, type Report } from "./profile.ts";
import type { SimulatedRequest } from "./simulation.ts";
import { authorityOf, clusterOf, portOf, userAddress, userAgentOf } from "./spans.ts";
import type { EmittedLine } from "./telemetry.ts";
import { ephemeralPort, type Workload } from "./topology.ts";

/** The lines that the proxies write of a request, in the order of their times. */
export function linesOf(request: SimulatedRequest): readonly EmittedLine[] {
  const { profile, kind } = request.stream;
  const written = [...profile.reports].reverse().map((report) => ({ writer: report.writer, report }));
  const refused = kind.exchanges.flatMap((exchange) =>
    exchange.isRefused && exchange.callee !== undefined ? [{ writer: exchange.callee, exchange }] : [],
  );
  return [...refused, ...written].map(
    (one, i) => new Line(request, one.writer, i, "report" in one ? one.report : one.exchange),
  );
}

/** Apart from each other, the lines of one request are still of one millisecond. */
const APART_NS = 900n;
const MOST_APART = 100;

/** A line whose text is made when it is read. */
class Line implements EmittedLine {
  readonly timeNs: bigint;
  readonly namespace: string;
  readonly pod: string;
  readonly app: string;
  readonly container = "istio-proxy";
  readonly #request: SimulatedRequest;
  readonly #of: Exchange | Report;

  constructor(request: SimulatedRequest, writer: Workload, place: number, of: Exchange | Report) {
    this.timeNs = request.endNs + BigInt(Math.min(place, MOST_APART)) * APART_NS;
    this.namespace = writer.namespace;
    this.pod = writer.pod;
    this.app = writer.app;
    this.#request = request;
    this.#of = of;
  }

  get text(): string {
    const isReport = "reporter" in this.#of;
    const fields = isReport
      ? fieldsOf(this.#request, this.#of as Report)
      : refusedOf(this.#request, this.#of as Exchange);
    const writer = isReport ? (this.#of as Report).writer : (this.#of as Exchange).callee;
    return writer?.logs === "json" ? jsonOf(fields) : textOf(fields);
  }
}

/** What a line says, under the names that Istio's JSON format gives it; `undefined` for nothing. */
interface Fields {
  readonly start_time: string;
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly protocol: string | undefined;
  readonly response_code: number;
  readonly response_flags: string;
  readonly response_code_details: string | undefined;
  readonly upstream_transport_failure_reason: string | undefined;
  readonly bytes_received: number;
  readonly bytes_sent: number;
  readonly duration: number;
  readonly upstream_service_time: string | undefined;
  readonly x_forwarded_for: string | undefined;
  readonly user_agent: string | undefined;
  readonly request_id: string | undefined;
  readonly authority: string | undefined;
  readonly upstream_host: string | undefined;
  readonly upstream_cluster: string | undefined;
  readonly upstream_local_address: string | undefined;
  readonly downstream_local_address: string | undefined;
  readonly downstream_remote_address: string | undefined;
  readonly requested_server_name: string | undefined;
  readonly route_name: string | undefined;
}

function fieldsOf(request: SimulatedRequest, report: Report): Fields {
  const { exchange, outcome, reporter, start } = report;
  const { service, caller, attempts, isMutual, callee } = exchange;
  const isTcp = service.protocol === "tcp";
  const sizes = bodiesOf(report, request.y);
  const durationMs = durationMsOf(report, request.x);
  const isServed = outcome.details === "via_upstream";
  const failure = "delayed_connect_error:_Connection_refused";
  const isUnreached = outcome.flags === "UF";
  const common = {
    start_time: new Date(Math.floor((request.startUs + spanUs(start, request.x)) / 1_000)).toISOString(),
    method: isTcp ? undefined : exchange.method,
    path: isTcp ? undefined : exchange.path,
    protocol: isTcp ? undefined : service.protocol === "grpc" ? "HTTP/2" : "HTTP/1.1",
    response_code: outcome.code,
    response_flags: outcome.flags,
    response_code_details: isTcp ? undefined : outcome.details,
    upstream_transport_failure_reason: isUnreached ? failure : undefined,
    bytes_received: sizes.request,
    bytes_sent: sizes.response,
    duration: durationMs,
    upstream_service_time: isServed && !isTcp ? String(Math.max(0, durationMs - 1)) : undefined,
    x_forwarded_for: isTcp ? undefined : forwardedFor(request, exchange),
    user_agent: isTcp ? undefined : userAgentOf(exchange),
    request_id: isTcp ? undefined : request.requestId,
    authority: isTcp ? undefined : authorityOf(exchange),
    upstream_cluster: clusterOf(exchange, reporter === "source"),
    route_name: isTcp ? undefined : caller.proxy === "gateway" && reporter === "source" ? undefined : "default",
  };
  if (reporter === "source") {
    const last = Math.max(0, attempts.length - 1);
    return {
      ...common,
      upstream_host: callee === undefined ? `10.244.9.9:${service.port}` : `${callee.address}:${service.port}`,
      upstream_local_address: isUnreached ? undefined : `${caller.address}:${portOf(request, exchange, last)}`,
      ...downstreamOf(request, exchange),
      requested_server_name: undefined,
    };
  }
  const attempt = Math.max(
    0,
    attempts.findIndex((one) => one.start === start),
  );
  const answered = outcome.details.startsWith("rbac_") || outcome.flags === "RL" ? undefined : service.port;
  const own = `${report.writer.address}:${service.port}`;
  const user = isTcp ? undefined : forwardedFor(request, exchange);
  return {
    ...common,
    upstream_host: answered === undefined ? undefined : own,
    upstream_local_address:
      answered === undefined ? undefined : `127.0.0.6:${ephemeralPort(request.bits(7_000 + attempt))}`,
    downstream_local_address: own,
    // A proxy believes what the gateway says of the user's address, which has no port.
    downstream_remote_address:
      user === undefined ? `${caller.address}:${portOf(request, exchange, attempt)}` : `${user}:0`,
    requested_server_name: isMutual
      ? `outbound_.${service.port}_.${exchange.subset ?? "_"}_.${service.host}`
      : undefined,
  };
}

const forwardedFor = (request: SimulatedRequest, { caller }: Exchange): string | undefined =>
  caller.proxy === "gateway" ? userAddress(request) : undefined;

function downstreamOf(
  request: SimulatedRequest,
  exchange: Exchange,
): Pick<Fields, "downstream_local_address" | "downstream_remote_address"> {
  const { caller, service } = exchange;
  const port = portOf(request, exchange, 9);
  if (caller.proxy === "gateway") {
    return {
      downstream_local_address: `${caller.address}:8080`,
      downstream_remote_address: `${userAddress(request)}:${port}`,
    };
  }
  return {
    downstream_local_address: `${service.address}:${service.port}`,
    downstream_remote_address: `${caller.address}:${port}`,
  };
}

/** What a proxy writes of a connection that no filter chain of its listener takes. */
function refusedOf(request: SimulatedRequest, exchange: Exchange): Fields {
  const { outcome, callee, caller, service, timing } = exchange;
  return {
    start_time: new Date(Math.floor((request.startUs + spanUs(timing.start, request.x)) / 1_000)).toISOString(),
    method: undefined,
    path: undefined,
    protocol: undefined,
    response_code: outcome.code,
    response_flags: outcome.flags,
    response_code_details: outcome.details,
    upstream_transport_failure_reason: undefined,
    bytes_received: 0,
    bytes_sent: 0,
    duration: 0,
    upstream_service_time: undefined,
    x_forwarded_for: undefined,
    user_agent: undefined,
    request_id: undefined,
    authority: undefined,
    upstream_host: undefined,
    upstream_cluster: undefined,
    upstream_local_address: undefined,
    downstream_local_address: `${callee?.address}:${service.port}`,
    downstream_remote_address: `${caller.address}:${portOf(request, exchange, 0)}`,
    requested_server_name: undefined,
    route_name: undefined,
  };
}

/** @see Istio, "Default access log format" */
function textOf(fields: Fields): string {
  const bare = (value: number | string | undefined): string => (value === undefined ? "-" : String(value));
  const quoted = (value: string | undefined): string => `"${value ?? "-"}"`;
  return [
    `[${fields.start_time}]`,
    `"${bare(fields.method)} ${bare(fields.path)} ${bare(fields.protocol)}"`,
    fields.response_code,
    fields.response_flags,
    bare(fields.response_code_details),
    "-",
    quoted(fields.upstream_transport_failure_reason),
    fields.bytes_received,
    fields.bytes_sent,
    fields.duration,
    bare(fields.upstream_service_time),
    quoted(fields.x_forwarded_for),
    quoted(fields.user_agent),
    quoted(fields.request_id),
    quoted(fields.authority),
    quoted(fields.upstream_host),
    bare(fields.upstream_cluster),
    bare(fields.upstream_local_address),
    bare(fields.downstream_local_address),
    bare(fields.downstream_remote_address),
    bare(fields.requested_server_name),
    bare(fields.route_name),
  ].join(" ");
}

/** With the fields in order of their names, as Envoy writes them. */
function jsonOf(fields: Fields): string {
  const all: Record<string, number | string | undefined> = { ...fields, connection_termination_details: undefined };
  const names = Object.keys(all).sort();
  return `{${names.map((name) => `"${name}":${JSON.stringify(all[name] ?? null)}`).join(",")}}`;
}
