/**
 * Alerts and SLOs: written, exported, tried on the past, watched.
 *
 * @module meshquery/alerts
 */

export { RuleFileError, type RuleFileErrorCode } from "../errors.ts";
export type { CompareOp } from "../logs/logql/ast.ts";
export type {
  Backtest,
  BacktestJson,
  BacktestOptions,
  BacktestRange,
  Sweep,
  SweepOptions,
  SweptSetting,
} from "./backtest.ts";
export type { DeliveryFailure } from "./delivery.ts";
export type { AlertEvidence, EvidenceOptions } from "./evidence.ts";
export { GroupBacktest, type GroupBacktestJson, type GroupBacktestOptions } from "./group-backtest.ts";
export {
  type AlertCourse,
  AlertHistory,
  type AlertInterval,
  type FailedEvaluation,
} from "./history.ts";
export {
  type HoldingLines,
  type LineMeasure,
  type LineOptions,
  type LogCondition,
  logLines,
} from "./log-condition.ts";
export type { AlertChange, ResolvedBecause } from "./notification.ts";
export type { WatchedBackends } from "./observation.ts";
export { type AlertRule, alert, type RecordingRule, record, type TextsOf } from "./rule.ts";
export { type GroupOptions, type Rule, type RuleFile, type RuleGroup, ruleFile, ruleGroup } from "./rule-group.ts";
export type { GrafanaOptions } from "./rulefile/grafana.ts";
export type { ExportOptions, FileOptions, OperatorOptions } from "./rulefile/print.ts";
export { fromYAML, type ImportOptions } from "./rulefile/read.ts";
export type { RuleJson } from "./rules-view.ts";
export {
  type AlertmanagerOptions,
  type AlertNotification,
  type AlertSink,
  alertmanager,
  webhook,
} from "./sink.ts";
export type { BurnAlert, BurnBudget, BurnFactor, BurnTimes } from "./slo/burn-table.ts";
export type { Counted, Events, IndicatorName, LatencyObjective } from "./slo/indicator.ts";
export type { BurnRate, ObjectiveStatus } from "./slo/objective-status.ts";
export { fromOpenSLO, type OpenSloOptions } from "./slo/read-openslo.ts";
export { Slo, type SloOptions, type StatusOptions, slo } from "./slo/slo.ts";
export { SloStatus } from "./slo/status.ts";
export {
  type AlertSpec,
  alertLabels,
  foundAlert,
  type GroupSpec,
  type RecordSpec,
  type RuleSource,
  type Texts,
} from "./spec.ts";
export {
  type AlertInstance,
  type AlertInstances,
  type AlertState,
  type AlertTiming,
  alertKey,
  type Evaluated,
  evaluateAlerts,
  type FoundAlert,
  NO_ALERTS,
  RESOLVED_RETENTION_MS,
} from "./state.ts";
export type { BacktestSummary } from "./summary.ts";
export {
  type LabelPart,
  labelOf,
  type NameOf,
  type Template,
  type TemplatePart,
  text,
  type ValuePart,
  value,
  valueAs,
} from "./template.ts";
export { type FoundEvidence, type TraceCondition, type TraceCount, tracesOf } from "./trace-condition.ts";
export type { Format } from "./value-format.ts";
export type { OnNotification, Watch, WatchClock, WatchFailure, WatchOptions } from "./watch.ts";
export { fileStore, memoryStore, type WatchStore } from "./watch-store.ts";
