import { QueryError } from "../errors.ts";
import type { OnProgress } from "../results/progress.ts";
import { listOf, type RowForm } from "../results/result-list.ts";
import { durationMs } from "../time.ts";
import type { TraceBackend, TraceQuery } from "../traces/backend.ts";
import { matchesEdge } from "../traces/edge.ts";
import type { Hop } from "../traces/hop.ts";
import { type SearchMeta, type Sought, type TraceList, TraceSearch } from "../traces/search.ts";
import type { Trace } from "../traces/trace.ts";
import { CROSSED_ROWS, CROSSING_ROWS, type Crossing, TRACE_ROWS } from "../traces/trace-rows.ts";
import { DurationQuantile } from "./duration-quantile.ts";
import { type ExampleList, type ExemplarSource, examplesOf } from "./examples.ts";
import { HOP_LABELS, hopLabels } from "./hop-labels.ts";
import { type LabelTest, labelTest } from "./label-test.ts";
import type { Peer } from "./peer.ts";
import type { Scope } from "./scope.ts";
import type { TraceOptions } from "./trace-options.ts";

/** A quantile of durations as sampled traces show them. */
export type TraceQuantile = DurationQuantile<SearchMeta>;

/** Where a mesh's traces are, and what is told of long searches. */
export interface TraceSource {
  readonly traces: TraceBackend | undefined;
  readonly now: () => number;
  readonly onProgress?: OnProgress | undefined;
}

/** What finds the traces of one scope. */
export class ScopeTraces {
  readonly #scope: Scope;
  readonly #backend: TraceBackend | undefined;
  readonly #now: () => number;
  readonly #onProgress: OnProgress | undefined;

  constructor(scope: Scope, { traces, now, onProgress }: TraceSource) {
    this.#scope = scope;
    this.#backend = traces;
    this.#now = now;
    this.#onProgress = onProgress;
  }

  /** The traces in which a call of the scope is as described, the latest first. */
  find(options: TraceOptions): TraceSearch {
    const isSought = hopTest(this.#scope, options);
    return this.#search(options, TRACE_ROWS, (trace) => (trace.hops().some(isSought) ? trace : undefined));
  }

  /** Every call of the scope that is as described, those of the latest traces first. */
  crossings(options: TraceOptions, warnings: readonly string[] = []): TraceSearch<readonly Crossing[]> {
    const isSought = hopTest(this.#scope, options);
    const pick = (trace: Trace) => {
      const hops = trace.hops().filter(isSought);
      return hops.length === 0 ? undefined : Object.freeze(hops.map((hop) => Object.freeze({ trace, hop })));
    };
    return this.#search(options, CROSSED_ROWS, pick, warnings);
  }

  /** The calls that took longest, of the whole range, longest first. */
  async slowest(options: TraceOptions): Promise<TraceList<Crossing>> {
    const { limit = 10, ...rest } = options;
    const found = await this.crossings(rest);
    const sorted = found.flat().sort((a, b) => (hopMs(b.hop) ?? 0) - (hopMs(a.hop) ?? 0));
    return listOf(sorted.slice(0, limit), found.meta, CROSSING_ROWS);
  }

  /** The calls that failed, the latest first. */
  async failures(options: TraceOptions): Promise<TraceList<Crossing>> {
    const found = await this.crossings({ ...options, errors: true });
    return listOf(found.flat(), found.meta, CROSSING_ROWS);
  }

  /** A quantile of the durations of the calls that were sampled. */
  async latency(quantile: number, options: TraceOptions): Promise<TraceQuantile> {
    if (!(quantile >= 0 && quantile <= 1)) {
      throw new QueryError("quantile", `latencyFromTraces(${quantile}): a quantile is a number from 0 to 1`);
    }
    const found = await this.crossings(options, [SAMPLED]);
    const durations = found.flat().flatMap(({ hop }) => hopMs(hop, this.#scope.reporter) ?? []);
    return new DurationQuantile(quantile, durations, found.meta);
  }

  /** Traces behind the scope's metrics: from exemplars where there are any, otherwise from a search. */
  examples(options: TraceOptions, exemplars: ExemplarSource | undefined): Promise<ExampleList> {
    const question = { backend: traceBackend(this.#backend), exemplars, now: this.#now };
    const isSought = hopTest(this.#scope, options);
    return examplesOf(question, options, isSought, (limit) => this.find({ ...options, limit }));
  }

  #search<T>(
    options: TraceOptions,
    rows: RowForm<T>,
    pick: (trace: Trace) => T | undefined,
    warnings: readonly string[] = [],
  ): TraceSearch<T> {
    const backend = traceBackend(this.#backend);
    const { limit, perCall, onProgress, signal, timeoutMs, errors, slowerThan, fasterThan, services, ...span } =
      options;
    const sought: Sought<T> = {
      span,
      rows,
      pick,
      warnings,
      queries: async (ask) => queriesFor(this.#scope, options, services ?? (await backend.services(ask))),
    };
    const how = { limit, perCall, onProgress: onProgress ?? this.#onProgress, signal, timeoutMs };
    return new TraceSearch(backend, sought, how, this.#now);
  }
}

const SAMPLED =
  "these are the traces that were sampled: what they say of durations holds for their share of the calls, and nothing about rates";

/** The backend, or the error that says how to give one. */
export function traceBackend(backend: TraceBackend | undefined): TraceBackend {
  if (backend !== undefined) return backend;
  throw new QueryError(
    "config",
    'this mesh has no tracing backend; write createMesh({ traces: jaeger("http://jaeger-query:16686") }) or zipkin(…)',
  );
}

/** What a call took: as the caller saw it where that shows, as the callee did under `destination` where asked so. */
function hopMs({ clientMs, serverMs }: Hop, reporter: Scope["reporter"] = "source"): number | undefined {
  return reporter === "source" ? (clientMs ?? serverMs) : (serverMs ?? clientMs);
}

/** A test of one hop: of the scope, under its conditions, and as the options describe it. */
function hopTest(scope: Scope, options: TraceOptions): (hop: Hop) => boolean {
  const least = options.slowerThan === undefined ? 0 : durationMs(options.slowerThan, "traces: slowerThan", "range");
  const most =
    options.fasterThan === undefined
      ? Number.POSITIVE_INFINITY
      : durationMs(options.fasterThan, "traces: fasterThan", "range");
  const isAnyTime = options.slowerThan === undefined && options.fasterThan === undefined;
  const holds = labelTest(scope.conditions, HOP_LABELS);
  const failed: readonly LabelTest[] =
    options.errors === true ? scope.failures.map((set) => labelTest(set, HOP_LABELS)) : [];
  const isPeer = endTest(scope);
  return (hop) => {
    if (!isPeer(hop)) return false;
    const ms = hopMs(hop);
    if (!isAnyTime && !(ms !== undefined && ms >= least && ms <= most)) return false;
    if (scope.conditions.length === 0 && failed.length === 0) return true;
    const labels = hopLabels(hop);
    return holds(labels) && (failed.length === 0 || failed.some((test) => test(labels)));
  };
}

/** Whether the hop is between the scope's peers; `unknown` names the end that no span shows. */
function endTest({ source, destination }: Scope): (hop: Hop) => boolean {
  const noCaller = source?.workload === UNKNOWN;
  const noCallee = destination?.workload === UNKNOWN;
  const from = noCaller ? { ...source, workload: undefined } : source;
  const to = noCallee ? { ...destination, workload: undefined } : destination;
  return (hop) =>
    (!noCaller || hop.source.workload === undefined) &&
    (!noCallee || hop.destination.workload === undefined) &&
    matchesEdge(hop, from, to);
}

const UNKNOWN = "unknown";

/**
 * What to ask the backend for. A call shows in the spans of its caller or, where that has none, of its callee.
 *
 * How long it took is asked for only where both ends are named, since either side's span may be the one that shows it.
 * Whether it failed is decided here: some backends keep an error apart from the tags that they search (Jaeger 2), and
 * a scope may have a rule of its own.
 */
function queriesFor(
  { source, destination }: Scope,
  { slowerThan }: TraceOptions,
  services: readonly string[],
): Omit<TraceQuery, "fromMs" | "limit" | "toMs">[] {
  const from = isNamed(source) ? serviceNames(source, services) : [];
  const to = isNamed(destination) ? serviceNames(destination, services) : [];
  const waypoints = waypointsAmong(services);
  if (slowerThan !== undefined && from.length > 0 && to.length > 0) {
    return [...new Set([...from, ...to, ...waypoints])].map((service) => ({ service, minDuration: slowerThan }));
  }
  const one = from.length > 0 ? from : to.length > 0 ? to : services;
  return [...new Set([...one, ...waypoints])].map((service) => ({ service }));
}

const isNamed = (peer: Peer | undefined): peer is Peer =>
  peer !== undefined &&
  peer.workload !== UNKNOWN &&
  [peer.workload, peer.service, peer.app].some((name) => name !== undefined);

/**
 * The names among `services` that may be the peer's: `name` or `name.namespace`, where a workload may be called more
 * than its app is (`reviews-v1`, `reviews.bookinfo`).
 */
export function serviceNames(
  { workload, service, app, namespace }: Pick<Peer, "app" | "namespace" | "service" | "workload">,
  services: readonly string[],
): readonly string[] {
  const names = [service, app].flatMap((name) => name?.toLowerCase() ?? []);
  const longest = workload?.toLowerCase();
  return services.filter((known) => {
    const lower = known.toLowerCase();
    return [lower, lower.replace(/\.[^.]*$/, "")].some((name) => {
      const own = lower.slice(name.length + 1);
      if (own !== "" && namespace !== undefined && own !== namespace.toLowerCase()) return false;
      return names.includes(name) || longest === name || (longest?.startsWith(`${name}-`) ?? false);
    });
  });
}

/** In ambient mode the waypoint alone has spans of a call. */
const waypointsAmong = (services: readonly string[]): readonly string[] =>
  services.filter((name) => name.toLowerCase().includes("waypoint"));
