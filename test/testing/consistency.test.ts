/** What a simulated mesh emits is of the same requests, whichever signal tells of them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AccessLogEntry } from "../../src/logs/entry.ts";
import { accessLogParser } from "../../src/logs/parser.ts";
import { evaluate, matcher, type SeriesStorage, type StoredSeries } from "../../src/promql/index.ts";
import { type SimulatedMesh, type SimulatedMeshOptions, simulatedMesh } from "../../src/testing/index.ts";

const parse = accessLogParser();
const DAY = 86_400_000;
const MONDAY = Date.parse("2026-11-16T00:00:00Z");
/** Each of them within a time of the shop's incidents, or none. */
const MOMENTS = ["00:30", "03:08", "09:50", "13:15", "16:20", "19:00", "20:40", "22:30"].map((time) => {
  const [hours = 0, minutes = 0] = time.split(":").map(Number);
  return MONDAY + (hours * 60 + minutes) * 60_000;
});

/** Meshes are asked again and again, now for what is earlier and now for what is later. */
const shops = new Map<number, SimulatedMesh>();
const shop = (seed: number): SimulatedMesh => {
  const known = shops.get(seed) ?? simulatedMesh({ seed });
  shops.set(seed, known);
  return known;
};

const moments = fc.record({
  seed: fc.integer({ min: 1, max: 4 }),
  fromMs: fc
    .tuple(fc.constantFrom(...MOMENTS), fc.integer({ min: 0, max: 13 }), fc.integer({ min: 0, max: 60_000 }))
    .map(([ms, days, more]) => ms + days * DAY + more),
  lengthMs: fc.integer({ min: 16_000, max: 60_000 }),
});

const select = (sim: SimulatedMesh, name: string, fromMs: number, toMs: number): StoredSeries[] => [
  ...sim.telemetry.series.select([matcher("__name__", "=", name)], fromMs, toMs),
];

interface Counts {
  readonly pod: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** The increase over all series of the pod, by what a line shows too. */
  readonly byKey: Map<string, number>;
}

/** What each pod's counters of that name went up by, from its first scrape within the time to its last. */
function increases(
  sim: SimulatedMesh,
  name: string,
  { fromMs, lengthMs }: { readonly fromMs: number; readonly lengthMs: number },
  keyOf: (labels: Readonly<Record<string, string>>) => string,
): Counts[] {
  const pods = new Map(
    select(sim, "up", fromMs, fromMs + lengthMs).map(({ labels, timesMs }) => {
      const [first = 0] = timesMs;
      const pod = labels.pod ?? "";
      return [pod, { pod, fromMs: first, toMs: timesMs.at(-1) ?? first, byKey: new Map<string, number>() }];
    }),
  );
  for (const { labels, timesMs, values } of select(sim, name, fromMs, fromMs + lengthMs)) {
    const counts = pods.get(labels.pod ?? "");
    if (counts === undefined) throw new Error(`${labels.pod} is not up`);
    const before = timesMs[0] === counts.fromMs ? (values[0] ?? 0) : 0;
    const key = keyOf(labels);
    counts.byKey.set(key, (counts.byKey.get(key) ?? 0) + (values.at(-1) ?? 0) - before);
  }
  return [...pods.values()];
}

const ns = (ms: number): bigint => BigInt(ms) * 1_000_000n;

function entriesOf(sim: SimulatedMesh, { pod, fromMs, toMs }: Counts): AccessLogEntry[] {
  const lines = sim.telemetry.lines(ns(fromMs), ns(toMs), "forward", (writer) => writer.pod === pod);
  return Array.from(lines, ({ text }) => {
    const entry = parse(text);
    if (!("method" in entry)) throw new Error(`not understood: ${text}`);
    return entry;
  });
}

function tally<T>(items: readonly T[], keyOf: (item: T) => string, amount: (item: T) => number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + amount(item));
  return counts;
}

/** Without what is zero, in one order. */
const shown = (counts: ReadonlyMap<string, number>): [string, number][] =>
  [...counts].filter(([, count]) => count !== 0).sort(([a], [b]) => (a < b ? -1 : 1));

const reporterOf = ({ side }: AccessLogEntry): string => (side === "server" ? "destination" : "source");
const flagsOf = ({ flags }: AccessLogEntry): string => (flags.length === 0 ? "-" : flags.join(","));
const isHttp = ({ isTcp }: AccessLogEntry): boolean => !isTcp;

const runs = { numRuns: 16, seed: 7 };

describe("the shop's counters and lines", () => {
  test("count the same requests by side, code and flags", () => {
    fc.assert(
      fc.property(moments, ({ seed, ...time }) => {
        const sim = shop(seed);
        const all = increases(sim, "istio_requests_total", time, ({ reporter, response_code, response_flags }) =>
          [reporter, response_code, response_flags].join(" "),
        );
        for (const counts of all) {
          const entries = entriesOf(sim, counts).filter(isHttp);
          const lines = tally(
            entries,
            (entry) => [reporterOf(entry), entry.code ?? 0, flagsOf(entry)].join(" "),
            () => 1,
          );
          expect(shown(counts.byKey), counts.pod).toEqual(shown(lines));
        }
      }),
      runs,
    );
  });

  test("have the same durations, bucket by bucket and in sum", () => {
    const keyOf = ({ reporter, le = "" }: Readonly<Record<string, string>>) => `${reporter} ${le}`;
    fc.assert(
      fc.property(moments, ({ seed, ...time }) => {
        const sim = shop(seed);
        const buckets = increases(sim, "istio_request_duration_milliseconds_bucket", time, keyOf);
        const sums = increases(sim, "istio_request_duration_milliseconds_sum", time, keyOf);
        for (const [i, counts] of buckets.entries()) {
          const entries = entriesOf(sim, counts).filter(isHttp);
          const bounds = [...new Set([...counts.byKey.keys()].map((key) => key.split(" ")[1] ?? ""))];
          const lines = new Map<string, number>();
          for (const le of bounds) {
            const most = le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
            const within = entries.filter(({ durationMs }) => (durationMs ?? 0) <= most);
            for (const [key, count] of tally(within, reporterOf, () => 1)) lines.set(`${key} ${le}`, count);
          }
          expect(shown(counts.byKey), counts.pod).toEqual(shown(lines));
          const took = tally(
            entries,
            (entry) => `${reporterOf(entry)} `,
            ({ durationMs = 0 }) => durationMs,
          );
          expect(shown(sums[i]?.byKey ?? new Map()), counts.pod).toEqual(shown(took));
        }
      }),
      runs,
    );
  });

  test("have the same bytes, beside the headers that only metrics count", () => {
    fc.assert(
      fc.property(moments, ({ seed, ...time }) => {
        const sim = shop(seed);
        const bytes = increases(sim, "istio_request_bytes_sum", time, ({ reporter = "" }) => reporter);
        const received = increases(sim, "istio_tcp_received_bytes_total", time, ({ reporter = "" }) => reporter);
        for (const [i, counts] of bytes.entries()) {
          const entries = entriesOf(sim, counts);
          const http = tally(entries.filter(isHttp), reporterOf, ({ bytesReceived = 0 }) => bytesReceived + 820);
          expect(shown(counts.byKey), counts.pod).toEqual(shown(http));
          const tcp = entries.filter((entry) => entry.isTcp && entry.side !== undefined);
          const sent = tally(tcp, reporterOf, ({ bytesReceived = 0 }) => bytesReceived);
          expect(shown(received[i]?.byKey ?? new Map()), counts.pod).toEqual(shown(sent));
        }
      }),
      runs,
    );
  });

  test("open every connection before they close it, and none twice", () => {
    const sim = simulatedMesh({ seed: 7 });
    const time = { fromMs: MONDAY + 10 * 3_600_000, lengthMs: 600_000 };
    const opened = select(sim, "istio_tcp_connections_opened_total", time.fromMs, time.fromMs + time.lengthMs);
    const closed = select(sim, "istio_tcp_connections_closed_total", time.fromMs, time.fromMs + time.lengthMs);
    expect(opened.length).toBeGreaterThan(1);
    for (const [i, { values }] of opened.entries()) {
      const over = values.map((value, at) => value - (closed[i]?.values[at] ?? Number.NaN));
      expect(over.every((count) => count >= 0 && count < 10)).toBe(true);
    }
  });
});

describe("the shop's traces and lines", () => {
  test("tell the same of every request, where all of them are traced", () => {
    fc.assert(
      fc.property(moments, ({ seed, fromMs }) => {
        const sim = simulatedMesh({ seed, sampling: 1 });
        const toMs = fromMs + 20_000;
        const lines = new Map<string, string[]>();
        for (const { text, pod } of sim.telemetry.lines(ns(fromMs), ns(toMs), "forward")) {
          const entry = parse(text);
          if (!("method" in entry) || entry.requestId === undefined) continue;
          const told = [pod, reporterOf(entry), entry.code, flagsOf(entry), entry.path].join(" ");
          lines.set(entry.requestId, [...(lines.get(entry.requestId) ?? []), told]);
        }
        const spans = new Map<string, string[]>();
        for (const { spans: all } of sim.telemetry.traces(fromMs - 10_000, toMs)) {
          for (const { kind, tags } of all) {
            const id = tags["guid:x-request-id"] ?? "";
            if (!lines.has(id)) continue;
            const pod = tags.node_id?.split("~")[2]?.split(".")[0];
            const path = tags["http.url"]?.replace(/^http:\/\/[^/]*/, "");
            const reporter = kind === "server" ? "destination" : "source";
            const told = [pod, reporter, tags["http.status_code"], tags.response_flags, path].join(" ");
            spans.set(id, [...(spans.get(id) ?? []), told]);
          }
        }
        expect(lines.size).toBeGreaterThan(10);
        for (const [id, told] of lines) expect(spans.get(id)?.sort(), id).toEqual(told.sort());
      }),
      { numRuns: 6, seed: 7 },
    );
  });

  test("a trace is found by its id, and no other id finds one", () => {
    const sim = simulatedMesh({ seed: 7, sampling: 0.2 });
    const fromMs = MONDAY + 9 * 3_600_000;
    const traces = [...sim.telemetry.traces(fromMs, fromMs + 60_000)];
    expect(traces.length).toBeGreaterThan(50);
    expect(new Set(traces.map(({ id }) => id)).size).toBe(traces.length);
    for (const trace of traces) expect(sim.telemetry.trace(trace.id)).toEqual(trace);
    expect(sim.telemetry.trace("0af7651916cd43dd8448eb211c80319d")).toBeUndefined();
    const [first] = traces;
    expect(simulatedMesh({ seed: 8, sampling: 0.2 }).telemetry.trace(first?.id ?? "")).toBeUndefined();
  });
});

describe("time", () => {
  test("has the same requests in it, however it is cut and whoever asked for what before", () => {
    const times = fc.record({
      seed: fc.integer({ min: 1, max: 4 }),
      fromMs: moments.map(({ fromMs }) => fromMs),
      cut: fc.nat(20_000),
    });
    fc.assert(
      fc.property(times, ({ seed, fromMs, cut }) => {
        const asked = shop(seed);
        const read = (sim: SimulatedMesh, from: number, to: number) =>
          Array.from(sim.telemetry.lines(ns(from), ns(to), "forward"), ({ timeNs, text }) => `${timeNs} ${text}`);
        select(asked, "istio_requests_total", fromMs - 3 * DAY, fromMs - 3 * DAY + 60_000);
        const whole = read(asked, fromMs, fromMs + 20_000);
        const fresh = simulatedMesh({ seed });
        const parts = [...read(fresh, fromMs, fromMs + cut), ...read(fresh, fromMs + cut, fromMs + 20_000)];
        expect(parts).toEqual(whole);
        const backward = fresh.telemetry.lines(ns(fromMs), ns(fromMs + 20_000), "backward");
        const times = whole.map((line) => line.split(" ")[0]);
        expect(Array.from(backward, ({ timeNs }) => String(timeNs))).toEqual(times.reverse());
      }),
      { numRuns: 8, seed: 7 },
    );
  });

  test("takes counters up, through incidents, and never down", () => {
    const sim = simulatedMesh({ seed: 3 });
    let count = 0;
    for (const { values } of select(sim, "istio_requests_total", MONDAY + DAY / 3, MONDAY + DAY)) {
      count++;
      expect(values.every((value, i) => i === 0 || value >= (values[i - 1] ?? 0))).toBe(true);
    }
    expect(count).toBeGreaterThan(30);
  });

  test("has as many requests in it as were declared, on average", () => {
    const declared: SimulatedMeshOptions = {
      services: { api: { failures: { 500: 0.02 } } },
      clients: { gateway: { kind: "gateway" } },
      flows: [{ from: "gateway", to: "api", perSecond: 5 }],
    };
    const week = (options: SimulatedMeshOptions): Map<string, number> => {
      const sim = simulatedMesh({ ...declared, ...options });
      const span = { fromMs: MONDAY, lengthMs: 7 * DAY };
      const keyOf = ({ reporter, response_code }: Readonly<Record<string, string>>) => `${reporter} ${response_code}`;
      return new Map(increases(sim, "istio_requests_total", span, keyOf).flatMap(({ byKey }) => [...byKey]));
    };
    for (const rhythm of ["daily", "steady"] as const) {
      const counts = week({ rhythm });
      const total = (counts.get("source 200") ?? 0) + (counts.get("source 500") ?? 0);
      expect(total / (7 * 86_400)).toBeCloseTo(5, 1);
      expect((counts.get("source 500") ?? 0) / total).toBeCloseTo(0.02, 4);
      expect(counts.get("destination 500")).toBeCloseTo(counts.get("source 500") ?? 0, -1);
    }
  });
});

test("connections are open before an incident of which nobody asked yet, just as after that", () => {
  const incidentMs = MONDAY + 3_600_000;
  const lines = {
    services: { store: { protocol: "tcp", latencyMs: { p50: 400, p99: 4_000 } } },
    clients: { app: { kind: "sidecar" } },
    flows: [{ from: "app", to: "store", perSecond: 20 }],
    incidents: [
      { kind: "slow", service: "store", factor: 5, from: incidentMs, to: incidentMs + 60_000 },
      { kind: "surge", factor: 9, from: incidentMs + 1_000, to: incidentMs + 3_000 },
    ],
    start: MONDAY,
    scrapeInterval: "1s",
  } as const satisfies SimulatedMeshOptions;
  const opened = (sim: SimulatedMesh, toMs: number) =>
    select(sim, "istio_tcp_connections_opened_total", incidentMs - 30_000, toMs).flatMap(({ timesMs, values }) =>
      Array.from(timesMs, (ms, i) => [ms, values[i]]).filter(([ms = 0]) => ms < incidentMs),
    );
  const early = opened(simulatedMesh(lines), incidentMs - 1);
  expect(early.length).toBe(60);
  expect(early).toEqual(opened(simulatedMesh(lines), incidentMs + 600_000));
});

describe("growth is the same to the last bit, whether all samples are reckoned or those at the windows' ends", () => {
  const start = MONDAY - 2 * 3_600_000;
  const sims = [simulatedMesh({ seed: 5 }), simulatedMesh({ seed: 6, start, rhythm: "steady", scrapeInterval: "7s" })];
  /** Does not know what it is asked for. */
  const whole = ({ telemetry }: SimulatedMesh): SeriesStorage => ({
    select: (matchers, fromMs, toMs) => telemetry.series.select(matchers, fromMs, toMs),
  });
  const instant = { at: MONDAY + 13 * 3_600_000 };
  const range = { from: start, to: start + 5 * 3_600_000, step: "13m" } as const;

  test.each([
    ["sum by (response_code) (rate(istio_requests_total[5m]))", range],
    ["increase(istio_requests_total[1h])", instant],
    ["delta(istio_response_bytes_sum[20s] offset 3m)", range],
    ["rate(istio_tcp_connections_opened_total[1m] @ end())", range],
    ["histogram_quantile(0.9, sum by (le) (rate(istio_request_duration_milliseconds_bucket[17m])))", range],
    ["max_over_time(rate(istio_requests_total{response_code=~'5..'}[4m])[1h:3m])", instant],
    ["rate(istio_requests_total[4h])", instant],
  ] as const)("%s", (query, when) => {
    for (const sim of sims) {
      const found = evaluate(query, when, sim.telemetry.series);
      expect(found).toEqual(evaluate(query, when, whole(sim)));
      expect(found.kind === "matrix" ? found.series.length : found.kind === "vector" && found.labels.length).not.toBe(
        0,
      );
    }
  });
});
