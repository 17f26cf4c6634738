import { describe, expect, test } from "vitest";
import { DecodeError, PromqlSyntaxError, QueryError } from "../../src/errors.ts";
import { createMesh } from "../../src/mesh/mesh.ts";
import type { InstantData } from "../../src/metrics/backend.ts";
import { promql } from "../../src/promql/index.ts";
import { AT, recordingBackend, vectorData } from "./recording-backend.ts";

function meshOf(data?: InstantData) {
  const backend = recordingBackend({ instant: data && (() => data) });
  return { backend, mesh: createMesh({ metrics: backend, now: () => AT }) };
}

describe("a query in PromQL's own words", () => {
  test("is asked like any other, and keeps the labels it is given", async () => {
    const { backend, mesh } = meshOf(vectorData([{ __name__: "up", job: "a" }, 1]));
    const query = mesh.promql("up");
    expect([query.promql, query.unit]).toEqual(["up", "1"]);
    expect(backend.asked).toEqual([]);
    const answer = await query.at(AT);
    expect([...answer]).toEqual([{ labels: { __name__: "up", job: "a" }, value: 1, at: AT }]);
    expect(String(answer)).toBe("__name__  job  value\nup        a    1");
    await query;
    await query.offset("1h");
    await query.over({ last: "1h", step: "1m" });
    expect(backend.asked.map(({ promql }) => promql)).toEqual(["up", "up", "up offset 1h", "up"]);
  });

  test("comes from text or from a tree", () => {
    const { mesh } = meshOf();
    expect(mesh.promql(promql`rate(up{job=${'"'}}[${"5m"}])`).promql).toBe('rate(up{job="\\""}[5m])');
    expect(mesh.promql(promql`${mesh.all().rate("5m")} * 60`, { unit: "req/min" }).unit).toBe("req/min");
  });

  test("is computed with others", () => {
    const { mesh } = meshOf();
    const rate = mesh.all().rate("5m");
    expect(mesh.promql("up").plus(mesh.promql("down")).promql).toBe("up + down");
    expect(mesh.promql("up", { unit: "req/s" }).dividedBy(rate).promql).toMatch(
      /^up \/ on \(\) group_left \(\) \(sum\(/,
    );
    const scalar = mesh.promql("scalar(up)", { type: "scalar" });
    expect(scalar.plus(mesh.promql("down")).promql).toBe("scalar(up) + down");
    expect(mesh.promql("up").below(1).promql).toContain("up < 1");
  });

  test("is one value where it is a scalar", async () => {
    const { mesh } = meshOf({ kind: "scalar", timeMs: AT, value: Number.POSITIVE_INFINITY });
    expect(await mesh.promql("1 / 0", { type: "scalar" })).toMatchObject({ value: Number.POSITIVE_INFINITY, at: AT });
  });

  test("is a text where it is a string", async () => {
    const { mesh, backend } = meshOf({ kind: "string", timeMs: AT, value: "a\nb" });
    const query = mesh.promql('"a\\nb"', { type: "string" });
    expect(query.promql).toBe('"a\\nb"');
    expect(await query).toMatchObject({ value: "a\nb", at: AT, meta: { backend: "recording", promql: '"a\\nb"' } });
    expect(String(await query.at(1_000))).toBe("a\nb");
    expect((await query.at(1_000)).at).toBe(1_000);
    expect(backend.asked).toHaveLength(3);
    const { mesh: other } = meshOf(vectorData());
    await expect(other.promql('"x"', { type: "string" }).now()).rejects.toThrow(DecodeError);
  });

  test.each<[string, object | undefined, string]>([
    ["1", undefined, '"1" is a scalar, not a vector; write { type: "scalar" }'],
    ['"x"', undefined, 'is a string, not a vector; write { type: "string" }'],
    ["up[5m]", undefined, "is a matrix, not a vector; put it into a function such as rate(…)"],
    ["up", { type: "scalar" }, "is a vector, not a scalar; leave out the type"],
  ])("is refused where %s is another type", (text, options, message) => {
    const { mesh } = meshOf();
    expect(() => mesh.promql(text, options as undefined)).toThrow(
      expect.objectContaining({ name: "QueryError", code: "promql", message: expect.stringContaining(message) }),
    );
  });

  test("is refused where it is no PromQL, or needs a server that was told so", () => {
    const { mesh } = meshOf();
    expect(() => mesh.promql("sum(up")).toThrow(PromqlSyntaxError);
    expect(() => mesh.promql("limitk(1, up)")).toThrow(expect.objectContaining({ code: "experimental" }));
    expect(mesh.promql("limitk(1, up)", { experimental: true }).promql).toBe("limitk(1, up)");
    expect(() => mesh.promql("up", { unit: "" })).toThrow(expect.objectContaining({ code: "unit" }));
  });

  test("is grouped in its own text", async () => {
    const { mesh } = meshOf();
    expect(() => mesh.promql("up").by("job").promql).toThrow(
      expect.objectContaining({ code: "grouping", message: expect.stringContaining("write sum by (label)") }),
    );
    await expect(mesh.promql("up").without("job").now()).rejects.toThrow(QueryError);
  });
});
