import type { LabelSet } from "../results/labels.ts";

/** What an alert of one label set is: waiting for its `for`, firing, or resolved after it fired. */
export type AlertState = "firing" | "pending" | "resolved";

/** One alert as an evaluation left it. */
export interface AlertInstance {
  /** Its own labels: those of the series without the metric's name, those of the rule, and `alertname`. */
  readonly labels: LabelSet;
  readonly annotations: LabelSet;
  readonly value: number;
  readonly state: AlertState;
  /** The evaluation that found it first. */
  readonly activeAtMs: number;
  readonly firedAtMs: number | undefined;
  readonly resolvedAtMs: number | undefined;
  /** The first evaluation that did not find it while it went on firing by `keep_firing_for`. */
  readonly keptSinceMs: number | undefined;
}

/** The alerts of a rule by the text of their labels: {@link alertKey}. */
export type AlertInstances = ReadonlyMap<string, AlertInstance>;

/** When a rule's alerts fire and how long they go on. */
export interface AlertTiming {
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** The most alerts the rule may have, 0 for any number. */
  readonly limit: number;
}

/** A series that an evaluation found, with the labels of its alert. */
export interface FoundAlert {
  readonly key: string;
  readonly labels: LabelSet;
  readonly annotations: LabelSet;
  readonly value: number;
}

/** What an evaluation came to: the alerts as they are now, and why it failed where it did. */
export interface Evaluated {
  readonly alerts: AlertInstances;
  readonly error?: string | undefined;
}

/** How long a resolved alert is remembered, and sent again. */
export const RESOLVED_RETENTION_MS = 15 * 60_000;

/** No alerts: where every rule begins. */
export const NO_ALERTS: AlertInstances = new Map();

/**
 * Prometheus's own state machine of alerts: what an evaluation at `atMs` makes of the alerts that there were.
 *
 * A series that is found is pending until it was found for `for` without a gap, and fires at that same evaluation; with
 * no `for` at once. One that is not found is forgotten while it was pending, and resolved when it fired, unless
 * `keep_firing_for` holds it. A resolved alert is remembered for 15 minutes, and begins anew when it is found again.
 * Series of equal labels, as a query that failed, leave everything as it was; more alerts than the limit forget all.
 *
 * @param found the series of the rule's expression; a query that failed has none to show and evaluates nothing
 * @see Prometheus, `rules/alerting.go`, `Eval`
 */
export function evaluateAlerts(
  before: AlertInstances,
  timing: AlertTiming,
  atMs: number,
  found: readonly FoundAlert[],
): Evaluated {
  if (found.length === 0 && before.size === 0) return { alerts: before };
  const now = new Map<string, FoundAlert>();
  for (const one of found) {
    if (now.has(one.key)) return { alerts: before, error: DUPLICATE };
    now.set(one.key, one);
  }
  const alerts = new Map<string, AlertInstance>();
  let active = 0;
  for (const [key, alert] of before) {
    const next = continued(alert, now.get(key), timing, atMs);
    if (next === undefined) continue;
    alerts.set(key, next);
    if (next.state !== "resolved") active++;
  }
  for (const [key, one] of now) {
    if (alerts.has(key)) continue;
    alerts.set(key, begun(one, timing, atMs));
    active++;
  }
  if (timing.limit > 0 && active > timing.limit) {
    return { alerts: NO_ALERTS, error: `exceeded limit of ${timing.limit} with ${active} alerts` };
  }
  return { alerts };
}

const DUPLICATE = "vector contains metrics with the same labelset after applying alert labels";

function begun({ labels, annotations, value }: FoundAlert, { forMs }: AlertTiming, atMs: number): AlertInstance {
  const fires = forMs <= 0;
  return {
    labels,
    annotations,
    value,
    state: fires ? "firing" : "pending",
    activeAtMs: atMs,
    firedAtMs: fires ? atMs : undefined,
    resolvedAtMs: undefined,
    keptSinceMs: undefined,
  };
}

/** What becomes of an alert that there was; `undefined` where it is forgotten, or found anew. */
function continued(
  alert: AlertInstance,
  found: FoundAlert | undefined,
  timing: AlertTiming,
  atMs: number,
): AlertInstance | undefined {
  if (found !== undefined) {
    if (alert.state === "resolved") return undefined;
    return timed(seen(alert, found), timing, atMs);
  }
  switch (alert.state) {
    case "pending":
      return undefined;
    case "resolved":
      return atMs - (alert.resolvedAtMs ?? atMs) > RESOLVED_RETENTION_MS ? undefined : alert;
    case "firing": {
      const keptSinceMs = timing.keepFiringForMs > 0 ? (alert.keptSinceMs ?? atMs) : alert.keptSinceMs;
      const kept = timing.keepFiringForMs > 0 && atMs - (keptSinceMs ?? atMs) < timing.keepFiringForMs;
      if (kept) return timed({ ...alert, keptSinceMs }, timing, atMs);
      return { ...alert, keptSinceMs, state: "resolved", resolvedAtMs: atMs };
    }
  }
}

/** The alert with what its series says now. Most evaluations are of alerts that go on, so nothing is copied in vain. */
function seen(alert: AlertInstance, { value, annotations }: FoundAlert): AlertInstance {
  if (alert.value === value && alert.annotations === annotations && alert.keptSinceMs === undefined) return alert;
  const { labels, state, activeAtMs, firedAtMs, resolvedAtMs } = alert;
  return { labels, annotations, value, state, activeAtMs, firedAtMs, resolvedAtMs, keptSinceMs: undefined };
}

/** Fires what waited long enough; a `for` that was raised meanwhile makes it wait again. */
function timed(alert: AlertInstance, { forMs }: AlertTiming, atMs: number): AlertInstance {
  const waited = atMs - alert.activeAtMs >= forMs;
  if (alert.state === "pending" && waited) return { ...alert, state: "firing", firedAtMs: atMs };
  if (alert.state === "firing" && !waited) {
    return { ...alert, state: "pending", firedAtMs: undefined, keptSinceMs: undefined };
  }
  return alert;
}

/** A text that is equal for equal labels only, in whatever order they are. */
export function alertKey(labels: LabelSet): string {
  const names = Object.keys(labels).sort();
  // No label's text holds half a surrogate pair, so one of them parts texts without any escaping.
  return names.map((name) => `${name}\ud800${labels[name]}`).join("\ud800");
}
