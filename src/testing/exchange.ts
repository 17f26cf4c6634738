import type { Service, Workload } from "./topology.ts";

/** What one proxy says of how a request ended. */
export interface Outcome {
  /** The HTTP status; 0 where there was no answer. */
  readonly code: number;
  readonly grpcStatus: number | undefined;
  /** Envoy's response flags, `"-"` for none. */
  readonly flags: string;
  /** Envoy's response code details. */
  readonly details: string;
}

/** How long something takes in microseconds: `fixed + scaled * x`, where `x` is the request's own. */
export interface Span {
  readonly fixed: number;
  readonly scaled: number;
}

/** When something begins, after the beginning of its request, and how long it takes. */
export interface Timing {
  readonly start: Span;
  readonly length: Span;
}

/** One attempt of a call as the called proxy saw it. */
export interface Attempt extends Timing {
  readonly outcome: Outcome;
}

/** One call of a request, as both proxies saw it. */
export interface Exchange {
  readonly caller: Workload;
  readonly service: Service;
  /** Who answered; `undefined` where nobody was reached. */
  readonly callee: Workload | undefined;
  readonly method: string;
  readonly path: string;
  /** Whether the connection was under mutual TLS. */
  readonly isMutual: boolean;
  /** Whether the caller's proxy was passed by, so that nobody knows the caller. */
  readonly isBypassed: boolean;
  /** A connection that the called proxy closed before any request. */
  readonly isRefused: boolean;
  /** A subset that the caller's route names. */
  readonly subset: string | undefined;
  /** What the caller's proxy saw; its timing is that of the whole call. */
  readonly outcome: Outcome;
  readonly timing: Timing;
  /** In order of time; none where no proxy was reached. */
  readonly attempts: readonly Attempt[];
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** The exchange of which answering took this one; `undefined` for the first. */
  readonly parent: Exchange | undefined;
}

/** Whether the caller's proxy reports it. */
export const isSeenBySource = ({ caller, isBypassed, isRefused }: Exchange): boolean =>
  caller.proxy !== "none" && !isBypassed && !isRefused;

/** Whether the called proxy reports it. */
export const isSeenByDestination = ({ callee, isRefused }: Exchange): boolean =>
  callee !== undefined && callee.proxy !== "none" && !isRefused;

/** Whether the called proxy knows the caller: by headers, or over TCP by its certificate. */
export const isCallerKnown = ({ caller, isBypassed, isMutual, service }: Exchange): boolean =>
  caller.proxy !== "none" && !isBypassed && (isMutual || service.protocol !== "tcp");

/** The length of a span in whole microseconds. */
export const spanUs = ({ fixed, scaled }: Span, x: number): number => Math.round(fixed + scaled * x);

export const plus = (a: Span, b: Span): Span => ({ fixed: a.fixed + b.fixed, scaled: a.scaled + b.scaled });
export const fixedUs = (fixed: number): Span => ({ fixed, scaled: 0 });
