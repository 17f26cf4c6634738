/** What an expression yields: an instant vector, a range vector (`matrix`), a scalar or a string. */
export type ValueType = "matrix" | "scalar" | "string" | "vector";

/** What a function takes and gives. */
export interface Signature {
  readonly args: readonly ValueType[];
  /** How many of the last arguments may be left out. */
  readonly optional?: number;
  /** Whether the last argument may be repeated. */
  readonly variadic?: boolean;
  /** The most arguments that a variadic function takes. */
  readonly most?: number;
  readonly returns: ValueType;
  /** Refused by a server that was not started with experimental functions. */
  readonly experimental?: boolean;
}

const vector: Signature = { args: ["vector"], returns: "vector" };
const overTime: Signature = { args: ["matrix"], returns: "vector" };
const calendar: Signature = { args: ["vector"], optional: 1, returns: "vector" };
const constant: Signature = { args: [], returns: "scalar" };
const experimental = (signature: Signature): Signature => ({ ...signature, experimental: true });
const byLabel: Signature = {
  args: ["vector", "string"],
  optional: 1,
  variadic: true,
  returns: "vector",
  experimental: true,
};
const eitherOf: Signature = { args: ["scalar", "scalar"], returns: "scalar", experimental: true };

/**
 * Every function of PromQL with its signature.
 *
 * @see Prometheus, `promql/parser/functions.go`
 */
export const FUNCTIONS = {
  abs: vector,
  absent: vector,
  absent_over_time: overTime,
  acos: vector,
  acosh: vector,
  asin: vector,
  asinh: vector,
  atan: vector,
  atanh: vector,
  avg_over_time: overTime,
  ceil: vector,
  changes: overTime,
  clamp: { args: ["vector", "scalar", "scalar"], returns: "vector" },
  clamp_max: { args: ["vector", "scalar"], returns: "vector" },
  clamp_min: { args: ["vector", "scalar"], returns: "vector" },
  cos: vector,
  cosh: vector,
  count_over_time: overTime,
  day_of_month: calendar,
  day_of_week: calendar,
  day_of_year: calendar,
  days_in_month: calendar,
  deg: vector,
  delta: overTime,
  deriv: overTime,
  double_exponential_smoothing: { args: ["matrix", "scalar", "scalar"], returns: "vector", experimental: true },
  end: experimental(constant),
  exp: vector,
  first_over_time: overTime,
  floor: vector,
  histogram_avg: vector,
  histogram_count: vector,
  histogram_fraction: { args: ["scalar", "scalar", "vector"], returns: "vector" },
  histogram_quantile: { args: ["scalar", "vector"], returns: "vector" },
  histogram_quantiles: {
    args: ["vector", "string", "scalar"],
    variadic: true,
    most: 12,
    returns: "vector",
    experimental: true,
  },
  histogram_stddev: vector,
  histogram_stdvar: vector,
  histogram_sum: vector,
  holt_winters: { args: ["matrix", "scalar", "scalar"], returns: "vector" },
  hour: calendar,
  idelta: overTime,
  increase: overTime,
  info: { args: ["vector", "vector"], optional: 1, returns: "vector", experimental: true },
  integral: { args: ["matrix", "scalar"], optional: 1, returns: "vector", experimental: true },
  irate: overTime,
  label_join: { args: ["vector", "string", "string", "string"], optional: 1, variadic: true, returns: "vector" },
  label_replace: { args: ["vector", "string", "string", "string", "string"], returns: "vector" },
  last_over_time: overTime,
  ln: vector,
  log10: vector,
  log2: vector,
  mad_over_time: experimental(overTime),
  max_of: eitherOf,
  max_over_time: overTime,
  min_of: eitherOf,
  min_over_time: overTime,
  minute: calendar,
  month: calendar,
  pi: constant,
  predict_linear: { args: ["matrix", "scalar"], returns: "vector" },
  present_over_time: overTime,
  quantile_over_time: { args: ["scalar", "matrix"], returns: "vector" },
  rad: vector,
  range: experimental(constant),
  rate: overTime,
  resets: overTime,
  round: { args: ["vector", "scalar"], optional: 1, returns: "vector" },
  scalar: { args: ["vector"], returns: "scalar" },
  sgn: vector,
  sin: vector,
  sinh: vector,
  sort: vector,
  sort_by_label: byLabel,
  sort_by_label_desc: byLabel,
  sort_desc: vector,
  sqrt: vector,
  start: experimental(constant),
  start_timestamp: experimental(vector),
  stddev_over_time: overTime,
  stdvar_over_time: overTime,
  step: experimental(constant),
  sum_over_time: overTime,
  tan: vector,
  tanh: vector,
  time: constant,
  timestamp: vector,
  ts_of_first_over_time: experimental(overTime),
  ts_of_last_over_time: experimental(overTime),
  ts_of_max_over_time: experimental(overTime),
  ts_of_min_over_time: experimental(overTime),
  vector: { args: ["scalar"], returns: "vector" },
  year: calendar,
} as const satisfies Record<string, Signature>;

/** A function of PromQL, such as `"rate"`. */
export type FunctionName = keyof typeof FUNCTIONS;

/** What an aggregation takes beside its vector. */
export interface Parameter {
  readonly param?: ValueType;
  readonly experimental?: boolean;
}

/** Every aggregation, with the type of its parameter where it takes one. */
export const AGGREGATIONS = {
  avg: {},
  bottomk: { param: "scalar" },
  count: {},
  count_values: { param: "string" },
  group: {},
  limit_ratio: { param: "scalar", experimental: true },
  limitk: { param: "scalar", experimental: true },
  max: {},
  min: {},
  quantile: { param: "scalar" },
  stddev: {},
  stdvar: {},
  sum: {},
  topk: { param: "scalar" },
} as const satisfies Record<string, Parameter>;

/** An aggregation of PromQL, such as `"sum"`. */
export type AggregationOp = keyof typeof AGGREGATIONS;
