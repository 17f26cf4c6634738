import { describe, expect, it } from "vitest";
import { matchesEdge, type PeerLike } from "../../src/traces/edge.ts";
import { call, proxy, type SpanSketch, trace } from "./spans.ts";

const hopOf = (...sketches: readonly SpanSketch[]) => {
  const [hop, ...others] = trace(...sketches).hops();
  if (hop === undefined || others.length > 0) throw new Error("not one hop");
  return hop;
};

const whole = hopOf(
  ...call(["web.shop", "backend-v2.data"], {
    id: "1",
    tags: { "istio.source_principal": "spiffe://cluster.local/ns/shop/sa/web" },
  }),
);
const lost = hopOf(...call(["web.shop", "ghost.data"], { id: "1", arrives: false, code: 503, flags: "UF" }));
const short = hopOf(proxy({ id: "1", of: "web.shop", kind: "client", to: "outbound|80||backend" }));
const outside = hopOf(proxy({ id: "1", of: "web.shop", kind: "client", to: "outbound|443||api.example.org" }));
const unasked = hopOf(
  proxy({
    id: "1",
    of: "backend-v2.data",
    kind: "server",
    to: "inbound|80||",
    tags: { "peer.address": "10.9.9.9:4711" },
  }),
);

describe("matchesEdge", () => {
  it.each<[string, typeof whole, PeerLike | undefined, PeerLike | undefined, boolean]>([
    ["anything", whole, undefined, undefined, true],
    ["both workloads", whole, { workload: "web" }, { workload: "backend-v2" }, true],
    ["the workloads the wrong way round", whole, { workload: "backend-v2" }, { workload: "web" }, false],
    [
      "workloads and namespaces",
      whole,
      { workload: "web", namespace: "shop" },
      { workload: "backend-v2", namespace: "data" },
      true,
    ],
    ["another namespace", whole, { workload: "web", namespace: "data" }, undefined, false],
    ["a name that begins alike", whole, { workload: "we" }, undefined, false],
    ["a name that goes on", whole, { workload: "web-admin" }, undefined, false],
    ["the service for the workload", whole, undefined, { workload: "backend" }, false],
    ["the service", whole, undefined, { service: "backend" }, true],
    ["the service in its namespace", whole, undefined, { service: "backend", namespace: "data" }, true],
    ["the service in another namespace", whole, undefined, { service: "backend", namespace: "shop" }, false],
    ["the caller's canonical service", whole, { service: "web" }, undefined, true],
    ["the host", whole, undefined, { host: "backend.data.svc.cluster.local" }, true],
    ["a part of the host", whole, undefined, { host: "backend.data" }, false],
    ["a host for the caller", whole, { host: "web.shop.svc.cluster.local" }, undefined, false],
    ["the version", whole, undefined, { service: "backend", version: "v2" }, true],
    ["another version", whole, undefined, { service: "backend", version: "v1" }, false],
    ["the app", whole, { app: "web" }, { app: "backend" }, true],
    ["the cluster", whole, { cluster: "Kubernetes" }, { cluster: "Kubernetes" }, true],
    ["another cluster", whole, undefined, { cluster: "east" }, false],
    ["a principal that a tag tells", whole, { principal: "spiffe://cluster.local/ns/shop/sa/web" }, undefined, true],
    [
      "a principal that nothing tells",
      whole,
      undefined,
      { principal: "spiffe://cluster.local/ns/data/sa/backend" },
      false,
    ],
    ["a service that never answered", lost, { workload: "web" }, { service: "ghost", namespace: "data" }, true],
    ["a namespace that never answered", lost, undefined, { namespace: "data" }, true],
    ["a workload that never answered", lost, undefined, { workload: "ghost" }, false],
    ["a short host", short, undefined, { service: "backend" }, true],
    [
      "a short host in a namespace that it does not tell",
      short,
      undefined,
      { service: "backend", namespace: "shop" },
      false,
    ],
    ["a host outside", outside, { workload: "web" }, { host: "api.example.org" }, true],
    ["a host outside by its first label", outside, undefined, { service: "api" }, false],
    ["an unknown caller", unasked, { workload: "web" }, { workload: "backend-v2" }, false],
    ["a called workload alone", unasked, undefined, { workload: "backend-v2" }, true],
    ["a peer of which nothing is asked", unasked, {}, { service: "backend" }, true],
  ])("%s", (_, hop, source, destination, expected) => {
    expect(matchesEdge(hop, source, destination)).toBe(expected);
  });
});
