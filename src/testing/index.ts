/**
 * A simulated mesh, and tests of alerts.
 *
 * @module meshquery/testing
 */

export type { Expectation, ExpectedAlert } from "./alert-expectation.ts";
export {
  AlertTest,
  type AlertTestOptions,
  alertMatchers,
  type Matched,
  type Testable,
  testAlert,
  type WantedAlert,
} from "./alert-test.ts";
export { type SeriesMetricsOptions, seriesMetrics } from "./metrics-backend.ts";
export type {
  SimulatedCall,
  SimulatedClient,
  SimulatedFlow,
  SimulatedIncident,
  SimulatedLatency,
  SimulatedMeshOptions,
  SimulatedService,
  SimulatedTimes,
  SimulatedVersion,
} from "./options.ts";
export type { PromtoolOptions } from "./promtool-file.ts";
export { type ListenOptions, listen, type SimulatedServer } from "./server/listen.ts";
export { type SimulatedBackends, type SimulatedMesh, simulatedMesh } from "./simulated-mesh.ts";
export type { EmittedLine, EmittedSpan, EmittedTrace, LineWriter, Telemetry } from "./telemetry.ts";
