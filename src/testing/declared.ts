import type { SimulatedFlow, SimulatedIncident, SimulatedLatency } from "./options.ts";
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
