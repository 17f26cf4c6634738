import { describe, expect, test } from "vitest";
import type { LogLine, LogPage, LogQuery } from "../../src/logs/backend.ts";
import { telemetryLogs } from "../../src/testing/log-backend.ts";
import { byHand, START } from "./telemetry.ts";

const ns = (ms: number): bigint => BigInt(START + ms) * 1_000_000n;
const backend = telemetryLogs(byHand, () => START + 5_000);
const query: LogQuery = { origin: {}, fromNs: ns(0), toNs: ns(5_000), order: "forward" };

async function read(pages: AsyncIterable<LogPage>): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  for await (const { entries } of pages) lines.push(...entries);
  return lines;
}
const times = async (more: Partial<LogQuery>, perCall?: number) =>
  (await read(backend.entries({ ...query, ...more }, { perCall }))).map(({ timestampNs }) =>
    Number(timestampNs / 1_000_000n - BigInt(START)),
  );

describe("access logs from telemetry", () => {
  test("come in order, from the first instant to before the last, up to the limit", async () => {
    expect(await times({})).toEqual([0, 0, 1_000, 2_000, 3_000]);
    expect(await times({ order: "backward" }, 2)).toEqual([3_000, 2_000, 1_000, 0, 0]);
    expect(await times({ fromNs: ns(1_000), toNs: ns(3_000) })).toEqual([1_000, 2_000]);
    expect(await times({ order: "backward", limit: 2 }, 1)).toEqual([3_000, 2_000]);
  });

  test("are those that the filter describes", async () => {
    expect(await times({ origin: { pod: "frontend" } })).toEqual([0, 3_000]);
    expect(await times({ origin: { pod: { pattern: "back.*" } }, lines: [{ text: "503" }] })).toEqual([1_000]);
    expect(await times({ fields: [{ field: "duration", op: ">", number: 6 }] })).toEqual([0, 1_000, 3_000]);
  });

  test("say where each was written", async () => {
    const [first] = await read(backend.entries({ ...query, limit: 1 }));
    const origin = { namespace: "default", pod: "frontend", container: "istio-proxy", app: "frontend" };
    expect(first).toMatchObject({ origin, labels: origin, timestampNs: ns(0) });
  });

  test("are measured over the window before each instant", async () => {
    const { series, complete } = await backend.measure({
      filter: { origin: { pod: "backend" } },
      measurement: { kind: "count" },
      by: [],
      windowMs: 1_000,
      fromMs: START + 1_000,
      toMs: START + 3_000,
      stepMs: 1_000,
    });
    expect(complete).toBe(true);
    expect(series.map(({ timesMs, values }) => [[...timesMs].map((ms) => ms - START), [...values]])).toEqual([
      [
        [1_000, 2_000],
        [1, 1],
      ],
    ]);
    const slowest = await backend.measure({
      filter: { origin: {} },
      measurement: { kind: "max", field: "duration" },
      by: [{ origin: "pod" }],
      windowMs: 5_000,
      fromMs: START + 4_000,
      toMs: START + 4_000,
      stepMs: 1_000,
    });
    expect(slowest.series.map(({ labels, values }) => [labels.pod, values[0]])).toEqual([
      ["frontend", 11],
      ["backend", 7],
    ]);
  });

  test("are followed as the clock goes on, each line once, until the caller stops", async () => {
    let nowMs = START;
    const stop = new AbortController();
    const reason = new Error("enough");
    const following = telemetryLogs(byHand, () => {
      nowMs += 1_000;
      return nowMs;
    });
    const seen: string[] = [];
    const follow = async (): Promise<void> => {
      const options = { fromNs: ns(0), everyMs: 1, signal: stop.signal };
      for await (const { entries } of following.follow({ origin: {} }, options)) {
        seen.push(...entries.map(({ line }) => line));
        if (seen.length === 5) stop.abort(reason);
      }
    };
    await expect(follow()).rejects.toBe(reason);
    expect(new Set(seen).size).toBe(5);
  });

  test("are not asked for what cannot be meant", async () => {
    await expect(times({}, 0)).rejects.toMatchObject({ code: "config" });
    await expect(times({ limit: 0.5 })).rejects.toMatchObject({ code: "range" });
    const reason = new Error("no");
    await expect(read(backend.entries(query, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
  });
});
