import axios from "axios";
import { prometheus } from "../../src/index.ts";
import type { Grid } from "../../src/metrics/backend.ts";
import { parse, print } from "../../src/promql/index.ts";
import { median } from "./median.ts";

/** From the question to columns, beside the bare download of the same bytes; times are medians. */
export interface SocketRow {
  readonly answer: string;
  readonly megabytes: number;
  readonly oursMs: number;
  readonly axiosMs: number;
  /** How many times longer than the download this library takes, decoding included. */
  readonly ratio: number;
}

interface Task {
  readonly answer: string;
  readonly rounds: number;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly ours: () => Promise<unknown>;
}

/** Asks the Prometheus at `url`, where `x` has 50 series at `atMs`, by turns with this library and with bare axios. */
export async function benchSocket(url: string, atMs: number): Promise<SocketRow[]> {
  const backend = prometheus(url, { scrapeInterval: "15s" });
  const client = axios.create({ baseURL: url, responseType: "arraybuffer" });
  const at = parse(`x @ ${atMs / 1000}`);
  const course = parse(`x @ ${atMs / 1000} + time() / 7`);
  const range = (points: number): Grid => ({ startMs: atMs - (points - 1) * 15_000, endMs: atMs, stepMs: 15_000 });
  const rangeTask = (points: number, rounds: number): Task => {
    const grid = range(points);
    const params = {
      query: print(course),
      start: String(grid.startMs / 1000),
      end: String(grid.endMs / 1000),
      step: "15",
    };
    const answer = `range of 50×${points.toLocaleString("en")}`;
    return { answer, rounds, path: "/api/v1/query_range", params, ours: () => backend.range(course, grid) };
  };
  const tasks: readonly Task[] = [
    {
      answer: "instant of 50",
      rounds: 300,
      path: "/api/v1/query",
      params: { query: print(at), time: String(atMs / 1000) },
      ours: () => backend.instant(at, atMs),
    },
    rangeTask(300, 60),
    rangeTask(11_001, 11),
  ];
  const rows: SocketRow[] = [];
  for (const { answer, rounds, path, params, ours } of tasks) {
    const oursMs: number[] = [];
    const axiosMs: number[] = [];
    let bytes = 0;
    for (let round = -3; round < rounds; round++) {
      const a = await elapsedMs(ours);
      const b = await elapsedMs(async () => {
        bytes = (await client.get<ArrayBuffer>(path, { params })).data.byteLength;
      });
      if (round < 0) continue;
      oursMs.push(a);
      axiosMs.push(b);
    }
    rows.push({
      answer,
      megabytes: bytes / 1e6,
      oursMs: median(oursMs),
      axiosMs: median(axiosMs),
      ratio: median(oursMs) / median(axiosMs),
    });
  }
  return rows;
}

async function elapsedMs(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}
