import type { MetricsBackend } from "../../metrics/backend.ts";
import { aggregate, by, call, matcher, matrix, selector } from "../../promql/index.ts";
import { labelValue } from "../../results/labels.ts";
import { printValue } from "../../results/text.ts";
import { type AskOptions, formatDuration } from "../../time.ts";
import type { Hop } from "../../traces/hop.ts";
import type { Trace } from "../../traces/trace.ts";
import { METRICS } from "../istio.ts";
import { type Check, type Finding, looked } from "./check.ts";

/** The latest traces of some services. */
export interface SeenTraces {
  readonly traces: readonly Trace[];
  /** The services that were asked for; `all` where that is every one. */
  readonly services: ReadonlySet<string>;
  readonly all: boolean;
  /** Every trace from `fromMs` to `toMs` is among them. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** What sampling is figured from. */
export interface Sampled {
  readonly seen: SeenTraces | undefined;
  readonly requestIds: readonly string[];
  readonly metrics: MetricsBackend | undefined;
}

/** Rates over less than this many scrapes say little. */
const SCRAPES = 4;
const SHORTEST_MS = 60_000;
/** So many more calls with a trace than calls are no chance. */
const IMPOSSIBLE = 1.5;

/**
 * Looks which share of calls has a trace: the calls that a called proxy made a span of, against the requests that the
 * called proxies counted over the same window. Envoy marks an id of a request by whether it is sampled, so that lines
 * of access logs tell it too.
 */
export const samplingCheck = ({ seen, requestIds, metrics }: Sampled, options: AskOptions): Promise<Check> =>
  looked("traces", "sampling", async () => {
    const byIds = shareByIds(requestIds);
    if (seen === undefined || metrics === undefined) {
      const remedy = 'createMesh({ metrics: prometheus("http://prometheus:9090") })';
      return { status: "skipped", message: "without metrics nothing tells how many calls there were", remedy };
    }
    return samplingFinding(await compared(seen, metrics, options), byIds);
  });

interface Comparison {
  /** Calls that have a span of the called proxy. */
  readonly traced: number;
  readonly windowMs: number;
  readonly tracedPerSecond: number;
  /** `undefined` where no called proxy counts. */
  readonly requestsPerSecond: number | undefined;
}

async function compared(seen: SeenTraces, metrics: MetricsBackend, options: AskOptions): Promise<Comparison> {
  const { fromMs, toMs } = seen;
  const windowMs = Math.max(1, toMs - fromMs);
  const arrivals = seen.traces
    .flatMap((trace) => trace.hops())
    .filter(({ startMs }) => startMs > fromMs && startMs <= toMs)
    .map((hop) => ({ hop, spans: arrivalsOf(hop, seen) }))
    .filter(({ spans }) => spans > 0);
  const traced = arrivals.reduce((sum, { spans }) => sum + spans, 0);
  const workloads = new Set(arrivals.map(({ hop }) => keyOf(hop.destination.workload, hop.destination.namespace)));
  const scrapeMs = (await metrics.findScrapeInterval?.(options)) ?? metrics.scrapeIntervalMs;
  const rateMs = Math.max(windowMs, scrapeMs === undefined ? SHORTEST_MS : SCRAPES * scrapeMs);
  const counted = selector(METRICS.requests, [matcher("reporter", "=~", "destination|waypoint")]);
  const expr = aggregate("sum", call("rate", matrix(counted, Math.ceil(rateMs))), {
    grouping: by("destination_workload", "destination_workload_namespace"),
  });
  const { data } = await metrics.instant(expr, toMs, options);
  const rates =
    data.kind !== "vector"
      ? []
      : data.labels.flatMap((labels, i) => {
          const key = keyOf(
            labelValue(labels, "destination_workload"),
            labelValue(labels, "destination_workload_namespace"),
          );
          return seen.all || workloads.has(key) ? [data.values[i] ?? 0] : [];
        });
  return {
    traced,
    windowMs,
    tracedPerSecond: (traced * 1000) / windowMs,
    requestsPerSecond: rates.length === 0 ? undefined : rates.reduce((a, b) => a + b, 0),
  };
}

/** How many times the call arrived at a called proxy of the services that were asked for. A gateway's own is none. */
const arrivalsOf = ({ attempts }: Hop, { services, all }: SeenTraces): number =>
  attempts.filter(({ kind, service }) => kind !== "client" && (all || services.has(service))).length;

const keyOf = (workload: string | undefined, namespace: string | undefined): string => `${workload} ${namespace}`;

function samplingFinding(comparison: Comparison, byIds: IdShare | undefined): Finding {
  const { traced, windowMs, tracedPerSecond, requestsPerSecond } = comparison;
  const share = requestsPerSecond ? tracedPerSecond / requestsPerSecond : undefined;
  const found = {
    share,
    tracedPerSecond,
    requestsPerSecond,
    windowMs,
    shareByRequestIds: byIds?.share,
    requestIds: byIds?.ids,
  };
  const ids =
    byIds === undefined
      ? ""
      : `; of ${byIds.ids} request ids in access logs ${percent(byIds.share)} say that they are sampled`;
  if (share === undefined) {
    const message = `no called proxy counted a request in the ${seconds(windowMs)} of these traces${ids}`;
    return { status: "skipped", message, found };
  }
  const figures = `${traced} calls in ${seconds(windowMs)}, ${printValue(tracedPerSecond, "req/s")} of the ${printValue(requestsPerSecond, "req/s")} that called proxies counted`;
  if (share > IMPOSSIBLE && traced >= 20) {
    const message = `more calls have traces than were counted: ${figures}${ids}`;
    const remedy = "scrape every proxy: some of those that make spans are not among the targets";
    return { status: "warning", message, remedy, found };
  }
  return {
    status: "ok",
    message: `about ${percent(Math.min(1, share))} of calls have a trace: ${figures}${ids}`,
    found,
  };
}

/** No more digits than so few calls can tell. */
const percent = (share: number): string => printValue(Number(share.toPrecision(2)), "ratio");

const seconds = (ms: number): string => formatDuration(Math.max(1, Math.round(ms / 1000)) * 1000);

interface IdShare {
  readonly ids: number;
  readonly share: number;
}

/**
 * The share of request ids that Envoy marked as traced. Ids that others made have no mark.
 *
 * @see envoyproxy/envoy, `source/extensions/request_id/uuid/config.cc`: the 15th character is 4 without a trace, 9 where
 * it was sampled, a or b where it was forced
 */
function shareByIds(requestIds: readonly string[]): IdShare | undefined {
  const marks = [...new Set(requestIds)].flatMap((id) => MARKED.exec(id)?.[1] ?? []);
  const traced = marks.filter((mark) => mark !== "4").length;
  // Where nothing marks them they are all of one kind too.
  return traced === 0 ? undefined : { ids: marks.length, share: traced / marks.length };
}

const MARKED = /^[0-9a-f]{8}-[0-9a-f]{4}-([49ab])[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
