import { QueryError } from "../errors.ts";
import { checkOptions, type OptionNames } from "../http/config.ts";
import type { LineCondition } from "../logs/backend.ts";
import type { Call } from "../logs/call.ts";
import type { AccessLogEntry } from "../logs/entry.ts";
import { longName, type ResponseFlag } from "../logs/flags.ts";
import type { LogSearchOptions } from "../logs/search.ts";
import { type Duration, durationMs, shown, type TimeSpan } from "../time.ts";

/** HTTP statuses: one, such as `503` (0 where there was no answer), or all of a hundred, `"5xx"`. */
export type Status = "1xx" | "2xx" | "3xx" | "4xx" | "5xx" | number;

/** What is wanted of an entry; all conditions must hold. */
export interface EntryConditions {
  readonly status?: Status | readonly Status[] | undefined;
  /** Has one of these flags, in Envoy's short or long names: `"UF"` or `"UpstreamConnectionFailure"`. */
  readonly flags?: ResponseFlag | readonly ResponseFlag[] | undefined;
  readonly method?: string | readonly string[] | undefined;
  /**
   * Exactly this path, or one of these, or one that the pattern matches as a whole: without its query, unless a text has
   * a `?` itself.
   */
  readonly path?: RegExp | string | readonly string[] | undefined;
  /** Took at least this long. */
  readonly slowerThan?: Duration | undefined;
  readonly requestId?: string | undefined;
  /** Turned away by an authorization policy, or not. */
  readonly denied?: boolean | undefined;
  /** Met a rate limit of the proxy that wrote the line, or not. */
  readonly rateLimited?: boolean | undefined;
}

/** Which entries or calls of a scope to find. */
export type LogOptions = TimeSpan &
  LogSearchOptions &
  EntryConditions & {
    /**
     * Whose lines to give: the caller's proxy's (`"client"`) or the callee's (`"server"`). Without it both of an edge's,
     * and otherwise those of the scope's own end.
     */
    readonly side?: "client" | "server" | undefined;
    /** Only what failed, by the scope's own rule as far as logs show it. */
    readonly errors?: boolean | undefined;
    /** The names of the called services, where they cannot be told from the called workload. */
    readonly services?: readonly string[] | undefined;
    /** How far apart the lines of one call may have been taken; `"15s"`, as proxies write every ten seconds. */
    readonly joinWithin?: Duration | undefined;
  };

const NAMES: OptionNames<LogOptions> = {
  ...{ last: true, from: true, to: true },
  ...{ status: true, flags: true, method: true, path: true, slowerThan: true },
  ...{ requestId: true, denied: true, rateLimited: true },
  ...{ side: true, errors: true, services: true, joinWithin: true },
  ...{ limit: true, order: true, perCall: true, onProgress: true, onUnparsed: true, signal: true, timeoutMs: true },
};

/** The same options, of which each is one. */
export function checkedLogOptions(options: LogOptions, verb: string): LogOptions {
  checkOptions(options, NAMES, verb);
  return options;
}

/** A test of entries, and what every line that passes it holds. */
export interface EntryTest {
  readonly holds: (view: AccessLogEntry | Call) => boolean;
  readonly lines: readonly LineCondition[];
}

/**
 * The test that conditions mean.
 *
 * @throws {QueryError} `code: "range"` or `"scope"` for a condition that cannot be meant as it stands
 */
export function entryTest(conditions: EntryConditions): EntryTest {
  const parts = [
    statusTest(conditions.status),
    flagsTest(conditions.flags),
    methodTest(conditions.method),
    pathTest(conditions.path),
    slowTest(conditions.slowerThan),
    requestIdTest(conditions.requestId),
    deniedTest(conditions.denied),
    rateLimitedTest(conditions.rateLimited),
  ].filter((part) => part !== undefined);
  return {
    holds: (view) => parts.every((part) => part.holds(view)),
    lines: parts.flatMap((part) => part.lines),
  };
}

type Part = EntryTest | undefined;

function statusTest(status: EntryConditions["status"]): Part {
  if (status === undefined) return undefined;
  const wanted = listed(status).map(codesOf);
  // A lone 0 stands in nearly every line.
  const lines = wanted.some(({ from }) => from === 0)
    ? []
    : [{ pattern: `(^|[^0-9])(${wanted.map(({ pattern }) => pattern).join("|")})([^0-9]|$)` }];
  return {
    holds: ({ code }) => code !== undefined && wanted.some(({ from, to }) => code >= from && code <= to),
    lines,
  };
}

function codesOf(status: Status): { readonly from: number; readonly to: number; readonly pattern: string } {
  if (typeof status === "string" && /^[1-5]xx$/.test(status)) {
    const from = Number(status[0]) * 100;
    return { from, to: from + 99, pattern: `${status[0]}[0-9][0-9]` };
  }
  const code = typeof status === "string" && /^\d{3}$/.test(status) ? Number(status) : status;
  if (typeof code === "number" && (code === 0 || (Number.isInteger(code) && code >= 100 && code <= 999))) {
    return { from: code, to: code, pattern: String(code) };
  }
  throw new QueryError("scope", `logs: status ${shown(status)} is none; write 503, "5xx", a list of such, or 0`);
}

function flagsTest(flags: EntryConditions["flags"]): Part {
  if (flags === undefined) return undefined;
  const wanted = listed(flags).map((flag) => named(flag, "flags", "UF"));
  const names = wanted.flatMap((flag) => [flag, longName(flag) ?? flag]);
  const either = new Set(names);
  return {
    holds: (view) => view.flags.some((flag) => either.has(flag) || either.has(longName(flag) ?? flag)),
    // A long name's short one stands in lines that have no long names.
    lines: wanted.every((flag) => longName(flag) !== undefined) ? [anyText(names)] : [],
  };
}

function methodTest(method: EntryConditions["method"]): Part {
  if (method === undefined) return undefined;
  const wanted = listed(method).map((one) => named(one, "method", "GET"));
  return {
    holds: (view) => view.method !== undefined && wanted.includes(view.method),
    lines: wanted.every(isPlain) ? [anyText(wanted)] : [],
  };
}

function pathTest(path: EntryConditions["path"]): Part {
  if (path === undefined) return undefined;
  if (path instanceof RegExp) {
    const whole = new RegExp(`^(?:${path.source})$`, path.flags.replace(/[gy]/g, ""));
    return { holds: (view) => view.path !== undefined && whole.test(withoutQuery(view.path)), lines: [] };
  }
  const wanted = listed(path).map((one) => named(one, "path", "/api/orders"));
  // Encodings differ in how they write other characters.
  const cores = wanted.map((one) => longest(one.split(/[^\w.~-]+/)));
  return {
    holds: (view) => wanted.some((one) => one === (one.includes("?") ? view.path : withoutQuery(view.path ?? ""))),
    lines: cores.every((core) => core !== "") ? [anyText(cores)] : [],
  };
}

/** The path without what follows `?`. */
export const withoutQuery = (path: string): string => path.split("?", 1)[0] ?? path;

function slowTest(slowerThan: Duration | undefined): Part {
  if (slowerThan === undefined) return undefined;
  const least = durationMs(slowerThan, "logs: slowerThan", "range");
  return { holds: ({ durationMs: ms }) => ms !== undefined && ms >= least, lines: [] };
}

function requestIdTest(requestId: string | undefined): Part {
  if (requestId === undefined) return undefined;
  const wanted = named(requestId, "requestId", "7d4cf7d7-ed41-9315-b392-942ad9eb712f");
  return { holds: (view) => view.requestId === wanted, lines: isPlain(wanted) ? [{ text: wanted }] : [] };
}

function deniedTest(denied: boolean | undefined): Part {
  if (denied === undefined) return undefined;
  return {
    holds: ({ rbac }) => (rbac !== undefined) === denied,
    lines: denied ? [{ text: "rbac_access_denied" }] : [],
  };
}

function rateLimitedTest(rateLimited: boolean | undefined): Part {
  if (rateLimited === undefined) return undefined;
  return {
    holds: ({ rateLimit }) => (rateLimit !== undefined) === rateLimited,
    lines: rateLimited ? [{ pattern: "rate_limit|RL|RateLimit" }] : [],
  };
}

const listed = <T extends number | string>(value: T | readonly T[]): readonly T[] =>
  typeof value === "object" ? value : [value];

function named(value: unknown, what: string, example: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new QueryError("scope", `logs: ${what} ${shown(value)} is none; write "${example}"`);
}

/** Whether every encoding writes the text as it is. */
const isPlain = (text: string): boolean => /^[\w.~-]+$/.test(text);

const longest = (texts: readonly string[]): string => texts.reduce((a, b) => (b.length > a.length ? b : a), "");

/** Lines that hold one of the texts. */
export function anyText(texts: readonly string[]): LineCondition {
  const [only] = texts;
  return texts.length === 1 && only !== undefined ? { text: only } : { texts };
}
