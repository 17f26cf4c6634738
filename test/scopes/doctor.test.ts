import { describe, expect, test } from "vitest";
import { createMesh, type MeshOptions, prometheus } from "../../src/index.ts";
import { simulatedMesh } from "../../src/testing/index.ts";
import { AT, recordingBackend, vectorData } from "../metrics/recording-backend.ts";
import { LogStore } from "./log-store.ts";

const statuses = async (options: MeshOptions) => {
  const checkup = await createMesh({ now: () => AT, ...options }).doctor();
  return Object.fromEntries(Array.from(checkup, ({ signal, name, status }) => [`${signal} ${name}`, status]));
};

test("a mesh that has everything is healthy in every signal", async () => {
  const checkup = await createMesh(simulatedMesh({ seed: 7 }).backends()).doctor();
  expect(checkup.isHealthy).toBe(true);
  expect(checkup.get("metrics", "reporters")?.found).toMatchObject({
    reporters: { destination: expect.any(Number), source: expect.any(Number) },
  });
  expect(checkup.get("metrics", "histogram")?.message).toContain("classic, with bounds of");
  expect(checkup.get("metrics", "scrape interval")?.status).not.toBe("failed");
  for (const [signal, name] of [
    ["metrics", "labels"],
    ["traces", "spans"],
    ["logs", "lines"],
    ["logs", "format"],
    ["logs", "labels"],
  ] as const) {
    expect([signal, name, checkup.get(signal, name)?.status]).toEqual([signal, name, "ok"]);
  }
});

test("a mesh without backends is told how to give them", async () => {
  const checkup = await createMesh().doctor();
  expect(checkup.checks.map(({ status }) => status)).toEqual(["skipped", "skipped", "skipped"]);
  expect(checkup.remedies[0]).toBe('createMesh({ metrics: prometheus("http://prometheus:9090") })');
});

test("a server that is not there fails, and nothing more is asked of it", async () => {
  const metrics = prometheus("http://127.0.0.1:9", { retries: 0 });
  const checkup = await createMesh({ metrics }).doctor();
  expect(checkup.isHealthy).toBe(false);
  expect(checkup.checks.filter(({ signal }) => signal === "metrics").map(({ name, status }) => [name, status])).toEqual(
    [["reachable", "failed"]],
  );
  expect(checkup.get("metrics", "reachable")?.found).toEqual({ code: "refused", retryable: true });
});

describe("of metrics", () => {
  const over = (answers: Readonly<Record<string, ReturnType<typeof vectorData>>>, timeMs = AT) =>
    recordingBackend({
      instant: (promql) => {
        if (promql === "time()") return { kind: "scalar", timeMs, value: timeMs / 1000 };
        const found = Object.entries(answers).find(([part]) => promql.includes(part));
        return found?.[1] ?? vectorData();
      },
    });
  const reporters = (...names: readonly string[]) => vectorData(...names.map((reporter) => [{ reporter }, 3] as const));

  test("that are not Istio's, it says what to scrape", async () => {
    const checkup = await createMesh({ metrics: over({}), now: () => AT }).doctor();
    expect(checkup.isHealthy).toBe(false);
    expect(checkup.remedies).toContain(
      "scrape the proxies' port 15090, path /stats/prometheus (Istio's prometheus.io annotations do so)",
    );
  });

  test.each([
    [["source"], "only source reports"],
    [["destination"], "no caller does"],
  ])("of which %j report, it says whose proxies are missing", async (names, text) => {
    const metrics = over({ "count by (reporter) (istio_requests_total)": reporters(...names) });
    const checkup = await createMesh({ metrics, now: () => AT }).doctor();
    expect(checkup.get("metrics", "reporters")?.message).toContain(text);
    expect(checkup.get("metrics", "reporters")?.status).toBe("warning");
  });

  test("of which a label was dropped, it says what has no answer then", async () => {
    const labels = vectorData([{ reporter: "destination", source_workload: "a", team: "x" }, 3]);
    const checkup = await createMesh({ metrics: over({ topk: labels }), now: () => AT }).doctor();
    const check = checkup.get("metrics", "labels");
    expect(check?.message).toContain("source_principal (identity)");
    expect(check?.found).toMatchObject({ own: ["team"] });
  });

  test("by another clock, it says by how much", async () => {
    const checkup = await createMesh({ metrics: over({}, AT + 90_000), now: () => AT }).doctor();
    expect(checkup.get("metrics", "reachable")).toMatchObject({ status: "warning", found: { clockAheadMs: 90_000 } });
    expect(String(checkup)).toContain(
      "! metrics reachable: its clock is 1m30s ahead of this one\n    → set both clocks",
    );
  });
});

describe("of access logs", () => {
  const line = (text: string) => ({
    timestampNs: BigInt(AT - 60_000) * 1_000_000n,
    line: text,
    origin: { container: "istio-proxy" },
    labels: {},
  });

  test("without lines it says how to turn them on", async () => {
    expect(await statuses({ logs: new LogStore([]) })).toMatchObject({
      "logs reachable": "ok",
      "logs lines": "warning",
    });
  });

  test("that it cannot read, it says where to give the format", async () => {
    const logs = new LogStore([line("what is this"), line("and this")]);
    const checkup = await createMesh({ logs, now: () => AT }).doctor();
    expect(checkup.get("logs", "format")).toMatchObject({
      status: "failed",
      found: { lines: 2, unparsed: 2, example: expect.any(String) },
    });
    expect(checkup.get("logs", "labels")?.message).toBe("no line tells its namespace or pod");
  });
});
