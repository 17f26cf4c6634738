import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { BackendError, prometheus, TransportError } from "../../../src/index.ts";
import { parse } from "../../../src/promql/index.ts";
import { until } from "../../mesh/processes.ts";
import { type SinglePrometheus, singlePrometheus } from "../single-prometheus.ts";

/** Takes a server longer than these tests wait; at each of its millions of steps the server looks whether to go on. */
const SLOW = parse("sum_over_time((vector(time()) + vector(time()))[2h:1ms])");
const one = parse("vector(1)");
let server: SinglePrometheus;
beforeAll(async () => {
  server = await singlePrometheus({ target: "self", flags: ["--query.max-samples=2000000000"] });
});
afterAll(() => server?.stop());

/** Waits until the server evaluates as many queries as it should: the one that asks is another. */
async function running(count: number): Promise<void> {
  await until(`${count} queries to run`, 20_000, async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return Number(/^prometheus_engine_queries (\d+)$/m.exec(text)?.[1]) === count;
  });
}

const failureOf = (asked: Promise<unknown>) => asked.catch((error: unknown) => error);

it("a query that takes too long is ended by the server too, at the deadline that it was sent", async () => {
  const client = prometheus(server.url, { retries: 0 });
  const asked = failureOf(client.instant(SLOW, 0, { timeoutMs: 4_000 }));
  await running(1);
  expect(await asked).toMatchObject({ retryable: true, code: expect.stringMatching(/^(deadline|timeout)$/) });
  await running(0);
});

it("a query whose caller gives up is ended by the server too", async () => {
  const controller = new AbortController();
  const asked = failureOf(prometheus(server.url).instant(SLOW, 0, { signal: controller.signal }));
  await running(1);
  controller.abort("enough");
  expect(await asked).toBe("enough");
  await running(0);
});

it("a server's own limit of time is told as such, and not asked for again", async () => {
  const limited = await singlePrometheus({ flags: ["--query.timeout=1s", "--query.max-samples=2000000000"] });
  try {
    const error = await failureOf(prometheus(limited.url, { retries: 5 }).instant(SLOW, 0));
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({ code: "timeout", retryable: true, status: 503 });
    expect((error as BackendError).message).toMatch(/query timed out/);
  } finally {
    await limited.stop();
  }
});

it("a server that is killed in the middle of a query is a broken connection, and answers again once it is back", async () => {
  const client = prometheus(server.url, { retries: 0 });
  const asked = failureOf(client.instant(SLOW, 0));
  await running(1);
  server.kill();
  const broken = await asked;
  expect(broken).toBeInstanceOf(TransportError);
  expect(broken).toMatchObject({ code: "reset", retryable: true, backend: "prometheus" });
  // Until the kernel has cleared up, its port may still take connections.
  expect(await failureOf(client.instant(one, 0))).toMatchObject({
    code: expect.stringMatching(/^(refused|reset)$/),
    retryable: true,
  });

  const patient = prometheus(server.url, { retries: 100, timeoutMs: 60_000 }).instant(one, 0);
  await sleep(500);
  await server.restart();
  expect((await patient).data).toMatchObject({ kind: "vector", labels: [{}] });
  expect((await client.instant(one, 0)).complete).toBe(true);
});
