import { describe, expect, test } from "vitest";
import { createMesh } from "../../src/mesh/mesh.ts";
import type { Traffic } from "../../src/mesh/traffic.ts";
import { AT, recordingBackend, vectorData } from "../metrics/recording-backend.ts";

const MINUTE = 60_000;

/** A mesh whose backend knows series of these reporters, and whose clock is set by hand. */
function meshOf(...reporters: readonly (readonly string[])[]) {
  const clock = { ms: AT };
  let answered = 0;
  const backend = recordingBackend({
    instant: (promql) => {
      if (!promql.startsWith("group ")) return vectorData();
      const seen = reporters[Math.min(answered++, reporters.length - 1)] ?? [];
      return vectorData(...seen.map((reporter) => [reporter === "" ? {} : { reporter }, 1] as const));
    },
  });
  const mesh = createMesh({ metrics: backend, reporter: "auto", now: () => clock.ms });
  const questions = () => backend.asked.filter((one) => one.promql.startsWith("group "));
  return { mesh, backend, clock, questions };
}

const chosen = (promql: string | undefined): string | undefined => /reporter(?:=~?)"(.*?)"/.exec(promql ?? "")?.[1];

describe("the reporter auto", () => {
  test.each<[string[], string]>([
    [["destination"], "destination"],
    [["source"], "source"],
    [["waypoint"], "waypoint"],
    [["destination", "source"], "destination"],
    [["source", "waypoint"], "waypoint"],
    [["destination", "waypoint"], "destination|waypoint"],
    [["destination", "source", "waypoint"], "destination|waypoint"],
    [[], "destination"],
    [["sidecar"], "destination"],
    [[""], "destination"],
  ])("of a scope on which %j report reads %s", async (reporters, expected) => {
    const { mesh, backend } = meshOf(reporters);
    const { meta } = await mesh.workload("a").rate("5m");
    expect(chosen(meta.promql)).toBe(expected);
    expect(backend.asked.at(-1)?.promql).toBe(meta.promql);
  });

  test("is asked for by the series of the scope, whoever counted them", async () => {
    const { mesh, questions } = meshOf(["source"]);
    await mesh.edge("a", "b.y").where({ request_protocol: "grpc" }).rate("5m");
    expect(questions().map((one) => one.promql)).toEqual([
      'group by (reporter) ({__name__=~"istio_requests_total|istio_tcp_connections_opened_total",source_workload="a",destination_workload="b",destination_workload_namespace="y",request_protocol="grpc"})',
    ]);
  });

  test("is asked for once and remembered for all signals of the scope", async () => {
    const { mesh, questions, clock } = meshOf(["source"]);
    const scope = mesh.workload("a");
    await scope.rate("5m");
    clock.ms += 4 * MINUTE;
    await scope.success("1h").by("response_code");
    await scope.rate("5m").dividedBy(scope.rate("1h"));
    expect(questions()).toHaveLength(1);
  });

  test("is asked for again when the answer is old, and for another scope", async () => {
    const { mesh, questions, clock } = meshOf(["source"]);
    await mesh.workload("a").rate("5m");
    await mesh.workload("b").rate("5m");
    expect(questions()).toHaveLength(2);
    clock.ms += 6 * MINUTE;
    await mesh.workload("a").rate("5m");
    expect(questions()).toHaveLength(3);
  });

  test("is not remembered where nobody reports yet", async () => {
    const { mesh, questions } = meshOf([], ["source"]);
    const rate = mesh.workload("a").rate("5m");
    expect(chosen((await rate).meta.promql)).toBe("destination");
    expect(chosen((await rate).meta.promql)).toBe("source");
    expect(questions()).toHaveLength(2);
  });

  test("is asked for at the time of the question", async () => {
    const { mesh, questions } = meshOf(["source"]);
    const rate = mesh.workload("a").rate("5m");
    await rate;
    await rate.at(AT - 60 * MINUTE);
    await rate.over({ from: AT - 120 * MINUTE, to: AT - 110 * MINUTE });
    expect(questions().map((one) => one.atMs)).toEqual([undefined, AT - 60 * MINUTE, AT - 110 * MINUTE]);
  });

  test("is remembered for a range whose end moves with the clock", async () => {
    const { mesh, questions, clock } = meshOf(["source"]);
    const course = mesh.workload("a").rate("5m").over({ last: "1h" });
    await course;
    clock.ms += 1000;
    await course;
    expect(questions()).toHaveLength(1);
  });

  test("is asked for under the options of the question", async () => {
    const { mesh, questions } = meshOf(["source"]);
    const options = { signal: new AbortController().signal, timeoutMs: 77 };
    await mesh.workload("a").rate("5m").now(options);
    expect(questions()[0]?.options).toBe(options);
  });

  test("fails the question where it fails, and is not remembered", async () => {
    let broken = true;
    const backend = recordingBackend({
      instant: (promql) => {
        if (broken) throw new RangeError("down");
        return promql.startsWith("group ") ? vectorData([{ reporter: "source" }, 1]) : vectorData();
      },
    });
    const rate = createMesh({ metrics: backend, reporter: "auto" }).all().rate("5m");
    await expect(rate).rejects.toThrow("down");
    broken = false;
    expect(chosen((await rate).meta.promql)).toBe("source");
  });

  test("reads each side of an edge by its own end", async () => {
    const { mesh } = meshOf(["source"]);
    const namespace = await mesh.namespace("y").rate("5m");
    expect(namespace.meta.promql).toContain('reporter="source",destination_service_namespace="y"');
  });

  test.each<[string, (scope: Traffic) => unknown]>([
    ["promql", (scope) => scope.rate("5m").promql],
    ["expr", (scope) => scope.success("5m").by("response_code").expr],
    ["promql of a quotient", (scope) => scope.rate("5m").dividedBy(scope.reportedBy("source").rate("5m")).promql],
    ["promql of an offset", (scope) => scope.rate("5m").offset("1d").times(2).promql],
  ])("leaves no text before it is asked: %s", (_, read) => {
    const { mesh, backend } = meshOf(["source"]);
    expect(() => read(mesh.all())).toThrow(
      expect.objectContaining({
        code: "reporter",
        message:
          'the query has no text yet: the reporter "auto" is chosen when it is asked; for a text, such as a rule needs, write .reportedBy("destination"), or await it and read meta.promql',
      }),
    );
    expect(backend.asked).toHaveLength(0);
  });

  test("goes through arithmetic, offsets and groupings", async () => {
    const { mesh } = meshOf(["source"]);
    const scope = mesh.workload("a");
    const answer = await scope.rate("5m").by("response_code").dividedBy(scope.rate("5m").offset("1d")).times(100);
    expect(answer.meta.promql).toBe(
      'sum by (response_code) (rate(istio_requests_total{reporter="source",destination_workload="a"}[5m])) / on () group_left () (sum(rate(istio_requests_total{reporter="source",destination_workload="a"}[5m] offset 1d)) != 0) * 100',
    );
  });

  test("prints as destination where there is no backend to ask", () => {
    expect(chosen(createMesh({ reporter: "auto" }).all().rate("5m").promql)).toBe("destination");
  });
});

test("another reporter is never asked for", async () => {
  const { mesh, questions } = meshOf(["source"]);
  await mesh.all().reportedBy("waypoint").rate("5m");
  await mesh.gateway("g").rate("5m");
  expect(questions()).toHaveLength(0);
});
