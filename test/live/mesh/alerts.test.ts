import { expect, inject, it } from "vitest";
import { type AlertEvidence, type AlertNotification, alert, labelOf, text } from "../../../src/alerts/index.ts";
import { createMesh, jaeger, loki, prometheus } from "../../../src/index.ts";
import { partNamed } from "../../mesh/scenario.ts";

const truth = inject("truth");
const mesh = createMesh({
  metrics: prometheus(inject("prometheusUrl"), { scrapeInterval: "1s" }),
  traces: jaeger(inject("jaegerUrl")),
  logs: loki(inject("lokiUrl")),
});

const playMs = truth.measuredToMs - truth.measuredFromMs;
const part = partNamed("failures");
/** When the first requests of all are out of the window. */
const startMs = Math.floor((truth.measuredFromMs + part.from * playMs) / 1000) * 1000 - 2000;
const endMs = Math.floor((truth.measuredFromMs + (part.to + 0.15) * playMs) / 1000) * 1000;

const backend = mesh.edge("frontend", { service: "backend" });
const failing = alert("BackendFailing", backend.success("10s").by("source_workload").below("90%"))
  .for("4s")
  .annotations({ summary: text`${labelOf("source_workload")} is failed` });

/** Goes through the part of the play as it was, a second after the other. */
function replayed() {
  const ended = new AbortController();
  let nowMs = startMs;
  return {
    signal: ended.signal,
    clock: {
      now: () => nowMs,
      sleep: async (ms: number, signal: AbortSignal) => {
        nowMs += ms;
        if (nowMs > endMs) ended.abort();
        signal.throwIfAborted();
      },
    },
  };
}

it("a watcher fires as the back-test does, with what all signals say of the failures", async () => {
  const seen: AlertNotification[] = [];
  const found: AlertEvidence[] = [];
  const errors: unknown[] = [];
  const { clock, signal } = replayed();
  const watched = failing.watch({
    every: "1s",
    clock,
    signal,
    scope: ({ source_workload = "" }) => mesh.edge(source_workload, { service: "backend" }),
    onFiring: async (one) => {
      seen.push(one);
      found.push(await one.evidence({ before: "5s", timeoutMs: 60_000 }));
    },
    onResolved: (one) => void seen.push(one),
    onError: ({ error }) => errors.push(error),
    deliverWithinMs: 120_000,
  });
  await watched.done;
  expect(errors).toEqual([]);
  expect(seen.map(({ state, because }) => [state, because])).toEqual([
    ["firing", undefined],
    ["resolved", "recovered"],
  ]);
  expect(seen[0]?.annotations).toEqual({ summary: "frontend is failed" });
  const tried = await failing.backtest({ from: startMs, to: endMs, step: "1s" });
  const [course] = tried.alerts;
  const firing = course?.intervals.filter(({ state }) => state === "firing");
  expect(firing).toMatchObject([{ startMs: seen[0]?.firedAtMs, endMs: seen[1]?.resolvedAtMs, ongoing: false }]);
  // Within the time in which it was played, apart from the window and the wait.
  const began = truth.measuredFromMs + part.from * playMs;
  expect((seen[0]?.activeAtMs ?? 0) - began).toBeGreaterThan(0);
  expect((seen[0]?.activeAtMs ?? 0) - began).toBeLessThan(10_000);
  const [evidence] = found;
  expect(evidence?.missing).toEqual([]);
  expect(evidence?.explanation?.findings[0]?.kind).toBe("errors");
  expect(evidence?.traces?.length).toBeGreaterThan(0);
  expect(evidence?.traces?.every((trace) => trace.errors().length > 0)).toBe(true);
  expect(evidence?.entries?.length).toBeGreaterThan(0);
  console.log(`${tried}\n${evidence?.explanation?.findings.map(({ message }) => message).join("\n")}`);
}, 180_000);
