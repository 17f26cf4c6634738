import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DecodeError, PartialError, QueryError } from "../../src/errors.ts";
import { createMesh, label, type MeshOptions } from "../../src/index.ts";
import type { Grid, MatrixData } from "../../src/metrics/backend.ts";
import type { RangeProgress } from "../../src/metrics/plan/range.ts";
import { Query, RangeQuery } from "../../src/metrics/query.ts";
import { parse } from "../../src/promql/index.ts";
import { Matrix } from "../../src/results/matrix.ts";
import { Sample } from "../../src/results/sample.ts";
import { Vector } from "../../src/results/vector.ts";
import { type Answers, AT, recordingBackend, vectorData } from "./recording-backend.ts";

/** What only a caller without types can pass. */
const untyped = (value: unknown) => value as never;

function meshOf(answers: Answers = {}, options: MeshOptions = {}) {
  const backend = recordingBackend(answers);
  const mesh = createMesh({ metrics: backend, now: () => AT + 1000, ...options });
  return { mesh, backend, all: mesh.all(), rate: mesh.all().rate("5m") };
}

const RATE = 'sum(rate(istio_requests_total{reporter="destination"}[5m]))';
const grouped = (grouping: string) => RATE.replace("sum(", `sum ${grouping} (`);

describe("a query asks nothing", () => {
  test("before it is awaited", async () => {
    const { all, backend, rate } = meshOf({}, { reporter: "auto" });
    all.success("5m").by("response_code").offset("1d").plus(0.5);
    rate.over({ last: "1h" });
    rate.dividedBy(rate);
    await Promise.resolve();
    expect(backend.asked).toEqual([]);
  });

  test("to print its text", () => {
    const { rate, backend } = meshOf();
    expect(rate.promql).toBe(RATE);
    expect(rate.unit).toBe("req/s");
    expect(backend.asked).toEqual([]);
  });
});

describe("a query asks", () => {
  const options = { signal: new AbortController().signal, timeoutMs: 77 };

  test("for the backend's now when it is awaited", async () => {
    const { rate, backend } = meshOf();
    await rate;
    expect(backend.asked).toEqual([{ promql: RATE, atMs: undefined, options: {} }]);
  });

  test("for now with options", async () => {
    const { rate, backend } = meshOf();
    await rate.now(options);
    expect(backend.asked).toEqual([{ promql: RATE, atMs: undefined, options }]);
    expect(backend.asked[0]?.options).toBe(options);
  });

  test("for an instant, the epoch included", async () => {
    const { rate, backend } = meshOf();
    await rate.at("2026-11-20T10:00:00Z", options);
    await rate.at(0);
    expect(backend.asked.map((one) => one.atMs)).toEqual([AT, 0]);
    expect(backend.asked[0]?.options).toBe(options);
  });

  test("for a range, with now as the time of asking", async () => {
    let now = AT;
    const { rate, backend } = meshOf({}, { now: () => now });
    const course = rate.over({ last: "1h", step: "1m" }, options);
    now += 65_000;
    await course;
    expect(backend.asked).toEqual([
      { promql: RATE, grid: { startMs: AT - 3_600_000 + 120_000, endMs: AT + 60_000, stepMs: 60_000 }, options },
    ]);
  });

  test("no finer than the backend scrapes", async () => {
    const { rate, backend } = meshOf();
    await rate.over({ last: "5m" });
    expect(backend.asked[0]?.grid?.stepMs).toBe(15_000);
  });

  test("each time it is awaited", async () => {
    const { rate, backend } = meshOf();
    await rate;
    await rate;
    await Promise.all([rate, rate]);
    expect(backend.asked).toHaveLength(4);
  });

  test("nothing for an instant or a range that is none", async () => {
    const { rate, backend } = meshOf();
    await expect(rate.at("yesterday")).rejects.toMatchObject({
      code: "time",
      message: expect.stringContaining("at: "),
    });
    expect(() => rate.over({ last: "1x" })).toThrow(expect.objectContaining({ code: "range" }));
    expect(() => rate.over(untyped(undefined))).toThrow(expect.objectContaining({ code: "range" }));
    expect(backend.asked).toEqual([]);
  });

  test("nothing where there is no backend, saying what to write", async () => {
    const rate = createMesh().all().rate("5m");
    const refusal = { code: "config", message: expect.stringContaining("write createMesh({ metrics: prometheus(") };
    await expect(rate).rejects.toMatchObject(refusal);
    await expect(rate.at(0)).rejects.toMatchObject(refusal);
    await expect(rate.over({ last: "1h" })).rejects.toMatchObject(refusal);
  });
});

describe("a deadline", () => {
  const later = () => new Promise<void>((resolve) => setTimeout(resolve, 30));
  const timeoutMs = 20_000;

  test("is for all that a query asks, how it is counted and how often it is scraped included", async () => {
    const recording = recordingBackend({ instant: () => later().then(() => vectorData([{}, 1])) });
    const backend = {
      ...recording,
      findScrapeInterval: async (options = {}) => {
        await recording.instant(parse("interval"), undefined, options);
        return 15_000;
      },
    };
    const auto = createMesh({ metrics: backend, now: () => AT, reporter: "auto" })
      .workload("a")
      .inbound.rate("5m");
    let seen = 0;
    const left = () => {
      const asked = recording.asked.slice(seen);
      seen += asked.length;
      return asked.map(({ options }) => timeoutMs - (options?.timeoutMs ?? 0));
    };
    const isFalling = (spent: readonly number[]) => spent.every((ms, i) => ms >= 25 * i);
    await auto.now({ timeoutMs });
    expect(left()).toSatisfy((spent: readonly number[]) => spent.length === 2 && isFalling(spent));
    await auto.over({ last: "1h" }, { timeoutMs });
    expect(left()).toSatisfy((spent: readonly number[]) => spent.length > 1 && isFalling(spent));
    const histogram = createMesh({ metrics: backend, now: () => AT }).promql("x", { type: "histogram" });
    await histogram.over({ last: "1h" }, { timeoutMs });
    expect(left()).toSatisfy((spent: readonly number[]) => spent.length === 2 && isFalling(spent));
  });

  test("that passed before all was asked is a TimeoutError", async () => {
    const recording = recordingBackend();
    const backend = { ...recording, findScrapeInterval: () => later().then(() => 15_000) };
    const rate = createMesh({ metrics: backend, now: () => AT })
      .all()
      .rate("5m");
    await expect(rate.over({ last: "1h" }, { timeoutMs: 10 })).rejects.toMatchObject({
      name: "TimeoutError",
      timeoutMs: 10,
      message: expect.stringContaining("within 10 ms"),
    });
    expect(recording.asked).toEqual([]);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, "5s"])("of %s is refused", async (timeoutMs) => {
    const { rate, backend } = meshOf();
    const options = { timeoutMs: untyped(timeoutMs) };
    for (const asked of [rate.now(options), rate.over({ last: "1h" }, options)]) {
      await expect(asked).rejects.toMatchObject({ name: "QueryError", code: "timeout" });
    }
    expect(backend.asked).toEqual([]);
  });
});

describe("a query behaves as a promise", () => {
  test("of what was answered", async () => {
    const { rate } = meshOf({ instant: () => vectorData([{}, 2]) });
    expect(await rate.then(({ value }) => (value ?? 0) * 2)).toBe(4);
    expect(await Promise.all([rate, 1])).toMatchObject([{ value: 2 }, 1]);
  });

  test("that fails with what the backend threw", async () => {
    const failure = new RangeError("down");
    const { rate } = meshOf({
      instant: () => Promise.reject(failure),
      range: () => Promise.reject(failure),
    });
    await expect(rate).rejects.toBe(failure);
    await expect(rate.over({ last: "1h" })).rejects.toBe(failure);
    expect(await rate.then(null, (error) => error)).toBe(failure);
    expect(await rate.over({ last: "1h" }).then(undefined, (error) => error)).toBe(failure);
    await expect(
      rate.then(() => 1).catch((error) => Promise.reject(new Error("mine", { cause: error }))),
    ).rejects.toThrow("mine");
  });

  test("that fails with what its reader threw", async () => {
    const { rate } = meshOf();
    await expect(
      rate.then(() => {
        throw new RangeError("mine");
      }),
    ).rejects.toThrow("mine");
  });
});

describe("a query without labels is answered by a sample", () => {
  test("with its unit, its time and its origin", async () => {
    const { rate } = meshOf({
      instant: () => vectorData([{}, 41.7]),
      quality: { warnings: ["w"], infos: ["i"], tookMs: 12 },
    });
    const answer = await rate;
    expect(answer).toBeInstanceOf(Sample);
    expect(answer).toEqual(
      new Sample({
        value: 41.7,
        unit: "req/s",
        at: AT,
        labels: {},
        meta: { backend: "recording", promql: RATE, complete: true, warnings: ["w"], infos: ["i"], tookMs: 12 },
      }),
    );
    expect(Object.isFrozen(answer.meta)).toBe(true);
  });

  test("of the instant asked for", async () => {
    const { rate } = meshOf({ instant: () => vectorData([{}, 1]) });
    expect((await rate.at(5)).at).toBe(5);
  });

  test("without a value where nothing was measured, at the mesh's clock", async () => {
    const { rate } = meshOf();
    expect(await rate).toMatchObject({ value: undefined, at: AT + 1000, labels: {} });
    expect(await rate.at(5)).toMatchObject({ value: undefined, at: 5 });
  });

  test("from a scalar", async () => {
    const { rate } = meshOf({ instant: () => ({ kind: "scalar", timeMs: 7, value: 3 }) });
    expect(await rate).toMatchObject({ value: 3, at: 7, labels: {} });
  });

  test.each<[string, Answers["instant"]]>([
    ["2 series", () => vectorData([{ a: "1" }, 1], [{ a: "2" }, 2])],
    ["a string", () => ({ kind: "string", timeMs: 7, value: "x" })],
    [
      "a native histogram",
      () => ({ ...vectorData([{}, Number.NaN]), histograms: new Map([[0, { count: 1, sum: 1, buckets: [] }]]) }),
    ],
  ])("and by an error where %s came", async (what, instant) => {
    const { rate } = meshOf({ instant });
    const failure = { code: "shape", backend: "recording", query: RATE };
    const advice = what.includes("histogram")
      ? '; write mesh.promql(…, { type: "histogram" }), or take a number of it'
      : "";
    await expect(rate).rejects.toBeInstanceOf(DecodeError);
    await expect(rate).rejects.toMatchObject({
      ...failure,
      message: `recording: ${what} came where numbers were asked for${advice}`,
    });
  });
});

describe("a grouped query is answered by a vector", () => {
  test("of exactly the labels grouped by, empty where a series lacks one", async () => {
    const { rate } = meshOf({
      instant: () => vectorData([{ response_code: "200", surplus: "x" }, 1], [{ constructor: "y" }, 2]),
    });
    const answer = await rate.by("response_code", label("constructor"), label("__proto__"));
    expect(answer).toBeInstanceOf(Vector);
    expect(answer.labels.map((labels) => Object.entries(labels))).toEqual([
      [
        ["response_code", "200"],
        ["constructor", ""],
        ["__proto__", ""],
      ],
      [
        ["response_code", ""],
        ["constructor", "y"],
        ["__proto__", ""],
      ],
    ]);
    expect(answer.get(untyped({ response_code: "" }))?.value).toBe(2);
    expect(answer).toMatchObject({
      unit: "req/s",
      at: AT,
      meta: { promql: grouped("by (response_code, constructor, __proto__)") },
    });
  });

  test("of the labels that came, where all but some were asked for", async () => {
    const { rate } = meshOf({ instant: () => vectorData([{ a: "1" }, 1], [{ b: "2" }, 2]) });
    expect((await rate.without("response_code")).labels).toEqual([{ a: "1" }, { b: "2" }]);
  });

  test("that is empty where nothing was measured", async () => {
    const { rate } = meshOf();
    const answer = await rate.by("response_code");
    expect([...answer]).toEqual([]);
    expect(answer.at).toBe(AT + 1000);
  });

  test("and by an error where a scalar or a native histogram came", async () => {
    const scalar = meshOf({ instant: () => ({ kind: "scalar", timeMs: 7, value: 3 }) });
    await expect(scalar.rate.by("response_code")).rejects.toMatchObject({ message: /a scalar came/ });
    const histograms = new Map([[1, { count: 1, sum: 1, buckets: [] }]]);
    const native = meshOf({ instant: () => ({ ...vectorData([{ a: "1" }, 1], [{}, Number.NaN]), histograms }) });
    await expect(native.rate.by("response_code")).rejects.toMatchObject({ message: /a native histogram came/ });
  });
});

describe("a query over a range is answered by a matrix", () => {
  const columns = { timesMs: Float64Array.of(1000, 2000), values: Float64Array.of(1, 2) };

  test("of series as columns, with the grid that was asked for", async () => {
    const { rate } = meshOf({
      range: () => ({ kind: "matrix", series: [{ labels: { response_code: "200", surplus: "x" }, ...columns }] }),
    });
    const answer = await rate.by("response_code").over({ from: 0, to: 3000, step: "1s" });
    expect(answer).toBeInstanceOf(Matrix);
    expect(answer).toMatchObject({ unit: "req/s", startMs: 0, endMs: 3000, stepMs: 1000, length: 1 });
    expect(answer.series[0]).toMatchObject({ labels: { response_code: "200" }, unit: "req/s", ...columns });
    expect(answer.meta.promql).toBe(grouped("by (response_code)"));
  });

  test("of one series without labels, or none", async () => {
    const one = meshOf({ range: () => ({ kind: "matrix", series: [{ labels: {}, ...columns }] }) });
    expect((await one.rate.over({ last: "1h" })).series.map((series) => series.labels)).toEqual([{}]);
    expect(await meshOf().rate.over({ last: "1h" })).toHaveLength(0);
  });

  test("and by an error where a native histogram came", async () => {
    const histograms = [{ timeMs: 1000, histogram: { count: 1, sum: 1, buckets: [] } }];
    const { rate } = meshOf({ range: () => ({ kind: "matrix", series: [{ labels: {}, ...columns, histograms }] }) });
    await expect(rate.over({ last: "1h" })).rejects.toMatchObject({
      code: "shape",
      message: /a native histogram came/,
    });
  });
});

describe("a query over a range that is read in parts", () => {
  const range = (_: string, grid: Grid): MatrixData => ({
    kind: "matrix",
    series: [{ labels: {}, timesMs: Float64Array.of(grid.startMs), values: Float64Array.of(1) }],
  });
  const over = { from: 0, to: 9000, step: "1s" } as const;

  test("gives matrices that share no instant, and awaited their sum", async () => {
    const { rate, backend } = meshOf({ range });
    const progress: RangeProgress[] = [];
    const course = rate.over(over, { pointsPerRequest: 4, onProgress: (one) => progress.push(one) });
    const parts: Matrix<never>[] = [];
    for await (const part of course.parts()) parts.push(part);
    expect(parts.map(({ startMs, endMs, stepMs }) => [startMs, endMs, stepMs])).toEqual([
      [0, 2000, 1000],
      [3000, 5000, 1000],
      [6000, 9000, 1000],
    ]);
    expect(parts[1]).toMatchObject({ unit: "req/s", meta: { promql: RATE, complete: true } });
    expect(progress.map(({ done, total, samples, ended }) => [done, total, samples, ended])).toEqual([
      [1, 3, 1, false],
      [2, 3, 2, false],
      [3, 3, 3, true],
    ]);
    const whole = await course;
    expect(whole).toMatchObject({ startMs: 0, endMs: 9000, stepMs: 1000, length: 1 });
    expect(whole.series[0]?.timesMs).toEqual(Float64Array.of(0, 3000, 6000));
    expect(backend.asked).toHaveLength(6);
  });

  test("is one part where the backend answers it at once", async () => {
    const { rate } = meshOf({ range });
    const parts: Matrix<never>[] = [];
    for await (const part of rate.over(over).parts()) parts.push(part);
    expect(parts).toHaveLength(1);
    expect(parts[0]).toMatchObject({ startMs: 0, endMs: 9000 });
  });

  test.each([0, -1, 1.5, Number.NaN, "4"])("is refused in pieces of %s", (pointsPerRequest) => {
    const { rate } = meshOf();
    expect(() => rate.over(over, { pointsPerRequest: untyped(pointsPerRequest) })).toThrow(
      expect.objectContaining({ code: "step", message: expect.stringContaining("pointsPerRequest") }),
    );
  });
});

describe("an answer of which part is missing", () => {
  const partly: Answers = { quality: { complete: false, warnings: ["store x is down", "store y too"] } };

  test("says so", async () => {
    const { rate } = meshOf(partly);
    expect((await rate).meta).toMatchObject({ complete: false, warnings: ["store x is down", "store y too"] });
    expect((await rate.over({ last: "1h" })).meta.complete).toBe(false);
  });

  test("is an error to who wants all or nothing", async () => {
    const { rate } = meshOf(partly, { onPartial: "throw" });
    for (const question of [rate, rate.by("response_code"), rate.over({ last: "1h" })]) {
      const error = await question.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(PartialError);
      expect(error).toMatchObject({
        message: "recording: part of the data is missing: store x is down; store y too",
        warnings: ["store x is down", "store y too"],
        backend: "recording",
        query: expect.stringContaining("istio_requests_total"),
      });
    }
  });

  test("is an error even where the backend did not say what is missing", async () => {
    const { rate } = meshOf({ quality: { complete: false } }, { onPartial: "throw" });
    await expect(rate).rejects.toThrow("recording: part of the data is missing: it did not say which");
  });

  test("is no error for remarks alone", async () => {
    const { rate } = meshOf({ quality: { warnings: ["PromQL warning: x"] } }, { onPartial: "throw" });
    expect((await rate).meta.warnings).toEqual(["PromQL warning: x"]);
  });
});

describe("a query never changes", () => {
  type Any = Query<string, string>;
  const { all } = meshOf();
  const steps: readonly ((query: Any) => unknown)[] = [
    (query) => query.by(label("a"), "response_code"),
    (query) => query.by(),
    (query) => query.without("response_code"),
    (query) => query.offset("1h"),
    (query) => query.times(2),
    (query) => query.plus(untyped(1.5)),
    (query) => query.minus(untyped(-1)),
    (query) => query.dividedBy(3),
    (query) => query.plus(untyped(query)),
    (query) => query.minus(untyped(query.offset("1d"))),
    (query) => query.dividedBy(untyped(query)),
    (query) => query.dividedBy(untyped(all.rate("1m"))),
    (query) => query.times(untyped(all.success("1m"))),
    (query) => query.over({ last: "1h" }),
    (query) => query.promql,
  ];

  test("by any chain of what is made of it", () => {
    const starts: readonly Any[] = [all.rate("5m"), all.success("5m"), all.latency(0.9, "5m").by("response_code")].map(
      untyped,
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...starts),
        fc.array(fc.constantFrom(...steps), { minLength: 1, maxLength: 6 }),
        (start, chain) => {
          const before: (readonly [Any, string, string])[] = [];
          let query = start;
          for (const step of chain) {
            before.push([query, query.promql, query.unit]);
            const next = step(query);
            if (next instanceof Query) query = next as Any;
          }
          for (const [receiver, promql, unit] of before) {
            expect(receiver.promql).toBe(promql);
            expect(receiver.unit).toBe(unit);
            expect(Object.isFrozen(receiver)).toBe(true);
          }
        },
      ),
      { seed: 20_261_124, numRuns: 500 },
    );
  });

  test("and neither does a question about a range", () => {
    const course = all.rate("5m").over({ last: "1h" });
    expect(course).toBeInstanceOf(RangeQuery);
    expect(Object.isFrozen(course)).toBe(true);
  });
});

describe("a grouping", () => {
  const { all, rate } = meshOf();

  test.each<[string, { readonly promql: string }, string]>([
    ["replaces the one before", rate.by("response_code").by("reporter"), grouped("by (reporter)")],
    ["by nothing is none", rate.by("response_code").by(), RATE],
    ["by all but nothing keeps every label", rate.without(), grouped("without ()")],
    ["names a label once", rate.by("reporter", label("reporter"), "reporter"), grouped("by (reporter)")],
    ["takes names that need quotes", rate.by(label("k8s.pod")), grouped('by ("k8s.pod")')],
    ["takes one's own label that looks like a slip", rate.by(label("respons_code")), grouped("by (respons_code)")],
    ["stays under arithmetic with numbers", rate.by("reporter").times(2), `${grouped("by (reporter)")} * 2`],
    [
      "keeps a histogram's bounds whatever is named",
      all.latency(0.5, "5m").by(label("le")),
      'histogram_quantile(0.5, sum by (le) (rate(istio_request_duration_milliseconds_bucket{reporter="destination"}[5m]))) >= 0',
    ],
  ])("%s", (_, query, promql) => {
    expect(query.promql).toBe(promql);
  });

  test("of both sides joins them where one's labels are part of the other's", () => {
    const cases: readonly (readonly [string[] | null, string[] | null, string])[] = [
      [[], [], "/"],
      [["a"], ["a"], "/"],
      [["a", "b"], ["b", "a"], "/"],
      [["a"], [], "/ on () group_left ()"],
      [[], ["a"], "/ on () group_right ()"],
      [["a", "b"], ["a"], "/ on (a) group_left ()"],
      [["a"], ["b", "a"], "/ on (a) group_right ()"],
      [null, [], "/ on () group_left ()"],
      [[], null, "/ on () group_right ()"],
      [null, null, "/"],
    ];
    // null stands for without (response_code)
    const side = (labels: string[] | null) =>
      labels === null ? rate.without("response_code") : rate.by(...labels.map((name) => label(name)));
    for (const [left, right, operator] of cases) {
      const { promql } = side(left).dividedBy(side(right));
      expect(promql).toBe(`${side(left).promql} ${operator} (${side(right).promql} != 0)`);
    }
  });

  test("of a quotient goes to both sides, and matches them by it", () => {
    const share = rate.by("response_code").dividedBy(rate);
    expect(share.promql).toContain("on () group_left ()");
    expect(share.by("reporter").promql).toBe(`${grouped("by (reporter)")} / (${grouped("by (reporter)")} != 0)`);
    expect(share.by("reporter").plus(share.by("reporter")).promql).not.toContain(" on ");
  });

  test("of a quotient is that of the side with more labels", async () => {
    const { rate } = meshOf({ instant: () => vectorData([{ response_code: "200" }, 1]) });
    const answer = await rate.by("response_code").dividedBy(rate);
    expect(answer.labels).toEqual([{ response_code: "200" }]);
    expect(await rate.dividedBy(rate.by("response_code"))).toMatchObject({ labels: [{ response_code: "200" }] });
    const again = share(share(rate));
    expect((await again).labels).toEqual([{ response_code: "200" }]);
    function share(query: typeof rate) {
      return untyped(query.by("response_code").dividedBy(rate).times(rate.dividedBy(rate))) as typeof rate;
    }
  });

  test.each([
    ["by (a) and by (b)", rate.by(label("a")), rate.by(label("b"))],
    ["by (a, b) and by (b, c)", rate.by(label("a"), label("b")), rate.by(label("b"), label("c"))],
    ["by (a) and without (a)", rate.by(label("a")), rate.without(label("a"))],
    ["without (a) and without (a, b)", rate.without(label("a")), rate.without(label("a"), label("b"))],
  ])("%s have nothing to join on", (names, left, right) => {
    expect(() => left.dividedBy(right)).toThrow(
      expect.objectContaining({
        code: "grouping",
        message: `a query ${names.replace(" and ", " and one ")} have no common labels to join on; group both by the same`,
      }),
    );
  });
});

describe("a unit", () => {
  const { all, rate } = meshOf();
  const success = all.success("5m");
  const latency = all.latency(0.5, "5m");
  const bytes = all.requestBytes("5m");

  test.each<[string, { readonly unit: string }]>([
    ["req/s", rate],
    ["req/s", all.errors("5m")],
    ["req", all.requests("5m")],
    ["ratio", success],
    ["ms", latency],
    ["ms", all.meanLatency("5m")],
    ["B/s", bytes],
    ["B/s", all.tcpSent("5m")],
    ["conn/s", all.tcpOpened("5m")],
    ["msg/s", all.messagesSent("5m")],
    ["req/s", rate.plus(rate)],
    ["req/s", rate.minus(1)],
    ["req/s", rate.times(2)],
    ["req/s", rate.times(success)],
    ["req/s", rate.dividedBy(2)],
    ["req/s", rate.dividedBy(success)],
    ["ratio", rate.dividedBy(rate)],
    ["ratio", success.dividedBy(success)],
    ["ratio", success.times(success)],
    ["B/req", bytes.dividedBy(rate)],
    ["ms/req/s", latency.dividedBy(rate)],
    ["ratio", bytes.dividedBy(rate).dividedBy(bytes.dividedBy(rate))],
    ["req/s", rate.by("reporter").offset("1d")],
  ])("%s", (unit, query) => {
    expect(query.unit).toBe(unit);
  });

  test.each<[string, string, () => unknown]>([
    ["unit", "plus: req/s and ms do not mix; both sides need the same unit", () => rate.plus(untyped(latency))],
    ["unit", "minus: ratio and req/s do not mix", () => success.minus(untyped(rate))],
    [
      "unit",
      "times: req/s times ms has no meaning here; the factor is a ratio or a number",
      () => rate.times(untyped(latency)),
    ],
    ["unit", "dividedBy(0): nothing can be divided by zero", () => rate.dividedBy(0)],
    ["unit", "dividedBy(0)", () => rate.dividedBy(-0)],
    ["unit", "NaN is neither a query nor a finite number", () => rate.plus(Number.NaN)],
    ["unit", "Infinity is neither a query nor", () => rate.times(Number.POSITIVE_INFINITY)],
    ["unit", '"1 or vector(1)" is neither a query nor', () => rate.plus(untyped("1 or vector(1)"))],
    ["unit", "null is neither a query nor", () => rate.minus(untyped(null))],
    ["unit", "undefined is neither a query nor", () => rate.dividedBy(untyped(undefined))],
    ["unit", "an object is neither a query nor", () => rate.plus(untyped({ unit: "req/s" }))],
    [
      "config",
      "the two queries are of different meshes; ask each and compute with the answers",
      () => rate.plus(meshOf().rate),
    ],
    ["config", "of different meshes", () => rate.dividedBy(createMesh().all().rate("5m"))],
  ])("is refused (%s): %s", (code, message, attempt) => {
    expect(attempt).toThrow(QueryError);
    expect(attempt).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });

  test("of meshes over one backend is computed together", () => {
    const backend = recordingBackend();
    const [one, other] = [createMesh({ metrics: backend }), createMesh({ metrics: backend, reporter: "source" })];
    expect(one.all().rate("5m").dividedBy(other.all().rate("5m")).promql).toContain('reporter="source"');
  });
});

describe("an offset", () => {
  const { rate } = meshOf();

  test("adds up, and reaches every part", () => {
    expect(rate.offset("1d").offset("1h").promql).toBe(RATE.replace("[5m]", "[5m] offset 1d1h"));
    expect(rate.dividedBy(rate.offset("1d")).offset("1h").promql).toBe(
      `${RATE.replace("[5m]", "[5m] offset 1h")} / (${RATE.replace("[5m]", "[5m] offset 1d1h")} != 0)`,
    );
  });

  test("and a grouping may come in any order", () => {
    expect(rate.offset("1d").by("reporter").promql).toBe(rate.by("reporter").offset("1d").promql);
  });
});
