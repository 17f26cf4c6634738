import type { Context } from "../metrics/question.ts";
import type { TraceBackend } from "../traces/backend.ts";
import type { HistogramChoice, KnownHistograms } from "./histograms.ts";
import type { LogSource } from "./log-scope.ts";
import type { ReporterChoice } from "./reporter.ts";

/** What every scope of one mesh shares. */
export interface MeshContext extends Context {
  /** `undefined` where there is no backend to ask. */
  readonly reporters: ReporterChoice | undefined;
  /** How durations and sizes are kept, or who finds out. */
  readonly histograms: HistogramChoice | KnownHistograms;
  readonly traces: TraceBackend | undefined;
  readonly logs: LogSource | undefined;
}
