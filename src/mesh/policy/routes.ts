import { compileRe2, PatternFault } from "../../promql/engine/re2.ts";
import type { ObservedCalls } from "./observed-calls.ts";
import type { AnyResource, HttpMatch, ResourceName, StringMatch, VirtualService } from "./resource.ts";
import { and, or, type Tristate, unknown } from "./tristate.ts";

/** One HTTP route of a VirtualService, and what traffic made of it. */
export interface RouteUse {
  readonly virtualService: ResourceName;
  /** The route's name, or its place from 0. */
  readonly route: string;
  /** Requests to the service's hosts that it takes: it matches, and none before it does. */
  readonly requests: number;
  /** Requests of which it cannot be told, as they depend on headers or labels that no line shows. */
  readonly untold: number;
  /** The route before it that takes all that it could. */
  readonly shadowedBy: string | undefined;
}

/** Requests for which nothing is declared. */
export interface Undeclared {
  readonly host: string;
  readonly path: string | undefined;
  readonly requests: number;
  /** `host`: no server of the gateways has it. `route`: its VirtualService has no route for the path. */
  readonly missing: "host" | "route";
  readonly resource: ResourceName | undefined;
}

/** Routes and gateways as declared, against what was observed. */
export interface RouteCheck {
  readonly routes: readonly RouteUse[];
  /** Hosts of VirtualServices and Gateways that nobody asked for. */
  readonly unusedHosts: readonly { readonly resource: ResourceName; readonly host: string }[];
  readonly undeclared: readonly Undeclared[];
}

/** What is declared, against the calls of access logs as their callers' proxies and gateways saw them. */
export function checkRoutes(resources: readonly AnyResource[], calls: readonly ObservedCalls[]): RouteCheck {
  const services = resources.filter((one) => one.kind === "VirtualService");
  const gateways = resources.filter((one) => one.kind === "Gateway");
  const http = calls.filter(({ protocol, host }) => protocol !== "tcp" && host !== undefined);
  const asked = new Set<string>();
  const undeclared = new Map<string, Undeclared>();
  const note = (call: ObservedCalls, missing: Undeclared["missing"], resource: ResourceName | undefined) => {
    const { host = "", path } = call;
    const key = JSON.stringify([missing, host, path, resource]);
    const requests = call.lines + (undeclared.get(key)?.requests ?? 0);
    undeclared.set(key, Object.freeze({ host, path, requests, missing, resource: resource && named(resource) }));
  };
  const taken = new Map<VirtualService, { requests: number; untold: number }[]>();
  for (const service of services)
    taken.set(
      service,
      (service.spec.http ?? []).map(() => ({ requests: 0, untold: 0 })),
    );

  for (const call of http) {
    const own = services.filter(
      (one) => appliesTo(one, call) && hostsOf(one).some((host) => isHost(host, call, one.namespace)),
    );
    for (const service of own) {
      for (const host of hostsOf(service)) if (isHost(host, call, service.namespace)) asked.add(hostKey(service, host));
      if (!take(service, call, taken.get(service) ?? [])) note(call, "route", service);
    }
    if (call.seenBy === "gateway" && gateways.length > 0) {
      const serving = gateways.filter((one) => serverHosts(one).some((host) => isHost(host, call, one.namespace)));
      for (const one of serving)
        for (const host of serverHosts(one)) if (isHost(host, call, one.namespace)) asked.add(hostKey(one, host));
      if (serving.length === 0) note(call, "host", undefined);
    }
  }

  const declared = [
    ...services.map((one) => [one, hostsOf(one)] as const),
    ...gateways.map((one) => [one, serverHosts(one)] as const),
  ];
  return Object.freeze({
    routes: services.flatMap((service) => usesOf(service, taken.get(service) ?? [])),
    unusedHosts: declared.flatMap(([resource, hosts]) =>
      hosts.filter((host) => !asked.has(hostKey(resource, host))).map((host) => ({ resource: named(resource), host })),
    ),
    undeclared: [...undeclared.values()].sort((a, b) => b.requests - a.requests),
  });
}

const named = ({ kind, name, namespace }: ResourceName): ResourceName => Object.freeze({ kind, name, namespace });
const hostKey = (resource: ResourceName, host: string): string =>
  JSON.stringify([resource.kind, resource.name, resource.namespace, host]);
const hostsOf = ({ spec }: VirtualService): readonly string[] => spec.hosts ?? [];
const serverHosts = ({ spec }: Extract<AnyResource, { kind: "Gateway" }>): readonly string[] =>
  (spec.servers ?? []).flatMap(({ hosts }) => hosts.map((host) => host.slice(host.indexOf("/") + 1)));

/** A VirtualService without gateways is for the sidecars, which its `mesh` stands for. */
function appliesTo({ spec: { gateways = ["mesh"] } }: VirtualService, { seenBy }: ObservedCalls): boolean {
  return seenBy === "gateway" ? gateways.some((one) => one !== "mesh") : gateways.includes("mesh");
}

/** Whether a call asked for a host: by its name, a short name of the cluster's DNS, or a wildcard in its first part. */
function isHost(declared: string, { host = "", seenBy }: ObservedCalls, namespace: string): boolean {
  const asked = host.toLowerCase().replace(/:\d+$/, "");
  const wanted = declared.toLowerCase();
  if (wanted === "*" || wanted === asked) return true;
  if (wanted.startsWith("*")) return asked.endsWith(wanted.slice(1));
  if (seenBy === "gateway") return false;
  const full = (name: string) => {
    const [service, own = namespace, svc, ...rest] = name.split(".");
    return svc === undefined || (svc === "svc" && (rest.length === 0 || rest.join(".") === "cluster.local"))
      ? `${service}.${own}`
      : name;
  };
  return full(wanted) === full(asked);
}

/** Gives the call to the first route that takes it; false where none does, as far as can be told. */
function take({ spec }: VirtualService, call: ObservedCalls, counts: { requests: number; untold: number }[]): boolean {
  const { http } = spec;
  if (http === undefined) return true;
  let isUntold = false;
  for (const [i, route] of http.entries()) {
    const matches =
      route.match === undefined || route.match.length === 0
        ? true
        : or(route.match.map((one) => matchesHttp(one, call)));
    const count = counts[i];
    if (matches === false || count === undefined) continue;
    if (matches !== true || isUntold) {
      isUntold = true;
      count.untold += call.lines;
      if (matches === true) return true;
      continue;
    }
    count.requests += call.lines;
    return true;
  }
  return isUntold;
}

function matchesHttp(match: HttpMatch, call: ObservedCalls): Tristate {
  const { uri, method, authority, ignoreUriCase = false } = match;
  const rest = ["headers", "withoutHeaders", "queryParams", "sourceLabels", "scheme", "gateways"] as const;
  return and([
    text(uri, "path", call.path, ignoreUriCase),
    text(method, "method", call.method),
    text(authority, "host", call.host),
    match.sourceNamespace === undefined || match.sourceNamespace === (call.source.namespace ?? match.sourceNamespace),
    ...rest.filter((key) => match[key] !== undefined).map((key) => unknown(key)),
  ]);
}

function text(match: StringMatch | undefined, name: string, value: string | undefined, ignoreCase = false): Tristate {
  if (match === undefined) return true;
  if (value === undefined) return unknown(name);
  const cased = (one: string) => (ignoreCase ? one.toLowerCase() : one);
  if (match.exact !== undefined) return cased(value) === cased(match.exact);
  if (match.prefix !== undefined) return cased(value).startsWith(cased(match.prefix));
  return match.regex === undefined ? true : matchesRe2(match.regex, value);
}

function matchesRe2(pattern: string, value: string): Tristate {
  try {
    return compileRe2(pattern).regexp.test(value);
  } catch (error) {
    if (error instanceof PatternFault) return unknown(`the pattern ${pattern}`);
    throw error;
  }
}

function usesOf(service: VirtualService, counts: readonly { requests: number; untold: number }[]): RouteUse[] {
  const routes = service.spec.http ?? [];
  const nameOf = (i: number) => routes[i]?.name ?? String(i);
  return routes.map((_, i) => {
    const { requests = 0, untold = 0 } = counts[i] ?? {};
    const before = routes.slice(0, i).findIndex((one) => shadows(one.match, routes[i]?.match));
    return Object.freeze({
      virtualService: named(service),
      route: nameOf(i),
      requests,
      untold,
      shadowedBy: before === -1 ? undefined : nameOf(before),
    });
  });
}

/** Whether whatever a route could match is matched by one before it, as far as paths alone say. */
function shadows(before: readonly HttpMatch[] | undefined, after: readonly HttpMatch[] | undefined): boolean {
  if (before === undefined || before.length === 0) return true;
  if (after === undefined || after.length === 0) return false;
  return after.every((one) => before.some((other) => covers(other, one)));
}

/** Whether one asks for nothing but a path, and for no narrower one. */
function covers({ uri, name: _, statPrefix: __, ignoreUriCase, ...others }: HttpMatch, narrow: HttpMatch): boolean {
  if (Object.values(others).some((value) => value !== undefined) || ignoreUriCase === true) return false;
  if (uri === undefined) return true;
  const { exact, prefix = exact } = narrow.uri ?? {};
  if (prefix === undefined || narrow.ignoreUriCase === true) return false;
  return uri.prefix === undefined ? uri.exact !== undefined && uri.exact === exact : prefix.startsWith(uri.prefix);
}
