/** Rules over a backend that says what a test wants, and a clock of its own. */
import { alert } from "../../src/alerts/index.ts";
import { createMesh, type MetricsBackend } from "../../src/index.ts";
import { print } from "../../src/promql/index.ts";
import { BEGIN_MS, EVERY_MS } from "./watch-lives.ts";

/** A backend whose answers a test says, by the evaluation: values by workload. */
export function scripted(
  answers: (turn: number, query: string) => Readonly<Record<string, number>>,
  isComplete = () => true,
) {
  const asked: number[] = [];
  const backend = {
    name: "scripted",
    scrapeIntervalMs: 10_000,
    instant: async (expr: Parameters<MetricsBackend["instant"]>[0], atMs: number) => {
      asked.push(atMs);
      const series = Object.entries(answers((atMs - BEGIN_MS) / EVERY_MS, print(expr)));
      return {
        data: {
          kind: "vector",
          labels: series.map(([source_workload]) => ({ source_workload })),
          timesMs: Float64Array.from(series, () => atMs),
          values: Float64Array.from(series, ([, value]) => value),
        },
        warnings: isComplete() ? [] : ["a store is away"],
        infos: [],
        complete: isComplete(),
        tookMs: 1,
      };
    },
    range: () => Promise.reject(new Error("nobody asks for a range")),
  } as unknown as MetricsBackend;
  const success = createMesh({ metrics: backend }).service("backend").success("5m").by("source_workload");
  return { backend, asked, rule: alert("Failing", success.below("99%")).severity("page") };
}

/** Time that passes only while the watcher sleeps; it stops the watcher after so many evaluations. */
export function turns(count: number, { startMs = BEGIN_MS, slowMs = (): number => 0 } = {}) {
  const ended = new AbortController();
  let nowMs = startMs;
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number, signal: AbortSignal) => {
      signal.throwIfAborted();
      nowMs += ms + slowMs();
      if (nowMs >= startMs + count * EVERY_MS) ended.abort();
      signal.throwIfAborted();
    },
  };
  return { clock, signal: ended.signal, every: `${EVERY_MS}ms` };
}

/** Whether a query is the condition, and not what it compares. */
export const below = (query: string) => query.includes("< 0.99");
