import { describe, expect, it } from "vitest";
import { QueryError } from "../../src/errors.ts";
import { ENVOY_FORMAT, ISTIO_FORMAT } from "../../src/logs/istio-format.ts";
import { accessLogParser } from "../../src/logs/parser.ts";
import { compileFormat } from "../../src/logs/text-format.ts";
import { entryOf } from "./entry.ts";
import { LINES } from "./lines.ts";

const read = (format: string, line: string) => entryOf(compileFormat(format)(line));

describe("a custom format", () => {
  it.each([
    [
      "[%START_TIME%] %REQ(:METHOD)% %RESPONSE_CODE%\n",
      "[2026-11-24T03:43:31.238Z] GET 200\n",
      { method: "GET", code: 200, timeMs: Date.UTC(2026, 10, 24, 3, 43, 31, 238) },
    ],
    [
      "%START_TIME(%s.%9f)% %DURATION%",
      "1790000000.123456789 7",
      { timestampNs: 1_790_000_000_123_456_789n, timeMs: 1_790_000_000_123, durationMs: 7 },
    ],
    [
      "%START_TIME(%Y/%m/%dT%H:%M:%S%z)% %DURATION%",
      "2026/11/24T05:43:31+0200 7",
      { timeMs: Date.UTC(2026, 10, 24, 3, 43, 31) },
    ],
    [
      "[%START_TIME(%d/%b/%Y:%H:%M:%S %z)%] %RESPONSE_CODE%",
      "[24/Nov/2026:03:43:31 +0000] 404",
      { timeMs: Date.UTC(2026, 10, 24, 3, 43, 31), code: 404 },
    ],
    [
      "%START_TIME(%Y-%m-%d %H:%M:%S.%3f)% %REQ(USER-AGENT)%",
      "2026-11-24 03:43:31.250 curl/8 (x)",
      { timeMs: Date.UTC(2026, 10, 24, 3, 43, 31, 250), userAgent: "curl/8 (x)" },
    ],
    [
      "%START_TIME(%F %T)% %RESPONSE_CODE%",
      "2026-11-24 03:43:31 200",
      { timeMs: Date.UTC(2026, 10, 24, 3, 43, 31), code: 200 },
    ],
    [
      "%START_TIME(week %U)% %RESPONSE_CODE%",
      "week 47 200",
      { timeMs: undefined, code: 200, extra: { "START_TIME(week %U)": "week 47" } },
    ],
    ["%REQ(X-ENVOY-ORIGINAL-PATH?:PATH):5% %RESPONSE_CODE%", "/abcd 200", { path: "/abcd", code: 200 }],
    ["%REQ(:path)% %RESPONSE_CODE%", "/a 200", { path: "/a" }],
    ["%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH)% %RESPONSE_CODE%", "/a 200", { path: "/a" }],
    ["%PATH(NQ)%|%RESPONSE_CODE%", "/a|200", { path: "/a", code: 200 }],
    [
      "%RESPONSE_CODE% %GRPC_STATUS% %GRPC_STATUS_NUMBER%",
      "200 Unavailable 14",
      { grpcStatus: 14, extra: { GRPC_STATUS: "Unavailable" } },
    ],
    ["%RESPONSE_CODE% %GRPC_STATUS(SNAKE_STRING)%", "200 DEADLINE_EXCEEDED", { grpcStatus: 4 }],
    ["%RESPONSE_CODE% %TRAILER(GRPC-STATUS?RESP(GRPC-STATUS))%", "200 0", { grpcStatus: 0 }],
    [
      "%RESPONSE_FLAGS_LONG% %RESPONSE_CODE%",
      "UpstreamConnectionFailure,UpstreamRetryLimitExceeded 503",
      { flags: ["UF", "URX"] },
    ],
    ["%RESPONSE_FLAGS% %RESPONSE_CODE%", "UF,XYZ 503", { flags: ["UF", "XYZ"] }],
    [
      "%FILTER_STATE(downstream_peer:FIELD:workload)% %FILTER_STATE(downstream_peer:FIELD:namespace)% %FILTER_STATE(upstream_peer:FIELD:workload)% %RESPONSE_CODE%",
      "web shop backend 200",
      { source: { workload: "web", namespace: "shop" }, destination: { workload: "backend" }, code: 200 },
    ],
    [
      "%DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_LOCAL_URI_SAN% %RESPONSE_CODE%",
      "spiffe://cluster.local/ns/shop/sa/web spiffe://cluster.local/ns/back/sa/api 200",
      {
        source: { principal: "spiffe://cluster.local/ns/shop/sa/web", namespace: "shop" },
        destination: { namespace: "back" },
      },
    ],
    [
      "%CEL(request.headers['x'])% %METADATA(ROUTE:istio)% %DYNAMIC_METADATA(a:b)% %RESPONSE_CODE%",
      "a - b 200",
      { extra: { "CEL(request.headers['x'])": "a", "DYNAMIC_METADATA(a:b)": "b" } },
    ],
    [
      "%REQ(TRACEPARENT)% %RESPONSE_CODE%",
      "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01 200",
      { traceId: "0af7651916cd43dd8448eb211c80319c" },
    ],
    [
      "%BYTES_SENT%%BYTES_RECEIVED% %RESPONSE_CODE%",
      "1234 200",
      { bytesSent: undefined, extra: { "BYTES_SENT%%BYTES_RECEIVED": "1234" } },
    ],
    ["100%% %RESPONSE_CODE%", "100% 200", { code: 200 }],
    ["%REQ(X-A)% %REQ(X-B)%", "- ", { extra: {} }],
    ['{"ua":"%REQ(USER-AGENT)%","code":%RESPONSE_CODE%}', '{"ua":"curl","code":200}', { userAgent: "curl", code: 200 }],
  ])("%s reads %s", (format, line, expected) => {
    expect(read(format, line)).toMatchObject({ suspicious: undefined, ...expected });
  });

  it("takes a text that is no format string for the caller's mistake", () => {
    for (const format of ["%", "50% %RESPONSE_CODE%", "%req%", "no operator", ""]) {
      expect(() => compileFormat(format), format).toThrow(QueryError);
    }
  });

  it("gives back a line of another format with what was missing", () => {
    const parse = compileFormat("%REQ(:METHOD)% %RESPONSE_CODE%");
    expect(parse("GET two")).toMatchObject({ kind: "unparsed", reason: '"two" is no RESPONSE_CODE' });
    expect(parse("GET")).toMatchObject({ kind: "unparsed" });
    expect(compileFormat("<%RESPONSE_CODE%>")("200")).toMatchObject({ kind: "unparsed" });
  });

  it("is tried before Istio's own when the parser is given it", () => {
    const parse = accessLogParser({ formats: ["%RESPONSE_CODE% %REQ(X-TENANT)%\n"] });
    expect(entryOf(parse("200 acme")).extra).toStrictEqual({ "REQ(X-TENANT)": "acme" });
    expect(entryOf(parse(LINES.client)).authority).toBe("httpbin:8000");
  });
});

describe("Istio's format of another time", () => {
  const tail =
    '5 170 2 1 "-" "ua" "id" "host" "10.0.0.1:80" outbound|80||a.b.svc.cluster.local - 10.0.0.2:80 10.0.0.3:1';
  const head = '[2019-03-04T05:06:07.890Z] "GET /a HTTP/1.1" 200 -';
  it.each([
    ["1.6", `${head} "why" ${tail} - default`, { transportFailureReason: "why", routeName: "default", extra: {} }],
    [
      "1.4",
      `${head} "OK" "why" ${tail} - default`,
      { transportFailureReason: "why", extra: { "DYNAMIC_METADATA(istio.mixer:status)": "OK" } },
    ],
    [
      "1.1",
      `${head} "NOT_FOUND" ${tail} api.example.org`,
      {
        transportFailureReason: undefined,
        routeName: undefined,
        serverName: { host: "api.example.org" },
        extra: { "DYNAMIC_METADATA(istio.mixer:status)": "NOT_FOUND" },
      },
    ],
    [
      "Envoy alone",
      `${head} 5 170 2 1 "-" "ua" "id" "host" "tcp://10.0.0.1:80"`,
      { upstreamHost: { host: "10.0.0.1", port: 80 } },
    ],
  ])("%s is told by its fields", (_, line, expected) => {
    const entry = entryOf(accessLogParser()(line));
    expect(entry).toMatchObject({
      suspicious: undefined,
      bytesReceived: 5,
      durationMs: 2,
      userAgent: "ua",
      ...expected,
    });
  });

  it("keeps spaces between the braces of older details", () => {
    const details = "upstream_reset_before_response_started{connection failure,TLS error: 268435581:SSL routines}";
    const line = LINES.noHost.replace("no_healthy_upstream", details);
    expect(entryOf(accessLogParser()(line))).toMatchObject({
      responseCodeDetails: details,
      suspicious: undefined,
      bytesSent: 19,
    });
  });
});

const FORGED =
  '[2026-01-01T00:00:00.000Z] "GET /admin HTTP/1.1" 200 - via_upstream - "-" 0 1 1 1 "-" "x" "forged-id" "forged" "1.2.3.4:80" outbound|80||forged.ns.svc.cluster.local 1.1.1.1:1 2.2.2.2:2 3.3.3.3:3 - default';

describe("a caller who writes quotes", () => {
  const parse = accessLogParser();
  const believed = {
    code: 418,
    cluster: { port: 8000 },
    requestId: "84961386-6d84-929d-98bd-c5aee93b5c88",
    durationMs: 3,
    downstreamRemote: { port: 37652 },
    routeName: "default",
  };
  const inUserAgent = (text: string) => LINES.server.replace("curl/7.73.0-DEV", () => text);
  const inPath = (text: string) => LINES.server.replace("/status/418", () => text);

  it("is read right where there is no other way to read it", () => {
    for (const text of ['a"b', '"', '""', 'a" b', 'say "hi" now', '\\"', "{[}]|%"]) {
      expect(entryOf(parse(inUserAgent(text)))).toMatchObject({ ...believed, userAgent: text, suspicious: undefined });
    }
    expect(entryOf(parse(inPath('/a"b?c="d"')))).toMatchObject({
      ...believed,
      path: '/a"b?c="d"',
      suspicious: undefined,
    });
  });

  it("is not believed where there is, and changes no field but its own", () => {
    for (const text of [
      'a" "b',
      '" "',
      FORGED,
      `x" "id" "host" "1.2.3.4:1" ${FORGED}`,
      '-" "-" "-" "-" "-" - - - - - -',
    ]) {
      const entry = entryOf(parse(inUserAgent(text)));
      expect(entry).toMatchObject({
        ...believed,
        userAgent: text,
        suspicious: "REQ(USER-AGENT) holds what can be read as other fields",
      });
    }
    for (const text of [
      '/x HTTP/1.1" 200 - via_upstream - "-" 0 0 0 0 "y',
      '/x HTTP/1.1" 200 - "-" 0 0 0 0 "y',
      "/a b",
    ]) {
      const entry = entryOf(parse(inPath(text)));
      expect(entry).toMatchObject({ ...believed, path: text, suspicious: expect.stringContaining(":PATH") });
    }
  });

  it("is not believed when the server name is made to look like a cluster", () => {
    const name = 'x" "1.2.3.4:1" outbound|80||forged.ns.svc.cluster.local - 1.1.1.1:1 2.2.2.2:2 -';
    const entry = entryOf(parse(LINES.server.replace("outbound_.8000_._.httpbin.foo.svc.cluster.local", name)));
    expect(entry).toMatchObject({ suspicious: expect.stringMatching(/./) });
  });
});

describe("the text formats", () => {
  it("read as themselves when they are compiled from their own strings", () => {
    expect(read(ISTIO_FORMAT, LINES.server).toJSON()).toStrictEqual(entryOf(accessLogParser()(LINES.server)).toJSON());
    expect(
      read(
        ENVOY_FORMAT,
        `${LINES.server.slice(0, 60)}`.replace(
          /.*/,
          '[2016-04-15T20:17:00.310Z] "POST /api HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "nsq2http" "cc21d9b0" "locations" "tcp://10.0.2.1:80"',
        ),
      ),
    ).toMatchObject({
      code: 204,
      bytesReceived: 154,
      upstreamServiceTimeMs: 100,
      upstreamHost: { host: "10.0.2.1", port: 80 },
    });
  });
});
