import { IstioSpan, type KnownWorkload, ReadNames } from "./istio-span.ts";
import { skewsOf } from "./skew.ts";
import type { Span } from "./span.ts";
import { type SpanTree, walk } from "./span-tree.ts";
import { hasFailed, neverLeft } from "./status.ts";
import { serviceOfHost, type UpstreamCluster } from "./upstream-cluster.ts";

/** One end of a {@link Hop}: whatever its spans show of it, `undefined` where they do not. */
export interface HopEnd {
  readonly workload: string | undefined;
  readonly namespace: string | undefined;
  /** The canonical service of the workload. */
  readonly service: string | undefined;
  readonly app: string | undefined;
  readonly version: string | undefined;
  readonly cluster: string | undefined;
  readonly pod: string | undefined;
  /** The IP address of its proxy or, where that has no span, of the peer that the other side saw. */
  readonly address: string | undefined;
  /** The identity, where the mesh's own custom tags tell it. */
  readonly principal: string | undefined;
}

/** The end that was called, and as what. */
export interface HopDestination extends HopEnd {
  /** The canonical service of the workload that answered, otherwise the service in the called host. */
  readonly service: string | undefined;
  /** The host that was called as the mesh resolved it, maybe short; where it knew none, as the caller wrote it. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** The subset of a DestinationRule that the call was routed to. */
  readonly subset: string | undefined;
}

/** One call that crossed the mesh, however many spans and attempts it took. */
export interface Hop {
  readonly source: HopEnd;
  readonly destination: HopDestination;
  /** The span of the caller's proxy. */
  readonly client: Span | undefined;
  /** The span of the called proxy; of several attempts the last. */
  readonly server: Span | undefined;
  /** The spans of the called proxy in order of start, one for each attempt that arrived: more than one is a retry. */
  readonly attempts: readonly Span[];
  /** All spans that show the call, waypoints' and attempts' included, parents before their children. */
  readonly spans: readonly Span[];
  readonly startMs: number;
  readonly clientMs: number | undefined;
  readonly serverMs: number | undefined;
  /** What the call took beside the called proxy: network and both ends' waiting. Of a single attempt that the caller waited for. */
  readonly networkMs: number | undefined;
  readonly protocol: "grpc" | "http" | undefined;
  readonly method: string | undefined;
  /** Without its query. Envoy cuts long ones. */
  readonly path: string | undefined;
  /** The HTTP status that the caller saw; 0 where it saw none. */
  readonly code: number | undefined;
  readonly grpcStatus: number | undefined;
  /** Envoy's response flags that the caller's proxy gave; where it gave none, those of the next on the way. */
  readonly flags: readonly string[];
  /** Whether it failed: gRPC's server errors, HTTP 5xx or 0, or a mark of error; `undefined` where nothing tells. */
  readonly failed: boolean | undefined;
  readonly requestId: string | undefined;
  /** Whether it was under mutual TLS, where the mesh's own custom tags tell it. */
  readonly mtls: boolean | undefined;
  /** Whether it reached the other side. `undefined`: it may have, and the span that would show it is not here. */
  readonly arrived: boolean | undefined;
  /** Whether the clocks of both sides disagree, so that what one side says of the time cannot be held to the other's. */
  readonly skewed: boolean;
}

/**
 * The calls of a trace that crossed the mesh, in the order the request took; siblings by start.
 *
 * A caller's proxy makes one hop with what its spans lead to: attempts, a waypoint, the called proxy. A called proxy
 * without a caller's span gives a hop from the nearest proxy above it, whatever spans of applications lie between; with
 * no proxy above it the source is unknown but for its address. Spans that no proxy made are no hops.
 */
export function hopsOf(tree: SpanTree): readonly Hop[] {
  const drafts = draftsOf(tree);
  const skewed = new Set(skewsOf(tree).map(({ span }) => span));
  return Object.freeze(drafts.map((draft) => hopOf(draft, skewed)));
}

/** A hop while its spans are being found. */
interface Draft {
  readonly caller: IstioSpan | undefined;
  /** The nearest proxy above, where there is no caller's span. */
  readonly from: Place | undefined;
  readonly waypoints: IstioSpan[];
  readonly receivers: IstioSpan[];
  readonly spans: Span[];
  /** Somebody took up the context that the caller sent. */
  reached: boolean;
}

/** The nearest proxy at or above a span, and the hop that its span belongs to. */
interface Place {
  readonly reading: IstioSpan;
  readonly draft: Draft;
}

function draftsOf(tree: SpanTree): readonly Draft[] {
  const drafts: Draft[] = [];
  const places = new Map<Span, Place>();
  const names = new ReadNames();
  for (const { span } of walk(tree)) {
    const parent = tree.parentOf(span);
    const above = parent === undefined ? undefined : places.get(parent);
    const isDirect = above !== undefined && above.reading.span === parent;
    const reading = IstioSpan.of(span, names);
    if (reading?.role === undefined) {
      if (above === undefined) continue;
      if (isDirect) above.draft.reached = true;
      places.set(span, above);
      continue;
    }
    let draft = above === undefined ? undefined : joined(reading, above, isDirect);
    if (draft === undefined) {
      draft = newDraft(reading, above);
      drafts.push(draft);
      if (reading.role === "caller" && above !== undefined && isDirect) handOver(reading, above);
    }
    draft.spans.push(span);
    places.set(span, { reading, draft });
  }
  return drafts;
}

function newDraft(reading: IstioSpan, above: Place | undefined): Draft {
  return {
    caller: reading.role === "caller" ? reading : undefined,
    from: reading.role === "caller" ? undefined : above,
    waypoints: reading.role === "waypoint" ? [reading] : [],
    receivers: reading.role === "receiver" ? [reading] : [],
    spans: [],
    reached: false,
  };
}

/** The hop of `above` where `reading` is part of the same call. */
function joined(reading: IstioSpan, above: Place, isDirect: boolean): Draft | undefined {
  const { draft } = above;
  if (isDirect && reading.isAttemptOf(above.reading)) return draft;
  if (above.reading.role === "receiver") return undefined;
  if (reading.role === "waypoint") {
    if (!isDirect || !isSameHost(hostOf(draft), reading.upstream?.host)) return undefined;
    draft.waypoints.push(reading);
    return draft;
  }
  if (reading.role !== "receiver") return undefined;
  const isCalled = isDirect ? !isOtherThanCalled(reading, draft) : isNamedBy(reading, draft);
  if (!isCalled) return undefined;
  draft.receivers.push(reading);
  return draft;
}

/** A proxy that calls on is where the call above arrived: a gateway is then the called proxy. */
function handOver(reading: IstioSpan, { reading: above, draft }: Place): void {
  if (above.role === "receiver" || reading.isOfProxyOf(above)) return;
  draft.reached = true;
  if (reading.node?.type !== "router") return;
  draft.receivers.push(reading);
}

const calledOf = ({ caller, waypoints }: Draft): UpstreamCluster | undefined =>
  caller?.upstream ?? waypoints[0]?.upstream;

const hostOf = (draft: Draft): string | undefined => calledOf(draft)?.host;

/** A short host is the same as a long one that begins with it. An unknown one may be any. */
const isSameHost = (a: string | undefined, b: string | undefined): boolean =>
  a === undefined || b === undefined || a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`);

/** Whether the called service is the one that `reading` is of. */
function isNamedBy(reading: IstioSpan, draft: Draft): boolean {
  const host = hostOf(draft);
  const called = host === undefined ? undefined : serviceOfHost(host);
  if (called === undefined) return false;
  const { service, app, namespace } = reading.workload;
  if (called.namespace !== undefined && namespace !== undefined && called.namespace !== namespace) return false;
  return called.service === service || called.service === app;
}

/**
 * Whether `reading` cannot be the called proxy, although the context came straight from the caller's: an application
 * without a proxy and without spans passed it on. Addresses tell, under a waypoint the service.
 */
function isOtherThanCalled(reading: IstioSpan, draft: Draft): boolean {
  if (isNamedBy(reading, draft)) return false;
  const { caller, waypoints } = draft;
  const host = hostOf(draft);
  if (waypoints.length > 0) {
    return host !== undefined && serviceOfHost(host)?.namespace !== undefined && reading.workload.service !== undefined;
  }
  const isElsewhere = differ(caller?.upstreamAddress, reading.node?.address);
  return isElsewhere && differ(caller?.node?.address, reading.peerAddress);
}

const differ = (a: string | undefined, b: string | undefined): boolean => a !== undefined && b !== undefined && a !== b;

function hopOf(draft: Draft, skewed: ReadonlySet<Span>): Hop {
  const { caller, receivers, waypoints } = draft;
  const attempts = receivers.map(({ span }) => span).sort((a, b) => a.startMs - b.startMs);
  const client = caller?.span;
  const server = attempts.at(-1) ?? (caller === undefined ? waypoints[0]?.span : undefined);
  const called = receivers.find(({ span }) => span === server);
  // What tells most of the request: the caller's proxy, otherwise the next on its way.
  const [first, ...others] = [caller, ...waypoints, called].filter((one) => one !== undefined);
  if (first === undefined) throw new Error("a hop has at least one span");
  const status = first.status;
  const flags = firstOf([first, ...others], ({ status: { flags } }) => (flags.length > 0 ? flags : undefined)) ?? [];
  const clientMs = client?.durationMs;
  const serverMs = server?.durationMs;
  const isWithin = clientMs !== undefined && serverMs !== undefined && attempts.length === 1 && clientMs >= serverMs;
  return Object.freeze({
    source: sourceOf(draft),
    destination: destinationOf(draft),
    client,
    server,
    attempts: Object.freeze(attempts),
    spans: Object.freeze(draft.spans),
    startMs: first.span.startMs,
    clientMs,
    serverMs,
    networkMs: isWithin ? clientMs - serverMs : undefined,
    protocol: first.protocol ?? called?.protocol,
    method: first.method ?? called?.method,
    path: first.path ?? called?.path,
    code: status.code ?? called?.status.code,
    grpcStatus: status.grpcStatus ?? called?.status.grpcStatus,
    flags: Object.freeze(flags),
    failed: hasFailed(status) ?? (called === undefined ? undefined : hasFailed(called.status)),
    requestId: first.requestId ?? called?.requestId,
    mtls: first.mtls ?? called?.mtls,
    arrived: arrivalOf(draft, flags),
    skewed: [...draft.spans, ...attempts].some((span) => skewed.has(span)),
  });
}

function arrivalOf({ caller, waypoints, receivers, reached }: Draft, flags: readonly string[]): boolean | undefined {
  if (receivers.length > 0 || reached) return true;
  if (neverLeft(flags) || caller?.upstream?.direction === "black-hole") return false;
  return waypoints.length > 0 ? true : undefined;
}

const UNKNOWN: HopEnd = Object.freeze({
  workload: undefined,
  namespace: undefined,
  service: undefined,
  app: undefined,
  version: undefined,
  cluster: undefined,
  pod: undefined,
  address: undefined,
  principal: undefined,
});

function sourceOf(draft: Draft): HopEnd {
  const { caller, from } = draft;
  const told = [caller, ...draft.waypoints, ...draft.receivers].filter((one) => one !== undefined);
  const principal = firstOf(told, (one) => one.principal("source"));
  const tagged = told.map((one) => one.end("source")).filter((end) => end !== undefined);
  if (caller !== undefined || tagged.length > 0)
    return merged([caller?.workload, ...tagged], { ...UNKNOWN, principal });
  if (from === undefined) return Object.freeze({ ...UNKNOWN, principal, address: told[0]?.peerAddress });
  // What called is beside the receiving proxy above or, where that has none, what the call above led to.
  const above = from.reading.role === "receiver" ? from.reading.workload : destinationOf(from.draft);
  return merged([above], { ...UNKNOWN, principal });
}

function destinationOf(draft: Draft): HopDestination {
  const { caller, waypoints, receivers } = draft;
  const last = receivers.reduce<IstioSpan | undefined>(
    (a, b) => (a !== undefined && a.span.startMs > b.span.startMs ? a : b),
    undefined,
  );
  const told = [caller, ...waypoints, last].filter((one) => one !== undefined);
  const called = calledOf(draft);
  const host = called?.host ?? last?.upstream?.host ?? caller?.authority;
  const named = host === undefined ? undefined : serviceOfHost(host);
  const end = merged([last?.workload, ...told.map((one) => one.end("destination"))], {
    ...UNKNOWN,
    namespace: named?.namespace,
    service: named?.service,
    address: caller?.upstreamAddress,
    principal: firstOf(told, (one) => one.principal("destination")),
  });
  return Object.freeze({
    ...end,
    host,
    port: called?.port ?? last?.upstream?.port,
    // A waypoint's cluster has the protocol where a caller's has the subset.
    subset: caller?.upstream?.subset,
  });
}

/** Of every field the first that is known; all parts speak of one workload. */
function merged(parts: readonly (KnownEnd | undefined)[], rest: HopEnd): HopEnd {
  const end: { -readonly [K in keyof HopEnd]: HopEnd[K] } = { ...UNKNOWN };
  for (const part of parts) if (part !== undefined) fill(end, part);
  fill(end, rest);
  return Object.freeze(end);
}

function fill(end: { -readonly [K in keyof HopEnd]: HopEnd[K] }, part: KnownEnd): void {
  end.workload ??= part.workload;
  end.namespace ??= part.namespace;
  end.service ??= part.service;
  end.app ??= part.app;
  end.version ??= part.version;
  end.cluster ??= part.cluster;
  end.pod ??= part.pod;
  end.address ??= part.address;
  end.principal ??= part.principal;
}

/** A workload, with its identity where that is known. */
type KnownEnd = KnownWorkload & { readonly principal?: string | undefined };

function firstOf<T>(spans: readonly IstioSpan[], read: (span: IstioSpan) => T | undefined): T | undefined {
  for (const span of spans) {
    const value = read(span);
    if (value !== undefined) return value;
  }
  return undefined;
}
