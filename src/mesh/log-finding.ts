import type { Call } from "../logs/call.ts";
import type { RateLimit, RbacDenial } from "../logs/denial.ts";
import { CALL_ROWS } from "../logs/log-rows.ts";
import { number, text } from "../results/column.ts";
import type { RowForm } from "../results/result-list.ts";

/** A call that an authorization policy turned away. */
export interface Denial extends RbacDenial {
  readonly call: Call;
  readonly timeMs: number | undefined;
  /** The caller's identity, where the format of the lines has it. */
  readonly principal: string | undefined;
  /** The caller's workload, where its own line was found. */
  readonly workload: string | undefined;
}

/** A call that met a rate limit. */
export interface LimitedCall {
  readonly call: Call;
  readonly timeMs: number | undefined;
  /** Whose limit: the proxy's own, or that of the rate limit service. */
  readonly by: RateLimit;
}

/** What calls had in common, and how they fared. */
export interface CallGroup {
  readonly key: string;
  readonly calls: number;
  /** Of those that failed, by the scope's rule. */
  readonly errors: number;
  /** Of all calls of the question, from 0 to 1. */
  readonly share: number;
  /** Milliseconds that half of them did not exceed; `undefined` where no line says. */
  readonly medianMs: number | undefined;
  readonly slowestMs: number | undefined;
}

/** Denials as rows: the policy's cells before the call's own. */
export const DENIAL_ROWS: RowForm<Denial> = Object.freeze<RowForm<Denial>>({
  noun: "denial",
  headings: [text("policy"), text("rule"), text("identity"), ...CALL_ROWS.headings],
  row: ({ policy, namespace, rule, principal, call }) => [
    policy === undefined || namespace === undefined ? policy : `${policy}.${namespace}`,
    rule === undefined ? "" : String(rule),
    principal,
    ...CALL_ROWS.row(call),
  ],
});

/** Limited calls as rows. */
export const LIMITED_ROWS: RowForm<LimitedCall> = Object.freeze<RowForm<LimitedCall>>({
  noun: "limited call",
  headings: [text("limit"), ...CALL_ROWS.headings],
  row: ({ by, call }) => [by, ...CALL_ROWS.row(call)],
});

/** Groups of calls as rows. */
export const GROUP_ROWS: RowForm<CallGroup> = Object.freeze<RowForm<CallGroup>>({
  noun: "group",
  headings: [
    text("key"),
    number("calls"),
    number("errors"),
    number("share", "ratio"),
    number("median", "ms"),
    number("slowest", "ms"),
  ],
  row: ({ key, calls, errors, share, medianMs, slowestMs }) => [
    key,
    calls,
    errors,
    share,
    medianMs ?? "",
    slowestMs ?? "",
  ],
});
