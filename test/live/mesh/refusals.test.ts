import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import {
  BackendError,
  createMesh,
  MeshQueryError,
  type PrometheusOptions,
  prometheus,
  type RangeProgress,
  TransportError,
} from "../../../src/index.ts";
import { freePort, type SinglePrometheus, singlePrometheus } from "../single-prometheus.ts";

const rateAt = (url: string, options: PrometheusOptions = {}) =>
  createMesh({ metrics: prometheus(url, { retries: 0, timeoutMs: 10_000, ...options }) })
    .edge("frontend", "backend")
    .rate("5m");

async function errorOf(promise: PromiseLike<unknown>): Promise<MeshQueryError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof MeshQueryError) return error;
    throw error;
  }
  throw new Error("it was answered, where an error was expected");
}

describe("a server that is not there", () => {
  it("is named with its port where nothing listens", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const error = await errorOf(rateAt(url));
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ code: "refused", retryable: true, backend: "prometheus" });
    expect(error.message).toContain(url);
  });

  it("is named with its host where that has no address", async () => {
    const error = await errorOf(rateAt("http://prometheus.invalid:9090"));
    expect(error).toMatchObject({ name: "TransportError", code: "dns" });
    expect(error.message).toContain("prometheus.invalid");
  });

  it("is told from one that ended between two questions", async () => {
    const server = await singlePrometheus({});
    // The connection kept from the first question is found broken; the second try finds nobody.
    const rate = rateAt(server.url, { retries: 1 });
    expect((await rate).value).toBeUndefined();
    await server.stop();
    expect(await errorOf(rate)).toMatchObject({ name: "TransportError", code: "refused" });
  });
});

describe("a server with users", () => {
  const PASSWORD = "test";
  let server: SinglePrometheus;

  beforeAll(async () => {
    const hash = "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay";
    server = await singlePrometheus({ web: `basic_auth_users: { reader: "${hash}" }\n` });
  });
  afterAll(() => server?.stop());

  it("answers who gives the right name and password", async () => {
    const answer = await rateAt(server.url, { auth: { basic: { username: "reader", password: PASSWORD } } });
    expect(answer).toMatchObject({ value: undefined, meta: { complete: true } });
  });

  it("refuses everyone else with a hint, and without the password in the error", async () => {
    const error = await errorOf(
      rateAt(server.url, { auth: { basic: { username: "reader", password: "wr0ng-pass" } } }),
    );
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({ code: "unauthorized", status: 401, retryable: false });
    expect(error.message).toContain("auth:");
    expect(`${error.message}${error.stack}${JSON.stringify(error)}`).not.toContain("wr0ng-pass");
  });
});

describe("a server below a path", () => {
  let server: SinglePrometheus;

  beforeAll(async () => {
    server = await singlePrometheus({ flags: ["--web.external-url=http://127.0.0.1/metrics/prom"] }).catch((error) => {
      throw new Error("the server does not answer below its path", { cause: error });
    });
  });
  afterAll(() => server?.stop());

  it("is asked below that path", async () => {
    expect((await rateAt(`${server.url}/metrics/prom/`)).value).toBeUndefined();
  });

  it("says that the path is missing where it is", async () => {
    const error = await errorOf(rateAt(server.url));
    expect(error).toMatchObject({ name: "BackendError", code: "not-found", status: 404 });
    expect(error.message).toContain("path");
  });
});

describe("a server with limits", () => {
  it("refuses what loads too many samples as a failed execution, with its own words", async () => {
    const server = await singlePrometheus({ samples: manySeries(50), flags: ["--query.max-samples=10"] });
    try {
      const all = createMesh({ metrics: prometheus(server.url, { retries: 0 }) }).all();
      const error = await errorOf(all.rate("5m").at(1_767_225_600_000));
      expect(error).toMatchObject({ name: "BackendError", code: "execution", status: 422, retryable: false });
      expect(error.message).toContain("too many samples");
      expect(error.query).toBe(all.rate("5m").promql);
    } finally {
      await server.stop();
    }
  });

  it("says that its own time ran out, which may pass", async () => {
    const server = await singlePrometheus({ samples: manySeries(2000), flags: ["--query.timeout=1ms"] });
    try {
      const all = createMesh({ metrics: prometheus(server.url, { retries: 0 }) }).all();
      const error = await errorOf(
        all.rate("5m").by("destination_workload").over({ from: 1_767_225_000_000, to: 1_767_225_600_000, step: "1s" }),
      );
      expect(error).toMatchObject({ name: "BackendError", code: "timeout", retryable: true });
    } finally {
      await server.stop();
    }
  });

  it("answers 11,001 instants at once, and 11,002 in two pieces", async () => {
    const rate = rateAt(inject("prometheusUrl"));
    const to = Date.now();
    for (const [steps, pieces] of [
      [11_000, 1],
      [11_001, 2],
    ] as const) {
      const seen: number[] = [];
      const options = { onProgress: (progress: RangeProgress) => seen.push(progress.total) };
      await rate.over({ from: to - steps * 1000, to, step: "1s" }, options);
      expect(seen).toEqual(Array.from({ length: pieces }, () => pieces));
    }
  });
});

function manySeries(count: number): string {
  const lines = ["# TYPE istio_requests counter"];
  for (let i = 0; i < count; i++) {
    for (let second = -60; second <= 0; second += 15) {
      lines.push(
        `istio_requests_total{reporter="destination",destination_workload="w${i}"} ${second + 60} ${1_767_225_600 + second}`,
      );
    }
  }
  return `${lines.join("\n")}\n# EOF\n`;
}
