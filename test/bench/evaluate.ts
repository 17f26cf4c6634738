import {
  type EvaluatedMatrix,
  evaluate,
  type LabelRecord,
  type MemoryStorage,
  memoryStorage,
} from "../../src/promql/index.ts";
import { remoteWrite, type WrittenSeries } from "../live/remote-write.ts";
import { singlePrometheus } from "../live/single-prometheus.ts";
import { latestPrometheus } from "../mesh/latest-prometheus.ts";
import { random } from "../mesh/random.ts";
import { collect } from "./collect.ts";
import { median } from "./median.ts";

/** One golden signal over a day, evaluated here and asked of a real Prometheus over HTTP. */
export interface EvaluateRow {
  readonly signal: string;
  /** Series of the answer, which both must agree on. */
  readonly series: number;
  readonly oursMs: number;
  readonly prometheusMs: number;
  readonly ratio: number;
  /** What storage and evaluation hold together, for each sample that is stored. */
  readonly bytesPerSample: number;
}

const END = Date.parse("2026-11-24T00:00:00Z");
const DAY = 86_400_000;
const SCRAPE = 15_000;
const EDGES = 40;
const CODES = ["200", "201", "404", "500", "503"];
const BOUNDS = [0.5, 1, 2, 3, 5, 7, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 10_000, 60_000];

const SIGNALS: readonly (readonly [string, string])[] = [
  ["rate by workload", "sum by (destination_workload) (rate(istio_requests_total[5m]))"],
  [
    "success by workload",
    '1 - sum by (destination_workload) (rate(istio_requests_total{response_code=~"5.."}[5m])) / ' +
      "sum by (destination_workload) (rate(istio_requests_total[5m]))",
  ],
  [
    "p99 by workload",
    "histogram_quantile(0.99, sum by (le, destination_workload) (rate(istio_request_duration_milliseconds_bucket[5m])))",
  ],
];

/** A thousand series, a sample every 15 s for a day: forty edges with five codes and twenty buckets each. */
function day(): WrittenSeries[] {
  const source = random(7);
  const timesMs = Float64Array.from({ length: DAY / SCRAPE }, (_, i) => END - DAY + (i + 1) * SCRAPE);
  const counter = (labels: LabelRecord, perScrape: number): WrittenSeries => {
    let value = 0;
    return { labels, timesMs, values: timesMs.map(() => (value += Math.floor(source.next() * perScrape))) };
  };
  return Array.from({ length: EDGES }, (_, i) => i).flatMap((i) => {
    const labels = {
      reporter: "destination",
      source_workload: `frontend-${i % 5}`,
      source_workload_namespace: "default",
      destination_workload: `backend-${i >> 1}`,
      destination_workload_namespace: "default",
      request_protocol: "http",
      connection_security_policy: "mutual_tls",
    };
    const codes = CODES.map((response_code) =>
      counter({ __name__: "istio_requests_total", ...labels, response_code }, response_code === "200" ? 400 : 8),
    );
    let below = timesMs.map(() => 0);
    const buckets = [...BOUNDS, Number.POSITIVE_INFINITY].map((bound): WrittenSeries => {
      const { values } = counter({}, 30);
      below = below.map((count, at) => count + (values[at] ?? 0));
      const le = Number.isFinite(bound) ? String(bound) : "+Inf";
      return {
        labels: { __name__: "istio_request_duration_milliseconds_bucket", ...labels, le },
        timesMs,
        values: below,
      };
    });
    return [...codes, ...buckets];
  });
}

/** Asks each signal at every minute of the day. */
export async function benchEvaluate(rounds = 5): Promise<EvaluateRow[]> {
  const data = day();
  const programs = await latestPrometheus({ onSlow: (what) => console.log(what) });
  const prometheus = await singlePrometheus({ programs, flags: ["--web.enable-remote-write-receiver"] });
  try {
    await remoteWrite(prometheus.url, data);
    const { storage, bytes } = stored(data);
    const rows: EvaluateRow[] = [];
    for (const [signal, query] of SIGNALS) {
      const ours: number[] = [];
      const theirs: number[] = [];
      let most = 0;
      let series = 0;
      for (let round = -2; round < rounds; round++) {
        const evaluated = measured(query, storage);
        const asked = await askedOf(prometheus.url, query);
        if (Math.abs(evaluated.total - asked.total) > 1e-9 * Math.abs(asked.total)) {
          throw new Error(`${signal}: ${evaluated.total} here, ${asked.total} there`);
        }
        series = evaluated.series;
        if (round < 0) continue;
        most = Math.max(most, evaluated.bytes);
        ours.push(evaluated.ms);
        theirs.push(asked.ms);
      }
      const [oursMs, prometheusMs] = [median(ours), median(theirs)];
      const bytesPerSample = (bytes + most) / storage.sampleCount;
      rows.push({ signal, series, oursMs, prometheusMs, ratio: prometheusMs / oursMs, bytesPerSample });
    }
    return rows;
  } finally {
    await prometheus.stop();
  }
}

const held = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

function stored(data: readonly WrittenSeries[]): { readonly storage: MemoryStorage; readonly bytes: number } {
  collect();
  const before = held();
  const storage = memoryStorage();
  for (const { labels, timesMs, values } of data) storage.appendColumns(labels, timesMs, values);
  collect();
  return { storage, bytes: held() - before };
}

const RANGE = { from: END - DAY + 600_000, to: END, step: 60_000 };

function measured(query: string, storage: MemoryStorage) {
  collect();
  const before = held();
  const start = performance.now();
  const { series } = evaluate(query, RANGE, storage);
  const ms = performance.now() - start;
  // Nothing has been collected since, so all that it took is still counted, but for what went on the way.
  return { ms, bytes: held() - before, series: series.length, total: totalOf(series) };
}

const totalOf = (series: EvaluatedMatrix["series"]): number =>
  series.reduce((sum, { values }) => sum + values.reduce((a, b) => a + b, 0), 0);

async function askedOf(url: string, query: string): Promise<{ readonly ms: number; readonly total: number }> {
  const body = new URLSearchParams({
    query,
    start: String(RANGE.from / 1000),
    end: String(RANGE.to / 1000),
    step: String(RANGE.step / 1000),
  });
  const start = performance.now();
  const response = await fetch(`${url}/api/v1/query_range`, { method: "POST", body });
  const text = await response.text();
  const ms = performance.now() - start;
  const { data } = JSON.parse(text) as {
    readonly data: { readonly result: readonly { readonly values: readonly (readonly [number, string])[] }[] };
  };
  const total = data.result.reduce((sum, { values }) => sum + values.reduce((a, [, value]) => a + Number(value), 0), 0);
  return { ms, total };
}
