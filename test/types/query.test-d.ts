import { describe, expectTypeOf, test } from "vitest";
import type {
  Condition,
  HistogramVector,
  Matrix,
  Meta,
  Query,
  Sample,
  Series,
  SignalQuery,
  Vector,
  VectorSample,
} from "../../src/index.ts";
import { createMesh, label, prometheus } from "../../src/index.ts";

const mesh = createMesh({ metrics: prometheus("http://prometheus:9090") });
const edge = mesh.edge("frontend", "backend");
const rate = edge.rate("5m");
const latency = edge.latency(0.99, "5m");

describe("what a query gives", () => {
  test("without labels it is one sample, now and at an instant", async () => {
    expectTypeOf(await rate).toEqualTypeOf<Sample<"req/s">>();
    expectTypeOf(await rate.at(0)).toEqualTypeOf<Sample<"req/s">>();
    expectTypeOf(await rate.now({ timeoutMs: 1_000 })).toEqualTypeOf<Sample<"req/s">>();
    expectTypeOf((await rate).value).toEqualTypeOf<number | undefined>();
    expectTypeOf((await rate).meta).toEqualTypeOf<Meta>();
  });

  test("grouped it is a vector with the labels grouped by", async () => {
    const byCode = await rate.by("response_code");
    expectTypeOf(byCode).toEqualTypeOf<Vector<"response_code", "req/s">>();
    for (const sample of byCode) {
      expectTypeOf(sample).toEqualTypeOf<VectorSample<"response_code">>();
      expectTypeOf(sample.labels.response_code).toEqualTypeOf<string>();
      expectTypeOf(sample.value).toEqualTypeOf<number>();
    }
    expectTypeOf(byCode.get({ response_code: "503" })?.value).toEqualTypeOf<number | undefined>();
    expectTypeOf(await rate.by("response_code", "response_flags")).toEqualTypeOf<
      Vector<"response_code" | "response_flags", "req/s">
    >();
  });

  test("over a range it is a matrix of series with the same labels", async () => {
    expectTypeOf(await rate.over({ last: "6h", step: "1m" })).toEqualTypeOf<Matrix<never, "req/s">>();
    for (const series of await rate.by("response_code").over({ last: "6h" })) {
      expectTypeOf(series).toEqualTypeOf<Series<"response_code", "req/s">>();
      expectTypeOf(series.labels.response_code).toEqualTypeOf<string>();
      expectTypeOf(series.values).toEqualTypeOf<Float64Array>();
    }
  });

  test("a query without some labels may have any others", async () => {
    expectTypeOf(await rate.without("response_code")).toEqualTypeOf<Vector<string, "req/s">>();
  });

  test("a label of one's own is named on purpose, and known in the result", async () => {
    expectTypeOf(await rate.by(label("team"))).toEqualTypeOf<Vector<"team", "req/s">>();
    expectTypeOf(await rate.by(label("team"), "response_code")).toEqualTypeOf<
      Vector<"response_code" | "team", "req/s">
    >();
  });

  test("is a promise to everything that takes one", async () => {
    const [requests, milliseconds] = await Promise.all([rate, latency]);
    expectTypeOf(requests).toEqualTypeOf<Sample<"req/s">>();
    expectTypeOf(milliseconds).toEqualTypeOf<Sample<"ms">>();
    expectTypeOf(rate.then((sample) => sample.value ?? 0)).toEqualTypeOf<Promise<number>>();
  });
});

describe("a query in PromQL's own words", () => {
  test("is a vector of any labels, one value or a text, as its type is named", async () => {
    expectTypeOf(await mesh.promql("up")).toEqualTypeOf<Vector<string, "1">>();
    expectTypeOf(await mesh.promql("up", { unit: "ms" })).toEqualTypeOf<Vector<string, "ms">>();
    expectTypeOf(await mesh.promql("1", { type: "scalar" })).toEqualTypeOf<Sample<"1">>();
    expectTypeOf((await mesh.promql('"x"', { type: "string" })).value).toEqualTypeOf<string>();
    const histograms = mesh.promql("x", { type: "histogram", unit: "ms" });
    expectTypeOf(await histograms).toEqualTypeOf<HistogramVector<"ms">>();
    expectTypeOf((await histograms).quantile(0.5)).toEqualTypeOf<Vector<string, "ms">>();
    expectTypeOf((await histograms.over({ last: "1h" })).quantile(0.5)).toEqualTypeOf<Matrix<string, "ms">>();
    // @ts-expect-error a text has no course
    mesh.promql('"x"', { type: "string" }).over({ last: "1h" });
  });
});

describe("units", () => {
  test("every signal has its own", () => {
    expectTypeOf(rate).toEqualTypeOf<SignalQuery<"req/s">>();
    expectTypeOf(edge.requests("5m").unit).toEqualTypeOf<"req">();
    expectTypeOf(edge.errors("5m").unit).toEqualTypeOf<"req/s">();
    expectTypeOf(edge.success("5m").unit).toEqualTypeOf<"ratio">();
    expectTypeOf(latency.unit).toEqualTypeOf<"ms">();
    expectTypeOf(edge.responseBytes("5m").unit).toEqualTypeOf<"B/s">();
    expectTypeOf(edge.tcpOpened("5m").unit).toEqualTypeOf<"conn/s">();
    expectTypeOf(edge.messagesSent("5m").unit).toEqualTypeOf<"msg/s">();
  });

  test("divide as the quantities do", () => {
    expectTypeOf(rate.dividedBy(rate.offset("1d")).unit).toEqualTypeOf<"ratio">();
    expectTypeOf(edge.responseBytes("5m").dividedBy(rate).unit).toEqualTypeOf<"B/req">();
    expectTypeOf(rate.dividedBy(edge.success("5m")).unit).toEqualTypeOf<"req/s">();
    expectTypeOf(rate.dividedBy(latency).unit).toEqualTypeOf<"req/s/ms">();
    expectTypeOf(rate.dividedBy(60).unit).toEqualTypeOf<"req/s">();
  });

  test("stay under sums of their own kind, plain numbers and ratios", () => {
    expectTypeOf(rate.plus(edge.errors("5m")).unit).toEqualTypeOf<"req/s">();
    expectTypeOf(rate.minus(10).unit).toEqualTypeOf<"req/s">();
    expectTypeOf(latency.plus(5).unit).toEqualTypeOf<"ms">();
    expectTypeOf(rate.times(edge.success("5m")).unit).toEqualTypeOf<"req/s">();
    expectTypeOf(rate.times(2).unit).toEqualTypeOf<"req/s">();
  });

  test("labels of both sides come together", async () => {
    const share = rate.by("response_code").dividedBy(rate);
    expectTypeOf(await share).toEqualTypeOf<Vector<"response_code", "ratio">>();
    expectTypeOf(await rate.plus(rate.by("response_code"))).toEqualTypeOf<Vector<"response_code", "req/s">>();
  });
});

describe("conditions", () => {
  test("keep the unit and the labels of what they compare", async () => {
    expectTypeOf(latency.above("250ms")).toEqualTypeOf<Condition<"ms", never>>();
    expectTypeOf(await edge.success("5m").below("99.5%")).toEqualTypeOf<Sample<"ratio">>();
    expectTypeOf(await rate.by("response_code").above(rate)).toEqualTypeOf<Vector<"response_code", "req/s">>();
    expectTypeOf(await rate.above(1).over({ last: "1h" })).toEqualTypeOf<Matrix<never, "req/s">>();
    expectTypeOf(rate.changedBy(0.5, { against: "1d" }).unit).toEqualTypeOf<"ratio">();
    expectTypeOf(rate.missing().unit).toEqualTypeOf<"1">();
    expectTypeOf(rate.above(1).or(latency.above("1m30s")).unit).toEqualTypeOf<"ms" | "req/s">();
    expectTypeOf(rate.by("response_code").above(1).and(latency.above(1))).toEqualTypeOf<
      Condition<"req/s", "response_code">
    >();
  });
});

describe("scopes", () => {
  test("conditions complete Istio's labels and leave others open", () => {
    edge.where({ request_protocol: "grpc", response_code: { not: /5../ }, destination_version: ["v1", "v2"] });
    edge.where({ response_code: 503, team: "payments" });
    edge.where(label("team"), ["payments", "search"]);
    const protocol: string | undefined = undefined;
    edge.where({ request_protocol: protocol });
  });

  test("narrowing keeps the scope's own kind", () => {
    expectTypeOf(edge.where({ response_code: 503 }).reportedBy("source").version("v2")).toEqualTypeOf(edge);
    const backend = mesh.service("backend");
    expectTypeOf(backend.outbound.where({ response_code: 503 })).toEqualTypeOf(backend);
  });

  test("peers are named by text or by what is known of them", () => {
    mesh.edge("frontend.shop", { service: "backend", namespace: "shop" });
    mesh.edge({}, "backend");
    mesh.workload({ workload: "backend", version: "v2", cluster: undefined });
  });

  test("times come in every usual form", () => {
    rate.at(new Date());
    rate.at("2026-11-20T10:00:00Z");
    rate.over({ from: new Date(0), to: 3_600_000, points: 300 });
    rate.over({ last: "6h" }, { signal: new AbortController().signal, timeoutMs: 5_000 });
  });
});

test("a function may take any query of a unit, whatever its labels", () => {
  const perHour = <L extends string>(query: Query<"req/s", L>) => query.times(3600);
  expectTypeOf(perHour(edge.errors("5m"))).toEqualTypeOf<Query<"req/s">>();
  expectTypeOf(perHour(edge.errors("5m").by("response_code"))).toEqualTypeOf<Query<"req/s", "response_code">>();
});
