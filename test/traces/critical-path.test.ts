import { describe, expect, it } from "vitest";
import { call, EPOCH_MS, proxy, type SpanSketch, trace } from "./spans.ts";

/** The sections as `id from-to`. */
const path = (...sketches: readonly SpanSketch[]) =>
  trace(...sketches)
    .criticalPath()
    .sections.map(({ span, fromMs, toMs }) => `${span.id.replace(/^0+/, "")} ${fromMs - EPOCH_MS}-${toMs - EPOCH_MS}`);

const root: SpanSketch = { id: "1", at: 0, ms: 100 };
const child = (id: string, at: number, ms: number, parent = "1"): SpanSketch => ({ id, parent, at, ms });

describe("criticalPath", () => {
  it.each<[string, readonly SpanSketch[], readonly string[]]>([
    ["of nothing", [], []],
    ["of a span alone", [root], ["1 0-100"]],
    ["through one child", [root, child("2", 20, 60)], ["1 0-20", "2 20-80", "1 80-100"]],
    [
      "through children one after the other",
      [root, child("2", 10, 20), child("3", 40, 50)],
      ["1 0-10", "2 10-30", "1 30-40", "3 40-90", "1 90-100"],
    ],
    [
      "through the child that ended last, of two at once",
      [root, child("2", 10, 50), child("3", 20, 70)],
      ["1 0-20", "3 20-90", "1 90-100"],
    ],
    ["through children that touch", [root, child("2", 0, 50), child("3", 50, 50)], ["2 0-50", "3 50-100"]],
    [
      "through grandchildren",
      [root, child("2", 10, 80), child("3", 20, 30, "2")],
      ["1 0-10", "2 10-20", "3 20-50", "2 50-90", "1 90-100"],
    ],
    ["cut where a child begins before its parent", [root, child("2", -10, 50)], ["2 0-40", "1 40-100"]],
    ["cut where a child ends after its parent", [root, child("2", 60, 90)], ["1 0-60", "2 60-100"]],
    [
      "cut where grandchildren reach out of what was cut",
      [root, child("2", 60, 90), child("3", 70, 70, "2")],
      ["1 0-60", "2 60-70", "3 70-100"],
    ],
    [
      "past a child outside its parent, and what is in it",
      [root, child("2", 120, 30), child("3", 10, 20, "2")],
      ["1 0-100"],
    ],
    ["past messages that nobody waits for", [root, { ...child("2", 50, 40), kind: "consumer" }], ["1 0-100"]],
    ["past children without length", [root, child("2", 50, 0)], ["1 0-100"]],
    ["of the longest of several roots", [root, { id: "2", at: 50, ms: 200 }], ["2 50-250"]],
    ["of a true root before a longer orphan", [root, child("2", 0, 900, "9")], ["1 0-100"]],
    ["of an orphan where there is nothing else", [child("2", 0, 900, "9")], ["2 0-900"]],
  ])("goes %s", (_, sketches, sections) => {
    expect(path(...sketches)).toEqual(sections);
  });

  it("is summed by hop, the costliest first, with the application's time in the hop that led to it", () => {
    const one = trace(
      proxy({
        id: "1",
        of: "gateway",
        type: "router",
        kind: "client",
        to: "outbound|80||frontend.default.svc.cluster.local",
        ms: 100,
      }),
      proxy({ id: "2", parent: "1", of: "frontend", kind: "server", to: "inbound|80||", at: 2, ms: 96 }),
      { id: "3", parent: "2", service: "frontend", at: 3, ms: 94 },
      ...call(["frontend", "backend"], { id: "4", parent: "3", at: 10, ms: 70 }),
      ...call(["frontend", "ratings"], { id: "5", parent: "3", at: 20, ms: 10 }),
    );
    expect(one.criticalPath().hops.map(({ hop, selfMs }) => [hop.destination.workload, selfMs])).toEqual([
      ["backend", 70],
      ["frontend", 30],
    ]);
  });
});
