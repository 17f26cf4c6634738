import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type HttpOptions, httpClient } from "../../src/http/client.ts";
import { scriptedEnvironment } from "./environment.ts";

const BASE = "http://prometheus.test:9090";
const network = setupServer();
beforeAll(() => network.listen({ onUnhandledRequest: "error" }));
afterEach(() => network.resetHandlers());
afterAll(() => network.close());

const get = { method: "GET", path: "/api/v1/query", idempotent: true } as const;
const textOf = (body: Uint8Array) => new TextDecoder().decode(body);

/** Answers each request with the next of `answers`, the last one again and again, and keeps the requests. */
function script(method: "get" | "post", url: string, ...answers: (() => Response)[]): Request[] {
  const seen: Request[] = [];
  network.use(
    http[method](url, ({ request }) => {
      seen.push(request.clone());
      const answer = answers[Math.min(seen.length, answers.length) - 1];
      return answer?.();
    }),
  );
  return seen;
}

const ok = () => HttpResponse.json({ status: "success" });
const status =
  (code: number, headers: Record<string, string> = {}) =>
  () =>
    new HttpResponse(`status ${code}`, { status: code, headers });

describe("an answer", () => {
  test("comes back whole, with its media type in lower case", async () => {
    script(
      "get",
      `${BASE}/api/v1/query`,
      () =>
        new HttpResponse('{"a":"é"}', {
          headers: { "Content-Type": "Application/JSON; charset=utf-8", "X-Seen": "1" },
        }),
    );
    const answer = await httpClient("prometheus", BASE).send({ ...get, query: [["query", "up"]] });
    expect(answer).toMatchObject({
      status: 200,
      contentType: "application/json",
      headers: { "x-seen": "1" },
      url: `${BASE}/api/v1/query?query=up`,
      tries: 1,
    });
    expect(textOf(answer.body)).toBe('{"a":"é"}');
    expect(answer.tookMs).toBeGreaterThanOrEqual(0);
  });

  test.each([204, 400, 401, 403, 404, 422, 500, 501])(
    "with the status %d comes back as it is, after one try",
    async (code) => {
      const seen = script("get", `${BASE}/api/v1/query`, () => new HttpResponse(null, { status: code }));
      const answer = await httpClient("prometheus", BASE).send(get);
      expect(answer).toMatchObject({ status: code, contentType: "", tries: 1 });
      expect(answer.body).toHaveLength(0);
      expect(seen).toHaveLength(1);
    },
  );

  test("that looks like JSON and is none comes back as bytes", async () => {
    script(
      "get",
      `${BASE}/api/v1/query`,
      () => new HttpResponse("{", { headers: { "content-type": "application/json" } }),
    );
    expect(textOf((await httpClient("prometheus", BASE).send(get)).body)).toBe("{");
  });

  test("carries no cookies", async () => {
    script("get", `${BASE}/api/v1/query`, () => new HttpResponse("", { headers: { "set-cookie": "a=b" } }));
    expect((await httpClient("prometheus", BASE).send(get)).headers).not.toHaveProperty("set-cookie");
  });
});

describe("a request", () => {
  test("sends a form as it is given", async () => {
    const seen = script("post", `${BASE}/api/v1/query`, ok);
    const form = [
      ["query", 'up{a="b c&d"}'],
      ["time", "0"],
    ] as const;
    await httpClient("prometheus", BASE).send({ ...get, method: "POST", form });
    expect(seen[0]?.headers.get("content-type")).toBe("application/x-www-form-urlencoded");
    expect([...new URLSearchParams(await seen[0]?.text())]).toEqual(form);
  });

  test("sends JSON as it is given", async () => {
    const seen = script("post", `${BASE}/_search`, ok);
    await httpClient("elasticsearch", BASE).send({ ...get, method: "POST", path: "/_search", json: { size: 1 } });
    expect(seen[0]?.headers.get("content-type")).toBe("application/json");
    expect(await seen[0]?.json()).toEqual({ size: 1 });
  });

  test("carries the client's headers, its own over them, and no default of axios", async () => {
    const seen = script("get", `${BASE}/api/v1/query`, ok);
    const options: HttpOptions = { headers: { "X-Scope-OrgID": "a", "X-Both": "client" } };
    await httpClient("prometheus", BASE, options).send({
      ...get,
      accept: "text/plain",
      headers: { "x-both": "request" },
    });
    expect(Object.fromEntries(seen[0]?.headers ?? [])).toMatchObject({
      "x-scope-orgid": "a",
      "x-both": "request",
      accept: "text/plain",
      "accept-encoding": "gzip, deflate, br",
      "user-agent": "meshquery",
    });
  });

  test("with a header that would split it is refused and not sent", async () => {
    const sent = httpClient("prometheus", BASE).send({ ...get, headers: { "x-tenant": "a\r\nb: c" } });
    await expect(sent).rejects.toMatchObject({ name: "QueryError", code: "config" });
  });

  test.each([0, -5, Number.NaN])("with the deadline %d is refused and not sent", async (timeoutMs) => {
    await expect(httpClient("prometheus", BASE).send({ ...get, timeoutMs })).rejects.toMatchObject({ code: "timeout" });
  });

  test("below a base path keeps that path", async () => {
    const seen = script("get", `${BASE}/prom/api/v1/query`, ok);
    await httpClient("prometheus", `${BASE}/prom/`).send(get);
    expect(seen).toHaveLength(1);
  });
});

describe("credentials", () => {
  const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

  test.each([
    ["basic", BASE, { auth: { basic: { username: "mé", password: "p:w" } } }, basic("mé:p:w")],
    ["a bearer token", BASE, { auth: { bearer: "abc.def" } }, "Bearer abc.def"],
    ["an API key", BASE, { auth: { apiKey: "aWQ6a2V5" } }, "ApiKey aWQ6a2V5"],
    ["a function that gives a token", BASE, { auth: { bearer: (): string => "t1" } }, "Bearer t1"],
    ["a function that promises a token", BASE, { auth: { bearer: async (): Promise<string> => "t2" } }, "Bearer t2"],
    ["the URL", "http://me%40x:p%3Aw@prometheus.test:9090", {}, basic("me@x:p:w")],
  ] as const)("from %s are sent", async (_, url, options, authorization) => {
    const seen = script("get", `${BASE}/api/v1/query`, ok);
    await httpClient("prometheus", url, options).send(get);
    expect(seen[0]?.headers.get("authorization")).toBe(authorization);
  });

  test("are asked for anew before every try", async () => {
    const seen = script("get", `${BASE}/api/v1/query`, status(503), ok);
    let count = 0;
    const auth = { bearer: () => `token-${++count}` };
    await httpClient("prometheus", BASE, { auth }, scriptedEnvironment()).send(get);
    expect(seen.map((request) => request.headers.get("authorization"))).toEqual(["Bearer token-1", "Bearer token-2"]);
  });

  test("that cannot be had are a TransportError without what the function's error carried", async () => {
    const bearer = () => Promise.reject(Object.assign(new Error("sso is down"), { config: { secret: "canary" } }));
    const sent = httpClient("prometheus", BASE, { auth: { bearer } }).send(get);
    await expect(sent).rejects.toMatchObject({
      name: "TransportError",
      message: expect.stringContaining("sso is down"),
    });
    await expect(sent).rejects.not.toHaveProperty("cause.config");
  });

  test.each(["", "a\nb", undefined, 5])("that a function gives as %j are a QueryError", async (token) => {
    const sent = httpClient("prometheus", BASE, { auth: { bearer: () => token as string } }).send(get);
    await expect(sent).rejects.toMatchObject({ name: "QueryError", code: "config" });
  });
});

describe("a retry", () => {
  test.each([429, 502, 503, 504])("follows the status %d until an answer comes", async (code) => {
    const seen = script("get", `${BASE}/api/v1/query`, status(code), status(code), ok);
    const environment = scriptedEnvironment({ random: 0.5 });
    const answer = await httpClient("prometheus", BASE, {}, environment).send(get);
    expect(answer).toMatchObject({ status: 200, tries: 3, tookMs: 300 });
    expect(environment.pauses).toEqual([100, 200]);
    expect(seen).toHaveLength(3);
  });

  test("ends with the last answer when the tries are spent", async () => {
    const seen = script("get", `${BASE}/api/v1/query`, status(503));
    const answer = await httpClient("prometheus", BASE, { retries: 4 }, scriptedEnvironment()).send(get);
    expect(answer).toMatchObject({ status: 503, tries: 5 });
    expect(textOf(answer.body)).toBe("status 503");
    expect(seen).toHaveLength(5);
  });

  test("repeats a POST with its body", async () => {
    const seen = script("post", `${BASE}/api/v1/query`, status(502), ok);
    const request = { ...get, method: "POST", form: [["query", "up"]] } as const;
    await httpClient("prometheus", BASE, {}, scriptedEnvironment()).send(request);
    expect(await Promise.all(seen.map((one) => one.text()))).toEqual(["query=up", "query=up"]);
  });

  test("does not follow where the request may not be repeated, or no retries are wanted", async () => {
    script("get", `${BASE}/api/v1/query`, status(503));
    expect((await httpClient("prometheus", BASE).send({ ...get, idempotent: false })).tries).toBe(1);
    expect((await httpClient("prometheus", BASE, { retries: 0 }).send(get)).tries).toBe(1);
  });

  test.each([
    ["seconds", "3", [3_000]],
    ["an HTTP date", "Fri, 20 Nov 2026 10:00:05 GMT", [5_000]],
    ["nonsense", "later", [100]],
  ])("waits as long as Retry-After says in %s", async (_, header, pauses) => {
    script("get", `${BASE}/api/v1/query`, status(429, { "retry-after": header }), ok);
    const environment = scriptedEnvironment({ nowMs: Date.parse("2026-11-20T10:00:00Z") });
    await httpClient("prometheus", BASE, {}, environment).send(get);
    expect(environment.pauses).toEqual(pauses);
  });

  test("is not waited for when Retry-After leads past the deadline", async () => {
    script("get", `${BASE}/api/v1/query`, status(429, { "retry-after": "60" }), ok);
    const environment = scriptedEnvironment();
    const answer = await httpClient("prometheus", BASE, { timeoutMs: 30_000 }, environment).send(get);
    expect(answer).toMatchObject({ status: 429, tries: 1, headers: { "retry-after": "60" } });
    expect(environment.pauses).toEqual([]);
  });
});

describe("a redirect", () => {
  const moved = (location: string, code = 302) => status(code, { location });

  test.each([301, 302, 303, 307, 308])("with %d within the origin is followed, headers and all", async (code) => {
    script("get", `${BASE}/api/v1/query`, moved("/prom/api/v1/query?query=up", code));
    const seen = script("get", `${BASE}/prom/api/v1/query`, ok);
    const options = { auth: { bearer: "abc" }, headers: { "x-tenant": "a" } };
    const answer = await httpClient("prometheus", BASE, options).send(get);
    expect(answer).toMatchObject({ status: 200, tries: 1, url: `${BASE}/prom/api/v1/query?query=up` });
    expect(Object.fromEntries(seen[0]?.headers ?? [])).toMatchObject({ authorization: "Bearer abc", "x-tenant": "a" });
  });

  test.each([
    "http://elsewhere.test/",
    "http://prometheus.test:9091/",
    "https://prometheus.test:9090/",
    "//elsewhere.test/",
  ])("to %s comes back as it is, and nothing is sent there", async (location) => {
    script("get", `${BASE}/api/v1/query`, moved(location));
    const answer = await httpClient("prometheus", BASE).send(get);
    expect(answer).toMatchObject({ status: 302, headers: { location } });
  });

  test("of a POST comes back as it is", async () => {
    script("post", `${BASE}/api/v1/query`, moved("/elsewhere", 307));
    expect((await httpClient("prometheus", BASE).send({ ...get, method: "POST" })).status).toBe(307);
  });

  test("that never ends is given up after five", async () => {
    const seen = script("get", `${BASE}/api/v1/query`, moved("/api/v1/query"));
    expect((await httpClient("prometheus", BASE).send(get)).status).toBe(302);
    expect(seen).toHaveLength(6);
  });

  test("to a sign-in page is shown without its credentials", async () => {
    script("get", `${BASE}/api/v1/query`, moved("https://u:canary@sso.test/?id_token=canary&next=x"));
    const answer = await httpClient("prometheus", BASE).send(get);
    expect(answer.headers.location).toBe("https://sso.test/?id_token=REDACTED&next=x");
  });
});
