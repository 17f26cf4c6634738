import { QueryError } from "../errors.ts";
import { parseConfig } from "../http/config.ts";
import { durationMs, instantMs } from "../time.ts";
import { checkDeclaration } from "./declaration-check.ts";
import { OPTIONS } from "./declaration-schema.ts";
import type { Declaration, DeclaredService } from "./declared.ts";
import type { SimulatedIncident, SimulatedMeshOptions, SimulatedService } from "./options.ts";
import { SHOP } from "./shop.ts";
import type { Recurrence } from "./timeline.ts";

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
  checkDeclaration(declared, WHERE);
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
  return {
    kind: "daily",
    offsetMs: (Number(hours) * 60 + Number(minutes)) * 60_000,
    lengthMs,
  };
}
