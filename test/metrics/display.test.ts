import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { BackendError } from "../../src/errors.ts";
import { createMesh, promql } from "../../src/index.ts";
import { DISPLAY } from "../../src/results/mime.ts";
import { type Answers, AT, recordingBackend, vectorData } from "./recording-backend.ts";

const MINUTE = 60_000;

function rateOf(answers: Answers = {}) {
  const backend = recordingBackend({
    instant: () => vectorData([{}, 41.7]),
    range: () => ({
      kind: "matrix",
      series: [{ labels: {}, timesMs: Float64Array.of(AT - MINUTE, AT), values: Float64Array.of(40, 41.7) }],
    }),
    ...answers,
  });
  const mesh = createMesh({ metrics: backend, now: () => AT });
  return { backend, mesh, rate: mesh.all().rate("5m") };
}

describe("a query at the end of a notebook's cell", () => {
  test("asks for now and for the last hour, and is a chart of both", async () => {
    const { rate, backend } = rateOf();
    const bundle = await rate[DISPLAY]();
    expect(backend.asked).toMatchObject([{ atMs: undefined }, { grid: { startMs: AT - 60 * MINUTE, endMs: AT } }]);
    expect(Object.keys(bundle)).toEqual([
      "text/html",
      "application/vnd.vegalite.v5+json",
      "text/markdown",
      "text/plain",
    ]);
    expect(bundle["text/plain"]).toMatchInlineSnapshot(`
      "41.7 req/s

      over the last hour
      points  min       mean         max         last
      2       40 req/s  40.85 req/s  41.7 req/s  41.7 req/s                                                             █
        at 2026-11-20T10:00:00Z from recording: sum(rate(istio_requests_total{reporter="destination"}[5m]))"
    `);
    expect(bundle["text/html"]).toMatch(/^<div class="mq"><style>[\s\S]*<\/div>$/);
    expect(bundle["text/html"]).not.toMatch(/<html|<body|<script/);
    expect(bundle["application/vnd.vegalite.v5+json"]).toHaveProperty("$schema");
  });

  test("is a table where it is grouped", async () => {
    const { rate } = rateOf({ instant: () => vectorData([{ response_code: "200" }, 41.7]) });
    const bundle = await rate.by("response_code")[DISPLAY]();
    expect(bundle["text/html"]).toContain("<td>200</td>");
    expect(bundle["text/markdown"]).toContain("| 200 | 41.7 req/s |");
  });

  test("shows what failed, once, and throws nothing", async () => {
    const refuse = () => {
      throw new BackendError("forbidden", "prometheus: 403 <b>Forbidden</b>", { status: 403, query: "sum(up)" });
    };
    const { rate } = rateOf({ instant: refuse, range: refuse });
    const bundle = await rate[DISPLAY]();
    expect(bundle["text/plain"]).toBe("BackendError: prometheus: 403 <b>Forbidden</b>\nsum(up)");
    expect(bundle["text/html"]).toContain(
      '<p class="bad">BackendError: prometheus: 403 &lt;b&gt;Forbidden&lt;/b&gt;</p>',
    );
    expect(bundle).not.toHaveProperty("application/vnd.vegalite.v5+json");
  });

  test("shows the half that there is", async () => {
    const { rate } = rateOf({
      range: () => {
        throw new BackendError("bad-query", "prometheus: no ranges", { status: 422 });
      },
    });
    const text = (await rate[DISPLAY]())["text/plain"];
    expect(text).toContain("41.7 req/s");
    expect(text).toContain("BackendError: prometheus: no ranges");
  });

  test("of a mesh without metrics says what to write", async () => {
    const text = (await createMesh({}).all().rate("5m")[DISPLAY]())["text/plain"];
    expect(text).toMatch(/^QueryError: this mesh has no metrics backend/);
  });

  test("shows itself as a condition, as a range and as a text too", async () => {
    const { rate, mesh } = rateOf();
    expect((await rate.above(40)[DISPLAY]())["text/plain"]).toContain("> 40");
    expect((await rate.over({ last: "6h" })[DISPLAY]())["text/plain"]).toContain("points");
    const words = createMesh({
      metrics: recordingBackend({ instant: () => ({ kind: "string", value: "hello", timeMs: AT }) }),
    }).promql('"hello"', { type: "string" });
    expect((await words[DISPLAY]())["text/plain"]).toMatch(/^hello\n/);
    expect((await mesh.promql(promql`up`)[DISPLAY]())["text/plain"]).toContain("from recording: up");
  });
});

describe("a query at the console", () => {
  test("says what it would ask, and asks nothing", () => {
    const { rate, backend } = rateOf();
    expect(inspect(rate)).toMatchInlineSnapshot(`
      "sum(rate(istio_requests_total{reporter="destination"}[5m]))
        in req/s; not asked yet: await it, or write .over({ last: "1h" })"
    `);
    expect(inspect(rate.above(40))).toContain("> 40\n  in req/s; not asked yet");
    expect(backend.asked).toEqual([]);
  });

  test("says why it has no text yet", () => {
    const mesh = createMesh({ metrics: recordingBackend(), reporter: "auto" });
    expect(inspect(mesh.all().rate("5m"))).toMatch(/^the query has no text yet/);
  });
});
