/** The simulated server's Prometheus beside a real one of version 3, both over the same samples. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LabelRecord, memoryStorage } from "../../../src/promql/index.ts";
import { listen, type SimulatedServer } from "../../../src/testing/server/listen.ts";
import { latestPrometheus } from "../../mesh/latest-prometheus.ts";
import { handMade } from "../../testing/server/hand-made.ts";
import { type SinglePrometheus, singlePrometheus } from "../single-prometheus.ts";

const T0 = Date.UTC(2026, 0, 2, 12);
const AT = T0 / 1000 + 600;
const STEP_MS = 15_000;
const STEPS = 80;

/** Floats that are hard to spell. */
const ODD = [
  ...[0, -0, 1, 0.1, 0.3, 1 / 3, 100, 1e5, 1e6, 1234567.891, 1e15, 123456789012345680, 1e20, 1e21, 1.5e21, 1e100],
  ...[1e-5, 1e-6, 9.9e-7, 1e-7, 1.25e-10, 5e-324, 1.7976931348623157e308, -2.5, -1e-7, -1e21],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
];

interface Kept {
  readonly labels: LabelRecord;
  readonly value: (step: number) => number;
}

const KEPT: readonly Kept[] = [
  ...ODD.map((value, i) => ({ labels: { __name__: "odd", i: String(i) }, value: () => value })),
  ...["200", "404", "503"].flatMap((code, i) =>
    ["frontend", "backend"].map((workload, j) => ({
      labels: { __name__: "istio_requests_total", reporter: "destination", response_code: code, workload },
      value: (step: number) => step * (i + 1) * 3 + j,
    })),
  ),
  ...["1", "5", "+Inf"].map((le, i) => ({
    labels: { __name__: "took_bucket", le },
    value: (step: number) => step * (i + 1),
  })),
  { labels: { __name__: "wörk.load", "own.label": "x" }, value: (step) => step },
  { labels: { __name__: "text", Upper: "A", zone: '<b>&"\\\n\u2028é日😀' }, value: () => 1 },
];

function openMetrics(): string {
  const escaped = (text: string) => text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
  const lines: string[] = [];
  for (const { labels, value } of KEPT) {
    const { __name__: name = "", ...own } = labels;
    const pairs = Object.entries(own).map(([label, text]) => `"${label}"="${escaped(text)}"`);
    for (let step = 0; step < STEPS; step++) {
      const number = value(step);
      const text = Object.is(number, -0)
        ? "-0"
        : String(number).replace(/^(-?)Infinity$/, (_, sign) => `${sign || "+"}Inf`);
      lines.push(`{${[`"${name}"`, ...pairs].join(",")}} ${text} ${(T0 + step * STEP_MS) / 1000}`);
    }
  }
  return `${lines.join("\n")}\n# EOF\n`;
}

let real: SinglePrometheus;
let simulated: SimulatedServer;

beforeAll(async () => {
  const storage = memoryStorage();
  for (const { labels, value } of KEPT) {
    for (let step = 0; step < STEPS; step++) storage.append(labels, T0 + step * STEP_MS, value(step));
  }
  const programs = await latestPrometheus({ onSlow: (what) => console.log(`          ${what}`) });
  real = await singlePrometheus({ programs, samples: openMetrics() });
  simulated = await listen(handMade({ series: storage }));
});
afterAll(async () => {
  await simulated?.close();
  await real?.stop();
});

interface Said {
  readonly status: number;
  readonly type: string | null;
  readonly body: string;
}

/** GET, or a form in a POST where the question begins with `POST `. */
async function ask(base: string, question: string): Promise<Said> {
  const [, post, path = ""] = /^(POST )?(.*)$/s.exec(question) ?? [];
  const [at = "", query = ""] = path.split(/\?(.*)/s);
  const response =
    post === undefined
      ? await fetch(`${base}${path}`)
      : await fetch(`${base}${at}`, { method: "POST", body: new URLSearchParams(query) });
  return { status: response.status, type: response.headers.get("content-type"), body: await response.text() };
}

/** The words about what is wrong with a text of PromQL are each parser's own; their place is not. */
const withoutWords = (body: string): string => body.replace(/(parse error: )[^\n]*(?="\}$)/, "$1…");

const span = `start=${T0 / 1000}&end=${AT + 600}`;
const e = encodeURIComponent;

const QUESTIONS: readonly string[] = [
  ...[
    "odd",
    "odd * 10",
    "-odd",
    "took_bucket",
    '{"wörk.load"}',
    "text",
    "scalar(odd)",
    '"a text\\n<>&é"',
    "1e-7",
    "Inf",
    "odd[1m]",
  ].map((query) => `/api/v1/query?time=${AT}&query=${e(query)}`),
  ...[
    "sum(rate(istio_requests_total[5m])) by (response_code)",
    "histogram_quantile(0.9, rate(took_bucket[5m]))",
  ].flatMap((query) => [
    `/api/v1/query?time=${AT}&query=${e(query)}`,
    `POST /api/v1/query?time=${AT}&query=${e(query)}`,
    `/api/v1/query_range?start=${AT - 300}&end=${AT}&step=60&query=${e(query)}`,
    `POST /api/v1/query_range?start=${AT - 300}&end=${AT}&step=1m30s&query=${e(query)}`,
  ]),
  `/api/v1/query?time=${AT}.5&query=time()`,
  `/api/v1/query?time=${AT}.0615&query=time()`,
  `/api/v1/query?time=2026-01-02T12:10:00.123456789Z&query=time()`,
  `/api/v1/query?time=2026-01-02T14:10:00%2B02:00&query=time()`,
  `/api/v1/query?time=1e3&query=time()`,
  `/api/v1/query?time=-1.5&query=time()`,
  "/api/v1/query?time=yesterday&query=time()",
  "/api/v1/query?time=2026-02-30T00:00:00Z&query=time()",
  `/api/v1/query?time=${AT}&query=odd&limit=2`,
  `/api/v1/query?time=${AT}&query=odd&limit=-1`,
  `/api/v1/query?time=${AT}&query=odd&limit=x`,
  `/api/v1/query?time=${AT}&query=odd&timeout=x`,
  `/api/v1/query?time=${AT}&query=odd&timeout=5s`,
  `/api/v1/query?time=${AT + 300}&query=took_bucket&lookback_delta=10`,
  `/api/v1/query?time=${AT + 700}&query=took_bucket&lookback_delta=1m`,
  `/api/v1/query?time=${AT}&query=took_bucket&lookback_delta=x`,
  "/api/v1/query",
  "/api/v1/query?query=",
  "/api/v1/query?query=up%7B",
  "/api/v1/query?query=foo%20bar",
  "/api/v1/query?query=rate(up)",
  `/api/v1/query?query=${e("sum(\n  up) by")}`,
  `/api/v1/query?query=${e('{job=~".*"}')}`,
  `/api/v1/query?query=${e("mad_over_time(up[1m])")}`,
  `/api/v1/query?time=${AT}&query=${e("istio_requests_total / on (workload) istio_requests_total")}`,
  `/api/v1/query?time=${AT}&query=${e('label_replace(odd, "i", "", "", "")')}`,
  `/api/v1/query?time=${AT}&query=${e("rate(odd[5m])")}`,
  `/api/v1/query?time=${AT}&query=${e("quantile(2, odd)")}`,
  `/api/v1/query?time=${AT}&query=nothing`,
  `/api/v1/query_range?start=${AT}&end=${AT - 1}&step=1&query=up`,
  `/api/v1/query_range?start=${AT}&end=${AT}&step=0&query=up`,
  `/api/v1/query_range?start=${AT}&end=${AT}&step=-1&query=up`,
  `/api/v1/query_range?start=${AT}&end=${AT}&step=x&query=up`,
  `/api/v1/query_range?start=${AT}&end=${AT}&step=1e300&query=up`,
  `/api/v1/query_range?start=${AT}&end=${AT}&query=up`,
  `/api/v1/query_range?end=${AT}&step=1&query=up`,
  `/api/v1/query_range?start=x&end=${AT}&step=1&query=up`,
  `/api/v1/query_range?start=${AT}&end=x&step=1&query=up`,
  `/api/v1/query_range?start=${AT - 11_000}&end=${AT}&step=1&query=vector(1)&limit=1`,
  `/api/v1/query_range?start=${AT - 11_001}&end=${AT}&step=1&query=vector(1)`,
  `/api/v1/query_range?start=${AT - 60}&end=${AT}&step=30&query=odd%5B1m%5D`,
  `/api/v1/query_range?start=${AT - 60}&end=${AT}&step=30&query=%22x%22`,
  `/api/v1/query_range?start=${AT - 60}&end=${AT}&step=30&query=1`,
  `/api/v1/query_range?start=${AT - 60}&end=${AT}&step=0.5&query=odd&limit=1`,
  `/api/v1/query_range?start=${AT - 60}&end=${AT}&step=30&query=nothing`,
  `/api/v1/query_range?start=${AT - 600}&end=${AT}&step=60&query=odd`,
  `/api/v1/labels?${span}`,
  `POST /api/v1/labels?${span}`,
  `/api/v1/labels?${span}&match[]=odd`,
  `/api/v1/labels?${span}&match[]=odd&match[]=text`,
  `/api/v1/labels?${span}&limit=2`,
  `/api/v1/labels?start=x`,
  `/api/v1/labels?${span}&match[]=${e("{")}`,
  `/api/v1/label/__name__/values?${span}`,
  `/api/v1/label/response_code/values?${span}&match[]=${e('istio_requests_total{response_code=~"4.."}')}`,
  `/api/v1/label/zone/values?${span}`,
  `/api/v1/label/nothing/values?${span}`,
  `/api/v1/label/U__own_2e_label/values?${span}`,
  `/api/v1/label/own.label/values?${span}`,
  `/api/v1/label/response_code/values?${span}&limit=1`,
  `/api/v1/label/response_code/values?${span}&match[]=foo%20bar`,
  `/api/v1/series?${span}&match[]=istio_requests_total`,
  `POST /api/v1/series?${span}&match[]=odd`,
  `/api/v1/series?${span}&match[]=odd&match[]=${e('{__name__=~"odd|text"}')}`,
  `/api/v1/series?start=${AT - 86_400}&end=${AT - 80_000}&match[]=odd`,
  `/api/v1/series?${span}`,
  `/api/v1/series?${span}&match[]=foo%20bar`,
  `/api/v1/series?${span}&match[]=text&limit=x`,
  "/api/v1/metadata?metric=nothing",
  "/api/v1/metadata?limit=x",
  "/api/v1/metadata?limit_per_metric=x",
  `/api/v1/query_exemplars?${span}&query=odd`,
  `/api/v1/query_exemplars?${span}&query=1`,
  `/api/v1/query_exemplars?${span}&query=foo%20bar`,
  `/api/v1/query_exemplars?start=2&end=1&query=odd`,
  ...["sum(rate(a[5m]))by(b)", "foo bar", "{", "a and on(b) group_left(c) d"].map(
    (query) => `/api/v1/format_query?query=${e(query)}`,
  ),
  "POST /api/v1/format_query?query=sum(a)",
  "/api/v1/rules",
  "/api/v1/alerts",
  "/api/v1/alertmanagers",
  "/api/v1/nothing",
  "/nothing",
  "POST /api/v1/metadata?",
  "POST /api/v1/label/job/values?",
  "/-/ready",
  "/-/healthy",
];

describe("the simulated Prometheus answers as a real one", () => {
  test.each(QUESTIONS)("%s", async (question) => {
    const [expected, found] = await Promise.all([ask(real.url, question), ask(simulated.prometheus, question)]);
    expect({ ...found, body: withoutWords(found.body) }).toEqual({ ...expected, body: withoutWords(expected.body) });
  });

  test("about a pattern that is none", async () => {
    const question = `/api/v1/query?query=${e('{job=~"("}')}`;
    const [expected, found] = await Promise.all([ask(real.url, question), ask(simulated.prometheus, question)]);
    // One names the matcher's place, the other the pattern's.
    const start = (body: string) => body.slice(0, body.indexOf("query"));
    expect([found.status, found.type, start(found.body)]).toEqual([
      expected.status,
      expected.type,
      start(expected.body),
    ]);
  });

  test.each(["/api/v1/features", "/api/v1/status/buildinfo", "/api/v1/targets"])("%s, in its shape", async (path) => {
    const [expected, found] = await Promise.all([ask(real.url, path), ask(simulated.prometheus, path)]);
    expect([found.status, found.type]).toEqual([expected.status, expected.type]);
    expect(JSON.parse(expected.body)).toMatchObject(
      path.endsWith("buildinfo") ? { status: "success", data: expect.any(Object) } : (JSON.parse(found.body) as object),
    );
    const keys = (body: string) => Object.keys((JSON.parse(body) as { data: object }).data);
    if (!path.endsWith("features")) expect(keys(found.body)).toEqual(keys(expected.body));
  });
});
