import { beforeAll, describe, expect, inject, it } from "vitest";
import { createMesh, prometheus } from "../../../src/index.ts";
import type { Graph } from "../../../src/mesh/graph/graph.ts";
import type { Flow } from "../../mesh/mesh.ts";
import { countOf, failedOf, requestsOf, sum } from "./expected.ts";

const truth = inject("truth");
const mesh = createMesh({ metrics: prometheus(inject("prometheusUrl"), { scrapeInterval: "1s" }) });

/** The window lies in the quiet before and after the play, so that it holds all of it. */
const MARGIN_MS = 2000;
const from = truth.measuredFromMs - MARGIN_MS;
const to = truth.measuredToMs + MARGIN_MS;
const seconds = (to - from) / 1000;
const TOLERANCE = 0.02;

/** The ends of a flow as a graph by workload names them. */
function endsOf({ source, destination, destinationService }: Flow): string {
  const namespace = source === "istio-ingressgateway" ? "istio-system" : "default";
  const caller = source === "unknown" ? "unknown" : `${source}.${namespace}`;
  if (destination !== "unknown") return `${caller} -> ${destination}.default`;
  const [service] = destinationService.split(".");
  return `${caller} -> ${destinationService.includes(".svc.") ? `${service}.default.svc` : destinationService}`;
}

/** The flows along each edge that a graph must count, by rules written here once more. */
function expectedEdges(): ReadonlyMap<string, readonly Flow[]> {
  const edges = new Map<string, Flow[]>();
  const add = (flow: Flow) => edges.set(endsOf(flow), [...(edges.get(endsOf(flow)) ?? []), flow]);
  for (const flow of truth.flows) if (flow.reporter === "destination") add(flow);
  const received = new Set(edges.keys());
  for (const flow of truth.flows) {
    if (flow.reporter !== "source") continue;
    if (!received.has(endsOf(flow)) || /U[FHO]|N[RC]/.test(flow.flags)) add(flow);
  }
  return edges;
}

describe("the graph of the mesh", () => {
  const expected = expectedEdges();
  let graph: Graph;

  beforeAll(async () => {
    graph = await mesh.graph({ from, to });
  });

  it("has the edges that were called, and no other", () => {
    const ids = graph.edges.map((edge) => `${edge.from.id} -> ${edge.to.id}`);
    expect(ids.sort()).toEqual([...expected.keys()].sort());
    expect(ids.length).toBeGreaterThan(8);
  });

  it.each([...expected])("%s carries what was sent", (ends, flows) => {
    const [source = "", destination = ""] = ends.split(" -> ");
    const edge = graph.edge(source, destination);
    expect(edge).toBeDefined();
    const close = (rate: number | undefined, count: number) => {
      expect(Math.abs((rate ?? Number.NaN) * seconds - count)).toBeLessThanOrEqual(Math.max(0.5, count * TOLERANCE));
    };
    close(edge?.rate, countOf(flows));
    close(edge?.errors, failedOf(flows));
    close(edge?.grpc, countOf(flows.filter(({ protocol }) => protocol === "grpc")));
    const tcp = flows.filter(({ protocol }) => protocol === "tcp");
    close(
      edge?.tcp?.opened ?? 0,
      sum(tcp, (flow) => flow.tcp?.opened),
    );
    close(
      edge?.tcp?.sent ?? 0,
      sum(tcp, (flow) => flow.tcp?.sentBytes),
    );
    close(
      edge?.tcp?.received ?? 0,
      sum(tcp, (flow) => flow.tcp?.receivedBytes),
    );
    const codes = new Set(requestsOf(flows).map(({ code }) => code));
    for (const code of codes) {
      const some = requestsOf(flows).filter((flow) => flow.code === code);
      close(edge?.codes.get(String(code)), countOf(some));
    }
    expect(edge?.codes.size).toBe(codes.size);
    const told = requestsOf(flows).filter(({ security }) => security === "mutual_tls" || security === "none");
    const secure = countOf(told.filter(({ security }) => security === "mutual_tls"));
    if (told.length === 0) expect(edge?.mutualTls.requests).toBeUndefined();
    else expect(edge?.mutualTls.requests).toBeCloseTo(secure / countOf(told), 2);
  });

  it("tells what is outside the mesh, and who has no name", () => {
    expect(graph.node("external.default")?.inMesh).toBe(false);
    expect(graph.node("unknown")).toMatchObject({ kind: "unknown", inMesh: undefined });
    expect(graph.node("istio-ingressgateway.istio-system")).toMatchObject({ kind: "gateway", inMesh: true });
    expect(graph.node("ghost.default.svc")).toMatchObject({ kind: "service" });
    expect(graph.node("backend.default")?.inMesh).toBe(true);
  });

  it("leads from the gateway to both versions of the backend", () => {
    const paths = graph.paths("istio-ingressgateway.istio-system", "backend-v2.default");
    expect(paths.map(({ edges }) => edges.map((edge) => edge.to.name))).toEqual([["frontend", "backend-v2"]]);
  });

  it("comes the same by service, both workloads as one, and an hour before it in six requests in all", async () => {
    const byService = await mesh.graph({ from, to, groupBy: "service", against: "1h" });
    expect(byService.meta).toMatchObject({ requests: 6, complete: true });
    const rates = ["backend.default", "backend-v2.default"].map(
      (id) => graph.edge("frontend.default", id)?.rate ?? Number.NaN,
    );
    const both = rates.reduce((a, b) => a + b, 0);
    expect(byService.edge("frontend.default.svc", "backend.default.svc")?.rate).toBeCloseTo(both, 9);
    expect(byService.changes?.nodes.added).toHaveLength(byService.nodes.length);
  });
});
