import * as z from "zod/mini";
import { durationMs, formatDuration } from "../../time.ts";
import type { Tree } from "../rulefile/tree.ts";
import { lengthMs } from "../spec.ts";
import { type BurnAlert, type BurnLine, windowText } from "./burn-table.ts";

const CONDITION = z.object({
  spec: z.object({
    severity: z.string().check(z.minLength(1)),
    condition: z.object({
      kind: z._default(z.literal("burnrate"), "burnrate"),
      op: z.optional(
        z.enum(["gt", "gte"], { error: "a burn rate that is too low is no reason to tell anyone; write gt" }),
      ),
      threshold: z.number().check(z.gt(0)),
      lookbackWindow: z.string(),
      alertAfter: z._default(z.string(), "0m"),
    }),
  }),
});
const REFERENCE = z.object({ conditionRef: z.string() });
const POLICY = z.object({
  spec: z.object({
    alertWhenBreaching: z._default(z.boolean(), true),
    conditions: z.array(z.union([REFERENCE, CONDITION])).check(z.minLength(1)),
  }),
});

/** Whether a wrong part may be named: what reads a part of a text by its schema, and what finds another by its name. */
export interface Policies {
  /** @throws {RuleFileError} for a part that is not of the schema */
  readonly checked: <T>(schema: z.ZodMiniType<T>, content: unknown, path: string) => T;
  /** @throws {RuleFileError} where no object of that kind has the name */
  readonly named: (kind: "AlertCondition" | "AlertPolicy", name: string, path: string) => unknown;
  /** Throws what is wrong at a path. */
  readonly refuse: (path: string, why: string) => never;
}

/** The lines that the alert policies of an SLO mean: each a burn rate over one time. */
export function burnAlertsOf(policies: readonly unknown[], { checked, named, refuse }: Policies): BurnAlert[] {
  return policies.flatMap((given, i) => {
    const path = `spec.alertPolicies[${i}]`;
    const { alertPolicyRef } = checked(z.object({ alertPolicyRef: z.optional(z.string()) }), given, path);
    const policy = alertPolicyRef === undefined ? given : named("AlertPolicy", alertPolicyRef, path);
    const { spec } = checked(POLICY, policy, path);
    if (!spec.alertWhenBreaching) return [];
    return spec.conditions.map((one, k) => {
      const place = `${path}.conditions[${k}]`;
      const condition =
        "conditionRef" in one ? checked(CONDITION, named("AlertCondition", one.conditionRef, place), place) : one;
      const { threshold, lookbackWindow, alertAfter } = condition.spec.condition;
      try {
        durationMs(lookbackWindow, "lookbackWindow");
        lengthMs(alertAfter, "alertAfter");
      } catch (error) {
        refuse(`${place}.spec.condition`, error instanceof Error ? error.message : String(error));
      }
      return { severity: condition.spec.severity, burnRate: threshold, long: lookbackWindow, for: alertAfter };
    });
  });
}

/** The alert policies of those lines that look at one time only: others have no place in OpenSLO. */
export function alertPolicies(name: string, lines: readonly BurnLine[]): readonly Tree[] {
  return lines
    .filter(({ shortMs }) => shortMs === undefined)
    .map(({ severity, longMs, forMs, factor }) => {
      const own = `${name}-${severity}-${windowText(longMs)}`.toLowerCase().replace(/[^a-z0-9-]+/g, "-");
      const condition = {
        kind: "burnrate",
        threshold: factor.value,
        lookbackWindow: windowText(longMs),
        alertAfter: forMs === 0 ? "0m" : formatDuration(forMs),
      };
      return {
        kind: "AlertPolicy",
        metadata: { name: own },
        spec: {
          alertWhenBreaching: true,
          alertWhenResolved: true,
          alertWhenNoData: false,
          conditions: [{ kind: "AlertCondition", metadata: { name: own }, spec: { severity, condition } }],
          notificationTargets: [],
        },
      };
    });
}
