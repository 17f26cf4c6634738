import { addDurations, type Durations, meanOf, noDurations, quantileOf } from "./durations.ts";

/** Connections and bytes per second over TCP. */
export interface TcpFigures {
  readonly opened: number;
  readonly closed: number;
  /** Bytes per second from the server to the client. */
  readonly sent: number;
  /** Bytes per second from the client to the server. */
  readonly received: number;
}

/** What a graph knows of some traffic. Rates are per second and each request counts once. */
export abstract class Figures {
  /** Requests per second, over HTTP and gRPC. */
  readonly rate: number;
  /** Failed requests per second, by the mesh's rule of failure. */
  readonly errors: number;
  /** Requests per second as their callers' proxies counted them; `undefined` where none reports. */
  readonly sent: number | undefined;
  /** Requests per second as their receivers' proxies counted them; `undefined` where none reports. */
  readonly received: number | undefined;
  /** Of `rate`: requests that never left their caller's proxy, or found nobody. Only callers know of them. */
  readonly lost: number;
  /** Of `rate`: requests over gRPC. */
  readonly grpc: number;
  /** Requests per second by HTTP code; `"0"` is no answer. */
  readonly codes: ReadonlyMap<string, number>;
  /** Requests per second by gRPC status. */
  readonly grpcStatuses: ReadonlyMap<string, number>;
  /** Requests per second by response flags, those without any left out. */
  readonly flags: ReadonlyMap<string, number>;
  /** Messages per second over gRPC, from the client and to it. */
  readonly messages: { readonly sent: number; readonly received: number };
  /** Bytes per second of requests and responses. */
  readonly bytes: { readonly request: number; readonly response: number };
  /** `undefined` where there is no traffic over TCP. */
  readonly tcp: TcpFigures | undefined;
  /**
   * The share of requests and of TCP connections under mutual TLS, of those of which a proxy knows; `undefined` where
   * none does.
   */
  readonly mutualTls: { readonly requests: number | undefined; readonly connections: number | undefined };
  readonly #tally: Tally;

  constructor(tally: Tally) {
    this.#tally = tally;
    this.rate = tally.rate;
    this.errors = Math.min(tally.errors, tally.rate);
    this.sent = tally.sent;
    this.received = tally.received;
    this.lost = tally.lost;
    this.grpc = tally.grpc;
    this.codes = sorted(tally.codes);
    this.grpcStatuses = sorted(tally.grpcStatuses);
    this.flags = sorted(tally.flags);
    this.messages = Object.freeze({ sent: tally.messagesSent, received: tally.messagesReceived });
    this.bytes = Object.freeze({ request: tally.requestBytes, response: tally.responseBytes });
    const { opened, closed, tcpSent: sent, tcpReceived: received } = tally;
    this.tcp = opened + closed + sent + received > 0 ? Object.freeze({ opened, closed, sent, received }) : undefined;
    this.mutualTls = Object.freeze({
      requests: share(tally.secure, tally.insecure),
      connections: share(tally.secureConnections, tally.insecureConnections),
    });
  }

  /** The share of requests that did not fail; `undefined` without any. */
  get success(): number | undefined {
    return this.rate > 0 ? 1 - this.errors / this.rate : undefined;
  }

  /** The mean of durations in milliseconds; `undefined` without any. */
  get meanMs(): number | undefined {
    return meanOf(this.#tally.durations);
  }

  /**
   * A quantile of durations in milliseconds, interpolated within its bucket as PromQL's `histogram_quantile` does;
   * `undefined` without any.
   *
   * @param quantile from 0 to 1
   */
  latency(quantile: number): number | undefined {
    return quantileOf(this.#tally.durations, quantile);
  }
}

const share = (secure: number, insecure: number): number | undefined =>
  secure + insecure > 0 ? secure / (secure + insecure) : undefined;

/** The largest first. */
const sorted = (rates: ReadonlyMap<string, number>): ReadonlyMap<string, number> =>
  new Map([...rates].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));

/** What {@link Figures} are made of, while it is being added up. */
export interface Tally {
  rate: number;
  errors: number;
  sent: number | undefined;
  received: number | undefined;
  lost: number;
  grpc: number;
  readonly codes: Map<string, number>;
  readonly grpcStatuses: Map<string, number>;
  readonly flags: Map<string, number>;
  messagesSent: number;
  messagesReceived: number;
  requestBytes: number;
  responseBytes: number;
  opened: number;
  closed: number;
  tcpSent: number;
  tcpReceived: number;
  secure: number;
  insecure: number;
  secureConnections: number;
  insecureConnections: number;
  readonly durations: Durations;
}

export const newTally = (): Tally => ({
  rate: 0,
  errors: 0,
  sent: undefined,
  received: undefined,
  lost: 0,
  grpc: 0,
  codes: new Map(),
  grpcStatuses: new Map(),
  flags: new Map(),
  messagesSent: 0,
  messagesReceived: 0,
  requestBytes: 0,
  responseBytes: 0,
  opened: 0,
  closed: 0,
  tcpSent: 0,
  tcpReceived: 0,
  secure: 0,
  insecure: 0,
  secureConnections: 0,
  insecureConnections: 0,
  durations: noDurations(),
});

const SUMS = [
  "rate",
  "errors",
  "lost",
  "grpc",
  "messagesSent",
  "messagesReceived",
  "requestBytes",
  "responseBytes",
  "opened",
  "closed",
  "tcpSent",
  "tcpReceived",
  "secure",
  "insecure",
  "secureConnections",
  "insecureConnections",
] as const satisfies readonly (keyof Tally)[];

/** Adds one tally to another: that of an edge to that of its node. */
export function addTally(to: Tally, from: Tally): void {
  for (const name of SUMS) to[name] += from[name];
  if (from.sent !== undefined) to.sent = (to.sent ?? 0) + from.sent;
  if (from.received !== undefined) to.received = (to.received ?? 0) + from.received;
  for (const name of ["codes", "grpcStatuses", "flags"] as const) {
    for (const [key, rate] of from[name]) add(to[name], key, rate);
  }
  addDurations(to.durations, from.durations);
}

export const add = (rates: Map<string, number>, key: string, rate: number): void => {
  rates.set(key, (rates.get(key) ?? 0) + rate);
};
