import type { VectorData } from "../../metrics/backend.ts";
import { type LabelSet, labelValue } from "../../results/labels.ts";
import { type Durations, noDurations } from "../graph/durations.ts";
import { neverArrived } from "../graph/fold.ts";
import { known } from "../graph/node.ts";
import { SUM } from "../graph/questions.ts";

/** Whose proxy counted: the callee's (or a waypoint), or the caller's. */
export type Side = "callee" | "caller";

/** Requests of one kind. */
export interface KindOfRequest {
  readonly rate: number;
  readonly failed: boolean;
  /** The code, or `grpc 14`. */
  readonly outcome: string;
  readonly code: string;
  readonly grpcStatus: string;
  readonly flags: readonly string[];
  readonly version: string;
  /** `"frontend.default"`, or `"unknown"`. */
  readonly caller: string;
  readonly principal: string;
  readonly security: string;
  readonly side: Side;
  /** Whether only the caller's proxy knows of it, since it found nobody. */
  readonly lost: boolean;
  readonly labels: LabelSet;
}

/** Requests of a window of time. */
export interface Counted {
  readonly seconds: number;
  readonly kinds: readonly KindOfRequest[];
  /** All of them per second. */
  readonly rate: number;
}

/** What one window of time held of a scope, each request once. */
export interface WindowView extends Counted {
  /** Requests of which the callee's side says how they were secured, and who sent them. */
  readonly proved: Counted;
  /** As callers' proxies counted them, and as callees' did; `undefined` where they do not report. */
  readonly sent: number | undefined;
  readonly received: number | undefined;
  /** Between callers and services of which both sides report: requests that left their caller, and that arrived. */
  readonly passed: { readonly sent: number; readonly received: number };
  /** Durations by version, as the side saw them that counts. */
  readonly durations: ReadonlyMap<string, Durations>;
}

/** How a window is read. */
export interface WindowReading {
  readonly seconds: number;
  readonly hasFailed: (labels: LabelSet) => boolean;
  /** Whose count is read of a service of which both sides report. */
  readonly preferred: Side;
}

/**
 * The view of one window, from the rates of requests and their histograms. Services are told apart: the callees' side
 * of one says nothing of another that has no proxies.
 */
export function viewOf(
  requests: readonly VectorData[],
  durations: VectorData,
  { seconds, hasFailed, preferred }: WindowReading,
): WindowView {
  const all = requests.flatMap(({ labels, values }) =>
    labels.flatMap((row, i) => {
      const rate = values[i] as number;
      return rate > 0 ? [kindOf(row, rate, hasFailed(row))] : [];
    }),
  );
  const sent = all.filter(({ side }) => side === "caller");
  const received = all.filter(({ side }) => side === "callee");
  const arrived = sent.filter(({ lost }) => !lost);
  const sides = new Map<string, Side>();
  for (const { labels, side } of [...arrived, ...received]) {
    if (side === preferred || !sides.has(serviceOf(labels))) sides.set(serviceOf(labels), side);
  }
  const counts = (labels: LabelSet): boolean => (sides.get(serviceOf(labels)) ?? preferred) === sideOf(labels);
  const counted = all.filter(({ labels, lost }) => lost || counts(labels));
  return {
    ...countedOf(counted, seconds),
    proved: countedOf(received, seconds),
    sent: sent.length > 0 ? total(sent) : undefined,
    received: received.length > 0 ? total(received) : undefined,
    passed: passedOf(arrived, received),
    durations: durationsIn(durations, counts),
  };
}

const countedOf = (kinds: readonly KindOfRequest[], seconds: number): Counted => ({
  seconds,
  kinds,
  rate: total(kinds),
});

const total = (kinds: readonly KindOfRequest[]): number => kinds.reduce((sum, { rate }) => sum + rate, 0);

/** Of pairs of which one side says nothing, the other tells of no attempts. */
function passedOf(sent: readonly KindOfRequest[], received: readonly KindOfRequest[]): WindowView["passed"] {
  const pairOf = ({ caller, labels }: KindOfRequest): string => `${caller}\n${serviceOf(labels)}`;
  const [left, came] = [new Set(sent.map(pairOf)), new Set(received.map(pairOf))];
  return {
    sent: total(sent.filter((kind) => came.has(pairOf(kind)))),
    received: total(received.filter((kind) => left.has(pairOf(kind)))),
  };
}

const sideOf = (row: LabelSet): Side => (labelValue(row, "reporter") === "source" ? "caller" : "callee");

function serviceOf(row: LabelSet): string {
  const name = known(row, "destination_service_name") ?? known(row, "destination_service") ?? "";
  return `${name}\n${known(row, "destination_service_namespace") ?? ""}`;
}

function kindOf(row: LabelSet, rate: number, failed: boolean): KindOfRequest {
  const code = labelValue(row, "response_code");
  const grpcStatus = labelValue(row, "grpc_response_status");
  const flags = labelValue(row, "response_flags");
  const side = sideOf(row);
  const namespace = known(row, "source_workload_namespace");
  const workload = known(row, "source_workload");
  return {
    rate,
    failed,
    code,
    grpcStatus,
    outcome: grpcStatus === "" || grpcStatus === "0" ? code : `grpc ${grpcStatus}`,
    flags: flags === "" || flags === "-" ? [] : flags.split(","),
    version: versionOf(row),
    caller: workload === undefined ? "unknown" : `${workload}${namespace === undefined ? "" : `.${namespace}`}`,
    principal: known(row, "source_principal") ?? "",
    security: labelValue(row, "connection_security_policy"),
    side,
    lost: side === "caller" && neverArrived(flags),
    labels: row,
  };
}

/** The labels that may say a version, the first that does. */
export const VERSION_LABELS = ["destination_version", "destination_canonical_revision"] as const;

const versionOf = (row: LabelSet): string =>
  VERSION_LABELS.map((label) => known(row, label)).find((version) => version !== undefined) ?? "";

function durationsIn(
  { labels, values }: VectorData,
  counts: (labels: LabelSet) => boolean,
): ReadonlyMap<string, Durations> {
  const byVersion = new Map<string, Durations & { readonly histogram: Map<number, number> }>();
  for (const [i, row] of labels.entries()) {
    if (!counts(row)) continue;
    const version = versionOf(row);
    let found = byVersion.get(version);
    if (found === undefined) {
      const histogram = new Map<number, number>();
      found = { ...noDurations(), histograms: [histogram], histogram };
      byVersion.set(version, found);
    }
    const bound = labelValue(row, "le");
    const value = values[i] as number;
    if (bound === SUM) found.sumMs += value;
    else {
      const le = bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound);
      found.histogram.set(le, (found.histogram.get(le) ?? 0) + value);
    }
  }
  return byVersion;
}
