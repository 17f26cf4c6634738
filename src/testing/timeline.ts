import type { Rhythm } from "./rhythm.ts";
import { placeOf, type Steps, StepsWriter } from "./steps.ts";

/** When something is so: once, or every day at the same time in UTC. */
export type Recurrence =
  | { readonly kind: "once"; readonly fromMs: number; readonly toMs: number }
  | { readonly kind: "daily"; readonly offsetMs: number; readonly lengthMs: number };

const DAY = 86_400_000;

/** Whether `ms` is within; the end is not. */
function isDuring(when: Recurrence, ms: number): boolean {
  if (when.kind === "once") return ms >= when.fromMs && ms < when.toMs;
  const inDay = ms - when.offsetMs - Math.floor((ms - when.offsetMs) / DAY) * DAY;
  return inDay < when.lengthMs;
}

/** The next instant after `ms` at which it begins or ends. */
function nextChange(when: Recurrence, ms: number): number {
  if (when.kind === "once") {
    return ms < when.fromMs ? when.fromMs : ms < when.toMs ? when.toMs : Number.POSITIVE_INFINITY;
  }
  const dayMs = Math.floor((ms - when.offsetMs) / DAY) * DAY + when.offsetMs;
  return ms < dayMs + when.lengthMs ? dayMs + when.lengthMs : dayMs + DAY;
}

/** The times at which a flow is in one state, one after the other, and what was to be expected of it in each. */
export class Spell {
  readonly #rhythm: Rhythm;
  readonly #fromMs: number[] = [];
  readonly #toMs: number[] = [];
  /** How much came in this state before each time, and in all states. */
  readonly #before: number[] = [];
  readonly #allBefore: number[] = [];

  constructor(rhythm: Rhythm) {
    this.#rhythm = rhythm;
  }

  add(fromMs: number, toMs: number): void {
    this.#before.push(this.until(fromMs));
    this.#allBefore.push(this.#rhythm.until(fromMs));
    this.#fromMs.push(fromMs);
    this.#toMs.push(toMs);
  }

  /** How many requests are to be expected in this state until `ms`. */
  until(ms: number): number {
    const at = this.#last(ms);
    return at < 0 ? 0 : this.#within(at, ms);
  }

  /** The same at each of the ascending `timesMs`, so far as it differs from one to the next. */
  along(timesMs: Float64Array): Steps {
    const steps = new StepsWriter(this.#mostSteps(timesMs));
    let next = Math.max(0, this.#last(timesMs[0] ?? 0));
    for (let i = 0; i < timesMs.length; ) {
      const ms = timesMs[i] ?? 0;
      while ((this.#fromMs[next] ?? Number.POSITIVE_INFINITY) <= ms) next++;
      const at = next - 1;
      const isOver = at < 0 || ms >= (this.#toMs[at] ?? ms);
      steps.add(i, at < 0 ? 0 : this.#within(at, ms));
      // Between its times nothing changes.
      i = isOver ? placeOf(timesMs, this.#fromMs[next] ?? Number.POSITIVE_INFINITY, i + 1) : i + 1;
    }
    return steps.done();
  }

  /** How many steps there can be: those of the instants within, and one behind each time. */
  #mostSteps(timesMs: Float64Array): number {
    let most = 1;
    for (const [i, fromMs] of this.#fromMs.entries()) {
      most += 1 + placeOf(timesMs, this.#toMs[i] ?? fromMs) - placeOf(timesMs, fromMs);
    }
    return most;
  }

  #within(at: number, ms: number): number {
    const end = Math.min(ms, this.#toMs[at] ?? ms);
    return (this.#before[at] ?? 0) + this.#rhythm.until(end) - (this.#allBefore[at] ?? 0);
  }

  /** The last of the times that began before or at `ms`. */
  #last(ms: number): number {
    let low = 0;
    let high = this.#fromMs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#fromMs[middle] ?? 0) <= ms) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** What goes on in turn: which incidents there are at a time, worked out as far as anybody asked. */
export class Timeline<S> {
  readonly #incidents: readonly Recurrence[];
  readonly #rhythm: Rhythm;
  readonly #stateOf: (active: readonly number[], spell: Spell) => S;
  readonly #spells = new Map<string, Spell>();
  readonly #states: S[] = [];
  #reachedMs: number;

  /** @param stateOf the state under the incidents of these places in `incidents` */
  constructor(
    incidents: readonly Recurrence[],
    rhythm: Rhythm,
    startMs: number,
    stateOf: (active: readonly number[], spell: Spell) => S,
  ) {
    this.#incidents = incidents;
    this.#rhythm = rhythm;
    this.#reachedMs = startMs;
    this.#stateOf = stateOf;
  }

  /** The states that there were by `ms`, in the order in which they first were. */
  until(ms: number): readonly S[] {
    while (this.#reachedMs <= ms) {
      const fromMs = this.#reachedMs;
      const active = this.#incidents.flatMap((when, i) => (isDuring(when, fromMs) ? [i] : []));
      this.#reachedMs = this.#incidents.reduce(
        (next, when) => Math.min(next, nextChange(when, fromMs)),
        Number.POSITIVE_INFINITY,
      );
      const key = active.join();
      const known = this.#spells.get(key);
      const spell = known ?? new Spell(this.#rhythm);
      spell.add(fromMs, this.#reachedMs);
      if (known !== undefined) continue;
      this.#spells.set(key, spell);
      this.#states.push(this.#stateOf(active, spell));
    }
    return this.#states;
  }
}
