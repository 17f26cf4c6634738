import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesEdge } from "../../src/traces/edge.ts";
import { traceId } from "../../src/traces/id.ts";
import { brokenPropagation } from "../../src/traces/propagation.ts";
import { proxyNode } from "../../src/traces/proxy-node.ts";
import type { Span } from "../../src/traces/span.ts";
import { Trace } from "../../src/traces/trace.ts";
import { upstreamCluster } from "../../src/traces/upstream-cluster.ts";
import { call, proxy, type SpanSketch, span } from "../traces/spans.ts";

const SEED = 20261124;
const ID = "00000000000000aa";
const traceOf = (sketches: readonly SpanSketch[]) => new Trace(ID, sketches.map(span));

/** Where a child hangs, and which part of its parent it fills. */
interface Twig {
  readonly parent: number;
  readonly from: number;
  readonly to: number;
  readonly isCall: boolean;
  readonly arrives: boolean;
}

const twig = fc.record({
  parent: fc.nat(1_000),
  from: fc.nat(1_000),
  to: fc.nat(1_000),
  isCall: fc.boolean(),
  arrives: fc.boolean(),
});

interface Tree {
  readonly sketches: readonly SpanSketch[];
  /** `caller → callee arrived` in no order. */
  readonly calls: readonly string[];
}

/** A request through a mesh in which every child lies within its parent, as real clocks would have it. */
const trees = fc.array(twig, { maxLength: 40 }).map(grow);

function grow(twigs: readonly Twig[]): Tree {
  const sketches: SpanSketch[] = [proxy({ id: "1", of: "w0", kind: "server", to: "inbound|80||", at: 0, ms: 4_096 })];
  const calls = ["undefined → w0 true"];
  /** What may have children: spans that belong to a workload. */
  const places = [{ id: "1", at: 0, ms: 4_096, workload: "w0" }];
  for (const [i, one] of twigs.entries()) {
    const under = places[one.parent % places.length];
    if (under === undefined) continue;
    const [low, high] = [Math.min(one.from, one.to) / 1_000, Math.max(one.from, one.to) / 1_000];
    const at = under.at + Math.floor(low * under.ms);
    const ms = Math.floor((high - low) * under.ms);
    const id = `${10 + 2 * i}`;
    if (!one.isCall) {
      sketches.push({ id, parent: under.id, service: `app-${under.workload}`, at, ms });
      places.push({ id, at, ms, workload: under.workload });
      continue;
    }
    const workload = `w${i + 1}`;
    sketches.push(
      ...call([under.workload, workload], {
        id,
        parent: under.id,
        at,
        ms,
        arrives: one.arrives && ms >= 2,
        ...(!one.arrives && { code: 503, flags: "UF" }),
      }),
    );
    const arrived = one.arrives ? (ms >= 2 ? true : undefined) : false;
    calls.push(`${under.workload} → ${arrived === true ? workload : undefined} ${arrived}`);
    if (arrived === true) places.push({ id: `${id}5`, at: at + 1, ms: ms - 2, workload });
  }
  return { sketches, calls };
}

/** Spans that no honest reporter would send: ids that come again, circles, times anywhere. */
const mess = fc.array(
  fc.record(
    {
      id: fc.constantFrom("1", "2", "3", "4", "5", "6"),
      parent: fc.constantFrom("1", "2", "3", "4", "5", "6", "7"),
      shared: fc.boolean(),
      kind: fc.constantFrom("client", "server", "internal", "consumer"),
      service: fc.constantFrom("a", "b"),
      at: fc.integer({ min: -50, max: 50 }),
      ms: fc.nat(100),
      tags: fc.constantFrom<NonNullable<SpanSketch["tags"]>[]>(
        {},
        { component: "proxy", upstream_cluster: "outbound|80||b.default.svc.cluster.local" },
        { component: "proxy", upstream_cluster: "inbound|80||", "http.status_code": "503" },
        { component: "proxy", upstream_cluster: "inbound-vip|80|http|b.default.svc.cluster.local" },
        { node_id: "router~10.0.0.1~gateway-6c9f7d5b4-k2x9p.istio-system~x", "http.status_code": "0" },
        { "http.status_code": "500" },
      ),
    },
    { requiredKeys: ["id", "at", "ms"] },
  ),
  { maxLength: 30 },
) as fc.Arbitrary<SpanSketch[]>;

describe("hops", () => {
  it("are the calls that crossed the mesh, whatever lies between", () => {
    fc.assert(
      fc.property(trees, ({ sketches, calls }) => {
        const hops = traceOf(sketches).hops();
        const found = hops.map(
          ({ source, destination, arrived }) => `${source.workload} → ${destination.workload} ${arrived}`,
        );
        expect(found.sort()).toEqual([...calls].sort());
        for (const hop of hops) {
          const { source, destination } = hop;
          expect(
            matchesEdge(hop, source.workload === undefined ? undefined : { workload: source.workload }, {
              host: destination.host ?? "",
            }),
          ).toBe(destination.host !== undefined);
        }
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe("the critical path", () => {
  it("fills the root without gaps, and is what its definition says", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          trees.map((tree) => tree.sketches),
          mess,
        ),
        (sketches) => {
          const trace = traceOf(sketches);
          const { root, sections, hops } = trace.criticalPath();
          if (root === undefined) {
            expect(sketches).toEqual([]);
            return;
          }
          let atMs = root.startMs;
          for (const section of sections) {
            expect(section.fromMs).toBe(atMs);
            expect(section.selfMs).toBe(section.toMs - section.fromMs);
            expect(section.selfMs).toBeGreaterThan(0);
            expect(section.fromMs).toBeGreaterThanOrEqual(section.span.startMs);
            expect(section.toMs).toBeLessThanOrEqual(section.span.endMs);
            atMs = section.toMs;
          }
          expect(atMs).toBe(root.endMs);
          expect(sections.map(({ span: of, fromMs, toMs }) => [of, fromMs, toMs])).toEqual(
            byDefinition(trace, root, root.startMs, root.endMs),
          );
          expect(hops.reduce((sum, { selfMs }) => sum + selfMs, 0)).toBeLessThanOrEqual(root.durationMs);
        },
      ),
      { seed: SEED, numRuns: 1_000 },
    );
  });
});

type Section = readonly [Span, number, number];

/** The same, written as Jaeger's UI describes it: find the child that ended last, explain it, go on from its start. */
function byDefinition(trace: Trace, of: Span, fromMs: number, toMs: number): Section[] {
  const children = trace
    .childrenOf(of)
    .filter(({ kind }) => kind !== "consumer" && kind !== "producer")
    .map((child) => ({ child, start: Math.max(child.startMs, fromMs), end: Math.min(child.endMs, toMs) }))
    .filter(({ start, end }) => end > start);
  const found: Section[][] = [];
  let reached = toMs;
  for (;;) {
    const before = children.filter(({ end }) => end <= reached);
    const [last] = before.sort((a, b) => b.end - a.end || a.start - b.start);
    if (last === undefined) break;
    if (last.end < reached) found.unshift([[of, last.end, reached]]);
    found.unshift(byDefinition(trace, last.child, last.start, last.end));
    reached = last.start;
  }
  if (fromMs < reached) found.unshift([[of, fromMs, reached]]);
  return found.flat();
}

describe("a trace", () => {
  it("is the same in whatever order its spans came", () => {
    const shuffled = fc
      .oneof(
        trees.map((tree) => [...tree.sketches]),
        mess,
      )
      .chain((sketches) =>
        fc.tuple(fc.constant(sketches), fc.shuffledSubarray(sketches, { minLength: sketches.length })),
      );
    fc.assert(
      fc.property(shuffled, ([sketches, others]) => {
        const [a, b] = [traceOf(sketches), traceOf(others)];
        expect(b.tree()).toBe(a.tree());
        expect(b.toHTML()).toBe(a.toHTML());
        expect(b.errors().map(({ message }) => message)).toEqual(a.errors().map(({ message }) => message));
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it("holds every span once, each below its parent, whatever the ids are", () => {
    fc.assert(
      fc.property(mess, (sketches) => {
        const trace = traceOf(sketches);
        expect(trace.spans.length + trace.repeated).toBe(sketches.length);
        const below = (spans: readonly Span[]): Span[] =>
          spans.flatMap((one) => [one, ...below(trace.childrenOf(one))]);
        expect(new Set(below(trace.roots))).toEqual(new Set(trace.spans));
        expect(below(trace.roots)).toHaveLength(trace.spans.length);
        for (const one of trace.spans) {
          const parent = trace.parentOf(one);
          expect(parent === undefined ? trace.roots : trace.childrenOf(parent)).toContain(one);
        }
        expect(trace.hops().flatMap(({ spans }) => spans).length).toBeLessThanOrEqual(trace.spans.length);
        brokenPropagation([trace]);
      }),
      { seed: SEED, numRuns: 1_000 },
    );
  });
});

describe("names", () => {
  it("have one form of an id, with and without zeros before it", () => {
    const hex = fc.stringMatching(/^[1-9a-f][0-9a-f]{0,31}$/);
    fc.assert(
      fc.property(hex, fc.nat(8), (digits, zeros) => {
        const id = traceId("0".repeat(zeros) + digits.toUpperCase());
        expect(id).toBe(traceId(digits));
        expect([16, 32]).toContain(id.length);
        expect(id.endsWith(digits)).toBe(true);
      }),
      { seed: SEED },
    );
  });

  it("are read out of any text, or not at all", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[a-z]+[|~_.]{1,3}\d*[|~_.]{1,3}.*$/)),
        (text) => {
          expect(upstreamCluster(text).direction).toMatch(/./);
          proxyNode(text);
        },
      ),
      { seed: SEED, numRuns: 2_000 },
    );
  });

  it("of a Deployment's pod give the Deployment, and no other", () => {
    const digits = (set: string, length: number) =>
      fc.array(fc.constantFrom(...set), { minLength: length, maxLength: length }).map((all) => all.join(""));
    const name = fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/);
    fc.assert(
      fc.property(name, digits("456789bcdf", 9), digits("bcdfghjklmnpqrstvwxz2456789", 5), (workload, hash, suffix) => {
        const node = proxyNode(`sidecar~10.0.0.1~${workload}-${hash}-${suffix}.shop~shop.svc.cluster.local`);
        expect([node?.workload, node?.namespace]).toEqual([workload, "shop"]);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});
