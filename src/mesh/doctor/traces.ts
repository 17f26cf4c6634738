import type { AskOptions } from "../../time.ts";
import type { TraceBackend } from "../../traces/backend.ts";
import { brokenPropagation } from "../../traces/propagation.ts";
import { TraceSearch } from "../../traces/search.ts";
import type { Trace } from "../../traces/trace.ts";
import { type Check, checked, type Finding, looked } from "./check.ts";

const MINUTES = 15;
const MOST = 50;
const ENABLE = "turn tracing on: meshConfig.extensionProviders and a Telemetry resource with randomSamplingPercentage";

/** Looks at the backend of traces: is it there, are there spans of proxies, and do applications hand the context on? */
export async function tracesChecks(
  backend: TraceBackend | undefined,
  now: () => number,
  options: AskOptions,
): Promise<readonly Check[]> {
  if (backend === undefined) {
    return [
      checked("traces", "reachable", {
        status: "skipped",
        message: "the mesh has no tracing backend",
        remedy: 'createMesh({ traces: jaeger("http://jaeger-query:16686") })',
      }),
    ];
  }
  let services: readonly string[] = [];
  const reachable = await looked("traces", "reachable", async () => {
    services = await backend.services(options);
    return { status: "ok", message: `it answers, and knows ${services.length} services`, found: { services } };
  });
  if (reachable.status === "failed") return [reachable];
  let traces: readonly Trace[] = [];
  const spans = await looked("traces", "spans", async () => {
    traces = await recent(backend, services, now, options);
    return spansFinding(traces);
  });
  if (spans.status !== "ok") return [reachable, spans];
  return [reachable, spans, checked("traces", "propagation", propagationFinding(traces))];
}

async function recent(
  backend: TraceBackend,
  services: readonly string[],
  now: () => number,
  { signal, timeoutMs }: AskOptions,
): Promise<readonly Trace[]> {
  const sought = {
    span: { last: `${MINUTES}m` },
    pick: (trace: Trace) => trace,
    warnings: [],
    queries: async () => services.slice(0, 20).map((service) => ({ service })),
  };
  return new TraceSearch(backend, sought, { limit: MOST, signal, timeoutMs }, now);
}

function spansFinding(traces: readonly Trace[]): Finding {
  const hops = traces.flatMap((trace) => trace.hops());
  const named = hops.filter(
    ({ source, destination }) => source.workload !== undefined && destination.workload !== undefined,
  );
  const found = { traces: traces.length, hops: hops.length, named: named.length };
  if (traces.length === 0) {
    return { status: "warning", message: `there is no trace of the last ${MINUTES} minutes`, remedy: ENABLE, found };
  }
  if (hops.length === 0) {
    const remedy = "let the proxies send spans to this backend, not the applications alone";
    return { status: "warning", message: `none of ${traces.length} traces has a span of a proxy`, remedy, found };
  }
  return {
    status: "ok",
    message: `${hops.length} calls in ${traces.length} traces, ${named.length} with both workloads named`,
    found,
  };
}

function propagationFinding(traces: readonly Trace[]): Finding {
  const broken = brokenPropagation(traces);
  const found = { broken: broken.map(({ workload, namespace, share }) => ({ workload, namespace, share })) };
  if (broken.length === 0) return { status: "ok", message: "applications hand the trace's context on", found };
  const names = broken.map(({ workload, broken: times, inbound }) => `${workload} (${times} of ${inbound})`).join(", ");
  const remedy =
    "forward traceparent and x-b3-* (and x-request-id) from each request that an application answers to those it makes";
  return { status: "warning", message: `traces end at ${names}`, remedy, found };
}
