import { describe, expect, it } from "vitest";
import type { AccessLogEntry } from "../../src/logs/entry.ts";
import { accessLogParser } from "../../src/logs/parser.ts";
import { LINES } from "./lines.ts";

const parse = accessLogParser();

const at = (host: string | undefined, port: number | undefined, internalListener?: string) => ({
  host,
  port,
  internalListener,
});
const cluster = (direction: string, port?: number, host?: string, subset?: string) => ({
  direction,
  port,
  host,
  subset,
});
const called = (host: string, port: number, subset?: string) => ({ host, port, subset });

type Fields = { readonly [Key in keyof AccessLogEntry]?: unknown };

/** What the line says, read by eye; `undefined` holds that the field is missing. */
const TABLE: Readonly<Record<Exclude<keyof typeof LINES, "noCluster">, Fields>> = {
  client: {
    timeMs: Date.UTC(2020, 10, 25, 21, 26, 18, 409),
    timestampNs: 1_606_339_578_409_000_000n,
    side: "client",
    isTcp: false,
    method: "GET",
    path: "/status/418",
    protocol: "HTTP/1.1",
    code: 418,
    flags: [],
    responseCodeDetails: "via_upstream",
    connectionTerminationDetails: undefined,
    transportFailureReason: undefined,
    bytesReceived: 0,
    bytesSent: 135,
    durationMs: 4,
    upstreamServiceTimeMs: 4,
    forwardedFor: [],
    userAgent: "curl/7.73.0-DEV",
    requestId: "84961386-6d84-929d-98bd-c5aee93b5c88",
    authority: "httpbin:8000",
    upstreamHost: at("10.44.1.27", 80),
    cluster: { ...cluster("outbound", 8000, "httpbin.foo.svc.cluster.local"), passesTls: false },
    upstreamLocal: at("10.44.1.23", 37652),
    downstreamLocal: at("10.0.45.184", 8000),
    downstreamRemote: at("10.44.1.23", 46520),
    serverName: undefined,
    routeName: "default",
    grpcStatus: undefined,
    traceId: undefined,
    rbac: undefined,
    rateLimit: undefined,
    extra: {},
    source: { workload: undefined, namespace: undefined, ip: "10.44.1.23" },
    destination: {
      service: "httpbin",
      namespace: "foo",
      host: "httpbin.foo.svc.cluster.local",
      port: 8000,
      ip: "10.44.1.27",
    },
  },
  server: {
    side: "server",
    durationMs: 3,
    upstreamServiceTimeMs: 1,
    upstreamHost: at("127.0.0.1", 80),
    cluster: cluster("inbound", 8000),
    upstreamLocal: at("127.0.0.1", 41854),
    downstreamLocal: at("10.44.1.27", 80),
    downstreamRemote: at("10.44.1.23", 37652),
    serverName: called("httpbin.foo.svc.cluster.local", 8000),
    source: { ip: "10.44.1.23" },
    destination: { service: "httpbin", namespace: "foo", port: 8000, ip: "10.44.1.27" },
  },
  connectionTermination: {
    side: "client",
    code: 503,
    flags: ["UC"],
    responseCodeDetails: "upstream_reset_before_response_started{connection_termination}",
    bytesSent: 95,
    durationMs: 0,
    upstreamServiceTimeMs: undefined,
    forwardedFor: ["10.90.16.220"],
    userAgent: "Apache-HttpClient/4.5.1 (Java/1.8.0_372)",
    routeName: undefined,
    downstreamRemote: at("10.80.46.220", 59375),
  },
  tcp: {
    timeMs: Date.UTC(2021, 2, 16, 9, 29, 27, 498),
    side: "client",
    isTcp: true,
    method: undefined,
    path: undefined,
    protocol: undefined,
    code: undefined,
    flags: [],
    bytesReceived: 6238,
    bytesSent: 6291,
    durationMs: 84,
    requestId: undefined,
    authority: undefined,
    upstreamHost: at("100.77.28.132", 1521),
    cluster: cluster("passthrough"),
    destination: { service: undefined, host: undefined, ip: "100.77.28.132" },
  },
  tcpFailure: {
    side: "server",
    isTcp: true,
    code: undefined,
    flags: ["UF", "URX"],
    durationMs: 2285,
    cluster: cluster("inbound", 12950),
    upstreamLocal: undefined,
    destination: { port: 12950, host: undefined, ip: "10.244.0.31" },
  },
  tcpNoChain: {
    side: undefined,
    isTcp: true,
    flags: ["NR"],
    responseCodeDetails: "filter_chain_not_found",
    upstreamHost: undefined,
    cluster: undefined,
    downstreamLocal: at("10.10.123.120", 27017),
    downstreamRemote: at("10.10.123.127", 36422),
  },
  rbacSidecar: {
    side: "server",
    code: 403,
    flags: [],
    rbac: { namespace: "starfleet", policy: "probe-read-only", rule: 0 },
    rateLimit: undefined,
    upstreamHost: undefined,
    destination: { service: "probe", namespace: "starfleet", port: 8000, ip: "10.244.0.6" },
  },
  rbacGateway: {
    side: "client",
    rbac: { namespace: "istio-ingress", policy: "api-office-only", rule: 0 },
    forwardedFor: ["10.1.2.3", "10.244.0.6"],
    downstreamRemote: at("10.1.2.3", 0),
    serverName: undefined,
    source: { ip: "10.1.2.3" },
    destination: { service: "bridge", namespace: "starfleet", port: 9080, ip: undefined },
  },
  noRoute: {
    side: undefined,
    code: 404,
    flags: ["NR"],
    responseCodeDetails: "route_not_found",
    cluster: undefined,
    authority: "notification-service",
    // The authority is the caller's word only.
    destination: { service: undefined, host: undefined, port: undefined },
  },
  noHost: {
    side: "client",
    code: 503,
    flags: ["UH"],
    upstreamHost: undefined,
    responseCodeDetails: "no_healthy_upstream",
  },
  emptyHeader: {
    forwardedFor: [],
    userAgent: "beegoServer",
    downstreamLocal: at("10.10.200.72", 80),
    downstreamRemote: at(undefined, 0),
    source: { ip: undefined },
    destination: { service: "forum", namespace: "forum-services" },
  },
  disconnect: {
    side: "server",
    isTcp: false,
    code: 0,
    flags: ["DC"],
    durationMs: 497,
    serverName: called("reviews.default.svc.cluster.local", 9080, "v2"),
    destination: { service: "reviews", namespace: "default", port: 9080, subset: "v2" },
  },
  localRateLimit: { code: 429, flags: [], rateLimit: "local", side: "server", routeName: undefined },
  connectFailure: {
    flags: ["UF"],
    transportFailureReason: "delayed_connect_error:_111",
    responseCodeDetails: "upstream_reset_before_response_started{remote_connection_failure,delayed_connect_error:_111}",
    serverName: undefined,
    destination: { service: undefined, host: undefined, port: 8080, ip: "10.4.0.5" },
  },
  ipv6: {
    upstreamHost: at("2406:da24:8:c202:7327::5", 8001),
    downstreamLocal: at("2406:da24:8:c202:7327::5", 8001),
    downstreamRemote: at("2406:da24:8:c200:6d38::17", 35780),
    destination: { service: "xr-light-class-management-server", namespace: "xrl-dev" },
  },
  protocolError: { code: 502, flags: ["UPE"], side: "server", durationMs: 7 },
  externalAuthorization: {
    side: "gateway",
    code: 302,
    flags: ["UAEX"],
    responseCodeDetails: "ext_authz_denied",
    serverName: { host: "httpbin.glootest.com", port: undefined, subset: undefined },
    destination: { service: "in-mesh", namespace: "httpbin" },
  },
  gateway: { side: "gateway", protocol: "HTTP/2", code: 200, bytesSent: 2465, routeName: "httpbin-httpbin" },
  beforeDetails: {
    side: "client",
    method: "POST",
    path: "/hipstershop.CurrencyService/GetSupportedCurrencies",
    code: 200,
    responseCodeDetails: undefined,
    connectionTerminationDetails: undefined,
    transportFailureReason: undefined,
    bytesReceived: 5,
    bytesSent: 170,
    durationMs: 2,
    upstreamServiceTimeMs: 1,
    userAgent: "grpc-go/1.26.0",
    grpcStatus: undefined,
    extra: {},
  },
  expiredCertificate: {
    flags: ["UF", "URX"],
    transportFailureReason: "TLS error: 268436501:SSL routines:OPENSSL_internal:SSLV3_ALERT_CERTIFICATE_EXPIRED",
    durationMs: 77,
    cluster: cluster("outbound", 8080, "customer.default.svc.cluster.local", "v1"),
    destination: { service: "customer", subset: "v1" },
  },
  overflow: { flags: ["UO"], code: 503, side: "client" },
  fault: { flags: ["FI"], code: 500, destination: { service: "navcom", subset: "v1" } },
  waypointText: {
    side: "waypoint",
    upstreamHost: at("10.244.2.63", 8080, "connect_originate"),
    upstreamLocal: at(undefined, undefined, "internal_client_address"),
    cluster: cluster("inbound-vip", 8000, "barista.caffeine.svc.cluster.local", "http"),
    destination: { service: "barista", namespace: "caffeine", port: 8000, ip: "10.244.2.63" },
  },

  oldJson: {
    timeMs: undefined,
    side: "client",
    isTcp: true,
    authority: undefined,
    path: undefined,
    protocol: undefined,
    method: undefined,
    code: undefined,
    durationMs: 10002,
    bytesSent: 0,
    flags: ["UF", "URX"],
    extra: {},
  },
  oldJsonRetries: {
    timeMs: Date.UTC(2020, 0, 21, 14, 53, 45, 548),
    side: "gateway",
    code: 503,
    flags: ["URX"],
    durationMs: 94,
    upstreamServiceTimeMs: undefined,
    upstreamLocal: undefined,
    routeName: undefined,
    serverName: { host: "api.agilicus.com" },
  },
  oldJsonPolicy: {
    flags: ["UAEX"],
    code: 403,
    extra: { istio_policy_status: '"UNAVAILABLE:no healthy upstream"' },
  },
  waypointJson: {
    side: "waypoint",
    durationMs: 0,
    bytesSent: 19,
    transportFailureReason: undefined,
    rbac: { namespace: "handson", policy: "layer7-authz", rule: 0 },
    destination: { service: "handson", namespace: "handson", port: 8080 },
  },

  ztunnelDenied: {
    timestampNs: 1_791_546_901_094_336_000n,
    side: "server",
    isTcp: true,
    durationMs: 0,
    error: "connection closed due to policy rejection: allow policies exist, but none allowed",
    downstreamRemote: at("10.244.0.14", 46992),
    upstreamHost: at("10.244.0.9", 9080),
    source: {
      workload: "shuttle-7b5db664c-v7b6x",
      namespace: "starfleet",
      principal: "spiffe://cluster.local/ns/starfleet/sa/shuttle",
      ip: "10.244.0.14",
    },
    destination: {
      workload: "navcom-v1-7467bbc689-bj5jz",
      service: "navcom",
      namespace: "starfleet",
      host: "navcom.starfleet.svc.cluster.local",
      principal: "spiffe://cluster.local/ns/starfleet/sa/starfleet-navcom",
    },
    extra: {},
  },
  ztunnelWithoutTime: {
    timeMs: undefined,
    side: "server",
    source: { workload: "reviews-v1-7d99fd7978-xn9xb", namespace: "default" },
    destination: { service: "productpage", namespace: "default" },
  },
  ztunnelOutbound: {
    side: "client",
    // Counted from the caller's end, as Envoy does.
    bytesReceived: 84,
    bytesSent: 853,
    durationMs: 1,
    error: undefined,
  },
  ztunnelRequest: {
    timeMs: Date.UTC(2026, 1, 27, 17, 16, 4, 946),
    side: "server",
    isTcp: false,
    method: "GET",
    path: "/productpage",
    protocol: "HTTP1",
    code: 200,
    durationMs: 35,
    source: { workload: "ingress-istio-68bd49d649-rrbt5", namespace: "istio-system" },
    destination: { service: "productpage", namespace: "bookinfo-frontends" },
  },

  meshGateway: {
    path: "/shop?to=backend&path=%2Fwork%3Fms%3D13%26bytes%3D2048&ms=13&bytes=2048&send=256",
    upstreamLocal: at("127.0.0.1", 58810),
    destination: { service: "frontend", namespace: "default", port: 8080 },
  },
  meshFrontend: { side: "server", downstreamRemote: at("192.0.2.2", 0), forwardedFor: ["192.0.2.2"] },
  meshDenied: { side: "server", rbac: { namespace: "default", policy: "backend-deny-admin", rule: 0 } },
  meshLimited: { side: "server", flags: ["RL"], rateLimit: "local", destination: { service: "backend", subset: "v1" } },
  meshGhost: {
    flags: ["UF"],
    responseCodeDetails:
      "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
    transportFailureReason: "delayed_connect_error:_Connection_refused",
  },
  meshFlaky: { flags: ["URX"], responseCodeDetails: "via_upstream", routeName: "flaky", side: "client" },
  meshTcp: { side: "server", isTcp: true, code: undefined, destination: { service: "ledger", port: 7070 } },
  meshPlaintext: { isTcp: true, flags: ["NR"], side: undefined },
  meshGrpc: {
    side: "server",
    timeMs: Date.UTC(2026, 10, 24, 3, 43, 31, 306),
    protocol: "HTTP/2",
    code: 200,
    upstreamServiceTimeMs: 15,
    bytesReceived: 15,
    forwardedFor: [],
    userAgent: "frontend/1.0 grpc",
    destination: { service: "recommender", namespace: "default", port: 9555 },
    extra: {},
  },
  meshStranger: {
    side: "client",
    code: 403,
    rbac: undefined,
    cluster: cluster("outbound", 9090, "backend.default.svc.cluster.local", "v1"),
  },
  meshAborted: { side: "server", isTcp: false, code: 0, flags: ["DC"], upstreamServiceTimeMs: undefined },
};

describe("a line of a real proxy", () => {
  it.each(Object.entries(TABLE))("%s reads as a person reads it", (name, expected) => {
    const line = LINES[name as keyof typeof LINES];
    const entry = parse(line);
    expect(entry).toMatchObject({ kind: "entry", suspicious: undefined, ...expected });
    expect(entry.raw).toBe(line.replace(/^\[pod\S+ /, ""));
  });

  it("that was cut short is given back unread, with the reason", () => {
    expect(parse(LINES.noCluster)).toStrictEqual({
      kind: "unparsed",
      raw: LINES.noCluster,
      reason: expect.stringMatching(/./),
    });
  });
});

describe("the lines of both sides", () => {
  it("share the request id, and the client's own end of the connection", () => {
    const [client, server] = [parse(LINES.client), parse(LINES.server)];
    if (client.kind !== "entry" || server.kind !== "entry") throw new Error("unparsed");
    expect(server.requestId).toBe(client.requestId);
    expect(server.downstreamRemote).toStrictEqual(client.upstreamLocal);
  });
});
