import { createHash } from "node:crypto";
import type { LabelSet } from "../results/labels.ts";
import type { AlertInstance, AlertInstances } from "./state.ts";

/**
 * Why an alert is resolved: `"recovered"` what it compares is measured and the condition holds no more, `"missing"` part
 * of what it compares is not measured any more, `"unknown"` nobody can tell the two apart.
 */
export type ResolvedBecause = "missing" | "recovered" | "unknown";

/** An alert that began to fire, or was resolved. */
export interface AlertChange {
  /** The same text for the same change, whenever and by whichever process it is told. */
  readonly id: string;
  readonly state: "firing" | "resolved";
  /** What the rule is called. */
  readonly rule: string;
  readonly labels: LabelSet;
  readonly annotations: LabelSet;
  readonly value: number;
  /** The evaluation that found it first, before its `for`. */
  readonly activeAtMs: number;
  readonly firedAtMs: number;
  /** `undefined` while it fires. */
  readonly resolvedAtMs: number | undefined;
  /** `undefined` while it fires. */
  readonly because: ResolvedBecause | undefined;
}

/** The alerts that began to fire by an evaluation, and those that fire no more, by the text of their labels. */
export function changesOf(
  rule: string,
  before: AlertInstances,
  after: AlertInstances,
  atMs: number,
  because: ReadonlyMap<string, ResolvedBecause>,
): AlertChange[] {
  const changes: AlertChange[] = [];
  for (const [key, was] of before) {
    const now = after.get(key);
    if (was.state !== "firing" || now?.state === "firing") continue;
    // One that waits again, since its `for` was raised, fires no more either.
    const ended = now?.state === "resolved" ? now : { ...was, state: "resolved" as const, resolvedAtMs: atMs };
    changes.push(changeOf(rule, key, ended, because.get(key) ?? "unknown"));
  }
  for (const [key, now] of after) {
    if (now.state === "firing" && before.get(key)?.state !== "firing")
      changes.push(changeOf(rule, key, now, undefined));
  }
  return changes;
}

/** What can be told of an alert as it is. */
export function changeOf(
  rule: string,
  key: string,
  alert: AlertInstance,
  because: ResolvedBecause | undefined,
): AlertChange {
  const { labels, annotations, value, activeAtMs, resolvedAtMs } = alert;
  const state = alert.state === "resolved" ? "resolved" : "firing";
  const firedAtMs = alert.firedAtMs ?? activeAtMs;
  // Half a surrogate pair in a key is no UTF-8, so the key is hashed as JSON.
  const text = JSON.stringify([rule, key, activeAtMs, firedAtMs, state]);
  const id = createHash("sha256").update(text).digest("hex").slice(0, 32);
  return { id, state, rule, labels, annotations, value, activeAtMs, firedAtMs, resolvedAtMs, because };
}
