import { alert, labelOf, logLines, record, ruleFile, ruleGroup, text, value, valueAs } from "../../src/alerts/index.ts";
import { createMesh } from "../../src/index.ts";

/** Rules of every kind that a file can hold, as people write them. */
const mesh = createMesh();
const edge = mesh.edge("frontend", "backend");
const backend = mesh.service("backend");

const failing = alert("BackendFailing", backend.success("5m").by("source_workload").below("99%"))
  .for("10m")
  .keepFiringFor("5m")
  .severity("page")
  .minTraffic(1)
  .annotations({
    summary: text`${labelOf("source_workload")} gets ${valueAs("percentage")} of its answers from backend`,
    runbook_url: "https://runbooks.example.org/backend?from={{x}}&to=#now",
  });
const slow = alert("BackendSlow", edge.latency(0.99, "5m").above("250ms"))
  .for("5m")
  .labels({ severity: "ticket", team: "on", note: "line one\nline two: ü" })
  .annotations({ summary: text`p99 is ${valueAs({ digits: 1 })} ms` });
const silent = alert("BackendSilent", backend.rate("5m").missing()).severity("ticket");
const changed = alert("BackendTrafficChanged", backend.rate("10m").changedBy("50%", { against: "1d" })).for("1h");

export const metricsFile = ruleFile(
  ruleGroup("backend", [
    record("backend:success:ratio5m", backend.success("5m").expr).labels({ team: "shop" }),
    failing,
    slow,
  ]),
  ruleGroup("backend-traffic", [silent, changed], { interval: "30s", limit: 10 }),
);

export const alertsOnly = ruleFile(
  ruleGroup("backend", [failing, slow, silent]),
  ruleGroup("backend-traffic", [changed], { interval: "30s" }),
);

const shop = { origin: { namespace: "shop", container: "istio-proxy" } };
export const logsFile = ruleFile(
  ruleGroup("logs", [
    alert(
      "ManyResets",
      logLines({ ...shop, lines: [{ text: 'upstream_reset "x"' }] }, { window: "5m", by: [{ origin: "app" }] }).above(
        10,
      ),
    )
      .for("2m")
      .severity("page")
      .annotations({ summary: text`${labelOf("app")}: ${value} resets` }),
    alert(
      "SlowAnswers",
      logLines(
        { ...shop, fields: [{ field: "response_code", op: ">=", number: 500 }] },
        { window: "10m", measurement: { kind: "quantile", field: "duration", q: 0.99 }, labels: "alloy" },
      ).atLeast(2500),
    ),
  ]),
);
