import { describe, expect, test } from "vitest";
import type { AlertSink, WatchFailure } from "../../src/alerts/index.ts";
import { EVERY_MS } from "./watch-lives.ts";
import { below, scripted, turns } from "./watch-script.ts";

const CALLERS = ["a", "b", "c", "d", "e"] as const;
const failing = Object.fromEntries(CALLERS.map((caller) => [caller, 0.5]));

/** A sink that takes what it is told of some callers, and hangs for the others. */
function sinkOf(takes: (caller: string, turn: number) => boolean): {
  readonly sink: AlertSink;
  readonly tried: string[];
} {
  const tried: string[] = [];
  const sink: AlertSink = {
    name: "slow",
    mostAtOnce: 1,
    send: async ([one]) => {
      const caller = one?.labels.source_workload ?? "";
      const turn = ((one?.asOfMs ?? 0) / EVERY_MS) % 100;
      tried.push(caller);
      if (!takes(caller, turn)) await new Promise<never>(() => undefined);
    },
  };
  return { sink, tried };
}

describe("a sink that hangs", () => {
  test("for one alert keeps no other from it", async () => {
    const { rule } = scripted(() => failing);
    const { sink, tried } = sinkOf((caller) => caller !== "a");
    const watched = rule.watch({ ...turns(2), sinks: [sink], deliverWithinMs: 20 });
    await watched.done;
    // The one that it hangs for is tried again behind the others.
    expect(tried).toEqual(["a", "b", "c", "d", "e", "a"]);
    expect(watched.undelivered.map(({ labels }) => labels.source_workload)).toEqual(["a"]);
  });

  test("altogether is left alone until the next evaluation, and what it was not told comes first then", async () => {
    const { rule, asked } = scripted(() => failing);
    const { sink, tried } = sinkOf((caller) => caller === "e");
    const failures: WatchFailure[] = [];
    const onError = (failure: WatchFailure) => failures.push(failure);
    const watched = rule.watch({ ...turns(3), sinks: [sink], deliverWithinMs: 20, onError });
    await watched.done;
    expect(tried.join(" ")).toBe("a b c d e a b");
    expect(asked).toHaveLength(3);
    expect(failures).toHaveLength(6);
    expect(watched.undelivered).toHaveLength(4);
  });
});

test("what fails, and whoever hears of it, ends neither the watcher nor the process", async () => {
  const { rule } = scripted((turn, query) => {
    if (turn === 1 && below(query)) throw new Error("away");
    return failing;
  });
  let told = 0;
  const onError = async () => {
    told++;
    throw new Error("nobody listens");
  };
  const watched = rule.watch({ ...turns(3), onError });
  await watched.done;
  expect(told).toBe(1);
  expect(watched.alerts).toHaveLength(5);
});
