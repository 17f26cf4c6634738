import { expect, test } from "vitest";
import { type HttpOptions, httpClient } from "../../src/http/client.ts";

const refused = (options: unknown, message: string | RegExp, url = "https://h") =>
  expect(() => httpClient("prometheus", url, options as HttpOptions)).toThrow(
    expect.objectContaining({ name: "QueryError", code: "config", message: expect.stringMatching(message) }),
  );

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "30s", null])(
  "timeoutMs %s is refused",
  (timeoutMs) => {
    refused({ timeoutMs }, "prometheus: timeoutMs must be a positive number of milliseconds");
  },
);

test.each([-1, 1.5, Number.NaN, "2"])("retries %s is refused", (retries) => {
  refused({ retries }, "retries must be a whole number");
});

test.each([0, -1, 0.5, Number.POSITIVE_INFINITY])("concurrency %s is refused", (concurrency) => {
  refused({ concurrency }, "concurrency must be a whole number of requests");
});

test.each([0, 1.5, -1])("maxResponseBytes %s is refused", (maxResponseBytes) => {
  refused({ maxResponseBytes }, "maxResponseBytes must be a whole number of bytes");
});

test.each([
  [true, "must be { queryText, suppressNested }"],
  [{ queryText: "raw" }, "must be { queryText, suppressNested }"],
  [{ querytext: "whole" }, '.querytext is not known; did you mean "queryText"?'],
])("telemetry %j is refused", (telemetry, message) => {
  refused({ telemetry }, message);
});

test.each([true, {}, { debug: 1 }])("the logger %j is refused", (logger) => {
  refused({ logger }, "logger must have a method debug");
});

test.each([
  [{ timeoutMS: 1 }, 'timeoutMS is not known; did you mean "timeoutMs"?'],
  [{ timeout: 1 }, 'timeout is not known; did you mean "timeoutMs"?'],
  [{ header: {} }, 'header is not known; did you mean "headers"?'],
  [{ tls: { servername: "h" } }, 'tls.servername is not known; did you mean "serverName"?'],
  [{ auth: { basic: { user: "a", password: "b" } } }, 'auth.basic.user is not known; did you mean "username"?'],
  [{ con: 1 }, 'con is not known; did you mean "concurrency"?'],
  [{ bearer: "t" }, "bearer is not known; there are headers, auth"],
  [{ qwertyuiop: 1 }, "qwertyuiop is not known; there are headers, auth"],
])("the unknown key in %j is named with the nearest known one", (options, message) => {
  refused(options, message);
});

test.each([
  ["x-tenant\r\nx-other", "a"],
  ["x tenant", "a"],
  ["", "a"],
  ["x-tenant", "a\r\nx-other: b"],
  ["x-tenant", "a\0"],
  ["x-tenant", "日本"],
  ["x-tenant", 1],
  ["Content-Length", "5"],
  ["Transfer-Encoding", "chunked"],
])("the header %j: %j is refused", (name, value) => {
  refused({ headers: { [name]: value } }, /^prometheus: headers/);
});

test("a header given in two spellings is refused", () => {
  refused({ headers: { "X-Tenant": "a", "x-tenant": "b" } }, "is given twice");
});

test.each([
  [{ auth: {} }, "must be either"],
  [{ auth: { bearer: "a", basic: { username: "a", password: "b" } } }, "must be either"],
  [{ auth: { bearer: "a", apiKey: "b" } }, "must be either"],
  [{ auth: { apiKey: "ApiKey b" } }, "auth.apiKey must be the encoded key"],
  [{ auth: { bearer: "" } }, "auth.bearer must be a token"],
  [{ auth: { bearer: "Bearer abc" } }, "auth.bearer must be a token"],
  [{ auth: { bearer: "abc\n" } }, "auth.bearer must be a token"],
  [{ auth: { basic: { username: "a:b", password: "c" } } }, 'may not hold ":"'],
  [{ auth: { bearer: "a" }, headers: { Authorization: "b" } }, "given twice"],
  [{ tls: { cert: "pem" } }, "must have cert and key together"],
  [{ tls: { ca: 5 } }, "tls.ca must be PEM"],
  [{ tls: { insecure: "yes" } }, "tls.insecure must be true or false"],
  ["http://h", "must be an object"],
  [null, "must be an object"],
])("the options %j are refused", (options, message) => {
  refused(options, message);
});

test("credentials in both the URL and the options are refused", () => {
  refused({ auth: { bearer: "token" } }, "keep one of them", "https://u:p@h");
});

test("tls options on an http URL are refused", () => {
  refused({ tls: { insecure: true } }, "write https:// or leave tls out", "http://h");
});

test("an option that is undefined counts as left out", () => {
  expect(() => httpClient("prometheus", "http://h", { timeoutMs: undefined } as unknown as HttpOptions)).not.toThrow();
});

test("no message repeats a value that could be secret", () => {
  const wrong = [
    { auth: { bearer: "can ary" } },
    { auth: { basic: { username: "can:ary", password: "can" } } },
    { headers: { "x-key": "can\nary" } },
  ];
  for (const options of wrong) {
    expect(() => httpClient("prometheus", "https://h", options as HttpOptions)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("can") }),
    );
  }
});
