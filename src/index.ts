/**
 * Scopes of a mesh, their signals, and the backends that are asked.
 *
 * @module meshquery
 */

export {
  BackendError,
  type BackendErrorCode,
  DecodeError,
  type DecodeErrorCode,
  type ErrorDetails,
  MeshQueryError,
  PartialError,
  type PromqlErrorCode,
  type PromqlErrorDetails,
  PromqlSyntaxError,
  QueryError,
  type QueryErrorCode,
  TimeoutError,
  TransportError,
  type TransportErrorCode,
} from "./errors.ts";
export type { Auth, BasicCredentials, DebugLogger, HttpOptions, TelemetryOptions, TlsOptions } from "./http/client.ts";
export type { Address } from "./logs/address.ts";
export type {
  EntriesOptions,
  FieldCondition,
  FollowOptions,
  LineCondition,
  LogBackend,
  LogFilter,
  LogGroup,
  LogLine,
  LogMeasure,
  LogMeasurement,
  LogPage,
  LogQuery,
  LogSeries,
  NsSpan,
  OriginPart,
  TextMatch,
} from "./logs/backend.ts";
export type { AloneReason, Call } from "./logs/call.ts";
export type { Cluster, ServerName } from "./logs/cluster.ts";
export type { JsonFormat, JsonFormatValue } from "./logs/custom-json.ts";
export type { RateLimit, RbacDenial } from "./logs/denial.ts";
export { type ElasticsearchOptions, elasticsearch } from "./logs/elasticsearch/elasticsearch.ts";
export type { LogFields } from "./logs/elasticsearch/mapping.ts";
export type {
  AccessLogEntry,
  KnownPeers,
  LogDestination,
  LogOrigin,
  LogPeer,
  Provenance,
  Side,
  Unparsed,
} from "./logs/entry.ts";
export { longName, type ResponseFlag } from "./logs/flags.ts";
export type { LabelPlace, LabelPreset, LokiLabels } from "./logs/loki/labels.ts";
export { type LokiOptions, loki } from "./logs/loki/loki.ts";
export {
  accessLogParser,
  detectFormat,
  type LineCounts,
  type LogFormat,
  type ParsedLines,
  type ParserOptions,
  parseLines,
} from "./logs/parser.ts";
export type { LogProgress, ReadingOptions, UnparsedLines } from "./logs/reading.ts";
export type { LogList, LogMeta, LogSearch, LogSearchOptions } from "./logs/search.ts";
export type { LineParser } from "./logs/text-format.ts";
export type { LogsOfOptions } from "./mesh/correlation.ts";
export type { Check, CheckStatus, Signal } from "./mesh/doctor/check.ts";
export type { Checkup } from "./mesh/doctor/checkup.ts";
export type { DurationQuantile, DurationQuantileJson } from "./mesh/duration-quantile.ts";
export type { ExampleList, ExampleMeta } from "./mesh/examples.ts";
export type { ExplainOptions } from "./mesh/explain/ask.ts";
export type { Explanation, ExplanationJson, ExplanationMeta, ExplanationParts } from "./mesh/explain/explanation.ts";
export type { Figure, Finding, FindingKind } from "./mesh/explain/finding.ts";
export type { FailureRule } from "./mesh/failures.ts";
export type { GraphOptions } from "./mesh/graph/ask.ts";
export type { Bottleneck } from "./mesh/graph/bottleneck.ts";
export { diff, type EdgeChange, type GraphDiff } from "./mesh/graph/diff.ts";
export type { Figures, TcpFigures } from "./mesh/graph/figures.ts";
export type { Graph } from "./mesh/graph/graph.ts";
export type { FiguresJson, GraphEdgeJson, GraphJson, GraphNodeJson } from "./mesh/graph/json.ts";
export type { GraphGrouping, GraphNodeKind } from "./mesh/graph/node.ts";
export type { GraphEdge, GraphMeta, GraphNode, GraphParts } from "./mesh/graph/part.ts";
export type { GraphPath, GraphPaths, PathOptions } from "./mesh/graph/paths.ts";
export type { Histograms } from "./mesh/histograms.ts";
export type { IdentityOptions } from "./mesh/identity/ask.ts";
export { type Certificate, readCertificates } from "./mesh/identity/certificate.ts";
export type { CertificateExpiry, CertificateOptions, Certificates } from "./mesh/identity/certificates.ts";
export type { IdentityEdge, IdentityPeer, Security, SeenPrincipal } from "./mesh/identity/edge.ts";
export type { ExpectedIdentities, IdentityFinding } from "./mesh/identity/finding.ts";
export type { Identity, IdentityJson, IdentityMeta, IdentityParts } from "./mesh/identity/identity.ts";
export type { IstioLabel } from "./mesh/istio.ts";
export type { CallGroup, Denial, LimitedCall } from "./mesh/log-finding.ts";
export type { EntryConditions, LogOptions, Status } from "./mesh/log-options.ts";
export type { ErrorKey, LogQuantile } from "./mesh/log-scope.ts";
export { type AccessLogOptions, createMesh, type Mesh, type MeshOptions } from "./mesh/mesh.ts";
export type { Peer } from "./mesh/peer.ts";
export type { CheckOptions } from "./mesh/policy/check.ts";
export type { Enforced, FlowChange, FlowEnd, FlowExample, PolicyFlow } from "./mesh/policy/flow.ts";
export type { PathNormalization } from "./mesh/policy/path.ts";
export type { Policies, PolicyOptions } from "./mesh/policy/policies.ts";
export type { IgnoredResource, PolicyFiles, PolicyInput, PolicyObject } from "./mesh/policy/read.ts";
export type { PolicyReport } from "./mesh/policy/report.ts";
export type { CheckMeta } from "./mesh/policy/report-view.ts";
export type { MeshSettings, PolicyRequest, RequestDestination, RequestSource } from "./mesh/policy/request.ts";
export type {
  Action,
  AnyResource,
  AuthorizationPolicy,
  AuthorizationRule,
  AuthorizationSpec,
  Gateway,
  GatewaySpec,
  MutualTlsMode,
  PeerAuthentication,
  PeerAuthenticationSpec,
  RequestAuthentication,
  RequestAuthenticationSpec,
  Resource,
  ResourceKind,
  ResourceName,
  RuleCondition,
  RuleOperation,
  RuleSource,
  VirtualService,
  VirtualServiceSpec,
} from "./mesh/policy/resource.ts";
export type { RouteCheck, RouteUse, Undeclared } from "./mesh/policy/routes.ts";
export type { BroadRule, RuleUse } from "./mesh/policy/rule-use.ts";
export type { Decision, Reason, RuleName, Verdict } from "./mesh/policy/verdict.ts";
export type { Reporter } from "./mesh/scope.ts";
export type { SignalQuery } from "./mesh/signal-query.ts";
export type { TraceOptions } from "./mesh/trace-options.ts";
export type { TraceQuantile } from "./mesh/trace-scope.ts";
export type { Edge, Endpoint, Traffic } from "./mesh/traffic.ts";
export type { LabelCondition, Where } from "./mesh/where.ts";
export type {
  Answer,
  BackendLimits,
  Exemplar,
  Grid,
  InstantData,
  MatrixData,
  MetricsBackend,
  NativeHistogram,
  ScalarData,
  SeriesData,
  StringData,
  VectorData,
} from "./metrics/backend.ts";
export type {
  Comparison,
  Condition,
  LengthOfTime,
  MissingOptions,
  Threshold,
  TrafficOptions,
} from "./metrics/condition.ts";
export type { HistogramQuery } from "./metrics/histogram-query.ts";
export type { RangeOptions, RangeProgress } from "./metrics/plan/range.ts";
export type {
  CatalogOptions,
  LabelOptions,
  MetadataOptions,
  MetricMetadata,
  MetricType,
} from "./metrics/prometheus/catalog.ts";
export type {
  CortexDialect,
  Dialect,
  DialectKind,
  MimirDialect,
  PrometheusDialect,
  ThanosDialect,
  VictoriaMetricsDialect,
} from "./metrics/prometheus/dialect.ts";
export type { Selected } from "./metrics/prometheus/fields.ts";
export {
  type CacheOptions,
  type Prometheus,
  type PrometheusOptions,
  prometheus,
} from "./metrics/prometheus/prometheus.ts";
export type {
  ActiveAlert,
  AlertState,
  LoadedAlertingRule,
  LoadedRecordingRule,
  LoadedRule,
  RuleGroup,
  RuleHealth,
  RuleKind,
  RulesOptions,
} from "./metrics/prometheus/rules.ts";
export type { BuildInfo, Features } from "./metrics/prometheus/server.ts";
export type { ActiveTarget, DroppedTarget, Targets, TargetsOptions } from "./metrics/prometheus/targets.ts";
export type { Query, RangeQuery } from "./metrics/query.ts";
export type { Instantaneous, Question, RangeQuestion } from "./metrics/question.ts";
export type { RawOptions, StringQuery } from "./metrics/raw-query.ts";
export type { TimeRange } from "./metrics/step.ts";
export { type Hole, promql } from "./promql/template.ts";
export type { ArrowLibrary } from "./results/arrow.ts";
export type { ChartIncident, ChartOptions, ChartThreshold } from "./results/chart-options.ts";
export type { Cell, Column, ColumnKind, Columns, Heading, Tone } from "./results/column.ts";
export type { CsvOptions } from "./results/csv.ts";
export type { Histogram, HistogramBucket, HistogramJson, HistogramParts } from "./results/histogram.ts";
export type { HistogramMatrix, HistogramSeries } from "./results/histogram-matrix.ts";
export type { HistogramSample, HistogramVector } from "./results/histogram-vector.ts";
export type { HtmlOptions } from "./results/html.ts";
export { type CustomLabel, type LabelName, type LabelSet, label } from "./results/labels.ts";
export type { Matrix, MatrixJson, Series } from "./results/matrix.ts";
export type { Meta } from "./results/meta.ts";
export type { MimeBundle } from "./results/mime.ts";
export { page } from "./results/page.ts";
export type { OnProgress, Progress } from "./results/progress.ts";
export type { Presentable, Result, Table, TableJson } from "./results/result.ts";
export type { ListMeta, ListVerbs, ResultArray } from "./results/result-list.ts";
export type { Sample, SampleJson } from "./results/sample.ts";
export type { ServerDescription } from "./results/server-description.ts";
export { type Showable, show, type Tslab } from "./results/show.ts";
export { type ShowProgressOptions, showProgress } from "./results/show-progress.ts";
export type { StringSample } from "./results/string-sample.ts";
export type { Quotient } from "./results/unit.ts";
export type { Vector, VectorJson, VectorSample } from "./results/vector.ts";
export type { SvgOptions, VegaLibrary, VegaLiteLibrary } from "./results/vega.ts";
export type { VegaLiteSpec } from "./results/vega-lite.ts";
export type { Drawing, Item, Line, Part, View } from "./results/view.ts";
export type { AskOptions, Duration, Instant, ResolvedSpan, TimeSpan } from "./time.ts";
export type {
  Dependency,
  FoundTraces,
  Operation,
  SearchPage,
  TraceBackend,
  TraceQuery,
} from "./traces/backend.ts";
export type { BarsOptions } from "./traces/bars.ts";
export type { FirstCause } from "./traces/cause.ts";
export type { CriticalHop, CriticalPath, CriticalSection } from "./traces/critical-path.ts";
export type { Hop, HopDestination, HopEnd } from "./traces/hop.ts";
export { type JaegerOptions, jaeger } from "./traces/jaeger/jaeger.ts";
export { type BrokenPropagation, type BrokenTrace, brokenPropagation } from "./traces/propagation.ts";
export type { SearchMeta, SearchOptions, SearchProgress, TraceList, TraceSearch } from "./traces/search.ts";
export type { Skew } from "./traces/skew.ts";
export type { Span, SpanDetails, SpanEvent, SpanFields, SpanKind, SpanLink, Tags, TagValue } from "./traces/span.ts";
export type { SpanTree } from "./traces/span-tree.ts";
export type { Trace } from "./traces/trace.ts";
export type { SpanJson, TraceJson } from "./traces/trace-json.ts";
export type { Crossing } from "./traces/trace-rows.ts";
export { type ZipkinOptions, zipkin } from "./traces/zipkin/zipkin.ts";
