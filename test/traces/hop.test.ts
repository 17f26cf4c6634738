import { describe, expect, it } from "vitest";
import type { Hop } from "../../src/traces/hop.ts";
import { call, proxy, type SpanSketch, trace } from "./spans.ts";

const end = ({ workload, service, host, address }: Partial<Hop["destination"]>) =>
  workload ?? service ?? host ?? address ?? "?";
/** `frontend → backend`, with the ids of both spans where they are there. */
const drawn = ({ source, destination, client, server }: Hop) =>
  `${end(source)} → ${end(destination)} ${client?.id.replace(/^0+/, "") ?? "-"}/${server?.id.replace(/^0+/, "") ?? "-"}`;

const gateway = (sketch: SpanSketch) =>
  proxy({
    of: "istio-ingressgateway.istio-system",
    type: "router",
    kind: "client",
    to: "outbound|8080||frontend.default.svc.cluster.local",
    ...sketch,
  });
const frontend = (sketch: SpanSketch) => proxy({ of: "frontend", kind: "server", to: "inbound|8080||", ...sketch });
const app = (id: string, parent: string, service = "app", at = 0): SpanSketch => ({ id, parent, service, at });
const waypoint = (sketch: SpanSketch & { readonly to?: string }) =>
  proxy({
    of: "waypoint",
    type: "waypoint",
    kind: "server",
    to: "inbound-vip|9080|http|reviews.default.svc.cluster.local",
    ...sketch,
  });

const SOURCE_TAGS = {
  "istio.source_workload": "productpage-v1",
  "istio.source_namespace": "shop",
  "istio.source_canonical_service": "productpage",
  "istio.source_app": "productpage",
};
const DESTINATION_TAGS = {
  "istio.destination_workload": "reviews-v2",
  "istio.destination_namespace": "default",
  "istio.destination_canonical_service": "reviews",
  "istio.destination_canonical_revision": "v2",
};

describe("which spans make a hop", () => {
  it.each<[string, readonly SpanSketch[], readonly string[]]>([
    ["none without proxies", [{ id: "1" }, app("2", "1")], []],
    [
      "A: a client's span alone",
      call(["frontend", "backend"], { id: "1", arrives: false }),
      ["frontend → backend 1/-"],
    ],
    ["A: both sides", call(["frontend", "backend-v2"], { id: "1" }), ["frontend → backend-v2 1/15"]],
    [
      "A: gateway, frontend, backend in the order of the request",
      [
        gateway({ id: "1", ms: 100 }),
        frontend({ id: "2", parent: "1" }),
        ...call(["frontend", "ratings"], { id: "4", parent: "2", at: 20 }),
        ...call(["frontend", "backend"], { id: "3", parent: "2", at: 10 }),
      ],
      ["istio-ingressgateway → frontend 1/2", "frontend → backend 3/35", "frontend → ratings 4/45"],
    ],
    [
      "A: applications' spans between the proxies of one pod",
      [
        frontend({ id: "2" }),
        app("a", "2"),
        app("b", "a"),
        ...call(["frontend", "backend"], { id: "3", parent: "b", at: 1 }),
      ],
      ["? → frontend -/2", "frontend → backend 3/35"],
    ],
    [
      "A: retries",
      [
        proxy({
          id: "1",
          of: "frontend",
          kind: "client",
          to: "outbound|80||backend.default.svc.cluster.local",
          ms: 50,
        }),
        ...[2, 3, 4].map((i) =>
          proxy({ id: `${i}`, parent: "1", at: 10 * i, of: "backend", kind: "server", to: "inbound|80||" }),
        ),
      ],
      ["frontend → backend 1/4"],
    ],
    [
      "A: a shared span of Zipkin's",
      [
        proxy({ id: "1", of: "frontend", kind: "client", to: "outbound|80||backend.default.svc.cluster.local" }),
        proxy({ id: "1", shared: true, of: "backend", kind: "server", to: "inbound|80||" }),
      ],
      ["frontend → backend 1/1"],
    ],
    [
      "A: a gateway that writes a span for each attempt",
      [
        gateway({ id: "1", kind: "server", ms: 100 }),
        gateway({
          id: "2",
          parent: "1",
          kind: "client",
          operation: "router outbound|8080||frontend.default.svc.cluster.local egress",
        }),
        gateway({ id: "3", parent: "1", kind: "client", at: 50 }),
        frontend({ id: "4", parent: "3", at: 51 }),
      ],
      ["istio-ingressgateway → frontend 1/4"],
    ],
    [
      "A: through an egress gateway, which is called and calls",
      [
        proxy({
          id: "1",
          of: "frontend",
          kind: "client",
          to: "outbound|443||istio-egressgateway.istio-system.svc.cluster.local",
        }),
        proxy({
          id: "2",
          parent: "1",
          of: "istio-egressgateway.istio-system",
          type: "router",
          kind: "client",
          to: "outbound|443||api.example.org",
        }),
      ],
      ["frontend → istio-egressgateway 1/2", "istio-egressgateway → api.example.org 2/-"],
    ],
    [
      "B: the nearest proxy above is the source, whatever lies between",
      [
        frontend({ id: "1" }),
        app("a", "1"),
        app("b", "a"),
        proxy({ id: "2", parent: "b", of: "backend", kind: "server", to: "inbound|80||" }),
      ],
      ["? → frontend -/1", "frontend → backend -/2"],
    ],
    [
      "B: a service without a proxy stands between",
      [
        proxy({ id: "1", of: "frontend", kind: "client", to: "outbound|80||relay.default.svc.cluster.local" }),
        app("a", "1", "relay"),
        proxy({ id: "2", parent: "a", of: "backend", kind: "server", to: "inbound|80||" }),
      ],
      ["frontend → relay 1/-", "relay → backend -/2"],
    ],
    [
      "B: a balancer with spans of its own stands between",
      [
        proxy({ id: "1", of: "frontend", kind: "client", to: "outbound|80||backend.default.svc.cluster.local" }),
        app("a", "1", "balancer"),
        proxy({ id: "2", parent: "a", of: "backend", kind: "server", to: "inbound|80||" }),
      ],
      ["frontend → backend 1/2"],
    ],
    [
      "B: a service without a proxy and without spans stands between, as the addresses tell",
      [
        proxy({
          id: "1",
          of: "frontend",
          ip: "10.0.0.1",
          kind: "client",
          to: "outbound|80||relay.default.svc.cluster.local",
          tags: { upstream_address: "10.0.0.2:80" },
        }),
        proxy({
          id: "2",
          parent: "1",
          of: "backend",
          ip: "10.0.0.3",
          kind: "server",
          to: "inbound|80||",
          tags: { "peer.address": "10.0.0.2:4711" },
        }),
      ],
      ["frontend → relay 1/-", "relay → backend -/2"],
    ],
    [
      "C: a waypoint between both sides",
      [
        proxy({
          id: "1",
          of: "productpage-v1",
          kind: "client",
          to: "outbound|9080||reviews.default.svc.cluster.local",
          ms: 9,
        }),
        waypoint({ id: "2", parent: "1", tags: { ...SOURCE_TAGS, ...DESTINATION_TAGS } }),
        waypoint({ id: "3", parent: "2", kind: "client" }),
        proxy({ id: "4", parent: "3", of: "reviews-v2", kind: "server", to: "inbound|9080||" }),
      ],
      ["productpage-v1 → reviews-v2 1/4"],
    ],
    [
      "C: a waypoint alone",
      [
        waypoint({ id: "2", tags: { ...SOURCE_TAGS, ...DESTINATION_TAGS } }),
        waypoint({ id: "3", parent: "2", kind: "client" }),
      ],
      ["productpage-v1 → reviews-v2 -/2"],
    ],
    [
      "C: waypoints after a gateway, of applications that hand the context on",
      [
        gateway({ id: "1", tags: { upstream_cluster: "outbound|9080||productpage.bookinfo.svc.cluster.local" } }),
        waypoint({ id: "2", parent: "1", at: 1 }),
        proxy({
          id: "3",
          parent: "1",
          at: 2,
          of: "waypoint",
          type: "waypoint",
          to: "inbound-vip|9080|http|details.bookinfo.svc.cluster.local",
        }),
      ],
      ["istio-ingressgateway → productpage 1/-", "productpage → reviews -/2", "productpage → details -/3"],
    ],
    [
      "D: an application that hands nothing on",
      [gateway({ id: "1" }), frontend({ id: "2", parent: "1" })],
      ["istio-ingressgateway → frontend 1/2"],
    ],
    [
      "E: a called proxy alone",
      [frontend({ id: "1", tags: { "peer.address": "10.22.5.60:4711" } })],
      ["10.22.5.60 → frontend -/1"],
    ],
    ["E: a called proxy whose caller is missing", [frontend({ id: "1", parent: "9" })], ["? → frontend -/1"]],
  ])("%s", (_, sketches, hops) => {
    expect(
      trace(...sketches)
        .hops()
        .map(drawn),
    ).toEqual(hops);
  });
});

const onlyHop = (...sketches: readonly SpanSketch[]): Hop => {
  const [hop, ...others] = trace(...sketches).hops();
  if (hop === undefined || others.length > 0) throw new Error(`${others.length + 1} hops`);
  return hop;
};

describe("what a hop tells", () => {
  it("of both ends and the request", () => {
    expect(
      onlyHop(
        ...call(["web.shop", "backend-v2.data"], {
          id: "1",
          ms: 10,
          tags: { "istio.source_principal": "spiffe://a", connection_security_policy: "mutual_tls" },
        }),
      ),
    ).toMatchObject({
      source: {
        workload: "web",
        namespace: "shop",
        service: "web",
        app: "web",
        version: "v1",
        cluster: "Kubernetes",
        pod: "web-6c9f7d5b4-k2x9p",
        address: "10.0.0.1",
        principal: "spiffe://a",
      },
      destination: {
        workload: "backend-v2",
        namespace: "data",
        service: "backend",
        version: "v2",
        host: "backend.data.svc.cluster.local",
        port: 9080,
        subset: undefined,
        principal: undefined,
      },
      clientMs: 10,
      serverMs: 8,
      networkMs: 2,
      protocol: "http",
      method: "GET",
      path: "/work",
      code: 200,
      grpcStatus: undefined,
      flags: [],
      failed: false,
      requestId: "84961386-6d84-929d-98bd-c5aee93b5c88",
      mtls: true,
      arrived: true,
      skewed: false,
    });
  });

  it.each<[string, number | string, string, SpanSketch["tags"], Partial<Hop>]>([
    ["a number for a status", 503, "-", {}, { code: 503, failed: true, arrived: undefined }],
    ["an answer that was not given", "0", "DC", {}, { code: 0, flags: ["DC"], failed: true, arrived: undefined }],
    ["no connection", "503", "UF,URX", {}, { flags: ["UF", "URX"], arrived: false }],
    ["no healthy host", "503", "UH", {}, { arrived: false }],
    ["no route", "404", "NR", {}, { failed: false, arrived: false }],
    ["a flag of the mesh's own", "500", "XYZ", {}, { flags: ["XYZ"], arrived: undefined }],
    ["an upstream that took too long", "504", "UT", {}, { arrived: undefined }],
    [
      "gRPC that failed under 200",
      "200",
      "-",
      { "grpc.status_code": "14" },
      { protocol: "grpc", code: 200, grpcStatus: 14, failed: true },
    ],
    ["gRPC that is the caller's fault", "200", "-", { "grpc.status_code": "5" }, { grpcStatus: 5, failed: false }],
    [
      "gRPC by a status's name",
      "200",
      "-",
      { "rpc.response.status_code": "UNAVAILABLE" },
      { grpcStatus: 14, failed: true },
    ],
    [
      "gRPC by its content",
      "200",
      "-",
      { "grpc.content_type": "application/grpc+proto", "grpc.path": "/a.B/C" },
      { protocol: "grpc", failed: false },
    ],
    ["where nothing listens", "502", "-", { upstream_cluster: "BlackHoleCluster" }, { arrived: false }],
    ["a URL in IPv6", "200", "-", { "http.url": "http://[2001:db8::1]:80/a/b?c#d" }, { path: "/a/b" }],
    ["a URL that was cut", "200", "-", { "http.url": "http://some.host" }, { path: undefined }],
    ["newer names", "200", "-", { "http.method": "POST", "url.full": "https://x/y" }, { method: "POST" }],
  ])("%s", (_, code, flags, tags, expected) => {
    const [client] = call(["frontend", "backend"], { id: "1", code, flags });
    expect(onlyHop({ ...client, id: "1", tags: { ...client?.tags, ...tags } })).toMatchObject(expected);
  });

  it("takes the host that the caller wrote where the mesh knew none", () => {
    const passing = onlyHop(
      proxy({
        id: "1",
        of: "a",
        kind: "client",
        to: "PassthroughCluster",
        tags: { "http.url": "http://api.example.org/x" },
      }),
    );
    expect([passing.destination.host, passing.destination.service]).toEqual(["api.example.org", undefined]);
    expect(
      onlyHop(
        proxy({
          id: "1",
          of: "a",
          kind: "client",
          code: 404,
          flags: "NR",
          tags: { "http.url": "http://notification-service/notify" },
        }),
      ).destination.service,
    ).toBe("notification-service");
  });

  it("takes the outcome that the caller saw, with its flags, and the callee's flags where it saw none", () => {
    const hop = onlyHop(
      proxy({
        id: "1",
        of: "a",
        kind: "client",
        to: "outbound|80||b.default.svc.cluster.local",
        code: 504,
        flags: "UT",
        ms: 300,
      }),
      proxy({ id: "2", parent: "1", of: "b", kind: "server", to: "inbound|80||", code: 0, flags: "DC", ms: 3000 }),
    );
    expect(hop).toMatchObject({ code: 504, flags: ["UT"], networkMs: undefined, arrived: true });
    const limited = onlyHop(
      proxy({ id: "1", of: "a", kind: "client", to: "outbound|80||b.default.svc.cluster.local", code: 429 }),
      proxy({ id: "2", parent: "1", of: "b", kind: "server", to: "inbound|80||", code: 429, flags: "RL" }),
    );
    expect(limited).toMatchObject({ code: 429, flags: ["RL"], failed: false });
  });

  it("counts attempts, and has no network time of several", () => {
    const hop = onlyHop(
      proxy({ id: "1", of: "a", kind: "client", to: "outbound|80||b.default.svc.cluster.local", ms: 50 }),
      proxy({ id: "2", parent: "1", at: 1, of: "b", kind: "server", to: "inbound|80||", code: 503 }),
      proxy({ id: "3", parent: "1", at: 20, of: "b-v2", kind: "server", to: "inbound|80||" }),
    );
    expect(hop).toMatchObject({
      code: 200,
      failed: false,
      networkMs: undefined,
      destination: { workload: "b-v2", version: "v2" },
    });
    expect(hop.attempts.map(({ id }) => Number(id))).toEqual([2, 3]);
  });

  it("says where clocks disagree", () => {
    const hop = onlyHop(
      proxy({ id: "1", of: "a", kind: "client", to: "outbound|80||b.default.svc.cluster.local", ms: 50 }),
      proxy({ id: "2", parent: "1", at: -30, ms: 20, of: "b", kind: "server", to: "inbound|80||" }),
    );
    expect(hop).toMatchObject({ skewed: true, networkMs: 30 });
  });

  it("sees an arrival in an application's span", () => {
    const [client] = call(["frontend", "external"], { id: "1" });
    expect(onlyHop({ ...client, id: "1" }, app("2", "1", "external"))).toMatchObject({
      arrived: true,
      server: undefined,
    });
  });

  it("takes a waypoint's word, and its flags", () => {
    const hop = onlyHop(waypoint({ id: "2", tags: { ...SOURCE_TAGS, ...DESTINATION_TAGS } }));
    expect(hop).toMatchObject({
      source: { workload: "productpage-v1", namespace: "shop", app: "productpage", address: undefined },
      destination: {
        workload: "reviews-v2",
        namespace: "default",
        version: "v2",
        host: "reviews.default.svc.cluster.local",
        port: 9080,
        subset: undefined,
      },
      arrived: true,
    });
    expect(onlyHop(waypoint({ id: "2", tags: { response_flags: "UH" } })).arrived).toBe(false);
  });
});

describe("real spans", () => {
  const common = {
    component: "proxy",
    "istio.mesh_id": "cluster.local",
    "istio.namespace": "sample",
    "guid:x-request-id": "5a5f1f4b",
    "http.method": "GET",
    "http.url": "http://helloworld:5000/hello",
    "peer.address": "10.22.5.60",
    downstream_cluster: "-",
  };

  it("of Istio 1.11, from Zipkin's collector in Jaeger", () => {
    const hop = onlyHop(
      {
        id: "a72a39b29a8cc34e",
        kind: "client",
        service: "sleep.sample",
        operation: "helloworld:5000/*",
        error: true,
        ms: 20,
        tags: {
          ...common,
          "http.status_code": "0",
          response_flags: "DC",
          error: true,
          node_id: "sidecar~10.22.5.60~sleep-688d8dd85f-4sxh6.sample~sample.svc.cluster.local",
          upstream_cluster: "outbound|5000|v2|helloworld.sample.svc.cluster.local",
          "istio.canonical_service": "sleep",
          "internal.span.format": "zipkin",
        },
      },
      {
        id: "961b525481896353",
        parent: "a72a39b29a8cc34e",
        kind: "server",
        service: "helloworld.sample",
        operation: "helloworld:5000/*",
        at: 1,
        ms: 18,
        tags: {
          ...common,
          "http.status_code": "0",
          response_flags: "DC",
          node_id: "sidecar~10.22.5.61~helloworld-v2-54dddc5567-2tjbm.sample~sample.svc.cluster.local",
          upstream_cluster: "inbound|5000||",
          "istio.canonical_service": "helloworld",
        },
      },
    );
    expect(hop).toMatchObject({
      source: { workload: "sleep", namespace: "sample", service: "sleep", address: "10.22.5.60" },
      destination: {
        workload: "helloworld-v2",
        namespace: "sample",
        service: "helloworld",
        host: "helloworld.sample.svc.cluster.local",
        port: 5000,
        subset: "v2",
      },
      code: 0,
      flags: ["DC"],
      failed: true,
      path: "/hello",
      arrived: true,
    });
  });

  it("of the OpenTelemetry tracer", () => {
    const hop = onlyHop({
      id: "1",
      kind: "client",
      service: "productpage.default",
      operation: "egress reviews:9080",
      tags: {
        ...common,
        node_id: "sidecar~10.244.0.8~productpage-v1-d5789fdfb-t6s4m.default~default.svc.cluster.local",
        "istio.namespace": "default",
        "istio.canonical_service": "productpage",
        "istio.canonical_revision": "v1",
        upstream_cluster: "outbound|9080||reviews.default.svc.cluster.local;",
        "upstream_cluster.name": "reviews.default.svc.cluster.local",
        "http.status_code": "200",
        "http.protocol": "HTTP/1.1",
        response_flags: "-",
        zone: "",
      },
    });
    expect(hop).toMatchObject({
      source: { workload: "productpage-v1", service: "productpage", app: "productpage", version: "v1" },
      destination: { service: "reviews", namespace: "default", host: "reviews.default.svc.cluster.local", port: 9080 },
      code: 200,
    });
  });

  it("of Istio in ambient mode, without kinds", () => {
    const hops = trace(
      {
        id: "1",
        service: "bookinfo-gateway-istio.bookinfo",
        operation: "productpage.bookinfo.svc.cluster.local:9080/productpage",
        ms: 12,
        tags: {
          component: "proxy",
          node_id: "router~10.244.0.27~bookinfo-gateway-istio-6754756766-pmxnn.bookinfo~bookinfo.svc.cluster.local",
          upstream_cluster: "outbound|9080||productpage.bookinfo.svc.cluster.local",
          "http.method": "GET",
        },
      },
      {
        id: "2",
        parent: "1",
        service: "waypoint.bookinfo",
        operation: "reviews.bookinfo.svc.cluster.local:9080/*",
        at: 8,
        tags: {
          component: "proxy",
          node_id: "waypoint~10.244.0.28~waypoint-5b7c754ccb-55jwk.bookinfo~bookinfo.svc.cluster.local",
          upstream_cluster: "inbound-vip|9080|http|reviews.bookinfo.svc.cluster.local",
        },
      },
    ).hops();
    expect(hops.map(drawn)).toEqual(["bookinfo-gateway-istio → productpage 1/-", "productpage → reviews -/2"]);
  });

  it("of Envoy without Istio", () => {
    const hops = trace(
      {
        id: "1",
        service: "frontend",
        operation: "egress backend",
        kind: "client",
        tags: {
          component: "proxy",
          upstream_cluster: "backend",
          "upstream_cluster.name": "backend",
          "http.status_code": "200",
          response_flags: "-",
        },
      },
      {
        id: "2",
        parent: "1",
        service: "backend",
        operation: "ingress",
        kind: "server",
        tags: { component: "proxy", "http.status_code": "200" },
      },
    ).hops();
    expect(hops).toMatchObject([
      { source: { service: "frontend", workload: undefined }, destination: { service: "backend", host: undefined } },
    ]);
  });

  it("under service names of other forms", () => {
    const named = (service: string) =>
      onlyHop({
        id: "1",
        kind: "client",
        service,
        tags: { component: "proxy", node_id: "sidecar~10.0.0.1~web-0.shop~shop.svc.cluster.local" },
      }).source;
    expect(named("web.shop")).toMatchObject({ service: "web", app: "web", namespace: "shop" });
    expect(named("web")).toMatchObject({ service: "web", app: undefined });
    expect(named("unknown_service")).toMatchObject({ service: "unknown_service", app: undefined, workload: "web" });
  });
});
