import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  BackendError,
  type BackendErrorCode,
  DecodeError,
  type DecodeErrorCode,
  MeshQueryError,
  QueryError,
} from "../../src/errors.ts";
import { type PrometheusOptions, prometheus } from "../../src/metrics/prometheus/prometheus.ts";
import { type Expr, matcher, selector } from "../../src/promql/index.ts";

const BASE = "http://prometheus.test:9090";
const INSTANT = `${BASE}/api/v1/query`;
const RANGE = `${BASE}/api/v1/query_range`;
// Asked once, after the first answer, whose dialect it speaks.
const network = setupServer(
  http.get(`${BASE}/*`, ({ request }) =>
    new URL(request.url).pathname.endsWith("/api/v1/status/buildinfo")
      ? HttpResponse.json({ status: "success", data: { version: "3.16.0" } })
      : undefined,
  ),
);
beforeAll(() => network.listen({ onUnhandledRequest: "error" }));
afterEach(() => network.resetHandlers());
afterAll(() => network.close());

const up = selector("up");
const EMPTY = { status: "success", data: { resultType: "vector", result: [] } };
const SCALAR = { status: "success", data: { resultType: "scalar", result: [1.5, "2"] } };
const NO_SERIES = { status: "success", data: { resultType: "matrix", result: [] } };
const GRID = { startMs: 1000, endMs: 2500, stepMs: 500 };

/** Answers every request to `url` with `answer`, and keeps the requests. */
function answers(
  url: string,
  answer: (request: Request) => Response,
  method: "all" | "get" | "post" = "all",
): Request[] {
  const seen: Request[] = [];
  network.use(
    http[method](url, ({ request }) => {
      seen.push(request.clone());
      return answer(request);
    }),
  );
  return seen;
}

const ask = (expr: Expr = up, options: PrometheusOptions = {}) =>
  prometheus(BASE, { retries: 0, ...options }).instant(expr, 1000);

async function failureOf(question: Promise<unknown>): Promise<MeshQueryError> {
  const error = await question.then(
    () => new Error("it was answered"),
    (reason: unknown) => reason,
  );
  if (error instanceof MeshQueryError) return error;
  throw error;
}

const no = (errorType: string, status: number, error = "the reason") =>
  HttpResponse.json({ status: "error", errorType, error }, { status });

/** A selector whose text is about so long. */
const longSelector = (length: number) => selector("up", [matcher("job", "=", "x".repeat(length))]);

describe("a question is sent", () => {
  test("as a GET with the text and the time in seconds", async () => {
    const [seen, expr] = [
      answers(INSTANT, () => HttpResponse.json(EMPTY)),
      selector("up", [matcher("job", "=", "a+b&c ä")]),
    ];
    await prometheus(BASE).instant(expr, 1_700_000_000_123);
    expect(seen.map((request) => request.method)).toEqual(["GET"]);
    const { searchParams } = new URL(seen[0]?.url ?? "");
    expect([...searchParams]).toEqual([
      ["query", 'up{job="a+b&c ä"}'],
      ["time", "1700000000.123"],
      ["timeout", "30"],
    ]);
    expect(seen[0]?.headers.get("accept")).toBe("application/json");
  });

  test.each([
    [0, "0"],
    [1, "0.001"],
    [1_700_000_000_000, "1700000000"],
    [-1500, "-1.5"],
  ])("for the instant %d ms as time=%s", async (atMs, time) => {
    const seen = answers(INSTANT, () => HttpResponse.json(EMPTY));
    await prometheus(BASE).instant(up, atMs);
    expect(new URL(seen[0]?.url ?? "").searchParams.get("time")).toBe(time);
  });

  test("for now without a time", async () => {
    const seen = answers(INSTANT, () => HttpResponse.json(EMPTY));
    await prometheus(BASE).instant(up, undefined);
    expect([...new URL(seen[0]?.url ?? "").searchParams]).toEqual([
      ["query", "up"],
      ["timeout", "30"],
    ]);
  });

  test("with its deadline, its own or the driver's", async () => {
    const seen = answers(INSTANT, () => HttpResponse.json(EMPTY));
    const backend = prometheus(BASE, { timeoutMs: 2500 });
    await backend.instant(up, 0);
    await backend.instant(up, 0, { timeoutMs: 1200 });
    expect(seen.map(({ url }) => new URL(url).searchParams.get("timeout"))).toEqual(["2.5", "1.2"]);
  });

  test("for a range with its ends and step in seconds", async () => {
    const seen = answers(RANGE, () => HttpResponse.json(NO_SERIES));
    await prometheus(BASE).range(up, GRID);
    expect([...new URL(seen[0]?.url ?? "").searchParams]).toEqual([
      ["query", "up"],
      ["start", "1"],
      ["end", "2.5"],
      ["step", "0.5"],
      ["timeout", "30"],
    ]);
  });

  test.each([
    ["http://prometheus.test:9090/", "/api/v1/query"],
    ["http://prometheus.test:9090/prometheus", "/prometheus/api/v1/query"],
    ["http://prometheus.test:9090/a/b/", "/a/b/api/v1/query"],
  ])("below the path of %s", async (url, path) => {
    const seen = answers(`${BASE}${path}`, () => HttpResponse.json(EMPTY));
    await prometheus(url).instant(up, 0);
    expect(seen).toHaveLength(1);
  });

  test("with the credentials and headers that were given", async () => {
    const seen = answers(INSTANT, () => HttpResponse.json(EMPTY));
    await ask(up, { auth: { bearer: "s3cret" }, headers: { "x-scope-orgid": "team" } });
    await ask(up, { auth: { basic: { username: "ann", password: "pw" } } });
    expect(seen[0]?.headers.get("authorization")).toBe("Bearer s3cret");
    expect(seen[0]?.headers.get("x-scope-orgid")).toBe("team");
    expect(seen[1]?.headers.get("authorization")).toBe(`Basic ${btoa("ann:pw")}`);
  });

  test("as a form in the body where the text is long", async () => {
    const seen = answers(INSTANT, () => HttpResponse.json(EMPTY));
    const [short, long] = [longSelector(1400), longSelector(1500)];
    await ask(short);
    await ask(long);
    expect(seen.map((request) => request.method)).toEqual(["GET", "POST"]);
    expect(new URL(seen[1]?.url ?? "").search).toBe("");
    expect(seen[1]?.headers.get("content-type")).toMatch(/^application\/x-www-form-urlencoded/);
    expect([...new URLSearchParams(await seen[1]?.text())]).toEqual([
      ["query", `up{job="${"x".repeat(1500)}"}`],
      ["time", "1"],
      ["timeout", "30"],
    ]);
  });

  test("as a form where the text is long only once it is encoded", async () => {
    const seen = answers(INSTANT, () => HttpResponse.json(EMPTY));
    await ask(selector("up", [matcher("job", "=", "ä".repeat(300))]));
    expect(seen[0]?.method).toBe("POST");
  });

  test.each([403, 405, 501])("again as a GET where a POST is refused with %d", async (status) => {
    const posts = answers(INSTANT, () => new HttpResponse("no POST here", { status }), "post");
    const gets = answers(INSTANT, () => HttpResponse.json(SCALAR), "get");
    expect((await ask(longSelector(1500))).data).toEqual({ kind: "scalar", timeMs: 1500, value: 2 });
    expect([posts.length, gets.length]).toEqual([1, 1]);
    expect(new URL(gets[0]?.url ?? "").searchParams.get("query")).toHaveLength('up{job=""}'.length + 1500);
  });

  test.each([414, 431])("and the POST's refusal is what is told where the GET is too long (%d)", async (status) => {
    answers(INSTANT, () => new HttpResponse("no POST here", { status: 403 }), "post");
    answers(INSTANT, () => new HttpResponse("too long", { status }), "get");
    expect(await failureOf(ask(longSelector(1500)))).toMatchObject({
      code: "forbidden",
      status: 403,
      message: expect.stringContaining("no POST here"),
    });
  });

  test("nowhere where the answer to a POST is any other no", async () => {
    const seen = answers(INSTANT, () =>
      HttpResponse.json({ status: "error", errorType: "bad_data", error: "x" }, { status: 400 }),
    );
    expect(await failureOf(ask(longSelector(1500)))).toMatchObject({ code: "bad-query" });
    expect(seen).toHaveLength(1);
  });
});

describe("an answer", () => {
  test("is data with what the server said beside it", async () => {
    answers(INSTANT, () =>
      HttpResponse.json({
        status: "success",
        data: { resultType: "vector", result: [{ metric: { job: "a" }, value: [1.5, "+Inf"] }] },
        warnings: ["PromQL warning: x"],
        infos: ["PromQL info: y"],
      }),
    );
    const answer = await ask();
    expect(answer).toMatchObject({ warnings: ["PromQL warning: x"], infos: ["PromQL info: y"], complete: true });
    expect(answer.data).toMatchObject({ kind: "vector", labels: [{ job: "a" }] });
    expect(answer.data.kind === "vector" && [...answer.data.values, ...answer.data.timesMs]).toEqual([
      Number.POSITIVE_INFINITY,
      1500,
    ]);
    expect(answer.tookMs).toBeGreaterThanOrEqual(0);
  });

  test.each<[string, object, boolean]>([
    ["nothing is remarked", {}, true],
    ["the query is remarked on", { warnings: ["PromQL warning: bucket bounds"], infos: ["anything"] }, true],
    ["remarks were cut", { warnings: ["PromQL warning: x", "3 more warning annotations omitted"] }, true],
    ["a store did not answer", { warnings: ["fetch series for x: rpc error: Unavailable"] }, false],
    ["one warning of several is about storage", { warnings: ["PromQL warning: x", "remote read: timeout"] }, false],
    ["VictoriaMetrics says it is partial", { isPartial: true }, false],
    ["VictoriaMetrics says it is whole", { isPartial: false }, true],
  ])("is known to be complete or not where %s", async (_, remarks, complete) => {
    answers(INSTANT, () => HttpResponse.json({ ...EMPTY, ...remarks }));
    answers(RANGE, () => HttpResponse.json({ ...NO_SERIES, ...remarks }));
    expect((await ask()).complete).toBe(complete);
    expect((await prometheus(BASE).range(up, GRID)).complete).toBe(complete);
  });

  test("is read whatever its media type says, as long as it is JSON", async () => {
    answers(
      INSTANT,
      () => new HttpResponse(`\n ${JSON.stringify(EMPTY)}`, { headers: { "content-type": "text/plain" } }),
    );
    expect((await ask()).data).toMatchObject({ kind: "vector", labels: [] });
  });

  test.each<[string, DecodeErrorCode, boolean, () => Response, string]>([
    [
      "nothing (204)",
      "shape",
      false,
      () => new HttpResponse(null, { status: 204 }),
      "answered 204 without a body; is it Prometheus's API?",
    ],
    [
      "nothing (200)",
      "shape",
      false,
      () => new HttpResponse(null),
      "answered 200 without a body; is it Prometheus's API?",
    ],
    [
      "a web page",
      "content-type",
      false,
      () => HttpResponse.html("<h1>Sign in</h1>"),
      "answered with a web page; is the URL that of the API, path prefix included, and not of a login page?",
    ],
    [
      "a web page that says it is JSON",
      "content-type",
      false,
      () => new HttpResponse("\n<!doctype html>", { headers: { "content-type": "application/json" } }),
      "answered with a web page",
    ],
    [
      "half a document",
      "truncated",
      true,
      () => new HttpResponse('{"status":"success","data":{"resultTy'),
      "prometheus",
    ],
    ["words", "syntax", false, () => new HttpResponse("OK"), "prometheus"],
    ["JSON of another API", "shape", false, () => HttpResponse.json({ message: "hello" }), "status"],
    [
      "a matrix",
      "shape",
      false,
      () => HttpResponse.json(NO_SERIES),
      "a matrix came where the value at one instant was asked for",
    ],
  ])("that is %s is not understood (%s)", async (_, code, retryable, answer, message) => {
    answers(INSTANT, answer);
    const error = await failureOf(ask());
    expect(error).toBeInstanceOf(DecodeError);
    expect(error).toMatchObject({ code, retryable, backend: "prometheus", query: "up" });
    expect(error.message).toContain(message);
  });

  test.each([
    ["a vector", EMPTY],
    ["a scalar", SCALAR],
    ["a string", { status: "success", data: { resultType: "string", result: [1, "x"] } }],
  ])("that is %s is not understood as a range", async (what, body) => {
    answers(RANGE, () => HttpResponse.json(body));
    const error = await failureOf(prometheus(BASE).range(up, GRID));
    expect(error).toBeInstanceOf(DecodeError);
    expect(error).toMatchObject({
      code: "shape",
      message: expect.stringContaining(`${what} came where the values over a range`),
    });
  });
});

describe("a no in the API's own words", () => {
  test.each<[string, number, BackendErrorCode, boolean]>([
    ["bad_data", 400, "bad-query", false],
    ["execution", 422, "execution", false],
    ["canceled", 499, "canceled", false],
    ["timeout", 503, "timeout", true],
    ["internal", 500, "internal", false],
    ["unavailable", 500, "unavailable", true],
    ["not_found", 404, "not-found", false],
    ["not_acceptable", 406, "refused", false],
    ["bad_data", 200, "bad-query", false],
    ["unknown_to_us", 400, "bad-query", false],
    ["constructor", 400, "bad-query", false],
    ["", 422, "execution", false],
  ])("%j with status %d is %s", async (errorType, status, code, retryable) => {
    answers(INSTANT, () => HttpResponse.json({ status: "error", errorType, error: "the reason" }, { status }));
    const error = await failureOf(ask());
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({ code, retryable, status, backend: "prometheus", query: "up" });
    expect(error.message).toMatch(
      /^prometheus: http:\/\/prometheus\.test:9090\/api\/v1\/query\?query=up&time=1&timeout=30 answered .*the reason/,
    );
  });

  test("with data and warnings beside the error is a no all the same", async () => {
    const body = {
      status: "error",
      errorType: "execution",
      error: "the reason",
      data: { anything: [1] },
      warnings: ["w"],
    };
    answers(INSTANT, () => HttpResponse.json(body, { status: 422 }));
    expect(await failureOf(ask())).toMatchObject({ code: "execution", message: expect.stringContaining("the reason") });
  });

  test("with a number for its type, as VictoriaMetrics has it, goes by the status", async () => {
    answers(INSTANT, () =>
      HttpResponse.json({ status: "error", errorType: 422, error: "the reason" }, { status: 422 }),
    );
    expect(await failureOf(ask())).toMatchObject({ code: "execution", message: expect.stringContaining("the reason") });
  });

  test("is a timeout where the server's own deadline passed while it loaded series", async () => {
    const body = { status: "error", errorType: "execution", error: "expanding series: context deadline exceeded" };
    answers(INSTANT, () => HttpResponse.json(body, { status: 422 }));
    expect(await failureOf(ask())).toMatchObject({ code: "timeout", retryable: true, status: 422 });
  });

  test("keeps how long the server wants to be left alone", async () => {
    answers(INSTANT, () =>
      HttpResponse.json(
        { status: "error", errorType: "unavailable", error: "x" },
        { status: 500, headers: { "retry-after": "7" } },
      ),
    );
    expect(await failureOf(ask())).toMatchObject({ code: "unavailable", retryAfterMs: 7000 });
  });
});

describe("a no from what stands before the API", () => {
  test.each<[string, () => Response, BackendErrorCode, number, boolean, string]>([
    [
      "a server that is not ready",
      () => new HttpResponse("Service Unavailable", { status: 503 }),
      "unavailable",
      503,
      true,
      "Service Unavailable",
    ],
    [
      "a login page",
      () => HttpResponse.html("<h1>no</h1>", { status: 401 }),
      "unauthorized",
      401,
      false,
      "give credentials: { auth: { bearer",
    ],
    [
      "a page of a proxy",
      () => HttpResponse.html("<h1>bad gateway</h1>", { status: 502 }),
      "unavailable",
      502,
      true,
      "a web page",
    ],
    [
      "a forbidding proxy",
      () => new HttpResponse("RBAC: access denied", { status: 403 }),
      "forbidden",
      403,
      false,
      "RBAC: access denied",
    ],
    [
      "a proxy that speaks JSON",
      () => HttpResponse.json({ message: "token expired" }, { status: 401 }),
      "unauthorized",
      401,
      false,
      "token expired",
    ],
    [
      "another path",
      () => new HttpResponse("404 page not found", { status: 404 }),
      "not-found",
      404,
      false,
      "is the path before the API part of the URL",
    ],
    [
      "a limiter",
      () => new HttpResponse(null, { status: 429 }),
      "rate-limited",
      429,
      true,
      "ask less often, or lower { concurrency }",
    ],
    ["a slow proxy", () => new HttpResponse(null, { status: 504 }), "timeout", 504, true, "answered 504"],
    [
      "half an error",
      () => new HttpResponse('{"status":"error","errorTy', { status: 500 }),
      "internal",
      500,
      false,
      "answered 500",
    ],
    [
      "a success with a failing status",
      () => HttpResponse.json(EMPTY, { status: 500 }),
      "internal",
      500,
      false,
      "answered 500",
    ],
    [
      "a redirection to another host",
      () => new HttpResponse(null, { status: 302, headers: { location: "https://login.test/" } }),
      "redirect",
      302,
      false,
      "give the final URL",
    ],
  ])("%s is told by its status", async (_, answer, code, status, retryable, message) => {
    answers(INSTANT, answer);
    const error = await failureOf(ask());
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({ code, status, retryable, backend: "prometheus", query: "up" });
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("<h1>");
  });

  test("is asked again where it may pass, a form in the body too", async () => {
    for (const expr of [up, longSelector(1500)]) {
      let left = 1;
      const seen = answers(INSTANT, () =>
        left-- > 0 ? new HttpResponse("starting", { status: 503 }) : HttpResponse.json(SCALAR),
      );
      expect((await prometheus(BASE, { retries: 1 }).instant(expr, 0)).data).toMatchObject({ value: 2 });
      expect(seen).toHaveLength(2);
      network.resetHandlers();
    }
  });

  test.each([
    ["that a server is starting, as text", () => new HttpResponse("Service Unavailable", { status: 503 }), 3],
    ["that a store is away", () => no("unavailable", 500), 3],
    ["that the query took all its time", () => no("timeout", 503), 1],
    ["that the query took all its time while it loaded", () => no("execution", 422, "context deadline exceeded"), 1],
    ["that the server broke", () => no("internal", 500), 1],
  ])("that says %s is asked %d times in all", async (_, answer, times) => {
    const seen = answers(INSTANT, answer);
    expect(await failureOf(prometheus(BASE, { retries: 2 }).instant(up, 0))).toBeInstanceOf(BackendError);
    expect(seen).toHaveLength(times);
  });

  test("holds no credential in what it says", async () => {
    answers(INSTANT, ({ headers }) => new HttpResponse(`who is ${headers.get("authorization")}?`, { status: 401 }));
    const error = await failureOf(ask(up, { auth: { bearer: "s3cret-t0ken" } }));
    expect(JSON.stringify([error.message, error.stack, error.cause, error])).not.toContain("s3cret-t0ken");
  });
});

describe("a driver that cannot be meant is refused", () => {
  test.each<[string, () => unknown, string, string]>([
    ["no URL", () => prometheus("prometheus:9090"), "config", "prometheus"],
    ["another protocol", () => prometheus("ftp://prometheus"), "config", "http"],
    ["an unknown option", () => prometheus(BASE, { timeout: 5 } as PrometheusOptions), "config", "timeout"],
    [
      "a scrape interval that is no duration",
      () => prometheus(BASE, { scrapeInterval: "15" }),
      "step",
      'prometheus: scrapeInterval: "15" is not a positive PromQL duration',
    ],
    [
      "a number of points that is none",
      () => prometheus(BASE, { pointsPerRequest: 0 }),
      "config",
      "prometheus: pointsPerRequest is a whole number above 0, not 0",
    ],
    [
      "a URL of the API itself",
      () => prometheus("http://prometheus:9090/api/v1"),
      "config",
      'prometheus: the URL ends in the API\'s own path; leave "/api/v1" out',
    ],
    [
      "a URL of one of its endpoints",
      () => prometheus("http://gateway/prometheus/api/v1/query/"),
      "config",
      'prometheus: the URL ends in the API\'s own path; leave "/api/v1/query/" out',
    ],
  ])("%s", (_, attempt, code, message) => {
    expect(attempt).toThrow(QueryError);
    expect(attempt).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });

  test("or says what it is", () => {
    expect(prometheus(BASE)).toMatchObject({ name: "prometheus", scrapeIntervalMs: undefined });
    expect(prometheus(BASE, { scrapeInterval: "1m" }).scrapeIntervalMs).toBe(60_000);
    expect(prometheus(BASE, { concurrency: 3 }).limits).toEqual({ pointsPerRequest: 11_001, concurrency: 3 });
    expect(prometheus(BASE, { pointsPerRequest: 500 }).limits).toEqual({ pointsPerRequest: 500, concurrency: 8 });
  });
});
