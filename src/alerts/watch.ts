import { EvaluationError, QueryError } from "../errors.ts";
import { checkOptions, type OptionNames } from "../http/config.ts";
import { systemEnvironment } from "../http/environment.ts";
import type { Traffic } from "../mesh/traffic.ts";
import type { LabelSet } from "../results/labels.ts";
import { INSPECT } from "../results/mime.ts";
import { plain } from "../results/text.ts";
import { type AskOptions, type Duration, durationMs, formatInstant, shown } from "../time.ts";
import { Delivery, type DeliveryFailure } from "./delivery.ts";
import { evidenceOf } from "./evidence.ts";
import { type AlertChange, changesOf, type ResolvedBecause } from "./notification.ts";
import { type Observation, observationOf, type WatchedBackends } from "./observation.ts";
import type { AlertNotification, AlertSink } from "./sink.ts";
import { type AlertSpec, type GroupSpec, inGroup, unfilledLabels } from "./spec.ts";
import { type AlertInstance, type AlertInstances, type Evaluated, evaluateAlerts, NO_ALERTS } from "./state.ts";
import { memoryStore, StatePlace, stateName, type WatchState, type WatchStore } from "./watch-store.ts";

/** What time it is, and how to wait. */
export interface WatchClock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** What went wrong, and at what; the watcher goes on. */
export type WatchFailure =
  | { readonly stage: "evaluation" | "store"; readonly atMs: number; readonly error: unknown }
  | DeliveryFailure;

/** Takes a notification: acknowledged when it returns or resolves, told again when it throws or rejects. */
export type OnNotification = (notification: AlertNotification) => PromiseLike<void> | void;

/** How a rule is watched. */
export interface WatchOptions extends WatchedBackends {
  /** How often the rule is evaluated, at whole multiples of it: `"30s"`. */
  readonly every: Duration;
  /** The group whose labels the alerts have, whose limit holds for them, and which looks that far behind the present. */
  readonly group?: { readonly spec: GroupSpec } | undefined;
  /** Called for each alert that begins to fire. */
  readonly onFiring?: OnNotification | undefined;
  /** Called for each alert that fires no more. */
  readonly onResolved?: OnNotification | undefined;
  /** Where notifications go beside: `alertmanager(url)`, `webhook(url)`, or one of your own. */
  readonly sinks?: readonly AlertSink[] | undefined;
  /** Where the state is kept across restarts; in memory when left out. */
  readonly store?: WatchStore | undefined;
  /** What becomes of a firing alert whose values are not measured any more; `"resolve"` when left out, as Prometheus does. */
  readonly missing?: "keep" | "resolve" | undefined;
  /** Whose signals are the evidence of an alert: a scope, or the one that an alert's labels name. */
  readonly scope?: Traffic | ((labels: LabelSet) => Traffic) | undefined;
  /** Told of every failure: of a query, of the store, of a sink. */
  readonly onError?: ((failure: WatchFailure) => void) | undefined;
  /** Ends the watcher. */
  readonly signal?: AbortSignal | undefined;
  /** The deadline of one query in milliseconds; the backend's own when left out. */
  readonly timeoutMs?: number | undefined;
  /**
   * The deadline of one call of a sink, a callback or the store in milliseconds; 30,000 when left out. Each sink has twice
   * as long for all that waits for it after an evaluation.
   */
  readonly deliverWithinMs?: number | undefined;
  /** The mesh's clock when left out, and real timers. */
  readonly clock?: WatchClock | undefined;
}

const NAMES: OptionNames<WatchOptions> = {
  ...{ every: true, group: true, scope: true, missing: true, store: true, clock: true },
  ...{ onFiring: true, onResolved: true, sinks: true, onError: true, deliverWithinMs: true },
  ...{ metrics: true, logs: true, signal: true, timeoutMs: true },
};

/** A rule that is evaluated in this process until it is stopped. */
export class Watch {
  /** Resolves when the watcher was stopped; rejects where it cannot begin, such as for a store that cannot be read. */
  readonly done: Promise<void>;
  readonly #course: Course;
  readonly #stop: () => void;

  constructor(course: Course, done: Promise<void>, stop: () => void) {
    this.#course = course;
    this.done = done;
    this.#stop = stop;
    Object.freeze(this);
  }

  /** The alerts as the last evaluation left them, resolved ones of the last 15 minutes among them. */
  get alerts(): readonly AlertInstance[] {
    return [...this.#course.state.alerts.values()];
  }

  /** Notifications that a sink or callback has not acknowledged yet. */
  get undelivered(): readonly AlertChange[] {
    return this.#course.state.outbox.map(({ change }) => change);
  }

  /** The last evaluation that did not fail, in epoch milliseconds. */
  get evaluatedAtMs(): number | undefined {
    return this.#course.state.evaluatedAtMs;
  }

  /** Instants that passed without an evaluation, because the one before them took too long. */
  get skipped(): number {
    return this.#course.skipped;
  }

  /** What it watches, and how that stands. */
  toString(): string {
    const count = (state: AlertInstance["state"]) => this.alerts.filter((one) => one.state === state).length;
    const { evaluatedAtMs, undelivered, skipped } = this;
    const last = evaluatedAtMs === undefined ? "not evaluated yet" : `evaluated at ${formatInstant(evaluatedAtMs)}`;
    const rest = [
      ...(undelivered.length === 0 ? [] : [`${undelivered.length} undelivered`]),
      ...(skipped === 0 ? [] : [`${skipped} skipped`]),
    ];
    const told = [`${count("firing")} firing`, `${count("pending")} pending`, ...rest].join(", ");
    return `${plain(this.#course.name)}: ${last}; ${told}`;
  }

  /** How it looks at the console. */
  [INSPECT](): string {
    return this.toString();
  }

  /** Ends it, once what is being delivered is. */
  async stop(): Promise<void> {
    this.#stop();
    await this.done;
  }
}

/** Begins to evaluate a rule in this process. */
export function watch(spec: AlertSpec, options: WatchOptions): Watch {
  checkOptions(options, NAMES, "watch");
  const course = new Course(spec, options);
  const ended = new AbortController();
  const { signal } = options;
  const whole = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
  return new Watch(course, course.run(whole), () => ended.abort());
}

/** Timers hold no more than 24 days, and a clock that is set anew is to be noticed. */
const LONGEST_SLEEP_MS = 60_000;
const CALLBACKS = "callbacks";

class Course {
  readonly name: string;
  state: WatchState = { evaluatedAtMs: undefined, alerts: NO_ALERTS, outbox: [] };
  skipped = 0;
  readonly #spec: AlertSpec;
  readonly #everyMs: number;
  readonly #limit: number;
  readonly #behindMs: number;
  readonly #options: WatchOptions;
  readonly #observation: Observation;
  readonly #clock: WatchClock;
  readonly #place: StatePlace;
  readonly #delivery: Delivery;
  #lastMs: number | undefined;
  #hasBegun = false;

  constructor(rule: AlertSpec, options: WatchOptions) {
    const { group } = options;
    const spec = group === undefined ? rule : inGroup(rule, group.spec);
    this.#spec = spec;
    this.name = spec.name;
    checkLabels(spec);
    this.#limit = group?.spec.limit ?? 0;
    this.#behindMs = group?.spec.queryOffsetMs ?? 0;
    this.#options = options;
    this.#everyMs = durationMs(options.every, "watch: every");
    this.#observation = observationOf(spec, options);
    const { source } = spec;
    this.#clock = options.clock ?? {
      now: source.kind === "condition" ? source.condition.context.now : systemEnvironment.now,
      sleep: systemEnvironment.sleep,
    };
    const { deliverWithinMs = 30_000, store = memoryStore() } = options;
    this.#delivery = new Delivery(sinksOf(options), {
      deliverWithinMs,
      now: () => this.#clock.now(),
      onFailure: (failure) => this.#failed(failure),
    });
    this.#place = new StatePlace(store, stateName(spec), deliverWithinMs);
  }

  async run(signal: AbortSignal): Promise<void> {
    const saved = await this.#place.load();
    if (saved !== undefined) {
      const { outbox, ...known } = saved;
      // What only a sink waits for that is there no more would wait for ever.
      this.state = { ...known, outbox: this.#delivery.wanted(outbox, this.#clock.now()) };
      this.#lastMs = known.evaluatedAtMs;
    }
    let resumed = saved !== undefined;
    // What waited when the process ended does not wait for the next evaluation too.
    await this.#deliverAgain();
    while (!signal.aborted) {
      try {
        const atMs = await this.#due(signal);
        if (await this.#evaluate(atMs, resumed, signal)) resumed = false;
        await this.#deliver(atMs);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  /** Waits for the next multiple of the interval; those that have passed meanwhile are left out. */
  async #due(signal: AbortSignal): Promise<number> {
    for (;;) {
      signal.throwIfAborted();
      const nowMs = this.#clock.now();
      const dueMs = Math.floor(nowMs / this.#everyMs) * this.#everyMs;
      const last = this.#lastMs;
      // One that lies further ahead than the next was set by a clock that was wrong.
      if (last === undefined || dueMs > last || last > nowMs + this.#everyMs) {
        // What passed before this process began was nobody's to evaluate.
        if (this.#hasBegun && last !== undefined && dueMs > last) this.skipped += (dueMs - last) / this.#everyMs - 1;
        this.#hasBegun = true;
        this.#lastMs = dueMs;
        return dueMs;
      }
      await this.#clock.sleep(Math.min(last + this.#everyMs - nowMs, LONGEST_SLEEP_MS), signal);
      if (this.#clock.now() < last + this.#everyMs) await this.#deliverAgain();
    }
  }

  /** One evaluation, and whether it changed what is known: where the query or the store fails nothing does. */
  async #evaluate(atMs: number, resumed: boolean, signal: AbortSignal): Promise<boolean> {
    const { alerts: known, outbox, evaluatedAtMs } = this.state;
    const before = evaluatedAtMs === undefined ? known : this.#since(known, atMs - evaluatedAtMs, resumed);
    const because = new Map<string, ResolvedBecause>();
    let evaluated: Evaluated;
    try {
      evaluated = await this.#observe(before, atMs, because, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#failed({ stage: "evaluation", atMs, error });
      return false;
    }
    const changes = changesOf(this.#spec.name, before, evaluated.alerts, atMs, because);
    const added = changes.map((change) => ({ change, waiting: this.#delivery.names }));
    const sinks = this.#delivery.names.length > 0;
    const next = { evaluatedAtMs: atMs, alerts: evaluated.alerts, outbox: sinks ? [...outbox, ...added] : [] };
    try {
      // Before anything is told, so that a process that ends here tells it when it is back.
      await this.#place.save(() => next);
    } catch (error) {
      this.#failed({ stage: "store", atMs, error });
      return false;
    }
    this.state = next;
    return true;
  }

  async #observe(
    before: AlertInstances,
    atMs: number,
    because: Map<string, ResolvedBecause>,
    signal: AbortSignal,
  ): Promise<Evaluated> {
    const { forMs, keepFiringForMs, name } = this.#spec;
    const timing = { forMs, keepFiringForMs, limit: this.#limit };
    const asking: AskOptions = { signal, timeoutMs: this.#options.timeoutMs };
    const lookedAtMs = atMs - this.#behindMs;
    const found = await this.#observation.find(lookedAtMs, asking);
    const evaluated = evaluateAlerts(before, timing, atMs, found);
    if (evaluated.error !== undefined) throw new EvaluationError("execution", `watch: ${name}: ${evaluated.error}`);
    const ended = [...before].filter(
      ([key, { state }]) => state === "firing" && evaluated.alerts.get(key)?.state === "resolved",
    );
    if (ended.length === 0) return evaluated;
    const alerts = ended.map(([, alert]) => alert);
    const reasons = await this.#observation.why(alerts, lookedAtMs, asking);
    for (const [i, [key]] of ended.entries()) because.set(key, reasons[i] ?? "unknown");
    if (this.#options.missing !== "keep") return evaluated;
    const kept = ended.flatMap(([key, { labels, annotations, value }]) =>
      because.get(key) === "missing" ? [{ key, labels, annotations, value }] : [],
    );
    return evaluateAlerts(before, timing, atMs, [...found, ...kept]);
  }

  /** The alerts of a while ago. A time in which nobody looked is no part of a `for`, nor is one that a clock was set back. */
  #since(alerts: AlertInstances, sinceMs: number, resumed: boolean): AlertInstances {
    const gapMs = sinceMs - this.#everyMs;
    const isBack = sinceMs <= 0;
    if (!isBack && !(resumed && gapMs > 0)) return alerts;
    return new Map(
      Array.from(alerts, ([key, alert]) => [key, isBack || alert.state === "pending" ? moved(alert, gapMs) : alert]),
    );
  }

  async #deliverAgain(): Promise<void> {
    if (this.state.outbox.length > 0) await this.#deliver(this.#clock.now());
  }

  async #deliver(atMs: number): Promise<void> {
    const { scope } = this.#options;
    const notificationOf = (change: AlertChange): AlertNotification => ({
      ...change,
      asOfMs: atMs,
      everyMs: this.#everyMs,
      evidence: async (how = {}) =>
        evidenceOf(typeof scope === "function" ? scope(change.labels) : scope, change, atMs, how),
    });
    const acknowledged = async (sink: string, ids: ReadonlySet<string>) => {
      const outbox = this.state.outbox.flatMap(({ change, waiting }) => {
        const left = ids.has(change.id) ? waiting.filter((name) => name !== sink) : waiting;
        return left.length === 0 ? [] : [{ change, waiting: left }];
      });
      this.state = { ...this.state, outbox };
      try {
        await this.#place.save(() => this.state);
      } catch (error) {
        this.#failed({ stage: "store", atMs, error });
      }
    };
    const { alerts, outbox } = this.state;
    await this.#delivery.deliver({ rule: this.#spec.name, alerts, outbox, atMs, notificationOf, acknowledged });
  }

  #failed(failure: WatchFailure): void {
    // Whoever is told of a failure cannot end the watcher, or the process, by another one.
    (async () => this.#options.onError?.(failure))().catch(() => undefined);
  }
}

/** An alert whose times are so much later, or earlier. */
function moved(alert: AlertInstance, byMs: number): AlertInstance {
  const later = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms + byMs);
  return {
    ...alert,
    activeAtMs: alert.activeAtMs + byMs,
    firedAtMs: later(alert.firedAtMs),
    resolvedAtMs: later(alert.resolvedAtMs),
    keptSinceMs: later(alert.keptSinceMs),
  };
}

/** Alerts would be sent where labels route that are not the server's. */
function checkLabels(spec: AlertSpec): void {
  const [label] = unfilledLabels(spec);
  if (label === undefined) return;
  throw new QueryError(
    "template",
    `watch: only a server fills in the label ${label} of ${shown(spec.name)}; set it by labels({ ${label}: "…" })`,
  );
}

function sinksOf({ sinks = [], onFiring, onResolved }: WatchOptions): readonly AlertSink[] {
  const callbacks: AlertSink = {
    name: CALLBACKS,
    mostAtOnce: 1,
    send: async (notifications) => {
      for (const one of notifications) await (one.state === "firing" ? onFiring : onResolved)?.(one);
    },
  };
  const all = onFiring === undefined && onResolved === undefined ? sinks : [callbacks, ...sinks];
  const names = all.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return all;
  throw new QueryError("config", `watch: two sinks are called ${JSON.stringify(twice)}; each needs a name of its own`);
}
