import type { PolicyRequest } from "./request.ts";
import {
  hostTest,
  ipTest,
  namespaceTest,
  pathTest,
  principalTest,
  serviceAccountTest,
  textTest,
  trustDomainTest,
} from "./text-match.ts";
import { type Tristate, unknown } from "./tristate.ts";

/** Whether an attribute of a request is one value that a rule names. */
export type ValueTest = (request: PolicyRequest) => Tristate;

/** An attribute that rules can ask about. */
export interface Attribute {
  /** Whether only HTTP has it, so that no rule can ask it of a connection. */
  readonly httpOnly: boolean;
  test(value: string, policyNamespace: string): ValueTest;
}

/** The attribute of a key as `when` names it; `undefined` for one that there is not. */
export function attribute(key: string): Attribute | undefined {
  if (Object.hasOwn(ATTRIBUTES, key)) return ATTRIBUTES[key];
  const [, kind, names = ""] =
    /^(request\.headers|request\.auth\.claims|experimental\.[^[]*)((?:\[[^[\]]+\])+)$/.exec(key) ?? [];
  const path = names.slice(1, -1).split("][");
  if (kind === "request.headers") return header(path.join("]["));
  if (kind === "request.auth.claims") return claims(path, key);
  return kind === undefined ? undefined : { httpOnly: false, test: () => () => unknown(key) };
}

/** An attribute that is text in the request: unknown where it is left out, and no match where there is none. */
function textual(
  name: string,
  httpOnly: boolean,
  read: (request: PolicyRequest) => string | null | undefined,
  testOf: (value: string) => (text: string) => boolean,
): Attribute {
  return {
    httpOnly,
    test: (value) => {
      const test = testOf(value);
      return (request) => {
        const text = read(request);
        return text === undefined ? unknown(name) : text !== null && test(text);
      };
    },
  };
}

/** An attribute of the identity in the caller's certificate: whoever has none matches nothing. */
function identity(
  testOf: (value: string, policyNamespace: string) => (uri: string) => boolean,
  name = "source.principal",
): Attribute {
  return {
    httpOnly: false,
    test: (value, policyNamespace) => {
      const test = testOf(value, policyNamespace);
      return (request) => {
        const uri = identityOf(request);
        return uri === undefined ? unknown(name) : uri !== null && test(uri);
      };
    },
  };
}

/** The caller's identity as its certificate has it; `null` for none. */
export function identityOf({ security, source }: PolicyRequest): string | null | undefined {
  const { principal } = source ?? {};
  if (security === "none" || principal === null) return null;
  return principal === undefined || principal.startsWith("spiffe://") ? principal : `spiffe://${principal}`;
}

/** A namespace is known by its identity, and where that is not, by where the caller runs: both are the same. */
const namespaced: Attribute = {
  httpOnly: false,
  test: (value) => {
    const test = namespaceTest(value);
    return (request) => {
      const uri = identityOf(request);
      if (uri !== undefined) return uri !== null && test(uri);
      const { namespace } = request.source ?? {};
      if (namespace === undefined) return unknown("source.namespace");
      const holds = test(`spiffe://domain/ns/${namespace}/sa/account`);
      return request.security === "mutual_tls" || !holds ? holds : unknown("source.principal");
    };
  },
};

const header = (name: string): Attribute => {
  const key = name.toLowerCase();
  return textual(`request.headers[${name}]`, true, (request) => headerOf(request, key), textTest);
};

function headerOf({ headers, method, path, host }: PolicyRequest, name: string): string | null | undefined {
  if (headers !== undefined && Object.hasOwn(headers, name)) return headers[name];
  return { ":method": method, ":path": path, ":authority": host, host }[name];
}

/** A claim of the request's token, of which a list holds every member. */
function claims(path: readonly string[], key: string): Attribute {
  return {
    httpOnly: true,
    test: (value) => {
      const test = textTest(value);
      return ({ claims: given }) => {
        if (given === undefined) return unknown(key);
        let claim: unknown = given;
        for (const name of path)
          claim = typeof claim === "object" && claim !== null ? (claim as Record<string, unknown>)[name] : undefined;
        return textsOf(claim).some(test);
      };
    },
  };
}

const textsOf = (claim: unknown): readonly string[] =>
  (Array.isArray(claim) ? claim : [claim]).filter((one): one is string => typeof one === "string");

/**
 * `"issuer/subject"`, of which either may be a wildcard.
 *
 * @see Istio, requestPrincipalGenerator in pilot/pkg/security/authz/model/generator.go
 */
const requestPrincipal: Attribute = {
  httpOnly: true,
  test: (value) => {
    const [issuer, subject] = requestPrincipalTests(value);
    return ({ claims: given }) => {
      if (given === undefined) return unknown("request.auth.principal");
      const { iss, sub } = given ?? {};
      return typeof iss === "string" && typeof sub === "string" && issuer(iss) && subject(sub);
    };
  },
};

type PairOfTests = readonly [issuer: (text: string) => boolean, subject: (text: string) => boolean];

function requestPrincipalTests(value: string): PairOfTests {
  const present = textTest("*");
  const slash = value.lastIndexOf("/");
  const [issuer, subject] = slash === -1 ? [value, ""] : [value.slice(0, slash), value.slice(slash + 1)];
  const exact = (wanted: string) => (text: string) => text === wanted;
  if (value === "*") return [present, present];
  if (value.startsWith("*")) {
    if (slash === -1) return [present, (text) => text.endsWith(value.slice(1))];
    return [issuer === "*" ? present : (text) => text.endsWith(issuer.slice(1)), exact(subject)];
  }
  if (value.endsWith("*")) {
    if (slash === -1) return [(text) => text.startsWith(value.slice(0, -1)), present];
    return [exact(issuer), subject === "*" ? present : (text) => text.startsWith(subject.slice(0, -1))];
  }
  return [exact(issuer), exact(subject)];
}

/** The names under which a rule's fields ask for attributes of no key. */
export const METHOD = "method";
export const PATH = "path";
export const HOST = "host";

const ATTRIBUTES: Readonly<Record<string, Attribute>> = {
  "source.ip": textual("source.ip", false, ({ source }) => source?.ip, ipTest),
  "remote.ip": textual("remote.ip", false, ({ source }) => source?.remoteIp, ipTest),
  "source.namespace": namespaced,
  "source.principal": identity(principalTest),
  "source.serviceAccount": identity(serviceAccountTest),
  "source.trustDomain": identity(trustDomainTest),
  "request.auth.principal": requestPrincipal,
  "request.auth.audiences": claims(["aud"], "request.auth.audiences"),
  "request.auth.presenter": claims(["azp"], "request.auth.presenter"),
  "destination.ip": textual("destination.ip", false, ({ destination }) => destination.ip, ipTest),
  "destination.port": textual("destination.port", false, portOf, (value) => (text) => Number(value) === Number(text)),
  "connection.sni": textual("connection.sni", false, ({ serverName }) => serverName, textTest),
  [METHOD]: textual("method", true, methodOf, textTest),
  [PATH]: textual("path", true, ({ path }) => path, pathTest),
  [HOST]: textual("host", true, ({ host }) => host, hostTest),
};

function portOf({ destination: { port } }: PolicyRequest): string | undefined {
  return port === undefined ? undefined : String(port);
}

/** gRPC has one method. */
function methodOf({ method, protocol }: PolicyRequest): string | undefined {
  return method ?? (protocol === "grpc" ? "POST" : undefined);
}
