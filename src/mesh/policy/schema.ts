import * as z from "zod/mini";
import { nearest } from "../../promql/nearest.ts";
import { shown } from "../../time.ts";
import type { ResourceKind } from "./resource.ts";

/** An object with these fields only: an unknown one would be ignored, and a rule with a slip in it holds for everyone. */
function strict<Shape extends z.core.$ZodShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== "unrecognized_keys") return `is ${shown(issue.input)}; write a mapping`;
      const known = Object.keys(shape);
      const meant = nearest(issue.keys[0] ?? "", known);
      return `is not known; ${meant === undefined ? `there are ${known.join(", ")}` : `did you mean ${meant}?`}`;
    },
  });
}

const loose = <Shape extends z.core.$ZodShape>(shape: Shape) =>
  z.looseObject(shape, { error: ({ input }) => `is ${shown(input)}; write a mapping` });

const text = z.string({
  error: ({ input }) =>
    typeof input === "number" || typeof input === "boolean"
      ? `is the ${typeof input} ${input}; Istio takes text here: write ${JSON.stringify(String(input))} in quotes`
      : `is ${shown(input)}; write text`,
});
const list = <Item extends z.core.SomeType>(item: Item) =>
  z.array(item, { error: ({ input }) => `is ${shown(input)}; write a list` });
const byName = <Value extends z.core.SomeType>(value: Value) =>
  z.record(z.string(), value, { error: ({ input }) => `is ${shown(input)}; write a mapping` });
const oneOf = <const Values extends readonly string[]>(values: Values) =>
  z.enum(values, { error: ({ input }) => `is ${shown(input)}; there are ${values.join(", ")}` });
const port = z
  .int({ error: ({ input }) => `is ${shown(input)}; write a port as a number` })
  .check(z.minimum(1, "is below 1"), z.maximum(65_535, "is above 65535"));
const flag = z.boolean({ error: ({ input }) => `is ${shown(input)}; write true or false` });

const texts = z.optional(list(text));
const labels = z.optional(byName(text));

const selector = z.optional(strict({ matchLabels: labels }));
const targetRef = strict({
  group: z.optional(text),
  kind: text,
  name: text,
  namespace: z.optional(text),
});
const attachment = { selector, targetRef: z.optional(targetRef), targetRefs: z.optional(list(targetRef)) };

const source = strict({
  principals: texts,
  notPrincipals: texts,
  requestPrincipals: texts,
  notRequestPrincipals: texts,
  namespaces: texts,
  notNamespaces: texts,
  serviceAccounts: texts,
  notServiceAccounts: texts,
  trustDomains: texts,
  notTrustDomains: texts,
  ipBlocks: texts,
  notIpBlocks: texts,
  remoteIpBlocks: texts,
  notRemoteIpBlocks: texts,
});
const operation = strict({
  hosts: texts,
  notHosts: texts,
  ports: texts,
  notPorts: texts,
  methods: texts,
  notMethods: texts,
  paths: texts,
  notPaths: texts,
});
const rule = strict({
  from: z.optional(list(strict({ source }))),
  to: z.optional(list(strict({ operation }))),
  when: z.optional(list(strict({ key: text, values: texts, notValues: texts }))),
});
const authorization = strict({
  ...attachment,
  action: z.optional(oneOf(["ALLOW", "AUDIT", "CUSTOM", "DENY"])),
  provider: z.optional(strict({ name: text })),
  rules: z.optional(list(rule)),
});

const mutualTls = strict({ mode: z.optional(oneOf(["DISABLE", "PERMISSIVE", "STRICT", "UNSET"])) });
const peerAuthentication = strict({
  selector,
  mtls: z.optional(mutualTls),
  portLevelMtls: z.optional(byName(mutualTls)),
});

const requestAuthentication = strict({
  ...attachment,
  jwtRules: z.optional(list(loose({ issuer: z.optional(text) }))),
});

const stringMatch = strict({ exact: z.optional(text), prefix: z.optional(text), regex: z.optional(text) });
const matches = z.optional(byName(stringMatch));
const httpMatch = strict({
  name: z.optional(text),
  uri: z.optional(stringMatch),
  scheme: z.optional(stringMatch),
  method: z.optional(stringMatch),
  authority: z.optional(stringMatch),
  headers: matches,
  withoutHeaders: matches,
  queryParams: matches,
  ignoreUriCase: z.optional(flag),
  port: z.optional(port),
  sourceLabels: labels,
  sourceNamespace: z.optional(text),
  gateways: texts,
  statPrefix: z.optional(text),
});
const virtualService = strict({
  hosts: texts,
  gateways: texts,
  http: z.optional(list(loose({ name: z.optional(text), match: z.optional(list(httpMatch)) }))),
  tls: z.optional(list(loose({}))),
  tcp: z.optional(list(loose({}))),
  exportTo: texts,
});

const gateway = strict({
  selector: labels,
  servers: z.optional(
    list(
      loose({
        name: z.optional(text),
        port: loose({ number: port, protocol: text, name: z.optional(text) }),
        hosts: list(text),
      }),
    ),
  ),
});

const SECURITY = ["security.istio.io/v1", "security.istio.io/v1beta1"] as const;
const NETWORKING = ["networking.istio.io/v1", "networking.istio.io/v1beta1", "networking.istio.io/v1alpha3"] as const;

/** How each kind is written: the versions of its API, and the form of its `spec`. */
export const KINDS = {
  AuthorizationPolicy: { versions: SECURITY, spec: authorization },
  PeerAuthentication: { versions: SECURITY, spec: peerAuthentication },
  RequestAuthentication: { versions: SECURITY, spec: requestAuthentication },
  VirtualService: { versions: NETWORKING, spec: virtualService },
  Gateway: { versions: NETWORKING, spec: gateway },
} as const satisfies Record<ResourceKind, { readonly versions: readonly string[]; readonly spec: z.core.$ZodType }>;

/** What every resource says of itself; the server's own fields are let through. */
export const METADATA = loose({
  name: text,
  namespace: z.optional(text),
  annotations: labels,
  creationTimestamp: z.optional(z.union([text, z.instanceof(Date)])),
});
