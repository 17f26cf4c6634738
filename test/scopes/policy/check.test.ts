import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { createMesh, type PolicyFlow, type PolicyReport, QueryError } from "../../../src/index.ts";
import { memoryStorage } from "../../../src/promql/index.ts";
import { seriesMetrics } from "../../../src/testing/index.ts";
import { linesOf, NOW, type Pod, type Sketch } from "../log-lines.ts";
import { LogStore } from "../log-store.ts";

const web: Pod = { workload: "web", ip: "10.0.0.1", namespace: "shop" };
const job: Pod = { workload: "job", ip: "10.0.0.2", namespace: "batch" };
const orders: Pod = { workload: "orders", ip: "10.0.0.3", namespace: "shop" };
const legacy: Pod = { workload: "legacy", ip: "10.9.9.9", namespace: "shop" };
const edge: Pod = { workload: "istio-ingressgateway", ip: "10.0.0.9", namespace: "istio-system" };
const to = "orders.shop";

const sketches: readonly Sketch[] = [
  ...[1, 2, 3, 4].map(
    (n): Sketch => ({
      id: `get-${n}`,
      from: web,
      to,
      ago: n * 60_000,
      path: `/orders/${n}?full=1`,
      attempts: [{ by: orders }],
    }),
  ),
  { id: "post", from: web, to, ago: 300_000, method: "POST", path: "/orders", attempts: [{ by: orders }] },
  ...[1, 2].map(
    (n): Sketch => ({
      id: `job-${n}`,
      from: job,
      to,
      ago: n * 70_000,
      path: "/orders",
      code: 403,
      attempts: [{ by: orders, details: "rbac_access_denied_matched_policy[none]" }],
    }),
  ),
  {
    id: "plain",
    from: legacy,
    to,
    ago: 80_000,
    client: false,
    mtls: false,
    path: "/health",
    attempts: [{ by: orders }],
  },
  { id: "nobody", from: web, to: "ghost.shop", ago: 90_000, code: 503, flags: "UH", details: "no_healthy_upstream" },
  { id: "outside", from: web, to: "api.shop", ago: 95_000, path: "/v1", attempts: [] },
];

/** The same traffic as metrics: counters that grow by one every minute of the hour, times their count in the hour. */
function storageOf() {
  const storage = memoryStorage();
  const add = (labels: Readonly<Record<string, string>>, perHour: number, metric = "istio_requests_total") => {
    const all = {
      reporter: "destination",
      destination_workload: "orders",
      destination_workload_namespace: "shop",
      destination_app: "orders",
      destination_version: "v1",
      destination_service_name: "orders",
      destination_service_namespace: "shop",
      request_protocol: "http",
      response_code: "200",
      connection_security_policy: "mutual_tls",
      ...labels,
    };
    for (let minute = 0; minute <= 70; minute++) {
      storage.append({ __name__: metric, ...all }, NOW - (70 - minute) * 60_000, (minute * perHour) / 60);
    }
  };
  const callers = {
    web: {
      source_workload: "web",
      source_workload_namespace: "shop",
      source_principal: "spiffe://cluster.local/ns/shop/sa/web",
    },
    job: {
      source_workload: "job",
      source_workload_namespace: "batch",
      source_principal: "spiffe://cluster.local/ns/batch/sa/job",
    },
    none: {
      source_workload: "unknown",
      source_workload_namespace: "unknown",
      source_principal: "unknown",
      connection_security_policy: "none",
    },
  };
  add(callers.web, 600);
  add({ ...callers.job, response_code: "403" }, 120);
  add(callers.none, 60);
  add(
    {
      ...callers.web,
      request_protocol: "tcp",
      destination_workload: "ledger",
      destination_app: "ledger",
      destination_service_name: "ledger",
    },
    30,
    "istio_tcp_connections_opened_total",
  );
  return storage;
}

const metrics = seriesMetrics(storageOf(), { now: () => NOW });
const logs = () => new LogStore(sketches.flatMap(linesOf), 50);
const now = () => NOW;
const range = { last: "1h" } as const;
const both = () => createMesh({ metrics, logs: logs(), now });

const policy = (name: string, spec: object, kind = "AuthorizationPolicy", namespace = "shop") => ({
  apiVersion: "security.istio.io/v1",
  kind,
  metadata: { name, namespace },
  spec,
});
const ALLOW_WEB = policy("web", {
  selector: { matchLabels: { app: "orders" } },
  rules: [{ from: [{ source: { namespaces: ["shop"] } }], to: [{ operation: { paths: ["/orders*"] } }] }],
});
const STRICT = policy("default", { mtls: { mode: "STRICT" } }, "PeerAuthentication", "istio-system");

const shown = (flows: readonly PolicyFlow[]) =>
  flows.map(
    ({ source, method, path, requests, counted }) =>
      `${source.workload} ${method} ${path} ${Math.round(requests)} ${counted}`,
  );

describe("a check", () => {
  it("joins the identities and counts of the metrics with the methods and paths of the lines", async () => {
    const report = await both().policies([ALLOW_WEB, STRICT]).check(range);
    const web = report.flows.filter(({ source }) => source.workload === "web" && source.principal?.endsWith("/sa/web"));
    expect(shown(web.filter(({ protocol }) => protocol === "http")).sort()).toEqual([
      "web GET /orders/1 120 both",
      "web GET /orders/2 120 both",
      "web GET /orders/3 120 both",
      "web GET /orders/4 120 both",
      "web POST /orders 120 both",
    ]);
    expect(web[0]).toMatchObject({
      destination: { workload: "orders", namespace: "shop" },
      security: "mutual_tls",
      host: "orders:9090",
      port: 9090,
      enforced: { denied: 0, untold: 0 },
      change: "still-allowed",
      verdict: { decision: "allowed", reason: { kind: "allow", rule: { policy: "web", namespace: "shop", rule: 0 } } },
    });
    expect(web[0]?.example).toMatchObject({
      requestId: expect.stringMatching(/^get-|^post/),
      line: expect.stringContaining("inbound|9090||"),
    });
    expect(web[0]?.rate).toBeCloseTo((web[0]?.requests ?? 0) / 3600, 10);
  });

  it("tells what is denied now from what would be", async () => {
    const report = await both().policies([ALLOW_WEB, STRICT]).check(range);
    expect(shown(report.stillDenied)).toEqual(["job GET /orders 120 both"]);
    expect(report.stillDenied[0]).toMatchObject({
      verdict: { reason: { kind: "no-match" } },
      example: { deniedBy: "none" },
    });
    expect(shown(report.newlyDenied)).toEqual(["undefined GET /health 60 both"]);
    expect(report.newlyDenied[0]).toMatchObject({
      source: { principal: null },
      verdict: { reason: { kind: "plaintext", policy: { name: "default" } } },
    });
    expect(report.newlyAllowed).toEqual([]);
    const open = await both().policies([]).check(range);
    expect(shown(open.newlyAllowed)).toEqual(["job GET /orders 120 both"]);
    expect(open.newlyDenied).toEqual([]);
  });

  it("judges no calls that no proxy of a callee saw", async () => {
    const { flows } = await both().policies([]).check(range);
    expect(flows.map(({ destination }) => destination.service)).not.toContain("ghost.shop");
    expect(flows.map(({ path }) => path)).not.toContain("/v1");
  });

  it("without logs names what is missing, and leaves open whose a 403 is", async () => {
    const mesh = createMesh({ metrics, now });
    const report = await mesh.policies([ALLOW_WEB, STRICT]).check(range);
    const byCaller = (name: string | undefined) =>
      report.flows.filter(({ source, protocol }) => source.workload === name && protocol === "http");
    expect(byCaller("web")).toMatchObject([
      { counted: "metrics", change: "unknown", verdict: { missing: ["path"] }, path: undefined },
    ]);
    expect(byCaller("job")).toMatchObject([
      { change: "unknown", enforced: { denied: 0, passed: 0 }, verdict: { decision: "denied" } },
    ]);
    expect(byCaller(undefined)).toMatchObject([{ change: "newly-denied", source: { principal: null } }]);
    const current = await mesh.policies([ALLOW_WEB, STRICT]).check({ ...range, current: mesh.policies(ALLOW_WEB) });
    expect(current.stillDenied).toMatchObject([{ source: { workload: "job" } }]);
    expect(report.meta).toMatchObject({ lines: undefined, complete: true });
    expect(report.meta.promql).toHaveLength(2);
  });

  it("without metrics counts lines, and does not know identities", async () => {
    const mesh = createMesh({ logs: logs(), now });
    const report = await mesh.policies([ALLOW_WEB, STRICT]).check({ ...range, labels: { orders: { app: "orders" } } });
    const web = report.flows.filter(({ source }) => source.workload === "web");
    // The namespace of the identity is that of the workload.
    expect(web.find(({ path }) => path === "/orders")).toMatchObject({
      requests: 1,
      counted: "logs",
      verdict: { decision: "allowed" },
    });
    const named = policy("named", { rules: [{ from: [{ source: { principals: ["*/sa/web"] } }] }] });
    const unsure = await mesh.policies(named).check(range);
    expect(unsure.unknown.map(({ verdict }) => verdict.missing)).toContainEqual(["source.principal"]);
  });

  it("asks for other labels than metrics have", async () => {
    const tiered = policy("tier", { selector: { matchLabels: { tier: "back" } } });
    const unsure = await both().policies(tiered).check(range);
    expect(unsure.unknown[0]?.verdict.missing).toEqual(["label tier of the destination"]);
    const labels = { "orders.shop": { app: "orders", tier: "back" }, ledger: { app: "ledger" } };
    const sure = await both()
      .policies(tiered)
      .check({ ...range, labels });
    expect(sure.unknown).toEqual([]);
    expect(new Set(sure.newlyDenied.map(({ destination }) => destination.workload))).toEqual(new Set(["orders"]));
  });

  it("judges connections by what they have", async () => {
    const rules = policy("tcp", {
      selector: { matchLabels: { app: "ledger" } },
      rules: [{ to: [{ operation: { methods: ["GET"] } }] }],
    });
    const report = await both().policies(rules).check(range);
    expect(report.newlyDenied).toMatchObject([
      { protocol: "tcp", destination: { workload: "ledger" }, requests: expect.closeTo(30, 0) },
    ]);
  });

  it("judges what a ztunnel counted as a ztunnel does", async () => {
    const storage = memoryStorage();
    const labels = {
      __name__: "istio_tcp_connections_opened_total",
      app: "ztunnel",
      reporter: "destination",
      ...{ source_workload: "web", source_workload_namespace: "shop" },
      ...{ source_principal: "spiffe://cluster.local/ns/shop/sa/web" },
      ...{ destination_workload: "orders", destination_workload_namespace: "shop", destination_app: "orders" },
      request_protocol: "tcp",
      connection_security_policy: "mutual_tls",
    };
    for (let minute = 0; minute <= 70; minute++) storage.append(labels, NOW - (70 - minute) * 60_000, minute);
    const ambient = createMesh({ metrics: seriesMetrics(storage, { now }), now });
    const deny = policy("admin", { action: "DENY", rules: [{ to: [{ operation: { paths: ["/admin"] } }] }] });
    const report = await ambient.policies([deny]).check(range);
    expect(report.newlyDenied).toEqual([]);
    expect(report.flows.map(({ change }) => change)).toEqual(["still-allowed"]);
  });

  it("judges what a gateway takes in, by the address that it came from", async () => {
    const outside: Sketch[] = [
      { id: "in-1", from: edge, to, ago: 1_000, path: "/shop", attempts: [{ by: orders }] },
      {
        id: "in-2",
        from: edge,
        to,
        ago: 2_000,
        path: "/admin",
        code: 403,
        details: "rbac_access_denied_matched_policy[ns[istio-system]-policy[edge]-rule[0]]",
      },
    ];
    const mesh = createMesh({ logs: new LogStore(outside.flatMap(linesOf)), now });
    const rule = (ipBlocks: string[]) =>
      policy("edge", { rules: [{ from: [{ source: { ipBlocks } }] }] }, "AuthorizationPolicy", "istio-system");
    const atEdge = (report: PolicyReport) =>
      report.flows.filter(({ destination }) => destination.workload === "istio-ingressgateway");
    const inside = atEdge(await mesh.policies(rule(["10.0.0.0/8"])).check(range));
    expect(inside.map(({ path, change }) => `${path} ${change}`).sort()).toEqual([
      "/admin newly-allowed",
      "/shop still-allowed",
    ]);
    const abroad = atEdge(await mesh.policies(rule(["192.0.2.0/24"])).check(range));
    expect(abroad.map(({ path, change }) => `${path} ${change}`).sort()).toEqual([
      "/admin still-denied",
      "/shop newly-denied",
    ]);
  });

  it("judges what a waypoint takes in by the policies of its service", async () => {
    const storage = memoryStorage();
    const labels = {
      reporter: "waypoint",
      source_workload: "web",
      source_workload_namespace: "shop",
      source_principal: "spiffe://cluster.local/ns/shop/sa/web",
      destination_workload: "orders",
      destination_workload_namespace: "shop",
      destination_service_name: "orders",
      destination_service_namespace: "shop",
      request_protocol: "http",
      response_code: "200",
      connection_security_policy: "mutual_tls",
    };
    for (let minute = 0; minute <= 70; minute++) {
      storage.append({ __name__: "istio_requests_total", ...labels }, NOW - (70 - minute) * 60_000, minute);
    }
    const waypoint: Pod = { workload: "waypoint", ip: "10.0.0.8", namespace: "shop" };
    const lines = ["/orders", "/admin"].flatMap((path, i) =>
      linesOf({ id: `w-${i}`, from: waypoint, to, ago: 60_000 + i, path }).map((line) => ({
        ...line,
        line: line.line.replace("outbound|9090||", "inbound-vip|9090|http|"),
      })),
    );
    const mesh = createMesh({ metrics: seriesMetrics(storage, { now }), logs: new LogStore(lines), now });
    const rules = [{ from: [{ source: { principals: ["*/sa/web"] } }], to: [{ operation: { paths: ["/orders"] } }] }];
    const own = policy("orders", { targetRefs: [{ kind: "Service", name: "orders" }], rules });
    const report = await mesh.policies([own, STRICT]).check(range);
    expect(
      report.flows.map(({ path, change, requests }) => `${path} ${change} ${Math.round(requests)}`).sort(),
    ).toEqual(["/admin newly-denied 30", "/orders still-allowed 30"]);
    const ofWorkloads = policy("orders", { rules });
    expect((await mesh.policies(ofWorkloads).check(range)).newlyDenied).toEqual([]);
  });

  it("says what it has not seen", async () => {
    const part = await both()
      .policies([])
      .check({ ...range, calls: 2 });
    expect(part.meta.complete).toBe(false);
    expect(part.meta.warnings).toEqual([
      expect.stringContaining("limit of 2"),
      expect.stringContaining("access logs show"),
    ]);
    expect(String(part)).toContain("incomplete: part of the traffic was not judged");
  });

  it("sends two questions to the metrics and one for the lines, whatever the policies are", async () => {
    const store = logs();
    const asked: string[] = [];
    const backend = {
      ...pick(metrics),
      instant: (...args: Parameters<typeof metrics.instant>) => {
        asked.push("instant");
        return metrics.instant(...args);
      },
    };
    const many = Array.from({ length: 50 }, (_, i) => policy(`p${i}`, { rules: [{}] }));
    await createMesh({ metrics: backend, logs: store, now }).policies(many).check(range);
    expect(asked).toHaveLength(2);
    expect(store.queries).toHaveLength(1);
  });

  it("ends with its caller, and with its deadline", async () => {
    const reason = new Error("enough");
    await expect(
      both()
        .policies([])
        .check({ ...range, signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
    const store = logs();
    const late = createMesh({ logs: store, now: clock(60_000) });
    await expect(late.policies([]).check({ ...range, timeoutMs: 5 })).rejects.toMatchObject({ name: "TimeoutError" });
    expect(store.open).toBe(0);
  });

  it.each([
    ["without anything to ask", {}, range, "config"],
    ["without a range", { metrics }, {}, "range"],
    ["for an empty range", { metrics }, { from: NOW, to: NOW }, "range"],
    ["for no calls", { metrics }, { ...range, calls: 0 }, "range"],
  ])("is refused %s", async (_, backends, options, code) => {
    const check = () =>
      createMesh({ ...backends, now })
        .policies([])
        .check(options as never);
    await expect(check()).rejects.toThrow(QueryError);
    await expect(check()).rejects.toMatchObject({ code });
  });
});

const pick = ({ name, scrapeIntervalMs, range: over }: typeof metrics) => ({
  name,
  scrapeIntervalMs,
  range: over.bind(metrics),
});

/** A clock that goes on by so much whenever it is read. */
function clock(stepMs: number): () => number {
  let at = NOW - stepMs;
  return () => {
    at += stepMs;
    return at;
  };
}

describe("rules", () => {
  it("that nothing used are told, and those of which it cannot be told are not among them", async () => {
    const rules = [
      { to: [{ operation: { paths: ["/never"] } }] },
      { to: [{ operation: { paths: ["/orders*"] } }] },
      { when: [{ key: "request.headers[x-team]", values: ["red"] }] },
    ];
    const selected = policy("three", { selector: { matchLabels: { app: "orders" } }, rules });
    const http = await both().policies(selected).check(range);
    expect(http.rules.map(({ rule, requests, untold }) => [rule.rule, requests > 0, untold > 0])).toEqual([
      [0, false, false],
      [1, true, false],
      [2, false, true],
    ]);
    expect(http.unusedRules.map(({ rule }) => rule.rule)).toEqual([0]);
    expect(http.rules[2]?.missing).toEqual(["request.headers[x-team]"]);
  });

  it("that allow more than they were used for are given as narrow as may be", async () => {
    const wide = policy("wide", {
      selector: { matchLabels: { app: "orders" } },
      rules: [{ from: [{ source: { principals: ["*"] } }] }],
    });
    const report = await both().policies(wide).check(range);
    expect(report.broadRules).toMatchObject([
      {
        rule: { policy: "wide", rule: 0 },
        unneeded: [
          "callers by a wildcard: 2 callers need it",
          "any of the methods: GET, POST would do",
          expect.stringContaining("any of the paths"),
          "any of the ports: 9090 would do",
        ],
        smallest: [
          {
            from: [{ source: { principals: ["cluster.local/ns/shop/sa/web"] } }],
            to: [
              {
                operation: {
                  methods: ["GET"],
                  paths: ["/orders/1", "/orders/2", "/orders/3", "/orders/4"],
                  ports: ["9090"],
                },
              },
              { operation: { methods: ["POST"], paths: ["/orders"], ports: ["9090"] } },
            ],
          },
          { from: [{ source: { principals: ["cluster.local/ns/batch/sa/job"] } }] },
        ],
      },
    ]);
  });

  it("as narrow as may be still allow all that they allowed", async () => {
    const wide = policy("wide", { selector: { matchLabels: { app: "orders" } }, rules: [{}] });
    const before = await both().policies([wide, STRICT]).check(range);
    const [broad] = before.broadRules;
    const narrow = policy("wide", { ...wide.spec, rules: broad?.smallest });
    const after = await both().policies(stringify(narrow)).check(range);
    const allowed = (report: PolicyReport) =>
      shown(report.flows.filter(({ verdict }) => verdict.decision === "allowed" && verdict.reason.kind === "allow"));
    expect(allowed(after)).toEqual(allowed(before));
    expect(after.broadRules).toEqual([]);
  });
});

describe("routes", () => {
  const route = (kind: string, name: string, spec: object) => ({
    apiVersion: "networking.istio.io/v1",
    kind,
    metadata: { name, namespace: "shop" },
    spec,
  });
  const service = route("VirtualService", "orders", {
    hosts: ["orders.shop.svc.cluster.local", "unheard"],
    http: [
      { name: "one", match: [{ uri: { prefix: "/orders/" } }] },
      { name: "two", match: [{ uri: { exact: "/orders/1" } }] },
      { name: "team", match: [{ uri: { regex: "/ord.rs" }, headers: { team: {} } }] },
      { match: [{ uri: { exact: "/orders" }, method: { exact: "DELETE" } }] },
    ],
  });

  it("are held against what was asked for", async () => {
    const { routes } = await both().policies(service).check(range);
    expect(
      routes.routes.map(({ route, requests, untold, shadowedBy }) => [route, requests, untold, shadowedBy]),
    ).toEqual([
      ["one", 4, 0, undefined],
      ["two", 0, 0, "one"],
      ["team", 0, 3, undefined],
      ["3", 0, 0, undefined],
    ]);
    expect(routes.unusedHosts).toEqual([
      { resource: { kind: "VirtualService", name: "orders", namespace: "shop" }, host: "unheard" },
    ]);
    expect(routes.undeclared).toEqual([
      {
        host: "orders:9090",
        path: "/health",
        requests: 1,
        missing: "route",
        resource: { kind: "VirtualService", name: "orders", namespace: "shop" },
      },
    ]);
  });

  it("of gateways are for what comes in, by their hosts", async () => {
    const lines = [
      { id: "in-1", from: edge, to, ago: 1_000, attempts: [{ by: orders }] },
      {
        id: "in-2",
        from: edge,
        to: "other.shop",
        ago: 2_000,
        routed: false,
        code: 404,
        flags: "NR",
        details: "route_not_found",
      },
    ].flatMap((one) => linesOf(one));
    const mesh = createMesh({ logs: new LogStore(lines), now });
    const gateway = route("Gateway", "edge", {
      servers: [{ port: { number: 80, protocol: "HTTP" }, hosts: ["shop/orders", "*.example.com"] }],
    });
    const { routes } = await mesh
      .policies([gateway, route("VirtualService", "v", { hosts: ["orders"], gateways: ["edge"], http: [{}] })])
      .check(range);
    expect(routes.routes).toMatchObject([{ route: "0", requests: 1 }]);
    expect(routes.unusedHosts).toMatchObject([{ host: "*.example.com" }]);
    expect(routes.undeclared).toMatchObject([
      { host: "other:9090", missing: "host", requests: 1, resource: undefined },
    ]);
  });
});

it("reads as a report", async () => {
  const deny = policy("deny-admin", {
    action: "DENY",
    rules: [{ to: [{ operation: { paths: ["/admin*"], ports: ["9090"] } }] }],
  });
  const report = await both().policies([ALLOW_WEB, STRICT, deny]).check(range);
  // The callers' ports differ by how many lines were made before.
  const text = `${report}\n`.replace(/:3\d{4}\b/g, ":3…");
  await expect(text).toMatchFileSnapshot("../../golden/policy-report.txt");
  expect(JSON.parse(JSON.stringify(report))).toMatchObject({
    flows: expect.any(Array),
    rules: expect.any(Array),
    meta: { complete: true },
  });
});
