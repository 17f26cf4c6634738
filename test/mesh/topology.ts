/** The map of the mesh: who runs, which service each workload answers for, and on which loopback ports. */

export const trustDomain = "cluster.local";
export const clusterName = "Kubernetes";
export const localAddress = "127.0.0.1";

/** Where every proxy sends its spans; the mesh runs with or without a collector there. */
export const collectorPort = 9411;
export const prometheusPort = 15490;
export const jaegerPorts = { query: 15480, grpc: 15481, otlp: 15482, zipkin: 15483 } as const;
export const zipkinPort = 15484;
export const lokiPorts = { http: 15485, grpc: 15486 } as const;
/** Its runner takes ports for HTTP from 9201 to 9299 only. */
export const opensearchPorts = { http: 9261, transport: 15488 } as const;
/** Where the shipper of access logs says how far it is. */
export const shipperPort = 15489;

export type Protocol = "http" | "grpc" | "tcp";

export interface Service {
  readonly name: string;
  readonly namespace: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** Share of the calls that each workload behind the service gets. */
  readonly weights: Readonly<Record<string, number>>;
}

export interface Workload {
  readonly name: string;
  readonly namespace: string;
  /** App label and canonical service. */
  readonly app: string;
  readonly version: string;
  readonly serviceAccount: string;
  readonly pod: string;
  readonly proxy: "sidecar" | "gateway" | "none";
  readonly logFormat: "text" | "json";
  /** Whether the inbound listener takes plaintext as well. */
  readonly mutualTls: "strict" | "permissive";
  /** Service accounts that may call it; none named means everybody may. */
  readonly allowedServiceAccounts: readonly string[];
  readonly serves: string | undefined;
  /** Names of the services that its outbound listeners know. */
  readonly calls: readonly string[];
  readonly ports: WorkloadPorts;
}

export interface WorkloadPorts {
  readonly admin: number;
  readonly outbound: number;
  readonly outboundTcp: number;
  readonly inbound: number;
  readonly app: number;
}

const service = (
  name: string,
  port: number,
  protocol: Protocol,
  weights: Readonly<Record<string, number>>,
): Service => ({ name, namespace: "default", port, protocol, weights });

export const services: readonly Service[] = [
  service("frontend", 8080, "http", { frontend: 1 }),
  service("backend", 9090, "http", { backend: 3, "backend-v2": 1 }),
  service("ratings", 9080, "http", { ratings: 1 }),
  service("recommender", 9555, "grpc", { recommender: 1 }),
  service("ledger", 7070, "tcp", { ledger: 1 }),
  service("silent", 8081, "http", { silent: 1 }),
  service("external", 8090, "http", { external: 1 }),
  service("ghost", 9090, "http", {}),
];

/** Nothing ever listens here: it is where `ghost` would be. */
export const closedPort = 15499;

type WorkloadOptions = Partial<Omit<Workload, "name" | "ports" | "pod">>;

const workload = (index: number, name: string, options: WorkloadOptions): Workload => {
  const base = 15000 + index * 10;
  return {
    name,
    namespace: "default",
    app: name,
    version: "v1",
    serviceAccount: name,
    pod: `${name}-6c9f7d5b4-k2x9p`,
    proxy: "sidecar",
    logFormat: "text",
    mutualTls: "strict",
    allowedServiceAccounts: [],
    serves: undefined,
    calls: [],
    ports: { admin: base, outbound: base + 1, outboundTcp: base + 2, inbound: base + 6, app: base + 8 },
    ...options,
  };
};

const frontendCalls = ["backend", "ratings", "recommender", "ledger", "external", "ghost"];

export const workloads: readonly Workload[] = [
  workload(0, "istio-ingressgateway", { namespace: "istio-system", proxy: "gateway", calls: ["frontend"] }),
  workload(10, "frontend", { serves: "frontend", calls: frontendCalls }),
  workload(20, "backend", { serves: "backend", allowedServiceAccounts: ["frontend"] }),
  workload(21, "backend-v2", {
    app: "backend",
    version: "v2",
    serviceAccount: "backend",
    serves: "backend",
    allowedServiceAccounts: ["frontend"],
    logFormat: "json",
  }),
  workload(22, "ratings", { serves: "ratings", mutualTls: "permissive", logFormat: "json" }),
  workload(23, "recommender", { serves: "recommender", logFormat: "json" }),
  workload(24, "ledger", { serves: "ledger" }),
  workload(25, "silent", { serves: "silent" }),
  workload(26, "stranger", { calls: ["backend"], logFormat: "json" }),
  workload(30, "external", { serves: "external", proxy: "none" }),
];

export const proxied: readonly Workload[] = workloads.filter((each) => each.proxy !== "none");

export function workloadNamed(name: string): Workload {
  const found = workloads.find((each) => each.name === name);
  if (found === undefined) throw new Error(`topology: no workload "${name}"; add it to workloads in topology.ts`);
  return found;
}

export function serviceNamed(name: string): Service {
  const found = services.find((each) => each.name === name);
  if (found === undefined) throw new Error(`topology: no service "${name}"; add it to services in topology.ts`);
  return found;
}

export const hostOf = (each: Service): string => `${each.name}.${each.namespace}.svc.cluster.local`;

export const principalOf = (each: Workload): string =>
  `spiffe://${trustDomain}/ns/${each.namespace}/sa/${each.serviceAccount}`;
