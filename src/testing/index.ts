export { type SeriesMetricsOptions, seriesMetrics } from "./metrics-backend.ts";
export type { EmittedLine, EmittedSpan, EmittedTrace, LineWriter, Telemetry } from "./telemetry.ts";
