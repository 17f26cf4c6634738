import { mixLong, unit } from "./hash.ts";
import type { RequestKind } from "./kinds.ts";
import { Profile } from "./profile.ts";
import { type Steps, StepsWriter } from "./steps.ts";
import type { Spell } from "./timeline.ts";

/**
 * The requests of one kind, all alike but for their instants, ids and small differences.
 *
 * They are a share of what is to be expected: each takes its place at random within its own unit of that share. So how
 * many came until an instant is known at once, and every one of them can be found without the others.
 */
export class Stream {
  readonly kind: RequestKind;
  readonly spell: Spell;
  readonly seed: number;
  #profile: Profile | undefined;

  constructor(kind: RequestKind, spell: Spell, seed: number) {
    this.kind = kind;
    this.spell = spell;
    this.seed = seed;
  }

  /** What differs between the requests. */
  get profile(): Profile {
    this.#profile ??= new Profile(this.kind);
    return this.#profile;
  }

  /** How many came until `ms`, which is included. */
  until(ms: number): number {
    return this.untilExpected(this.spell.until(ms));
  }

  /** How many came until so many requests of the whole spell were to be expected. */
  untilExpected(expected: number): number {
    const place = this.kind.share * expected;
    const whole = Math.floor(place);
    return place - whole >= unit(mixLong(this.seed, whole)) ? whole + 1 : whole;
  }

  /** The same along what was to be expected of the whole spell. */
  along({ at, values }: Steps): Steps {
    const last = values.length - 1;
    const growth = last < 0 ? 0 : this.untilExpected(values[last] ?? 0) - this.untilExpected(values[0] ?? 0);
    const steps = new StepsWriter(Math.min(values.length, growth + 1));
    const { share } = this.kind;
    let whole = -1;
    let threshold = 0;
    for (let i = 0; i < values.length; i++) {
      const place = share * (values[i] as number);
      const floor = Math.floor(place);
      if (floor !== whole) {
        whole = floor;
        threshold = unit(mixLong(this.seed, whole));
      }
      steps.add(at[i] as number, place - whole >= threshold ? whole + 1 : whole);
    }
    return steps.done();
  }

  /** The millisecond of the request of that number, which came after `fromMs` and until `toMs`. */
  timeOf(number: number, fromMs: number, toMs: number): number {
    let before = fromMs;
    let after = toMs;
    const wanted = (number + unit(mixLong(this.seed, number))) / this.kind.share;
    const low = this.spell.until(fromMs);
    const high = this.spell.until(toMs);
    // Rates hardly change within a short time, so the first guess is mostly right.
    const guess = Math.ceil(fromMs + ((wanted - low) / (high - low)) * (toMs - fromMs));
    for (const ms of [guess, guess - 1]) {
      if (ms <= before || ms >= after) continue;
      if (this.until(ms) > number) after = ms;
      else before = ms;
    }
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (this.until(middle) > number) after = middle;
      else before = middle;
    }
    return after;
  }
}
