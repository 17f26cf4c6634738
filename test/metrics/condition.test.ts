import { describe, expect, test } from "vitest";
import { QueryError } from "../../src/errors.ts";
import { createMesh } from "../../src/index.ts";
import { Condition } from "../../src/metrics/condition.ts";
import { type Expr, evaluate, memoryStorage } from "../../src/promql/index.ts";
import { Matrix } from "../../src/results/matrix.ts";
import { Sample } from "../../src/results/sample.ts";
import { Vector } from "../../src/results/vector.ts";
import { type Answers, AT, recordingBackend, vectorData } from "./recording-backend.ts";

/** What only a caller without types can pass. */
const untyped = (value: unknown) => value as never;

function meshOf(answers: Answers = {}) {
  const backend = recordingBackend(answers);
  const mesh = createMesh({ metrics: backend, now: () => AT });
  return { mesh, backend, service: mesh.service("backend") };
}

const { mesh, service } = meshOf();
const success = service.success("5m");
const latency = service.latency(0.99, "5m");
const rate = service.rate("5m");

const refusal = (code: string, message: string) =>
  expect.objectContaining({ name: "QueryError", code, message: expect.stringContaining(message) });

describe("a condition is a question", () => {
  test("that asks nothing before it is awaited", async () => {
    const { service, backend } = meshOf();
    service.success("5m").below(0.99).minTraffic(1).over({ last: "1h" });
    await Promise.resolve();
    expect(backend.asked).toEqual([]);
  });

  test("whose answer is the value where it holds, and none where it does not", async () => {
    const { service, backend } = meshOf({
      instant: (promql) => (promql.endsWith("< 0.99") ? vectorData([{}, 0.9]) : vectorData()),
    });
    const holds = await service.success("5m").below(0.99);
    expect(holds).toBeInstanceOf(Sample);
    expect(holds).toMatchObject({ value: 0.9, unit: "ratio" });
    expect(await service.success("5m").below(0.5)).toMatchObject({ value: undefined });
    expect(backend.asked).toHaveLength(2);
  });

  test("by labels a vector of those for which it holds, and over a range a matrix", async () => {
    const { service, backend } = meshOf({ instant: () => vectorData([{ source_workload: "web" }, 0.9]) });
    const condition = service.success("5m").by("source_workload").below("99%");
    const answer = await condition.at(AT);
    expect(answer).toBeInstanceOf(Vector);
    expect(answer.get({ source_workload: "web" })?.value).toBe(0.9);
    expect(await condition.over({ last: "1h", step: "1m" })).toBeInstanceOf(Matrix);
    expect(backend.asked.map(({ promql }) => promql)).toEqual([condition.promql, condition.promql]);
  });

  test("that never changes", () => {
    const condition = success.below(0.99);
    const before = condition.promql;
    condition.minTraffic(2).withThreshold(0.5).and(latency.above(1));
    expect(condition.promql).toBe(before);
    expect(Object.isFrozen(condition)).toBe(true);
  });

  test("that knows what it compares, whether it holds or not", () => {
    const both = success.below(0.99).and(latency.above("250ms"));
    expect(both.measured.map(({ promql }) => promql)).toEqual([success.promql, latency.promql]);
    expect(rate.above(rate.offset("1d")).measured).toHaveLength(2);
    expect(rate.missing().measured).toEqual([]);
  });
});

describe("thresholds", () => {
  test.each([
    ["milliseconds", latency.above(250), "> 250"],
    ["a duration", latency.atLeast("1m30s"), ">= 90000"],
    ["a ratio", success.atMost(0.5), "<= 0.5"],
    ["a percentage, as exact as it is written", success.below("99.9%"), "< 0.999"],
    ["a number of the unit", rate.equals(0), "== 0"],
    ["a ratio of two rates, which may be above 1", rate.dividedBy(rate.offset("1d")).above(2), "> 2"],
  ])("may be %s", (_, condition, end) => {
    expect(condition.promql.endsWith(end)).toBe(true);
  });

  test.each<[string, () => unknown, string]>([
    ["text for a rate", () => rate.above(untyped("250ms")), 'above: "250ms" is no number of req/s; write above(10)'],
    [
      "no duration",
      () => latency.above(untyped("fast")),
      'above: "fast" is no number of ms; write milliseconds or a duration, above("250ms")',
    ],
    [
      "text without a per cent sign",
      () => success.below(untyped("99")),
      'below: "99" is no ratio; write below(0.99) or below("99%")',
    ],
    [
      "a percentage as a number",
      () => success.below(99),
      'below(99): a share is from 0 to 1; write below("99%") or below(0.99)',
    ],
    ["a percentage above all", () => success.below("101%"), "a share is from 0 to 1"],
    ["no number", () => rate.above(Number.NaN), "above: NaN is no number of req/s"],
    ["infinity", () => rate.above(Number.POSITIVE_INFINITY), "above: Infinity is no number of req/s"],
    ["nothing", () => rate.above(untyped(undefined)), "above: undefined is no number of req/s"],
    ["a query of another unit", () => rate.above(untyped(latency)), "above: req/s and ms do not mix"],
    ["no change", () => rate.changedBy(0, { against: "1d" }), "changedBy(0): a change is above 0, up or down"],
    [
      "a change against another unit",
      () => rate.changedBy(1, { against: untyped(latency) }),
      "changedBy: req/s and ms do not mix",
    ],
    ["no traffic", () => success.below(0.9).minTraffic(0), "minTraffic: 0 is no number of requests per second above 0"],
    [
      "traffic of what has no requests",
      () => service.tcpSent("5m").above(1).minTraffic(1),
      "say which count: minTraffic(1, { of:",
    ],
    [
      "traffic that is none",
      () => success.below(0.9).minTraffic(1, { of: untyped(service.latency(0.9, "5m")) }),
      "of is no query of requests per second",
    ],
  ])("may not be %s", (_, build, message) => {
    expect(build).toThrow(refusal("unit", message));
  });

  test("may not be of another mesh", () => {
    expect(() => rate.above(meshOf().service.rate("5m"))).toThrow(refusal("config", "different meshes"));
    expect(() => rate.above(1).and(meshOf().service.rate("5m").above(1))).toThrow(
      refusal("config", "different meshes"),
    );
    expect(() => success.below(0.9).minTraffic(1, { of: meshOf().service.rate("5m") })).toThrow(
      refusal("config", "minTraffic: the requests are of another mesh"),
    );
  });

  test("can be replaced, the traffic needed staying the same", () => {
    const condition = success.below(0.99).minTraffic(2);
    expect(condition.withThreshold("95%").promql).toBe(success.below(0.95).minTraffic(2).promql);
    expect(condition.comparison).toMatchObject({ op: "<", threshold: 0.99 });
    expect(condition.comparison?.values.promql).toBe(condition.promql.replace(" < 0.99", ""));
    expect(() => condition.withThreshold(95)).toThrow(refusal("unit", "a share is from 0 to 1"));
    const both = condition.and(latency.above(1));
    expect(both.comparison).toBeUndefined();
    expect(() => both.withThreshold(0.5)).toThrow(refusal("unit", "does not compare a value with one number"));
  });
});

describe("joined conditions", () => {
  const byCaller = success.by("source_workload").below(0.99);

  test("name the unit of what holds", () => {
    expect(success.below(0.9).or(latency.above(1)).unit).toBe("ratio or ms");
    expect(success.below(0.9).or(success.above(0.95)).unit).toBe("ratio");
    expect(success.below(0.9).and(latency.above(1)).unit).toBe("ratio");
    expect(rate.missing().unit).toBe("1");
  });

  test("keep the labels of the first", () => {
    expect(byCaller.and(rate.above(1)).shape).toEqual({ kind: "by", labels: ["source_workload"] });
    expect(rate.above(1).unless(byCaller).shape).toEqual({ kind: "by", labels: [] });
    expect(byCaller.unless(rate.by("source_workload", "response_code").above(9)).promql).toContain(
      "unless on (source_workload)",
    );
  });

  test("are refused where their labels do not match", () => {
    expect(() => byCaller.and(rate.by("response_code").above(1))).toThrow(
      refusal("grouping", "no common labels to join on"),
    );
    expect(() => byCaller.or(rate.above(1))).toThrow(refusal("grouping", "group both by the same"));
    expect(() => rate.by("response_code").missing()).toThrow(refusal("grouping", 'write missing({ seen: "1h" })'));
    expect(() => byCaller.and(untyped(success))).toThrow(refusal("unit", "and: an object is no condition"));
  });
});

test("a condition under the reporter auto has no text before it is asked, and is asked all the same", async () => {
  const backend = recordingBackend({ instant: () => vectorData([{ reporter: "destination" }, 1]) });
  const condition = createMesh({ metrics: backend, now: () => AT, reporter: "auto" })
    .service("backend")
    .success("5m")
    .below(0.99)
    .minTraffic(1);
  expect(() => condition.promql).toThrow(QueryError);
  await condition.then(null, () => undefined);
  expect(backend.asked.at(-1)?.promql).toContain(" < 0.99 and ");
});

/** Conditions over real numbers: the engine says for which callers each holds at the last minute. */
describe("over a storage of series", () => {
  const storage = memoryStorage();
  const series = (code: string, caller: string, values: string) =>
    `istio_requests_total{reporter="destination",request_protocol="http",destination_service_name="backend",source_workload="${caller}",response_code="${code}"} ${values}`;
  storage.load(
    [
      series("200", "web", "0+600x20"),
      series("503", "web", "0+60x20"),
      series("200", "idle", "0x20"),
      series("503", "idle", "0x20"),
      series("503", "rare", "0+1x20"),
      series("200", "gone", "0+600x3"),
    ].join("\n"),
    { step: "1m", start: AT - 20 * 60_000 },
  );
  const holding = (condition: { readonly expr: Expr }): readonly string[] => {
    const answer = evaluate(condition.expr, { at: AT }, storage);
    if (answer.kind !== "vector") throw new Error(answer.kind);
    return answer.labels.map((labels) => labels.source_workload ?? "all").sort();
  };
  const callers = service.success("5m").by("source_workload");

  test.each([
    ["no traffic is not below", callers.below(0.99), ["rare", "web"]],
    ["nor above", callers.above(0), ["web"]],
    ["nor equal to 0", callers.equals(0), ["rare"]],
    ["few requests do not count", callers.below(0.99).minTraffic(1), ["web"]],
    [
      "what was there and is gone is missing",
      service.rate("5m").by("source_workload").missing({ seen: "15m" }),
      ["gone"],
    ],
    ["what is there is not missing", service.rate("5m").missing(), []],
    ["what never was is", mesh.service("nobody").rate("5m").missing(), ["all"]],
    ["all but", callers.below(0.99).unless(callers.below(0.5)), ["web"]],
    ["any of", callers.below(0.5).or(callers.above(0.5)), ["rare", "web"]],
    ["both, one without labels", callers.below(0.99).and(service.rate("5m").above(1_000)), []],
    ["no change in an even flow", service.rate("5m").by("source_workload").changedBy("50%", { against: "10m" }), []],
  ])("%s", (_, condition, expected) => {
    expect(holding(condition)).toEqual(expected);
  });
});

test("a condition is what it says in a type of its own", () => {
  expect(success.below(0.99)).toBeInstanceOf(Condition);
  expect(mesh.all().rate("1m").above(1)).toBeInstanceOf(Condition);
});
