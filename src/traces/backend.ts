import type { ServerDescription } from "../results/server-description.ts";
import type { AskOptions, Duration } from "../time.ts";
import type { Trace } from "./trace.ts";

/**
 * Where traces come from, free of any wire format.
 *
 * An implementation throws only {@link MeshQueryError}s, or the reason of the caller's signal.
 */
export interface TraceBackend {
  /** What errors and results call this backend: `"jaeger"` or `"zipkin"`. */
  readonly name: string;
  /** The shortest window a search can name, in milliseconds: 0.001 for Jaeger, 1 for Zipkin. */
  readonly finestWindowMs: number;
  /** How many traces one call may be asked for at most before the backend refuses or suffers. */
  readonly mostPerCall: number;
  /** The names of all services that have spans. */
  services(options?: AskOptions): Promise<readonly string[]>;
  /** The operations of a service. */
  operations(service: string, options?: AskOptions): Promise<readonly Operation[]>;
  /** One trace, `undefined` when the backend does not have it. */
  trace(id: string, options?: AskOptions): Promise<Trace | undefined>;
  /** Many traces; those the backend does not have are named. */
  traces(ids: readonly string[], options?: AskOptions): Promise<FoundTraces>;
  /**
   * One call of the backend's own search. It may have been cut at `limit` without a word: `full` says whether that is
   * possible. No order is promised.
   */
  search(query: TraceQuery, options?: AskOptions): Promise<SearchPage>;
  /** Which service called which how often, as the backend reckons it. */
  dependencies(
    span: { readonly fromMs: number; readonly toMs: number },
    options?: AskOptions,
  ): Promise<readonly Dependency[]>;
  /** What the server is, where it can be known. */
  describe?(options?: AskOptions): Promise<ServerDescription>;
}

/** Something that a service does, as its spans name it. */
export interface Operation {
  readonly name: string;
  readonly kind?: string | undefined;
}

/** One service calling another, as the backend counts it. */
export interface Dependency {
  readonly parent: string;
  readonly child: string;
  readonly calls: number;
  /** Of those calls, where the backend counts them. */
  readonly errors?: number | undefined;
}

/** Traces asked for by their ids: those that are there, in no order, and the ids of the others. */
export interface FoundTraces {
  readonly traces: readonly Trace[];
  readonly missing: readonly string[];
}

/** What one search call looks for. All conditions must hold in one span of the trace. */
export interface TraceQuery {
  /** Exactly this service name, in the backend's own spelling. Jaeger's older API needs one. */
  readonly service?: string | undefined;
  readonly operation?: string | undefined;
  /** Tags by name and exact value: data, never a pattern. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly minDuration?: Duration | undefined;
  readonly maxDuration?: Duration | undefined;
  /** Both ends are included. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
}

/** What one search call brought. */
export interface SearchPage {
  readonly traces: readonly Trace[];
  /** As many as were asked for came back, so that there may be more. */
  readonly full: boolean;
  /** Conditions that the backend cannot express and did not apply, such as `"tag http.url"`: the caller filters. */
  readonly unapplied: readonly string[];
  /** What is known to be missing or wrong, in words. */
  readonly warnings: readonly string[];
  /** False when something within the window is known to be missing, other than by `limit`. */
  readonly complete: boolean;
}
