import { describe, expect, test } from "vitest";
import { suspicionsOf } from "../../../src/mesh/explain/judge.ts";
import { pathSuspicions } from "../../../src/mesh/explain/paths.ts";
import { viewOf, type WindowView } from "../../../src/mesh/explain/window-view.ts";
import { vectorData } from "../../metrics/recording-backend.ts";
import { callee, end, type Labels, service } from "../counters.ts";

const SECONDS = 600;
const ENDS = { ...callee, ...end("source", "frontend"), ...end("destination", "backend"), ...service("backend") };

/** Mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Call {
  readonly code: string;
  readonly version: string;
  readonly ms: number;
}

const CODES = ["200", "403", "404", "503"];
const BOUNDS = [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, Number.POSITIVE_INFINITY];

/** A window of so many calls, as the metrics would have it. */
function windowOf(calls: readonly Call[]): WindowView {
  const versions = ["v1", "v2"];
  const count = (isMeant: (call: Call) => boolean) => calls.filter(isMeant).length / SECONDS;
  const ends = (version: string): Labels => ({ ...ENDS, destination_version: version });
  const requests = versions.flatMap((version) =>
    CODES.map((code) => {
      const labels = { ...ends(version), response_code: code };
      return [labels, count((call) => call.version === version && call.code === code)] as const;
    }),
  );
  const durations = versions.flatMap((version) => {
    const own = calls.filter((call) => call.version === version).map(({ ms }) => ms);
    if (own.length === 0) return [];
    const below = BOUNDS.map((bound) => {
      const le = Number.isFinite(bound) ? `${bound}` : "+Inf";
      return [{ ...ends(version), le }, own.filter((ms) => ms <= bound).length / SECONDS] as const;
    });
    return [...below, [{ ...ends(version), le: "sum" }, own.reduce((a, b) => a + b, 0) / SECONDS] as const];
  });
  const hasFailed = ({ response_code: code = "" }: Labels) => code.startsWith("5");
  const reading = { seconds: SECONDS, hasFailed, preferred: "callee" } as const;
  return viewOf([vectorData(...requests)], vectorData(...durations), reading);
}

/** Calls that come when they come: some fail, some are denied, some take very long, in every window alike. */
function stationary(mean: number, random: () => number): readonly Call[] {
  const calls: Call[] = [];
  // A call an exponential wait apart each is a Poisson count.
  const wait = () => -Math.log(1 - random()) / mean;
  for (let at = wait(); at < 1; at += wait()) {
    const outcome = random();
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    calls.push({
      code: outcome < 0.03 ? "503" : outcome < 0.05 ? "403" : outcome < 0.06 ? "404" : "200",
      version: random() < 0.3 ? "v2" : "v1",
      ms: random() < 0.02 ? 2000 : 8 * Math.exp(normal),
    });
  }
  return calls;
}

describe("traffic that only varies as it always does", () => {
  test.each([
    [20, 20],
    [60, 60],
    [500, 500],
    [4, 600],
    [600, 4],
  ])("of some %d and then %d calls is hardly ever called unusual", (mean, later) => {
    const random = randomFrom(mean * 1000 + later);
    const TRIES = 300;
    let told = 0;
    for (let i = 0; i < TRIES; i++) {
      const [before, after] = [windowOf(stationary(mean, random)), windowOf(stationary(later, random))];
      // Without anything to compare with all is new, and where the counts differ that much that is told, rightly.
      if (before.rate === 0) continue;
      if (suspicionsOf(before, after).some(({ kind }) => mean === later || kind !== "traffic")) told++;
    }
    expect(told).toBeLessThanOrEqual(TRIES / 100);
  });

  test("is of no path though most of its few failures fell on the busiest", () => {
    const group = (key: string, calls: number, errors: number) => ({ key, calls, errors, share: calls / 100 });
    const more = { medianMs: 10, slowestMs: 20 };
    const before = [group("/", 70, 0), group("/cart", 30, 0)].map((one) => ({ ...one, ...more }));
    const after = [group("/", 70, 5), group("/cart", 30, 1)].map((one) => ({ ...one, ...more }));
    expect(pathSuspicions({ before, after, seconds: SECONDS, isSlower: false })).toEqual([]);
  });
});

describe("a change is told, however quiet it was before", () => {
  const steady = (code: string, count: number, ms = 10): readonly Call[] =>
    Array.from({ length: count }, () => ({ code, version: "v1", ms }));
  const kinds = (before: readonly Call[], after: readonly Call[]) =>
    suspicionsOf(windowOf(before), windowOf(after)).map(({ kind }) => kind);

  test("when all fails where nothing did", () => {
    expect(kinds(steady("200", 4), steady("503", 40))).toContain("errors");
    expect(kinds(steady("200", 20), steady("503", 20))).toEqual(["errors"]);
  });

  test("when it fails from the first request on, with nothing to compare with", () => {
    expect(kinds([], steady("503", 10))).toEqual(["errors"]);
  });

  test("when a tenth fails of a hundred", () => {
    expect(kinds(steady("200", 100), [...steady("200", 90), ...steady("503", 10)])).toEqual(["errors"]);
  });

  test("when all take longer, even within one bucket; not when one alone did", () => {
    expect(kinds(steady("200", 30, 110), steady("200", 30, 240))).toEqual(["slower"]);
    expect(kinds(steady("200", 30), [...steady("200", 29), ...steady("200", 1, 4000)])).toEqual([]);
  });

  test("of all versions, when too few requests of one tell that it got slower too", () => {
    const both = (ms: number, noise: number) => [
      ...steady("200", 300, ms),
      ...Array.from({ length: 30 }, (_, i) => ({ code: "200", version: "v2", ms: i % 10 === 0 ? noise : ms })),
    ];
    expect(kinds(both(10, 300), both(100, 300))).toEqual(["slower"]);
  });

  test("when the traffic ceases", () => {
    expect(kinds(steady("200", 20), [])).toEqual(["traffic"]);
    expect(kinds(steady("200", 20), steady("200", 9))).toEqual([]);
  });
});
