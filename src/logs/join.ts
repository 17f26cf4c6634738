import type { Address } from "./address.ts";
import { Call, isUnsent } from "./call.ts";
import type { AccessLogEntry } from "./entry.ts";

/** Which end's proxy wrote a line. A gateway or waypoint that passes a request on is its caller. */
export type View = "client" | "server";

/**
 * Joins the lines of both sides into calls.
 *
 * Lines belong together when they have the same request id, or for want of one the same pair of addresses: what the
 * caller's proxy sent from is what the callee's received from. One request id is shared by every hop of a request and by
 * every attempt, so among the callers' lines of one id each callee's line goes to the one whose addresses are the same,
 * which called the same service, and whose time holds its own.
 *
 * Lines come in any order. Those of one call are taken within `slackMs` of each other.
 */
export class Joiner {
  /** By request id or address pair, the longest untouched first. */
  readonly #groups = new Map<string, Group>();
  readonly #slackMs: number;
  #done: Call[] = [];
  #nameless = 0;

  constructor(slackMs: number) {
    this.#slackMs = slackMs;
  }

  /** How many lines wait. */
  get size(): number {
    let size = 0;
    for (const group of this.#groups.values()) size += sizeOf(group);
    return size;
  }

  /** @param timeMs when the line was taken, by the clock that `settled` is asked with */
  add(entry: AccessLogEntry, view: View, timeMs: number): void {
    const key = keyOf(entry, view) ?? `nameless ${++this.#nameless}`;
    let group = this.#groups.get(key);
    if (group !== undefined && Math.abs(timeMs - group.touchedMs) > this.#slackMs) {
      for (const call of callsOf(group)) this.#done.push(call);
      group = undefined;
    }
    group ??= { clients: [], servers: [], firstMs: timeMs, touchedMs: timeMs, most: MOST_UNSETTLED };
    // Moves it to the end.
    this.#groups.delete(key);
    this.#groups.set(key, group);
    group.touchedMs = timeMs;
    (view === "client" ? group.clients : group.servers).push({ entry, takenMs: timeMs });
    if (sizeOf(group) >= group.most) this.#settlePart(key, group, timeMs);
  }

  /** Callers may send one id with all of their requests: what is long past goes, or it would wait for ever. */
  #settlePart(key: string, group: Group, timeMs: number): void {
    const isPast = ({ takenMs }: Line) => Math.abs(timeMs - takenMs) > this.#slackMs;
    const left: Draft[] = [];
    for (const draft of draftsOf(group)) {
      if ((draft.client === undefined || isPast(draft.client)) && draft.attempts.every(isPast))
        this.#done.push(callOf(draft));
      else left.push(draft);
    }
    const clients = left.flatMap(({ client }) => client ?? []);
    const servers = left.flatMap(({ attempts }) => attempts);
    const farthest = [...clients, ...servers].reduce(
      (far, { takenMs }) => (Math.abs(timeMs - takenMs) > Math.abs(timeMs - far) ? takenMs : far),
      timeMs,
    );
    const most = Math.max(MOST_UNSETTLED, 2 * (clients.length + servers.length));
    this.#groups.set(key, { clients, servers, firstMs: farthest, touchedMs: timeMs, most });
  }

  /** The calls whose lines are all too far from `timeMs`, whichever way time goes, for another to come. */
  settled(timeMs: number): Call[] {
    const calls = this.#done;
    this.#done = [];
    for (const [key, group] of this.#groups) {
      if (Math.abs(timeMs - group.touchedMs) <= this.#slackMs) break;
      this.#groups.delete(key);
      for (const call of callsOf(group)) calls.push(call);
    }
    return calls;
  }

  /** When the first line was taken that waits, with time going `forward` or back; `undefined` where none does. */
  waitingSinceMs(forward: boolean): number | undefined {
    let since: number | undefined;
    for (const { firstMs } of this.#groups.values()) {
      if (since === undefined || (forward ? firstMs < since : firstMs > since)) since = firstMs;
    }
    return since;
  }

  /** All calls that wait. */
  rest(): Call[] {
    return this.settled(Number.POSITIVE_INFINITY);
  }
}

interface Group {
  readonly clients: Line[];
  readonly servers: Line[];
  readonly firstMs: number;
  touchedMs: number;
  /** So many lines are held before those are settled that nothing can belong to any more. */
  readonly most: number;
}

/** A line, and when it was taken. */
interface Line {
  readonly entry: AccessLogEntry;
  readonly takenMs: number;
}

const MOST_UNSETTLED = 1_000;

const sizeOf = ({ clients, servers }: Group): number => clients.length + servers.length;

/** What lines that belong together have in common; `undefined` where a line has nothing to be found by. */
function keyOf(entry: AccessLogEntry, view: View): string | undefined {
  return entry.requestId ?? pairText(view === "client" ? entry.upstreamLocal : entry.downstreamRemote);
}

/** Port 0 is one that the proxy does not know. */
const pairText = (address: Address | undefined): string | undefined =>
  address?.host === undefined || !address.port ? undefined : `${address.host} ${address.port}`;

/** The lines of a call while they are being found. */
interface Draft {
  readonly client: Line | undefined;
  readonly attempts: Line[];
}

const callOf = ({ client, attempts }: Draft): Call =>
  new Call(
    client?.entry,
    attempts.map(({ entry }) => entry),
  );

const callsOf = (group: Group): Call[] => draftsOf(group).map(callOf);

/** In time that grows with the lines that lie near each other, however many have one id. */
function draftsOf({ clients, servers }: Group): readonly Draft[] {
  if (clients.length === 0) return inTime(servers).map((server) => ({ client: undefined, attempts: [server] }));
  const drafts: Draft[] = inTime(clients).map((client) => ({ client, attempts: [] }));
  if (servers.length === 0) return drafts;
  const views = drafts.flatMap(({ client, attempts }) =>
    client === undefined ? [] : [viewOf(client.entry, attempts)],
  );
  const longestMs = views.reduce((longest, { durationMs }) => Math.max(longest, durationMs), 0);
  const byAddress = new Map<string, Caller[]>();
  for (const view of views) {
    if (view.from === undefined) continue;
    const same = byAddress.get(view.from);
    if (same === undefined) byAddress.set(view.from, [view]);
    else same.push(view);
  }
  const alone: Draft[] = [];
  for (const server of inTime(servers)) {
    const callee = calleeOf(server.entry);
    const sameAddress = callee.received === undefined ? undefined : byAddress.get(callee.received);
    // Else another attempt's connection, or one whose address was changed on the way.
    const caller =
      (sameAddress && nearest(sameAddress, callee, longestMs, () => true)) ??
      nearest(views, callee, longestMs, isAnsweredBy);
    if (caller === undefined) alone.push({ client: undefined, attempts: [server] });
    else caller.attempts.push(server);
  }
  return [...drafts, ...alone];
}

/** What of a caller's line the join looks at, read once. */
interface Caller {
  readonly entry: AccessLogEntry;
  readonly attempts: Line[];
  readonly timeMs: number;
  readonly durationMs: number;
  /** What found no route shares its request id with the hop before it, which a proxy did receive. */
  readonly isUnsent: boolean;
  readonly host: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** What of a callee's line the join looks at, read once. */
interface Callee {
  readonly entry: AccessLogEntry;
  readonly timeMs: number;
  /** The service that the handshake named. */
  readonly host: string | undefined;
  readonly received: string | undefined;
  readonly at: string | undefined;
}

const viewOf = (entry: AccessLogEntry, attempts: Line[]): Caller => ({
  entry,
  attempts,
  timeMs: entry.timeMs ?? 0,
  durationMs: entry.durationMs ?? Number.POSITIVE_INFINITY,
  isUnsent: isUnsent(entry),
  host: entry.destination.host,
  from: pairText(entry.upstreamLocal),
  to: pairText(entry.upstreamHost),
});

function calleeOf(entry: AccessLogEntry): Callee {
  const { serverName, timeMs = 0 } = entry;
  const host = serverName?.port === undefined ? undefined : serverName.host;
  const received = pairText(entry.downstreamRemote);
  return { entry, timeMs, host, received, at: pairText(entry.downstreamLocal) };
}

/** How far two proxies' clocks may be apart. */
const CLOCKS_MS = 1_000;

/** Whether a callee's line can be of a caller's, all of one request id, as far as service and time tell. */
function mayBelong(caller: Caller, callee: Callee): boolean {
  if (caller.isUnsent) return false;
  if (caller.host !== undefined && callee.host !== undefined && caller.host !== callee.host) return false;
  // A line of a proxy that stands on both sides has one of its own behind it.
  if (caller.entry.raw === callee.entry.raw) return false;
  const begins = callee.timeMs - caller.timeMs;
  return begins >= -CLOCKS_MS && begins <= caller.durationMs + CLOCKS_MS;
}

/** Who answered alone cannot tell a hop from the next: without a name in the handshake it has to be the same address. */
const isAnsweredBy = (caller: Caller, callee: Callee): boolean =>
  callee.host !== undefined || (caller.to !== undefined && caller.to === callee.at);

/** Of callers in order of time the one nearest to a callee that it may belong to; of equally near ones the first. */
function nearest(
  callers: readonly Caller[],
  callee: Callee,
  longestMs: number,
  isMeant: (caller: Caller, callee: Callee) => boolean,
): Caller | undefined {
  const { timeMs } = callee;
  const after = firstAfter(callers, timeMs);
  const fits = (caller: Caller) => mayBelong(caller, callee) && isMeant(caller, callee);
  let later = after;
  for (; later < callers.length; later++) {
    const caller = callers[later] as Caller;
    if (caller.timeMs - timeMs > CLOCKS_MS) later = callers.length;
    else if (fits(caller)) break;
  }
  const laterMs = (callers[later]?.timeMs ?? Number.POSITIVE_INFINITY) - timeMs;
  let best = callers[later];
  for (let earlier = after - 1; earlier >= 0; earlier--) {
    const caller = callers[earlier] as Caller;
    const ms = timeMs - caller.timeMs;
    if (ms > laterMs || ms > longestMs + CLOCKS_MS) break;
    // Of those of one time the first.
    if (best !== undefined && best.timeMs <= timeMs && best.timeMs !== caller.timeMs) break;
    if (fits(caller)) best = caller;
  }
  return best;
}

/** The place of the first caller that is later than an instant. */
function firstAfter(callers: readonly Caller[], timeMs: number): number {
  let low = 0;
  let high = callers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((callers[middle]?.timeMs ?? Number.NaN) <= timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

const inTime = (lines: readonly Line[]): Line[] =>
  lines.toSorted((a, b) => (a.entry.timeMs ?? 0) - (b.entry.timeMs ?? 0));
