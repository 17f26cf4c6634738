export type { Expectation, ExpectedAlert } from "./alert-expectation.ts";
export {
  AlertTest,
  type AlertTestOptions,
  alertMatchers,
  type Testable,
  testAlert,
  type WantedAlert,
} from "./alert-test.ts";
export { type SeriesMetricsOptions, seriesMetrics } from "./metrics-backend.ts";
export type { PromtoolOptions } from "./promtool-file.ts";
export { type ListenOptions, listen, type SimulatedServer } from "./server/listen.ts";
export type { EmittedLine, EmittedSpan, EmittedTrace, LineWriter, Telemetry } from "./telemetry.ts";
