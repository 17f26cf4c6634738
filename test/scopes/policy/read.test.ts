import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { createMesh, QueryError } from "../../../src/index.ts";

const mesh = createMesh();
const directory = mkdtempSync(path.join(tmpdir(), "meshquery-policies-"));
afterAll(() => rmSync(directory, { recursive: true }));

const DENY = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: deny-admin, namespace: shop }
spec:
  action: DENY
  rules:
  - to: [{ operation: { paths: ["/admin*"] } }]
`;
const STRICT = `
apiVersion: security.istio.io/v1beta1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
`;

const names = (policies: { readonly resources: readonly { kind: string; name: string; namespace: string }[] }) =>
  policies.resources.map(({ kind, name, namespace }) => `${kind} ${name}.${namespace}`);

describe("policies are read", () => {
  const both = ["AuthorizationPolicy deny-admin.shop", "PeerAuthentication default.istio-system"];

  it("from YAML with several documents, empty ones among them", () => {
    const policies = mesh.policies(`${DENY}---\n# nothing\n---${STRICT}`);
    expect(names(policies)).toEqual(both);
    expect(policies.resources.map(({ origin }) => origin)).toEqual(["document 1", "document 3"]);
  });

  it("from objects and texts, in one list", () => {
    const strict = {
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: { name: "default", namespace: "istio-system", uid: "1", managedFields: [] },
      spec: { mtls: { mode: "STRICT" } },
      status: {},
    };
    expect(names(mesh.policies([DENY, strict]))).toEqual(both);
    expect(names(mesh.policies(strict))).toEqual(both.slice(1));
  });

  it("from files, by path and URL, named as they were given", () => {
    const file = path.join(directory, "deny.yaml");
    const other = path.join(directory, "strict.json");
    writeFileSync(file, DENY);
    writeFileSync(other, JSON.stringify(mesh.policies(STRICT).resources.map(toObject)[0]));
    const policies = mesh.policies({ files: [file, pathToFileURL(other)] });
    expect(names(policies)).toEqual(both);
    expect(policies.resources.map(({ origin }) => origin)).toEqual([file, other]);
    expect(names(mesh.policies({ files: file }))).toEqual(both.slice(0, 1));
  });

  it("from what kubectl gives for several", () => {
    const list = { apiVersion: "v1", kind: "List", items: [toObject(mesh.policies(STRICT).resources[0])] };
    const { resources } = mesh.policies(JSON.stringify(list));
    expect(resources.map(({ origin }) => origin)).toEqual(["document 1, items[0]"]);
  });

  it("with what is left out as Kubernetes has it", () => {
    const { resources } = mesh.policies(
      "{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: a}, spec: {selector: null}}",
      { namespace: "shop" },
    );
    expect(resources).toMatchObject([{ name: "a", namespace: "shop", spec: {}, createdMs: undefined }]);
    expect(mesh.policies("").resources).toEqual([]);
  });

  it.each([
    [
      "networking.istio.io/v1alpha3",
      "VirtualService",
      "{ hosts: [a], http: [{ match: [{ uri: { prefix: / } }], route: [] }] }",
    ],
    [
      "networking.istio.io/v1beta1",
      "Gateway",
      "{ servers: [{ port: { number: 80, protocol: HTTP, name: http }, hosts: ['*'] }] }",
    ],
    ["networking.istio.io/v1", "Gateway", "{ selector: { istio: ingressgateway } }"],
    ["security.istio.io/v1beta1", "RequestAuthentication", "{ jwtRules: [{ issuer: a, jwksUri: 'https://a' }] }"],
    ["security.istio.io/v1", "AuthorizationPolicy", "{ targetRefs: [{ kind: Service, name: a, group: '' }] }"],
  ])("of %s: %s", (apiVersion, kind, spec) => {
    const policies = mesh.policies(
      `{ apiVersion: ${apiVersion}, kind: ${kind}, metadata: { name: a }, spec: ${spec} }`,
    );
    expect(names(policies)).toEqual([`${kind} a.default`]);
  });

  it("and what is of other kinds is told", () => {
    const service = "{ apiVersion: v1, kind: Service, metadata: { name: web } }";
    const gateway = "{ apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: { name: edge } }";
    expect(mesh.policies(`${service}\n---\n${gateway}`)).toMatchObject({
      resources: [],
      ignored: [
        { kind: "Service", name: "web", origin: "document 1" },
        { kind: "Gateway", name: "edge", origin: "document 2" },
      ],
    });
  });
});

const toObject = (resource: unknown) => {
  const { kind, name, namespace, spec } = resource as { kind: string; name: string; namespace: string; spec: unknown };
  return { apiVersion: "security.istio.io/v1", kind, metadata: { name, namespace }, spec };
};

const authorization = (spec: string) =>
  `{ apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: { name: a, namespace: shop }, spec: ${spec} }`;
const rule = (rule: string) => authorization(`{ rules: [${rule}] }`);
const AT = "policies: document 1, AuthorizationPolicy a.shop: ";

describe("a policy is refused, with the place of every fault:", () => {
  it.each([
    ["a slip in a field", rule("{ form: [] }"), `${AT}spec.rules[0].form is not known; did you mean from?`],
    [
      "a field that there is not",
      rule("{ from: [{ source: { users: [a] } }] }"),
      `${AT}spec.rules[0].from[0].source.users is not known; there are principals, `,
    ],
    [
      "a number for a port",
      rule("{ to: [{ operation: { ports: [8080] } }] }"),
      `${AT}spec.rules[0].to[0].operation.ports[0] is the number 8080; Istio takes text here: write "8080" in quotes`,
    ],
    ["a port that is none", rule("{ to: [{ operation: { ports: ['http'] } }] }"), 'ports[0] is "http", and no port'],
    ["a text for a list", rule("{ to: [{ operation: { paths: /a } }] }"), 'operation.paths is "/a"; write a list'],
    [
      "an action that there is not",
      authorization("{ action: deny }"),
      'spec.action is "deny"; there are ALLOW, AUDIT,',
    ],
    ["an empty value", rule("{ to: [{ operation: { paths: [''] } }] }"), "paths[0] is empty; write a value"],
    ["an empty source", rule("{ from: [{ source: {} }] }"), "rules[0].from[0].source is empty; it must name something"],
    ["an empty list of sources", rule("{ from: [] }"), "rules[0].from is empty; leave it out to mean everyone"],
    ["a rule that is null", authorization("{ rules: [null] }"), "spec.rules[0] is null; write a mapping"],
    [
      "a bad address",
      rule("{ from: [{ source: { ipBlocks: ['10.0.0.0/33'] } }] }"),
      'ipBlocks[0] is "10.0.0.0/33"; write',
    ],
    [
      "a bad account",
      rule("{ from: [{ source: { serviceAccounts: ['a/b/c'] } }] }"),
      'serviceAccounts[0] is "a/b/c"; write',
    ],
    [
      "accounts beside principals",
      rule("{ from: [{ source: { serviceAccounts: [a], principals: ['*'] } }] }"),
      "source has serviceAccounts beside principals or namespaces",
    ],
    ["a bad template", rule("{ to: [{ operation: { paths: ['/{**}/a/{*}'] } }] }"), "{**} must be the last operator"],
    ["half a template", rule("{ to: [{ operation: { paths: ['/a{*}'] } }] }"), "each as a whole segment"],
    [
      "a wildcard in a template",
      rule("{ to: [{ operation: { paths: ['/*/{*}'] } }] }"),
      'the segment "*" has characters',
    ],
    [
      "an unknown condition",
      rule("{ when: [{ key: source.user, values: [a] }] }"),
      'when[0].key is "source.user"; there are',
    ],
    ["a condition without values", rule("{ when: [{ key: source.ip }] }"), "has neither values nor notValues"],
    [
      "DENY without rules",
      authorization("{ action: DENY }"),
      "spec.rules is missing: a DENY policy without rules never acts",
    ],
    ["CUSTOM without provider", authorization("{ action: CUSTOM, rules: [{}] }"), "spec.provider is missing"],
    [
      "CUSTOM with an identity",
      authorization("{ action: CUSTOM, provider: { name: x }, rules: [{ from: [{ source: { principals: [a] } }] }] }"),
      "rules[0].from[0].source.principals is not supported with action CUSTOM",
    ],
    [
      "a provider without CUSTOM",
      authorization("{ provider: { name: x } }"),
      "spec.provider goes with action CUSTOM, not with ALLOW",
    ],
    [
      "selector beside targetRefs",
      authorization("{ selector: {}, targetRefs: [{ kind: Gateway, name: g }] }"),
      "spec has a selector and targetRefs",
    ],
    [
      "a wildcard in a selector",
      authorization('{ selector: { matchLabels: { app: "a*" } } }'),
      "a selector takes none",
    ],
    [
      "ports of a whole namespace",
      "{ apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: { name: a }, spec: { portLevelMtls: { 80: { mode: STRICT } } } }",
      "PeerAuthentication a.default: spec.portLevelMtls needs a selector",
    ],
    [
      "a version that there is not",
      "{ apiVersion: security.istio.io/v1alpha1, kind: PeerAuthentication, metadata: { name: a } }",
      'apiVersion is "security.istio.io/v1alpha1"; there are security.istio.io/v1, security.istio.io/v1beta1',
    ],
    [
      "no name",
      "{ apiVersion: security.istio.io/v1, kind: PeerAuthentication }",
      "PeerAuthentication: metadata is undefined",
    ],
    ["spec one level too high", rule("{}").replace("spec:", "specs:"), "specs is not known; a resource has"],
    ["no kind", "{ apiVersion: v1 }", "document 1: has no kind; write both as text; a file is named by { files }"],
    ["a text", '"hello"', 'document 1: is "hello", and no resource'],
    ["broken YAML", "a: [1", "document 1: is no YAML: "],
    ["a key that is given twice", "{ a: 1, a: 2 }", "document 1: is no YAML: Map keys must be unique"],
    [
      "the same policy twice",
      `${rule("{}")}\n---\n${rule("{}")}`,
      "document 2: AuthorizationPolicy a.shop was given before",
    ],
  ])("%s", (_, yaml, message) => {
    const refused = () => mesh.policies(yaml);
    expect(refused).toThrow(QueryError);
    expect(refused).toThrow(message);
    expect(refused).toThrow(expect.objectContaining({ code: "policy" }));
  });

  it("all of them at once", () => {
    const yaml = `${rule("{ form: [] }")}\n---\n${rule("{ to: [{ operation: { ports: [80, 'x'] } }] }")}`;
    expect(() => mesh.policies(yaml)).toThrow(/document 1, .*form.*\n {2}document 2, .*ports\[0\]/);
  });

  it("a name of a file that is given as YAML, and a file that is not there", () => {
    expect(() => mesh.policies("policies.yaml")).toThrow('write { files: "policies.yaml" }');
    expect(() => mesh.policies({ files: path.join(directory, "none.yaml") })).toThrow(
      /none\.yaml" cannot be read: ENOENT: no such file or directory$/,
    );
  });

  it("aliases that grow without bound", () => {
    const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]`).join("\n");
    expect(() => mesh.policies(`l0: &l0 [x]\n${levels}`)).toThrow("aliases that cannot be resolved");
  });

  it("and so is an option that is none", () => {
    expect(() => mesh.policies("", { rootNamspace: "x" } as object)).toThrow('there is no option "rootNamspace"');
    expect(() => mesh.policies("", { rootNamespace: "" })).toThrow("rootNamespace is");
    expect(() => mesh.policies("", { trustDomainAliases: "x" } as object)).toThrow("trustDomainAliases is a list");
    expect(() => mesh.policies("", { extensionProviders: "opa" } as object)).toThrow("extensionProviders is a list");
    expect(() => mesh.policies("", { pathNormalization: "ALL" } as object)).toThrow("pathNormalization is");
  });
});

describe("what is most likely not meant is warned of:", () => {
  it.each([
    [
      "a scheme before a principal",
      "{ from: [{ source: { principals: ['spiffe://cluster.local/ns/a/sa/b'] } }] }",
      "never matches",
    ],
    ["a wildcard within a text", "{ to: [{ operation: { paths: ['/a*b'] } }] }", 'a "*" within a text is no wildcard'],
    ["a method in small letters", "{ to: [{ operation: { methods: [get] } }] }", "methods are written in capitals"],
    ["a path without a slash", "{ to: [{ operation: { paths: [admin] } }] }", 'every path begins with "/"'],
    [
      "tokens that nobody looks for",
      "{ from: [{ source: { requestPrincipals: ['*'] } }] }",
      "no RequestAuthentication",
    ],
  ])("%s", (_, text, warning) => {
    const { warnings } = mesh.policies(rule(text));
    expect(warnings).toEqual([expect.stringContaining(warning)]);
  });

  it("a DENY that turns all connections away", () => {
    const spec = "{ action: DENY, rules: [{ to: [{ operation: { methods: [POST] } }] }] }";
    expect(mesh.policies(authorization(spec)).warnings).toEqual([expect.stringContaining("denies all TCP traffic")]);
    expect(mesh.policies(authorization(spec.replace("[POST]", "[POST], ports: ['80']"))).warnings).toEqual([]);
  });

  it("a selector that Istio does not look at", () => {
    const { warnings } = mesh.policies(STRICT.replace("spec: {", "spec: { selector: { matchLabels: { app: a } },"));
    expect(warnings).toEqual([expect.stringContaining("has a selector in the root namespace")]);
  });
});
