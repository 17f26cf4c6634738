import type { Call } from "../../logs/call.ts";
import type { AccessLogEntry } from "../../logs/entry.ts";
import type { LogMeta, LogSearch } from "../../logs/search.ts";
import { logLabels } from "../log-labels.ts";
import { withoutQuery } from "../log-options.ts";
import type { FlowExample } from "./flow.ts";
import { normalizedPath, type PathNormalization } from "./path.ts";
import type { PolicyRequest } from "./request.ts";

/** Requests that access logs show, the same in all that policies look at. */
export interface ObservedCalls {
  readonly source: { readonly workload: string | undefined; readonly namespace: string | undefined };
  readonly destination: {
    readonly workload: string | undefined;
    readonly namespace: string | undefined;
    readonly service: string | undefined;
    readonly app: string | undefined;
  };
  readonly protocol: PolicyRequest["protocol"];
  readonly security: PolicyRequest["security"];
  readonly principal: string | undefined;
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly ip: string | undefined;
  readonly remoteIp: string | undefined;
  readonly serverName: string | null | undefined;
  readonly userAgent: string | undefined;
  /**
   * Whose line shows it: the proxy's that had a say (`callee`, `gateway`, `waypoint`), or only the `caller`'s, whose
   * proxy may not have sent it at all (`unsent`).
   */
  readonly seenBy: "callee" | "caller" | "gateway" | "unsent" | "waypoint";
  readonly lines: number;
  /** Of those, turned away. */
  readonly denied: number;
  readonly example: FlowExample;
}

/** What of a request policies look at beside its method, path, host and port. */
export interface Wanted {
  readonly addresses: boolean;
  readonly serverName: boolean;
  readonly userAgent: boolean;
}

/** How calls are to be read. */
export interface CallReading {
  readonly wanted: Wanted;
  readonly pathNormalization: PathNormalization;
  /** Workloads that pass on what others send from outside, as `"name.namespace"` or `"name"`. */
  readonly gateways: readonly string[];
}

type Part = Omit<ObservedCalls, "denied" | "example" | "lines">;
type Counted = Part & { lines: number; denied: number; example: FlowExample };

/** Reads calls as they come, and keeps what differs between them. */
export async function observedCalls(
  search: LogSearch<Call>,
  reading: CallReading,
): Promise<{ readonly calls: readonly ObservedCalls[]; readonly meta: LogMeta }> {
  const counted = new Map<string, Counted>();
  const meta = await search.each((call) => {
    for (const { part, entry, denied } of partsOf(call, reading)) {
      const key = JSON.stringify(part);
      const known = counted.get(key);
      if (known === undefined)
        counted.set(key, { ...part, lines: 1, denied: denied ? 1 : 0, example: exampleOf(entry) });
      else {
        known.lines++;
        if (denied) known.denied++;
      }
    }
  });
  return { calls: [...counted.values()], meta };
}

interface Seen {
  readonly part: Part;
  readonly entry: AccessLogEntry;
  readonly denied: boolean;
}

/** What each proxy that had a say saw of a call: the callee's for each attempt, and a gateway's for what it took in. */
function* partsOf(call: Call, reading: CallReading): Generator<Seen> {
  const { client, attempts, source } = call;
  for (const entry of attempts) yield { ...calleePart(call, entry, reading), entry };
  if (client?.side === "waypoint") yield { ...waypointPart(call, client, reading), entry: client };
  else if (client !== undefined && isGateway(source, reading.gateways))
    yield { ...gatewayPart(call, client, reading), entry: client };
  // Where the callee's lines are not collected, the caller's says what was asked; and what was never sent is routed too.
  else if (client !== undefined && call.alone?.side === "client" && !isOutside(client)) {
    yield { ...calleePart(call, client, reading), entry: client };
  }
}

const isOutside = ({ cluster }: AccessLogEntry): boolean =>
  cluster?.direction === "passthrough" || cluster?.direction === "black-hole";

function isGateway({ workload, namespace }: Call["source"], gateways: readonly string[]): boolean {
  return workload !== undefined && gateways.some((one) => one === workload || one === `${workload}.${namespace}`);
}

/** A strict proxy's line of a connection without TLS, which came to no request. */
const isRefusedPlaintext = (entry: AccessLogEntry): boolean =>
  entry.isTcp && entry.responseCodeDetails === "filter_chain_not_found";

function calleePart(call: Call, entry: AccessLogEntry, reading: CallReading): Omit<Seen, "entry"> {
  const { client } = call;
  const refused = isRefusedPlaintext(entry);
  const own = entry === client ? undefined : entry;
  const { destination } = entry;
  const both = call.destination;
  const port =
    own === undefined ? undefined : own.cluster?.direction === "inbound" ? own.cluster.port : own.downstreamLocal?.port;
  return {
    denied: refused || entry.rbac !== undefined,
    part: {
      source: { workload: call.source.workload, namespace: call.source.namespace },
      destination: {
        workload: own === undefined ? both.workload : destination.workload,
        namespace: own?.origin?.namespace ?? both.namespace,
        service: serviceName(both.service, both.namespace),
        app: own?.origin?.app,
      },
      // What was refused before its first byte may have been meant as anything.
      protocol: refused ? "http" : protocolOf(call),
      security: refused ? "none" : entry.serverName?.port === undefined ? undefined : "mutual_tls",
      principal: entry.source.principal,
      ...requestPart(entry, reading),
      seenBy: own !== undefined ? "callee" : call.alone?.reason === "not-sent" ? "unsent" : "caller",
      port: port === undefined || Number.isNaN(port) ? undefined : port,
      ip: reading.wanted.addresses ? (client?.upstreamLocal?.host ?? ownAddress(own)) : undefined,
      remoteIp: reading.wanted.addresses ? own?.downstreamRemote?.host : undefined,
    },
  };
}

function gatewayPart(call: Call, client: AccessLogEntry, reading: CallReading): Omit<Seen, "entry"> {
  const { workload, namespace } = call.source;
  return {
    denied: client.rbac !== undefined,
    part: {
      source: { workload: undefined, namespace: undefined },
      destination: { workload, namespace, service: undefined, app: client.origin?.app },
      protocol: protocolOf(call),
      security: "none",
      principal: undefined,
      ...requestPart(client, reading),
      seenBy: "gateway",
      port: client.downstreamLocal?.port,
      ip: reading.wanted.addresses ? ownAddress(client) : undefined,
      remoteIp: reading.wanted.addresses ? client.downstreamRemote?.host : undefined,
    },
  };
}

/** A waypoint's line names the service, and of the caller the address alone. */
function waypointPart(call: Call, client: AccessLogEntry, reading: CallReading): Omit<Seen, "entry"> {
  const { service, namespace } = client.destination;
  return {
    denied: client.rbac !== undefined,
    part: {
      source: { workload: undefined, namespace: undefined },
      destination: { workload: undefined, namespace, service: serviceName(service, namespace), app: undefined },
      protocol: protocolOf(call),
      security: undefined,
      principal: client.source.principal,
      ...requestPart(client, reading),
      seenBy: "waypoint",
      port: undefined,
      ip: reading.wanted.addresses ? ownAddress(client) : undefined,
      remoteIp: reading.wanted.addresses ? client.downstreamRemote?.host : undefined,
    },
  };
}

const serviceName = (service: string | undefined, namespace: string | undefined): string | undefined =>
  service === undefined || namespace === undefined ? service : `${service}.${namespace}`;

function requestPart(entry: AccessLogEntry, { wanted, pathNormalization }: CallReading) {
  const { method, path, authority: host } = entry;
  return {
    method,
    path: path === undefined ? undefined : normalizedPath(withoutQuery(path), pathNormalization),
    host,
    serverName: wanted.serverName ? (entry.serverName?.name ?? null) : undefined,
    userAgent: wanted.userAgent ? entry.userAgent : undefined,
  };
}

/** An address that is known from `x-forwarded-for` has no port, and is not that of the connection. */
function ownAddress(entry: AccessLogEntry | undefined): string | undefined {
  const { host, port } = entry?.downstreamRemote ?? {};
  return port === 0 ? undefined : host;
}

const protocolOf = (call: Call): PolicyRequest["protocol"] => {
  const protocol = logLabels(call).request_protocol;
  return protocol === "grpc" || protocol === "tcp" ? protocol : "http";
};

function exampleOf(entry: AccessLogEntry): FlowExample {
  const { requestId, timeMs, raw, rbac } = entry;
  const { policy, namespace } = rbac ?? {};
  const deniedBy =
    rbac === undefined
      ? undefined
      : policy === undefined
        ? "none"
        : namespace === undefined
          ? policy
          : `${policy}.${namespace}`;
  return Object.freeze({ requestId, timeMs, line: raw, deniedBy });
}
