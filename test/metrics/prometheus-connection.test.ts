import { describe, expect, test } from "vitest";
import { MeshQueryError, TimeoutError, TransportError } from "../../src/errors.ts";
import { prometheus } from "../../src/metrics/prometheus/prometheus.ts";
import { selector } from "../../src/promql/index.ts";
import { accepting, answering, freePort } from "../http/listener.ts";

const up = selector("up");
const GRID = { startMs: 1000, endMs: 2500, stepMs: 500 };

async function failureOf(question: Promise<unknown>): Promise<MeshQueryError> {
  const error = await question.then(
    () => new Error("it was answered"),
    (reason: unknown) => reason,
  );
  if (error instanceof MeshQueryError) return error;
  throw error;
}

describe("no answer", () => {
  test("from a port where nothing listens", async () => {
    const error = await failureOf(prometheus(`http://127.0.0.1:${await freePort()}`, { retries: 0 }).instant(up, 0));
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ code: "refused", retryable: true, backend: "prometheus" });
    expect(error.message).toMatch(/^prometheus: GET \/api\/v1\/query: .*127\.0\.0\.1/);
  });

  test("within the deadline of the question", async () => {
    const silent = await accepting(() => {});
    try {
      const startMs = performance.now();
      const error = await failureOf(prometheus(silent.url).instant(up, 0, { timeoutMs: 150 }));
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).toMatchObject({ code: "deadline", retryable: true, timeoutMs: 150, backend: "prometheus" });
      expect(error.message).toContain("gave no whole answer within 150 ms; ask for less, or raise timeoutMs");
      expect(performance.now() - startMs).toBeLessThan(5000);
    } finally {
      await silent.close();
    }
  });

  test("to who gave up while it came, but the reason given", async () => {
    const slow = await answering((_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"status":"success",');
    });
    try {
      const controller = new AbortController();
      const reason = new RangeError("the page was closed");
      const question = prometheus(slow.url).range(up, GRID, { signal: controller.signal });
      setTimeout(() => controller.abort(reason), 100);
      await expect(question).rejects.toBe(reason);
      await slow.allClosed();
    } finally {
      await slow.close();
    }
  });

  test("to who gave up before", async () => {
    const error = await prometheus("http://127.0.0.1:9")
      .instant(up, 0, { signal: AbortSignal.abort() })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "AbortError" });
  });

  test("that ended in the middle", async () => {
    const cutting = await answering((_, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write('{"status":');
      setTimeout(() => response.destroy(), 20);
    });
    try {
      const error = await failureOf(prometheus(cutting.url, { retries: 0 }).instant(up, 0));
      expect(error).toBeInstanceOf(TransportError);
      expect(error).toMatchObject({ code: "reset", retryable: true });
    } finally {
      await cutting.close();
    }
  });
});

test("who shares an answer with others has columns of its own", async () => {
  let requests = 0;
  const server = await answering((request, response) => {
    if (!request.url?.includes("/query_range")) {
      response.writeHead(404).end();
      return;
    }
    requests++;
    const series = (job: string) => ({ metric: { job }, values: [1, 1.5, 2, 2.5].map((time) => [time, `${time}`]) });
    const result = [series("a"), series("b")];
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ status: "success", data: { resultType: "matrix", result } }));
  });
  const client = prometheus(server.url);
  const ask = async () => {
    const { series } = (await client.range(up, GRID)).data;
    const before = series.map(({ timesMs, values }) => [...timesMs, ...values]);
    // Whoever comes later must not see this.
    for (const { timesMs, values } of series) values.fill(timesMs.fill(0)[0] ?? 0);
    return { series, before };
  };
  const answers = await Promise.all(Array.from({ length: 5 }, ask));
  await server.close();
  expect(requests).toBe(1);
  const column = [1000, 1500, 2000, 2500, 1, 1.5, 2, 2.5];
  for (const { before, series } of answers) {
    expect(before).toEqual([column, column]);
    expect(series[0]?.timesMs).toBe(series[1]?.timesMs);
  }
});
