import { formatInstant } from "../../time.ts";
import type { Placed } from "../ast.ts";
import { generalText, roundedText } from "./float-text.ts";

/** Whether a remark puts the values in doubt (`warning`) or only explains them (`info`). */
type Level = "info" | "warning";

interface Annotation {
  readonly level: Level;
  /** What is said, without its place: two that say the same are one. */
  readonly text: string;
  readonly at: Placed;
  /** More that is known only in the end. */
  readonly detail?: Detail;
}

/** Where and how often a histogram's buckets had to be repaired. */
interface Detail {
  readonly fromMs: number;
  readonly toMs: number;
  readonly lowest: number;
  readonly highest: number;
  readonly difference: number;
  readonly count: number;
}

/** What Prometheus remarks about an evaluation, in its words. */
export interface Remarks {
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

/** Where remarks go, and what they are about. */
export interface RemarkPlace {
  readonly at: Placed;
  readonly annotations: Annotations;
}

/** By what native histograms became one. */
export type Joining = "addition" | "aggregation" | "subtraction";

type SampleType = "float" | "histogram";

/**
 * Collects the remarks of one evaluation.
 *
 * @see Prometheus, `util/annotations`
 */
export class Annotations {
  readonly #found = new Map<string, Annotation>();

  #add(annotation: Annotation): void {
    const key = `${annotation.level}: ${annotation.text}`;
    const before = this.#found.get(key);
    const { detail } = annotation;
    if (before?.detail !== undefined && detail !== undefined) {
      this.#found.set(key, { ...before, detail: joined(before.detail, detail) });
      return;
    }
    this.#found.set(key, annotation);
  }

  invalidQuantile(quantile: number, at: Placed): void {
    this.#warn(`quantile value should be between 0 and 1, got ${generalText(quantile)}`, at);
  }

  invalidRatio(ratio: number, cap: number, at: Placed): void {
    this.#warn(`ratio value should be between -1 and 1, got ${generalText(ratio)}, capping to ${generalText(cap)}`, at);
  }

  invalidStrategy(strategy: number, at: Placed): void {
    this.#warn(`strategy should be 0, 1, or 2 (default), using 2, got ${generalText(strategy)}`, at);
  }

  badBucketLabel(metric: string, label: string, at: Placed): void {
    const named = metric === "" ? "" : ` for metric name ${JSON.stringify(metric)}`;
    this.#warn(`bucket label "le" is missing or has a malformed value of ${JSON.stringify(label)}${named}`, at);
  }

  sortInRange(at: Placed): void {
    this.#warn("sort is ineffective for range queries since results are always ordered by labels", at);
  }

  possibleNonCounter(metric: string, at: Placed): void {
    const text = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket:";
    this.#inform(`${text} ${JSON.stringify(metric)}`, at);
  }

  histogramNoCounter(metric: string, at: Placed): void {
    this.#warn(`this native histogram metric is not a counter: ${JSON.stringify(metric)}`, at);
  }

  histogramNoGauge(metric: string, at: Placed): void {
    this.#warn(`this native histogram metric is not a gauge: ${JSON.stringify(metric)}`, at);
  }

  mixedHistograms(metric: string, at: Placed): void {
    const named = metric === "" ? "" : ` for metric name ${JSON.stringify(metric)}`;
    this.#warn(`vector contains a mix of classic and native histograms${named}`, at);
  }

  /** Whether a counter was reset is contradictory. */
  resetCollision(during: Joining, at: Placed): void {
    this.#warn(`conflicting counter resets during histogram ${during}`, at);
  }

  /** Custom bounds differ, and those that both had were kept. */
  reconciledBuckets(during: Joining, at: Placed): void {
    this.#inform(`mismatched custom buckets were reconciled during ${during}`, at);
  }

  /** A range is of numbers and native histograms. */
  mixedRange(metric: string, at: Placed): void {
    this.#warn(`encountered a mix of histograms and floats for metric name ${JSON.stringify(metric)}`, at);
  }

  /** A group is of numbers and native histograms. */
  mixedGroup(at: Placed): void {
    this.#warn("encountered a mix of histograms and floats for aggregation", at);
  }

  /** Native histograms of which some have custom bounds, and some have not. */
  mixedSchemas(metric: string, at: Placed): void {
    const text = "vector contains a mix of histograms with exponential and custom buckets schemas for metric name";
    this.#warn(`${text} ${JSON.stringify(metric)}`, at);
  }

  incompatibleBuckets(operator: string, at: Placed): void {
    this.#warn(`incompatible bucket layout encountered for binary operator ${operator}`, at);
  }

  ignoredInAggregation(op: string, at: Placed): void {
    this.#inform(`ignored histogram in ${op} aggregation`, at);
  }

  ignoredInRange(metric: string, at: Placed): void {
    const text = "ignored histograms in a range containing both floats and histograms for metric name";
    this.#inform(`${text} ${JSON.stringify(metric)}`, at);
  }

  /** What observations that are no numbers did to a result, which is said in full. */
  notANumber(what: string, metric: string, at: Placed): void {
    this.#inform(what + (metric === "" ? "" : ` for metric name ${JSON.stringify(metric)}`), at);
  }

  incompatibleTypes(left: SampleType, operator: string, right: SampleType, at: Placed): void {
    const text = "incompatible sample types encountered for binary operator";
    this.#inform(`${text} "${operator}": ${left} ${operator} ${right}`, at);
  }

  forcedMonotonicity(
    metric: string,
    at: Placed,
    atMs: number,
    repair: { readonly lowest: number; readonly highest: number; readonly difference: number },
  ): void {
    const named = metric === "" ? "" : ` for metric name ${JSON.stringify(metric)}`;
    const text = `input to histogram_quantile needed to be fixed for monotonicity (see ${DOCUMENTATION})${named}`;
    const detail = { ...repair, fromMs: atMs, toMs: atMs, count: 1 };
    this.#add({ level: "info", text: `PromQL info: ${text}`, at, detail });
  }

  #warn(text: string, at: Placed): void {
    this.#add({ level: "warning", text: `PromQL warning: ${text}`, at });
  }

  #inform(text: string, at: Placed): void {
    this.#add({ level: "info", text: `PromQL info: ${text}`, at });
  }

  /** All remarks; with their places as `line:column` where the text of the query is known. */
  remarks(query: string | undefined): Remarks {
    const warnings: string[] = [];
    const infos: string[] = [];
    for (const { level, text, at, detail } of this.#found.values()) {
      const place = at.span === undefined || query === undefined ? "" : ` (${placeOf(at.span.start, query)})`;
      const more = detail === undefined || query === undefined ? "" : describe(detail);
      (level === "info" ? infos : warnings).push(text + more + place);
    }
    return Object.freeze({ warnings: Object.freeze(warnings), infos: Object.freeze(infos) });
  }
}

const DOCUMENTATION = "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile";

const joined = (a: Detail, b: Detail): Detail => ({
  fromMs: Math.min(a.fromMs, b.fromMs),
  toMs: Math.max(a.toMs, b.toMs),
  lowest: Math.min(a.lowest, b.lowest),
  highest: Math.max(a.highest, b.highest),
  difference: Math.max(a.difference, b.difference),
  count: a.count + b.count,
});

function describe({ fromMs, toMs, lowest, highest, difference, count }: Detail): string {
  const buckets = `from buckets ${generalText(lowest)} to ${generalText(highest)}`;
  const second = (ms: number): string => formatInstant(Math.trunc(ms / 1000) * 1000);
  const times = `over ${count} samples from ${second(fromMs)} to ${second(toMs)}`;
  return `, ${buckets}, with a max diff of ${roundedText(difference)}, ${times}`;
}

/** Line and column from 1, the column in bytes of UTF-8, as Prometheus counts them. */
function placeOf(start: number, query: string): string {
  const before = query.slice(0, start);
  const lineStart = before.lastIndexOf("\n") + 1;
  return `${before.split("\n").length}:${Buffer.byteLength(before.slice(lineStart)) + 1}`;
}
