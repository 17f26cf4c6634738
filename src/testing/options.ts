import type { Duration, Instant } from "../time.ts";

/** What a simulated mesh is made of. Everything has a value when it is left out. */
export interface SimulatedMeshOptions {
  /** Meshes of one seed and declaration emit the same; 1. */
  readonly seed?: number | undefined;
  /** When its first requests came and its counters began; the beginning of 2026. */
  readonly start?: Instant | undefined;
  /** The present for questions that name none: a fixed instant, or a clock in epoch milliseconds. `Date.now`. */
  readonly now?: Instant | (() => number) | undefined;
  /** Whether requests come by the hours of the day, with ripples, or always alike; `"daily"`. */
  readonly rhythm?: "daily" | "steady" | undefined;
  /** The time between two samples of a series; `"15s"`. */
  readonly scrapeInterval?: Duration | undefined;
  /** The share of the requests that leave a trace, 0 to 1; 0.1. */
  readonly sampling?: number | undefined;
  /** The cluster of whatever names none; `"Kubernetes"`. */
  readonly cluster?: string | undefined;
  /** The beginning of every identity; `"cluster.local"`. */
  readonly trustDomain?: string | undefined;
  /** Services by name; a small shop when `services`, `clients` and `flows` are all left out. */
  readonly services?: Readonly<Record<string, SimulatedService>> | undefined;
  /** Who calls without being called, by name. */
  readonly clients?: Readonly<Record<string, SimulatedClient>> | undefined;
  /** The requests that come, each with the calls that answering it takes. */
  readonly flows?: readonly SimulatedFlow[] | undefined;
  /** What goes wrong and when; the shop's own when only this is left out beside it, otherwise nothing. */
  readonly incidents?: readonly SimulatedIncident[] | undefined;
}

/** How long something takes in milliseconds: half of it less than `p50`, all but one in a hundred less than `p99`. */
export interface SimulatedLatency {
  readonly p50: number;
  readonly p99: number;
}

/** A service and how it answers. */
export interface SimulatedService {
  /** `"default"`. */
  readonly namespace?: string | undefined;
  /** 8080. */
  readonly port?: number | undefined;
  /** `"http"`. */
  readonly protocol?: "grpc" | "http" | "tcp" | undefined;
  /** Its versions by name; one `v1` when left out. */
  readonly versions?: Readonly<Record<string, SimulatedVersion>> | undefined;
  /** What answering takes beside the calls that it makes; 10 and 60 ms. */
  readonly latencyMs?: SimulatedLatency | undefined;
  /** The share of calls that fail, by HTTP status or, over gRPC, by status: `{ 503: 0.01 }`. */
  readonly failures?: Readonly<Record<string, number>> | undefined;
  /** Whether connections must be under mutual TLS (`"strict"`) or may be plaintext too; `"strict"`. */
  readonly mtls?: "permissive" | "strict" | undefined;
  /** False for a service outside the mesh. */
  readonly proxy?: boolean | undefined;
  /** Who may call it, by workload or account; everybody when left out. */
  readonly allow?: readonly string[] | undefined;
  /** Paths that nobody may call. */
  readonly deny?: readonly string[] | undefined;
  /** How its proxies write their access logs; `"text"`. */
  readonly logs?: "json" | "text" | undefined;
  /** True for a name behind which nothing answers. */
  readonly unreachable?: boolean | undefined;
  /** The service account; its name. */
  readonly account?: string | undefined;
  readonly cluster?: string | undefined;
  /** The size of an answer's body; 2,000. */
  readonly responseBytes?: number | undefined;
}

/** One version of a service. What it does not say is as the service says. */
export interface SimulatedVersion {
  /** Its part of the calls, against the other versions' parts; 1. */
  readonly weight?: number | undefined;
  /** The workload's name; `"<service>"` for the only version, otherwise `"<service>-<version>"`. */
  readonly workload?: string | undefined;
  readonly latencyMs?: SimulatedLatency | undefined;
  readonly failures?: Readonly<Record<string, number>> | undefined;
  readonly logs?: "json" | "text" | undefined;
  readonly cluster?: string | undefined;
}

/** Who calls without being called. */
export interface SimulatedClient {
  /** A gateway, which users call; a workload with a proxy; or one outside the mesh, without a proxy. */
  readonly kind: "gateway" | "outside" | "sidecar";
  /** `"default"`, of a gateway `"istio-system"`. */
  readonly namespace?: string | undefined;
  readonly logs?: "json" | "text" | undefined;
  readonly cluster?: string | undefined;
}

/** A call to a service, and the calls that answering it takes, one after the other. */
export interface SimulatedCall {
  /** The service. */
  readonly to: string;
  /** `"/"`, over gRPC `"/<service>.Service/Call"`. */
  readonly path?: string | undefined;
  /** `"GET"`, over gRPC always `"POST"`. */
  readonly method?: string | undefined;
  readonly calls?: readonly SimulatedCall[] | undefined;
  /** Whether the caller succeeds even where this call fails. */
  readonly optional?: boolean | undefined;
  /** The version that is called; all of them by their weights when left out. */
  readonly version?: string | undefined;
  /** The share that fails at the service, by status, beside the service's own. */
  readonly failures?: Readonly<Record<string, number>> | undefined;
  /** The share of which the first attempt fails and the second succeeds. */
  readonly recovered?: number | undefined;
  /** The share of which all three attempts fail. */
  readonly exhausted?: number | undefined;
  /** The share that the caller's proxy gives up after `timeoutMs`. */
  readonly timeouts?: number | undefined;
  /** 1,000. */
  readonly timeoutMs?: number | undefined;
  /** The share that is over the service's rate limit. */
  readonly limited?: number | undefined;
  /** The size of a request's body; 0, over gRPC 120, over TCP 600. */
  readonly requestBytes?: number | undefined;
}

/** Requests that come by themselves, and what answering them takes. */
export interface SimulatedFlow extends SimulatedCall {
  /** A client, or a workload that calls on its own account. */
  readonly from: string;
  /** How many there are each second, on average. */
  readonly perSecond: number;
  /** The share that whoever asked does not wait for. */
  readonly aborted?: number | undefined;
}

/** When an incident is: once, or every day from a time in UTC for so long. */
export type SimulatedTimes =
  | {
      readonly from: Instant;
      readonly to: Instant;
      readonly daily?: never;
      readonly for?: never;
    }
  | {
      readonly daily: string;
      readonly for: Duration;
      readonly from?: never;
      readonly to?: never;
    };

/** Something that goes wrong for a while. */
export type SimulatedIncident = SimulatedTimes &
  (
    | {
        /** A service, or one version of it, takes `factor` times as long. */
        readonly kind: "slow";
        readonly service: string;
        readonly version?: string | undefined;
        readonly factor: number;
      }
    | {
        /** A share of the calls to a service, a version or a path of it fails. */
        readonly kind: "failing";
        readonly service: string;
        readonly version?: string | undefined;
        readonly path?: string | undefined;
        /** 503, over gRPC 14. */
        readonly code?: number | undefined;
        /** All of them when left out. */
        readonly share?: number | undefined;
      }
    | {
        /** A share of the calls to a service is never connected. */
        readonly kind: "unreachable";
        readonly service: string;
        readonly share?: number | undefined;
      }
    | {
        /** A share of the calls to a service is over its rate limit. */
        readonly kind: "limited";
        readonly service: string;
        readonly path?: string | undefined;
        readonly share?: number | undefined;
      }
    | {
        /** A share of a caller's calls to a service goes past the caller's proxy, in plaintext and from nobody known. */
        readonly kind: "plaintext";
        readonly caller: string;
        readonly service: string;
        readonly share?: number | undefined;
      }
    | {
        /** A share of a caller's calls to a service goes through its proxy without mutual TLS: the identity is lost. */
        readonly kind: "identity-lost";
        readonly caller: string;
        readonly service: string;
        readonly share?: number | undefined;
      }
    | {
        /** A policy turns a caller away from a service. */
        readonly kind: "denied";
        readonly caller: string;
        readonly service: string;
      }
    | {
        /** `factor` times as many requests of a flow's beginner come, or of all. */
        readonly kind: "surge";
        readonly caller?: string | undefined;
        readonly factor: number;
      }
  );
