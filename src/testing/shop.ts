import type { SimulatedMeshOptions } from "./options.ts";

/**
 * The mesh that is simulated where none is declared: users reach a frontend through a gateway; it asks a backend of two
 * versions, ratings, a recommender over gRPC and a ledger over TCP, among calls that go wrong in every usual way.
 */
export const SHOP = Object.freeze({
  services: {
    frontend: { latencyMs: { p50: 6, p99: 45 }, failures: { 500: 0.0008 }, responseBytes: 6_000 },
    backend: {
      port: 9090,
      versions: {
        v1: { weight: 3, workload: "backend", latencyMs: { p50: 14, p99: 160 } },
        v2: { weight: 1, workload: "backend-v2", latencyMs: { p50: 19, p99: 240 }, logs: "json" },
      },
      failures: { 500: 0.002, 503: 0.004, 404: 0.006 },
      allow: ["frontend"],
      deny: ["/admin"],
      responseBytes: 2_400,
    },
    ratings: { port: 9080, latencyMs: { p50: 4, p99: 30 }, mtls: "permissive", logs: "json", responseBytes: 380 },
    recommender: {
      port: 9555,
      protocol: "grpc",
      latencyMs: { p50: 11, p99: 90 },
      failures: { 5: 0.01, 14: 0.006, 4: 0.002 },
      logs: "json",
      responseBytes: 900,
    },
    ledger: { port: 7070, protocol: "tcp", latencyMs: { p50: 8, p99: 40 }, responseBytes: 1_000 },
    silent: { port: 8081 },
    external: { port: 8090, proxy: false, latencyMs: { p50: 60, p99: 400 } },
    ghost: { port: 9090, unreachable: true },
  },
  clients: {
    "istio-ingressgateway": { kind: "gateway" },
    stranger: { kind: "sidecar", logs: "json" },
    legacy: { kind: "outside" },
  },
  flows: [
    {
      from: "istio-ingressgateway",
      to: "frontend",
      path: "/product",
      perSecond: 6,
      aborted: 0.002,
      calls: [
        { to: "backend", path: "/work" },
        { to: "ratings", path: "/ratings", optional: true },
        { to: "recommender", path: "/shop.Recommender/Recommend", optional: true },
      ],
    },
    { from: "istio-ingressgateway", to: "frontend", path: "/", perSecond: 4, aborted: 0.001 },
    {
      from: "istio-ingressgateway",
      to: "frontend",
      path: "/checkout",
      method: "POST",
      perSecond: 0.8,
      requestBytes: 1_400,
      calls: [
        {
          to: "backend",
          path: "/checkout",
          method: "POST",
          requestBytes: 900,
          recovered: 0.02,
          exhausted: 0.003,
          timeouts: 0.004,
          timeoutMs: 1_500,
        },
        { to: "ledger", requestBytes: 840 },
        { to: "external", path: "/pay", method: "POST", requestBytes: 420 },
      ],
    },
    {
      from: "istio-ingressgateway",
      to: "frontend",
      path: "/search",
      perSecond: 1.2,
      calls: [{ to: "backend", path: "/limited", version: "v1", limited: 0.03 }],
    },
    { from: "frontend", to: "ghost", path: "/work", perSecond: 0.05 },
    { from: "frontend", to: "backend", path: "/admin", version: "v1", perSecond: 0.02 },
    { from: "stranger", to: "backend", path: "/work", version: "v1", perSecond: 0.06 },
    { from: "legacy", to: "ratings", path: "/ratings", perSecond: 0.3 },
    { from: "legacy", to: "backend", path: "/work", perSecond: 0.02 },
  ],
  incidents: [
    { kind: "slow", service: "backend", version: "v2", factor: 7, daily: "09:40", for: "35m" },
    { kind: "failing", service: "backend", path: "/checkout", code: 503, share: 0.4, daily: "13:10", for: "12m" },
    { kind: "limited", service: "backend", path: "/limited", share: 0.5, daily: "20:30", for: "25m" },
    { kind: "unreachable", service: "recommender", share: 0.6, daily: "03:05", for: "9m" },
    { kind: "identity-lost", caller: "frontend", service: "ratings", share: 0.25, daily: "16:00", for: "45m" },
    { kind: "plaintext", caller: "frontend", service: "ratings", share: 0.1, daily: "22:15", for: "40m" },
    { kind: "surge", factor: 1.8, daily: "18:50", for: "30m" },
  ],
} as const satisfies SimulatedMeshOptions);
