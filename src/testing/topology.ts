import type { Declaration, DeclaredService } from "./declared.ts";
import { hex32, mix } from "./hash.ts";

/** A workload and the one pod of it. */
export interface Workload {
  readonly name: string;
  readonly namespace: string;
  /** The label `app`, which is the canonical service too. */
  readonly app: string;
  readonly version: string;
  readonly account: string;
  readonly cluster: string;
  readonly pod: string;
  readonly address: string;
  readonly proxy: "gateway" | "none" | "sidecar";
  readonly logs: "json" | "text";
  /** `spiffe://…`, by the account. */
  readonly principal: string;
  /** As its proxy names itself. */
  readonly nodeId: string;
  /** Of the mesh that it is in: its trust domain, as Istio has it. */
  readonly meshId: string;
}

/** A service and the workloads behind it. */
export interface Service extends DeclaredService {
  readonly name: string;
  readonly host: string;
  /** Its address within the cluster. */
  readonly address: string;
  readonly workloads: readonly {
    readonly workload: Workload;
    readonly version: DeclaredService["versions"][number];
  }[];
}

/** Who there is, with addresses and names as Kubernetes gives them. */
export interface Topology {
  readonly services: ReadonlyMap<string, Service>;
  /** Who can begin a flow, by name: clients, and the workloads of services. */
  readonly callers: ReadonlyMap<string, Workload>;
}

export function topologyOf(declared: Declaration): Topology {
  const services = new Map<string, Service>();
  const callers = new Map<string, Workload>();
  const { trustDomain } = declared;
  let count = 0;
  const workload = (
    name: string,
    rest: Pick<Workload, "account" | "app" | "cluster" | "logs" | "namespace" | "proxy" | "version">,
  ): Workload => {
    count++;
    const address = `10.244.${1 + (count % 3)}.${10 + count}`;
    const pod = podOf(name, mix(declared.seed, count));
    const type = rest.proxy === "gateway" ? "router" : "sidecar";
    return Object.freeze({
      name,
      ...rest,
      pod,
      address,
      principal: `spiffe://${trustDomain}/ns/${rest.namespace}/sa/${rest.account}`,
      nodeId: `${type}~${address}~${pod}.${rest.namespace}~${rest.namespace}.svc.cluster.local`,
      meshId: trustDomain,
    });
  };
  for (const [name, client] of Object.entries(declared.clients)) {
    const { namespace, kind, logs, cluster } = client;
    const proxy = kind === "outside" ? "none" : kind;
    const version = kind === "gateway" ? "latest" : "v1";
    const account = kind === "gateway" ? `${name}-service-account` : name;
    callers.set(
      name,
      workload(name, {
        namespace,
        app: name,
        version,
        account,
        cluster,
        proxy,
        logs,
      }),
    );
  }
  let place = 0;
  for (const [name, service] of Object.entries(declared.services)) {
    place++;
    const workloads = service.unreachable
      ? []
      : service.versions.map((version) => {
          const { account, namespace } = service;
          const proxy = service.proxy ? "sidecar" : "none";
          const { logs, cluster } = version;
          const made = workload(version.workload, {
            namespace,
            app: name,
            version: version.name,
            account,
            cluster,
            proxy,
            logs,
          });
          return { workload: made, version };
        });
    for (const one of workloads) callers.set(one.workload.name, one.workload);
    const host = `${name}.${service.namespace}.svc.cluster.local`;
    services.set(
      name,
      Object.freeze({
        ...service,
        name,
        host,
        address: `10.96.${place}.${17 + place}`,
        workloads,
      }),
    );
  }
  return Object.freeze({ services, callers });
}

/** The letters and digits that Kubernetes makes names of. */
const SAFE = "bcdfghjklmnpqrstvwxz2456789";
const HASH = "456789bcdf";

/** `backend-6c9f7d5b4-k2x9p`. */
function podOf(workload: string, seed: number): string {
  const letters = (alphabet: string, count: number, salt: number): string =>
    Array.from({ length: count }, (_, i) => alphabet[mix(seed, salt + i) % alphabet.length]).join("");
  return `${workload}-${letters(HASH, 9, 0)}-${letters(SAFE, 5, 100)}`;
}

/** A port that a connection came from. */
export const ephemeralPort = (bits: number): number => 32_768 + (bits % 28_000);

/** An id of a request as Envoy makes it: the 15th digit says whether it is traced. */
export function requestId(a: number, b: number, c: number, d: number, isTraced: boolean): string {
  const [one, two, three, four] = [hex32(a), hex32(b), hex32(c), hex32(d)];
  const variant = "89ab"[c % 4];
  return `${one}-${two.slice(0, 4)}-${isTraced ? "9" : "4"}${two.slice(5)}-${variant}${three.slice(1, 4)}-${three.slice(4)}${four}`;
}
