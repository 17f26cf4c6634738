import { HttpResponse } from "msw";
import { describe, expect, test } from "vitest";
import type { Trace } from "../../src/traces/trace.ts";
import { annotationQuery } from "../../src/traces/zipkin/annotation-query.ts";
import { zipkin } from "../../src/traces/zipkin/zipkin.ts";
import { fakeServer, page, recorded, refused } from "./wire.ts";

const URL_OF_ZIPKIN = "http://zipkin.test:9411";
const server = fakeServer(URL_OF_ZIPKIN);
const backend = zipkin(URL_OF_ZIPKIN, { retries: 0 });
const ID = "463ac35c9f6413ad48485a3953bb6124";
const [RECORDED] = JSON.parse(recorded("zipkin")) as readonly (readonly { readonly timestamp: number }[])[];
const BEGAN_MS = (RECORDED?.[0]?.timestamp ?? 0) / 1000;

async function recordedTrace(): Promise<Trace> {
  server.answers({ [`/api/v2/trace/${ID}`]: JSON.stringify(RECORDED) });
  const trace = await backend.trace(ID);
  if (trace === undefined) throw new Error("the trace is missing");
  return trace;
}

describe("a trace", () => {
  test("has its spans, the two halves of a shared one included", async () => {
    const { spans } = await recordedTrace();
    expect(
      spans.map(({ key, parentId, kind, service, operation }) => [key, parentId, kind, service, operation]).sort(),
    ).toEqual([
      ["0000000000000abc", "a2fb4a1d1a96d312", undefined, "zback", "db"],
      ["0000000000000abd", "a2fb4a1d1a96d312", undefined, "zback", ""],
      ["0000000000000abe", undefined, "producer", "", ""],
      ["a2fb4a1d1a96d312", "0020000000000001", "client", "zfront", "get /x"],
      ["a2fb4a1d1a96d312/server", "0020000000000001", "server", "zback", "get /x"],
    ]);
  });

  test("has tags, annotations and endpoints", async () => {
    const client = (await recordedTrace()).spans.find(({ kind }) => kind === "client");
    expect(client).toMatchObject({ startMs: BEGAN_MS, durationMs: 207, error: true });
    expect(client?.tags).toEqual({
      "": "e",
      "a=b": "c",
      error: "500 fail",
      ev: "",
      "http.path": "/api",
      q: "x and y",
      "sp aced": " v ",
      "peer.service": "zback",
      "peer.ipv4": "5.6.7.8",
    });
    for (const [name, value] of Object.entries(client?.tags ?? {})) expect(client?.tag(name)).toBe(value);
    expect([client?.tag("constructor"), client?.tag("peer.port")]).toEqual([undefined, undefined]);
    expect(client?.processTags).toEqual({ ipv4: "1.2.3.4", port: 80 });
    expect(client?.events.map(({ timeMs, name }) => [Math.round((timeMs - BEGAN_MS) * 1000), name])).toEqual([
      [100, "wr"],
      [200, "wr"],
    ]);
  });

  test("takes what a span does not say of its start from others, and warns", async () => {
    const { spans } = await recordedTrace();
    const said = Object.fromEntries(
      spans.map(({ id, startMs, durationMs, warnings }) => [id, { startMs, durationMs, warnings }]),
    );
    expect(said["0000000000000abd"]).toMatchObject({
      durationMs: 0,
      warnings: [expect.stringContaining("its parent's")],
    });
    expect(said["0000000000000abe"]).toMatchObject({
      startMs: BEGAN_MS,
      warnings: [expect.stringContaining("the trace's")],
    });
  });

  test("may have a tag of any name", async () => {
    const tags = '{"__proto__":"p","constructor":"c"}';
    server.answers({ "/api/v2/trace/0000000000000001": `[{"traceId":"1","id":"2","timestamp":1,"tags":${tags}}]` });
    const [span] = (await backend.trace("1"))?.spans ?? [];
    expect([span?.tag("__proto__"), span?.tag("constructor"), JSON.stringify(span?.tags)]).toEqual(["p", "c", tags]);
  });

  test.each([
    [{ error: "" }, true],
    [{ error: "true" }, true],
    [{ error: "false" }, false],
    [{}, false],
  ])("with tags %j has failed: %j", async (tags, error) => {
    server.answers({
      "/api/v2/trace/0000000000000001": JSON.stringify([{ traceId: "1", id: "2", timestamp: 1, tags }]),
    });
    expect((await backend.trace("1"))?.spans[0]?.error).toBe(error);
  });

  test("that is missing is undefined; any other 404 is an error", async () => {
    server.answers({ "/api/v2/trace/000000000000ffff": refused(404, "000000000000ffff not found") });
    expect(await backend.trace("ffff")).toBeUndefined();
    await expect(backend.trace("eeee")).rejects.toMatchObject({ name: "BackendError", code: "not-found" });
  });

  test.each([
    ["[0].id", { id: undefined }],
    ["[0].id", { id: "0000000000000000" }],
    ["[0].traceId", { traceId: "x" }],
    ["[0].traceId", { traceId: undefined }],
    ["[0].traceId", { traceId: "" }],
    ["[0].timestamp", { timestamp: "1" }],
    ["[0].duration", { duration: -1 }],
    ["[0].tags.k", { tags: { k: 1 } }],
    ["[0].tags", { tags: [] }],
    ["[0].localEndpoint", { localEndpoint: "x" }],
    ["[0].remoteEndpoint.port", { remoteEndpoint: { port: "80" } }],
    ["[0].annotations[0].value", { annotations: [{ timestamp: 1 }] }],
    ["[0].name", { name: 1 }],
  ])("is refused where %s is wrong: %j", async (place, change) => {
    server.answers({
      "/api/v2/trace/0000000000000001": JSON.stringify([{ traceId: "1", id: "2", timestamp: 1, ...change }]),
    });
    await expect(backend.trace("1")).rejects.toMatchObject({
      name: "DecodeError",
      code: "shape",
      backend: "zipkin",
      message: expect.stringContaining(`answer: ${place} `),
    });
  });
});

describe("traces by their ids", () => {
  test("are asked for together, each once, and the missing ones named", async () => {
    server.answers({ "/api/v2/traceMany": recorded("zipkin") });
    const found = await backend.traces([ID, ID.toUpperCase(), "12345678abcdef01", "ffff"]);
    expect(found.traces.map(({ id }) => id)).toEqual([ID, "12345678abcdef01"]);
    expect(found.missing).toEqual(["000000000000ffff"]);
    expect(server.asked).toEqual([`/api/v2/traceMany traceIds=${ID},12345678abcdef01,000000000000ffff`]);
  });

  test("are not asked for together where there is only one", async () => {
    server.answers({ "/api/v2/trace/000000000000ffff": refused(404, "000000000000ffff not found") });
    expect(await backend.traces(["ffff", "0ffff"])).toEqual({ traces: [], missing: ["000000000000ffff"] });
  });

  test("come in calls that a server takes, and the last of them may be one", async () => {
    const ids = Array.from({ length: 101 }, (_, i) => (i + 1).toString(16));
    server.answers({
      "/api/v2/traceMany": "[]",
      "/api/v2/trace/0000000000000065": refused(404, "0000000000000065 not found"),
    });
    expect((await backend.traces(ids)).missing).toHaveLength(101);
    expect(server.asked.map((asked) => asked.split(" ")[0]).sort()).toEqual([
      "/api/v2/trace/0000000000000065",
      "/api/v2/traceMany",
    ]);
  });
});

describe("a search", () => {
  const query = { fromMs: BEGAN_MS - 5_000.5, toMs: BEGAN_MS + 5_000.5, limit: 20 } as const;

  test("asks for whole milliseconds around the window, in lower case", async () => {
    server.answers({ "/api/v2/traces": recorded("zipkin") });
    const found = await backend.search({
      ...query,
      service: "ZFront",
      operation: "Get /X",
      tags: { "http.path": "/api" },
      maxDuration: "1s",
    });
    const endMs = Math.ceil(query.toMs);
    expect(server.asked).toEqual([
      `/api/v2/traces endTs=${endMs} lookback=${endMs - Math.floor(query.fromMs)} limit=20 serviceName=zfront spanName=get /x annotationQuery=http.path=/api minDuration=1 maxDuration=1000000`,
    ]);
    expect(found.traces.map(({ id }) => id)).toEqual([ID]);
    expect(found).toMatchObject({ full: false, unapplied: [], complete: true });
  });

  test.each([
    [{ tags: { x: "1" } }, 2],
    [{ service: "zback", tags: { x: "1" } }, 2],
    [{ service: "zfront", tags: { x: "1" } }, 0],
    [{ service: "zback", operation: "db", tags: { x: "1" } }, 0],
    [{ minDuration: "207ms" }, 1],
    [{ minDuration: "208ms" }, 0],
    [{ tags: { q: "x and y" } }, 1],
    [{ tags: { "sp aced": " v " } }, 1],
    [{ tags: { ev: "" } }, 1],
    [{ tags: { error: "true" } }, 0],
  ])("finds by %j, all in one span, %d traces", async (conditions, count) => {
    server.answers({ "/api/v2/traces": recorded("zipkin") });
    expect((await backend.search({ ...query, ...conditions })).traces).toHaveLength(count);
  });

  test("names what Zipkin cannot be asked", async () => {
    server.answers({ "/api/v2/traces": recorded("zipkin") });
    const found = await backend.search({ ...query, operation: "all", tags: { q: "x and y", x: "1" } });
    expect(found.unapplied).toEqual(["tag q", "operation"]);
    expect(server.asked[0]).toContain("annotationQuery=x=1");
  });

  test("is full when as many came as were asked for", async () => {
    server.answers({ "/api/v2/traces": recorded("zipkin") });
    expect(await backend.search({ ...query, limit: 2, service: "nobody" })).toMatchObject({ traces: [], full: true });
  });

  test("goes by the start of the trace or of a span that matches", async () => {
    const long = [
      { traceId: "1", id: "1", timestamp: 10_000_000, duration: 9_000_000, localEndpoint: { serviceName: "a" } },
      { traceId: "1", id: "2", parentId: "1", timestamp: 15_000_000, duration: 1, localEndpoint: { serviceName: "b" } },
    ];
    server.answers({ "/api/v2/traces": JSON.stringify([long]) });
    const found = async (fromMs: number, toMs: number) =>
      (await backend.search({ service: "b", fromMs, toMs, limit: 5 })).traces.length;
    expect([
      await found(9_000, 10_000),
      await found(15_000, 16_000),
      await found(11_000, 14_000),
      await found(15_000.5, 20_000),
    ]).toEqual([1, 1, 0, 0]);
  });

  test("passes on the reason of a refusal", async () => {
    server.answers({ "/api/v2/traces": refused(400, "limit <= 0") });
    await expect(backend.search(query)).rejects.toMatchObject({
      name: "BackendError",
      code: "bad-query",
      message: expect.stringContaining("limit <= 0"),
    });
  });

  test("that meets a web page says what to check", async () => {
    server.answers({ "/api/v2/traces": page });
    await expect(backend.search(query)).rejects.toMatchObject({
      name: "DecodeError",
      code: "content-type",
      message: expect.stringContaining("with the path before /api/v2"),
    });
  });
});

describe("Zipkin's language for tags", () => {
  test.each([
    [{}, undefined, []],
    [{ a: "1", b: "2" }, "a=1 and b=2", []],
    [{ a: "b=c" }, "a=b=c", []],
    [{ a: "x and y" }, undefined, ["a"]],
    [{ a: "x and", b: "2" }, "b=2", ["a"]],
    [{ "and a": "x", b: "2" }, "b=2", ["and a"]],
    [{ "a=b": "x" }, undefined, ["a=b"]],
    [{ " a": "x" }, undefined, [" a"]],
    [{ a: "x\t" }, undefined, ["a"]],
    [{ a: "" }, undefined, ["a"]],
    [{ "": "x" }, undefined, [""]],
    [{ a: "x".repeat(253) }, `a=${"x".repeat(253)}`, []],
    [{ a: "x".repeat(254) }, undefined, ["a"]],
    [{ a: "sand" }, "a=sand", []],
  ])("has %j as %j, and leaves out %j", (tags, text, left) => {
    expect(annotationQuery(tags as unknown as Readonly<Record<string, string>>)).toEqual({ text, left });
  });
});

describe("what else there is", () => {
  test("services, operations and dependencies", async () => {
    server.answers({
      "/api/v2/services": '["slow","zback"]',
      "/api/v2/spans": '["db","get /x"]',
      "/api/v2/dependencies":
        '[{"parent":"a","child":"b","callCount":3,"errorCount":1},{"parent":"b","child":"c","callCount":1}]',
    });
    expect(await backend.services()).toEqual(["slow", "zback"]);
    expect(await backend.operations("ZBack")).toEqual([{ name: "db" }, { name: "get /x" }]);
    expect(await backend.dependencies({ fromMs: 5_000, toMs: 5_000 })).toEqual([
      { parent: "a", child: "b", calls: 3, errors: 1 },
      { parent: "b", child: "c", calls: 1, errors: 0 },
    ]);
    expect(server.asked).toEqual([
      "/api/v2/services",
      "/api/v2/spans serviceName=zback",
      "/api/v2/dependencies endTs=5000 lookback=1",
    ]);
  });

  test("an answer of nothing is said to be one", async () => {
    server.answers({ "/api/v2/services": () => new HttpResponse(null, { status: 204 }) });
    await expect(backend.services()).rejects.toMatchObject({
      name: "DecodeError",
      code: "shape",
      message: expect.stringContaining("204 without a body"),
    });
  });
});
