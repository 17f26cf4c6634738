import type { PolicyRequest } from "./request.ts";
import type { Verdict } from "./verdict.ts";

/** One end of observed traffic; what is not known is left out. */
export interface FlowEnd {
  readonly workload: string | undefined;
  readonly namespace: string | undefined;
}

/** What was done about requests in the range. */
export interface Enforced {
  /** Turned away by a policy or for want of mutual TLS, as access logs show it. */
  readonly denied: number;
  readonly passed: number;
  /** Answered 403 (or PERMISSION_DENIED), by the app or by a policy: metrics do not say. */
  readonly untold: number;
}

/**
 * What a set of policies would change: what passed would be denied, what was denied would pass, or neither. `unknown`
 * where the verdict cannot be told, or what is done now.
 */
export type FlowChange = "newly-allowed" | "newly-denied" | "still-allowed" | "still-denied" | "unknown";

/** Requests that are the same to policies: one edge, identity, method, path, host and port. */
export interface PolicyFlow {
  readonly source: FlowEnd & {
    /** The identity of its certificate; `null` in plaintext. */
    readonly principal: string | null | undefined;
  };
  readonly destination: FlowEnd & { readonly service: string | undefined };
  readonly protocol: PolicyRequest["protocol"];
  readonly security: PolicyRequest["security"];
  readonly method: string | undefined;
  /** Normalized, and without its query. */
  readonly path: string | undefined;
  readonly host: string | undefined;
  /** Of the workload. */
  readonly port: number | undefined;
  /** Requests, or connections over TCP, in the range. */
  readonly requests: number;
  /** The same per second. */
  readonly rate: number;
  /** `logs` without metrics of the edge; `metrics` without a line of it; `both` shares the count out by the lines. */
  readonly counted: "both" | "logs" | "metrics";
  readonly enforced: Enforced;
  /** The latest of them that access logs show. */
  readonly example: FlowExample | undefined;
  readonly verdict: Verdict;
  readonly change: FlowChange;
}

/** One request of a flow. */
export interface FlowExample {
  readonly requestId: string | undefined;
  readonly timeMs: number | undefined;
  /** The line of the callee's proxy, or of the caller's where there is no other. */
  readonly line: string;
  /** The policy that turned it away, as the proxy names it; `"none"` where no ALLOW policy matched. */
  readonly deniedBy: string | undefined;
}
