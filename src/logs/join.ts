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
    for (const { clients, servers } of this.#groups.values()) size += clients.length + servers.length;
    return size;
  }

  /** @param timeMs when the line was taken, by the clock that `settled` is asked with */
  add(entry: AccessLogEntry, view: View, timeMs: number): void {
    const key = keyOf(entry, view) ?? `nameless ${++this.#nameless}`;
    let group = this.#groups.get(key);
    if (group !== undefined && Math.abs(timeMs - group.touchedMs) > this.#slackMs) {
      this.#done.push(...callsOf(group));
      group = undefined;
    }
    group ??= { clients: [], servers: [], firstMs: timeMs, touchedMs: timeMs };
    // Moves it to the end.
    this.#groups.delete(key);
    this.#groups.set(key, group);
    group.touchedMs = timeMs;
    (view === "client" ? group.clients : group.servers).push(entry);
  }

  /** The calls whose lines are all too far from `timeMs`, whichever way time goes, for another to come. */
  settled(timeMs: number): Call[] {
    const calls = this.#done;
    this.#done = [];
    for (const [key, group] of this.#groups) {
      if (Math.abs(timeMs - group.touchedMs) <= this.#slackMs) break;
      this.#groups.delete(key);
      calls.push(...callsOf(group));
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
  readonly clients: AccessLogEntry[];
  readonly servers: AccessLogEntry[];
  readonly firstMs: number;
  touchedMs: number;
}

/** What lines that belong together have in common; `undefined` where a line has nothing to be found by. */
function keyOf(entry: AccessLogEntry, view: View): string | undefined {
  return entry.requestId ?? pairText(view === "client" ? entry.upstreamLocal : entry.downstreamRemote);
}

/** Port 0 is one that the proxy does not know. */
const pairText = (address: Address | undefined): string | undefined =>
  address?.host === undefined || !address.port ? undefined : `${address.host} ${address.port}`;

function callsOf({ clients, servers }: Group): Call[] {
  if (clients.length === 0) return inTime(servers).map((server) => new Call(undefined, [server]));
  if (servers.length === 0) return inTime(clients).map((client) => new Call(client, []));
  const views = inTime(clients).map((client) => ({ client, attempts: [] as AccessLogEntry[] }));
  const alone: Call[] = [];
  for (const server of inTime(servers)) {
    let best: (typeof views)[number] | undefined;
    let bestRank = Number.POSITIVE_INFINITY;
    for (const view of views) {
      const rank = distance(view.client, server);
      if (rank >= bestRank) continue;
      best = view;
      bestRank = rank;
    }
    if (best === undefined) alone.push(new Call(undefined, [server]));
    else best.attempts.push(server);
  }
  return [...views.map(({ client, attempts }) => new Call(client, attempts)), ...alone];
}

/** How far two proxies' clocks may be apart. */
const CLOCKS_MS = 1_000;
/** More than any distance in time within one group. */
const OTHER_CONNECTION = 1e9;

/** How badly a callee's line fits a caller's, all of one request id; infinite where it cannot be of it. */
function distance(client: AccessLogEntry, server: AccessLogEntry): number {
  // What found no route shares its request id with the hop before it, which a proxy did receive.
  if (isUnsent(client)) return Number.POSITIVE_INFINITY;
  const called = client.destination.host;
  const asked = server.serverName?.port === undefined ? undefined : server.serverName.host;
  if (called !== undefined && asked !== undefined && called !== asked) return Number.POSITIVE_INFINITY;
  // A line of a proxy that stands on both sides has one of its own behind it.
  if (client.raw === server.raw) return Number.POSITIVE_INFINITY;
  const apart = Math.abs((server.timeMs ?? 0) - (client.timeMs ?? 0));
  const begins = (server.timeMs ?? 0) - (client.timeMs ?? 0);
  if (begins < -CLOCKS_MS || begins > (client.durationMs ?? Number.POSITIVE_INFINITY) + CLOCKS_MS) {
    return Number.POSITIVE_INFINITY;
  }
  const from = pairText(client.upstreamLocal);
  const received = pairText(server.downstreamRemote);
  if (from !== undefined && from === received) return apart;
  // Who answered alone cannot tell a hop from the next: without a name in the handshake it has to be the same address.
  if (asked === undefined && !sameHost(client, server)) return Number.POSITIVE_INFINITY;
  // Another attempt's connection, or one whose address was changed on the way.
  return OTHER_CONNECTION + apart;
}

function sameHost(client: AccessLogEntry, server: AccessLogEntry): boolean {
  const sent = pairText(client.upstreamHost);
  return sent !== undefined && sent === pairText(server.downstreamLocal);
}

const inTime = (entries: readonly AccessLogEntry[]): AccessLogEntry[] =>
  entries.toSorted((a, b) => (a.timeMs ?? 0) - (b.timeMs ?? 0));
