import { describe, expect, test } from "vitest";
import { mix } from "../../src/testing/hash.ts";
import { rhythmOf } from "../../src/testing/rhythm.ts";
import type { Steps } from "../../src/testing/steps.ts";
import { Stream } from "../../src/testing/stream.ts";
import { type Spell, Timeline } from "../../src/testing/timeline.ts";

const START = Date.UTC(2026, 0, 5);
const HOUR = 3_600_000;
const INCIDENTS = [
  { kind: "daily", offsetMs: 2 * HOUR, lengthMs: HOUR },
  { kind: "daily", offsetMs: 2.5 * HOUR, lengthMs: 90_000 },
  { kind: "once", fromMs: START + 5 * HOUR, toMs: START + 5 * HOUR + 1 },
] as const;

function spellsOf(rhythm: "daily" | "steady", untilMs: number): readonly Spell[] {
  const curve = rhythmOf(rhythm, 4, START, 77);
  const timeline = new Timeline<Spell>(INCIDENTS, curve, START, (_, spell) => spell);
  return timeline.until(untilMs);
}

/** A function of instants from its steps. */
function whole({ at, values }: Steps, length: number): number[] {
  const filled: number[] = [];
  for (let i = 0, step = -1; i < length; i++) {
    if (at[step + 1] === i) step++;
    filled.push(values[step] ?? Number.NaN);
  }
  return filled;
}

/** Ascending, some of them at the very edges of incidents and before the start. */
const timesOf = (seed: number): Float64Array => {
  const edges = [START, START + 2 * HOUR, START + 3 * HOUR, START + 5 * HOUR, START + 5 * HOUR + 1];
  const random = Array.from({ length: 500 }, (_, i) => START - HOUR + (mix(seed, i) % (30 * HOUR)));
  return Float64Array.from(new Set([...edges, ...random])).sort();
};

describe.each(["daily", "steady"] as const)("along many instants, with a %s rhythm,", (rhythm) => {
  test.each([1, 2, 3])("what is to be expected is the same as at each of them (%i)", (seed) => {
    const times = timesOf(seed);
    const spells = spellsOf(rhythm, times.at(-1) ?? START);
    expect(spells.length).toBe(4);
    for (const spell of spells) {
      const steps = spell.along(times);
      expect(whole(steps, times.length)).toEqual(Array.from(times, (ms) => spell.until(ms)));
      expect(steps.values.every((value, i) => value !== steps.values[i - 1])).toBe(true);
    }
  });

  test.each([0.9, 0.01, 1e-5])("a stream of a share of %d has come as often as at each of them", (share) => {
    const times = timesOf(9);
    for (const spell of spellsOf(rhythm, times.at(-1) ?? START)) {
      const stream = new Stream({ share, exchanges: [] }, spell, 5);
      const counts = whole(stream.along(spell.along(times)), times.length);
      expect(counts).toEqual(Array.from(times, (ms) => stream.until(ms)));
    }
  });
});

test("along no instants there is nothing", () => {
  const [spell] = spellsOf("daily", START + HOUR);
  const steps = spell?.along(new Float64Array());
  expect(steps?.at.length).toBe(0);
  const stream = spell && new Stream({ share: 1, exchanges: [] }, spell, 5);
  expect(steps && stream?.along(steps).at.length).toBe(0);
});
