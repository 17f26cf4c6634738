import { describe, expect, it } from "vitest";
import { QueryError } from "../../src/errors.ts";
import { compileJsonFormat } from "../../src/logs/custom-json.ts";
import { accessLogParser, detectFormat, parseLines } from "../../src/logs/parser.ts";
import { entryOf } from "./entry.ts";
import { LINES } from "./lines.ts";

const parse = accessLogParser();

describe("a JSON line", () => {
  it("reads the same with its keys in any order, and with empty values left out", () => {
    const wire = Object.entries(JSON.parse(LINES.meshGrpc) as Record<string, unknown>);
    const { raw: _, ...expected } = entryOf(parse(LINES.meshGrpc)).toJSON();
    for (const entries of [wire.toReversed(), wire.filter(([, value]) => value !== null)]) {
      expect(entryOf(parse(JSON.stringify(Object.fromEntries(entries)))).toJSON()).toMatchObject(expected);
    }
  });

  it.each([
    ['{"response_flags":"-","grpc_status":"Unavailable"}', 14],
    ['{"response_flags":"-","grpc_status_number":14}', 14],
    ['{"response_flags":"-","grpc_status":"NotFound","grpc_status_number":5}', 5],
    ['{"response_flags":"-"}', undefined],
  ])("may have its gRPC status under either of two names: %s", (line, status) => {
    expect(entryOf(parse(line)).grpcStatus).toBe(status);
  });

  it("of an application is not taken for one of a proxy", () => {
    for (const line of [
      '{"level":"info","msg":"started"}',
      '{"method":"GET","path":"/"}',
      "{}",
      "[]",
      '{"a":',
      "null",
    ]) {
      expect(parse(line), line).toMatchObject({ kind: "unparsed", raw: line });
    }
  });

  it("may name its keys as the prototype of objects does", () => {
    const line = '{"__proto__":{"method":"x"},"constructor":"y","response_flags":"-"}';
    expect(entryOf(parse(line))).toMatchObject({ method: undefined });
    expect(entryOf(parse(line)).extra.constructor).toBe("y");
  });
});

describe("a custom JSON format", () => {
  const read = compileJsonFormat({
    at: "%START_TIME(%s)%",
    status: "%RESPONSE_CODE%",
    request: { id: "%REQ(X-REQUEST-ID)%", line: "%REQ(:METHOD)% %PROTOCOL%" },
    tenant: "%REQ(X-TENANT)%",
    mesh: "prod",
  });

  it("fills the fields of its operators, nested ones too, and leaves the rest to extra", () => {
    const line =
      '{"request":{"line":"GET HTTP/2","id":"a-1"},"status":503,"at":"1790000000","tenant":"acme","mesh":"prod"}';
    const entry = entryOf(read(line));
    expect(entry).toMatchObject({ code: 503, requestId: "a-1", timeMs: 1_790_000_000_000 });
    expect(entry.extra).toStrictEqual({ "request.line": "GET HTTP/2", tenant: "acme", mesh: "prod" });
  });

  it("gives back a line with none of its keys", () => {
    expect(read('{"level":"info"}')).toMatchObject({ kind: "unparsed" });
    expect(read("status=503")).toMatchObject({ kind: "unparsed" });
  });

  it("without an operator is the caller's mistake", () => {
    expect(() => compileJsonFormat({ mesh: "prod" })).toThrow(QueryError);
  });
});

describe("what a container's runtime puts around a line", () => {
  const cri = (tag: string, text: string) => `2026-11-24T10:00:00.123456789Z stdout ${tag} ${text}`;

  it.each([
    ["cri", cri("F", LINES.client)],
    ["docker", JSON.stringify({ log: `${LINES.client}\n`, stream: "stdout", time: "2026-11-24T10:00:00.123456789Z" })],
  ])("%s is taken off", (format, line) => {
    expect(detectFormat(line)).toBe(format);
    const entry = entryOf(parse(line));
    expect(entry.raw).toBe(LINES.client);
    expect(entry.timeMs).toBe(Date.UTC(2020, 10, 25, 21, 26, 18, 409));
  });

  it("gives the time of a line that has none", () => {
    expect(entryOf(parse(cri("F", LINES.oldJson)))).toMatchObject({
      timestampNs: 1_795_514_400_123_456_789n,
      timeMs: 1_795_514_400_123,
    });
  });

  it("joins the pieces of a line that was cut, stream by stream", () => {
    const [a, b, c] = [LINES.client.slice(0, 100), LINES.client.slice(100, 200), LINES.client.slice(200)];
    const lines = parseLines([
      cri("P", a),
      `2026-11-24T10:00:00Z stderr F ${LINES.server}`,
      cri("P", b),
      cri("F", c),
      cri("P", "never ended"),
    ]);
    const [server, client, rest] = [...lines];
    expect(server).toMatchObject({ kind: "entry", raw: LINES.server });
    expect(client).toMatchObject({ kind: "entry", raw: LINES.client, code: 418 });
    expect(rest).toStrictEqual({ kind: "unparsed", raw: "never ended", reason: "its end is missing" });
    expect(lines.counts).toStrictEqual({ entries: 2, unparsed: 1, suspicious: 0 });
  });
});

describe("an OpenTelemetry log record", () => {
  const text = (value: string) => ({ stringValue: value });

  it("with a line as its body reads as the line, its labels beside", () => {
    const record = {
      timeUnixNano: "1790000000123456789",
      body: text(LINES.client),
      attributes: [
        { key: "tenant", value: text("acme") },
        { key: "shard", value: { intValue: "7" } },
      ],
    };
    const line = JSON.stringify(record);
    expect(detectFormat(line)).toBe("open-telemetry");
    const entry = entryOf(parse(line));
    expect(entry).toMatchObject({ code: 418, raw: LINES.client });
    expect(entry.extra).toStrictEqual({ tenant: "acme", shard: 7 });
  });

  it("without one reads by its labels", () => {
    const attributes = [
      { key: "response_code", value: { intValue: "503" } },
      { key: "response_flags", value: text("UF") },
    ];
    const entry = entryOf(parse(JSON.stringify({ timeUnixNano: "1790000000123456789", body: text(""), attributes })));
    expect(entry).toMatchObject({ code: 503, flags: ["UF"], timestampNs: 1_790_000_000_123_456_789n });
  });
});

describe("detectFormat", () => {
  it.each([
    ["text", LINES.client],
    ["json", LINES.meshGrpc],
    ["ztunnel", LINES.ztunnelOutbound],
    ["ztunnel", LINES.ztunnelRequest],
    [
      "ztunnel",
      '{"level":"info","time":"2026-10-10T01:00:04.396865Z","scope":"access","message":"connection complete","src.addr":"10.0.0.1:1","dst.addr":"10.0.0.2:2","direction":"inbound"}',
    ],
    ["unknown", "hello"],
    ["unknown", ""],
  ])("tells %s", (format, line) => {
    expect(detectFormat(line)).toBe(format);
  });
});

describe("parseLines", () => {
  it("passes over blank lines, counts what cannot be read, and goes on", () => {
    const hostile = LINES.server.replace("curl/7.73.0-DEV", 'a" "b');
    const lines = parseLines([LINES.client, "", "  ", "proxy is starting", hostile, LINES.meshGrpc]);
    expect(Array.from(lines, ({ kind }) => kind)).toStrictEqual(["entry", "unparsed", "entry", "entry"]);
    expect(lines.counts).toStrictEqual({ entries: 3, unparsed: 1, suspicious: 1 });
  });

  it("reads a log of mixed formats", () => {
    const { noCluster: _, ...readable } = LINES;
    const all = Object.values(readable);
    const lines = parseLines(all);
    expect([...lines]).toHaveLength(all.length);
    expect(lines.counts).toStrictEqual({ entries: all.length, unparsed: 0, suspicious: 0 });
  });
});
