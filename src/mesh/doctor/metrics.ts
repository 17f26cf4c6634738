import type { InstantData, MetricsBackend } from "../../metrics/backend.ts";
import { aggregate, by, call, type Expr, matcher, number, selector } from "../../promql/index.ts";
import { labelValue } from "../../results/labels.ts";
import { type AskOptions, formatDuration } from "../../time.ts";
import type { KnownHistograms } from "../histograms.ts";
import { ISTIO_LABELS, METRICS } from "../istio.ts";
import { type Check, checked, type Finding, looked } from "./check.ts";
import { arrive, clockFinding, describer } from "./server.ts";

const SCRAPE = "scrape the proxies' port 15090, path /stats/prometheus (Istio's prometheus.io annotations do so)";
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

/** How the mesh was told that its histograms are kept. */
export type HistogramSetting = KnownHistograms | "auto";

/** Looks at the backend of metrics: is it there, and are Istio's metrics in it? */
export async function metricsChecks(
  backend: MetricsBackend | undefined,
  histograms: HistogramSetting,
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
  let clock: readonly Check[] = [];
  const { answers, checks } = await arrive({
    signal: "metrics",
    ask: async () => {
      const time = await ask(call("time"));
      if (time.kind === "scalar") clock = [checked("metrics", "clock", clockFinding(time.value * 1000, now()))];
      return { status: "ok", message: "it answers" };
    },
    describe: describer(backend, options),
    now,
  });
  if (!answers) return checks;
  const rest = await Promise.all([
    looked("metrics", "reporters", async () => reportersFinding(await ask(counts("reporter", METRICS.requests)))),
    looked("metrics", "tcp", async () => tcpFinding(await ask(counts("reporter", METRICS.tcpOpened)))),
    looked("metrics", "labels", async () => labelsFinding(await ask(samples()))),
    looked("metrics", "histogram", async () => {
      const [classic, native] = [
        counts("le", `${METRICS.duration}_bucket`),
        aggregate("count", selector(METRICS.duration)),
      ];
      return histogramFinding(await ask(classic), await ask(native), histograms);
    }),
    looked("metrics", "scrape interval", async () =>
      intervalFinding((await backend.findScrapeInterval?.(options)) ?? backend.scrapeIntervalMs),
    ),
  ]);
  return [...checks, ...clock, ...rest];
}

const counts = (label: string, metric: string): Expr => aggregate("count", selector(metric), { grouping: by(label) });

/** A few series of each reporter, with all their labels. */
const samples = (): Expr =>
  aggregate("topk", selector(METRICS.requests, [matcher("reporter", "!=", "")]), {
    param: number(5),
    grouping: by("reporter"),
  });

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
  const message = "there are no counters of TCP: none is used, or they are dropped";
  const remedy = "where TCP is used, keep istio_tcp_* when scraping, and name the services' ports or set appProtocol";
  return { status: "warning", message, remedy, found };
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

function histogramFinding(classic: InstantData, native: InstantData, histograms: HistogramSetting): Finding {
  const bounds = [...rows(classic, "le").keys()]
    .filter((bound) => bound !== "")
    .map((bound) => (bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound)))
    .sort((a, b) => a - b);
  const isNative = native.kind === "vector" && native.labels.length > 0;
  const kinds = [...(bounds.length === 0 ? [] : ["classic"]), ...(isNative ? ["native"] : [])];
  const found = { kind: kinds.at(-1), kinds, bounds };
  if (kinds.length === 0) {
    const remedy = "keep istio_request_duration_milliseconds_bucket when scraping: latency needs it";
    return { status: "warning", message: "there are no buckets of durations", remedy, found };
  }
  const classicText = `classic, with bounds of ${bounds.filter(Number.isFinite).join(", ")} ms`;
  const message = kinds.map((kind) => (kind === "native" ? "native" : classicText)).join(" and ");
  if (histograms === "auto" || kinds.includes(histograms)) return { status: "ok", message, found };
  const remedy = `write createMesh({ histograms: "${kinds[0]}" })`;
  return { status: "warning", message: `${message}, and the mesh is told of ${histograms} ones`, remedy, found };
}

function intervalFinding(ms: number | undefined): Finding {
  if (ms === undefined) {
    const remedy = 'say how often: prometheus(url, { scrapeInterval: "15s" })';
    return { status: "skipped", message: "nothing tells how often proxies are scraped", remedy };
  }
  const found = { scrapeIntervalMs: ms };
  const message = `${formatDuration(Math.round(ms))}: windows should span at least ${formatDuration(Math.round(4 * ms))}`;
  return { status: "ok", message, found };
}
