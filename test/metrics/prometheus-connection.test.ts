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
