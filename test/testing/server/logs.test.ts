import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { elasticsearch, loki } from "../../../src/index.ts";
import type { LogBackend, LogFilter, LogLine, LogMeasure, LogQuery } from "../../../src/logs/backend.ts";
import { lineTest } from "../../../src/logs/line-filter.ts";
import { listen, type SimulatedServer } from "../../../src/testing/server/listen.ts";
import type { EmittedLine } from "../../../src/testing/telemetry.ts";
import { handMade } from "./hand-made.ts";

const START_MS = Date.UTC(2026, 10, 24, 23, 59);
const NOW_MS = START_MS + 3_600_000;
const ns = (ms: number): bigint => BigInt(START_MS + ms) * 1_000_000n;

const textLine = (i: number, code: number): string =>
  `[2026-11-24T23:59:00.000Z] "GET /items/${i}?q=a%20b HTTP/1.1" ${code} ${code === 503 ? "UF" : "-"} via_upstream - "-" 0 ${i * 10} ${i} 3 "-" "curl/8.11.1" "request-${i}" "backend:8080" "10.0.0.2:8080" outbound|8080||backend.shop.svc.cluster.local 10.0.0.1:${40_000 + i} 10.96.0.1:8080 10.0.0.1:4${i} - default`;
const jsonLine = (i: number, code: number): string =>
  JSON.stringify({
    method: i % 2 === 0 ? "GET" : "POST",
    path: `/items/${i}`,
    response_code: code,
    response_flags: code === 503 ? "UF" : "-",
    duration: i,
    "x-own": { deep: `v${i % 3}` },
    user_agent: 'a "quoted" \\ 😀',
    upstream_host: null,
  });

/** Two hundred lines of two pods, some of one instant, over the end of a day. */
const LINES: readonly EmittedLine[] = Array.from({ length: 200 }, (_, i) => {
  const code = [200, 200, 404, 503][i % 4] ?? 200;
  const ms = Math.floor(i / 2) * 1_000;
  return {
    timeNs: ns(ms) + (i % 8 === 1 ? 0n : BigInt(i % 2) * 250_000n),
    namespace: i % 5 === 0 ? "other" : "shop",
    pod: `frontend-7d8f9c-${i % 2}`,
    container: "istio-proxy",
    app: i % 3 === 0 ? "frontend" : "gateway",
    text: i % 2 === 0 ? textLine(i, code) : jsonLine(i, code),
  };
});

let server: SimulatedServer;
beforeAll(async () => {
  server = await listen(handMade({ lines: LINES }), { now: () => NOW_MS });
});
afterAll(() => server.close());

const BACKENDS: readonly (readonly [string, (server: SimulatedServer) => LogBackend])[] = [
  ["Loki's API", (server) => loki(server.loki)],
  ["Elasticsearch's API", (server) => elasticsearch(server.elasticsearch, { index: "logstash-*" })],
  ["OpenSearch's API", (server) => elasticsearch(server.opensearch, { index: "logstash-*" })],
];

async function drained(backend: LogBackend, query: LogQuery, perCall = 1_000): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  for await (const { entries, complete, warnings } of backend.entries(query, { perCall })) {
    expect([complete, warnings]).toEqual([true, []]);
    lines.push(...entries);
  }
  return lines;
}

const originOf = ({ namespace, pod, container, app }: EmittedLine) => ({ namespace, pod, container, app });
const whole = { fromNs: ns(0), toNs: ns(200_000) };

const FILTERS: Readonly<Record<string, LogFilter>> = {
  "a namespace": { origin: { namespace: "shop" } },
  "a pod and an app": { origin: { namespace: "shop", pod: "frontend-7d8f9c-1", app: "frontend" } },
  "patterns of names": { origin: { namespace: { pattern: "sh.*" }, pod: { pattern: "frontend-[0-9a-f]+-(0|2)" } } },
  "a namespace that is none": { origin: { namespace: "nowhere" } },
  "a text": { origin: { namespace: "shop" }, lines: [{ text: '"GET /items/1' }] },
  "a text in the middle of words": { origin: { namespace: "shop" }, lines: [{ text: "tem" }] },
  "a text with everything in it": { origin: { namespace: "shop" }, lines: [{ text: 'a \\"quoted\\" \\\\ 😀' }] },
  "no text": { origin: { namespace: "shop" }, lines: [{ text: "503", not: true }] },
  "one of several texts": { origin: { namespace: "shop" }, lines: [{ texts: [" 404 ", " 503 ", "(.*"] }] },
  "none of several texts": { origin: { namespace: "shop" }, lines: [{ texts: ["404", "503"], not: true }] },
  "a pattern": { origin: { namespace: "shop" }, lines: [{ pattern: 'HTTP/1\\.1\\" [45]\\d\\d ' }] },
  "not a pattern": { origin: { namespace: "shop" }, lines: [{ pattern: "^\\[", not: true }] },
  "many texts": { origin: { namespace: "shop" }, lines: [{ text: "503" }, { text: "UF" }, { text: "request-7" }] },
  "a field's value": { origin: { namespace: "shop" }, fields: [{ field: "method", op: "=", value: "POST" }] },
  "not a field's value": { origin: { namespace: "shop" }, fields: [{ field: "response_flags", op: "!=", value: "-" }] },
  "a field's pattern": { origin: { namespace: "shop" }, fields: [{ field: "path", op: "=~", pattern: "/items/1.*" }] },
  "not a field's pattern": {
    origin: { namespace: "shop" },
    fields: [{ field: "path", op: "!~", pattern: "/items/.?" }],
  },
  "a field's number": { origin: { namespace: "shop" }, fields: [{ field: "response_code", op: ">=", number: 500 }] },
  "another field's number": { origin: { namespace: "shop" }, fields: [{ field: "duration", op: "<", number: 41 }] },
  "a field that is missing": {
    origin: { namespace: "shop" },
    fields: [{ field: "upstream_host", op: "=", value: "" }],
  },
  "what no field is": { origin: { namespace: "shop" }, fields: [{ field: "method", op: ">", number: 5 }] },
};

describe.each(BACKENDS)("%s of a simulated server", (_, make) => {
  test.each(Object.keys(FILTERS))("finds the lines of %s", async (name) => {
    const filter = FILTERS[name] ?? { origin: {} };
    const isWanted = lineTest(filter);
    const expected = LINES.filter((line) => isWanted({ line: line.text, origin: originOf(line) }));
    for (const [order, perCall] of [
      ["forward", 1_000],
      ["backward", 7],
    ] as const) {
      const found = await drained(make(server), { ...whole, ...filter, order }, perCall);
      const shown = found.map(({ timestampNs, line, origin }) => ({ timestampNs, line, origin }));
      const inOrder = order === "forward" ? expected : expected.toReversed();
      expect(shown.map(({ timestampNs }) => timestampNs)).toEqual(inOrder.map(({ timeNs }) => timeNs));
      const key = ({ line }: { line: string }) => line;
      expect(shown.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))).toEqual(
        expected
          .map((line) => ({ timestampNs: line.timeNs, line: line.text, origin: originOf(line) }))
          .sort((a, b) => (key(a) < key(b) ? -1 : 1)),
      );
    }
  });

  test("gives the first lines of a span, with its beginning and without its end", async () => {
    const span = { fromNs: ns(10_000), toNs: ns(12_000) };
    const query = { ...span, origin: { namespace: { pattern: ".+" } }, order: "forward" } as const;
    const expected = LINES.filter(({ timeNs }) => timeNs >= span.fromNs && timeNs < span.toNs);
    expect((await drained(make(server), query)).map(({ line }) => line)).toEqual(expected.map(({ text }) => text));
    expect(await drained(make(server), { ...query, limit: 3 }, 2)).toHaveLength(3);
  });

  const measure = {
    filter: { origin: { namespace: "shop" } },
    measurement: { kind: "count" },
    by: [],
    windowMs: 10_000,
    // No line is within a millisecond of a window's end, which is as far as Elasticsearch tells times apart.
    fromMs: START_MS + 10_500,
    toMs: START_MS + 60_500,
    stepMs: 5_000,
  } satisfies LogMeasure;

  test.each<readonly [string, Partial<LogMeasure>]>([
    ["counts", {}],
    ["rates", { measurement: { kind: "rate" } }],
    ["counts at one instant", { toMs: measure.fromMs }],
    ["counts by pod", { by: [{ origin: "pod" }] }],
    ["counts by pod and app", { by: [{ origin: "pod" }, { origin: "app" }] }],
    ["counts of texts", { filter: { origin: { namespace: "shop" }, lines: [{ text: "503" }] } }],
    ["counts by code", { by: [{ field: "response_code" }] }],
    ["averages", { measurement: { kind: "avg", field: "duration" } }],
    ["sums by code", { measurement: { kind: "sum", field: "duration" }, by: [{ field: "response_code" }] }],
    ["the least", { measurement: { kind: "min", field: "duration" } }],
    ["the most", { measurement: { kind: "max", field: "duration" } }],
    ["quantiles", { measurement: { kind: "quantile", field: "duration", q: 0.9 } }],
    ["counts of nothing", { filter: { origin: { namespace: "nowhere" } } }],
  ])("reckons %s as the lines have it", async (_, more) => {
    const question: LogMeasure = { ...measure, ...more };
    const { series, complete } = await make(server).measure(question);
    const shown = series.map(({ labels, timesMs, values }) => [
      labels,
      [...timesMs],
      [...values].map((value) => value.toFixed(9)),
    ]);
    expect(shown.sort(byText)).toEqual(reckoned(question).sort(byText));
    expect(complete).toBe(true);
  });
});

const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** The measurement from the lines themselves, in the plainest way. */
function reckoned({ filter, measurement, by, windowMs, fromMs, toMs, stepMs }: LogMeasure) {
  const isWanted = lineTest(filter);
  const groups = new Map<string, { labels: object; times: number[]; values: string[] }>();
  for (let ms = fromMs; ms <= toMs; ms += stepMs) {
    const within = LINES.filter(
      ({ timeNs }) => timeNs > BigInt(ms - windowMs) * 1_000_000n && timeNs <= BigInt(ms) * 1_000_000n,
    ).filter((line) => isWanted({ line: line.text, origin: originOf(line) }));
    const found = new Map<string, number[]>();
    for (const line of within) {
      const needsFields = "field" in measurement || by.some((group) => "field" in group);
      const fields = line.text.startsWith("{") ? (JSON.parse(line.text) as Record<string, unknown>) : undefined;
      if (needsFields && fields === undefined) continue;
      const labels = by.map((group) =>
        "origin" in group ? [group.origin, line[group.origin]] : [group.field, String(fields?.[group.field])],
      );
      const key = JSON.stringify(Object.fromEntries(labels));
      const value = "field" in measurement ? Number(fields?.[measurement.field]) : 1;
      found.set(key, [...(found.get(key) ?? []), value]);
    }
    for (const [key, values] of found) {
      const group = groups.get(key) ?? { labels: JSON.parse(key) as object, times: [], values: [] };
      groups.set(key, group);
      group.times.push(ms);
      group.values.push(measuredOf(values, measurement, windowMs).toFixed(9));
    }
  }
  return Array.from(groups.values(), ({ labels, times, values }) => [labels, times, values]);
}

function measuredOf(values: readonly number[], measurement: LogMeasure["measurement"], windowMs: number): number {
  const sum = values.reduce((a, b) => a + b, 0);
  const ordered = values.toSorted((a, b) => a - b);
  switch (measurement.kind) {
    case "count":
      return values.length;
    case "rate":
      return values.length / (windowMs / 1000);
    case "sum":
      return sum;
    case "avg":
      return sum / values.length;
    case "min":
      return ordered[0] ?? Number.NaN;
    case "max":
      return ordered.at(-1) ?? Number.NaN;
    case "quantile": {
      const rank = measurement.q * (ordered.length - 1);
      const below = ordered[Math.floor(rank)] ?? Number.NaN;
      return below + ((ordered[Math.ceil(rank)] ?? below) - below) * (rank % 1);
    }
  }
}

test("no line is known before it was written", async () => {
  let nowMs = START_MS + 1_000;
  const early = await listen(handMade({ lines: LINES }), { now: () => nowMs });
  const query = { ...whole, origin: { namespace: { pattern: ".+" } }, order: "forward" } as const;
  for (const [, make] of BACKENDS) {
    nowMs = START_MS + 1_000;
    expect(await drained(make(early), query)).toHaveLength(2);
    nowMs = START_MS + 2_000;
    expect(await drained(make(early), query)).toHaveLength(4);
  }
  await early.close();
});
