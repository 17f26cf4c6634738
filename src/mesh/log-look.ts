import { Call } from "../logs/call.ts";
import type { AccessLogEntry } from "../logs/entry.ts";
import { Joiner, type View } from "../logs/join.ts";
import type { Reading, Taken } from "../logs/reading.ts";
import { durationMs } from "../time.ts";
import { labelTest } from "./label-test.ts";
import { LOG_LABELS, logLabels } from "./log-labels.ts";
import { anyText, entryTest, type LogOptions } from "./log-options.ts";
import { askedService, type LogPlan, planOf, type SideSource, UNKNOWN } from "./log-plan.ts";
import type { Peer } from "./peer.ts";
import type { Scope } from "./scope.ts";

/** How many requests one call to the backend asks about. */
const PER_LOOKUP = 60;
const DEFAULT_JOIN = "15s";

/** What one question about a scope's logs looks at: which lines, how they are joined, and what is wanted of them. */
export class Look {
  readonly #scope: Scope;
  readonly #plan: LogPlan;
  readonly #slackMs: number;
  readonly #test: ReturnType<typeof entryTest>;
  readonly #holds: (view: AccessLogEntry | Call) => boolean;
  /** The workload behind each address that a callee's line has named. */
  readonly #workloads = new Map<string, string>();

  constructor(scope: Scope, container: string | false, options: LogOptions) {
    this.#scope = scope;
    this.#plan = planOf(scope, { container, services: options.services });
    this.#slackMs = durationMs(options.joinWithin ?? DEFAULT_JOIN, "logs: joinWithin", "range");
    this.#test = entryTest(options);
    this.#holds = labelled(scope, options.errors === true);
  }

  /** Whose lines are given where the question does not say: both of an edge's, otherwise those of the scope's own end. */
  sides(side: View | undefined): ReadonlySet<View> {
    if (side !== undefined) return new Set([side]);
    const { source, destination } = this.#scope;
    if (source?.workload === UNKNOWN || (source === undefined && destination !== undefined)) return new Set(["server"]);
    if (destination?.workload === UNKNOWN || (source !== undefined && destination === undefined)) {
      return new Set(["client"]);
    }
    return BOTH;
  }

  /** The entries of some sides that are as described, chunk by chunk. */
  entries(reading: Reading, sides: ReadonlySet<View>): AsyncGenerator<readonly AccessLogEntry[]> {
    return this.#isToldByLine(sides) ? this.#single(reading, sides) : this.#joined(reading, sides);
  }

  /** The calls of which a line is as described, chunk by chunk. */
  calls(reading: Reading): AsyncGenerator<readonly Call[]> {
    const isWanted = (call: Call): boolean =>
      isWithin(call.client ?? call.server, reading) && this.#isWanted(call) && this.#holds(call);
    return inOrder(this.#all(reading), (call) => (isWanted(call) ? [call] : []), takenNs, reading.order);
  }

  /** Whether a call has the scope's labels, and failed where that was asked for. */
  holds(call: Call): boolean {
    return this.#holds(call);
  }

  #isWanted(call: Call): boolean {
    return call.entries().some((entry) => this.#test.holds(entry));
  }

  /** Whether each line alone shows that it is of the scope. */
  #isToldByLine(sides: ReadonlySet<View>): boolean {
    const { source, destination } = this.#scope;
    const callerMatters = source !== undefined && source.workload !== UNKNOWN;
    const calleeMatters = [destination?.workload, destination?.app].some((it) => it !== undefined && it !== UNKNOWN);
    return !(sides.has("server") && callerMatters) && !(sides.has("client") && calleeMatters);
  }

  async *#single(reading: Reading, sides: ReadonlySet<View>): AsyncGenerator<readonly AccessLogEntry[]> {
    const { client, server } = this.#plan;
    const both = new Set([...(sides.has("client") ? client : []), ...(sides.has("server") ? server : [])]);
    const sources = narrowed(both.size === 0 ? client : [...both], this.#test.lines);
    for await (const chunk of reading.entries(sources)) {
      const wanted = chunk.filter(({ entry, source }) => {
        const view = viewIn(source, entry);
        const call = view === "client" ? new Call(entry, []) : new Call(undefined, [entry]);
        return sides.has(view) && this.#test.holds(entry) && this.#isOfScope(call) && this.#holds(entry);
      });
      const last = chunk.at(-1);
      if (last !== undefined) reading.reached(last.writtenMs);
      if (wanted.length > 0) yield wanted.map(({ entry }) => entry);
    }
  }

  #joined(reading: Reading, sides: ReadonlySet<View>): AsyncGenerator<readonly AccessLogEntry[]> {
    const isWanted = (entry: AccessLogEntry): boolean =>
      isWithin(entry, reading) && this.#test.holds(entry) && this.#holds(entry);
    const entriesOf = (call: Call) => this.#ownEntries(call, sides).filter(isWanted);
    return inOrder(this.#all(reading), entriesOf, writtenNs, reading.order);
  }

  /** The lines of a call that are of the scope: an attempt may have reached another workload, and so may the last one. */
  #ownEntries({ client, server, attempts }: Call, sides: ReadonlySet<View>): readonly AccessLogEntry[] {
    const { destination } = this.#scope;
    const last = server === undefined ? [] : [server];
    const isOwn = client !== undefined && isTo(new Call(client, last), destination, this.#workloads);
    return [
      ...(sides.has("client") && isOwn ? [client] : []),
      ...(sides.has("server") ? attempts.filter((entry) => isTo(new Call(undefined, [entry]), destination, NONE)) : []),
    ];
  }

  /** All calls of the scope of which a line may be as described, each once. */
  #all(reading: Reading): AsyncGenerator<Settled> {
    const { client, server } = this.#plan;
    const sources = [...client, ...server];
    const whole = this.#test.lines.length === 0 && sources.every(({ bounded }) => bounded);
    return whole ? this.#merged(reading, sources) : this.#lookedUp(reading, sources);
  }

  /** Reads both sides side by side, and joins what lies near in time. */
  async *#merged(reading: Reading, sources: readonly SideSource[]): AsyncGenerator<Settled> {
    const joiner = new Joiner(this.#slackMs);
    const { fromMs, toMs } = reading.span;
    const span = { fromMs: fromMs - this.#slackMs, toMs: toMs + this.#slackMs };
    let callers = 0;
    let callees = 0;
    for await (const chunk of reading.entries(sources, span)) {
      for (const taken of chunk) {
        if (this.#add(joiner, taken) === "client") callers++;
        else callees++;
      }
      const at = chunk.at(-1)?.writtenMs ?? 0;
      const calls = joiner.settled(at).filter((call) => this.#isOfScope(call));
      reading.reached(at);
      yield { calls, reachedMs: joiner.waitingSinceMs(reading.order === "forward") ?? at };
    }
    yield { calls: joiner.rest().filter((call) => this.#isOfScope(call)), reachedMs: undefined };
    const { source } = this.#scope;
    if (source !== undefined && callers === 0 && callees > 0) {
      reading.warn(
        `the callee's proxies wrote ${callees} lines and the caller's none: a callee's line does not name the caller, ` +
          "so none of them is counted; are the logs of the caller's proxies collected?",
        true,
      );
    }
  }

  /** Reads the lines that are as described, and looks for the other lines of each request. */
  async *#lookedUp(reading: Reading, sources: readonly SideSource[]): AsyncGenerator<Settled> {
    const given = new Map<string, number>();
    const described = narrowed(
      sources.filter(({ bounded }) => bounded),
      this.#test.lines,
    );
    for await (const chunk of reading.entries(described)) {
      const wanted = chunk.filter(({ entry }) => this.#test.holds(entry));
      for (let i = 0; i < wanted.length; i += PER_LOOKUP) {
        const found = wanted.slice(i, i + PER_LOOKUP);
        const calls = (await this.#complete(reading, sources, found)).filter(
          (call) =>
            this.#isOfScope(call) && this.#isWanted(call) && !call.entries().some((entry) => given.has(idOf(entry))),
        );
        for (const call of calls) for (const entry of call.entries()) given.set(idOf(entry), writtenMs(entry));
        yield { calls, reachedMs: found.at(-1)?.writtenMs };
      }
      const at = chunk.at(-1)?.writtenMs ?? 0;
      reading.reached(at);
      for (const [id, ms] of given) {
        if (Math.abs(at - ms) <= 4 * this.#slackMs) break;
        given.delete(id);
      }
    }
  }

  /** The calls that some lines belong to. */
  async #complete(
    reading: Reading,
    sources: readonly SideSource[],
    found: readonly Taken<SideSource>[],
  ): Promise<readonly Call[]> {
    const joiner = new Joiner(this.#slackMs);
    const seen = new Set<string>();
    const times = found.map((one) => one.writtenMs);
    const span = { fromMs: Math.min(...times) - this.#slackMs, toMs: Math.max(...times) + this.#slackMs + 1 };
    const texts = [...new Set(found.flatMap(({ entry, source }) => markOf(entry, viewIn(source, entry)) ?? []))];
    if (texts.length > 0) {
      for await (const chunk of reading.entries(narrowed(sources, [anyText(texts)]), span)) {
        for (const taken of chunk) {
          seen.add(idOf(taken.entry));
          this.#add(joiner, taken);
        }
      }
    }
    for (const taken of found) if (!seen.has(idOf(taken.entry))) this.#add(joiner, taken);
    return joiner.rest();
  }

  #add(joiner: Joiner, { entry, source, writtenMs: ms }: Taken<SideSource>): View {
    const view = viewIn(source, entry);
    if (view === "server") {
      const { workload } = entry.destination;
      const address = addressOf(entry.downstreamLocal);
      if (workload !== undefined && address !== undefined) this.#workloads.set(address, workload);
    }
    joiner.add(entry, view, ms);
    return view;
  }

  #isOfScope(call: Call): boolean {
    const { source, destination } = this.#scope;
    return isFrom(call, source) && isTo(call, destination, this.#workloads);
  }
}

/** Calls that have all their lines. */
interface Settled {
  readonly calls: readonly Call[];
  /** No line of a later call was taken before this, in the order of the reading; `undefined` where nothing is known. */
  readonly reachedMs: number | undefined;
}

/** What calls come to, in the order in which it was taken: each waits until nothing can come before it. */
async function* inOrder<T>(
  all: AsyncIterable<Settled>,
  itemsOf: (call: Call) => readonly T[],
  takenAt: (item: T) => bigint,
  order: Reading["order"],
): AsyncGenerator<readonly T[]> {
  const sign = order === "forward" ? 1 : -1;
  const compare = (a: T, b: T): number => (takenAt(a) === takenAt(b) ? 0 : takenAt(a) < takenAt(b) ? -sign : sign);
  let waiting: T[] = [];
  for await (const { calls, reachedMs } of all) {
    const added = calls.flatMap(itemsOf);
    if (added.length > 0) waiting = [...waiting, ...added].sort(compare);
    if (reachedMs === undefined) continue;
    const later = waiting.findIndex((item) => (Number(takenAt(item) / 1_000_000n) - reachedMs) * sign >= 0);
    const ready = waiting.splice(0, later === -1 ? waiting.length : later);
    if (ready.length > 0) yield ready;
  }
  if (waiting.length > 0) yield waiting;
}

const BOTH: ReadonlySet<View> = new Set(["client", "server"]);

/** Whether a call is the peer's. A callee's line alone names no caller, unless its format does. */
function isFrom({ client, server }: Call, from: Peer | undefined): boolean {
  if (from === undefined) return true;
  if (from.workload === UNKNOWN) {
    return client === undefined && server?.serverName?.port === undefined && server?.source.workload === undefined;
  }
  if (client !== undefined) return true;
  const { workload, namespace } = server?.source ?? {};
  return from.workload !== undefined && workload === from.workload && (from.namespace ?? namespace) === namespace;
}

const NONE: ReadonlyMap<string, string> = new Map();

/** Whether a call reached the peer: by the lines of who answered, else by whose address was chosen, else by the name. */
function isTo({ client, attempts }: Call, to: Peer | undefined, workloads: ReadonlyMap<string, string>): boolean {
  if (to === undefined || to.host !== undefined) return true;
  if (to.workload === UNKNOWN) return attempts.length === 0 && client?.upstreamHost === undefined;
  if (attempts.length > 0) return attempts.some((attempt) => isAnsweredBy(attempt, to));
  if (client === undefined || to.workload === undefined)
    return to.app === undefined || client?.destination.service === to.app;
  const { service, subset, workload } = client.destination;
  const answered = workload ?? workloads.get(addressOf(client.upstreamHost) ?? "");
  if (answered !== undefined) return answered === to.workload;
  const name = service ?? askedService(client).service;
  return name === to.workload || `${name}-${subset}` === to.workload;
}

function isAnsweredBy({ destination, origin, serverName }: AccessLogEntry, to: Peer): boolean {
  const { workload, namespace, service } = destination;
  const named = serverName?.port !== undefined;
  if (to.workload !== undefined && workload !== to.workload) return false;
  if (to.app !== undefined && origin?.app !== to.app) return false;
  if (to.namespace !== undefined && (named ? namespace : (origin?.namespace ?? namespace)) !== to.namespace)
    return false;
  if (to.service === undefined) return true;
  if (named) return service === to.service;
  return workload === to.service || origin?.app === to.service || (workload?.startsWith(`${to.service}-`) ?? false);
}

/** A test of labels: the scope's own conditions, and whether it failed by the scope's rule. */
function labelled({ conditions, failures }: Scope, errors: boolean): (view: AccessLogEntry | Call) => boolean {
  const holds = labelTest(conditions, LOG_LABELS);
  const failed = errors ? failures.map((set) => labelTest(set, LOG_LABELS)) : [];
  if (conditions.length === 0 && failed.length === 0) return () => true;
  return (view) => {
    const labels = logLabels(view);
    return holds(labels) && (failed.length === 0 || failed.some((test) => test(labels)));
  };
}

const narrowed = (sources: readonly SideSource[], lines: SideSource["filter"]["lines"] = []): readonly SideSource[] =>
  sources.map((source) => ({
    ...source,
    filter: { ...source.filter, lines: [...(source.filter.lines ?? []), ...lines] },
  }));

const viewIn = ({ view }: SideSource, entry: AccessLogEntry): View => (typeof view === "string" ? view : view(entry));

/** What the other lines of the same call hold too. */
function markOf(entry: AccessLogEntry, view: View): string | undefined {
  return entry.requestId ?? addressOf(view === "client" ? entry.upstreamLocal : entry.downstreamRemote);
}

/** An address as proxies write it. */
function addressOf(address: AccessLogEntry["upstreamHost"]): string | undefined {
  const { host, port } = address ?? {};
  if (host === undefined || port === undefined || port === 0) return undefined;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** When the line was taken that a call has its place by. */
const takenNs = ({ client, server }: Call): bigint => (client ?? server)?.writtenNs ?? 0n;

const idOf = (entry: AccessLogEntry): string => `${entry.writtenNs} ${entry.origin?.pod} ${entry.raw}`;

const writtenNs = (entry: AccessLogEntry): bigint => entry.writtenNs ?? 0n;
const writtenMs = (entry: AccessLogEntry): number => Number(writtenNs(entry) / 1_000_000n);

/** Whether a line was taken within the span that was asked for. */
function isWithin(entry: AccessLogEntry | undefined, { span }: Reading): boolean {
  if (entry?.writtenNs === undefined) return true;
  const ms = Number(entry.writtenNs) / 1e6;
  return ms >= span.fromMs && ms < span.toMs;
}
