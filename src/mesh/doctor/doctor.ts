import type { MetricsBackend } from "../../metrics/backend.ts";
import type { AskOptions } from "../../time.ts";
import type { TraceBackend } from "../../traces/backend.ts";
import type { LogSource } from "../log-scope.ts";
import { Checkup } from "./checkup.ts";
import { logsChecks } from "./logs.ts";
import { type HistogramSetting, metricsChecks } from "./metrics.ts";
import { samplingCheck } from "./sampling.ts";
import { tracesChecks } from "./traces.ts";

/** The backends to look at. */
export interface Patient {
  readonly metrics: MetricsBackend | undefined;
  readonly histograms: HistogramSetting;
  readonly traces: TraceBackend | undefined;
  readonly logs: LogSource | undefined;
  readonly now: () => number;
}

/** Looks at all backends side by side. What a backend refuses is found, and never thrown. */
export async function examine(patient: Patient, options: AskOptions): Promise<Checkup> {
  const { metrics, histograms, traces, logs, now } = patient;
  const [ofMetrics, ofTraces, ofLogs] = await Promise.all([
    metricsChecks(metrics, histograms, now, options),
    tracesChecks(traces, now, options),
    logsChecks(logs, now, options),
  ]);
  const sampled = { seen: ofTraces.seen, requestIds: ofLogs.requestIds, metrics };
  const sampling = ofTraces.seen === undefined ? [] : [await samplingCheck(sampled, options)];
  return new Checkup([...ofMetrics, ...ofTraces.checks, ...sampling, ...ofLogs.checks]);
}
