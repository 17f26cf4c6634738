import * as z from "zod/mini";
import { QueryError } from "../errors.ts";
import { parseConfig, strictConfig } from "../http/config.ts";
import { durationMs, type Instant, instantMs } from "../time.ts";
import type {
  SimulatedCall,
  SimulatedFlow,
  SimulatedIncident,
  SimulatedLatency,
  SimulatedMeshOptions,
  SimulatedService,
} from "./options.ts";
import { SHOP } from "./shop.ts";
import type { Recurrence } from "./timeline.ts";

/** What was declared, checked, with a value for everything that was left out. */
export interface Declaration {
  readonly seed: number;
  readonly startMs: number;
  readonly now: () => number;
  readonly rhythm: "daily" | "steady";
  readonly scrapeIntervalMs: number;
  readonly sampling: number;
  readonly trustDomain: string;
  readonly services: Readonly<Record<string, DeclaredService>>;
  readonly clients: Readonly<Record<string, DeclaredClient>>;
  readonly flows: readonly SimulatedFlow[];
  readonly incidents: readonly DeclaredIncident[];
}

export interface DeclaredService {
  readonly namespace: string;
  readonly port: number;
  readonly protocol: "grpc" | "http" | "tcp";
  readonly versions: readonly DeclaredVersion[];
  readonly mtls: "permissive" | "strict";
  readonly proxy: boolean;
  readonly allow: readonly string[] | undefined;
  readonly deny: readonly string[];
  readonly unreachable: boolean;
  readonly account: string;
  readonly responseBytes: number;
}

export interface DeclaredVersion {
  readonly name: string;
  readonly weight: number;
  readonly workload: string;
  readonly latencyMs: SimulatedLatency;
  readonly failures: Readonly<Record<string, number>>;
  readonly logs: "json" | "text";
  readonly cluster: string;
}

export interface DeclaredClient {
  readonly kind: "gateway" | "outside" | "sidecar";
  readonly namespace: string;
  readonly logs: "json" | "text";
  readonly cluster: string;
}

/** An incident and when it is. */
export interface DeclaredIncident {
  readonly incident: SimulatedIncident;
  readonly when: Recurrence;
}

const WHERE = "simulatedMesh";

/** @throws {QueryError} `code: "config"`, `"time"` or `"step"` with the path of what cannot be meant as it stands */
export function declarationOf(options: SimulatedMeshOptions): Declaration {
  const given = parseConfig(OPTIONS, options, WHERE) as SimulatedMeshOptions;
  const isShop = given.services === undefined && given.clients === undefined && given.flows === undefined;
  const mesh = isShop ? { ...SHOP, ...given } : given;
  const { seed = 1, start = "2026-01-01T00:00:00Z", now = Date.now, cluster = "Kubernetes" } = mesh;
  const fixedMs = typeof now === "function" ? undefined : instantMs(now, `${WHERE}: now`);
  const declared: Declaration = {
    seed,
    startMs: Math.floor(instantMs(start, `${WHERE}: start`)),
    now: typeof now === "function" ? now : () => fixedMs ?? 0,
    rhythm: mesh.rhythm ?? "daily",
    scrapeIntervalMs: durationMs(mesh.scrapeInterval ?? "15s", `${WHERE}: scrapeInterval`, "step"),
    sampling: mesh.sampling ?? 0.1,
    trustDomain: mesh.trustDomain ?? "cluster.local",
    services: mapped(mesh.services, (service, name) => serviceOf(name, service, cluster)),
    clients: mapped(mesh.clients, (client) => ({
      kind: client.kind,
      namespace: client.namespace ?? (client.kind === "gateway" ? "istio-system" : "default"),
      logs: client.logs ?? "text",
      cluster: client.cluster ?? cluster,
    })),
    flows: mesh.flows ?? [],
    incidents: (mesh.incidents ?? []).map((incident, i) => ({
      incident,
      when: recurrence(incident, `incidents.${i}`),
    })),
  };
  checkNames(declared);
  return declared;
}

function mapped<A, B>(
  record: Readonly<Record<string, A>> | undefined,
  map: (value: A, name: string) => B,
): Readonly<Record<string, B>> {
  return Object.fromEntries(Object.entries(record ?? {}).map(([name, value]) => [name, map(value, name)]));
}

function serviceOf(name: string, service: SimulatedService, cluster: string): DeclaredService {
  const { latencyMs = { p50: 10, p99: 60 }, failures = {}, logs = "text", versions = { v1: {} } } = service;
  const several = Object.keys(versions).length > 1;
  return {
    namespace: service.namespace ?? "default",
    port: service.port ?? 8080,
    protocol: service.protocol ?? "http",
    versions: Object.entries(versions).map(([version, one]) => ({
      name: version,
      weight: one.weight ?? 1,
      workload: one.workload ?? (several ? `${name}-${version}` : name),
      latencyMs: one.latencyMs ?? latencyMs,
      failures: one.failures ?? failures,
      logs: one.logs ?? logs,
      cluster: one.cluster ?? service.cluster ?? cluster,
    })),
    mtls: service.mtls ?? "strict",
    proxy: service.proxy ?? true,
    allow: service.allow,
    deny: service.deny ?? [],
    unreachable: service.unreachable ?? false,
    account: service.account ?? name,
    responseBytes: service.responseBytes ?? 2_000,
  };
}

function recurrence(incident: SimulatedIncident, path: string): Recurrence {
  if (incident.daily === undefined) {
    const fromMs = instantMs(incident.from, `${WHERE}: ${path}.from`);
    const toMs = instantMs(incident.to, `${WHERE}: ${path}.to`);
    if (fromMs < toMs) return { kind: "once", fromMs, toMs };
    throw new QueryError("config", `${WHERE}: ${path} ends before it begins; swap from and to`);
  }
  const [, hours = "", minutes = ""] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(incident.daily) ?? [];
  if (hours === "") {
    throw new QueryError("config", `${WHERE}: ${path}.daily must be a time of day in UTC, such as "13:20"`);
  }
  const lengthMs = durationMs(incident.for, `${WHERE}: ${path}.for`, "range");
  if (lengthMs >= 86_400_000) throw new QueryError("config", `${WHERE}: ${path}.for must be shorter than a day`);
  return { kind: "daily", offsetMs: (Number(hours) * 60 + Number(minutes)) * 60_000, lengthMs };
}

/** Names must be of something, and of one thing only. */
function checkNames({ services, clients, flows, incidents }: Declaration): void {
  const fail = (path: string, what: string): never => {
    throw new QueryError("config", `${WHERE}: ${path} ${what}`);
  };
  const workloads = new Set<string>(Object.keys(clients));
  for (const [name, { versions }] of Object.entries(services)) {
    for (const { workload } of versions) {
      if (workloads.has(workload)) fail(`services.${name}`, `has a workload "${workload}" that is there already`);
      workloads.add(workload);
    }
  }
  const known = (names: Iterable<string>): string => `there are ${[...names].join(", ")}`;
  const checkService = (name: string, path: string): void => {
    if (!Object.hasOwn(services, name)) fail(path, `is no service of this mesh; ${known(Object.keys(services))}`);
  };
  const checkVersion = (service: string, version: string | undefined, path: string): void => {
    const names = services[service]?.versions.map(({ name }) => name) ?? [];
    if (version !== undefined && !names.includes(version)) fail(path, `is no version of it; ${known(names)}`);
  };
  const checkCall = (call: SimulatedCall, path: string): void => {
    checkService(call.to, `${path}.to`);
    checkVersion(call.to, call.version, `${path}.version`);
    call.calls?.forEach((one, i) => {
      checkCall(one, `${path}.calls.${i}`);
    });
  };
  const checkCaller = (name: string, path: string): void => {
    if (!workloads.has(name)) fail(path, `is no client and no workload of this mesh; ${known(workloads)}`);
  };
  for (const [i, flow] of flows.entries()) {
    checkCaller(flow.from, `flows.${i}.from`);
    checkCall(flow, `flows.${i}`);
  }
  for (const [i, { incident }] of incidents.entries()) {
    if ("service" in incident) checkService(incident.service, `incidents.${i}.service`);
    if ("version" in incident) checkVersion(incident.service, incident.version, `incidents.${i}.version`);
    if ("caller" in incident && incident.caller !== undefined) checkCaller(incident.caller, `incidents.${i}.caller`);
  }
}

const text = z.string("must be text").check(z.minLength(1, "must not be empty"));
/** A name as Kubernetes takes it. */
const name = z
  .string("must be text")
  .check(
    z.regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be a name of Kubernetes: small letters, digits and "-"'),
  );
const PART = { error: "must be a share from 0 to 1" };
const part = z.number(PART).check(z.gte(0, PART), z.lte(1, PART));
const POSITIVE = { error: "must be a number above 0" };
const positive = z.number(POSITIVE).check(z.positive(POSITIVE));
const SIZE = { error: "must be a whole number of bytes" };
const size = z.int(SIZE).check(z.gte(0, SIZE), z.lte(1e9, SIZE));
const PORT = { error: "must be a port, 1 to 65535" };
const LOGS = { error: 'must be "text" or "json"' };
const logs = z.optional(z.enum(["json", "text"], LOGS));
const instant = z.custom<Instant>((value) => value !== undefined, "must be an instant");
const flag = z.optional(z.boolean("must be true or false"));
const latency = z.optional(
  strictConfig({ p50: positive, p99: positive }).check(
    z.refine(({ p50, p99 }) => p99 >= p50, "must have a p99 that is no less than its p50"),
  ),
);
/** An object by keys of one form; a key of another is named with what is wrong with it. */
function keyed<K extends z.core.$ZodRecordKey, V extends z.core.$ZodType>(key: K, value: V, sentence: string) {
  return z.record(key, value, {
    error: (issue) => (issue.code === "invalid_key" ? issue.issues[0]?.message : sentence),
  });
}
const failures = z.optional(
  keyed(z.string().check(z.regex(/^\d{1,3}$/, "must be keyed by status")), part, "must be shares by status").check(
    z.refine((shares) => Object.values(shares).reduce((a, b) => a + b, 0) <= 1, "must be shares of 1 at most"),
  ),
);
const list = z.optional(z.array(text, "must be a list"));
const version = strictConfig({
  weight: z.optional(positive),
  workload: z.optional(name),
  latencyMs: latency,
  failures,
  logs,
  cluster: z.optional(text),
});
const service = strictConfig({
  namespace: z.optional(name),
  port: z.optional(z.int(PORT).check(z.gte(1, PORT), z.lte(65_535, PORT))),
  protocol: z.optional(z.enum(["grpc", "http", "tcp"], { error: 'must be "http", "grpc" or "tcp"' })),
  versions: z.optional(
    keyed(text, version, "must be versions by name").check(
      z.refine((versions) => Object.keys(versions).length > 0, "must have one version at least"),
    ),
  ),
  latencyMs: latency,
  failures,
  mtls: z.optional(z.enum(["permissive", "strict"], { error: 'must be "strict" or "permissive"' })),
  proxy: flag,
  allow: list,
  deny: list,
  logs,
  unreachable: flag,
  account: z.optional(name),
  cluster: z.optional(text),
  responseBytes: z.optional(size),
});
const client = strictConfig({
  kind: z.enum(["gateway", "outside", "sidecar"], { error: 'must be "gateway", "sidecar" or "outside"' }),
  namespace: z.optional(name),
  logs,
  cluster: z.optional(text),
});
const CALL = {
  to: name,
  path: z.optional(z.string("must be text").check(z.regex(/^\/[^\s"]*$/, 'must begin with "/" and have no spaces'))),
  method: z.optional(z.string("must be text").check(z.regex(/^[A-Z]+$/, "must be a method of HTTP"))),
  get calls() {
    return z.optional(z.array(call, "must be a list of calls"));
  },
  optional: flag,
  version: z.optional(text),
  failures,
  recovered: z.optional(part),
  exhausted: z.optional(part),
  timeouts: z.optional(part),
  timeoutMs: z.optional(positive),
  limited: z.optional(part),
  requestBytes: z.optional(size),
};
const call: z.ZodMiniType = z.lazy(() => strictConfig(CALL));
const TIMES = {
  from: z.optional(instant),
  to: z.optional(instant),
  daily: z.optional(text),
  for: z.optional(text),
};
const STATUS = { error: "must be a status" };
const incident = z
  .discriminatedUnion(
    "kind",
    [
      strictConfig({ kind: z.literal("slow"), service: name, version: z.optional(text), factor: positive, ...TIMES }),
      strictConfig({
        kind: z.literal("failing"),
        service: name,
        version: z.optional(text),
        path: z.optional(text),
        code: z.optional(z.int(STATUS).check(z.gte(1, STATUS), z.lte(599, STATUS))),
        share: z.optional(part),
        ...TIMES,
      }),
      strictConfig({ kind: z.literal("unreachable"), service: name, share: z.optional(part), ...TIMES }),
      strictConfig({
        kind: z.literal("limited"),
        service: name,
        path: z.optional(text),
        share: z.optional(part),
        ...TIMES,
      }),
      ...(["plaintext", "identity-lost"] as const).map((kind) =>
        strictConfig({ kind: z.literal(kind), caller: name, service: name, share: z.optional(part), ...TIMES }),
      ),
      strictConfig({ kind: z.literal("denied"), caller: name, service: name, ...TIMES }),
      strictConfig({ kind: z.literal("surge"), caller: z.optional(name), factor: positive, ...TIMES }),
    ],
    {
      error: "must have a kind: slow, failing, unreachable, limited, plaintext, identity-lost, denied or surge",
    },
  )
  .check(
    z.refine(
      ({ from, to, daily, for: length }) =>
        (from !== undefined && to !== undefined && daily === undefined && length === undefined) ||
        (from === undefined && to === undefined && daily !== undefined && length !== undefined),
      'must say when: { from, to }, or { daily: "13:20", for: "20m" }',
    ),
  );
const SEED = { error: "must be a whole number" };
const OPTIONS = strictConfig({
  seed: z.optional(z.int(SEED)),
  start: z.optional(instant),
  now: z.optional(z.custom<Instant | (() => number)>((value) => value !== undefined)),
  rhythm: z.optional(z.enum(["daily", "steady"], { error: 'must be "daily" or "steady"' })),
  scrapeInterval: z.optional(text),
  sampling: z.optional(part),
  cluster: z.optional(text),
  trustDomain: z.optional(text),
  services: z.optional(keyed(name, service, "must be services by name")),
  clients: z.optional(keyed(name, client, "must be clients by name")),
  flows: z.optional(
    z.array(
      strictConfig({ ...CALL, from: name, perSecond: positive, aborted: z.optional(part) }),
      "must be a list of flows",
    ),
  ),
  incidents: z.optional(z.array(incident, "must be a list of incidents")),
});
