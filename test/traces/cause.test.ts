import { describe, expect, it } from "vitest";
import { call, proxy, type SpanSketch, trace } from "./spans.ts";

/** Each cause with how many failures followed from it. */
const causes = (...sketches: readonly SpanSketch[]) =>
  trace(...sketches)
    .errors()
    .map(({ message, echoes }) => `${message} (${echoes.length})`);

const way = (id: string, from: string, to: string, parent?: string, more: Partial<Parameters<typeof call>[1]> = {}) =>
  call([from, to], { id, ...(parent !== undefined && { parent }), ...more });

describe("errors", () => {
  it.each<[string, readonly SpanSketch[], readonly string[]]>([
    ["nothing where nothing failed", way("1", "a", "b"), []],
    ["a failure alone", way("1", "a", "b", undefined, { code: 503 }), ["a → b: 503 (0)"]],
    ["the caller's fault is none", way("1", "a", "b", undefined, { code: 404 }), []],
    [
      "no answer",
      way("1", "a", "b", undefined, { code: 0, flags: "DC" }),
      ["a → b: no answer DC, the caller went away (0)"],
    ],
    [
      "the deepest of a chain, not its echoes",
      [
        ...way("1", "a", "b", undefined, { code: 500 }),
        ...way("2", "b", "c", "15", { code: 503 }),
        ...way("3", "c", "d", "25", { code: 503, flags: "UH", arrives: false }),
      ],
      ["c → d: 503 UH, no healthy upstream (2)"],
    ],
    [
      "a failure that was dealt with, and the one above that did not follow from it",
      [
        ...way("1", "a", "b", undefined, { code: 500 }),
        ...way("2", "b", "c", "15"),
        ...way("3", "c", "d", "25", { code: 503 }),
      ],
      ["a → b: 500 (0)", "c → d: 503 (0)"],
    ],
    [
      "through applications that say nothing",
      [
        ...way("1", "a", "b", undefined, { code: 500 }),
        { id: "8", parent: "15" },
        ...way("2", "b", "c", "8", { code: 503 }),
      ],
      ["b → c: 503 (1)"],
    ],
    [
      "an application's own failure",
      [
        ...way("1", "a", "b", undefined, { code: 500 }),
        { id: "8", parent: "15", service: "b", operation: "SELECT", error: true },
      ],
      ["b SELECT: error (1)"],
    ],
    [
      "an application's answer by its status",
      [
        ...way("1", "a", "b", undefined, { code: 500 }),
        { id: "8", parent: "15", service: "b", operation: "GET /", tags: { "http.response.status_code": 500 } },
      ],
      ["b GET /: 500 (1)"],
    ],
    [
      "two failures, the later of which is the one above's",
      [
        ...way("1", "a", "b", undefined, { code: 500, ms: 90 }),
        ...way("2", "b", "c", "15", { code: 503, at: 10 }),
        ...way("3", "b", "d", "15", { code: 503, at: 30 }),
      ],
      ["b → c: 503 (0)", "b → d: 503 (1)"],
    ],
    [
      "gRPC under HTTP 200",
      way("1", "a", "b", undefined, { tags: { "grpc.status_code": "13" } }),
      ["a → b: gRPC INTERNAL (0)"],
    ],
    ["gRPC's NOT_FOUND is none", way("1", "a", "b", undefined, { error: true, tags: { "grpc.status_code": "5" } }), []],
    [
      "none where a retry succeeded",
      [
        proxy({ id: "1", of: "a", kind: "client", to: "outbound|80||b.default.svc.cluster.local" }),
        proxy({ id: "2", parent: "1", of: "b", kind: "server", to: "inbound|80||", code: 503 }),
        proxy({ id: "3", parent: "1", of: "b", kind: "server", to: "inbound|80||", at: 2 }),
      ],
      [],
    ],
    [
      "a mark where there is no status",
      [{ id: "1", service: "job", operation: "run", error: true }],
      ["job run: error (0)"],
    ],
  ])("%s", (_, sketches, expected) => {
    expect(causes(...sketches)).toEqual(expected);
  });

  it("names the hop that led to an application's failure, and what followed from near to far", () => {
    const [cause] = trace(...way("1", "a", "b", undefined, { code: 500 }), ...way("2", "b", "c", "15", { code: 500 }), {
      id: "8",
      parent: "25",
      error: true,
    }).errors();
    expect([cause?.hop?.destination.workload, cause?.echoes.map(({ id }) => Number(id))]).toEqual(["c", [2, 1]]);
  });

  it("takes linear time where every level of a deep chain failed beside another failure", () => {
    const sketches = Array.from({ length: 5_000 }, (_, i) => [
      { id: `${i + 1}`, ...(i > 0 && { parent: `${i}` }), at: i, ms: 20_000 - 2 * i, error: true },
      { id: `a${i + 1}`, parent: `${i + 1}`, at: i, ms: 1, error: true },
    ]).flat();
    expect(causes(...sketches)).toHaveLength(5_000);
  });
});
