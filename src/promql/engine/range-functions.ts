import { EvaluationError } from "../../errors.ts";
import type { Call, Extension } from "../ast.ts";
import type { FunctionName } from "../functions.ts";
import type { Annotations } from "./annotations.ts";
import { anchored, extendedGrowth } from "./extended-range.ts";
import { growth, lastGrowth } from "./rate.ts";
import { type RangeFunction, stateless } from "./window.ts";
import { changesOver, extreme, medianDeviation, quantileOver, resetsOver, timeOfExtreme } from "./window-order.ts";
import { checkFactor, integralOver, lineThrough, meanOver, smoothed, sumOver, varianceOver } from "./window-sum.ts";

/** The functions over ranges that say the same whatever their arguments are. */
const PLAIN: Partial<Record<FunctionName, RangeFunction>> = {
  absent_over_time: stateless(() => 1),
  avg_over_time: stateless(meanOver),
  changes: changesOver,
  count_over_time: stateless((window) => window.length),
  delta: growth(false, false),
  deriv: () => (window) => {
    if (window.length < 2) return false;
    window.result = lineThrough(window, window.time(window.first)).slope;
    return true;
  },
  double_exponential_smoothing:
    () =>
    (window, [level = Number.NaN, trend = Number.NaN]) => {
      checkFactor("smoothing", level);
      checkFactor("trend", trend);
      if (window.length < 2) return false;
      window.result = smoothed(window, level, trend);
      return true;
    },
  first_over_time: stateless((window) => window.value(window.first)),
  idelta: lastGrowth(false),
  increase: growth(true, false),
  irate: lastGrowth(true),
  last_over_time: stateless((window) => window.value(window.end - 1)),
  mad_over_time: stateless(medianDeviation),
  max_over_time: extreme(1),
  min_over_time: extreme(-1),
  predict_linear:
    () =>
    (window, [seconds = Number.NaN]) => {
      if (window.length < 2) return false;
      const { slope, intercept } = lineThrough(window, window.atMs);
      window.result = slope * seconds + intercept;
      return true;
    },
  present_over_time: stateless(() => 1),
  rate: growth(true, true),
  resets: resetsOver,
  stddev_over_time: stateless((window) => Math.sqrt(varianceOver(window))),
  stdvar_over_time: stateless(varianceOver),
  sum_over_time: stateless(sumOver),
  ts_of_first_over_time: stateless((window) => window.time(window.first) / 1000),
  ts_of_last_over_time: stateless((window) => window.time(window.end - 1) / 1000),
  ts_of_max_over_time: timeOfExtreme(1),
  ts_of_min_over_time: timeOfExtreme(-1),
};

/**
 * The function of a call over a range.
 *
 * @throws {EvaluationError} where the range is extended and the function does not go with that, as in Prometheus
 */
export function rangeFunction(call: Call, extension: Extension | undefined, annotations: Annotations): RangeFunction {
  if (extension !== undefined) return extended(call.func, extension);
  if (call.func === "quantile_over_time") {
    return stateless((window, [q = Number.NaN]) => {
      if (!(q >= 0 && q <= 1)) annotations.invalidQuantile(q, call.args[0] ?? call);
      return quantileOver(window, q);
    });
  }
  if (call.func === "integral") {
    return stateless((window, [strategy = 2]) => {
      const isKnown = strategy === 0 || strategy === 1 || strategy === 2;
      if (!isKnown) annotations.invalidStrategy(strategy, call.args[1] ?? call);
      return integralOver(window, isKnown ? strategy : 2);
    });
  }
  const func = PLAIN[call.func];
  if (func !== undefined) return func;
  throw new EvaluationError("unsupported", `${call.func}() is not evaluated here${instead(call.func)}`);
}

const instead = (func: FunctionName): string =>
  func === "holt_winters" ? "; Prometheus 3 calls it double_exponential_smoothing" : "";

const ANCHORED = ["changes", "delta", "increase", "rate", "resets"];
const SMOOTHED = ["delta", "increase", "rate"];

function extended(func: FunctionName, extension: Extension): RangeFunction {
  const allowed = extension === "anchored" ? ANCHORED : SMOOTHED;
  if (!allowed.includes(func)) {
    throw new EvaluationError(
      "execution",
      `${extension} modifier can only be used with: ${allowed.join(", ")} - not with ${func}`,
    );
  }
  switch (func) {
    case "changes":
      return anchored(changesOver);
    case "resets":
      return anchored(resetsOver);
    default:
      return extendedGrowth(extension, func !== "delta", func === "rate");
  }
}
