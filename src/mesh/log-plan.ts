import { QueryError } from "../errors.ts";
import type { LineCondition, LogFilter, TextMatch } from "../logs/backend.ts";
import type { AccessLogEntry, KnownPeers, LogOrigin } from "../logs/entry.ts";
import type { View } from "../logs/join.ts";
import type { LineSource } from "../logs/reading.ts";
import { escapePattern } from "../promql/index.ts";
import { workloadOfPod } from "../traces/proxy-node.ts";
import { anyText } from "./log-options.ts";
import type { Peer } from "./peer.ts";
import type { Scope } from "./scope.ts";

/** Lines of one side of a scope. */
export interface SideSource extends LineSource {
  readonly view: View | ((entry: AccessLogEntry) => View);
  /** Whether the scope itself says where these lines were written, or whom they name; other lines are found by request. */
  readonly bounded: boolean;
}

/** What a plan depends on beside the scope. */
export interface PlanOptions {
  /** The container of the proxies; `false` where lines are kept without one. */
  readonly container: string | false;
  readonly services: readonly string[] | undefined;
}

/** Where the lines of a scope's calls are. */
export interface LogPlan {
  readonly client: readonly SideSource[];
  readonly server: readonly SideSource[];
}

/** What an end is called where nothing is known of it. */
export const UNKNOWN = "unknown";

/**
 * The sources of both sides' lines.
 *
 * No line of a sidecar names both ends: the caller's names the service that it called and is known by its pod, the
 * callee's names the service in the handshake and is known by its pod, but not its caller. So each side is read by what
 * it shows, and the rest is for the join.
 *
 * @throws {QueryError} `code: "label"` for a part of a peer that no line shows
 */
export function planOf({ source, destination }: Scope, { container, services }: PlanOptions): LogPlan {
  const from = readable(source, "from");
  const to = readable(destination, "to");
  const origin = container === false ? {} : { container };
  if (from === undefined && to === undefined) {
    const all: SideSource = { filter: { origin }, take: withOrigin, view: viewOf, bounded: true };
    return { client: [all], server: [] };
  }
  const called = to && calledNames(to, services);
  return { client: [clientSource(from, to, called, origin)], server: serverSources(to, called, origin) };
}

/** What the called end may be named in lines. */
interface CalledNames {
  /** Names of services, the likeliest first; none where the end is no service by name. */
  readonly services: readonly string[];
  /** A text that every line which names the end holds. */
  readonly text: string | undefined;
}

/** A workload is called through a service of the same name, or of the beginning of it: `reviews-v1` through `reviews`. */
function calledNames(
  { workload, service, app, host, namespace }: Peer,
  given: readonly string[] | undefined,
): CalledNames {
  const services = given ?? (service === undefined ? beginnings(workload ?? app) : [service]);
  if (host !== undefined) return { services: [], text: host };
  if (services.length > 0) return { services, text: commonText(services) };
  return { services, text: namespace === undefined ? undefined : `.${namespace}.svc` };
}

/** `["reviews-v1", "reviews"]` of `"reviews-v1"`. */
function beginnings(name: string | undefined): readonly string[] {
  if (name === undefined || name === UNKNOWN) return [];
  const parts = name.split("-");
  return parts.map((_, i) => parts.slice(0, parts.length - i).join("-")).filter((one) => one !== "");
}

/** The shortest of the names, where all others begin with it. */
function commonText(names: readonly string[]): string | undefined {
  const shortest = names.reduce((a, b) => (b.length < a.length ? b : a));
  return names.every((name) => name.startsWith(shortest)) ? shortest : undefined;
}

function clientSource(
  from: Peer | undefined,
  to: Peer | undefined,
  called: CalledNames | undefined,
  origin: LogFilter["origin"],
): SideSource {
  const lines: LineCondition[] = called === undefined ? [] : namingLines(called);
  if (called?.text === undefined) lines.push({ text: "inbound|", not: true });
  return {
    filter: { origin: { ...origin, ...originOf(from) }, lines },
    view: "client",
    bounded: from !== undefined || called?.text !== undefined || (called?.services.length ?? 0) > 0,
    take: (entry) => {
      if (viewOf(entry) !== "client") return undefined;
      const taken = withOrigin(entry);
      if (from !== undefined && from.workload !== UNKNOWN && !isWrittenBy(taken, from)) return undefined;
      return to === undefined || called === undefined || names(taken, to, called) ? taken : undefined;
    },
  };
}

function serverSources(
  to: Peer | undefined,
  called: CalledNames | undefined,
  origin: LogFilter["origin"],
): readonly SideSource[] {
  // Who has no proxy, or was never reached, wrote nothing.
  if (to?.host !== undefined || to?.workload === UNKNOWN) return [];
  const take = (entry: AccessLogEntry) => (viewOf(entry) === "server" ? withOrigin(entry) : undefined);
  const notClients: LineCondition = { text: "outbound|", not: true };
  const one = (where: LogFilter["origin"], ...lines: LineCondition[]): SideSource => ({
    filter: { origin: { ...origin, ...where }, lines: [...lines, notClients] },
    view: "server",
    bounded: to !== undefined,
    take,
  });
  if (to === undefined) return [one({})];
  const namespace = to.namespace === undefined ? {} : { namespace: to.namespace };
  if (to.app !== undefined) return [one({ ...namespace, app: to.app })];
  if (called === undefined || called.services.length === 0) return [one(namespace)];
  // Callers with a proxy name the service in the handshake, whatever the pod is called. Others are found by the pod.
  const pod = { pattern: `(${called.services.map(escapePattern).join("|")})(-.*)?` };
  return [
    one(namespace, { text: "outbound_." }, ...namingLines(called)),
    one({ ...namespace, pod }, { text: "outbound_.", not: true }),
  ];
}

const namingLines = ({ services, text }: CalledNames): LineCondition[] =>
  text !== undefined ? [{ text }] : services.length === 0 ? [] : [anyText(services)];

function originOf(peer: Peer | undefined): LogFilter["origin"] {
  if (peer === undefined || peer.workload === UNKNOWN) return {};
  const { workload, namespace, service, app } = peer;
  const label = app ?? service;
  return {
    ...(namespace !== undefined && { namespace }),
    ...(label !== undefined && { app: label }),
    ...(workload !== undefined && { pod: podsOf(workload) }),
  };
}

/** The names that Kubernetes gives the pods of a workload, and maybe some others. */
const podsOf = (workload: string): TextMatch => ({ pattern: `${escapePattern(workload)}(-[a-z0-9]+){0,2}` });

/** Whether a line was written by a pod of the peer. */
export function isWrittenBy({ origin = {}, source }: AccessLogEntry, { workload, namespace }: Peer): boolean {
  const writer = workloadOf(origin) ?? source.workload;
  return (workload === undefined || writer === workload) && (namespace ?? origin.namespace) === origin.namespace;
}

/** Whether a caller's line names the peer as the end that was called, as far as it names one. */
function names(entry: AccessLogEntry, to: Peer, { services }: CalledNames): boolean {
  const { service, namespace, host } = entry.destination;
  const asked = askedService(entry);
  if (to.host !== undefined) return (host ?? entry.serverName?.host ?? asked.host) === to.host;
  if (to.workload === UNKNOWN) return true;
  if (host !== undefined) {
    if (services.length > 0 && !(service !== undefined && services.includes(service))) return false;
    return to.namespace === undefined || namespace === to.namespace;
  }
  // Without a route there is no cluster, and the host that was asked for is all there is.
  if (to.namespace !== undefined && asked.namespace !== to.namespace) return false;
  return services.length === 0 ? to.namespace !== undefined : services.includes(asked.service);
}

/** What the caller asked for by name; a name without a namespace is of the caller's own. */
export function askedService({ authority = "", origin }: AccessLogEntry): {
  readonly host: string;
  readonly service: string;
  readonly namespace: string | undefined;
} {
  const host = authority.replace(/:\d+$/, "");
  const [service = "", namespace = origin?.namespace] = host.split(".");
  return { host, service, namespace };
}

/** A line with what its place says of the end that wrote it. */
export function withOrigin(entry: AccessLogEntry): AccessLogEntry {
  const { origin } = entry;
  if (origin === undefined) return entry;
  const writer = { workload: workloadOf(origin), namespace: origin.namespace };
  const peers: KnownPeers = viewOf(entry) === "client" ? { source: writer } : { destination: writer };
  return entry.knowing({ peers });
}

const workloadOf = ({ pod }: LogOrigin): string | undefined => (pod === undefined ? undefined : workloadOfPod(pod));

/**
 * On which side a proxy wrote a line. A gateway and a waypoint are the callers of what is behind them. Where a line
 * names no cluster, a request found no route from the caller's proxy, and a connection no way into the callee's.
 */
export function viewOf(entry: AccessLogEntry): View {
  const { side } = entry;
  if (side !== undefined) return side === "server" ? "server" : "client";
  return entry.isTcp ? "server" : "client";
}

/**
 * A peer as logs can tell it.
 *
 * @throws {QueryError} `code: "label"`
 */
function readable(peer: Peer | undefined, end: string): Peer | undefined {
  if (peer === undefined || Object.values(peer).every((value) => value === undefined)) return undefined;
  for (const part of ["version", "cluster", "principal"] as const) {
    if (peer[part] === undefined) continue;
    throw new QueryError("label", `logs: ${end}: no line shows the ${part} of an end; name its workload instead`);
  }
  return peer;
}
