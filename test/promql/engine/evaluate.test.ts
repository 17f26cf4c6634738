import { describe, expect, test } from "vitest";
import { EvaluationError, PromqlSyntaxError, QueryError } from "../../../src/errors.ts";
import {
  type EvaluatedInstant,
  type EvaluationInstant,
  type EvaluationOptions,
  type EvaluationRange,
  evaluate,
  type LabelRecord,
  memoryStorage,
  parse,
} from "../../../src/promql/index.ts";

function loaded(notation: string, step = "1m") {
  const storage = memoryStorage();
  storage.load(notation, { step, start: 0 });
  return storage;
}

const MINUTE = 60_000;
const STORAGE = loaded(`
  requests_total{job="a",code="200"} 0+60x20
  requests_total{job="a",code="500"} 0+6x20
  requests_total{job="b",code="200"} 0+120x9 0+120x10
  up{job="a"} 1x20
  up{job="b"} 1x5 0x3 stale _x11
  build{job="a",version="v1"} 1x20
  build{job="b",version="v2"} 1x20
  seconds_bucket{le="0.5"} 0+10x20
  seconds_bucket{le="1.5"} 0+30x20
  seconds_bucket{le="+Inf"} 0+40x20
`);

/** A result as a list of `labels value` or `labels value@time …`, names left out where they are dropped. */
function shown(found: EvaluatedInstant): string[] {
  const text = (labels: LabelRecord) =>
    `{${Object.entries(labels)
      .sort()
      .map(([name, value]) => `${name}=${value}`)
      .join(",")}}`;
  switch (found.kind) {
    case "scalar":
    case "string":
      return [String(found.value)];
    case "vector":
      return found.labels.map((labels, i) => `${text(labels)} ${found.values[i]}`);
    case "matrix":
      return found.series.map(
        ({ labels, timesMs, values }) =>
          `${text(labels)} ${Array.from(values, (value, i) => `${value}@${(timesMs[i] ?? 0) / MINUTE}`).join(" ")}`,
      );
  }
}

const ask = (
  query: string,
  when: EvaluationInstant | EvaluationRange = { at: 10 * MINUTE },
  options?: EvaluationOptions,
): string[] => shown(evaluate(query, when, STORAGE, options));

describe("at an instant", () => {
  test.each([
    ["a rate is per second", 'rate(requests_total{job="a",code="200"}[5m])', ["{code=200,job=a} 1"]],
    ["labels come sorted by name within the engine, and as a plain record", "up", ["{__name__=up,job=a} 1"]],
    ["a counter's reset is grown over", 'increase(requests_total{job="b"}[5m] @ 720)', ["{code=200,job=b} 450"]],
    ["a sum keeps the labels it is asked for", "sum by (job) (requests_total)", ["{job=a} 660", "{job=b} 0"]],
    ["a range is open on its left", 'count_over_time(up{job="a"}[2m])', ["{job=a} 2"]],
    [
      "labels are taken over from the one side",
      'requests_total{code="200"} * on (job) group_left (version) build',
      ["{code=200,job=a,version=v1} 600", "{code=200,job=b,version=v2} 0"],
    ],
    ["a quantile lies on the line within its bucket", "histogram_quantile(0.5, rate(seconds_bucket[5m]))", ["{} 1"]],
    [
      "an offset looks back",
      'requests_total{job="a",code="500"} offset 5m',
      ["{__name__=requests_total,code=500,job=a} 30"],
    ],
    ["a subquery steps by itself", "max_over_time(sum(up)[10m:1m])", ["{} 2"]],
    ["a comparison filters", "requests_total > 100", ["{__name__=requests_total,code=200,job=a} 600"]],
    ["a scalar is a number", 'scalar(up{job="a"}) + 1', ["2"]],
    ["a string is itself", '"text"', ["text"]],
    ["a label that is also matched otherwise is not known", 'absent(up{job!~"x.*",job="c"})', ["{} 1"]],
    ["what is absent is one", 'absent(up{job="c"})', ["{job=c} 1"]],
  ])("%s: %s", (_, query, expected) => {
    expect(ask(query).sort()).toEqual(expected);
  });

  test("a series that ended is gone at once, not after the lookback", () => {
    expect(ask('up{job="b"}', { at: 8 * MINUTE })).toEqual(["{__name__=up,job=b} 0"]);
    expect(ask('up{job="b"}', { at: 10 * MINUTE })).toEqual([]);
  });

  test("a sample counts for the lookback, which may be set", () => {
    const storage = loaded("a 1");
    const at = (ms: number, lookback?: EvaluationOptions) => shown(evaluate("a", { at: ms }, storage, lookback)).length;
    expect([at(5 * MINUTE - 1), at(5 * MINUTE)]).toEqual([1, 0]);
    expect([at(30_000, { lookback: "30s" }), at(29_999, { lookback: "30s" })]).toEqual([0, 1]);
  });

  test("a range is given as it is", () => {
    expect(ask('requests_total{job="a",code="200"}[2m]')).toEqual([
      "{__name__=requests_total,code=200,job=a} 540@9 600@10",
    ]);
  });
});

describe("over a range", () => {
  const range = { from: 0, to: 10 * MINUTE, step: "5m" } as const;

  test("there is a value at each step from the first to the last, both included", () => {
    expect(ask("sum(up)", range)).toEqual(["{} 2@0 2@5 1@10"]);
    expect(ask("time()", range)).toEqual(["{} 0@0 300@5 600@10"]);
  });

  test("end() is the end that was asked for, though no step meets it", () => {
    const odd = { from: 0, to: 9 * MINUTE, step: 5 * MINUTE };
    expect(ask('requests_total{job="a",code="500"} @ end()', odd)).toEqual([
      "{__name__=requests_total,code=500,job=a} 54@0 54@5",
    ]);
    expect(ask("end()", odd, { experimental: true })).toEqual(["{} 540@0 540@5"]);
  });

  test("over a vector of a fixed time an aggregation's parameter is that of the first step, as Prometheus has it", () => {
    const range = { from: 0, to: 3 * MINUTE, step: "1m" } as const;
    const storage = loaded('a{x="1"} 1x9\na{x="2"} 2x9');
    expect(shown(evaluate("quantile(time() / 180, a @ 0)", range, storage))).toEqual(["{} 1@0 1@1 1@2 1@3"]);
    expect(shown(evaluate("quantile(time() / 180, a)", range, storage)).join()).toContain("2@3");
  });

  test.each([
    ["topk(1, up)", { experimental: false }],
    ["quantile(0.5, up)", { experimental: false }],
    ["limit_ratio(1, up)", { experimental: true }],
  ] as const)("%s is chosen at each of very many steps", (query, options) => {
    const found = evaluate(query, { from: 0, to: 200_000, step: 1 }, STORAGE, options);
    expect(found.series[0]?.values.length).toBe(200_001);
  });

  test("sorting says that it does nothing, even with a single step", () => {
    const one = { from: 0, to: 1, step: "5m" } as const;
    expect(evaluate("sort(up)", one, STORAGE).warnings).toEqual([
      "PromQL warning: sort is ineffective for range queries since results are always ordered by labels (1:1)",
    ]);
    expect(evaluate("sort(up)", { at: 0 }, STORAGE).warnings).toEqual([]);
  });

  test.each(["up[5m]", '"text"'])("%s has no value", (query) => {
    expect(() => ask(query, range)).toThrow(EvaluationError);
  });
});

describe("remarks", () => {
  test("they name their place in a text, and none in a tree", () => {
    const at = { at: 10 * MINUTE };
    const text = "sum(\n  rate(up[5m]))";
    const said = 'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "up"';
    expect(evaluate(text, at, STORAGE).infos).toEqual([`${said} (2:8)`]);
    expect(evaluate(parse(text), at, STORAGE).infos).toEqual([said]);
  });

  test("a subquery's are at the beginning", () => {
    expect(evaluate("1 + rate(up[5m:1m])", { at: 10 * MINUTE }, STORAGE).infos[0]).toMatch(/"up" \(1:1\)$/);
  });

  test("a difference is rounded to the even digit where it lies midway", () => {
    const storage = loaded('a_bucket{le="1"} 365\na_bucket{le="2"} 0\na_bucket{le="+Inf"} 400');
    const { infos } = evaluate("histogram_quantile(0.5, a_bucket)", { at: 0 }, storage);
    expect(infos[0]).toContain("from buckets 2 to 2, with a max diff of 3.6e+02, over 1 samples");
  });
});

describe("what has no value is an error that names the query", () => {
  const error = (query: string, when: EvaluationInstant | EvaluationRange = { at: 0 }): unknown => {
    try {
      return ask(query, when);
    } catch (caught) {
      return caught;
    }
  };

  test("many series on both sides, in Prometheus's words", () => {
    expect(error("up + on () up")).toMatchObject({
      code: "execution",
      query: "up + on () up",
      message: expect.stringContaining("found duplicate series for the match group {} on the right hand-side"),
    });
  });

  test("of several errors over a range it is the one of the first step", () => {
    const storage = loaded('a{x="1"} 1 1\na{x="2"} 1 1\nb{y="1"} 1 1\nb{y="2"} _ 1');
    const range = { from: 0, to: MINUTE, step: "1m" } as const;
    expect(() => evaluate("a + on () b", range, storage)).toThrow(/^multiple matches for labels: many-to-one/);
    const turned = { from: MINUTE, to: MINUTE, step: "1m" } as const;
    expect(() => evaluate("a + on () b", turned, storage)).toThrow(/^found duplicate series/);
  });

  test("series that become one", () => {
    const query = 'label_replace(up, "job", "x", "", "")';
    expect(error(query)).toMatchObject({ code: "execution", message: expect.stringContaining("same labelset") });
  });

  test("what is not evaluated here is refused by name", () => {
    expect(() => evaluate("holt_winters(up[5m], 0.5, 0.5)", { at: 0 }, STORAGE)).toThrow(
      expect.objectContaining({
        code: "unsupported",
        message: expect.stringContaining("double_exponential_smoothing"),
      }),
    );
  });

  test.each([
    ["1", { from: 0, to: 1e15, step: 1 }],
    ["max_over_time(up[200y:1ms])", { at: 0 }],
  ] as const)("more steps than a server would hold: %s", (query, when) => {
    const refused = error(query, when);
    expect(refused).toBeInstanceOf(EvaluationError);
    expect(refused).toMatchObject({ code: "execution", query });
    expect(String(refused)).toMatch(/too many samples into memory: \d+ steps of 1 ms.*ask for a longer step/);
  });

  test("a text that is no PromQL, and times that are none", () => {
    expect(error("sum(")).toBeInstanceOf(PromqlSyntaxError);
    expect(error("up", { from: 1, to: 0, step: "1m" })).toBeInstanceOf(QueryError);
    expect(error("up", { from: 0, to: 1, step: 0 })).toBeInstanceOf(QueryError);
    expect(error("up", { at: Number.NaN })).toBeInstanceOf(QueryError);
  });
});

describe("experiments of Prometheus", () => {
  const experimental = (query: string, when: EvaluationInstant | EvaluationRange = { at: 0 }, notation = "") =>
    shown(evaluate(query, when, loaded(notation), { experimental: true })).sort();

  test("what one side lacks is filled in, step by step", () => {
    const notation = 'a{x="1"} 1 1\na{x="2"} 2 _ stale\nb{x="2"} 20 20\nb{x="3"} 30 30';
    const range = { from: 0, to: MINUTE, step: "1m" } as const;
    expect(experimental("a + fill (0) b", { at: 0 }, notation)).toEqual(["{x=1} 1", "{x=2} 22", "{x=3} 30"]);
    expect(experimental("a + fill_left (0) b", { at: 0 }, notation)).toEqual(["{x=2} 22", "{x=3} 30"]);
    expect(experimental("a > fill_right (1) b", { at: 0 }, notation)).toEqual([]);
    expect(experimental("a - fill (5) b", range, notation)).toEqual([
      "{x=1} -4@0 -4@1",
      "{x=2} -18@0 -18@1",
      "{x=3} -25@0 -25@1",
    ]);
    expect(experimental("c + fill (0) b", { at: 0 }, notation)).toEqual(["{x=2} 20", "{x=3} 30"]);
  });

  test("labels of info metrics are added, of the newest where there are several", () => {
    const notation = `
      up{job="a",instance="i"} 1x10
      up{job="b",instance="i"} 1x10
      target_info{job="a",instance="i",version="1"} 1 1 1
      target_info{job="a",instance="i",version="2"} _ _ _ 1 1 1
      build_info{job="b",instance="i",commit="c"} 1x10
    `;
    const at = (minutes: number) => ({ at: minutes * MINUTE });
    expect(experimental("info(up)", at(2), notation)).toEqual([
      "{__name__=up,instance=i,job=a,version=1} 1",
      "{__name__=up,instance=i,job=b} 1",
    ]);
    expect(experimental('info(up, {version=~".+"})', at(4), notation)).toEqual([
      "{__name__=up,instance=i,job=a,version=2} 1",
    ]);
    expect(experimental('info(up, {__name__="build_info"})', at(0), notation)).toEqual([
      "{__name__=up,commit=c,instance=i,job=b} 1",
      "{__name__=up,instance=i,job=a} 1",
    ]);
  });

  test("info metrics that are equally new are an error", () => {
    const notation = 'up{job="a"} 1\ntarget_info{job="a",v="1"} 1\ntarget_info{job="a",v="2"} 1';
    expect(() => experimental("info(up)", { at: 0 }, notation)).toThrow(/^found duplicate series for info metric/);
  });

  test("step() and range() are the query's own", () => {
    const range = { from: 0, to: 4 * MINUTE, step: "2m" } as const;
    expect(experimental("count_over_time(a[step()])", range, "a 1x9")).toEqual(["{} 1@0 2@2 2@4"]);
    expect(experimental("count_over_time(a[range()])", range, "a 1x9")).toEqual(["{} 1@0 3@2 4@4"]);
    expect(() => experimental("a[step()]", { at: 0 })).toThrow(PromqlSyntaxError);
  });
});

test("a wide and a deep evaluation need no stack", () => {
  const storage = memoryStorage();
  const size = 200_000;
  storage.appendColumns(
    { __name__: "long" },
    Array.from({ length: size }, (_, i) => i),
    new Float64Array(size).fill(1),
  );
  for (let i = 0; i < 20_000; i++) storage.append({ __name__: "wide", i: String(i) }, 0, 1);
  expect(shown(evaluate(`sum_over_time(long[${size}ms])`, { at: size - 1 }, storage))).toEqual([`{} ${size}`]);
  expect(shown(evaluate("sum(topk(20000, wide))", { at: 0 }, storage))).toEqual(["{} 20000"]);
  expect(shown(evaluate("quantile(0.5, wide)", { at: 0 }, storage))).toEqual(["{} 1"]);
  expect(evaluate("long", { from: 0, to: size, step: 1 }, storage).series[0]?.values.length).toBe(size + 1);
});
