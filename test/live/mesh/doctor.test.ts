import { expect, inject, it } from "vitest";
import { createMesh, elasticsearch, jaeger, loki, prometheus, zipkin } from "../../../src/index.ts";

const truth = inject("truth");
const metrics = prometheus(inject("prometheusUrl"));
/** Right after the play, when lines and spans of it are the latest. */
const now = () => truth.measuredToMs + 5_000;

it.each([
  ["Jaeger and Loki", { traces: jaeger(inject("jaegerUrl")), logs: loki(inject("lokiUrl")) }],
  [
    "Zipkin and OpenSearch",
    { traces: zipkin(inject("zipkinUrl")), logs: elasticsearch(inject("opensearchUrl"), { index: "logstash-2*" }) },
  ],
])("a real mesh with %s has all that answers need, and the doctor finds so", async (_, backends) => {
  const checkup = await createMesh({ metrics, ...backends, now }).doctor({ timeoutMs: 60_000 });
  expect(checkup.isHealthy).toBe(true);
  expect(checkup.get("metrics", "reporters")).toMatchObject({ status: "ok", message: "destination, source report" });
  expect(checkup.get("metrics", "labels")?.status).toBe("ok");
  expect(checkup.get("metrics", "histogram")?.found).toMatchObject({ kind: "classic" });
  expect(checkup.get("metrics", "scrape interval")?.found).toEqual({ scrapeIntervalMs: 1000 });
  expect(checkup.get("traces", "spans")?.status).toBe("ok");
  expect(checkup.get("traces", "propagation")?.status).toBe("ok");
  for (const name of ["lines", "format", "labels"]) expect(checkup.get("logs", name)?.status).toBe("ok");
});
