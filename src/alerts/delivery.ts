import { MeshQueryError, QueryError, TimeoutError } from "../errors.ts";
import { untilAborted } from "../http/abort.ts";
import { withinDeadline } from "../http/deadline.ts";
import { shown } from "../time.ts";
import { type AlertChange, changeOf } from "./notification.ts";
import type { AlertNotification, AlertSink } from "./sink.ts";
import { type AlertInstances, alertKey } from "./state.ts";
import type { Pending } from "./watch-store.ts";

/** A sink that did not take notifications, which it is told again. */
export interface DeliveryFailure {
  readonly stage: "delivery";
  readonly atMs: number;
  readonly sink: string;
  /** The ids of what it did not take. */
  readonly ids: readonly string[];
  readonly error: unknown;
}

/** What is to be delivered after an evaluation. */
export interface Round {
  readonly rule: string;
  readonly alerts: AlertInstances;
  readonly outbox: readonly Pending[];
  readonly atMs: number;
  readonly notificationOf: (change: AlertChange) => AlertNotification;
  /** Keeps what a sink has acknowledged; what it is told next waits for that. */
  readonly acknowledged: (sink: string, ids: ReadonlySet<string>) => Promise<void>;
}

/** One round of a sink, which must not keep the next evaluation waiting for long. */
interface Turn {
  /** The alerts of which the sink did not take something: the rest of theirs waits behind it. */
  readonly refused: Set<string>;
  /** How many calls took too long. */
  late: number;
  readonly untilMs: number;
}

/** A call that hangs may be one alert's fault; after another one the sink hangs. */
const MOST_LATE = 2;

/** Tells sinks what waits for them, in order for each alert, and again what they want to be told again. */
export class Delivery {
  readonly names: readonly string[];
  readonly #sinks: readonly AlertSink[];
  readonly #withinMs: number;
  readonly #now: () => number;
  readonly #onFailure: (failure: DeliveryFailure) => void;
  /** The alerts of which a sink did not take something when it was tried last, in that order. */
  readonly #refused = new Map<AlertSink, Set<string>>();
  /** When a sink that is told again has acknowledged a change last. */
  readonly #told = new Map<AlertSink, Map<string, number>>();

  constructor(
    sinks: readonly AlertSink[],
    options: {
      readonly deliverWithinMs: number;
      readonly now: () => number;
      readonly onFailure: (failure: DeliveryFailure) => void;
    },
  ) {
    const { deliverWithinMs, now, onFailure } = options;
    if (!(deliverWithinMs > 0 && deliverWithinMs < 2 ** 31)) {
      throw new QueryError(
        "timeout",
        `watch: deliverWithinMs ${shown(deliverWithinMs)} is no number of milliseconds above 0; write 30_000`,
      );
    }
    this.names = sinks.map(({ name }) => name);
    this.#sinks = sinks;
    this.#withinMs = deliverWithinMs;
    this.#now = now;
    this.#onFailure = onFailure;
  }

  /** What still waits for a sink that there is; of the rest each sink's part is a failure. */
  wanted(outbox: readonly Pending[], atMs: number): readonly Pending[] {
    for (const sink of new Set(outbox.flatMap(({ waiting }) => waiting))) {
      if (this.names.includes(sink)) continue;
      const ids = outbox.filter(({ waiting }) => waiting.includes(sink)).map(({ change }) => change.id);
      const error = new QueryError(
        "config",
        `watch: no sink is called ${shown(sink)} any more; what waited for it is dropped`,
      );
      this.#onFailure({ stage: "delivery", atMs, sink, ids, error });
    }
    return outbox.flatMap(({ change, waiting }) => {
      const left = waiting.filter((name) => this.names.includes(name));
      return left.length === 0 ? [] : [{ change, waiting: left }];
    });
  }

  /** Tells all sinks at the same time; one that fails or hangs is told again after the next evaluation. */
  async deliver(round: Round): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => this.#tell(sink, round)));
  }

  async #tell(sink: AlertSink, round: Round): Promise<void> {
    const waiting = round.outbox.flatMap(({ change, waiting }) => (waiting.includes(sink.name) ? [change] : []));
    const turn: Turn = { refused: new Set(), late: 0, untilMs: this.#now() + 2 * this.#withinMs };
    for (const batch of batches(this.#inTurn(sink, waiting), sink.mostAtOnce)) {
      await this.#send(sink, batch, round, turn);
    }
    this.#keepRefused(sink, turn);
    if (sink.resendMs === undefined) return;
    const told = this.#told.get(sink) ?? new Map<string, number>();
    const due = this.#again(round, sink.resendMs, told, new Set(waiting.map(({ labels }) => alertKey(labels))));
    for (const batch of batches(due, sink.mostAtOnce)) await this.#send(sink, batch, round, turn);
  }

  /** What the sink has refused goes behind the rest, the latest of it last, so that nothing keeps others from it. */
  #inTurn(sink: AlertSink, waiting: readonly AlertChange[]): readonly AlertChange[] {
    const refused = this.#refused.get(sink);
    if (refused === undefined || refused.size === 0) return waiting;
    const places = new Map([...refused].map((key, i) => [key, i]));
    const placeOf = ({ labels }: AlertChange): number => places.get(alertKey(labels)) ?? -1;
    return [...waiting].sort((a, b) => placeOf(a) - placeOf(b));
  }

  #keepRefused(sink: AlertSink, { refused }: Turn): void {
    const before = [...(this.#refused.get(sink) ?? [])].filter((key) => !refused.has(key));
    this.#refused.set(sink, new Set([...before, ...refused]));
  }

  /** What fires, and what was resolved a while ago, where the sink was not told lately; what waits comes first. */
  #again(
    { rule, alerts, atMs }: Round,
    resendMs: number,
    told: ReadonlyMap<string, number>,
    waiting: ReadonlySet<string>,
  ): AlertChange[] {
    const due: AlertChange[] = [];
    for (const [key, alert] of alerts) {
      if (alert.state === "pending" || waiting.has(key)) continue;
      const change = changeOf(rule, key, alert, alert.state === "resolved" ? "unknown" : undefined);
      if (atMs - (told.get(change.id) ?? Number.NEGATIVE_INFINITY) >= resendMs) due.push(change);
    }
    return due;
  }

  async #send(sink: AlertSink, batch: readonly AlertChange[], round: Round, turn: Turn): Promise<void> {
    const { refused } = turn;
    const next = batch.filter(({ labels }) => !refused.has(alertKey(labels)));
    if (next.length === 0 || turn.late >= MOST_LATE || this.#now() > turn.untilMs) return;
    const { atMs, notificationOf, acknowledged } = round;
    const ids = new Set(next.map(({ id }) => id));
    try {
      await withinDeadline(
        this.#withinMs,
        undefined,
        () => this.#late(sink),
        async (signal) => untilAborted(signal, (async () => sink.send(next.map(notificationOf), { signal }))()),
      );
    } catch (error) {
      // One notification that a sink never takes does not keep others from it.
      if (next.length > 1 && error instanceof MeshQueryError && !error.retryable) {
        for (const one of next) await this.#send(sink, [one], round, turn);
        return;
      }
      if (error instanceof TimeoutError) turn.late++;
      for (const { labels } of next) refused.add(alertKey(labels));
      this.#onFailure({ stage: "delivery", atMs, sink: sink.name, ids: [...ids], error });
      return;
    }
    this.#remember(sink, ids, round);
    for (const { labels } of next) this.#refused.get(sink)?.delete(alertKey(labels));
    if (round.outbox.some(({ change }) => ids.has(change.id))) await acknowledged(sink.name, ids);
  }

  #remember(sink: AlertSink, ids: ReadonlySet<string>, { rule, alerts, atMs }: Round): void {
    if (sink.resendMs === undefined) return;
    const known = this.#told.get(sink);
    const told = new Map<string, number>();
    // Of alerts that are forgotten nothing is told again.
    for (const [key, alert] of alerts) {
      const { id } = changeOf(rule, key, alert, undefined);
      const lastMs = ids.has(id) ? atMs : known?.get(id);
      if (lastMs !== undefined) told.set(id, lastMs);
    }
    this.#told.set(sink, told);
  }

  #late({ name }: AlertSink): TimeoutError {
    const timeoutMs = this.#withinMs;
    return new TimeoutError(`watch: ${name} did not acknowledge within ${timeoutMs} ms`, { timeoutMs });
  }
}

function batches<T>(all: readonly T[], most: number): T[][] {
  const count = Math.ceil(all.length / Math.max(1, most));
  return Array.from({ length: count }, (_, i) => all.slice(i * most, (i + 1) * most));
}
