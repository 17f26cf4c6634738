import { describe, expect, it } from "vitest";
import { createMesh, type PolicyRequest } from "../../../src/index.ts";

const mesh = createMesh();
const policy = (
  spec: string,
  { kind = "AuthorizationPolicy", name = "a", namespace = "shop", annotations = "{}" } = {},
) =>
  `{ apiVersion: security.istio.io/v1, kind: ${kind}, metadata: { name: ${name}, namespace: ${namespace}, annotations: ${annotations} }, spec: ${spec} }`;
const peer = (spec: string, namespace = "shop", name = "p") =>
  policy(spec, { kind: "PeerAuthentication", namespace, name });

const WEB: PolicyRequest = {
  protocol: "http",
  security: "mutual_tls",
  source: { principal: "spiffe://cluster.local/ns/shop/sa/web", ip: "10.0.0.1", remoteIp: "10.0.0.1" },
  destination: { namespace: "shop", labels: { app: "orders" }, port: 8080, ip: "10.0.0.2" },
  method: "GET",
  path: "/info",
  host: "orders",
  serverName: null,
  headers: {},
  claims: null,
};
const PLAIN: PolicyRequest = { ...WEB, security: "none", source: { ...WEB.source, principal: null } };
const TCP: PolicyRequest = { ...WEB, protocol: "tcp", method: undefined, path: undefined, host: undefined };

const decide = (policies: readonly string[], request: PolicyRequest = WEB) => {
  const { decision, reason } = mesh.policies(policies).verdict(request);
  return `${decision} ${reason.kind}`;
};

describe("a request", () => {
  it("is allowed where nothing restricts it", () => {
    expect(decide([])).toBe("allowed no-policy");
    expect(decide([policy("{}", { namespace: "other" })])).toBe("allowed no-policy");
    expect(decide([policy("{ selector: { matchLabels: { app: other } } }")])).toBe("allowed no-policy");
  });

  it("is denied where an ALLOW policy allows nothing, and allowed where it allows all", () => {
    expect(decide([policy("{}")])).toBe("denied no-match");
    expect(decide([policy("{ rules: [] }")])).toBe("denied no-match");
    expect(decide([policy("{ rules: [{}] }")])).toBe("allowed allow");
    expect(decide([policy("{}"), policy("{ rules: [{}] }", { name: "b", namespace: "istio-system" })])).toBe(
      "allowed allow",
    );
  });

  it("is denied by a DENY that matches, whatever else allows it", () => {
    const deny = policy("{ action: DENY, rules: [{ to: [{ operation: { paths: ['/info*'] } }] }] }");
    const verdict = mesh.policies([deny, policy("{ rules: [{}] }", { name: "b" })]).verdict(WEB);
    expect(verdict).toMatchObject({
      decision: "denied",
      reason: { kind: "deny", rule: { policy: "a", namespace: "shop", rule: 0 } },
    });
    expect(decide([deny], { ...WEB, path: "/data" })).toBe("allowed no-policy");
  });

  it("of AUDIT and dry-run policies is told, and not decided by them", () => {
    const audit = policy("{ action: AUDIT, rules: [{}] }");
    const dry = policy("{ action: DENY, rules: [{}] }", { name: "b", annotations: '{ istio.io/dry-run: "true" }' });
    expect(mesh.policies([audit, dry]).verdict(WEB)).toMatchObject({
      decision: "allowed",
      audited: [{ policy: "a", rule: 0 }],
      dryRun: [{ policy: "b", rule: 0 }],
    });
  });

  it("of a CUSTOM policy depends on its provider, unless it is denied anyway", () => {
    const custom = policy(
      "{ action: CUSTOM, provider: { name: opa }, rules: [{ to: [{ operation: { paths: ['/info'] } }] }] }",
    );
    expect(mesh.policies(custom).verdict(WEB)).toMatchObject({
      decision: "unknown",
      reason: { kind: "custom", provider: "opa" },
      missing: ["the answer of provider opa"],
    });
    expect(decide([custom], { ...WEB, path: "/" })).toBe("allowed no-policy");
    expect(decide([custom, policy("{}", { name: "b" })])).toBe("denied no-match");
  });

  it("that policies of several providers match is denied, as Istio takes one for a workload", () => {
    const custom = (name: string, path: string) =>
      policy(
        `{ action: CUSTOM, provider: { name: ${name} }, rules: [{ to: [{ operation: { paths: [${path}] } }] }] }`,
        { name },
      );
    expect(decide([custom("opa", "/info"), custom("oauth", "/other")])).toBe("denied deny");
    expect(decide([custom("opa", "/one"), custom("oauth", "/other")])).toBe("allowed no-policy");
  });

  it("that a policy of an absent provider matches is denied, where it is known which providers there are", () => {
    const custom = policy(
      "{ action: CUSTOM, provider: { name: opa }, rules: [{ to: [{ operation: { paths: ['/info'] } }] }] }",
    );
    const under = (extensionProviders: readonly string[], path?: string) =>
      mesh.policies(custom, { extensionProviders }).verdict({ ...WEB, path });
    expect(under(["oauth"], "/info")).toMatchObject({
      decision: "denied",
      reason: { kind: "deny", rule: { rule: 0 } },
    });
    expect(under([], "/other").decision).toBe("allowed");
    expect(under([], undefined).missing).toEqual(["path"]);
    expect(under(["opa"], "/info").reason).toMatchObject({ kind: "custom", provider: "opa" });
  });

  it("in plaintext has no identity, so that every not… of one holds and nothing else does", () => {
    const from = (source: string) => policy(`{ rules: [{ from: [{ source: { ${source} } }] }] }`);
    for (const source of ["principals: ['*']", "namespaces: ['*']", "trustDomains: ['*']", "serviceAccounts: [web]"]) {
      expect(decide([from(source)], PLAIN), source).toBe("denied no-match");
      expect(decide([from(source)]), source).toBe("allowed allow");
      const not = `not${source[0]?.toUpperCase()}${source.slice(1)}`;
      expect(decide([from(not)], PLAIN), not).toBe("allowed allow");
      expect(decide([from(not)]), not).toBe("denied no-match");
    }
  });

  it("over TCP has nothing of HTTP: ALLOW rules that ask for it are lost, others ask for less", () => {
    const rules = "rules: [{ to: [{ operation: { methods: [GET] } }, { operation: { ports: ['8080'] } }] }]";
    expect(decide([policy(`{ ${rules} }`)], TCP)).toBe("denied no-match");
    expect(
      decide([policy("{ action: DENY, rules: [{ to: [{ operation: { methods: [PUT], ports: ['8080'] } }] }] }")], TCP),
    ).toBe("denied deny");
    expect(
      decide([policy("{ action: DENY, rules: [{ to: [{ operation: { methods: [PUT], ports: ['80'] } }] }] }")], TCP),
    ).toBe("allowed no-policy");
  });

  it.each([
    [
      "an ALLOW rule that asks for HTTP is lost",
      "{ rules: [{ to: [{ operation: { methods: [GET] } }] }] }",
      "no-match",
    ],
    [
      "so is one with a condition that it does not know",
      "{ rules: [{ when: [{ key: source.trustDomain, values: [cluster.local] }] }] }",
      "no-match",
    ],
    ["an ALLOW rule of ports holds", "{ rules: [{ to: [{ operation: { ports: ['8080'] } }] }] }", "allow"],
    [
      "a DENY rule that asks for HTTP alone denies nothing",
      "{ action: DENY, rules: [{ to: [{ operation: { methods: [GET] } }] }] }",
      "no-policy",
    ],
    [
      "nor does one of which a source is all that is left",
      "{ action: DENY, rules: [{ from: [{ source: { namespaces: [shop] } }], to: [{ operation: { paths: [/info] } }] }] }",
      "no-policy",
    ],
    [
      "a DENY rule that names ports beside HTTP denies by them",
      "{ action: DENY, rules: [{ to: [{ operation: { methods: [PUT], ports: ['8080'] } }] }] }",
      "deny",
    ],
    [
      "so does one of whose conditions all are known",
      "{ action: DENY, rules: [{ when: [{ key: source.namespace, values: [shop] }] }] }",
      "deny",
    ],
    ["a DENY rule that asks for nothing denies all", "{ action: DENY, rules: [{}] }", "deny"],
    ["a CUSTOM policy is not looked at", "{ action: CUSTOM, provider: { name: opa }, rules: [{}] }", "no-policy"],
    ["nor is an AUDIT policy", "{ action: AUDIT, rules: [{}] }", "no-policy"],
  ])("before a ztunnel: %s", (_, spec, reason) => {
    const request: PolicyRequest = { ...WEB, destination: { ...WEB.destination, proxy: "ztunnel" } };
    const { decision, reason: why, audited } = mesh.policies(policy(spec)).verdict(request);
    expect([decision, why.kind, audited]).toEqual([/deny|no-match/.test(reason) ? "denied" : "allowed", reason, []]);
  });

  it("keeps its identity before a ztunnel, which has no plaintext to turn mutual TLS off for", () => {
    const tunnelled: PolicyRequest = { ...TCP, destination: { ...TCP.destination, proxy: "ztunnel" } };
    const policies = [
      peer("{ mtls: { mode: DISABLE } }"),
      policy("{ rules: [{ from: [{ source: { namespaces: [shop] } }] }] }"),
    ];
    expect(decide(policies, tunnelled)).toBe("allowed allow");
    expect(decide(policies, TCP)).toBe("denied no-match");
    expect(decide([peer("{ mtls: { mode: STRICT } }")], { ...tunnelled, security: "none" })).toBe("denied plaintext");
  });

  it("over gRPC is a POST to a service's method", () => {
    const rules = policy("{ rules: [{ to: [{ operation: { methods: [POST], paths: ['/shop.Orders/*'] } }] }] }");
    expect(decide([rules], { ...WEB, protocol: "grpc", method: undefined, path: "/shop.Orders/Get" })).toBe(
      "allowed allow",
    );
  });

  it("is of the mesh's other trust domains where those are known", () => {
    const rules = policy("{ rules: [{ from: [{ source: { principals: [cluster.local/ns/shop/sa/web] } }] }] }");
    const old = { ...WEB, source: { principal: "old/ns/shop/sa/web" } };
    expect(mesh.policies(rules).verdict(old).decision).toBe("denied");
    expect(mesh.policies(rules, { trustDomainAliases: ["old"] }).verdict(old).decision).toBe("allowed");
    expect(mesh.policies(rules, { trustDomain: "old" }).verdict(old).decision).toBe("allowed");
  });

  it("is told by its token where one is looked for", () => {
    const wants = policy("{ rules: [{ from: [{ source: { requestPrincipals: ['https://a/*'] } }] }] }");
    const looks = policy("{ jwtRules: [{ issuer: 'https://a' }] }", { kind: "RequestAuthentication", name: "r" });
    const { claims: _, ...untold } = WEB;
    expect(decide([wants], untold)).toBe("denied no-match");
    expect(decide([wants, looks], untold)).toBe("unknown missing");
    expect(decide([wants, looks], { ...WEB, claims: { iss: "https://a", sub: "1" } })).toBe("allowed allow");
    expect(decide([wants, looks], { ...WEB, claims: { iss: "https://b", sub: "1" } })).toBe("denied no-match");
  });

  it.each([
    ["*", true, true],
    ["https://a/1", true, false],
    ["*/1", true, false],
    ["*a/1", true, false],
    ["https://a*", true, true],
    ["https://a/2", false, true],
    ["*2", false, true],
  ])("of issuer https://a and subject 1, or 2, is %s", (value, first, second) => {
    const wants = policy(`{ rules: [{ from: [{ source: { requestPrincipals: ['${value}'] } }] }] }`);
    const looks = policy("{}", { kind: "RequestAuthentication", name: "r" });
    const allowed = (sub: string) =>
      decide([wants, looks], { ...WEB, claims: { iss: "https://a", sub } }).startsWith("allowed");
    // Without a slash, or with a wildcard at its end, Istio takes all before the last slash for the issuer.
    if (value === "https://a*") expect([allowed("1"), allowed("2")]).toEqual([false, false]);
    else expect([allowed("1"), allowed("2")]).toEqual([first, second]);
  });
});

describe("mutual TLS", () => {
  it.each([
    ["no policy", [], "allowed no-policy"],
    ["the mesh's", [peer("{ mtls: { mode: STRICT } }", "istio-system")], "denied plaintext"],
    [
      "the namespace's before the mesh's",
      [peer("{ mtls: { mode: STRICT } }", "istio-system"), peer("{ mtls: { mode: PERMISSIVE } }")],
      "allowed no-policy",
    ],
    [
      "what is inherited",
      [peer("{ mtls: { mode: STRICT } }", "istio-system"), peer("{ mtls: { mode: UNSET } }")],
      "denied plaintext",
    ],
    [
      "the workload's before the namespace's",
      [
        peer("{ mtls: { mode: STRICT } }"),
        peer("{ selector: { matchLabels: { app: orders } }, mtls: { mode: DISABLE } }", "shop", "q"),
      ],
      "allowed no-policy",
    ],
    [
      "its port's before the workload's",
      [
        peer(
          "{ selector: { matchLabels: { app: orders } }, mtls: { mode: PERMISSIVE }, portLevelMtls: { 8080: { mode: STRICT } } }",
        ),
      ],
      "denied plaintext",
    ],
    [
      "another port's",
      [peer("{ selector: { matchLabels: { app: orders } }, portLevelMtls: { 9000: { mode: STRICT } } }")],
      "allowed no-policy",
    ],
    ["another namespace's", [peer("{ mtls: { mode: STRICT } }", "other")], "allowed no-policy"],
    [
      "a selector in the root namespace",
      [peer("{ selector: { matchLabels: { app: orders } }, mtls: { mode: STRICT } }", "istio-system")],
      "allowed no-policy",
    ],
  ])("of plaintext by %s", (_, policies, expected) => {
    expect(decide(policies, PLAIN)).toBe(expected);
    expect(decide(policies, WEB)).toBe("allowed no-policy");
  });

  it("is lost with its identity where it is disabled", () => {
    const allow = policy("{ rules: [{ from: [{ source: { namespaces: [shop] } }] }] }");
    expect(decide([allow, peer("{ mtls: { mode: DISABLE } }")])).toBe("denied no-match");
  });

  it("is no matter of PeerAuthentication at a gateway", () => {
    const gateway = { ...PLAIN, destination: { ...PLAIN.destination, proxy: "gateway" as const } };
    expect(decide([peer("{ mtls: { mode: STRICT } }")], gateway)).toBe("allowed no-policy");
  });
});

describe("what is not known", () => {
  const missing = (policies: readonly string[], request: Partial<PolicyRequest>) => {
    const { decision, missing: names } = mesh.policies(policies).verdict({ ...WEB, ...request });
    return decision === "unknown" ? names : decision;
  };
  const rules = (text: string, action = "ALLOW") => policy(`{ action: ${action}, rules: [${text}] }`);

  it("is named where the verdict depends on it", () => {
    const get = rules("{ to: [{ operation: { methods: [GET], paths: ['/info'] } }] }");
    expect(missing([get], { path: undefined })).toEqual(["path"]);
    expect(missing([get], { path: undefined, method: undefined })).toEqual(["method", "path"]);
    expect(missing([get], { path: undefined, method: "PUT" })).toBe("denied");
    expect(missing([get], { host: undefined })).toBe("allowed");
    expect(
      missing([rules("{ when: [{ key: 'request.headers[x-team]', values: [red] }] }")], { headers: undefined }),
    ).toEqual(["request.headers[x-team]"]);
    expect(missing([rules("{ from: [{ source: { ipBlocks: [10.0.0.0/8] } }] }")], { source: {} })).toEqual([
      "source.ip",
    ]);
  });

  it("does not matter where another rule decides", () => {
    const [unsure, all] = [rules("{ to: [{ operation: { paths: [/a] } }] }"), policy("{ rules: [{}] }", { name: "b" })];
    expect(missing([unsure, all], { path: undefined })).toBe("allowed");
    expect(
      missing([rules("{ to: [{ operation: { paths: [/a] } }] }", "DENY"), policy("{}", { name: "b" })], {
        path: undefined,
      }),
    ).toBe("denied");
  });

  it("includes labels that a selector asks for", () => {
    const destination = { ...WEB.destination, labels: { app: "orders" }, labelsComplete: false };
    const own = policy("{ selector: { matchLabels: { app: orders, tier: back } } }");
    expect(missing([own], { destination })).toEqual(["label tier of the destination"]);
    expect(missing([own.replace("spec: { ", "spec: { rules: [{}], ")], { destination })).toBe("allowed");
    expect(missing([own, policy("{ rules: [{}] }", { name: "b" })], { destination })).toBe("allowed");
    const strict = peer("{ selector: { matchLabels: { tier: back } }, mtls: { mode: STRICT } }");
    expect(missing([strict], { destination, security: "none" })).toEqual(["label tier of the destination"]);
    expect(missing([strict], { destination })).toBe("allowed");
  });

  it("includes whether there was mutual TLS, and which identity", () => {
    const strict = peer("{ mtls: { mode: STRICT } }");
    expect(missing([strict], { security: undefined, source: {} })).toEqual(["connection_security_policy"]);
    expect(missing([strict], { security: undefined })).toBe("allowed");
    const web = rules("{ from: [{ source: { principals: ['*/sa/web'] } }] }");
    expect(missing([web], { source: {} })).toEqual(["source.principal"]);
    const shop = rules("{ from: [{ source: { namespaces: [shop] } }] }");
    expect(missing([shop], { source: { namespace: "shop" } })).toBe("allowed");
    expect(missing([shop], { source: { namespace: "other" } })).toBe("denied");
    expect(missing([shop], { source: { namespace: "shop" }, security: undefined })).toEqual(["source.principal"]);
  });

  it("includes the port where modes differ by it", () => {
    const mixed = peer("{ selector: { matchLabels: { app: orders } }, portLevelMtls: { 8080: { mode: STRICT } } }");
    const destination = { namespace: "shop", labels: { app: "orders" } };
    expect(missing([mixed], { destination, security: "none" })).toEqual(["destination.port"]);
    expect(missing([mixed], { destination })).toBe("allowed");
  });
});

describe("a policy that is attached to a resource", () => {
  const waypoint = (service: string): PolicyRequest => ({
    ...WEB,
    destination: { namespace: "shop", proxy: "waypoint", service },
  });
  const attached = (ref: string, namespace = "shop") => policy(`{ targetRefs: [${ref}] }`, { namespace });

  it("is for that service's waypoint only", () => {
    const orders = attached("{ kind: Service, name: orders }");
    expect(decide([orders], waypoint("orders"))).toBe("denied no-match");
    expect(decide([orders], waypoint("orders.other"))).toBe("allowed no-policy");
    expect(decide([orders], waypoint("carts"))).toBe("allowed no-policy");
    expect(decide([orders])).toBe("allowed no-policy");
    expect(decide([policy("{}")], waypoint("orders"))).toBe("allowed no-policy");
    const all = attached(
      "{ kind: GatewayClass, name: istio-waypoint, group: gateway.networking.k8s.io }",
      "istio-system",
    );
    expect(decide([all], waypoint("orders"))).toBe("denied no-match");
  });

  it("is for that gateway only", () => {
    const edge = attached("{ kind: Gateway, name: edge, group: gateway.networking.k8s.io }");
    const gateway = (name: string): PolicyRequest => ({
      ...PLAIN,
      destination: { namespace: "shop", proxy: "gateway", labels: { "gateway.networking.k8s.io/gateway-name": name } },
    });
    expect(decide([edge], gateway("edge"))).toBe("denied no-match");
    expect(decide([edge], gateway("other"))).toBe("allowed no-policy");
  });
});
