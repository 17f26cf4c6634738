import { QueryError } from "../../../errors.ts";
import type {
  AggregationOp,
  CompareOp,
  Comparison,
  Condition,
  Conversion,
  Grouping,
  LabelFilter,
  LineFunction,
  LogqlExpr,
  LogSelection,
  MatchOp,
  MetricExpr,
  RangeAggregation,
  Stage,
  StreamMatcher,
  Unwrap,
  UnwrappedFunction,
} from "../../../logs/logql/ast.ts";
import {
  aggregate,
  and,
  by,
  duration,
  json,
  labelFilter,
  lineFilter,
  logfmt,
  number,
  or,
  overLines,
  overNumbers,
  selection,
  streamMatcher,
  text,
  unwrap,
  without,
} from "../../../logs/logql/construct.ts";
import { re2Pattern } from "../../../logs/re2-pattern.ts";
import { LogqlFault, type LogqlToken, logqlTokens } from "./logql-lexer.ts";

/**
 * Reads LogQL as far as this library writes it: whatever its printer prints comes back as the tree that it was.
 *
 * @throws {LogqlFault} for what is no LogQL, or is more of it than the tree can hold
 */
export function parseLogql(source: string): LogqlExpr {
  return new Parser(source).whole();
}

const LINE_FUNCTIONS: ReadonlySet<string> = new Set<LineFunction>([
  "bytes_over_time",
  "bytes_rate",
  "count_over_time",
  "rate",
]);
const UNWRAPPED_FUNCTIONS: ReadonlySet<string> = new Set<UnwrappedFunction>([
  "avg_over_time",
  "max_over_time",
  "min_over_time",
  "quantile_over_time",
  "stddev_over_time",
  "stdvar_over_time",
  "sum_over_time",
]);
const AGGREGATIONS: ReadonlySet<string> = new Set<AggregationOp>([
  "avg",
  "bottomk",
  "count",
  "max",
  "min",
  "stddev",
  "stdvar",
  "sum",
  "topk",
]);
const MATCH_OPS: ReadonlySet<string> = new Set<MatchOp>(["!=", "!~", "=", "=~"]);
const COMPARE_OPS: ReadonlySet<string> = new Set<CompareOp>(["!=", "<", "<=", "==", ">", ">="]);
const LINE_OPS: ReadonlySet<string> = new Set(["!=", "!~", "|=", "|~"]);

class Parser {
  readonly #source: string;
  readonly #tokens: readonly LogqlToken[];
  #next = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = logqlTokens(source);
  }

  whole(): LogqlExpr {
    const expr = this.#is("{") ? this.#selection() : this.#metric();
    if (this.#token.kind !== "end") throw this.#unexpected();
    return expr;
  }

  get #token(): LogqlToken {
    return this.#tokens[this.#next] ?? END;
  }

  #metric(): MetricExpr {
    const { kind, text: name, at } = this.#token;
    if (kind !== "name") throw this.#unexpected();
    this.#next++;
    if (AGGREGATIONS.has(name)) return this.#aggregation(name as AggregationOp, at);
    if (LINE_FUNCTIONS.has(name) || UNWRAPPED_FUNCTIONS.has(name)) return this.#range(name, at);
    throw new LogqlFault(this.#source, at, "syntax error: unexpected IDENTIFIER");
  }

  #aggregation(op: AggregationOp, at: number): MetricExpr {
    const before = this.#grouping();
    this.#take("(");
    const { kind } = this.#token;
    const count = kind === "number" ? this.#number() : undefined;
    if (count !== undefined) this.#take(",");
    const inner = this.#metric();
    this.#take(")");
    const grouping = before ?? this.#grouping();
    return this.#made(at, () => aggregate(op, inner, grouping, count));
  }

  #range(func: string, at: number): RangeAggregation {
    this.#take("(");
    const quantile = this.#token.kind === "number" ? this.#number() : undefined;
    if (quantile !== undefined) this.#take(",");
    const lines = this.#selection();
    const number = this.#unwrap();
    this.#take("[");
    const rangeNs = this.#duration();
    this.#take("]");
    this.#take(")");
    const grouping = this.#grouping();
    if (rangeNs % 1_000_000n !== 0n) throw new LogqlFault(this.#source, at, "ranges are whole milliseconds here");
    const rangeMs = Number(rangeNs / 1_000_000n);
    if (LINE_FUNCTIONS.has(func)) {
      if (number !== undefined || grouping !== undefined || quantile !== undefined) {
        throw new LogqlFault(this.#source, at, `invalid aggregation ${func} with unwrap`);
      }
      return this.#made(at, () => overLines(func as LineFunction, lines, rangeMs));
    }
    if (number === undefined) throw new LogqlFault(this.#source, at, `invalid aggregation ${func} without unwrap`);
    return this.#made(at, () => overNumbers(func as UnwrappedFunction, lines, number, rangeMs, { quantile, grouping }));
  }

  #grouping(): Grouping | undefined {
    if (!this.#is("by") && !this.#is("without")) return undefined;
    const { text: kind, at } = this.#token;
    this.#next++;
    this.#take("(");
    const labels: string[] = [];
    while (!this.#is(")")) {
      if (labels.length > 0) this.#take(",");
      labels.push(this.#name());
    }
    this.#take(")");
    return this.#made(at, () => (kind === "by" ? by(...labels) : without(...labels)));
  }

  #selection(): LogSelection {
    const { at } = this.#token;
    this.#take("{");
    const matchers: StreamMatcher[] = [];
    while (!this.#is("}")) {
      if (matchers.length > 0) this.#take(",");
      matchers.push(this.#matcher());
    }
    this.#take("}");
    const stages: Stage[] = [];
    for (let stage = this.#stage(); stage !== undefined; stage = this.#stage()) stages.push(stage);
    if (!matchers.some(selects)) throw new LogqlFault(this.#source, undefined, NOTHING_SELECTED);
    return this.#made(at, () => selection(matchers, ...stages));
  }

  #matcher(): StreamMatcher {
    const { at } = this.#token;
    const label = this.#name();
    const op = this.#operator(MATCH_OPS) as MatchOp;
    const value = this.#string();
    return this.#made(at, () => streamMatcher(label, op, value));
  }

  /** `undefined` where no more stages follow. */
  #stage(): Stage | undefined {
    const { kind, text: sign } = this.#token;
    if (kind === "sign" && LINE_OPS.has(sign)) {
      this.#next++;
      return lineFilter(sign as "!=" | "!~" | "|=" | "|~", this.#string());
    }
    if (!this.#is("|") || this.#tokens[this.#next + 1]?.text === "unwrap") return undefined;
    this.#next++;
    if (this.#is("json")) return this.#skipped(json);
    if (this.#is("logfmt")) return this.#skipped(logfmt);
    return labelFilter(this.#condition());
  }

  #unwrap(): Unwrap | undefined {
    if (!this.#is("|")) return undefined;
    this.#next++;
    this.#take("unwrap");
    const { at } = this.#token;
    const first = this.#name();
    let conversion: Conversion | undefined;
    let label = first;
    if (this.#is("(")) {
      this.#next++;
      conversion = first as Conversion;
      label = this.#name();
      this.#take(")");
    }
    const made = this.#made(at, () => unwrap(label, conversion));
    const filters: LabelFilter[] = [];
    while (this.#is("|")) {
      this.#next++;
      filters.push(labelFilter(this.#condition()));
    }
    return Object.freeze({ ...made, filters: Object.freeze(filters) });
  }

  /** `or` binds less than `and`, for which a comma may stand too. */
  #condition(): Condition {
    let left = this.#conjunction();
    while (this.#is("or")) {
      this.#next++;
      left = or(left, this.#conjunction());
    }
    return left;
  }

  #conjunction(): Condition {
    let left = this.#primary();
    while (this.#is("and") || this.#is(",")) {
      this.#next++;
      left = and(left, this.#primary());
    }
    return left;
  }

  #primary(): Condition {
    if (!this.#is("(")) return this.#comparison();
    this.#next++;
    const inner = this.#condition();
    this.#take(")");
    return inner;
  }

  #comparison(): Comparison {
    const { at } = this.#token;
    const label = this.#name();
    const op = this.#operator(new Set([...MATCH_OPS, ...COMPARE_OPS]));
    const value = this.#token;
    const wrong = () => new LogqlFault(this.#source, at, `syntax error: unexpected ${op}`);
    switch (value.kind) {
      case "string":
        this.#next++;
        if (!MATCH_OPS.has(op)) throw wrong();
        return this.#made(at, () => text(label, op as MatchOp, value.value));
      case "number":
      case "duration": {
        this.#next++;
        const compared = (op === "=" ? "==" : op) as CompareOp;
        if (!COMPARE_OPS.has(compared)) throw wrong();
        return this.#made(at, () =>
          value.kind === "number" ? number(label, compared, value.value) : duration(label, compared, value.ns),
        );
      }
      default:
        throw this.#unexpected();
    }
  }

  #is(wanted: string): boolean {
    const { kind, text: found } = this.#token;
    return (kind === "sign" || kind === "name") && found === wanted;
  }

  #skipped<T>(value: T): T {
    this.#next++;
    return value;
  }

  #take(wanted: string): void {
    if (!this.#is(wanted)) throw this.#unexpected();
    this.#next++;
  }

  #name(): string {
    const { kind, text: name } = this.#token;
    if (kind !== "name") throw this.#unexpected();
    this.#next++;
    return name;
  }

  #operator(known: ReadonlySet<string>): string {
    const { kind, text: op } = this.#token;
    if (kind !== "sign" || !known.has(op)) throw this.#unexpected();
    this.#next++;
    return op;
  }

  #string(): string {
    const token = this.#token;
    if (token.kind !== "string") throw this.#unexpected();
    this.#next++;
    return token.value;
  }

  #number(): number {
    const token = this.#token;
    if (token.kind !== "number") throw this.#unexpected();
    this.#next++;
    return token.value;
  }

  #duration(): bigint {
    const token = this.#token;
    if (token.kind !== "duration") throw this.#unexpected();
    this.#next++;
    return token.ns;
  }

  /** What a constructor makes; where it refuses, that is a mistake in the text. */
  #made<T>(at: number, make: () => T): T {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      throw new LogqlFault(this.#source, at, error.message);
    }
  }

  #unexpected(): LogqlFault {
    const { kind, text: found, at } = this.#token;
    const shown: Readonly<Record<LogqlToken["kind"], string>> = {
      duration: "DURATION",
      end: "$end",
      name: "IDENTIFIER",
      number: "NUMBER",
      sign: found,
      string: "STRING",
    };
    return new LogqlFault(this.#source, at, `syntax error: unexpected ${shown[kind]}`);
  }
}

const END: LogqlToken = { kind: "end", at: 0, text: "" };

/** Whether no stream without the label would do. */
const selects = ({ op, value }: StreamMatcher): boolean =>
  op === "=" ? value !== "" : op === "=~" && !re2Pattern(value, "whole").test("");

const NOTHING_SELECTED =
  'queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~".*" does not meet this requirement, but app=~".+" will';
