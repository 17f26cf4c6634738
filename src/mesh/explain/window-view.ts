import type { VectorData } from "../../metrics/backend.ts";
import { type LabelSet, labelValue } from "../../results/labels.ts";
import { type Durations, noDurations } from "../graph/durations.ts";
import { neverArrived } from "../graph/fold.ts";
import { known } from "../graph/node.ts";
import { SUM } from "../graph/questions.ts";

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
  readonly caller: string;
  readonly principal: string;
  readonly service: string;
  readonly security: string;
  /** Whether only the caller's proxy knows of it, since it found nobody. */
  readonly lost: boolean;
}

/** What one window of time held of a scope, each request once. */
export interface WindowView {
  readonly seconds: number;
  readonly kinds: readonly KindOfRequest[];
  /** All requests per second. */
  readonly rate: number;
  /** As callers' proxies counted them, and as callees' did; `undefined` where they do not report. */
  readonly sent: number | undefined;
  readonly received: number | undefined;
  /** Durations by version, as the side saw them that counts. */
  readonly durations: ReadonlyMap<string, Durations>;
}

/** The view of one window, from the rates of requests and their histograms. */
export function viewOf(
  requests: readonly VectorData[],
  durations: VectorData,
  { seconds, hasFailed }: { readonly seconds: number; readonly hasFailed: (labels: LabelSet) => boolean },
): WindowView {
  const rows = requests.flatMap(({ labels, values }) =>
    labels.map((row, i) => ({ row, rate: values[i] as number })).filter(({ rate }) => rate > 0),
  );
  const isCaller = ({ row }: { readonly row: LabelSet }) => labelValue(row, "reporter") === "source";
  const received = rows.filter((one) => !isCaller(one));
  const sent = rows.filter(isCaller);
  const lost = sent.filter(({ row }) => neverArrived(labelValue(row, "response_flags")));
  const arrived = received.length > 0 ? received : sent.filter((one) => !lost.includes(one));
  const kinds = [
    ...arrived.map(({ row, rate }) => kindOf(row, rate, hasFailed(row), false)),
    ...lost.map(({ row, rate }) => kindOf(row, rate, hasFailed(row), true)),
  ];
  return {
    seconds,
    kinds,
    rate: kinds.reduce((sum, { rate }) => sum + rate, 0),
    sent: sent.length > 0 ? total(sent) : undefined,
    received: received.length > 0 ? total(received) : undefined,
    durations: durationsIn(durations, received.length > 0),
  };
}

const total = (rows: readonly { readonly rate: number }[]): number => rows.reduce((sum, { rate }) => sum + rate, 0);

function kindOf(row: LabelSet, rate: number, failed: boolean, lost: boolean): KindOfRequest {
  const code = labelValue(row, "response_code");
  const grpcStatus = labelValue(row, "grpc_response_status");
  const flags = labelValue(row, "response_flags");
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
    service: known(row, "destination_service_name") ?? known(row, "destination_service") ?? "",
    security: labelValue(row, "connection_security_policy"),
    lost,
  };
}

const versionOf = (row: LabelSet): string =>
  known(row, "destination_version") ?? known(row, "destination_canonical_revision") ?? "";

function durationsIn({ labels, values }: VectorData, ofCallees: boolean): ReadonlyMap<string, Durations> {
  const byVersion = new Map<string, Durations & { readonly histogram: Map<number, number> }>();
  for (const [i, row] of labels.entries()) {
    if ((labelValue(row, "reporter") !== "source") !== ofCallees) continue;
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
