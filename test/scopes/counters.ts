/** A mesh of counters that rise steadily, evaluated by the engine: what the answers must be is plain to see. */
import { createMesh, type MeshOptions } from "../../src/mesh/mesh.ts";
import type { InstantData, MatrixData } from "../../src/metrics/backend.ts";
import { evaluate, type MemoryStorage, memoryStorage, parse } from "../../src/promql/index.ts";
import { type RecordingBackend, recordingBackend } from "../metrics/recording-backend.ts";

export const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 20, 9);
export const END = START + 20 * MINUTE;

export type Labels = Readonly<Record<string, string>>;

/** A counter over 20 minutes, scraped every 15 s. */
export interface Counter {
  readonly metric: string;
  readonly labels: Labels;
  /** In the last ten minutes. */
  readonly perSecond: number;
  /** In the ten minutes before; the same when left out. */
  readonly before?: number | undefined;
}

export const end = (side: "destination" | "source", name: string, more: Labels = {}): Labels => ({
  [`${side}_workload`]: name,
  [`${side}_workload_namespace`]: "default",
  [`${side}_canonical_service`]: name.replace(/-v\d$/, ""),
  [`${side}_canonical_revision`]: /-(v\d)$/.exec(name)?.[1] ?? "v1",
  [`${side}_cluster`]: "one",
  ...more,
});

export const service = (name: string): Labels => ({
  destination_service: `${name}.default.svc.cluster.local`,
  destination_service_name: name,
  destination_service_namespace: "default",
});

export const nobody = (side: "destination" | "source"): Labels =>
  Object.fromEntries(Object.keys(end(side, "x")).map((label) => [label, "unknown"]));

export const callee: Labels = { reporter: "destination", connection_security_policy: "mutual_tls" };
export const caller: Labels = { reporter: "source", connection_security_policy: "unknown" };

/** A rate, or that of the ten minutes before and of the last ten. */
export type Rate = number | readonly [before: number, perSecond: number];

const rated = (rate: Rate): Pick<Counter, "before" | "perSecond"> =>
  typeof rate === "number" ? { perSecond: rate } : { before: rate[0], perSecond: rate[1] };

const times = (rate: Rate, factor: number): Rate =>
  typeof rate === "number" ? rate * factor : [rate[0] * factor, rate[1] * factor];

export const requests = (rate: Rate, ...labels: readonly Labels[]): Counter => ({
  metric: "istio_requests_total",
  labels: Object.assign({ request_protocol: "http", response_code: "200", response_flags: "-" }, ...labels),
  ...rated(rate),
});

/** Durations of 100 ms each in buckets of 50, 100 and 200 ms. */
export const durations = (rate: Rate, ...labels: readonly Labels[]): Counter[] => {
  const all: Labels = Object.assign({}, ...labels);
  const bucket = (le: string, within: Rate): Counter => ({
    metric: "istio_request_duration_milliseconds_bucket",
    labels: { ...all, le },
    ...rated(within),
  });
  return [
    bucket("50", 0),
    bucket("100.0", rate),
    bucket("200", rate),
    bucket("+Inf", rate),
    sumOf(times(rate, 100), all),
    { metric: "istio_request_duration_milliseconds_count", labels: all, ...rated(rate) },
  ];
};

/** The sum of durations, in milliseconds per second. */
export const sumOf = (rate: Rate, ...labels: readonly Labels[]): Counter => ({
  metric: "istio_request_duration_milliseconds_sum",
  labels: Object.assign({}, ...labels),
  ...rated(rate),
});

export const bytes = (metric: string, perSecond: number, ...labels: readonly Labels[]): Counter => ({
  metric: `istio_tcp_${metric}_total`,
  labels: Object.assign({ request_protocol: "tcp", response_flags: "-" }, ...labels),
  perSecond,
});

function storageOf(counters: readonly Counter[]): MemoryStorage {
  const storage = memoryStorage();
  const change = END - 10 * MINUTE;
  for (const { metric, labels, perSecond, before = perSecond } of counters) {
    for (let at = START; at <= END; at += 15_000) {
      const counted = before * Math.min(at, change) + perSecond * Math.max(0, at - change) - before * START;
      storage.append({ __name__: metric, ...labels }, at, counted / 1000);
    }
  }
  return storage;
}

/** A mesh over the counters, and the backend that says what it was asked. */
export function meshOf(counters: readonly (Counter | readonly Counter[])[], options: MeshOptions = {}) {
  const storage = storageOf(counters.flat());
  const backend: RecordingBackend = recordingBackend({
    instant: (promql) => evaluate(parse(promql), { at: END }, storage) as InstantData,
    range: (promql, { startMs, endMs, stepMs }) =>
      evaluate(parse(promql), { from: startMs, to: endMs, step: stepMs }, storage) as MatrixData,
  });
  return { mesh: createMesh({ metrics: backend, now: () => END, ...options }), backend };
}
