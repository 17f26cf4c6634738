import { afterAll, beforeAll, expect, test } from "vitest";
import { type MetricsBackend, prometheus as prometheusDriver } from "../../../src/index.ts";
import {
  type EvaluatedInstant,
  EvaluationError,
  evaluate,
  type LabelRecord,
  type MemoryStorage,
  memoryStorage,
  parse,
} from "../../../src/promql/index.ts";
import { seriesMetrics } from "../../../src/testing/index.ts";
import { latestPrometheus } from "../../mesh/latest-prometheus.ts";
import { remoteWrite } from "../remote-write.ts";
import { type SinglePrometheus, singlePrometheus } from "../single-prometheus.ts";
import { evaluationData, START_MS } from "./evaluation-data.ts";
import { type EvaluationCase, evaluationCase } from "./evaluation-queries.ts";
import { inParallel, type PromqlServer, promqlServer, type ServerResult } from "./promql-server.ts";

/** How many expressions are compared, over which data. A long search sets both from outside. */
const COUNT = Number(process.env.EVALUATION_COUNT ?? 6000);
const SEED = Number(process.env.EVALUATION_SEED ?? 1);

/** Its evaluation interval, which is the step of subqueries that name none. */
const SERVERS_INTERVAL = "1s";

let prometheus: SinglePrometheus;
let server: PromqlServer;
let storage: MemoryStorage;

beforeAll(async () => {
  const programs = await latestPrometheus({ onSlow: (what) => console.log(`          ${what}`) });
  prometheus = await singlePrometheus({
    programs,
    flags: [
      "--web.enable-remote-write-receiver",
      "--enable-feature=promql-experimental-functions,promql-binop-fill-modifiers",
    ],
  });
  server = promqlServer(prometheus.url);
  const data = evaluationData(SEED);
  storage = memoryStorage();
  for (const { labels, timesMs, values, histograms } of data) {
    storage.appendColumns(labels, timesMs, values);
    for (const [i, one] of histograms?.entries() ?? [])
      if (one !== undefined) storage.append(labels, timesMs[i] ?? 0, one);
  }
  await remoteWrite(prometheus.url, data);
});

afterAll(async () => {
  server.close();
  await prometheus.stop();
});

/** Results of either side in one form: a line of labels to times and values. */
interface Outcome {
  readonly error?: string;
  readonly order: readonly string[];
  readonly samples: ReadonlyMap<string, readonly (readonly [number, number])[]>;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

const NONE: Outcome = { order: [], samples: new Map(), warnings: [], infos: [] };

const keyOf = (labels: LabelRecord): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

function ours({ query, when }: EvaluationCase): Outcome {
  try {
    const found = evaluate(query, when, storage, { experimental: true, subqueryStep: SERVERS_INTERVAL });
    const samples = samplesOf(found);
    return { order: [...samples.keys()], samples, warnings: found.warnings, infos: found.infos };
  } catch (error) {
    if (!(error instanceof EvaluationError)) throw error;
    return { ...NONE, error: error.message };
  }
}

function samplesOf(found: EvaluatedInstant): Map<string, readonly (readonly [number, number])[]> {
  switch (found.kind) {
    case "string":
      throw new Error("no string is asked for");
    case "scalar":
      return new Map([["scalar", [[found.timeMs, found.value]]]]);
    case "vector":
      return new Map(
        found.labels.map((labels, i) => [keyOf(labels), [[found.timesMs[i] ?? 0, found.values[i] ?? 0] as const]]),
      );
    case "matrix":
      return new Map(
        found.series.map(({ labels, timesMs, values }) => [
          keyOf(labels),
          Array.from(timesMs, (timeMs, i) => [timeMs, values[i] ?? 0] as const),
        ]),
      );
  }
}

async function theirs({ query, when }: EvaluationCase): Promise<Outcome> {
  const { data, error, warnings = [], infos = [] } = await server.result(query, when);
  if (data === undefined) return { ...NONE, error: error ?? "no data" };
  const samples = serverSamples(data);
  return { order: [...samples.keys()], samples, warnings, infos };
}

const sampleOf = ([seconds, text]: readonly [number, string]): readonly [number, number] => [
  Math.round(seconds * 1000),
  Number(text.replace("Inf", "Infinity")),
];

function serverSamples(data: ServerResult): Map<string, readonly (readonly [number, number])[]> {
  switch (data.resultType) {
    case "scalar":
      return new Map([["scalar", [sampleOf(data.result)]]]);
    case "vector":
      return new Map(data.result.map(({ metric, value }) => [keyOf(metric), [sampleOf(value)]]));
    case "matrix":
      return new Map(data.result.map(({ metric, values }) => [keyOf(metric), values.map(sampleOf)]));
  }
}

/** What differs between both, if anything does. */
function differenceOf({ exact, sortedBy }: EvaluationCase, mine: Outcome, real: Outcome): string | undefined {
  if (mine.error !== undefined || real.error !== undefined) {
    return mine.error !== undefined && real.error?.startsWith(mine.error.split(/[:{]/)[0] ?? "") === true
      ? undefined
      : `error ${mine.error ?? "none"}, it is ${real.error ?? "none"}`;
  }
  for (const [key, samples] of real.samples) {
    const found = mine.samples.get(key);
    if (found === undefined) return `${key} is missing`;
    if (found.length !== samples.length) return `${key} has ${found.length} samples, not ${samples.length}`;
    for (const [i, [timeMs, value]] of samples.entries()) {
      const [atMs = Number.NaN, is = Number.NaN] = found[i] ?? [];
      if (atMs !== timeMs) return `${key} has a sample at ${atMs}, not at ${timeMs}`;
      if (!agrees(is, value, exact)) return `${key} is ${is} at ${timeMs}, not ${value}`;
    }
  }
  const extra = mine.order.find((key) => !real.samples.has(key));
  if (extra !== undefined) return `${extra} is found, which is not there`;
  if (orderOf(mine, sortedBy) !== orderOf(real, sortedBy)) return `the order is ${mine.order}, not ${real.order}`;
  return remarkDifference(mine.warnings, real.warnings) ?? remarkDifference(mine.infos, real.infos);
}

function orderOf({ order, samples }: Outcome, sortedBy: EvaluationCase["sortedBy"]): string {
  if (sortedBy === undefined) return "";
  return (sortedBy === "labels" ? order : order.map((key) => samples.get(key)?.[0]?.[1])).join();
}

const agrees = (a: number, b: number, exact: boolean): boolean =>
  Object.is(a, b) || (!exact && Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b), 2 ** -1022));

/**
 * A server tells the first ten only, in no order, and it counts the same repair again with each step. What it knows of
 * resets where it looks at single histograms depends on how it has stored them.
 */
function remarkDifference(mine: readonly string[], real: readonly string[]): string | undefined {
  if (real.length > 10) return mine.length > 10 ? undefined : `${mine.length} remarks, not ${real.length}`;
  const uncounted = (remarks: readonly string[]) =>
    remarks
      .filter((remark) => !remark.includes("conflicting counter resets"))
      .map((remark) => remark.replace(/over -?\d+ samples/, "over samples"));
  const wanted = uncounted(real).sort().join("\n");
  const found = uncounted(mine).sort().join("\n");
  return wanted === found ? undefined : `remarks ${found}, not ${wanted}`;
}

test("a real Prometheus 3 gives the same values, errors and remarks", { timeout: 1_800_000 }, async () => {
  const wrong: string[] = [];
  const seen = { results: 0, errors: 0, nothing: 0, remarked: 0 };
  const cases = Array.from({ length: COUNT }, (_, i) => evaluationCase(SEED + i));
  await inParallel(cases, 8, async (one) => {
    const real = await theirs(one);
    const mine = ours(one);
    if (real.error !== undefined) seen.errors++;
    else if (real.samples.size === 0) seen.nothing++;
    else seen.results++;
    if (real.warnings.length + real.infos.length > 0) seen.remarked++;
    const difference = differenceOf(one, mine, real);
    if (difference !== undefined) wrong.push(`${one.query} ${JSON.stringify(one.when)}: ${difference}`);
  });
  console.log(
    `${COUNT} expressions: ${seen.results} with results, ${seen.nothing} without, ${seen.errors} errors; ${seen.remarked} with remarks`,
  );
  if (process.env.EVALUATION_ALL !== undefined) console.log(wrong.join("\n"));
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(seen.results).toBeGreaterThan(COUNT / 2);
});

/** What gives native histograms, or looks at them beside numbers. */
const NATIVE = [
  "native_seconds",
  "native_bounds * 3",
  "2 * native_gauge / 7",
  "1 / native_seconds",
  "-native_gauge",
  "native_seconds + on (job) group_left () native_gauge",
  "native_seconds - ignoring (instance) group_left () native_gauge",
  "native_bounds + ignoring (instance, job) group_left () native_seconds{instance='a:1'}",
  "native_seconds == native_seconds",
  "native_seconds != bool native_seconds offset 1m",
  "native_seconds > 3",
  "native_seconds and on (instance) native_bounds",
  "native_gauge or native_bounds",
  "native_seconds unless native_bounds",
  "sum(native_seconds)",
  "avg by (job) (native_seconds)",
  "sum by (instance) ({__name__=~'native_seconds|native_gauge'})",
  "sum({__name__=~'native_seconds|native_bounds'})",
  "sum({__name__=~'native_seconds|load'})",
  "count by (__name__) ({__name__=~'native_.*'})",
  "group(native_gauge)",
  "max({__name__=~'native_seconds|load'})",
  "topk(2, {__name__=~'native_seconds|load'})",
  "count_values('text', native_bounds)",
  "limitk(2, native_seconds)",
  "rate(native_seconds[5m])",
  "increase(native_bounds[3m])",
  "delta(native_gauge[4m])",
  "irate(native_seconds[5m])",
  "idelta(native_gauge[5m])",
  "sum_over_time(native_gauge[3m])",
  "avg_over_time(native_gauge[5m])",
  "count_over_time(native_seconds[4m])",
  "last_over_time(native_bounds[4m])",
  "first_over_time(native_seconds[4m])",
  "changes(native_seconds[10m])",
  "resets(native_seconds[10m])",
  "max_over_time(native_seconds[5m])",
  "absent(native_seconds)",
  "present_over_time(native_gauge[2m])",
  "rate(native_seconds[10m:1m])",
  "label_replace(native_gauge, 'x', '$1', 'instance', '(.).*')",
  "timestamp(native_seconds)",
  "abs(native_seconds)",
  "sort(native_seconds)",
  "scalar(native_gauge)",
  "native_seconds </ 4",
  "native_bounds >/ 0.7",
  "histogram_quantiles(native_seconds, 'q', 0.5, 0.9)",
  "histogram_count(sum(rate(native_seconds[5m])))",
];

test("a real Prometheus 3 gives the same native histograms", { timeout: 600_000 }, async () => {
  const real = prometheusDriver(prometheus.url);
  const mine = seriesMetrics(storage);
  const endMs = START_MS + 3_600_000;
  const wrong: string[] = [];
  let histograms = 0;
  for (const query of NATIVE) {
    const expr = parse(query, { experimental: true });
    for (const startMs of [endMs, endMs - 600_000]) {
      const asked = { startMs, endMs, stepMs: 45_000 };
      const [wanted, found] = await Promise.all([seriesIn(real, expr, asked), seriesIn(mine, expr, asked)]);
      histograms += wanted.filter(({ histograms: some }) => some !== undefined).length;
      const difference = unlike(found, wanted);
      if (difference !== undefined) wrong.push(`${query} from ${startMs}: ${difference}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(histograms).toBeGreaterThan(80);
});

type Asked = Parameters<MetricsBackend["range"]>;

async function seriesIn(backend: MetricsBackend, expr: Asked[0], grid: Asked[1]) {
  const { data } = await backend.range(expr, grid);
  return data.series
    .map(({ labels, timesMs, values, histograms }) => ({
      key: keyOf(labels),
      timesMs: [...timesMs],
      values: [...values],
      ...(histograms !== undefined && histograms.length > 0 && { histograms }),
    }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Where two values differ by more than rounding does, if they do. */
function unlike(found: unknown, wanted: unknown, path = ""): string | undefined {
  if (typeof found === "number" && typeof wanted === "number") {
    return agrees(found, wanted, false) ? undefined : `${path} is ${found}, not ${wanted}`;
  }
  if (typeof found !== "object" || typeof wanted !== "object" || found === null || wanted === null) {
    return Object.is(found, wanted) ? undefined : `${path} is ${String(found)}, not ${String(wanted)}`;
  }
  const [mine, real] = [Object.entries(found), new Map(Object.entries(wanted))];
  if (mine.length !== real.size) return `${path} has ${mine.length} entries, not ${real.size}`;
  for (const [name, value] of mine) {
    const difference = unlike(value, real.get(name), `${path}.${name}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}
