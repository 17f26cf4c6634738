import { fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { AlertHistory } from "../../src/alerts/history.ts";
import { alert } from "../../src/alerts/index.ts";
import { foundAlert } from "../../src/alerts/spec.ts";
import { createMesh, prometheus } from "../../src/index.ts";

/** One way to run 30 days of a rule over 100 series, a minute apart. */
export interface BacktestRow {
  readonly way: string;
  readonly seconds: number;
  readonly requests: number;
  /** The most that the heap and its buffers held beyond what there was before. */
  readonly peakMegabytes: number;
  /** How many times as long as the first. */
  readonly ratio: number;
}

const MINUTE = 60_000;
const STEPS = 30 * 24 * 60;
/** Asking instant by instant is too slow to be done to its end here: so many are asked, and the rest is reckoned. */
const ASKED = 400;
const TO = Date.UTC(2026, 10, 20);

export async function benchBacktest(): Promise<BacktestRow[]> {
  const child = fork(new URL("backtest-server.ts", import.meta.url), { execArgv: ["--import", "tsx"] });
  try {
    const port = await new Promise<number>((resolve) => child.once("message", (message) => resolve(Number(message))));
    const url = `http://127.0.0.1:${port}`;
    const counted = async () => Number(await (await fetch(`${url}/requests`)).text());
    const success = createMesh({ metrics: prometheus(url) })
      .service("backend")
      .success("5m")
      .by("source_workload");
    const condition = success.below(0.99);
    const rule = alert("Failing", condition).for("10m");
    // Connections and code are warm before anything is timed.
    await rule.backtest({ from: TO - 60 * MINUTE, to: TO });
    await counted();
    const range = await measured(() => rule.backtest({ from: TO - STEPS * MINUTE, to: TO }));
    const requests = await counted();
    const instants = await measured(async () => {
      const history = new AlertHistory({ forMs: 10 * MINUTE, keepFiringForMs: 0, limit: 0 });
      for (let i = 0; i < ASKED; i++) {
        const atMs = TO + (i - ASKED) * MINUTE;
        const found = Array.from(await condition.at(atMs), ({ labels, value }) => foundAlert(rule.spec, labels, value));
        history.evaluate(atMs, found);
      }
      return history;
    });
    const factor = (STEPS + 1) / (await counted());
    return [
      { way: "backtest: ranges", ...range, requests, ratio: 1 },
      {
        way: `instant by instant (${ASKED} asked, reckoned)`,
        seconds: instants.seconds * factor,
        requests: STEPS + 1,
        peakMegabytes: instants.peakMegabytes,
        ratio: (instants.seconds * factor) / range.seconds,
      },
    ];
  } finally {
    child.kill();
  }
}

async function measured(
  work: () => Promise<unknown>,
): Promise<{ readonly seconds: number; readonly peakMegabytes: number }> {
  const held = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  globalThis.gc?.();
  const before = held();
  let peak = before;
  const watch = new AbortController();
  const watching = (async () => {
    while (!watch.signal.aborted) {
      peak = Math.max(peak, held());
      await sleep(5);
    }
  })();
  const startedMs = performance.now();
  await work();
  const seconds = (performance.now() - startedMs) / 1000;
  watch.abort();
  await watching;
  return { seconds, peakMegabytes: (Math.max(peak, held()) - before) / 1e6 };
}
