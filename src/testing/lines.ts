import { type Exchange, spanUs } from "./exchange.ts";
import { type LineFields, lineText } from "./line-format.ts";
import { bodiesOf, durationMsOf, type Report } from "./profile.ts";
import type { SimulatedRequest } from "./simulation.ts";
import { authorityOf, clusterOf, portOf, userAddress, userAgentOf } from "./spans.ts";
import type { EmittedLine } from "./telemetry.ts";
import { ephemeralPort, type Workload } from "./topology.ts";

/** The lines that the proxies write of a request, in the order of their times. */
export function linesOf(request: SimulatedRequest): readonly EmittedLine[] {
  const { stream } = request;
  let templates = TEMPLATES.get(stream);
  if (templates === undefined) {
    templates = templatesOf(stream.kind.exchanges, stream.profile.reports);
    TEMPLATES.set(stream, templates);
  }
  return templates.map((template, i) => new Line(request, template, i));
}

/** What the lines of requests of one kind have in common, which is most of them. */
interface Template {
  readonly writer: Workload;
  /** Texts that every such line has, with what differs between them. */
  readonly parts: readonly (Slot | string)[];
}

/** A part of a line that each request has its own of. */
type Slot = (request: SimulatedRequest) => number | string;

const TEMPLATES = new WeakMap<SimulatedRequest["stream"], readonly Template[]>();

function templatesOf(exchanges: readonly Exchange[], reports: readonly Report[]): readonly Template[] {
  const refused = exchanges.flatMap((exchange) => {
    const { isRefused, callee } = exchange;
    return isRefused && callee !== undefined ? [templateOf(callee, (slots) => refusedFields(exchange, slots))] : [];
  });
  // Who answers writes before who asked.
  const written = [...reports].reverse().map((report) => templateOf(report.writer, (slots) => fieldsOf(report, slots)));
  return [...refused, ...written];
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
  readonly #parts: Template["parts"];

  constructor(request: SimulatedRequest, { writer, parts }: Template, place: number) {
    this.timeNs = request.endNs + BigInt(Math.min(place, MOST_APART)) * APART_NS;
    this.namespace = writer.namespace;
    this.pod = writer.pod;
    this.app = writer.app;
    this.#request = request;
    this.#parts = parts;
  }

  get text(): string {
    let text = "";
    for (const part of this.#parts) text += typeof part === "string" ? part : part(this.#request);
    return text;
  }
}

/** No text of a line holds it. */
const MARK = "\0";

/** Writes a line once with marks where its slots are, and takes it apart there. */
function templateOf(writer: Workload, fields: (slots: (slot: Slot) => string) => LineFields): Template {
  const slots: Slot[] = [];
  const marked = lineText(
    fields((slot) => {
      slots.push(slot);
      return `${MARK}${slots.length - 1}${MARK}`;
    }),
    writer.logs,
  );
  const parts = marked.split(MARK).map((text, i) => (i % 2 === 0 ? text : (slots[Number(text)] ?? text)));
  return { writer, parts };
}

function fieldsOf(report: Report, slot: (slot: Slot) => string): LineFields {
  const { exchange, outcome, reporter, start } = report;
  const { service, caller, attempts, isMutual, callee } = exchange;
  const isSource = reporter === "source";
  const isHttp = service.protocol !== "tcp";
  const isUnreached = outcome.flags === "UF";
  const isServed = outcome.details === "via_upstream";
  const isUsers = isHttp && caller.proxy === "gateway";
  const attempt = Math.max(0, isSource ? attempts.length - 1 : attempts.findIndex((one) => one.start === start));
  const port = (of: number) => slot((request) => portOf(request, exchange, of));
  const user = () => slot(userAddress);
  const http = <T>(value: T): T | undefined => (isHttp ? value : undefined);
  const common = {
    start_time: slot((request) => iso(request, start)),
    method: http(exchange.method),
    path: http(exchange.path),
    protocol: http(service.protocol === "grpc" ? "HTTP/2" : "HTTP/1.1"),
    response_code: String(outcome.code),
    response_flags: outcome.flags,
    response_code_details: http(outcome.details),
    upstream_transport_failure_reason: isUnreached ? "delayed_connect_error:_Connection_refused" : undefined,
    bytes_received: slot(({ y }) => bodiesOf(report, y).request),
    bytes_sent: slot(({ y }) => bodiesOf(report, y).response),
    duration: slot(({ x }) => durationMsOf(report, x)),
    upstream_service_time: isServed && isHttp ? slot(({ x }) => Math.max(0, durationMsOf(report, x) - 1)) : undefined,
    x_forwarded_for: isUsers ? user() : undefined,
    user_agent: http(userAgentOf(exchange)),
    request_id: isHttp ? slot(({ requestId }) => requestId) : undefined,
    authority: http(authorityOf(exchange)),
    upstream_cluster: clusterOf(exchange, isSource),
    route_name: isHttp && !(isUsers && isSource) ? "default" : undefined,
  };
  if (isSource) {
    return {
      ...common,
      upstream_host: `${callee?.address ?? NOWHERE}:${service.port}`,
      upstream_local_address: isUnreached ? undefined : `${caller.address}:${port(attempt)}`,
      downstream_local_address: isUsers ? `${caller.address}:8080` : `${service.address}:${service.port}`,
      downstream_remote_address: `${isUsers ? user() : caller.address}:${port(9)}`,
      requested_server_name: undefined,
    };
  }
  const isAnswered = !outcome.details.startsWith("rbac_") && outcome.flags !== "RL";
  const own = `${report.writer.address}:${service.port}`;
  const loopback: Slot = (request) => ephemeralPort(request.bits(7_000 + attempt));
  return {
    ...common,
    upstream_host: isAnswered ? own : undefined,
    upstream_local_address: isAnswered ? `127.0.0.6:${slot(loopback)}` : undefined,
    downstream_local_address: own,
    // A proxy believes what the gateway says of the user's address, which has no port.
    downstream_remote_address: isUsers ? `${user()}:0` : `${caller.address}:${port(attempt)}`,
    requested_server_name: isMutual
      ? `outbound_.${service.port}_.${exchange.subset ?? "_"}_.${service.host}`
      : undefined,
  };
}

/** Where a service would be that nothing serves. */
const NOWHERE = "10.244.9.9";

const iso = ({ startUs, x }: SimulatedRequest, start: Report["start"]): string =>
  new Date(Math.floor((startUs + spanUs(start, x)) / 1_000)).toISOString();

/** What a proxy writes of a connection that no filter chain of its listener takes. */
function refusedFields(exchange: Exchange, slot: (slot: Slot) => string): LineFields {
  const { outcome, callee, caller, service, timing } = exchange;
  return {
    start_time: slot((request) => iso(request, timing.start)),
    response_code: String(outcome.code),
    response_flags: outcome.flags,
    response_code_details: outcome.details,
    bytes_received: "0",
    bytes_sent: "0",
    duration: "0",
    downstream_local_address: `${callee?.address}:${service.port}`,
    downstream_remote_address: `${caller.address}:${slot((request) => portOf(request, exchange, 0))}`,
  };
}
