import { checkOptions, type OptionNames } from "../http/config.ts";
import type { Duration, TimeSpan } from "../time.ts";
import type { SearchOptions } from "../traces/search.ts";

/** Which traces of a scope to find: those in which a call of the scope is as described. */
export type TraceOptions = TimeSpan &
  SearchOptions & {
    /** Only where a call of the scope failed, by the scope's own rule. */
    readonly errors?: boolean | undefined;
    /** Only where a call of the scope took at least this long, as the caller saw it where it shows. */
    readonly slowerThan?: Duration | undefined;
    /** Only where a call of the scope took at most this long. */
    readonly fasterThan?: Duration | undefined;
    /** The names under which the backend knows the scope's services, where they cannot be told from the scope. */
    readonly services?: readonly string[] | undefined;
  };

const NAMES: OptionNames<TraceOptions> = {
  ...{ last: true, from: true, to: true },
  ...{ errors: true, slowerThan: true, fasterThan: true, services: true },
  ...{ limit: true, perCall: true, onProgress: true, signal: true, timeoutMs: true },
};

/** The same options, of which each is one. */
export function checkedTraceOptions(options: TraceOptions, verb: string): TraceOptions {
  checkOptions(options, NAMES, verb);
  return options;
}
