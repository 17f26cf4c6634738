import { HttpResponse } from "msw";
import { describe, expect, test } from "vitest";
import { jaeger } from "../../src/traces/jaeger/jaeger.ts";
import type { Span } from "../../src/traces/span.ts";
import type { Trace } from "../../src/traces/trace.ts";
import { fakeServer, page, recorded, refused } from "./wire.ts";

const URL_OF_JAEGER = "http://jaeger.test:16686/jaeger";
const server = fakeServer(URL_OF_JAEGER);
const legacy = jaeger(URL_OF_JAEGER, { api: "legacy", retries: 0 });
const v3 = jaeger(URL_OF_JAEGER, { api: "v3", retries: 0 });
const ID = "0af7651916cd43dd8448eb211c80319d";
const BEGAN_MS = 1_795_491_886_092;

const NO_TRACES = refused(404, { error: { httpCode: 404, message: "No traces found" } });
const envelope = (data: unknown, errors: unknown = null) =>
  JSON.stringify({ data, total: 0, limit: 0, offset: 0, errors });
const spanCalled = (trace: Trace, operation: string): Span => {
  const found = trace.spans.find((span) => span.operation === operation);
  if (found === undefined) throw new Error(`there is no span ${operation}`);
  return found;
};
/** Everything that can be known of a span. */
const known = (span: Span) => ({
  ...span,
  tags: span.tags,
  events: span.events,
  processTags: span.processTags,
});

async function recordedTrace(api: "legacy" | "v3"): Promise<Trace> {
  server.answers({
    [`/api/traces/${ID}`]: recorded("jaeger-legacy"),
    [`/api/v3/traces/${ID}`]: recorded("jaeger-v3"),
  });
  const trace = await (api === "legacy" ? legacy : v3).trace(ID);
  if (trace === undefined) throw new Error("the trace is missing");
  return trace;
}

describe.each(["legacy", "v3"] as const)("a trace by way of the API %s", (api) => {
  test("has its spans, their kinds, services and parents", async () => {
    const trace = await recordedTrace(api);
    expect(trace.id).toBe(ID);
    expect(
      Object.fromEntries(
        trace.spans.map(({ operation, service, kind, parentId }) => [operation, [service, kind, parentId]]),
      ),
    ).toEqual({
      "Root Op": ["front2", "server", undefined],
      "call backend": ["front2", "client", "00f067aa0ba902b7"],
      inner: ["front2", "internal", "00f067aa0ba902b7"],
      prod: ["front2", "producer", "00f067aa0ba902b7"],
      cons: ["front2", "consumer", "0000000000000008"],
      unspec: ["front2", undefined, undefined],
      handle: ["backend", "server", "0000000000000003"],
    });
  });

  test("has tags of every type", async () => {
    const root = spanCalled(await recordedTrace(api), "Root Op");
    expect(root.tags).toMatchObject({
      s: "text",
      es: "",
      empty: "",
      i: 7,
      big: 9223372036854775807n,
      nbig: -9007199254740993n,
      f: 1.5,
      b: true,
      bf: false,
      bin: new Uint8Array([0, 1, 255]),
      arr: '["a",1,true]',
      kvl: '{"x":5,"y":"z"}',
      "": "emptykey",
      "http.status_code": 503,
    });
    for (const [name, value] of Object.entries(root.tags)) expect(root.tag(name), name).toEqual(value);
    expect(Object.hasOwn(root.tags, "__proto__")).toBe(true);
    expect(root.tag("__proto__")).toBe("p");
    expect(Object.getPrototypeOf(root.tags)).toBe(Object.prototype);
    expect([root.tag("constructor"), root.tag("nothing")]).toEqual([undefined, undefined]);
  });

  test("tells errors, by the status or the tag", async () => {
    const { spans } = await recordedTrace(api);
    expect(spans.filter(({ error }) => error).map(({ operation }) => operation)).toEqual(["Root Op", "inner"]);
  });

  test("has links, events and the tags of the process", async () => {
    const root = spanCalled(await recordedTrace(api), "Root Op");
    expect(root.links).toEqual([{ traceId: "12345678abcdef01", spanId: "1111111111111111", relation: "follows-from" }]);
    expect(root.events).toEqual([
      { timeMs: BEGAN_MS + 1, name: "ev", fields: { k: "v", n: 3 } },
      { timeMs: BEGAN_MS + 0.5, name: "exception", fields: {} },
    ]);
    expect(root.processTags).toEqual({ "host.name": "h", pid: 42 });
  });
});

test("both APIs give the same trace, but for the nanoseconds that the older one cuts off", async () => {
  const [older, newer] = [await recordedTrace("legacy"), await recordedTrace("v3")];
  const byId = (trace: Trace) => [...trace.spans].sort((a, b) => (a.id < b.id ? -1 : 1)).map(known);
  const cut = byId(newer).map((span) => ({ ...span, durationMs: Math.floor(span.durationMs * 1000) / 1000 }));
  expect(byId(older)).toEqual(
    cut.map((span) => ({
      ...span,
      tags: expect.objectContaining({ ...span.tags, ...(span.tags.dup !== undefined && { dup: "2" }) }),
    })),
  );
  expect(spanCalled(newer, "handle").durationMs).toBe(1.999999);
});

describe("which API a Jaeger has", () => {
  const OLDER = { "/api/services": envelope(["a"]), "/api/v3/services": '{"services":["b"]}' };

  test("is asked once, however many questions come at once", async () => {
    server.answers(OLDER);
    const found = jaeger(URL_OF_JAEGER);
    const answers = await Promise.all([found.services(), found.services(), found.services()]);
    expect(answers).toEqual([["a"], ["a"], ["a"]]);
    await found.services();
    // To find out, for all three who ask the same at the same time, and for who asks later.
    expect(server.asked).toEqual(Array.from({ length: 3 }, () => "/api/services"));
  });

  test.each([
    ["404", refused(404, "404 page not found\n")],
    ["the page of its UI", page],
  ])("is the newer one where the older one's path answers %s", async (_, absent) => {
    server.answers({ "/api/services": absent, "/api/v3/services": '{"services":["b"]}' });
    const found = jaeger(URL_OF_JAEGER);
    expect(await found.services()).toEqual(["b"]);
    expect(await found.services()).toEqual(["b"]);
    expect(server.asked).toEqual(["/api/services", ...Array.from({ length: 3 }, () => "/api/v3/services")]);
  });

  test("is not known where both answer with a page, and the error says what to check", async () => {
    server.answers({ "/api/services": page, "/api/v3/services": page });
    await expect(jaeger(URL_OF_JAEGER).services()).rejects.toMatchObject({
      name: "DecodeError",
      code: "content-type",
      backend: "jaeger",
      message: expect.stringContaining("with its base path if it has one"),
    });
  });

  test("is asked again after a failure", async () => {
    const found = jaeger(URL_OF_JAEGER, { retries: 0 });
    server.answers({ "/api/services": refused(503, "down for repair") });
    await expect(found.services()).rejects.toMatchObject({
      name: "BackendError",
      code: "unavailable",
      retryable: true,
    });
    server.answers(OLDER);
    expect(await found.services()).toEqual(["a"]);
  });

  test("is still found out for others when one who asked gives up", async () => {
    let answer = (_: Response) => {};
    const answered = new Promise<Response>((resolve) => {
      answer = resolve;
    });
    server.answers({ ...OLDER, "/api/services": () => answered as unknown as Response });
    const found = jaeger(URL_OF_JAEGER);
    const controller = new AbortController();
    const [one, other] = [found.services({ signal: controller.signal }), found.services()];
    controller.abort(new Error("enough"));
    await expect(one).rejects.toThrow("enough");
    answer(new HttpResponse(envelope(["a"])));
    server.answers(OLDER);
    expect(await other).toEqual(["a"]);
  });

  test("takes no longer to find out than the question may take", async () => {
    server.answers({ "/api/services": () => new Promise(() => {}) as unknown as Response });
    await expect(jaeger(URL_OF_JAEGER).services({ timeoutMs: 50 })).rejects.toMatchObject({
      name: "TimeoutError",
      timeoutMs: 50,
      message: expect.stringContaining('{ api: "v3" }'),
    });
  });

  test("is one of two", () => {
    expect(() => jaeger(URL_OF_JAEGER, { api: "v4" as "v3" })).toThrow(
      'api "v4" is not known; there are "legacy" and "v3"',
    );
  });
});

describe("a search", () => {
  const query = { service: "front2", fromMs: BEGAN_MS - 0.5, toMs: BEGAN_MS + 1_000.0005, limit: 20 } as const;
  const both = (status?: () => Response) =>
    server.answers({
      "/api/traces": status ?? recorded("jaeger-legacy"),
      "/api/v3/traces": status ?? recorded("jaeger-v3"),
    });

  test("speaks the older API's language", async () => {
    both();
    const tags = { "http.status_code": "503", s: "text" };
    const found = await legacy.search({
      ...query,
      operation: "Root Op",
      tags,
      minDuration: "1ms",
      maxDuration: "1m30s",
    });
    expect(server.asked).toEqual([
      '/api/traces service=front2 start=1795491886091500 end=1795491887092001 limit=20 operation=Root Op tags={"http.status_code":"503","s":"text"} minDuration=1ms maxDuration=90000ms',
    ]);
    expect(found.traces.map(({ id }) => id)).toEqual([ID]);
    expect(found).toMatchObject({ full: false, unapplied: [], warnings: [], complete: true });
  });

  test("speaks the newer API's language, in the spelling that every version reads", async () => {
    both();
    await v3.search({ ...query, operation: "Root Op", tags: { s: "text" }, minDuration: "1ms", maxDuration: "90s" });
    expect(server.asked).toEqual([
      '/api/v3/traces query.start_time_min=2026-11-24T03:44:46.091500Z query.start_time_max=2026-11-24T03:44:47.092001Z query.search_depth=20 query.num_traces=20 query.service_name=front2 query.operation_name=Root Op query.attributes={"s":"text"} query.duration_min=1ms query.duration_max=90000ms',
    ]);
  });

  test.each([
    ["a tag of the span", { s: "text" }, true],
    ["a number", { i: "7" }, true],
    ["a number beyond doubles", { big: "9223372036854775807" }, true],
    ["a truth", { b: "true" }, true],
    ["a tag of the process", { "host.name": "h" }, true],
    ["a field of an event", { k: "v" }, true],
    ["an error", { error: "true" }, true],
    ["no error", { error: "false" }, true],
    ["a kind", { "span.kind": "consumer" }, true],
    ["two tags in one span", { s: "text", i: "7" }, true],
    ["two tags in two spans", { s: "text", "span.kind": "client" }, false],
    ["a pattern that would match", { s: "te.t" }, false],
    ["the beginning", { s: "tex" }, false],
    ["a name that every object has", { constructor: "x" }, false],
    ["__proto__", JSON.parse('{"__proto__":"p"}') as Record<string, string>, true],
  ])("finds exactly %s", async (_, tags, found) => {
    both();
    for (const backend of [legacy, v3]) {
      const { traces } = await backend.search({ ...query, tags });
      expect(traces.length, backend.name).toBe(found ? 1 : 0);
    }
  });

  test.each([
    [{ operation: "handle" }, "the operation of another service"],
    [{ operation: "Root" }, "the beginning of an operation"],
    [{ service: "front" }, "the beginning of a service"],
    [{ minDuration: "2ms" }, "a longer duration"],
    [{ maxDuration: "1ms" }, "a shorter duration"],
    [{ fromMs: BEGAN_MS + 0.001 }, "a start before the window"],
    [{ toMs: BEGAN_MS - 0.001 }, "a start after the window"],
  ])("leaves out what came for %j: %s", async (conditions, _) => {
    both();
    for (const backend of [legacy, v3]) {
      expect(await backend.search({ ...query, ...conditions })).toMatchObject({
        traces: [],
        full: false,
        complete: true,
      });
    }
  });

  test("counts both ends of the window in", async () => {
    both();
    for (const backend of [legacy, v3]) {
      expect((await backend.search({ ...query, fromMs: BEGAN_MS, toMs: BEGAN_MS })).traces).toHaveLength(1);
    }
  });

  test("is full when as many came as were asked for, whatever is left of them", async () => {
    both();
    for (const backend of [legacy, v3]) {
      expect(await backend.search({ ...query, limit: 1, operation: "nothing" })).toMatchObject({
        traces: [],
        full: true,
      });
    }
  });

  test.each([
    ["what a regular expression would not match by itself", { s: "a?b" }],
    ["what Elasticsearch does not index", { s: "x".repeat(257) }],
    ["what Jaeger 2 keeps outside the tags", { "span.kind": "client" }],
    ["what nobody sets", { error: "false" }],
  ])("does not send %s, and says so", async (_, tags) => {
    both();
    for (const backend of [legacy, v3]) {
      expect((await backend.search({ ...query, tags })).unapplied).toEqual([`tag ${Object.keys(tags)[0]}`]);
    }
    expect(server.asked.filter((asked) => /tags=|attributes=/.test(asked))).toEqual([]);
  });

  test("says which tags the backend took no notice of", async () => {
    both();
    expect(await v3.search({ ...query, tags: { s: "other", i: "7" } })).toMatchObject({
      traces: [],
      unapplied: ["tag s"],
    });
  });

  test("that finds nothing is empty, though the newer API says so by 404", async () => {
    both(NO_TRACES);
    expect(await v3.search(query)).toMatchObject({ traces: [], full: false, complete: true });
    both(() => new HttpResponse(envelope([])));
    expect(await legacy.search(query)).toMatchObject({ traces: [], full: false, complete: true });
  });

  test("at a path that is not there is an error", async () => {
    both(refused(404, "404 page not found\n"));
    for (const backend of [legacy, v3]) {
      await expect(backend.search(query)).rejects.toMatchObject({ name: "BackendError", code: "not-found" });
    }
  });

  test("passes on the reason of a refusal", async () => {
    both(
      refused(400, {
        errors: [{ code: 400, msg: "malformed 'tags'" }],
        error: { httpCode: 400, message: "malformed attributes" },
      }),
    );
    await expect(legacy.search(query)).rejects.toMatchObject({
      name: "BackendError",
      code: "bad-query",
      query: expect.stringContaining("/api/traces?service=front2&"),
      message: expect.stringContaining("malformed 'tags'"),
    });
    await expect(v3.search(query)).rejects.toMatchObject({
      code: "bad-query",
      message: expect.stringContaining("malformed attributes"),
    });
  });

  test("of the older API needs a service", async () => {
    const { service: _, ...anywhere } = query;
    await expect(legacy.search(anywhere)).rejects.toMatchObject({ name: "QueryError", code: "name" });
  });

  test("with errors beside its traces is not complete", async () => {
    const { data } = JSON.parse(recorded("jaeger-legacy")) as { readonly data: unknown };
    both(() => new HttpResponse(envelope(data, [{ code: 500, msg: "shard is down" }])));
    expect(await legacy.search(query)).toMatchObject({
      complete: false,
      warnings: ["shard is down"],
      traces: [{ id: ID }],
    });
  });

  test("with errors alone is an error", async () => {
    both(() => new HttpResponse(envelope(null, [{ code: 500, msg: "shard is down" }])));
    await expect(legacy.search(query)).rejects.toMatchObject({
      name: "BackendError",
      code: "internal",
      message: expect.stringContaining("shard is down"),
    });
  });

  test.each([9_999, 10_000])("with a trace of %i spans is complete unless that is a storage's cap", async (count) => {
    const spans = Array.from({ length: count }, (_, i) => ({
      traceID: "1",
      spanID: (i + 1).toString(16),
      operationName: "x",
      references: [],
      startTime: BEGAN_MS * 1000,
      duration: 1,
      tags: [],
      logs: [],
      processID: "p1",
    }));
    const trace = { traceID: "1", spans, processes: { p1: { serviceName: "front2", tags: [] } } };
    server.answers({ "/api/traces": envelope([trace]) });
    const found = await legacy.search(query);
    expect(found.traces[0]?.spans).toHaveLength(count);
    expect(found.complete).toBe(count === 9_999);
    expect(found.warnings).toEqual(
      count === 9_999 ? [] : [expect.stringContaining("trace 0000000000000001: it has exactly 10000 spans")],
    );
  });

  test("with a trace that was cut is not complete", async () => {
    const cut = "Trace truncated: only first 7 spans loaded";
    both(
      () =>
        new HttpResponse(
          recorded("jaeger-legacy")
            .replace('"key": "s",', '"key": "jaeger.warning",')
            .replace('"value": "text"', `"value": "${cut}"`),
        ),
    );
    expect(await legacy.search(query)).toMatchObject({ complete: false, warnings: [`trace ${ID}: ${cut}`] });
  });
});

describe("traces by their ids", () => {
  const REST = { "/api/v3/traces/000000000000ffff": NO_TRACES, [`/api/v3/traces/${ID}`]: recorded("jaeger-v3") };

  test("come with the names of those that are missing", async () => {
    const { data } = JSON.parse(recorded("jaeger-legacy")) as { readonly data: unknown };
    const missing = [{ msg: "trace not found", traceID: "000000000000ffff" }];
    server.answers({ ...REST, "/api/traces": envelope(data, missing) });
    for (const backend of [legacy, v3]) {
      const found = await backend.traces(["FFFF", ID, "000000000000ffff"]);
      expect(found).toMatchObject({ traces: [{ id: ID }], missing: ["000000000000ffff"] });
    }
    expect(server.asked).toEqual([
      `/api/traces traceID=000000000000ffff traceID=${ID}`,
      "/api/v3/traces/000000000000ffff",
      `/api/v3/traces/${ID}`,
    ]);
  });

  test("that fail for another reason than that are an error", async () => {
    server.answers({ "/api/traces": envelope(null, [{ msg: "storage is down", traceID: ID, code: 500 }]) });
    await expect(legacy.traces([ID, "1"])).rejects.toMatchObject({ name: "BackendError", code: "internal" });
  });

  test("are none for no ids, and nothing is sent", async () => {
    expect(await legacy.traces([])).toEqual({ traces: [], missing: [] });
    expect(server.asked).toEqual([]);
  });

  test.each(["", "xyz", "0", "0".repeat(32), "1".repeat(33), "../services"])("refuses the id %j", async (id) => {
    await expect(legacy.trace(id)).rejects.toMatchObject({ name: "QueryError", code: "id" });
  });

  test("are undefined, one by one, where they are missing", async () => {
    server.answers({
      ...REST,
      "/api/traces/000000000000ffff": refused(404, { errors: [{ code: 404, msg: "trace not found" }] }),
    });
    expect([await legacy.trace("ffff"), await v3.trace("ffff")]).toEqual([undefined, undefined]);
    await expect(legacy.trace("1")).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("what else there is", () => {
  test("services, where there are none", async () => {
    server.answers({ "/api/services": envelope(null), "/api/v3/services": "{}" });
    expect([await legacy.services(), await v3.services()]).toEqual([[], []]);
  });

  test("operations with their kinds", async () => {
    const operations = [
      { name: "Root Op", spanKind: "server" },
      { name: "unspec", spanKind: "" },
    ];
    server.answers({ "/api/operations": envelope(operations), "/api/v3/operations": JSON.stringify({ operations }) });
    const expected = [
      { name: "Root Op", kind: "server" },
      { name: "unspec", kind: undefined },
    ];
    expect([await legacy.operations("a b"), await v3.operations("a b")]).toEqual([expected, expected]);
    expect(server.asked).toEqual(["/api/operations service=a b", "/api/v3/operations service=a b"]);
  });

  test("dependencies, in whole milliseconds", async () => {
    server.answers({ "/api/dependencies": envelope([{ parent: "a", child: "b", callCount: 3 }]) });
    expect(await v3.dependencies({ fromMs: 1_000.5, toMs: 2_000.5 })).toEqual([{ parent: "a", child: "b", calls: 3 }]);
    expect(server.asked).toEqual(["/api/dependencies endTs=2001 lookback=1001"]);
  });
});

describe("the older API's spans", () => {
  const span = {
    traceID: "1",
    spanID: "2",
    operationName: "op",
    references: [],
    startTime: 1_000,
    duration: 5,
    tags: [],
    logs: [],
    processID: "p1",
    warnings: null,
  };
  const answer = (...spans: object[]) =>
    envelope([{ traceID: "1", spans, processes: { p1: { serviceName: "s", tags: [] } }, warnings: ["of the trace"] }]);
  const read = async (...spans: object[]) => {
    server.answers({ "/api/traces/0000000000000001": answer(...spans) });
    return (await legacy.trace("1"))?.spans[0];
  };

  test("belong to the first of their own trace that they are children of; the rest are links", async () => {
    const references = [
      { refType: "FOLLOWS_FROM", traceID: "1", spanID: "a" },
      { refType: "CHILD_OF", traceID: "abc", spanID: "b" },
      { refType: "CHILD_OF", traceID: "0001", spanID: "c" },
      { refType: "CHILD_OF", traceID: "1", spanID: "d" },
    ];
    expect(await read({ ...span, references })).toMatchObject({
      parentId: "000000000000000c",
      links: [
        { traceId: "0000000000000001", spanId: "000000000000000a", relation: "follows-from" },
        { traceId: "0000000000000abc", spanId: "000000000000000b", relation: "child-of" },
        { traceId: "0000000000000001", spanId: "000000000000000d", relation: "child-of" },
      ],
    });
  });

  test("may name their parent the old way", async () => {
    expect(await read({ ...span, parentSpanID: "e" })).toMatchObject({ parentId: "000000000000000e" });
    expect(await read({ ...span, parentSpanID: "0" })).toMatchObject({ parentId: undefined });
  });

  test("carry warnings, their own and the trace's", async () => {
    server.answers({ "/api/traces/0000000000000001": answer({ ...span, warnings: ["of the span"] }) });
    expect((await legacy.trace("1"))?.warnings).toEqual(["of the trace", "of the span"]);
  });

  test("that end before they start are instants, with a warning", async () => {
    const backward = await read({ ...span, duration: 2 ** 64 - 2048 });
    expect(backward).toMatchObject({ durationMs: 0, warnings: [expect.stringContaining("ends before it starts")] });
  });

  test.each([
    ["true", true],
    [true, true],
    ["500 fail", true],
    [false, false],
    ["false", false],
    ["", false],
  ])("with a tag error of %j: %j", async (value, error) => {
    const type = typeof value === "boolean" ? "bool" : "string";
    expect((await read({ ...span, tags: [{ key: "error", type, value }] }))?.error).toBe(error);
  });

  test.each([
    ["data[0].spans[0].spanID", { spanID: undefined }],
    ["data[0].spans[0].spanID", { spanID: "xyz" }],
    ["data[0].spans[0].spanID", { spanID: "0" }],
    ["data[0].spans[0].traceID", { traceID: "3" }],
    ["data[0].spans[0].traceID", { traceID: undefined }],
    ["data[0].spans[0].startTime", { startTime: undefined }],
    ["data[0].spans[0].startTime", { startTime: "1" }],
    ["data[0].spans[0].duration", { duration: null }],
    ["data[0].spans[0].duration", { duration: -1 }],
    ["data[0].spans[0].processID", { processID: "constructor" }],
    ["data[0].spans[0].tags[0].value", { tags: [{ key: "k", type: "bool", value: 1 }] }],
    ["data[0].spans[0].tags[0].value", { tags: [{ key: "k", type: "int64", value: "1.5" }] }],
    ["data[0].spans[0].tags[0].value", { tags: [{ key: "k", type: "string", value: null }] }],
    ["data[0].spans[0].tags[0]", { tags: [null] }],
    ["data[0].spans[0].tags", { tags: {} }],
    ["data[0].spans[0].logs[0].timestamp", { logs: [{}] }],
    ["data[0].spans[0].references[0].refType", { references: [{}] }],
    ["data[0].spans[0].warnings[0]", { warnings: [1] }],
  ])("are refused where %s is wrong: %j", async (place, change) => {
    await expect(read({ ...span, ...change })).rejects.toMatchObject({
      name: "DecodeError",
      code: "shape",
      retryable: false,
      backend: "jaeger",
      message: expect.stringContaining(`answer: ${place} `),
    });
  });
});

describe("the newer API's spans", () => {
  const span = {
    traceId: "1",
    spanId: "2",
    name: "op",
    startTimeUnixNano: "1000000000",
    endTimeUnixNano: "1000005000",
  };
  const answer = (...spans: object[]) =>
    JSON.stringify({ result: { resourceSpans: [{ resource: {}, scopeSpans: [{ scope: {}, spans }] }] } });
  const read = async (...spans: object[]) => {
    server.answers({ "/api/v3/traces/0000000000000001": answer(...spans) });
    return (await v3.trace("1"))?.spans[0];
  };

  test("of one trace are found among those of many", async () => {
    server.answers({ "/api/v3/traces": answer(span, { ...span, traceId: "3" }, { ...span, spanId: "4" }) });
    const { traces } = await v3.search({ fromMs: 0, toMs: 2_000, limit: 5 });
    expect(traces.map(({ id, spans }) => [id, spans.length])).toEqual([
      ["0000000000000001", 2],
      ["0000000000000003", 1],
    ]);
  });

  test("carry the warnings that Jaeger puts among their attributes", async () => {
    const attributes = [{ key: "@jaeger@warnings", value: { arrayValue: { values: [{ stringValue: "skewed" }] } } }];
    const found = await read({ ...span, attributes });
    expect(found?.warnings).toEqual(["skewed"]);
    expect([found?.tags, found?.tag("@jaeger@warnings")]).toEqual([{}, undefined]);
  });

  test.each([
    [{ endTimeUnixNano: undefined }, 0, ["the span has no end; its duration is taken as zero"]],
    [{ endTimeUnixNano: "0" }, 0, ["the span has no end; its duration is taken as zero"]],
    [{ endTimeUnixNano: "999999999" }, 0, ["the span ends before it starts; its duration is taken as zero"]],
    [{ endTimeUnixNano: "1000000001" }, 0.000001, []],
  ])("with %j last %d ms", async (change, durationMs, warnings) => {
    expect(await read({ ...span, ...change })).toMatchObject({ durationMs, warnings });
  });

  test("start at the very double that their microseconds make", async () => {
    for (const us of [1_795_491_504_756_123, 1_795_491_504_756_001, 999_999, 1]) {
      const found = await read({ ...span, startTimeUnixNano: `${us}000`, endTimeUnixNano: `${us}000` });
      expect(found?.startMs).toBe(us / 1000);
    }
  });

  test("may use the names of kinds and codes", async () => {
    const change = { kind: "SPAN_KIND_CLIENT", status: { code: "STATUS_CODE_ERROR" } };
    expect(await read({ ...span, ...change })).toMatchObject({ kind: "client", error: true });
  });

  const deep = (depth: number): object =>
    depth === 0 ? { stringValue: "x" } : { arrayValue: { values: [deep(depth - 1)] } };

  test.each([
    ["spanId", { spanId: "" }],
    ["traceId", { traceId: undefined }],
    ["traceId", { traceId: "" }],
    ["startTimeUnixNano", { startTimeUnixNano: undefined }],
    ["startTimeUnixNano", { startTimeUnixNano: "1.5" }],
    ["endTimeUnixNano", { endTimeUnixNano: -1 }],
    ["attributes[0]", { attributes: [null] }],
    ["attributes[0].value.intValue", { attributes: [{ key: "k", value: { intValue: "x" } }] }],
    ["attributes[0].value.boolValue", { attributes: [{ key: "k", value: { boolValue: "true" } }] }],
    ["attributes[0].value.arrayValue", { attributes: [{ key: "k", value: deep(200) }] }],
    ["events[0].timeUnixNano", { events: [{}] }],
    ["status", { status: 2 }],
  ])("are refused where %s is wrong", async (place, change) => {
    await expect(read({ ...span, ...change })).rejects.toMatchObject({
      name: "DecodeError",
      code: "shape",
      message: expect.stringContaining(`answer: result.resourceSpans[0].scopeSpans[0].spans[0].${place}`),
    });
  });

  test("that come with an error in their place are an error", async () => {
    server.answers({ "/api/v3/traces/0000000000000001": '{"error":{"httpCode":500,"message":"broken off"}}' });
    await expect(v3.trace("1")).rejects.toMatchObject({ name: "BackendError", code: "internal", status: 200 });
  });
});
