import { describe, expect, it } from "vitest";
import { Trace } from "../../src/traces/trace.ts";
import { EPOCH_MS, type SpanSketch, span, trace } from "./spans.ts";

const ids = (spans: readonly { readonly id: string }[]) => spans.map(({ id }) => id.replace(/^0+/, ""));

/** Each span as `id<parent`, in the trace's order. */
const kinship = (of: Trace) =>
  of.spans.map(
    (one) => `${ids([one])[0]}<${ids([of.parentOf(one)].filter((parent) => parent !== undefined))[0] ?? ""}`,
  );

describe("how spans belong together", () => {
  it.each<[string, readonly SpanSketch[], readonly string[]]>([
    ["nothing", [], []],
    [
      "a parent and its children by start",
      [{ id: "1" }, { id: "3", parent: "1", at: 2 }, { id: "2", parent: "1", at: 1 }],
      ["1<", "2<1", "3<1"],
    ],
    ["a parent before its child of the same start", [{ id: "2", parent: "1" }, { id: "1" }], ["1<", "2<1"]],
    ["an orphan", [{ id: "1" }, { id: "2", parent: "9", at: 1 }], ["1<", "2<"]],
    ["a span that names itself", [{ id: "1", parent: "1" }], ["1<"]],
    [
      "a circle, cut at its earliest span",
      [
        { id: "1", parent: "3", at: 1 },
        { id: "2", parent: "1", at: 2 },
        { id: "3", parent: "2", at: 3 },
        { id: "4", parent: "3", at: 4 },
      ],
      ["1<", "2<1", "3<2", "4<3"],
    ],
    [
      "two spans of one id: the last before the child is its parent",
      [
        { id: "1", service: "a", at: 0 },
        { id: "1", service: "b", at: 5 },
        { id: "2", parent: "1", at: 3 },
        { id: "3", parent: "1", at: 6 },
      ],
      ["1<", "2<1", "1<", "3<1"],
    ],
    [
      "two spans of one id that name each other",
      [
        { id: "1", parent: "1", service: "a" },
        { id: "1", parent: "1", service: "b", at: 1 },
      ],
      ["1<", "1<1"],
    ],
  ])("%s", (_, sketches, expected) => {
    expect(kinship(trace(...sketches))).toEqual(expected);
  });

  it("tells the halves of a shared span apart, and what each of them did", () => {
    const one = trace(
      { id: "1", service: "frontend" },
      { id: "2", parent: "1", service: "frontend", kind: "client", at: 1 },
      { id: "2", parent: "1", service: "backend", kind: "server", shared: true, at: 2 },
      { id: "3", parent: "2", service: "backend", at: 3 },
      { id: "4", parent: "2", service: "frontend", at: 4 },
    );
    expect(one.spans.map((each) => one.parentOf(each)?.key.replace(/^0+/, ""))).toEqual([
      undefined,
      "1",
      "2",
      "2/server",
      "2",
    ]);
  });

  it("keeps the server's half of a shared span whose client's is missing", () => {
    const one = trace(
      { id: "1" },
      { id: "2", parent: "1", shared: true, kind: "server", at: 1 },
      { id: "3", parent: "2", at: 2 },
    );
    expect(kinship(one)).toEqual(["1<", "2<1", "3<2"]);
  });

  it("counts a span that came twice once, and says so", () => {
    const one = trace({ id: "1" }, { id: "2", parent: "1", at: 1 }, { id: "2", parent: "1", at: 1 });
    expect([ids(one.spans), one.repeated]).toEqual([["1", "2"], 1]);
  });

  it("names roots and orphans", () => {
    const one = trace({ id: "1" }, { id: "2", at: 1 }, { id: "3", parent: "9", at: 2 });
    expect([ids(one.roots), ids(one.orphans)]).toEqual([["1", "2", "3"], ["3"]]);
  });

  it("spans the time from the earliest start to the latest end", () => {
    const one = trace({ id: "1", at: 5, ms: 10 }, { id: "2", parent: "1", at: 3, ms: 20 });
    expect([one.startMs, one.durationMs]).toEqual([EPOCH_MS + 3, 20]);
    expect([trace().startMs, trace().durationMs]).toEqual([Number.NaN, Number.NaN]);
  });

  it("gathers what the backend warned of, once each", () => {
    expect(new Trace("aa", [span({ id: "1" })], ["cut", "cut"]).warnings).toEqual(["cut"]);
  });
});

describe("clocks", () => {
  const server = { id: "2", parent: "1", service: "backend", kind: "server" } as const;
  it.each<[string, SpanSketch, SpanSketch, number | undefined]>([
    ["agree where the child lies within", { id: "1", kind: "client", ms: 10 }, { ...server, at: 2, ms: 6 }, undefined],
    [
      "disagree where a callee begins before its caller",
      { id: "1", kind: "client", ms: 10 },
      { ...server, at: -5, ms: 6 },
      -5,
    ],
    [
      "disagree where a shorter call ends after its caller",
      { id: "1", kind: "client", ms: 10 },
      { ...server, at: 9, ms: 6 },
      5,
    ],
    [
      "may agree where the callee took longer than its caller waited",
      { id: "1", kind: "client", ms: 10 },
      { ...server, at: 1, ms: 60 },
      undefined,
    ],
    ["may agree within a millisecond", { id: "1", kind: "client", ms: 10 }, { ...server, at: -0.9, ms: 6 }, undefined],
    ["are one within a process", { id: "1", ms: 10 }, { id: "2", parent: "1", at: -5, ms: 6 }, undefined],
    ["may agree where nobody waits", { id: "1", ms: 10 }, { ...server, kind: "consumer", at: 9, ms: 6 }, undefined],
  ])("%s", (_, parent, child, aheadMs) => {
    expect(trace(parent, child).skews.map((skew) => skew.aheadMs)).toEqual(aheadMs === undefined ? [] : [aheadMs]);
  });
});

const DEEP = 10_000;

describe("size", () => {
  const chain = trace(
    ...Array.from({ length: DEEP }, (_, i) => ({
      id: `${i + 1}`,
      ...(i > 0 && { parent: `${i}` }),
      at: i,
      ms: 2 * DEEP - 2 * i,
    })),
  );
  const fan = trace(
    { id: "1", ms: DEEP },
    ...Array.from({ length: DEEP }, (_, i) => ({ id: `${i + 2}`, parent: "1", at: i, ms: 1 })),
  );
  const circle = trace(
    ...Array.from({ length: DEEP }, (_, i) => ({ id: `${i + 1}`, parent: `${((i + 1) % DEEP) + 1}`, at: i })),
  );
  const alike = trace(...Array.from({ length: DEEP }, (_, i) => ({ id: "1", parent: "1", at: i, service: `${i}` })));

  it.each<[string, Trace, number]>([
    ["a chain", chain, 1],
    ["a fan", fan, 1],
    ["a circle", circle, 1],
    ["spans of one id", alike, 1],
  ])("does not matter to %s of 10,000 spans", (_, one, roots) => {
    expect([one.roots.length, one.spans.length]).toEqual([roots, one.spans.length]);
    expect(one.hops()).toEqual([]);
    expect(one.errors()).toEqual([]);
    expect(one.criticalPath().sections.length).toBeGreaterThan(0);
    expect(one.tree().length).toBeLessThan(DEEP * 200);
    expect(one.toHTML().length).toBeLessThan(2_000_000);
  });

  it("does not matter to a waterfall or a table of more spans than a function takes arguments", () => {
    const MANY = 130_000;
    const spans = Array.from({ length: MANY }, (_, i) => span({ id: `${i + 1}`, ...(i > 0 && { parent: "1" }) }));
    const wide = new Trace("00000000000000aa", spans);
    expect(wide.waterfall().split("\n")).toHaveLength(MANY + 1);
    expect(wide.toTable()).toHaveLength(MANY);
  });
});
