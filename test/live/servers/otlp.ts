/** Samples as OpenTelemetry's JSON, which a Prometheus takes with whatever time they bear, native histograms too. */

export interface FloatSeries {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The value at an instant, `undefined` where there is none. */
  readonly at: (timeMs: number) => number | undefined;
}

/** Observations counted in buckets that double in width; `at` says how many there were so far. */
export interface HistogramSeries {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly at: (timeMs: number) => { readonly sum: number; readonly counts: readonly number[] } | undefined;
}

export interface Feed {
  readonly floats: readonly FloatSeries[];
  readonly histograms: readonly HistogramSeries[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly everyMs: number;
}

/** As many instants as go in one request: a Prometheus takes no sample that is an hour older than the latest. */
const AT_ONCE = 20;

/** Writes the samples in order of time to a Prometheus that was started with `--web.enable-otlp-receiver`. */
export async function feed(url: string, { floats, histograms, fromMs, toMs, everyMs }: Feed): Promise<void> {
  const times = Array.from({ length: Math.floor((toMs - fromMs) / everyMs) + 1 }, (_, i) => fromMs + i * everyMs);
  for (let first = 0; first < times.length; first += AT_ONCE) {
    const here = times.slice(first, first + AT_ONCE);
    const metrics = [
      ...floats.map((one) => ({ name: one.name, gauge: { dataPoints: here.flatMap((timeMs) => gauge(one, timeMs)) } })),
      ...histograms.map((one) => ({
        name: one.name,
        exponentialHistogram: {
          aggregationTemporality: 2,
          dataPoints: here.flatMap((timeMs) => histogram(one, timeMs, fromMs)),
        },
      })),
    ];
    const body = JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${url}/api/v1/otlp/v1/metrics`, { method: "POST", headers, body });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  }
}

function gauge({ labels, at }: FloatSeries, timeMs: number) {
  const asDouble = at(timeMs);
  return asDouble === undefined ? [] : [{ attributes: attributes(labels), timeUnixNano: nanos(timeMs), asDouble }];
}

function histogram({ labels, at }: HistogramSeries, timeMs: number, startMs: number) {
  const seen = at(timeMs);
  if (seen === undefined) return [];
  return [
    {
      attributes: attributes(labels),
      startTimeUnixNano: nanos(startMs),
      timeUnixNano: nanos(timeMs),
      count: String(seen.counts.reduce((a, b) => a + b, 0)),
      sum: seen.sum,
      scale: 0,
      zeroCount: "0",
      positive: { offset: 0, bucketCounts: seen.counts.map(String) },
    },
  ];
}

const nanos = (ms: number): string => `${ms}000000`;

const attributes = (labels: Readonly<Record<string, string>>) =>
  Object.entries(labels).map(([key, stringValue]) => ({ key, value: { stringValue } }));
