import type { MetricsBackend } from "../../metrics/backend.ts";
import type { AskOptions } from "../../time.ts";
import type { TraceBackend } from "../../traces/backend.ts";
import type { LogSource } from "../log-scope.ts";
import { Checkup } from "./checkup.ts";
import { logsChecks } from "./logs.ts";
import { metricsChecks } from "./metrics.ts";
import { tracesChecks } from "./traces.ts";

/** The backends to look at. */
export interface Patient {
  readonly metrics: MetricsBackend | undefined;
  readonly traces: TraceBackend | undefined;
  readonly logs: LogSource | undefined;
  readonly now: () => number;
}

/** Looks at all backends side by side. What a backend refuses is found, and never thrown. */
export async function examine({ metrics, traces, logs, now }: Patient, options: AskOptions): Promise<Checkup> {
  const checks = await Promise.all([
    metricsChecks(metrics, now, options),
    tracesChecks(traces, now, options),
    logsChecks(logs, now, options),
  ]);
  return new Checkup(checks.flat());
}
