import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jaeger, zipkin } from "../../../src/index.ts";
import { listen, type SimulatedServer } from "../../../src/testing/server/listen.ts";
import { recentTraces } from "../../../src/testing/server/recent-traces.ts";
import type { EmittedSpan, EmittedTrace } from "../../../src/testing/telemetry.ts";
import type { TraceBackend } from "../../../src/traces/backend.ts";
import type { Trace } from "../../../src/traces/trace.ts";
import { handMade } from "./hand-made.ts";

const START_MS = Date.UTC(2026, 10, 24, 10);
const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, "0");

/** A call through both proxies, the i-th a minute after the one before. */
function call(i: number, tags: Readonly<Record<string, string>> = {}): EmittedTrace {
  const startUs = (START_MS + i * 60_000) * 1000;
  const tracing = { component: "proxy", "http.status_code": "200", "guid:x-request-id": `request-${i}`, ...tags };
  const operation = `Backend.shop.svc.cluster.local:8080/*`;
  const span = (id: string, own: Partial<EmittedSpan>): EmittedSpan => ({
    id,
    parentId: undefined,
    kind: "client",
    service: "Frontend.shop",
    operation,
    startUs,
    durationUs: (i + 1) * 1_000,
    address: "10.0.0.1",
    tags: tracing,
    ...own,
  });
  const clientId = hex(0x1000 + i, 16);
  const server = { parentId: clientId, kind: "server", service: "backend.shop", startUs: startUs + 100 } as const;
  return {
    id: hex(0xabc000 + i, 32).replace(/^0/, "1"),
    spans: [span(clientId, {}), span(hex(0x2000 + i, 16), { ...server, durationUs: i * 1_000, address: "fd00::2" })],
  };
}

const failing = { error: "true", "http.status_code": "503", response_flags: "UF" };
const TRACES = Array.from({ length: 10 }, (_, i) => call(i, i % 3 === 0 ? failing : {}));
const idOf = (i: number): string => TRACES[i]?.id ?? "";
const window = { fromMs: START_MS, toMs: START_MS + 3_600_000, limit: 100 };

let server: SimulatedServer;
beforeAll(async () => {
  server = await listen(handMade({ traces: TRACES }), { now: () => START_MS + 3_600_000 });
});
afterAll(() => server.close());

const spanOf = ({ spans }: Trace) =>
  spans.map(({ id, parentId, kind, error, startMs, durationMs, tags }) => ({
    id,
    parentId,
    kind,
    error,
    startMs,
    durationMs,
    code: tags["http.status_code"],
    request: tags["guid:x-request-id"],
  }));
const numbered = (traces: readonly Trace[]): readonly number[] =>
  traces.map(({ id }) => TRACES.findIndex((trace) => trace.id === id)).sort((a, b) => a - b);

const BACKENDS: readonly (readonly [string, (server: SimulatedServer) => TraceBackend])[] = [
  ["Jaeger's older API", (server) => jaeger(server.jaeger)],
  ["Jaeger's newer API", (server) => jaeger(server.jaeger, { api: "v3" })],
  ["Jaeger's newer API, found out", (server) => jaeger(server.jaegerV3)],
  ["Zipkin's API", (server) => zipkin(server.zipkin)],
];

describe.each(BACKENDS)("%s of a simulated server", (title, make) => {
  const isZipkin = title.startsWith("Zipkin");
  const spelled = (name: string): string => (isZipkin ? name.toLowerCase() : name);

  test("names services and operations", async () => {
    expect(await make(server).services()).toEqual([spelled("Frontend.shop"), "backend.shop"].sort());
    const operations = await make(server).operations("Frontend.shop");
    expect(operations).toMatchObject([{ name: spelled("Backend.shop.svc.cluster.local:8080/*") }]);
    expect(await make(server).operations("nobody")).toEqual([]);
  });

  test("gives the spans of a trace as they were", async () => {
    const trace = await make(server).trace(idOf(3));
    expect(trace?.id).toBe(idOf(3));
    const startMs = START_MS + 180_000;
    const shared = { error: true, code: "503", request: "request-3" };
    expect(trace === undefined ? [] : spanOf(trace).sort((a, b) => a.startMs - b.startMs)).toEqual([
      { id: hex(0x1003, 16), parentId: undefined, kind: "client", startMs, durationMs: 4, ...shared },
      {
        id: hex(0x2003, 16),
        parentId: hex(0x1003, 16),
        kind: "server",
        startMs: startMs + 0.1,
        durationMs: 3,
        ...shared,
      },
    ]);
  });

  test("has no trace that was not", async () => {
    expect(await make(server).trace(hex(5, 32))).toBeUndefined();
    const { traces, missing } = await make(server).traces([idOf(1), hex(5, 32), idOf(2)]);
    expect(numbered(traces)).toEqual([1, 2]);
    expect(missing.map((id) => id.padStart(32, "0"))).toEqual([hex(5, 32)]);
  });

  test.each<readonly [string, object, readonly number[]]>([
    ["a service", {}, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ["an operation", { operation: "Backend.shop.svc.cluster.local:8080/*" }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ["an operation that is none", { operation: "nothing" }, []],
    ["a tag", { tags: { "http.status_code": "503" } }, [0, 3, 6, 9]],
    ["two tags", { tags: { "http.status_code": "503", "guid:x-request-id": "request-6" } }, [6]],
    ["two tags that no span has both", { tags: { "http.status_code": "200", response_flags: "UF" } }, []],
    ["a shortest duration", { minDuration: "8ms" }, [7, 8, 9]],
    ["a longest duration", { maxDuration: "2ms" }, [0, 1]],
    ["both", { minDuration: "3ms", maxDuration: "4ms" }, [2, 3]],
    ["a time", { fromMs: START_MS + 60_000, toMs: START_MS + 180_000 }, [1, 2, 3]],
    ["a time of which it has nothing", { fromMs: START_MS - 7_200_000, toMs: START_MS - 3_600_000 }, []],
    ["the latest few", { limit: 3 }, [7, 8, 9]],
  ])("finds traces by %s", async (_, query, expected) => {
    const page = await make(server).search({ ...window, service: "Frontend.shop", ...query });
    expect(numbered(page.traces)).toEqual(expected);
    expect(page).toMatchObject({ full: page.traces.length === 3 && "limit" in query, warnings: [], complete: true });
  });

  test("counts who called whom", async () => {
    const links = await make(server).dependencies({ fromMs: START_MS, toMs: START_MS + 3_600_000 });
    const errors = isZipkin ? { errors: 4 } : {};
    expect(links).toEqual([{ parent: spelled("Frontend.shop"), child: "backend.shop", calls: 10, ...errors }]);
  });
});

test("a trace is not known before its last span has ended", async () => {
  let nowMs = START_MS + 540_009;
  const early = await listen(handMade({ traces: TRACES }), { now: () => nowMs });
  const backend = jaeger(early.jaeger);
  const latest = async () => numbered((await backend.search({ ...window, service: "backend.shop", limit: 1 })).traces);
  expect([await latest(), await backend.trace(idOf(9))]).toEqual([[8], undefined]);
  nowMs = START_MS + 540_010;
  expect(await latest()).toEqual([9]);
  await early.close();
});

describe("what cannot be meant is refused in the backend's own form:", () => {
  const refused = (code: number, msg: string) =>
    `${JSON.stringify({ data: null, total: 0, limit: 0, offset: 0, errors: [{ code, msg }] })}\n`;
  const refusedV3 = (httpCode: number, message: string) => `${JSON.stringify({ error: { httpCode, message } })}\n`;
  const times = "query.start_time_min=2026-11-24T10:00:00Z&query.start_time_max=2026-11-24T11:00:00Z";

  test.each<readonly ["jaeger" | "jaegerV3" | "zipkin", string, number, string]>([
    ["jaeger", "/api/traces", 400, refused(400, "parameter 'service' is required")],
    ["jaeger", "/api/operations", 400, refused(400, "parameter 'service' is required")],
    [
      "jaeger",
      "/api/traces?service=a&minDuration=100",
      400,
      refused(400, `unable to parse param 'minDuration': time: missing unit in duration "100"`),
    ],
    [
      "jaeger",
      "/api/traces?service=a&minDuration=2s&maxDuration=1s",
      400,
      refused(400, "'maxDuration' should be greater than 'minDuration'"),
    ],
    [
      "jaeger",
      "/api/traces?service=a&start=x",
      400,
      refused(400, `unable to parse param 'start': strconv.ParseInt: parsing "x": invalid syntax`),
    ],
    [
      "jaeger",
      "/api/traces?service=a&limit=0",
      500,
      refused(500, "search depth must be greater than 0 and less than max traces"),
    ],
    [
      "jaeger",
      "/api/traces?service=a&tag=b",
      400,
      refused(400, "malformed 'tag' parameter, expecting key:value, received: b"),
    ],
    [
      "jaeger",
      '/api/traces?service=a&tags={"b":5}',
      400,
      refused(
        400,
        "malformed 'tags' parameter, cannot unmarshal JSON: json: cannot unmarshal number into Go value of type string",
      ),
    ],
    ["jaeger", "/api/traces/xyz", 400, refused(400, `strconv.ParseUint: parsing "xyz": invalid syntax`)],
    ["jaeger", "/api/traces/1", 404, refused(404, "trace not found")],
    ["jaeger", "/api/v3/traces", 400, refusedV3(400, "query.start_time_min and query.start_time_max are required")],
    ["jaegerV3", `/api/v3/traces?${times}&query.service_name=nobody`, 404, refusedV3(404, "No traces found")],
    [
      "jaegerV3",
      `/api/v3/traces?${times}&query.search_depth=0`,
      500,
      refusedV3(500, "search depth must be greater than 0 and less than max traces"),
    ],
    [
      "jaegerV3",
      `/api/v3/traces?${times}&query.search_depth=x`,
      400,
      refusedV3(400, `malformed parameter query.search_depth: strconv.Atoi: parsing "x": invalid syntax`),
    ],
    [
      "jaegerV3",
      `/api/v3/traces?${times}&query.duration_min=5`,
      400,
      refusedV3(400, `malformed parameter query.duration_min: time: missing unit in duration "5"`),
    ],
    ["jaegerV3", "/api/v3/traces/1", 404, refusedV3(404, "No traces found")],
    [
      "jaegerV3",
      "/api/v3/traces/x",
      400,
      refusedV3(400, `malformed parameter trace_id: strconv.ParseUint: parsing "x": invalid syntax`),
    ],
    ["zipkin", "/api/v2/traces?limit=0", 400, "limit <= 0"],
    ["zipkin", "/api/v2/traces?maxDuration=5", 400, "maxDuration is only valid with minDuration"],
    ["zipkin", "/api/v2/traces?endTs=x", 400, 'For input string: "x"'],
    ["zipkin", "/api/v2/spans", 400, "Mandatory parameter/header/attribute is missing: serviceName"],
    ["zipkin", "/api/v2/dependencies", 400, "Mandatory parameter/header/attribute is missing: endTs"],
    ["zipkin", "/api/v2/traceMany?traceIds=1", 400, "Use /api/v2/trace/{traceId} endpoint to retrieve a single trace"],
    ["zipkin", "/api/v2/traceMany?traceIds=1,2,1", 400, "redundant traceId: 1"],
    ["zipkin", "/api/v2/trace/x", 400, "x should be lower-hex encoded with no prefix"],
    ["zipkin", "/api/v2/trace/1", 404, "0000000000000001 not found"],
  ])("%s %s", async (name, path, status, body) => {
    const response = await fetch(`${server[name]}${path}`);
    const type = name === "zipkin" ? "text/*" : "text/plain; charset=utf-8";
    expect(response.headers.get("content-type")).toBe(type);
    expect([response.status, await response.text()]).toEqual([status, body]);
  });

  test("Jaeger answers with its page to every path that it does not know", async () => {
    for (const path of ["/api/services", "/api/traces?service=a", "/anything"]) {
      const response = await fetch(`${server.jaegerV3}${path}`);
      expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    }
  });
});

test("going back in time, every trace comes once and the latest first", () => {
  const times = fc.array(fc.integer({ min: 0, max: 5_000_000 }), { maxLength: 300 });
  fc.assert(
    fc.property(times, fc.integer({ min: 0, max: 5_000 }), fc.integer({ min: 0, max: 5_000 }), (startsUs, a, b) => {
      const [fromMs, toMs] = [Math.min(a, b), Math.max(a, b)];
      const spans = (startUs: number) => [{ ...(call(0).spans[0] as EmittedSpan), startUs }];
      const traces = startsUs.map((startUs, i) => ({ id: hex(i, 32), spans: spans(startUs) }));
      const found = [...recentTraces(handMade({ traces }), fromMs, toMs)].map(({ spans: [span] }) => span?.startUs);
      const expected = startsUs.filter((us) => us >= fromMs * 1000 && us <= toMs * 1000).sort((x, y) => y - x);
      expect(found).toEqual(expected);
    }),
    { seed: 7, numRuns: 300 },
  );
});
