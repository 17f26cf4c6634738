import type { AskOptions } from "../../time.ts";
import { formatDuration } from "../../time.ts";
import type { TraceBackend } from "../../traces/backend.ts";
import type { Hop } from "../../traces/hop.ts";
import { brokenPropagation } from "../../traces/propagation.ts";
import { type TraceList, TraceSearch } from "../../traces/search.ts";
import type { Span } from "../../traces/span.ts";
import type { Trace } from "../../traces/trace.ts";
import { TRACE_ROWS } from "../../traces/trace-rows.ts";
import { type Check, checked, type Finding, looked } from "./check.ts";
import type { SeenTraces } from "./sampling.ts";
import { arrive, describer } from "./server.ts";

const MINUTES = 15;
const MOST = 100;
const MOST_SERVICES = 20;
const ENABLE = "turn tracing on: meshConfig.extensionProviders and a Telemetry resource with randomSamplingPercentage";
const NTP = "set the nodes' clocks by NTP";

/** What was found of traces, and the traces from which more can be told. */
export interface TracesFound {
  readonly checks: readonly Check[];
  readonly seen?: SeenTraces | undefined;
}

/** Looks at the backend of traces: is it there, are there spans of proxies, and do applications hand the context on? */
export async function tracesChecks(
  backend: TraceBackend | undefined,
  now: () => number,
  options: AskOptions,
): Promise<TracesFound> {
  if (backend === undefined) {
    const message = "the mesh has no tracing backend";
    const remedy = 'createMesh({ traces: jaeger("http://jaeger-query:16686") })';
    return { checks: [checked("traces", "reachable", { status: "skipped", message, remedy })] };
  }
  let services: readonly string[] = [];
  const { answers, checks } = await arrive({
    signal: "traces",
    ask: async () => {
      services = await backend.services(options);
      return { status: "ok", message: `it answers, and knows ${services.length} services`, found: { services } };
    },
    describe: describer(backend, options),
    now,
  });
  if (!answers) return { checks };
  const asked = services.slice(0, MOST_SERVICES);
  let traces: TraceList | undefined;
  const spans = await looked("traces", "spans", async () => {
    traces = await recent(backend, asked, now, options);
    return spansFinding(traces);
  });
  if (spans.status !== "ok" || traces === undefined) return { checks: [...checks, spans] };
  const rest = [
    checked("traces", "naming", namingFinding(traces)),
    checked("traces", "propagation", propagationFinding(traces)),
    checked("traces", "proxies' clocks", clocksFinding(traces)),
  ];
  const seen = { traces, services: new Set(asked), all: asked.length === services.length, ...spanOf(traces) };
  return { checks: [...checks, spans, ...rest], seen };
}

async function recent(
  backend: TraceBackend,
  services: readonly string[],
  now: () => number,
  { signal, timeoutMs }: AskOptions,
): Promise<TraceList> {
  const sought = {
    span: { last: `${MINUTES}m` },
    rows: TRACE_ROWS,
    pick: (trace: Trace) => trace,
    warnings: [],
    queries: async () => services.map((service) => ({ service })),
  };
  return new TraceSearch(backend, sought, { limit: MOST, signal, timeoutMs }, now);
}

/** The time of which every trace is there: all that was searched, or since the earliest of the latest. */
function spanOf(traces: TraceList): { readonly fromMs: number; readonly toMs: number } {
  if (traces.length < MOST) return { fromMs: traces.meta.fromMs, toMs: traces.meta.toMs };
  const starts = traces.map(({ startMs }) => startMs);
  return { fromMs: Math.min(...starts), toMs: Math.max(...starts) };
}

function spansFinding(traces: readonly Trace[]): Finding {
  const hops = traces.flatMap((trace) => trace.hops());
  const found = { traces: traces.length, hops: hops.length };
  if (traces.length === 0) {
    return { status: "warning", message: `there is no trace of the last ${MINUTES} minutes`, remedy: ENABLE, found };
  }
  if (hops.length === 0) {
    const remedy = "let the proxies send spans to this backend, not the applications alone";
    return { status: "warning", message: `none of ${traces.length} traces has a span of a proxy`, remedy, found };
  }
  return { status: "ok", message: `${hops.length} calls in ${traces.length} traces`, found };
}

/** A proxy's span, and whether it tells whose it is. */
interface NamedSpan {
  readonly span: Span;
  readonly workload: string | undefined;
}

function namingFinding(traces: readonly Trace[]): Finding {
  const spans = traces.flatMap((trace) => trace.hops()).flatMap(proxySpansOf);
  const unnamed = spans.filter(({ workload }) => workload === undefined).map(({ span }) => span);
  const [example = spans[0]?.span] = unnamed;
  const found = {
    spans: spans.length,
    unnamed: unnamed.length,
    services: [...new Set(unnamed.map(({ service }) => service))].slice(0, MOST_SERVICES),
    operations: [...new Set(spans.map(({ span }) => span.operation))].slice(0, MOST_SERVICES),
    example: example && { service: example.service, operation: example.operation },
  };
  const seen = `such as ${JSON.stringify(example?.operation)} of ${JSON.stringify(example?.service)}`;
  if (unnamed.length === 0) {
    return { status: "ok", message: `all ${spans.length} spans of proxies name their workload, ${seen}`, found };
  }
  const message = `${unnamed.length} of ${spans.length} spans of proxies name no workload, ${seen}`;
  const remedy =
    "keep the tag node_id of Envoy's spans: a collector's processor may drop it, or a proxy be no sidecar of Istio's; meshConfig.defaultConfig.tracingServiceName: CANONICAL_NAME_AND_NAMESPACE names services at least";
  return { status: "warning", message, remedy, found };
}

const proxySpansOf = ({ client, server, source, destination }: Hop): readonly NamedSpan[] => [
  ...(client === undefined ? [] : [{ span: client, workload: source.workload }]),
  ...(server === undefined ? [] : [{ span: server, workload: destination.workload }]),
];

function propagationFinding(traces: readonly Trace[]): Finding {
  const broken = brokenPropagation(traces);
  const found = { broken: broken.map(({ workload, namespace, share }) => ({ workload, namespace, share })) };
  if (broken.length === 0) return { status: "ok", message: "applications hand the trace's context on", found };
  const names = broken.map(({ workload, broken: times, inbound }) => `${workload} (${times} of ${inbound})`).join(", ");
  const remedy =
    "forward traceparent and x-b3-* (and x-request-id) from each request that an application answers to those it makes";
  return { status: "warning", message: `traces end at ${names}`, remedy, found };
}

function clocksFinding(traces: readonly Trace[]): Finding {
  const ahead = new Map<string, number>();
  for (const { span, parent, aheadMs } of traces.flatMap((trace) => trace.skews)) {
    const pair = `${span.service} against ${parent.service}`;
    if (Math.abs(aheadMs) > Math.abs(ahead.get(pair) ?? 0)) ahead.set(pair, aheadMs);
  }
  const worst = [...ahead].sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
  const found = { aheadMs: Object.fromEntries(worst) };
  if (worst.length === 0) return { status: "ok", message: "spans of both ends of calls fit each other", found };
  const [pair = "", ms = 0] = worst[0] ?? [];
  const much = formatDuration(Math.max(1, Math.round(Math.abs(ms))));
  const message = `clocks disagree: ${pair} by ${much} ${ms > 0 ? "ahead" : "behind"}${worst.length > 1 ? `, and ${worst.length - 1} more` : ""}`;
  return { status: "warning", message, remedy: NTP, found };
}
