import { describe, expect, inject, it } from "vitest";
import { createMesh, type Explanation, jaeger, loki, prometheus } from "../../../src/index.ts";
import type { Traffic } from "../../../src/mesh/traffic.ts";
import { partNamed } from "../../mesh/scenario.ts";

const truth = inject("truth");
const mesh = createMesh({
  metrics: prometheus(inject("prometheusUrl"), { scrapeInterval: "1s" }),
  traces: jaeger(inject("jaegerUrl")),
  logs: loki(inject("lokiUrl")),
});

const playMs = truth.measuredToMs - truth.measuredFromMs;
/** What a scrape and its neighbours take at either end of a part. */
const MARGIN_MS = 1500;

interface Within {
  /** Shares of the play: only what of the part lies between them. */
  readonly after?: number;
  readonly until?: number;
}

/** The scope while a part was played, compared with as long a time from the beginning of the play on. */
function during(name: string, scope: Traffic, { after = 0, until = 1 }: Within = {}): Promise<Explanation> {
  const part = partNamed(name);
  const from = truth.measuredFromMs + Math.max(part.from, after) * playMs + MARGIN_MS;
  const to = truth.measuredFromMs + Math.min(part.to, until) * playMs - MARGIN_MS;
  const earlierMs = Math.round(from - (truth.measuredFromMs + MARGIN_MS));
  return scope.explain({ from, to, against: `${earlierMs}ms`, timeoutMs: 60_000 });
}

const backend = mesh.edge("frontend", { service: "backend" });

describe("what was wrong is named first", () => {
  it("failures, with calls and traces of them", async () => {
    // Client errors begin while failures still go on.
    const { findings } = await during("failures", backend, { until: partNamed("client-errors").from });
    const [first] = findings;
    expect(first?.kind).toBe("errors");
    expect(first?.message).toMatch(/50[023] at /);
    expect(first?.calls.length).toBeGreaterThan(0);
    expect(first?.calls.every(({ code }) => code !== undefined && code >= 500)).toBe(true);
    expect(first?.traces.length).toBeGreaterThan(0);
    expect(first?.traces.every((trace) => trace.errors().length > 0)).toBe(true);
  });

  it("a path that fails", async () => {
    const { findings } = await during("failing-path", mesh.edge("frontend", { service: "external" }));
    expect(findings[0]?.kind).toBe("failing-path");
    expect(findings[0]?.message).toContain("/broken: 100 % of");
    expect(findings[0]?.calls.every(({ path }) => path?.startsWith("/broken"))).toBe(true);
  });

  it("a version that got slow", async () => {
    const { findings } = await during("slow-version", backend);
    expect(findings[0]?.kind).toBe("slow-version");
    expect(findings[0]?.message).toContain("version v2 got slower");
    const workloads = findings[0]?.traces.map((trace) => trace.criticalPath().hops[0]?.hop.destination.workload);
    expect(workloads?.length).toBeGreaterThan(0);
    expect(new Set(workloads)).toEqual(new Set(["backend-v2"]));
  });

  it("refusals by the application, which are no policy's", async () => {
    const { findings } = await during("client-errors", backend, {
      after: partNamed("failures").to,
      until: partNamed("slow").from,
    });
    expect(findings[0]?.kind).toBe("client-errors");
    expect(findings.some(({ kind }) => kind === "denied")).toBe(false);
  });

  it("everything that got slow", async () => {
    const { findings } = await during("slow", backend, {
      after: partNamed("client-errors").to,
      until: partNamed("retries").from,
    });
    expect(findings[0]?.kind).toBe("slower");
  });

  it("a rate limit", async () => {
    const { findings } = await during("limited", backend);
    expect(findings[0]?.kind).toBe("rate-limited");
    expect(findings[0]?.message).toContain("429 RL at ");
    expect(findings[0]?.calls.length).toBeGreaterThan(0);
    expect(findings[0]?.calls.every(({ code, rateLimit }) => code === 429 && rateLimit !== undefined)).toBe(true);
  });

  it("an identity that a policy turns away", async () => {
    const { findings } = await during("denied", mesh.edge("stranger", { service: "backend" }));
    expect(findings[0]?.kind).toBe("denied");
    expect(findings[0]?.message).toContain("of spiffe://cluster.local/ns/default/sa/stranger");
    expect(findings[0]?.calls.length).toBeGreaterThan(0);
    expect(findings[0]?.calls.every(({ rbac }) => rbac !== undefined)).toBe(true);
  });

  it("plaintext that creeps in", async () => {
    const { findings } = await during("plaintext", mesh.service("ratings"), { until: 0.35 });
    expect(findings[0]?.kind).toBe("plaintext");
    expect(findings[0]?.message).toContain("from callers without a name");
  });

  it("a host that nobody serves", async () => {
    const { findings } = await during("refused", mesh.edge("frontend", { service: "ghost" }));
    expect(findings[0]?.kind).toBe("unreachable");
    expect(findings[0]?.message).toContain("503 UF at ");
  });

  it("and when it began", async () => {
    const { findings } = await during("limited", backend);
    const began = truth.measuredFromMs + partNamed("limited").from * playMs;
    const { sinceMs = began } = findings[0] ?? {};
    expect(Math.abs(sinceMs - began)).toBeLessThan(10_000);
  });
});

it("nothing is unusual about an edge on which nothing changed", async () => {
  const report = await during("client-errors", mesh.edge("frontend", "recommender"));
  expect(report.findings).toEqual([]);
  expect(report.meta.warnings).toEqual([]);
});
