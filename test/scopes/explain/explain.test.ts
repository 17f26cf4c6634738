import { describe, expect, test } from "vitest";
import { BackendError, QueryError } from "../../../src/errors.ts";
import { createMesh } from "../../../src/mesh/mesh.ts";
import {
  type Counter,
  callee,
  caller,
  durations,
  END,
  end,
  type Labels,
  MINUTE,
  meshOf,
  nobody,
  type Rate,
  requests,
  service,
  sumOf,
} from "../counters.ts";
import { linesOf, NOW, type Pod, type Sketch } from "../log-lines.ts";
import { LogStore } from "../log-store.ts";

const FRONTEND = { ...end("source", "frontend"), source_principal: "spiffe://cluster.local/ns/default/sa/frontend" };
const backend = (version = "v1"): Labels => ({
  ...end("destination", "backend"),
  ...service("backend"),
  destination_version: version,
});
const TO_BACKEND = [FRONTEND, backend()];
const failed = { response_code: "503" };

const explained = async (...counters: readonly (Counter | readonly Counter[])[]) =>
  meshOf(counters).mesh.service("backend").explain({ last: "10m" });

const steady = [requests(20, callee, ...TO_BACKEND), durations(20, callee, ...TO_BACKEND)];

describe("nothing is unusual", () => {
  test.each<[string, readonly (Counter | readonly Counter[])[]]>([
    ["without any traffic", []],
    ["where all is as before", steady],
    ["where as much fails as before", [...steady, requests(1, callee, ...TO_BACKEND, failed)]],
    ["for a handful of failures", [...steady, requests([0, 0.006], callee, ...TO_BACKEND, failed)]],
    ["where the traffic grew by half", [requests([20, 30], callee, ...TO_BACKEND)]],
  ])("%s", async (_, counters) => {
    const explanation = await explained(...counters);
    expect(explanation.findings).toEqual([]);
    expect(explanation.isUnusual).toBe(false);
    expect(explanation.toString()).toContain("nothing unusual");
  });
});

test("what fails as much as before is told where it is most of the traffic, and last", async () => {
  const [only, ...others] = (
    await explained(requests(1, callee, ...TO_BACKEND), requests(4, callee, ...TO_BACKEND, failed))
  ).findings;
  expect(others).toEqual([]);
  expect(only).toMatchObject({
    kind: "lasting",
    message: "requests fail as they did before: 503 at 4 req/s (80 % of them, 80 % before)",
    affected: expect.closeTo(4, 6),
    sinceMs: undefined,
    promql: [expect.stringContaining('response_code="503"')],
  });
  const { findings } = await explained(
    requests(1, callee, ...TO_BACKEND),
    requests(6, callee, ...TO_BACKEND, failed),
    requests([0, 2], callee, ...TO_BACKEND, { response_code: "429", response_flags: "RL" }),
  );
  expect(findings.map(({ kind }) => kind)).toEqual(["rate-limited", "lasting"]);
});

describe("the first finding names the cause", () => {
  const first = async (...counters: readonly (Counter | readonly Counter[])[]) => {
    const { findings } = await explained(...counters);
    return [findings[0]?.kind, findings[0]?.message];
  };

  test("failures", async () => {
    expect(
      await first(requests([20, 18], callee, ...TO_BACKEND), requests([0, 2], callee, ...TO_BACKEND, failed)),
    ).toEqual(["errors", "more requests fail: 503 at 2 req/s (10 % of them, 0 % before)"]);
  });

  test("failures of one version", async () => {
    const [kind, message] = await first(
      requests(10, callee, ...TO_BACKEND),
      requests([10, 8], callee, FRONTEND, backend("v2")),
      requests([0, 2], callee, FRONTEND, backend("v2"), failed),
    );
    expect(kind).toBe("failing-version");
    expect(message).toContain("where the version is v2: 503 at 2 req/s");
  });

  test("failures of one caller's requests", async () => {
    const [kind, message] = await first(
      requests(10, callee, ...TO_BACKEND),
      requests([10, 8], callee, end("source", "batch"), backend()),
      requests([0, 2], callee, end("source", "batch"), backend(), failed),
    );
    expect(kind).toBe("failing-caller");
    expect(message).toContain("where the caller is batch.default");
  });

  test("a version that got slow", async () => {
    const slow = [durations(10, callee, FRONTEND, backend("v2")), requests(10, callee, FRONTEND, backend("v2"))].flat();
    const [kind, message] = await first(
      requests(10, callee, ...TO_BACKEND),
      durations(10, callee, ...TO_BACKEND),
      slow.filter(({ metric }) => !metric.endsWith("_sum")),
      sumOf([1000, 4000], callee, FRONTEND, backend("v2")),
    );
    expect(kind).toBe("slow-version");
    expect(message).toContain("version v2 got slower: 400 ms in the mean, 100 ms before");
  });

  test("everything got slow", async () => {
    const [kind] = await first(
      requests(10, callee, ...TO_BACKEND),
      durations(10, callee, ...TO_BACKEND).filter(({ metric }) => !metric.endsWith("_sum")),
      sumOf([1000, 2000], callee, ...TO_BACKEND),
    );
    expect(kind).toBe("slower");
  });

  test("a rate limit", async () => {
    const limited = { response_code: "429", response_flags: "RL" };
    const [kind, message] = await first(...steady, requests([0, 5], callee, ...TO_BACKEND, limited));
    expect(kind).toBe("rate-limited");
    expect(message).toContain("429 RL at 5 req/s");
  });

  test("an identity that is denied", async () => {
    const denied = { response_code: "403" };
    const [kind, message] = await first(
      requests([20, 0], callee, ...TO_BACKEND),
      requests([0, 20], callee, ...TO_BACKEND, denied),
    );
    expect(kind).toBe("denied");
    expect(message).toContain("403 at 20 req/s, of spiffe://cluster.local/ns/default/sa/frontend");
  });

  test("an identity that no longer calls, and a new one", async () => {
    const other = { source_principal: "spiffe://cluster.local/ns/default/sa/other" };
    const { findings } = await explained(
      requests([20, 0], callee, ...TO_BACKEND),
      requests([0, 20], callee, ...TO_BACKEND, other),
    );
    expect(findings.map(({ kind, message }) => [kind, message.split(" (")[0]])).toEqual([
      ["identity", "spiffe://cluster.local/ns/default/sa/frontend called before, and no longer does"],
      ["identity", "spiffe://cluster.local/ns/default/sa/other calls, and did not before"],
    ]);
  });

  test("plaintext that creeps in", async () => {
    const plain = { reporter: "destination", connection_security_policy: "none" };
    const [kind, message] = await first(...steady, requests([0, 2], plain, nobody("source"), backend()));
    expect(kind).toBe("plaintext");
    expect(message).toContain("from callers without a name");
  });

  test("calls that find nobody, though the scope is named by the workload that no longer answers", async () => {
    const lost = [caller, FRONTEND, { ...nobody("destination"), ...service("backend") }];
    const counters = [
      requests([20, 5], callee, ...TO_BACKEND),
      requests([20, 5], caller, ...TO_BACKEND),
      requests([0, 15], ...lost, { response_code: "503", response_flags: "UF" }),
    ];
    const { findings, figures } = await meshOf(counters).mesh.edge("frontend", "backend").explain({ last: "10m" });
    expect(findings[0]?.kind).toBe("unreachable");
    expect(findings[0]?.message).toContain("503 UF at 15 req/s (75 % of them, 0 % before)");
    expect(figures.find(({ name }) => name === "lost")?.after).toBeCloseTo(15, 6);
    expect(findings.some(({ kind }) => kind === "traffic")).toBe(false);
  });

  test("callers that go away, and calls that are tried again", async () => {
    const [kind] = await first(
      ...steady,
      requests([0, 3], callee, ...TO_BACKEND, { response_code: "0", response_flags: "DC" }),
    );
    expect(kind).toBe("given-up");
    const again = await first(requests([20, 30], callee, ...TO_BACKEND), requests(20, caller, ...TO_BACKEND));
    expect(again[1]).toContain("1.50 requests arrive for each that is sent, 1.00 before");
  });

  test.each<[string, Rate]>([
    ["ceased", [20, 0]],
    ["fell", [20, 8]],
    ["grew", [20, 60]],
  ])("traffic that %s", async (how, rate) => {
    expect((await first(requests(rate, callee, ...TO_BACKEND)))[1]).toContain(`the traffic ${how}`);
  });
});

describe("a finding", () => {
  const failing = [requests([20, 10], callee, ...TO_BACKEND), requests([0, 10], callee, ...TO_BACKEND, failed)];

  test("has its figures, the query that shows it, and when it began", async () => {
    const { findings, meta } = await explained(...failing);
    const [finding] = findings;
    expect(finding?.figures).toEqual([
      { name: "share", unit: "ratio", before: 0, after: expect.closeTo(0.5, 9) },
      { name: "rate", unit: "req/s", before: 0, after: expect.closeTo(10, 9) },
    ]);
    expect(finding?.promql).toEqual([
      'sum(rate(istio_requests_total{reporter=~"destination|waypoint",destination_service_name="backend",response_code="503"}[1m20s]))',
    ]);
    expect(finding?.affected).toBeCloseTo(10, 6);
    // It began ten minutes before the end; the course is seen through a window of 80 s.
    expect(Math.abs((finding?.sinceMs ?? 0) - (END - 10 * MINUTE))).toBeLessThanOrEqual(80_000);
    expect(meta.against).toEqual({ fromMs: END - 20 * MINUTE, toMs: END - 10 * MINUTE });
  });

  test("takes a bounded number of questions, whatever is found", async () => {
    const { mesh, backend: asked } = meshOf(failing);
    await mesh.service("backend").explain({ last: "10m" });
    expect(asked.asked.length).toBeLessThanOrEqual(6 + 5);
  });

  test("comes without examples where the mesh has no other backends, and says nothing of them", async () => {
    const { findings, meta } = await explained(...failing);
    expect(findings[0]).toMatchObject({ calls: [], traces: [] });
    expect(meta).toMatchObject({ complete: true, warnings: [] });
  });
});

describe("with access logs", () => {
  const from: Pod = { workload: "frontend", ip: "10.0.0.1" };
  const by: Pod = { workload: "backend", ip: "10.0.0.2" };
  /** Calls of a path, one a second, in the window before END - `ago`. */
  const called = (path: string, ago: number, more: { readonly code?: number; readonly ms?: number } = {}) =>
    Array.from({ length: 60 }, (_, i) => ({
      from,
      to: "backend.default",
      path,
      ago: NOW - END + ago + i * 1000,
      ...more,
      attempts: [{ by, ...more }],
    }));
  const edge = (sketches: readonly Sketch[], ...counters: readonly (Counter | readonly Counter[])[]) => {
    const logs = new LogStore(sketches.flatMap(linesOf), 1000);
    return meshOf(counters, { logs }).mesh.edge("frontend", "backend").explain({ last: "10m", examples: 2 });
  };
  const [MINUTE_AGO, EARLIER] = [MINUTE, 11 * MINUTE];

  test("failures are told to be of one path, with calls that show them", async () => {
    const sketches = [
      called("/", MINUTE_AGO),
      called("/", EARLIER),
      called("/cart", EARLIER),
      called("/cart?id=1", MINUTE_AGO, { code: 503 }),
    ].flat();
    const failing = [requests([2, 1], callee, ...TO_BACKEND), requests([0, 1], callee, ...TO_BACKEND, failed)];
    const { findings } = await edge(sketches, failing);
    expect(findings.map(({ kind }) => kind)).toEqual(["failing-path", "errors"]);
    expect(findings[0]?.message).toBe("requests fail on the path /cart: 100 % of 60, 0 % before");
    expect(findings[0]?.calls.map(({ path, code }) => [path, code])).toEqual([
      ["/cart?id=1", 503],
      ["/cart?id=1", 503],
    ]);
  });

  test("slowness is told to be of one path", async () => {
    const sketches = [
      called("/", MINUTE_AGO),
      called("/", EARLIER),
      called("/search", EARLIER, { ms: 20 }),
      called("/search", MINUTE_AGO, { ms: 300 }),
    ].flat();
    const slow = [
      requests(10, callee, ...TO_BACKEND),
      durations(10, callee, ...TO_BACKEND).filter(({ metric }) => !metric.endsWith("_sum")),
      sumOf([150, 1550], callee, ...TO_BACKEND),
    ];
    const { findings } = await edge(sketches, ...slow);
    expect(findings[0]?.message).toBe("requests take longer on the path /search: 300 ms in the middle, 20 ms before");
  });

  test("a backend that does not answer costs its part alone, and is named", async () => {
    const logs = new LogStore([]);
    logs.entries = () => {
      throw new BackendError("unavailable", "store: 503", { backend: "store", status: 503 });
    };
    const failing = [requests([2, 1], callee, ...TO_BACKEND), requests([0, 1], callee, ...TO_BACKEND, failed)];
    const { mesh } = meshOf(failing, { logs });
    const { findings, meta } = await mesh.edge("frontend", "backend").explain({ last: "10m" });
    expect(findings.map(({ kind }) => kind)).toEqual(["errors"]);
    expect(meta.complete).toBe(false);
    expect(meta.warnings).toContain("access logs: store: 503");
  });
});

describe("a report reads", () => {
  test("as text, Markdown and a page, whatever names hold", async () => {
    const hostile = { source_principal: "<b>|`*x*`" };
    const explanation = await explained(
      requests([20, 0], callee, ...TO_BACKEND),
      requests([0, 20], callee, ...TO_BACKEND, hostile),
    );
    expect(explanation.toString()).toContain("<b>|`*x*` calls, and did not before");
    expect(explanation.toMarkdown()).toContain("\\<b\\>\\|\\`\\*x\\*\\` calls");
    expect(explanation.toHTML()).toContain("&lt;b&gt;|`*x*` calls");
    expect(explanation.toHTML()).not.toContain("<b>|");
  });
});

test.each([
  [{ last: "ten minutes" }, "explain: last"],
  [{ last: "10m", against: "yesterday" }, "explain: against"],
  [{ last: "10m", examples: -1 }, "explain: examples is -1"],
])("%j is refused by name", async (options, text) => {
  await expect(meshOf([]).mesh.all().explain(options)).rejects.toThrow(text);
  await expect(createMesh().all().explain(options)).rejects.toThrow(QueryError);
});
