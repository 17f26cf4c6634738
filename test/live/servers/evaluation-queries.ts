/** Random expressions that find something in the series of `evaluation-data.ts`. */
import type { Expr, Fill, Grouping, Matcher, Matching, TimeShift, VectorSelector } from "../../../src/promql/ast.ts";
import {
  aggregate,
  binary,
  by,
  call,
  type FunctionName,
  labelSelector,
  matcher,
  matrix,
  number,
  print,
  selector,
  string,
  subquery,
  unary,
  without,
} from "../../../src/promql/index.ts";
import { type Random, random } from "../../mesh/random.ts";
import { END_MS, START_MS } from "./evaluation-data.ts";
import { steadinessOf } from "./evaluation-steadiness.ts";

/** A query and when it is asked. */
export interface EvaluationCase {
  readonly query: string;
  readonly when: { readonly at: number } | { readonly from: number; readonly to: number; readonly step: number };
  /** Whether every operation of it is one that IEEE 754 defines to the last bit. */
  readonly exact: boolean;
  /** What its results are sorted by; equal values come in any order. */
  readonly sortedBy?: "labels" | "values" | undefined;
}

/** The first case from `seed` on that a server has but one answer to. */
export function evaluationCase(seed: number): EvaluationCase {
  const source = random(seed);
  for (;;) {
    const { expr, when, inexact } = new Queries(source).whole();
    const steadiness = steadinessOf(expr, !("at" in when));
    if (steadiness === "open") continue;
    const exact = !inexact && steadiness === "exact";
    return { query: print(expr), when, exact, sortedBy: "at" in when ? sortedBy(expr) : undefined };
  }
}

function sortedBy(expr: Expr): EvaluationCase["sortedBy"] {
  if (expr.kind !== "call" || !expr.func.startsWith("sort")) return undefined;
  return expr.func.startsWith("sort_by_label") ? "labels" : "values";
}

const METRICS: Readonly<Record<string, readonly string[]>> = {
  requests_total: ["job", "instance", "code"],
  temperature: ["job", "instance"],
  load: ["job", "instance"],
  build_info: ["job", "version"],
  odd: ["job"],
  huge: ["job"],
  latency_seconds_bucket: ["job", "instance", "le"],
  latency_seconds_sum: ["job", "instance"],
  latency_seconds_count: ["job", "instance"],
  twin_a: ["job"],
  twin_b: ["job"],
  "per.node.größe": ["host.name", "zone"],
  sparse: ["job", "instance"],
  constant: ["job", "instance"],
  nothing: ["job"],
};
const NAMES = [...Object.keys(METRICS), "requests_total", "requests_total", "temperature", "load"];
const VALUES: Readonly<Record<string, readonly string[]>> = {
  job: ["api", "web"],
  instance: ["a:1", "b:2", "c:3"],
  code: ["200", "404", "503"],
  version: ["v1", "v2"],
  le: ["0.1", "1", "+Inf", "0"],
  "host.name": ["a:1", "c:3"],
  zone: ["zürich 😀"],
};
const LABELS = [...Object.keys(VALUES), "job", "instance", "code", "missing"];
const PATTERNS = [".*", ".+", "a.*", "(api|web)", "[ab]:[12]", "5..|404", "", "v1|", "(?i)API", "z.rich .*"];
const SPANS = [1, 14_999, 15_000, 30_000, 45_001, 60_000, 120_000, 300_000, 300_000, 600_000, 1_234_567, 3_600_000];
const ARITHMETIC = ["+", "-", "*", "/", "%"] as const;
const COMPARISONS = ["==", "!=", "<", "<=", ">", ">="] as const;
const SETS = ["and", "or", "unless"] as const;
const REDUCING = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"] as const;
const EXACT_ELEMENTS: readonly FunctionName[] = ["abs", "ceil", "floor", "sqrt", "sgn", "round", "deg", "rad"];
const CALENDAR: readonly FunctionName[] = [
  "day_of_month",
  "day_of_week",
  "day_of_year",
  "days_in_month",
  "hour",
  "minute",
  "month",
  "year",
];
const INEXACT: readonly FunctionName[] = [
  "acos",
  "acosh",
  "asin",
  "asinh",
  "atan",
  "atanh",
  "cos",
  "cosh",
  "exp",
  "ln",
  "log10",
  "log2",
  "sin",
  "sinh",
  "tan",
  "tanh",
];
const NATIVE: readonly FunctionName[] = [
  "histogram_avg",
  "histogram_count",
  "histogram_stddev",
  "histogram_stdvar",
  "histogram_sum",
];
const OVER_TIME: readonly FunctionName[] = [
  "absent_over_time",
  "avg_over_time",
  "changes",
  "count_over_time",
  "delta",
  "deriv",
  "first_over_time",
  "idelta",
  "increase",
  "increase",
  "irate",
  "last_over_time",
  "mad_over_time",
  "max_over_time",
  "min_over_time",
  "present_over_time",
  "rate",
  "rate",
  "rate",
  "resets",
  "stddev_over_time",
  "stdvar_over_time",
  "sum_over_time",
  "ts_of_first_over_time",
  "ts_of_last_over_time",
  "ts_of_max_over_time",
  "ts_of_min_over_time",
];
const NUMBERS = [0, 1, 2, 3, 0.5, -1, 10, 100, 0.9, 1e-3, 1e6, Number.NaN, Number.POSITIVE_INFINITY, -0];
const QUANTILES = [0, 0.1, 0.5, 0.75, 0.9, 0.99, 1, -0.1, 1.5, Number.NaN];

class Queries {
  readonly #random: Random;

  constructor(source: Random) {
    this.#random = source;
  }

  whole(): { expr: Expr; when: EvaluationCase["when"]; inexact: boolean } {
    const when = this.#when();
    const inexact = this.#chance(0.1);
    const kind = this.#random.between(0, 19);
    let expr: Expr;
    if (inexact) expr = this.#inexact();
    else if (kind === 0) expr = this.#scalar(2);
    else if (kind === 1 && "at" in when) expr = this.#matrix(2);
    else expr = this.#vector(this.#random.between(1, 4));
    if (!inexact && this.#chance(0.02)) expr = this.#sorted();
    return { expr, when, inexact };
  }

  #when(): EvaluationCase["when"] {
    const instant = (): number => {
      const at = this.#random.between(START_MS / 1000 - 600, END_MS / 1000 + 600);
      return this.#chance(0.4) ? Math.round(at / 15) * 15_000 - 5000 : at * 1000 + this.#random.between(0, 999);
    };
    if (this.#chance(0.5)) return { at: instant() };
    const from = instant();
    const step = this.#random.pick([1000, 7000, 12_345, 15_000, 30_000, 60_000, 60_000, 300_000, 1_800_000]);
    return { from, to: from + step * this.#random.between(0, 40) + this.#random.between(0, 999), step };
  }

  #vector(depth: number): Expr {
    if (depth <= 0) return this.#selector();
    const next = depth - 1;
    switch (this.#random.between(0, 21)) {
      case 0:
        return this.#selector();
      case 1:
      case 2:
      case 3:
        return call(this.#random.pick(OVER_TIME), this.#matrix(next));
      case 4:
        return this.#overTimeWithNumbers(next);
      case 5:
      case 6:
      case 7:
      case 8:
        return this.#aggregation(next);
      case 9:
      case 10:
        return this.#joined(next);
      case 11:
        return this.#sameOnBothSides(next);
      case 12:
        return binary(this.#random.pick(SETS), this.#vector(next), this.#vector(next), { matching: this.#matching() });
      case 13:
      case 14:
        return this.#withScalar(next);
      case 15:
        return call(this.#random.pick(EXACT_ELEMENTS), this.#vector(next));
      case 16:
        return this.#histogram(next);
      case 17:
        return this.#relabelled(next);
      case 18:
        return this.#bounded(next);
      case 19:
        return this.#rare(next);
      case 20:
        return unary(this.#random.pick(["+", "-"] as const), this.#vector(next));
      default:
        return this.#grouped(next);
    }
  }

  #selector(): VectorSelector {
    if (this.#chance(0.05)) {
      const [op, pattern] = this.#random.pick([
        ["=~", "twin_.*"],
        ["=~", "latency_.+"],
        ["=~", "(odd|huge)"],
        ["!~", "(twin|native)_.*"],
        ["!~", "(latency|native)_.+"],
        ["!~", "odd|huge|native_.*"],
      ] as const);
      return selector(undefined, [matcher("job", "=~", ".+"), matcher("__name__", op, pattern)], this.#shift());
    }
    const name = this.#random.pick(NAMES);
    const matchers: Matcher[] = [];
    while (this.#chance(0.25)) matchers.push(this.#matcher(METRICS[name] ?? []));
    return selector(name, matchers, this.#shift());
  }

  #matcher(labels: readonly string[]): Matcher {
    const label = this.#chance(0.9) ? this.#random.pick(labels) : "missing";
    if (this.#chance(0.5)) {
      return matcher(label, this.#random.pick(["=", "=", "!="] as const), this.#random.pick(VALUES[label] ?? [""]));
    }
    return matcher(label, this.#random.pick(["=~", "!~"] as const), this.#random.pick(PATTERNS));
  }

  #shift(): TimeShift {
    const chance = this.#random.next();
    if (chance > 0.15) return {};
    const offsetMs = this.#random.pick([1000, 60_000, 300_000, -60_000, 3_600_000, 12_345]);
    if (chance > 0.08) return { offsetMs };
    const at = this.#random.pick(["start", "end", START_MS + 1_800_000, START_MS + 3_600_123] as const);
    return chance > 0.02 ? { at } : { at, offsetMs };
  }

  #matrix(depth: number): Expr {
    if (depth <= 0 || this.#chance(0.75)) return matrix(this.#selector(), this.#random.pick(SPANS));
    const stepMs = this.#random.pick([0, 15_000, 30_000, 60_000, 7000]);
    const rangeMs = this.#random.pick([30_000, 120_000, 300_000, 600_000]);
    return subquery(this.#vector(depth - 1), rangeMs, stepMs === 0 ? undefined : stepMs, this.#shift());
  }

  #scalar(depth: number): Expr {
    if (depth <= 0 || this.#chance(0.7)) return number(this.#random.pick(NUMBERS));
    switch (this.#random.between(0, 4)) {
      case 0:
        return call("scalar", this.#vector(depth - 1));
      case 1:
        return call("time");
      case 2:
        return binary(this.#random.pick(ARITHMETIC), this.#scalar(depth - 1), this.#scalar(depth - 1));
      case 3:
        return binary(this.#random.pick(COMPARISONS), this.#scalar(depth - 1), this.#scalar(depth - 1), { bool: true });
      default:
        return unary("-", this.#scalar(depth - 1));
    }
  }

  #overTimeWithNumbers(depth: number): Expr {
    switch (this.#random.between(0, 3)) {
      case 0:
        return call("quantile_over_time", this.#quantile(depth), this.#matrix(depth));
      case 1:
        return call("predict_linear", this.#matrix(depth), number(this.#random.pick([0, 60, 3600, -60, 0.5])));
      case 2: {
        const factor = () => number(this.#random.pick([0.1, 0.5, 0.9, 0.3]));
        return call("double_exponential_smoothing", this.#matrix(depth), factor(), factor());
      }
      default:
        return call("sum_over_time", this.#matrix(depth));
    }
  }

  #quantile(depth: number): Expr {
    return this.#chance(0.9) ? number(this.#random.pick(QUANTILES)) : this.#scalar(depth);
  }

  #grouping(): Grouping | undefined {
    if (this.#chance(0.25)) return undefined;
    const labels = [...new Set(Array.from({ length: this.#random.between(0, 2) }, () => this.#random.pick(LABELS)))];
    return this.#chance(0.7) ? by(...labels) : without(...labels);
  }

  #aggregation(depth: number): Expr {
    const grouping = this.#grouping();
    const inner = this.#vector(depth);
    switch (this.#random.between(0, 11)) {
      case 0:
        return aggregate(this.#random.pick(["topk", "bottomk"] as const), inner, {
          grouping,
          param: number(this.#random.pick([0, 1, 2, 3, 5, 2.7, -1])),
        });
      case 1:
        return aggregate("quantile", inner, { grouping, param: this.#quantile(depth) });
      case 2:
        return aggregate("count_values", inner, {
          grouping,
          param: string(this.#random.pick(["value", "job", "wärme"])),
        });
      case 3:
        return aggregate(this.#random.pick(["limitk", "limit_ratio"] as const), inner, {
          grouping,
          param: number(this.#random.pick([0, 1, 2, 0.5, -0.3, 0.9])),
        });
      default:
        return aggregate(this.#random.pick(REDUCING), inner, { grouping });
    }
  }

  #matching(): Matching | undefined {
    if (this.#chance(0.4)) return undefined;
    const labels = [...new Set(Array.from({ length: this.#random.between(0, 2) }, () => this.#random.pick(LABELS)))];
    return { kind: this.#random.pick(["on", "on", "ignoring"] as const), labels };
  }

  #fill(): Fill {
    const value = () => this.#random.pick(NUMBERS);
    return this.#random.pick([{ left: value() }, { right: value() }, { left: value(), right: value() }]);
  }

  /** A number of native histograms. */
  #native(depth: number): Expr {
    const name = this.#random.pick(["native_seconds", "native_seconds", "native_gauge", "native_bounds"]);
    const series = selector(name, this.#chance(0.3) ? [this.#matcher(["job", "instance"])] : [], this.#shift());
    // Where a server reads no more than counts, it does not see that a gauge's buckets fall.
    const growth = name === "native_gauge" ? "delta" : this.#random.pick(["rate", "increase", "delta"] as const);
    const grown = this.#chance(0.7) ? call(growth, matrix(series, this.#random.pick(SPANS))) : series;
    const op = this.#random.pick(["sum", "avg"] as const);
    const summed = this.#chance(0.6) ? aggregate(op, grown, { grouping: this.#grouping() }) : grown;
    const factor = number(this.#random.pick([2, 0.5, -1, 3]));
    const scaled = this.#chance(0.2) ? binary(this.#random.pick(["*", "/"] as const), summed, factor) : summed;
    const bounds = [-1, 0, 0.1, 0.3, 1, 5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    switch (this.#random.between(0, 3)) {
      case 0:
        return call("histogram_fraction", number(this.#random.pick(bounds)), number(this.#random.pick(bounds)), scaled);
      case 1:
        return call(this.#random.pick(NATIVE), scaled);
      default:
        return call("histogram_quantile", this.#quantile(depth), scaled);
    }
  }

  /** Two vectors that may or may not find each other. */
  #joined(depth: number): Expr {
    const compares = this.#chance(0.4);
    const op = compares ? this.#random.pick(COMPARISONS) : this.#random.pick(ARITHMETIC);
    const bool = compares && this.#chance(0.4);
    const matching = this.#matching();
    const side = this.#random.pick(["left", "right"] as const);
    const grouped =
      matching !== undefined && this.#chance(0.4)
        ? {
            ...matching,
            group: { side, include: this.#chance(0.5) || matching.labels.includes("version") ? [] : ["version"] },
          }
        : matching;
    const filled = this.#chance(0.15)
      ? { kind: "ignoring" as const, labels: [], ...grouped, fill: this.#fill() }
      : grouped;
    return binary(op, this.#vector(depth), this.#vector(depth), { bool, matching: filled });
  }

  /** An aggregate beside another of the same labels, as in ratios. */
  #sameOnBothSides(depth: number): Expr {
    const labels = [...new Set([this.#random.pick(LABELS), this.#random.pick(LABELS)])];
    const side = () => aggregate(this.#random.pick(REDUCING), this.#vector(depth), { grouping: by(...labels) });
    const compares = this.#chance(0.3);
    const op = compares ? this.#random.pick(COMPARISONS) : this.#random.pick(ARITHMETIC);
    return binary(op, side(), side(), { bool: compares && this.#chance(0.5) });
  }

  /** Many series beside one, as with labels taken over from an info metric. */
  #grouped(depth: number): Expr {
    const many = this.#vector(depth);
    const info = selector("build_info");
    const matching = (side: "left" | "right"): Matching => ({
      kind: "on",
      labels: ["job"],
      group: { side, include: this.#random.pick([["version"], [], ["version", "instance"]]) },
    });
    const op = this.#random.pick(["*", "/", "+", "==", "<"] as const);
    return this.#chance(0.7)
      ? binary(op, many, info, { matching: matching("left") })
      : binary(op, info, many, { matching: matching("right") });
  }

  #withScalar(depth: number): Expr {
    const compares = this.#chance(0.5);
    const op = compares ? this.#random.pick(COMPARISONS) : this.#random.pick(ARITHMETIC);
    const vector = this.#vector(depth);
    const scalar = this.#scalar(depth);
    const bool = compares && this.#chance(0.4);
    return this.#chance(0.5) ? binary(op, vector, scalar, { bool }) : binary(op, scalar, vector, { bool });
  }

  #histogram(depth: number): Expr {
    const buckets = selector(
      "latency_seconds_bucket",
      this.#chance(0.4) ? [this.#matcher(["job", "instance"])] : [],
      this.#shift(),
    );
    const rates = this.#chance(0.7)
      ? call(this.#random.pick(["rate", "increase", "irate"] as const), matrix(buckets, this.#random.pick(SPANS)))
      : buckets;
    const summed = this.#chance(0.5)
      ? aggregate("sum", rates, { grouping: by("le", ...(this.#chance(0.5) ? ["job"] : [])) })
      : rates;
    if (this.#chance(0.25)) {
      const bounds = [-1, 0, 0.1, 0.3, 1, 5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
      return call("histogram_fraction", number(this.#random.pick(bounds)), number(this.#random.pick(bounds)), summed);
    }
    if (this.#chance(0.1)) {
      // A server mixes up buckets of the same bound (1 and 1.0) for all quantiles but the first.
      const web = call("rate", matrix(selector("latency_seconds_bucket", [matcher("job", "=", "web")]), 300_000));
      return call("histogram_quantiles", web, string("q"), number(0.5), number(this.#random.pick(QUANTILES)));
    }
    return call("histogram_quantile", this.#quantile(depth), summed);
  }

  #relabelled(depth: number): Expr {
    const inner = this.#vector(depth);
    if (this.#chance(0.3)) {
      return call(
        "label_join",
        inner,
        string(this.#random.pick(["joined", "job"])),
        string("-"),
        string("job"),
        string("instance"),
      );
    }
    const [to, replacement, from, pattern] = this.#random.pick([
      ["job", "$1", "instance", "(.):.*"],
      ["__name__", "renamed", "job", "api"],
      ["new", "$2-$x", "instance", "(?P<x>\\w):(\\d)"],
      ["instance", "", "job", "web"],
      ["zone", "$1$$", "zone", "(z.)rich.*"],
    ] as const);
    return call("label_replace", inner, string(to), string(replacement), string(from), string(pattern));
  }

  #bounded(depth: number): Expr {
    const inner = this.#vector(depth);
    const [low, high] = [number(this.#random.pick(NUMBERS)), this.#scalar(depth)];
    switch (this.#random.between(0, 3)) {
      case 0:
        return call("clamp", inner, low, high);
      case 1:
        return call("clamp_min", inner, low);
      case 2:
        return call("clamp_max", inner, high);
      default:
        return call("round", inner, number(this.#random.pick([1, 0.1, 10, 0.5, 0])));
    }
  }

  #rare(depth: number): Expr {
    const inner = this.#vector(depth);
    switch (this.#random.between(0, 8)) {
      case 7:
        return call("info", inner, labelSelector([matcher("__name__", "=", "build_info")]));
      case 8:
        return call("info", inner, labelSelector([matcher("__name__", "=~", "build_.*"), this.#matcher(["version"])]));
      case 0:
        return call("absent", inner);
      case 1:
        return this.#timestamp(this.#chance(0.6) ? this.#selector() : inner);
      case 2:
        return call("vector", this.#scalar(depth));
      case 3:
        return call(this.#random.pick(CALENDAR), this.#chance(0.5) ? this.#timestamp(inner) : inner);
      case 4:
        return call(this.#random.pick(CALENDAR));
      case 5:
        return call("vector", call("scalar", inner));
      default:
        return call(this.#random.pick(["histogram_count", "histogram_sum", "histogram_avg"] as const), inner);
    }
  }

  /** A server forgets an offset beside `@` where it asks for the time of samples. */
  #timestamp(expr: Expr): Expr {
    if (expr.kind !== "vector" || expr.at === undefined) return call("timestamp", expr);
    return call("timestamp", selector(expr.name, expr.matchers, { at: expr.at }));
  }

  /** Approximations stand outermost, so that nothing makes more of their last bits. */
  #inexact(): Expr {
    if (this.#chance(0.5)) return this.#native(1);
    const inner = this.#vector(2);
    switch (this.#random.between(0, 3)) {
      case 0:
        return binary("^", inner, number(this.#random.pick([2, 3, 0.5, -1, -0.5, 1.5, 0.1])));
      case 1:
        return binary("atan2", inner, number(this.#random.pick(NUMBERS)));
      case 2:
        return binary("^", number(this.#random.pick([2, 10, 0.5])), inner);
      default:
        return call(this.#random.pick(INEXACT), inner);
    }
  }

  #sorted(): Expr {
    const inner = this.#vector(1);
    // Where a label is missing, a server's natural order is none.
    const requests = call("rate", matrix(selector("requests_total"), this.#random.pick(SPANS)));
    switch (this.#random.between(0, 3)) {
      case 0:
        return call("sort_by_label", requests, string("instance"), string("job"));
      case 1:
        return call("sort_by_label_desc", requests, string("code"));
      default:
        return call(this.#random.pick(["sort", "sort_desc"] as const), inner);
    }
  }

  #chance(share: number): boolean {
    return this.#random.next() < share;
  }
}
