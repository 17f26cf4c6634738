import { expect, inject, it } from "vitest";
import { createMesh, elasticsearch, jaeger, loki, prometheus, zipkin } from "../../../src/index.ts";

const truth = inject("truth");
const metrics = prometheus(inject("prometheusUrl"));
/** Right after the play, when lines and spans of it are the latest. */
const now = () => truth.measuredToMs + 5_000;

it.each([
  [
    "Jaeger and Loki",
    { traces: jaeger(inject("jaegerUrl")), logs: loki(inject("lokiUrl")) },
    // Those that are built from source have no version.
    [
      ["Jaeger", undefined, "legacy"],
      ["Loki", undefined, "loki"],
    ],
  ],
  [
    "Jaeger's newer API and OpenSearch",
    {
      traces: jaeger(inject("jaegerUrl"), { api: "v3" }),
      logs: elasticsearch(inject("opensearchUrl"), { index: "logstash-2*" }),
    },
    [
      ["Jaeger", undefined, "v3"],
      ["OpenSearch", "2.19.1", "opensearch"],
    ],
  ],
  [
    "Zipkin and OpenSearch",
    { traces: zipkin(inject("zipkinUrl")), logs: elasticsearch(inject("opensearchUrl"), { index: "logstash-2*" }) },
    [
      ["Zipkin", "3.4.4", "v2"],
      ["OpenSearch", "2.19.1", "opensearch"],
    ],
  ],
])("a real mesh with %s has all that answers need, and the doctor finds so", async (_, backends, servers) => {
  const checkup = await createMesh({ metrics, ...backends, now }).doctor({ timeoutMs: 60_000 });
  expect(checkup.isHealthy).toBe(true);
  for (const signal of ["metrics", "traces", "logs"] as const) {
    expect(checkup.get(signal, "authorised")?.status).toBe("ok");
  }
  expect(checkup.get("metrics", "server")?.found).toMatchObject({
    product: "Prometheus",
    version: expect.stringMatching(/^2\.42\.0/),
    dialect: "prometheus",
  });
  for (const [i, signal] of (["traces", "logs"] as const).entries()) {
    const [product, version, dialect] = servers[i] ?? [];
    expect(checkup.get(signal, "server")).toMatchObject({ status: "ok", found: { product, version, dialect } });
  }
  expect(checkup.get("metrics", "reporters")).toMatchObject({ status: "ok", message: "destination, source report" });
  expect(checkup.get("metrics", "labels")?.status).toBe("ok");
  expect(checkup.get("metrics", "histogram")?.found).toMatchObject({ kind: "classic" });
  expect(checkup.get("metrics", "scrape interval")?.found).toEqual({ scrapeIntervalMs: 1000 });
  expect(checkup.get("traces", "spans")?.status).toBe("ok");
  for (const name of ["naming", "propagation", "proxies' clocks"]) {
    expect([name, checkup.get("traces", name)?.status]).toEqual([name, "ok"]);
  }
  // Every request is sampled; counters are read at scrapes, so that rates over seconds are not exact.
  const sampling = checkup.get("traces", "sampling");
  expect(sampling?.found).toMatchObject({ shareByRequestIds: 1 });
  expect(sampling?.found.share).toBeGreaterThan(0.5);
  expect(sampling?.found.share).toBeLessThan(2);
  for (const name of ["lines", "format", "labels", "request ids"]) expect(checkup.get("logs", name)?.status).toBe("ok");
});

it("one that is told of other things than the servers are says so", async () => {
  const checkup = await createMesh({
    metrics: prometheus(inject("prometheusUrl"), { dialect: "mimir" }),
    histograms: "native",
    logs: loki(inject("lokiUrl"), { labels: { pod: "instance" } }),
    accessLog: { container: "envoy" },
    now,
  }).doctor({ timeoutMs: 60_000 });
  expect(checkup.get("metrics", "server")?.remedy).toContain('{ dialect: "prometheus" }');
  expect(checkup.get("metrics", "histogram")?.remedy).toBe('write createMesh({ histograms: "classic" })');
  expect(checkup.get("logs", "lines")?.remedy).toContain("createMesh({ accessLog: { container } })");
});
