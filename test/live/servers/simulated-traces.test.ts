/** The simulated server's Jaeger and Zipkin beside real ones, all with the same spans. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listen, type SimulatedServer } from "../../../src/testing/server/listen.ts";
import type { EmittedSpan, EmittedTrace } from "../../../src/testing/telemetry.ts";
import { recipeFile } from "../../mesh/go-program.ts";
import { install } from "../../mesh/install.ts";
import { type Started, start, stop, until } from "../../mesh/processes.ts";
import { handMade } from "../../testing/server/hand-made.ts";
import { freePort } from "../single-prometheus.ts";

const START_MS = Math.floor(Date.now() / 1000) * 1000 - 600_000;
const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, "0");

function trace(i: number): EmittedTrace {
  const failing = i % 3 === 0 ? { error: "true", "http.status_code": "503", response_flags: "UF" } : {};
  const tags = { component: "proxy", "http.status_code": "200", "guid:x-request-id": `r-${i}`, ...failing };
  const startUs = (START_MS + i * 1_000) * 1000 + 7;
  const shared = { operation: "backend.shop.svc.cluster.local:80/*", tags } as const;
  const front = { ...shared, service: "frontend.shop", address: "10.0.0.1" } as const;
  const ids = [1, 2, 3].map((n) => hex(0x1000 * n + i, 16)) as [string, string, string];
  const spans: readonly EmittedSpan[] = [
    {
      ...front,
      id: ids[0],
      parentId: undefined,
      kind: "server",
      startUs,
      durationUs: 3_000 + i * 1_000,
      operation: "frontend.shop.svc.cluster.local:80/*",
    },
    { ...front, id: ids[1], parentId: ids[0], kind: "client", startUs: startUs + 100, durationUs: 2_500 + i * 1_000 },
    {
      ...shared,
      service: "backend.shop",
      address: "fd00::2",
      id: ids[2],
      parentId: ids[1],
      kind: "server",
      startUs: startUs + 200,
      durationUs: 2_000 + i * 1_000,
    },
  ];
  return { id: `1${hex(0xabc000 + i, 31)}`, spans };
}

const TRACES = Array.from({ length: 8 }, (_, i) => trace(i));

/** As a proxy sends them. */
const sent = TRACES.flatMap(({ id: traceId, spans }) =>
  spans.map(({ id, parentId, kind, service, operation, startUs, durationUs, address, tags }) => ({
    traceId,
    id,
    parentId,
    kind: kind.toUpperCase(),
    name: operation,
    timestamp: startUs,
    duration: durationUs,
    localEndpoint: { serviceName: service, [address.includes(":") ? "ipv6" : "ipv4"]: address },
    tags,
  })),
);

const started: Started[] = [];
const real = { jaeger: "", zipkin: "" };
let directory: string;
let simulated: SimulatedServer;

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), "meshquery-traces-"));
  const onSlow = (what: string) => console.log(`          ${what}`);
  const { tracing } = await install({ tracing: true, logging: false, onSlow });
  if (tracing === undefined) throw new Error("the backends of traces were asked for");
  const ports = await Promise.all([1, 2, 3, 4, 5].map(freePort));
  const [query = 0, grpc = 0, otlp = 0, receiver = 0, zipkin = 0] = ports;
  const environment = Object.entries({ QUERY: query, GRPC: grpc, OTLP: otlp, ZIPKIN: receiver });
  for (const [name, port] of environment) process.env[`JAEGER_${name}_PORT`] = String(port);
  const zipkinFlags = [
    `--armeria.ports[0].ip=127.0.0.1`,
    `--armeria.ports[0].port=${zipkin}`,
    "--armeria.ports[0].protocols[0]=http",
  ];
  const java = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", tracing.zipkinJar];
  const at = (name: string) => path.join(directory, `${name}.txt`);
  started.push(
    await start(
      "zipkin",
      tracing.java,
      [...java, ...zipkinFlags, "--spring.main.register-shutdown-hook=false"],
      at("zipkin"),
    ),
    await start("jaeger", tracing.jaeger, ["--config", recipeFile("jaeger", "jaeger.yaml")], at("jaeger")),
  );
  real.jaeger = `http://127.0.0.1:${query}`;
  real.zipkin = `http://127.0.0.1:${zipkin}`;
  const answers = (url: string) => async () => (await fetch(url)).ok;
  await until("Jaeger to be ready", 30_000, answers(`${real.jaeger}/api/services`));
  await until("Zipkin to be ready", 120_000, answers(`${real.zipkin}/health`));
  for (const base of [`http://127.0.0.1:${receiver}`, real.zipkin]) {
    const headers = { "content-type": "application/json" };
    const { status } = await fetch(`${base}/api/v2/spans`, { method: "POST", headers, body: JSON.stringify(sent) });
    expect(status).toBe(202);
  }
  const kept = async (url: string) => (await (await fetch(url)).text()).split("frontend.shop").length > 8;
  await until("Jaeger to keep the spans", 20_000, () => kept(`${real.jaeger}/api/traces?service=frontend.shop`));
  await until("Zipkin to keep the spans", 20_000, () => kept(`${real.zipkin}/api/v2/traces?limit=100`));
  simulated = await listen(handMade({ traces: TRACES }));
}, 600_000);

afterAll(async () => {
  await simulated?.close();
  await stop(started);
  rmSync(directory, { recursive: true, force: true });
});

/** An answer without any order: neither server promises one, but for that of names. */
async function ask(base: string, question: string) {
  const response = await fetch(`${base}${question}`);
  const text = await response.text();
  const type = response.headers.get("content-type");
  const web = type?.startsWith("text/html") === true;
  return {
    status: response.status,
    type,
    body: web ? "a page" : text.startsWith("{") || text.startsWith("[") ? ordered(JSON.parse(text)) : text,
  };
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) {
    const key = (one: unknown): string => JSON.stringify(one);
    return value.map(ordered).sort((a, b) => (key(a) < key(b) ? -1 : 1));
  }
  if (typeof value !== "object" || value === null) return value;
  const record = value as Record<string, unknown>;
  if ("spans" in record && "processes" in record && !Array.isArray(record.processes)) return ordered(inlined(record));
  return Object.fromEntries(
    Object.entries(record)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => [name, ordered(one)]),
  );
}

/** Which process is the first is nobody's to say. */
function inlined(record: Record<string, unknown>): Record<string, unknown> {
  const processes = record.processes as Record<string, unknown>;
  const spans = (record.spans as Record<string, unknown>[]).map(({ processID, ...span }) => ({
    ...span,
    process: processes[String(processID)],
  }));
  return { ...record, spans, processes: Object.values(processes) };
}

const us = (ms: number): string => String((START_MS + ms) * 1000);
const at = (ms: number): string => new Date(START_MS + ms).toISOString();
const window = `start=${us(0)}&end=${us(60_000)}&limit=100`;
const windowV3 = `query.start_time_min=${at(0)}&query.start_time_max=${at(60_000)}&query.num_traces=100`;
const lookback = `endTs=${START_MS + 60_000}&lookback=120000&limit=100`;
const e = encodeURIComponent;

const JAEGER: readonly string[] = [
  "/api/services",
  "/api/operations?service=frontend.shop",
  "/api/operations?service=frontend.shop&spanKind=client",
  "/api/operations?service=nobody",
  "/api/operations",
  "/api/services/backend.shop/operations",
  `/api/traces?service=frontend.shop&${window}`,
  `/api/traces?service=backend.shop&operation=${e("backend.shop.svc.cluster.local:80/*")}&${window}`,
  `/api/traces?service=backend.shop&operation=nothing&${window}`,
  `/api/traces?service=nobody&${window}`,
  `/api/traces?service=frontend.shop&tags=${e('{"http.status_code":"503"}')}&${window}`,
  `/api/traces?service=frontend.shop&tag=http.status_code:503&tag=guid:x-request-id:r-3&${window}`,
  `/api/traces?service=frontend.shop&tags=${e('{"net.host.ip":"10.0.0.1"}')}&${window}`,
  `/api/traces?service=backend.shop&tags=${e('{"net.host.ip":"10.0.0.1"}')}&${window}`,
  `/api/traces?service=backend.shop&minDuration=5ms&${window}`,
  `/api/traces?service=backend.shop&maxDuration=4.5ms&${window}`,
  `/api/traces?service=backend.shop&minDuration=4ms&maxDuration=6000us&${window}`,
  `/api/traces?service=frontend.shop&start=${us(1_000)}&end=${us(3_000)}&limit=100`,
  `/api/traces?service=backend.shop&start=${us(2_000)}&end=${us(60_000)}&limit=100`,
  `/api/traces?traceID=${TRACES[1]?.id}&traceID=${hex(5, 32)}&traceID=${TRACES[2]?.id}`,
  `/api/traces/${TRACES[0]?.id}`,
  "/api/traces/1",
  "/api/traces/zz",
  `/api/traces/${"1".repeat(33)}`,
  "/api/traces",
  "/api/traces?service=a&start=x",
  "/api/traces?service=a&limit=x",
  "/api/traces?service=a&limit=0",
  "/api/traces?service=a&minDuration=100",
  "/api/traces?service=a&minDuration=x",
  "/api/traces?service=a&minDuration=2s&maxDuration=1s",
  "/api/traces?service=a&tag=b",
  `/api/dependencies?endTs=${START_MS + 60_000}&lookback=x`,
  "/nothing",
  "/api/nothing",
  "/api/v3/services",
  "/api/v3/operations?service=frontend.shop",
  "/api/v3/operations?service=frontend.shop&span_kind=server",
  `/api/v3/traces?query.service_name=frontend.shop&${windowV3}`,
  `/api/v3/traces?query.service_name=backend.shop&query.operation_name=nothing&${windowV3}`,
  `/api/v3/traces?query.service_name=backend.shop&query.duration_min=5ms&${windowV3}`,
  `/api/v3/traces?query.service_name=backend.shop&query.duration_max=4500us&${windowV3}`,
  `/api/v3/traces?query.service_name=backend.shop&query.duration_min=5&${windowV3}`,
  `/api/v3/traces?query.service_name=backend.shop&query.start_time_min=${at(2_000)}&query.start_time_max=${at(4_000)}&query.num_traces=5`,
  `/api/v3/traces?query.service_name=nobody&${windowV3}`,
  "/api/v3/traces?query.service_name=a",
  `/api/v3/traces/${TRACES[0]?.id}`,
  "/api/v3/traces/1",
  "/api/v3/traces/zz",
];

const ZIPKIN: readonly string[] = [
  "services",
  "spans?serviceName=frontend.shop",
  "spans?serviceName=FRONTEND.SHOP",
  "spans?serviceName=nobody",
  "spans",
  "remoteServices?serviceName=frontend.shop",
  `traces?${lookback}`,
  `traces?serviceName=backend.shop&${lookback}`,
  `traces?serviceName=nobody&${lookback}`,
  `traces?serviceName=frontend.shop&spanName=${e("Backend.shop.svc.cluster.local:80/*")}&${lookback}`,
  `traces?spanName=all&${lookback}`,
  `traces?spanName=nothing&${lookback}`,
  `traces?annotationQuery=${e("http.status_code=503")}&${lookback}`,
  `traces?annotationQuery=${e("http.status_code=503 and guid:x-request-id=r-3")}&${lookback}`,
  `traces?annotationQuery=error&${lookback}`,
  `traces?annotationQuery=nothing&${lookback}`,
  `traces?serviceName=backend.shop&minDuration=5000&${lookback}`,
  `traces?serviceName=backend.shop&minDuration=4000&maxDuration=6000&${lookback}`,
  `traces?endTs=${START_MS + 3_500}&lookback=2000&limit=100`,
  "traces?endTs=x",
  `traces?limit=0`,
  `traces?lookback=0`,
  `traces?maxDuration=5`,
  `trace/${TRACES[0]?.id}`,
  "trace/1",
  `trace/${"1".repeat(33)}`,
  "trace/xyz",
  `traceMany?traceIds=${TRACES[0]?.id},${TRACES[1]?.id},${hex(5, 32)}`,
  "traceMany?traceIds=1",
  "traceMany?traceIds=1,1",
  "traceMany?traceIds=",
  "traceMany",
  `traceMany?traceIds=${TRACES[0]?.id},xyz`,
  "dependencies",
  `dependencies?endTs=${START_MS + 60_000}&lookback=120000`,
];

describe("the simulated Jaeger answers as a real one", () => {
  test.each(JAEGER)("%s", async (question) => {
    expect(await ask(simulated.jaeger, question)).toEqual(await ask(real.jaeger, question));
  });
});

describe("the simulated Zipkin answers as a real one", () => {
  test.each(ZIPKIN)("%s", async (question) => {
    const [expected, found] = await Promise.all(
      [real.zipkin, simulated.zipkin].map((base) => ask(base, `/api/v2/${question}`)),
    );
    expect(found).toEqual(expected);
  });
});
