import { QueryError } from "../errors.ts";
import type { TraceOptions } from "../mesh/trace-options.ts";
import type { Traffic } from "../mesh/traffic.ts";
import { type AskOptions, shown } from "../time.ts";
import type { TraceList } from "../traces/search.ts";

/** What a search for traces found. */
export interface FoundEvidence {
  readonly count: number;
  readonly holds: boolean;
  readonly traces: TraceList;
}

/**
 * A condition on how many traces of a scope are as described. Traces are sampled: it counts what was kept, and no server
 * evaluates it, so a rule over it runs in a process only.
 */
export class TraceCondition {
  readonly #traffic: Traffic;
  readonly #options: TraceOptions;
  readonly least: number;

  constructor(traffic: Traffic, options: TraceOptions, least: number) {
    this.#traffic = traffic;
    this.#options = Object.freeze({ ...options });
    this.least = least;
    Object.freeze(this);
  }

  /** Searches the range of the condition's own options, no further than it needs. */
  async evaluate(asking: AskOptions = {}): Promise<FoundEvidence> {
    const traces = await this.#traffic.traces({ limit: Math.max(this.least, 1), ...this.#options, ...asking });
    return { count: traces.length, holds: traces.length >= this.least, traces };
  }

  /** The condition in words. */
  toString(): string {
    return `at least ${this.least} traces`;
  }
}

/** The traces of a scope that are as described, to be counted. */
export interface TraceCount {
  /**
   * The condition that there are at least so many.
   *
   * @throws {QueryError} `code: "unit"` for what is no whole number above 0
   */
  atLeast(count: number): TraceCondition;
}

/**
 * Traces of a scope, for conditions over traces.
 *
 * @example
 * tracesOf(mesh.edge("frontend", "backend"), { last: "15m", errors: true, slowerThan: "2s" }).atLeast(3)
 */
export function tracesOf(traffic: Traffic, options: TraceOptions): TraceCount {
  return Object.freeze({
    atLeast: (count: number) => {
      if (Number.isSafeInteger(count) && count > 0) return new TraceCondition(traffic, options, count);
      throw new QueryError("unit", `atLeast: ${shown(count)} is no whole number of traces above 0`);
    },
  });
}
