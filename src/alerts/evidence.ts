import { QueryError } from "../errors.ts";
import type { Explanation } from "../mesh/explain/explanation.ts";
import type { Traffic } from "../mesh/traffic.ts";
import { type AskOptions, type Duration, durationMs, shown } from "../time.ts";
import type { AlertChange } from "./notification.ts";

/** How evidence is looked for. */
export interface EvidenceOptions extends AskOptions {
  /** How long before the alert became active to look too; `"10m"` when left out. */
  readonly before?: Duration | undefined;
  /** How many examples of traces and of lines at most; 5 when left out. */
  readonly examples?: number | undefined;
}

/** What a scope's signals say about the time of an alert. */
export interface AlertEvidence {
  readonly fromMs: number;
  readonly toMs: number;
  /** `undefined` where it could not be asked, as `missing` says. */
  readonly explanation: Explanation | undefined;
  /** Failed traces. */
  readonly traces: Awaited<ReturnType<Traffic["traces"]>> | undefined;
  /** Access-log entries of failed calls. */
  readonly entries: Awaited<ReturnType<Traffic["logs"]>> | undefined;
  /** What could not be asked, and why. */
  readonly missing: readonly { readonly part: "entries" | "explanation" | "traces"; readonly error: unknown }[];
}

/** Asks a scope's signals about the time of an alert; a signal that the mesh does not have costs its part alone. */
export async function evidenceOf(
  scope: Traffic | undefined,
  change: AlertChange,
  asOfMs: number,
  { before = "10m", examples = 5, ...asking }: EvidenceOptions,
): Promise<AlertEvidence> {
  if (scope === undefined) {
    throw new QueryError(
      "scope",
      `evidence: ${shown(change.rule)} is watched without a scope; write watch({ every, scope: mesh.service("backend") })`,
    );
  }
  const fromMs = change.activeAtMs - durationMs(before, "evidence: before");
  const toMs = change.resolvedAtMs ?? Math.max(asOfMs, change.activeAtMs);
  const span = { from: fromMs, to: toMs };
  const [explanation, traces, entries] = await Promise.allSettled([
    (async () => scope.explain({ ...span, ...asking, examples }))(),
    (async () => scope.traces({ ...span, ...asking, errors: true, limit: examples }))(),
    (async () => scope.logs({ ...span, ...asking, errors: true, limit: examples }))(),
  ]);
  asking.signal?.throwIfAborted();
  const parts = { explanation, traces, entries };
  const missing = (["explanation", "traces", "entries"] as const).flatMap((part) => {
    const outcome = parts[part];
    return outcome.status === "rejected" ? [{ part, error: outcome.reason as unknown }] : [];
  });
  const given = <T>(outcome: PromiseSettledResult<T>) => (outcome.status === "fulfilled" ? outcome.value : undefined);
  return Object.freeze({
    fromMs,
    toMs,
    explanation: given(explanation),
    traces: given(traces),
    entries: given(entries),
    missing,
  });
}
