/** Random policies and requests over a small vocabulary, so that rules often match and often narrowly do not. */
import fc from "fast-check";

export interface GeneratedPolicy {
  readonly apiVersion: string;
  readonly kind: "AuthorizationPolicy" | "PeerAuthentication";
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly creationTimestamp?: string;
  };
  readonly spec: GeneratedSpec;
}

export interface GeneratedSpec {
  readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly action?: "ALLOW" | "AUDIT" | "CUSTOM" | "DENY";
  readonly provider?: { readonly name: string };
  readonly rules?: readonly GeneratedRule[];
  readonly mtls?: { readonly mode: string };
  readonly portLevelMtls?: Readonly<Record<string, { readonly mode: string }>>;
}

export interface GeneratedRule {
  readonly from?: readonly { readonly source: Lists }[];
  readonly to?: readonly { readonly operation: Lists }[];
  readonly when?: readonly {
    readonly key: string;
    readonly values?: readonly string[];
    readonly notValues?: readonly string[];
  }[];
}

export type Lists = Readonly<Record<string, readonly string[]>>;

/** One request as its sender means it. */
export interface GeneratedRequest {
  readonly port: 7070 | 8080 | 9000;
  /** The name of the certificate that is shown; plaintext without one. */
  readonly identity: keyof typeof IDENTITIES | undefined;
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly ip: string;
  /** What the load balancer before it says that the client's address is. */
  readonly clientIp: string;
  readonly serverName: string | undefined;
}

/** The workload that is asked. */
export interface GeneratedDestination {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Setting {
  readonly policies: readonly GeneratedPolicy[];
  readonly destination: GeneratedDestination;
  readonly trustDomainAliases: readonly string[];
  readonly pathNormalization: "BASE" | "DECODE_AND_MERGE_SLASHES" | "MERGE_SLASHES" | "NONE";
}

export const IDENTITIES = {
  web: "spiffe://cluster.local/ns/shop/sa/web",
  cart: "spiffe://cluster.local/ns/shop/sa/cart",
  job: "spiffe://cluster.local/ns/batch/sa/web",
  old: "spiffe://old.example/ns/shop/sa/web",
  odd: "spiffe://cluster.local/ns/shop-test/sa/web-admin",
} as const;

export const ROOT_NAMESPACE = "istio-system";
export const TCP_PORT = 7070;
export const DESTINATION_IP = "10.5.0.1";

const some = <T>(values: fc.Arbitrary<T>, most = 2) => fc.array(values, { minLength: 1, maxLength: most });
const pick = <const T>(...values: readonly T[]) => fc.constantFrom(...values);

const principal = pick(
  "*",
  "cluster.local/ns/shop/sa/web",
  "cluster.local/ns/shop/sa/cart",
  "old.example/ns/shop/sa/web",
  "*/ns/shop/sa/web",
  "*/sa/web",
  "cluster.local/ns/shop*",
  "cluster.local/ns/*",
  "*-admin",
  "*.local/ns/shop/sa/web",
  "spiffe://cluster.local/ns/shop/sa/web",
  "cluster.local/ns/*/sa/web",
);
const namespace = pick("shop", "batch", "shop*", "*", "*test", "s*p", "shop-test", "nowhere");
const serviceAccount = pick("web", "cart", "shop/web", "batch/web", "shop-test/web-admin", "shop/web-admin");
const trustDomain = pick("cluster.local", "old.example", "*", "*.example", "cluster*", "elsewhere");
const ipBlock = pick("127.0.0.2", "127.0.0.0/24", "127.0.1.0/30", "127.0.1.9/32", "10.0.0.0/8", "::1", "0.0.0.0/0");
const clientBlock = pick("10.1.2.3", "10.1.0.0/16", "203.0.113.0/24", "198.51.100.9", "0.0.0.0/0", "127.0.0.0/8");
const method = pick("GET", "POST", "*", "P*", "*T", "get", "DELETE");
const path = pick(
  "/info",
  "/info*",
  "/info/*",
  "*/details",
  "*",
  "/data",
  "/admin*",
  "/info/{*}",
  "/info/{*}/details",
  "/{**}",
  "/info/{**}",
  "/info/{**}/",
  "/{*}/1/{**}",
  "/in*fo",
  "/",
);
const host = pick(
  "orders",
  "orders.shop.svc.cluster.local",
  "orders:8080",
  "*.example.com",
  "orders*",
  "*",
  "Orders",
  "*:8080",
);
const port = pick("8080", "9000", "7070", "15006");

const lists = (
  fields: Readonly<Record<string, fc.Arbitrary<string>>>,
  { notFields = true }: { readonly notFields?: boolean } = {},
): fc.Arbitrary<Lists> => {
  const all = Object.entries(fields).flatMap(([name, values]) => {
    const notName = `not${name[0]?.toUpperCase()}${name.slice(1)}`;
    return [[name, some(values)], ...(notFields ? [[notName, some(values)]] : [])] as [
      string,
      fc.Arbitrary<string[]>,
    ][];
  });
  return fc
    .uniqueArray(fc.nat(all.length - 1), { minLength: 1, maxLength: 2 })
    .chain((at) =>
      fc
        .tuple(...at.map((i) => (all[i] as (typeof all)[number])[1]))
        .map((values) =>
          Object.fromEntries(at.map((i, n) => [(all[i] as (typeof all)[number])[0], values[n] as string[]])),
        ),
    );
};

const source = fc.oneof(
  { weight: 3, arbitrary: lists({ principals: principal, namespaces: namespace, trustDomains: trustDomain }) },
  { weight: 1, arbitrary: lists({ serviceAccounts: serviceAccount, trustDomains: trustDomain }) },
  { weight: 1, arbitrary: lists({ ipBlocks: ipBlock, remoteIpBlocks: clientBlock }) },
);
const operation = lists({ paths: path, methods: method, hosts: host, ports: port });
const condition = fc.oneof(
  ...(
    [
      ["source.ip", ipBlock],
      ["remote.ip", clientBlock],
      ["source.namespace", namespace],
      ["source.principal", principal],
      ["source.serviceAccount", serviceAccount],
      ["source.trustDomain", trustDomain],
      ["request.headers[x-team]", pick("red", "blue", "r*", "*e", "*")],
      ["request.headers[User-Agent]", pick("curl/8", "curl*", "*")],
      ["destination.ip", pick(DESTINATION_IP, "10.5.0.0/24", "10.6.0.0/16")],
      ["destination.port", port],
      ["connection.sni", pick("orders.shop", "*.shop", "*", "orders*")],
      ["request.auth.claims[iss]", pick("*", "accounts")],
    ] as const
  ).map(([key, values]) =>
    fc.oneof(
      some(values).map((given) => ({ key, values: given })),
      some(values).map((given) => ({ key, notValues: given })),
    ),
  ),
);

const rule: fc.Arbitrary<GeneratedRule> = fc
  .record(
    {
      from: some(source.map((one) => ({ source: one }))),
      to: some(operation.map((one) => ({ operation: one }))),
      when: some(condition, 1),
    },
    { requiredKeys: [] },
  )
  .map((one) => one as GeneratedRule);

const labels = fc.oneof(
  pick({ app: "orders" }, { app: "orders", version: "v1" }, { version: "v2" }, { app: "ledger" }, {}),
);
const scope = { namespace: pick("shop", "shop", "shop", "pay", ROOT_NAMESPACE) };

const authorization: fc.Arbitrary<GeneratedPolicy> = fc
  .tuple(
    scope.namespace,
    fc.option(labels, { nil: undefined, freq: 2 }),
    pick("ALLOW", "ALLOW", "DENY", "DENY", "AUDIT", undefined),
    fc.oneof(
      { weight: 12, arbitrary: fc.array(rule, { minLength: 1, maxLength: 3 }) },
      { weight: 1, arbitrary: pick([], [{}]) },
    ),
  )
  .map(([namespace, matchLabels, action, rules]) => ({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy" as const,
    metadata: { name: "", namespace },
    spec: {
      ...(matchLabels !== undefined && { selector: { matchLabels } }),
      ...(action !== undefined && { action }),
      rules,
    },
  }));

const mode = pick("STRICT", "STRICT", "PERMISSIVE", "DISABLE", "UNSET").map((one) => ({ mode: one }));
const peer: fc.Arbitrary<GeneratedPolicy> = fc
  .tuple(
    scope.namespace,
    fc.option(labels, { nil: undefined, freq: 2 }),
    fc.option(mode, { nil: undefined, freq: 5 }),
    fc.option(fc.dictionary(pick("8080", "7070"), mode, { minKeys: 1, maxKeys: 2 }), { nil: undefined, freq: 2 }),
    fc.option(pick("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"), { nil: undefined }),
  )
  .map(([namespace, matchLabels, mtls, ports, creationTimestamp]) => ({
    apiVersion: "security.istio.io/v1beta1",
    kind: "PeerAuthentication" as const,
    metadata: { name: "", namespace, ...(creationTimestamp !== undefined && { creationTimestamp }) },
    spec: {
      ...(matchLabels !== undefined && { selector: { matchLabels } }),
      ...(mtls !== undefined && { mtls }),
      ...(ports !== undefined && Object.keys(matchLabels ?? {}).length > 0 && { portLevelMtls: ports }),
    },
  }));

/** Policies with names of their own, for one workload. */
export const setting: fc.Arbitrary<Setting> = fc.record({
  policies: fc
    .tuple(fc.array(authorization, { maxLength: 4 }), fc.array(peer, { maxLength: 3 }))
    .map(([some, others]) =>
      [...some, ...others].map((one, i) => ({ ...one, metadata: { ...one.metadata, name: `p${i}` } })),
    ),
  destination: pick(
    { namespace: "shop", labels: { app: "orders", version: "v1" } },
    { namespace: "shop", labels: { app: "orders", version: "v2" } },
    { namespace: "pay", labels: { app: "ledger" } },
  ),
  trustDomainAliases: pick([], [], ["old.example"]),
  pathNormalization: pick("BASE", "BASE", "NONE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"),
});

/** What a CUSTOM policy may ask for: nothing of identities, which its provider has to know by itself. */
const customRule: fc.Arbitrary<GeneratedRule> = fc
  .record(
    {
      from: some(lists({ ipBlocks: ipBlock, remoteIpBlocks: clientBlock }).map((one) => ({ source: one }))),
      to: some(operation.map((one) => ({ operation: one }))),
    },
    { requiredKeys: [] },
  )
  .map((one) => one as GeneratedRule);

const custom: fc.Arbitrary<GeneratedPolicy> = fc
  .tuple(
    scope.namespace,
    fc.option(labels, { nil: undefined, freq: 1 }),
    pick("opa", "opa", "opa", "opa", "opa", "oauth"),
    fc.array(customRule, { minLength: 1, maxLength: 2 }),
  )
  .map(([namespace, matchLabels, provider, rules]) => ({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy" as const,
    metadata: { name: "", namespace },
    spec: {
      ...(matchLabels !== undefined && { selector: { matchLabels } }),
      action: "CUSTOM" as const,
      provider: { name: provider },
      rules,
    },
  }));

/** The same with policies beside that ask a provider. */
export const customSetting: fc.Arbitrary<Setting> = fc
  .tuple(setting, fc.array(custom, { minLength: 1, maxLength: 3 }))
  .map(([rest, some]) => ({
    ...rest,
    policies: [...rest.policies, ...some.map((one, i) => ({ ...one, metadata: { ...one.metadata, name: `c${i}` } }))],
  }));

export const request: fc.Arbitrary<GeneratedRequest> = fc.record({
  port: pick(8080, 8080, 8080, 9000, 7070),
  identity: pick("web", "cart", "job", "old", "odd", undefined, undefined),
  method: pick("GET", "GET", "POST", "PUT", "DELETE"),
  path: pick(
    "/",
    "/info",
    "/info/",
    "/info/1",
    "/info/1/details",
    "/info//details",
    "/info/1/2/details",
    "/information",
    "/data",
    "/data?full=1",
    "/Info",
    "/admin/../info",
    "/./info",
    "/%69nfo",
    "/info/%2e%2e/data",
    "/info/a%2Fb",
    "/info\\1",
    "/info/~a!$&'()+,;:@=.b_c-d",
    "/info/{1}",
    "/x/1/y/z",
    "/x/1/",
    "//info",
    "/info/..",
    "/data%2f..%5Cinfo",
  ),
  host: pick(
    "orders",
    "orders:8080",
    "ORDERS",
    "orders.shop.svc.cluster.local",
    "www.example.com",
    "www.Example.com:8080",
  ),
  headers: fc.record({ "x-team": pick("red", "blue"), "user-agent": pick("curl/8", "other") }, { requiredKeys: [] }),
  ip: pick("127.0.0.2", "127.0.0.77", "127.0.1.1", "127.0.1.9"),
  clientIp: pick("10.1.2.3", "10.9.0.4", "203.0.113.7", "198.51.100.9"),
  serverName: pick("orders.shop", "outbound_.8080_._.orders.shop.svc.cluster.local", undefined),
});
