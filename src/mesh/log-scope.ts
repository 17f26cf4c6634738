import { QueryError } from "../errors.ts";
import type { Call } from "../logs/call.ts";
import type { AccessLogEntry } from "../logs/entry.ts";
import { CALL_ROWS, ENTRY_ROWS } from "../logs/log-rows.ts";
import type { Reading } from "../logs/reading.ts";
import { type LogList, type LogMeta, type LogReader, LogSearch } from "../logs/search.ts";
import type { OnProgress } from "../results/progress.ts";
import { listOf, type RowForm } from "../results/result-list.ts";
import type { TimeSpan } from "../time.ts";
import { DurationQuantile, durationQuantile } from "./duration-quantile.ts";
import { type CallGroup, DENIAL_ROWS, type Denial, GROUP_ROWS, LIMITED_ROWS, type LimitedCall } from "./log-finding.ts";
import { Look } from "./log-look.ts";
import { type LogOptions, withoutQuery } from "./log-options.ts";
import type { Scope } from "./scope.ts";

/** Where a mesh's access logs are, and how its proxies write them. */
export interface LogSource {
  readonly reader: LogReader;
  /** The container of the proxies; `false` where lines are kept without one. */
  readonly container: string | false;
  /** Told of searches that have nobody of their own to tell. */
  readonly onProgress?: OnProgress | undefined;
}

/** The source, or the error that says how to give one. */
export function logSource(source: LogSource | undefined): LogSource {
  if (source !== undefined) return source;
  throw new QueryError(
    "config",
    'this mesh has no backend for logs; write createMesh({ logs: loki("http://loki:3100") }) or elasticsearch(…)',
  );
}

/** A quantile of durations as access logs show them: of every call, none of them sampled. */
export type LogQuantile = DurationQuantile<LogMeta>;

/** What calls can be told apart by. */
export type ErrorKey = "code" | "flags" | "path";

/** Finds the access-log lines of one scope. */
export class ScopeLogs {
  readonly #scope: Scope;
  readonly #source: LogSource;

  constructor(scope: Scope, source: LogSource) {
    this.#scope = scope;
    this.#source = source;
  }

  /** The entries of the scope that are as described. */
  entries(options: LogOptions): LogSearch<AccessLogEntry> {
    const look = this.#look(options);
    const sides = look.sides(options.side);
    return this.#search(options, ENTRY_ROWS, (reading) => this.#look(options).entries(reading, sides));
  }

  /** The calls of the scope of which a line is as described. */
  calls(options: LogOptions): LogSearch<Call> {
    this.#look(options);
    return this.#search(options, CALL_ROWS, (reading) => this.#look(options).calls(reading));
  }

  /** The calls that a policy turned away. */
  async denials(options: LogOptions): Promise<LogList<Denial>> {
    const found = await this.calls({ ...options, denied: true });
    return mapped(found, DENIAL_ROWS, (call) => {
      const { policy, namespace, rule } = call.rbac ?? { policy: undefined, namespace: undefined, rule: undefined };
      const { principal, workload } = call.source;
      return { policy, namespace, rule, principal, workload, timeMs: call.timeMs, call };
    });
  }

  /** The calls that met a limit. */
  async rateLimited(options: LogOptions): Promise<LogList<LimitedCall>> {
    const found = await this.calls({ ...options, rateLimited: true });
    return mapped(found, LIMITED_ROWS, (call) => ({ by: call.rateLimit ?? "unknown", timeMs: call.timeMs, call }));
  }

  /** The paths that were called most. */
  async topPaths({ limit = 10, ...options }: LogOptions): Promise<LogList<CallGroup>> {
    return this.#groups(options, limit, pathOf, (a, b) => b.calls - a.calls);
  }

  /** What the failed calls have in common, the most frequent first. */
  async errorsBy(key: ErrorKey, { limit, ...options }: LogOptions): Promise<LogList<CallGroup>> {
    const read = ERROR_KEYS[key];
    if (read === undefined) {
      throw new QueryError("grouping", `errorsBy: write "flags", "code" or "path", not ${JSON.stringify(key)}`);
    }
    return this.#groups({ ...options, errors: true }, limit, read, (a, b) => b.errors - a.errors);
  }

  /** A quantile of the durations of all calls. */
  async latency(quantile: number, options: LogOptions): Promise<LogQuantile> {
    if (!(quantile >= 0 && quantile <= 1)) {
      throw new QueryError("quantile", `latencyFromLogs(${quantile}): a quantile is a number from 0 to 1`);
    }
    const durations: number[] = [];
    const search = this.calls(options);
    const meta = await search.each((call) => {
      if (!call.isTcp && call.durationMs !== undefined) durations.push(call.durationMs);
    });
    return new DurationQuantile(quantile, durations, meta);
  }

  async #groups(
    options: LogOptions,
    limit: number | undefined,
    keyOf: (call: Call) => string,
    order: (a: CallGroup, b: CallGroup) => number,
  ): Promise<LogList<CallGroup>> {
    const groups = new Map<string, { errors: number; readonly durations: number[]; calls: number }>();
    const failed = this.#look({ ...options, errors: true });
    let total = 0;
    const meta = await this.calls(options).each((call) => {
      const key = keyOf(call);
      const group = groups.get(key) ?? { calls: 0, errors: 0, durations: [] };
      groups.set(key, group);
      total++;
      group.calls++;
      if (failed.holds(call)) group.errors++;
      if (call.durationMs !== undefined) group.durations.push(call.durationMs);
    });
    const rows = [...groups].map(([key, { calls, errors, durations }]) =>
      Object.freeze({
        key,
        calls,
        errors,
        share: calls / total,
        medianMs: durationQuantile(0.5, durations),
        slowestMs: durationQuantile(1, durations),
      }),
    );
    rows.sort((a, b) => order(a, b) || (a.key < b.key ? -1 : 1));
    return listOf(rows.slice(0, limit), meta, GROUP_ROWS);
  }

  #look(options: LogOptions): Look {
    return new Look(this.#scope, this.#source.container, options);
  }

  #search<T>(
    options: LogOptions,
    rows: RowForm<T>,
    read: (reading: Reading) => AsyncIterable<readonly T[]>,
  ): LogSearch<T> {
    const { limit, order, perCall, onProgress, onUnparsed, signal, timeoutMs } = options;
    const told = onProgress ?? this.#source.onProgress;
    const how = { limit, order, perCall, onProgress: told, onUnparsed, signal, timeoutMs };
    return new LogSearch(this.#source.reader, { span: spanOf(options), rows, read }, how);
  }
}

/** The span alone of what the options say. */
const spanOf = ({ last, from, to }: LogOptions): TimeSpan =>
  (last === undefined
    ? { from, to }
    : from === undefined && to === undefined
      ? { last }
      : { last, from, to }) as TimeSpan;

const pathOf = (call: Call): string => (call.path === undefined ? "" : withoutQuery(call.path));

const ERROR_KEYS: Readonly<Record<ErrorKey, (call: Call) => string>> = {
  code: ({ code, grpcStatus }) => (grpcStatus === undefined ? String(code ?? "") : `grpc ${grpcStatus}`),
  flags: ({ flags }) => (flags.length === 0 ? "-" : flags.join(",")),
  path: pathOf,
};

const mapped = <T, R>(found: LogList<T>, rows: RowForm<Readonly<R>>, to: (one: T) => R): LogList<Readonly<R>> =>
  listOf(
    found.map((one) => Object.freeze(to(one))),
    found.meta,
    rows,
  );
