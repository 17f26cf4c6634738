import { QueryError } from "../errors.ts";
import type { Matcher } from "../promql/index.ts";
import { shown } from "../time.ts";
import { matchersOf, type Where } from "./where.ts";

/** Which requests failed: those for which any of these sets of conditions holds. */
export type FailureRule = readonly Where[];

/**
 * What failed, unless a mesh or scope says otherwise. Over HTTP: 5xx, or code 0, which is no answer at all. Over gRPC
 * the statuses that are the server's fault, whatever the HTTP code says; without any status, the HTTP code decides.
 *
 * @see OpenTelemetry, "Semantic conventions for gRPC": UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL,
 * UNAVAILABLE and DATA_LOSS are a server's errors
 */
export const DEFAULT_FAILURES: FailureRule = Object.freeze([
  Object.freeze({ request_protocol: { not: "grpc" }, response_code: /0|5../ }),
  Object.freeze({ request_protocol: "grpc", grpc_response_status: [2, 4, 12, 13, 14, 15] }),
  Object.freeze({ request_protocol: "grpc", grpc_response_status: "", response_code: /0|5../ }),
]);

/** The sets of matchers of a rule; a failed request has all of any one set. */
export function failureMatchers(rule: FailureRule): readonly (readonly Matcher[])[] {
  if (!Array.isArray(rule) || rule.length === 0) {
    throw new QueryError(
      "failures",
      `failures: ${shown(rule)} is no rule; write a list of conditions such as [{ response_code: /5../ }]`,
    );
  }
  return rule.map((where: Where) => {
    const matchers = matchersOf(where, "failures");
    if (matchers.length === 0) {
      throw new QueryError("failures", "failures: a set without conditions would call every request failed");
    }
    return matchers;
  });
}
