import type { InstantData, MetricsBackend } from "../../metrics/backend.ts";
import { aggregate, by, call, type Expr, matcher, number, selector } from "../../promql/index.ts";
import { labelValue } from "../../results/labels.ts";
import { type AskOptions, formatDuration } from "../../time.ts";
import { ISTIO_LABELS, METRICS } from "../istio.ts";
import { type Check, checked, type Finding, looked } from "./check.ts";

const SCRAPE = "scrape the proxies' port 15090, path /stats/prometheus (Istio's prometheus.io annotations do so)";
/** A clock that is further off than this moves answers. */
const LATEST_MS = 5_000;
/** Labels without which some question has no answer. */
const NEEDED: Readonly<Partial<Record<(typeof ISTIO_LABELS)[number], string>>> = {
  connection_security_policy: "identity and mTLS shares",
  destination_principal: "identity",
  destination_service_name: "services",
  destination_workload: "edges",
  reporter: "each request counted once",
  request_protocol: "gRPC failures",
  response_code: "errors",
  response_flags: "calls that never arrived",
  source_principal: "identity",
  source_workload: "edges",
};

/** Looks at the backend of metrics: is it there, and are Istio's metrics in it? */
export async function metricsChecks(
  backend: MetricsBackend | undefined,
  now: () => number,
  options: AskOptions,
): Promise<readonly Check[]> {
  if (backend === undefined) {
    return [
      checked("metrics", "reachable", {
        status: "skipped",
        message: "the mesh has no metrics backend",
        remedy: 'createMesh({ metrics: prometheus("http://prometheus:9090") })',
      }),
    ];
  }
  const ask = async (expr: Expr): Promise<InstantData> => (await backend.instant(expr, undefined, options)).data;
  const reachable = await looked("metrics", "reachable", async () => clockFinding(await ask(call("time")), now()));
  if (reachable.status === "failed") return [reachable];
  const rest = await Promise.all([
    looked("metrics", "reporters", async () => reportersFinding(await ask(counts("reporter", METRICS.requests)))),
    looked("metrics", "tcp", async () => tcpFinding(await ask(counts("reporter", METRICS.tcpOpened)))),
    looked("metrics", "labels", async () => labelsFinding(await ask(samples()))),
    looked("metrics", "histogram", async () => histogramFinding(await ask(counts("le", `${METRICS.duration}_bucket`)))),
    looked("metrics", "scrape interval", async () => intervalFinding(await backend.findScrapeInterval?.(options))),
  ]);
  return [reachable, ...rest];
}

const counts = (label: string, metric: string): Expr => aggregate("count", selector(metric), { grouping: by(label) });

/** A few series of each reporter, with all their labels. */
const samples = (): Expr =>
  aggregate("topk", selector(METRICS.requests, [matcher("reporter", "!=", "")]), {
    param: number(5),
    grouping: by("reporter"),
  });

function clockFinding(data: InstantData, nowMs: number): Finding {
  const serverMs = data.kind === "scalar" ? data.value * 1000 : undefined;
  if (serverMs === undefined) return { status: "ok", message: "it answers" };
  const aheadMs = Math.round(serverMs - nowMs);
  const found = { clockAheadMs: aheadMs };
  if (Math.abs(aheadMs) <= LATEST_MS) return { status: "ok", message: "it answers, by the same clock", found };
  const message = `its clock is ${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? "ahead of" : "behind"} this one`;
  return { status: "warning", message, remedy: "set both clocks by NTP", found };
}

function rows(data: InstantData, label: string): ReadonlyMap<string, number> {
  if (data.kind !== "vector") return new Map();
  return new Map(data.labels.map((labels, i) => [labelValue(labels, label), data.values[i] ?? 0]));
}

function reportersFinding(data: InstantData): Finding {
  const reporters = rows(data, "reporter");
  const found = { reporters: Object.fromEntries(reporters) };
  const names = [...reporters.keys()].sort().join(", ");
  if (reporters.size === 0) {
    return { status: "failed", message: `there is no ${METRICS.requests}`, remedy: SCRAPE, found };
  }
  if (!reporters.has("destination") && !reporters.has("waypoint")) {
    const remedy = 'scrape the callees\' proxies too, or write createMesh({ reporter: "source" })';
    return { status: "warning", message: `only ${names} reports; the default reporter is destination`, remedy, found };
  }
  if (!reporters.has("source")) {
    const remedy = "scrape the callers' proxies and gateways too: only they know of calls that never arrived";
    return { status: "warning", message: `${names} report, no caller does`, remedy, found };
  }
  return { status: "ok", message: `${names} report`, found };
}

function tcpFinding(data: InstantData): Finding {
  const reporters = rows(data, "reporter");
  const found = { reporters: Object.fromEntries(reporters) };
  if (reporters.size > 0) return { status: "ok", message: "connections are counted", found };
  return { status: "warning", message: "there are no counters of TCP: none is used, or they are dropped", found };
}

function labelsFinding(data: InstantData): Finding {
  if (data.kind !== "vector" || data.labels.length === 0) {
    return { status: "skipped", message: "there are no series to read labels from" };
  }
  const seen = new Set(data.labels.flatMap((labels) => Object.keys(labels)));
  const missing = ISTIO_LABELS.filter((label) => !seen.has(label));
  const found = { missing, own: [...seen].filter((label) => !ISTIO_LABELS.some((known) => known === label)).sort() };
  const harm = missing.flatMap((label) => (NEEDED[label] === undefined ? [] : [`${label} (${NEEDED[label]})`]));
  if (harm.length === 0) return { status: "ok", message: "Istio's labels are there", found };
  const remedy =
    "keep these labels: look at the Telemetry API's tagOverrides, and at metric_relabel_configs with labeldrop";
  return { status: "warning", message: `labels are missing: ${harm.join(", ")}`, remedy, found };
}

function histogramFinding(data: InstantData): Finding {
  const bounds = [...rows(data, "le").keys()].filter((bound) => bound !== "");
  if (bounds.length === 0) {
    const remedy = "keep istio_request_duration_milliseconds_bucket when scraping: latency needs it";
    return {
      status: "warning",
      message: "there are no buckets of durations",
      remedy,
      found: { kind: undefined, bounds: [] },
    };
  }
  const numbers = bounds
    .map((bound) => (bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound)))
    .sort((a, b) => a - b);
  const message = `classic, with bounds of ${numbers.filter(Number.isFinite).join(", ")} ms`;
  return { status: "ok", message, found: { kind: "classic", bounds: numbers } };
}

function intervalFinding(ms: number | undefined): Finding {
  if (ms === undefined) return { status: "skipped", message: "nothing tells how often proxies are scraped" };
  const found = { scrapeIntervalMs: ms };
  const message = `${formatDuration(Math.round(ms))}: windows should span at least ${formatDuration(Math.round(4 * ms))}`;
  return { status: "ok", message, found };
}
