import { INSPECT } from "../results/mime.ts";
import { plain } from "../results/text.ts";
import type { RateLimit, RbacDenial } from "./denial.ts";
import type { AccessLogEntry, LogDestination, LogPeer } from "./entry.ts";
import type { ResponseFlag } from "./flags.ts";
import { requestLine } from "./request-line.ts";

/**
 * Why one side's line stands alone. `not-sent`: the caller's proxy answered by itself or could not connect, so that
 * there was nobody to write another line. `no-proxy`: the other end showed no mutual TLS, so that it may have no proxy.
 * `not-found`: the other line should be there, and was not among the lines that were read.
 */
export type AloneReason = "no-proxy" | "not-found" | "not-sent";

/**
 * One request (or connection) as both proxies wrote it down.
 *
 * The caller's proxy writes one line; the callee's one for each attempt that reached it. Where both have a value, the
 * caller's is the call's: it is what the caller got.
 */
export class Call {
  /** The line of the caller's proxy. */
  readonly client: AccessLogEntry | undefined;
  /** The lines of the callee's proxies, earliest first: more than one where the caller's proxy tried again. */
  readonly attempts: readonly AccessLogEntry[];

  /** At least one line is needed. */
  constructor(client: AccessLogEntry | undefined, attempts: readonly AccessLogEntry[]) {
    if (client === undefined && attempts.length === 0) throw new TypeError("a call has at least one line");
    const answered = attempts.at(-1);
    this.client = client === undefined || answered === undefined ? client : knowingCallee(client, answered);
    this.attempts = Object.freeze(attempts.map((attempt) => knowingCaller(attempt, client)));
    Object.freeze(this);
  }

  /** The line of the callee's proxy; of several attempts the last. */
  get server(): AccessLogEntry | undefined {
    return this.attempts.at(-1);
  }

  /** The side whose line is the only one, and why; `undefined` where both are there. */
  get alone(): { readonly side: "client" | "server"; readonly reason: AloneReason } | undefined {
    const { client, server } = this;
    if (client === undefined) {
      const meshTls = server?.serverName?.port !== undefined;
      return { side: "server", reason: meshTls ? "not-found" : "no-proxy" };
    }
    if (server !== undefined) return undefined;
    return { side: "client", reason: aloneReason(client) };
  }

  /** Epoch milliseconds of the request's first byte, as the caller's proxy saw it where its line is there. */
  get timeMs(): number | undefined {
    return this.client?.timeMs ?? this.attempts[0]?.timeMs;
  }

  /** `x-request-id`: the same in all its lines. */
  get requestId(): string | undefined {
    return this.client?.requestId ?? this.server?.requestId;
  }

  /** Who called, by all lines. */
  get source(): LogPeer {
    return together(this.client?.source, this.server?.source);
  }

  /** Who was called, by all lines: a workload only where one answered. */
  get destination(): LogDestination {
    const { client, server } = this;
    const both = together(server?.destination, client?.destination);
    // The caller's line names the service with its port; the callee's may name the port of its container.
    return Object.freeze({ ...both, port: client?.destination.port ?? server?.serverName?.port ?? both.port });
  }

  /** HTTP method. */
  get method(): string | undefined {
    return this.#either("method");
  }

  /** With its query, as the caller wrote it. */
  get path(): string | undefined {
    return this.#either("path");
  }

  /** `"HTTP/1.1"`, `"HTTP/2"`, … */
  get protocol(): string | undefined {
    return this.#either("protocol");
  }

  /** Whether it is a connection rather than a request. */
  get isTcp(): boolean {
    return (this.client ?? this.server)?.isTcp === true;
  }

  /** What the caller got; 0 when the request ended without an answer. */
  get code(): number | undefined {
    return this.#either("code");
  }

  /** The number of the gRPC status, where the format has it; Istio's own formats do not. */
  get grpcStatus(): number | undefined {
    return this.#either("grpcStatus");
  }

  /** The flags of all lines. */
  get flags(): readonly ResponseFlag[] {
    return Object.freeze([...new Set(this.entries().flatMap(({ flags }) => flags))]);
  }

  /** In milliseconds, as the caller's proxy saw it where its line is there. */
  get durationMs(): number | undefined {
    return this.#either("durationMs");
  }

  /** The policy that turned it away, on whichever side. */
  get rbac(): RbacDenial | undefined {
    return this.#first("rbac");
  }

  /** Whose limit it met, on whichever side. */
  get rateLimit(): RateLimit | undefined {
    return this.#first("rateLimit");
  }

  /** Why the line that should not be believed should not be. */
  get suspicious(): string | undefined {
    return this.#first("suspicious");
  }

  /** Every line: the caller's, then each attempt's. */
  entries(): readonly AccessLogEntry[] {
    return this.client === undefined ? this.attempts : [this.client, ...this.attempts];
  }

  /** The call in a line: when, who called whom, what, and how it ended. */
  toString(): string {
    return requestLine(this);
  }

  /** The call in a line, and every line of it as its proxy wrote it. */
  [INSPECT](): string {
    const lines = this.entries().map(({ side, raw }) => `  ${side ?? "a proxy"}: ${plain(raw)}`);
    return [requestLine(this), ...lines].join("\n");
  }

  /** What the call came to, with the lines behind it, as plain data. */
  toJSON(): Readonly<Record<string, unknown>> {
    const { client, attempts, alone, timeMs, requestId, source, destination, method, path, code, flags, durationMs } =
      this;
    return {
      timeMs,
      requestId,
      source,
      destination,
      method,
      path,
      code,
      flags,
      durationMs,
      rbac: this.rbac,
      rateLimit: this.rateLimit,
      alone,
      client,
      attempts,
    };
  }

  #either<K extends "code" | "durationMs" | "grpcStatus" | "method" | "path" | "protocol">(
    key: K,
  ): AccessLogEntry[K] | undefined {
    return this.client?.[key] ?? this.server?.[key];
  }

  #first<K extends "rateLimit" | "rbac" | "suspicious">(key: K): AccessLogEntry[K] {
    return this.entries().find((entry) => entry[key] !== undefined)?.[key];
  }
}

/** A callee's line with what its caller's knows of the caller. */
function knowingCaller(attempt: AccessLogEntry, client: AccessLogEntry | undefined): AccessLogEntry {
  if (client === undefined) return attempt;
  const { workload, namespace } = client.source;
  if (workload === undefined || attempt.source.workload !== undefined) return attempt;
  return attempt.knowing({ peers: { source: { workload, namespace }, destination: attempt.destination } });
}

/** A caller's line with what the line of who answered knows of the callee. */
function knowingCallee(client: AccessLogEntry, answered: AccessLogEntry): AccessLogEntry {
  const { workload, namespace } = answered.destination;
  if (workload === undefined || client.destination.workload !== undefined) return client;
  return client.knowing({ peers: { source: client.source, destination: { workload, namespace } } });
}

/** What keeps a caller's proxy from sending a request at all. */
const NOT_SENT: ReadonlySet<string> = new Set("DF DO FI IH LH NC NFCF NR OM RFCF RL RLSE UAEX UDO UF UH UO".split(" "));

/** Whether the caller's proxy chose nobody to send a request to, and says why. */
export const isUnsent = ({ upstreamHost, flags }: AccessLogEntry): boolean =>
  upstreamHost === undefined && flags.some((flag) => NOT_SENT.has(flag));

function aloneReason(client: AccessLogEntry): AloneReason {
  if (client.upstreamHost === undefined || client.flags.some((flag) => NOT_SENT.has(flag))) return "not-sent";
  return client.cluster?.direction === "passthrough" ? "no-proxy" : "not-found";
}

/** What the first knows, and beside it what the second does. */
function together<P extends LogPeer>(first: P | undefined, second: P | undefined): P {
  const known = (peer: P | undefined) => Object.entries(peer ?? {}).filter(([, value]) => value !== undefined);
  return Object.freeze({ ...(first ?? second), ...Object.fromEntries([...known(second), ...known(first)]) } as P);
}
