import { unreachable } from "../../../errors.ts";
import type {
  CompareOp,
  Condition,
  LabelFilter,
  LineFilter,
  LogSelection,
  MatchOp,
  Stage,
} from "../../../logs/logql/ast.ts";
import { re2Pattern } from "../../../logs/re2-pattern.ts";
import type { EmittedLine, LineWriter } from "../../telemetry.ts";
import { goDuration, goFloat } from "../go-text.ts";
import { jsonFields, logfmtFields } from "./fields.ts";

export type LokiLabels = Readonly<Record<string, string>>;

/** A line on its way through the stages of a query. */
export class LogEntry {
  readonly line: EmittedLine;
  /** The labels of its stream. */
  readonly stream: LokiLabels;
  /** Those that a parser made of its fields. */
  readonly parsed: Record<string, string> = {};
  /** Why a stage could not do with it, `""` where all could. */
  error = "";

  constructor(line: EmittedLine, stream: LokiLabels) {
    this.line = line;
    this.stream = stream;
  }

  /** `""` where there is no such label. */
  label(name: string): string {
    if (name === "__error__") return this.error;
    if (Object.hasOwn(this.parsed, name)) return this.parsed[name] ?? "";
    return Object.hasOwn(this.stream, name) ? (this.stream[name] ?? "") : "";
  }

  /** All of its labels, those of its fields and its error included. */
  get labels(): LokiLabels {
    return { ...this.stream, ...this.parsed, ...(this.error === "" ? {} : { __error__: this.error }) };
  }

  addFields(fields: LokiLabels): void {
    for (const [name, value] of Object.entries(fields)) {
      const label = Object.hasOwn(this.stream, name) ? `${name}_extracted` : name;
      Object.defineProperty(this.parsed, label, { value, enumerable: true, configurable: true, writable: true });
    }
  }
}

/** What a selection makes of lines. */
export interface Pipeline {
  /** Whether the lines of a proxy are of a stream that is selected. */
  readonly isOf: (writer: LineWriter) => boolean;
  /** The entry of a line of such a stream; nothing where it does not pass a stage. */
  readonly entryOf: (line: EmittedLine) => LogEntry | undefined;
}

/**
 * The streams and stages of a selection.
 *
 * @throws {QueryError} `code: "pattern"` for a pattern that is none
 */
export function pipelineOf({ matchers, stages }: LogSelection): Pipeline {
  const tests = matchers.map(({ label, op, value }) => ({ label, holds: textTest(op, value) }));
  const steps = stages.map(stepOf);
  return {
    isOf: (writer) => {
      const labels = streamOf(writer);
      return tests.every(({ label, holds }) => holds(Object.hasOwn(labels, label) ? (labels[label] ?? "") : ""));
    },
    entryOf: (line) => {
      const entry = new LogEntry(line, streamOf(line));
      return steps.every((step) => step(entry)) ? entry : undefined;
    },
  };
}

/** The labels that promtail gives the lines of a pod. */
export const streamOf = ({ app, container, namespace, pod }: LineWriter): LokiLabels =>
  Object.fromEntries(Object.entries({ app, container, namespace, pod }).filter(([, value]) => value !== ""));

export const streamKey = ({ namespace, pod, container, app }: LineWriter): string =>
  `${namespace}\n${pod}\n${container}\n${app}`;

/** One stage; false drops the entry. */
type Step = (entry: LogEntry) => boolean;

function stepOf(stage: Stage): Step {
  switch (stage.kind) {
    case "line":
      return lineStep(stage);
    case "parser":
      return stage.format === "json" ? parserStep(jsonFields) : parserStep(logfmtFields);
    case "filter":
      return filterStep(stage);
    default:
      return unreachable(stage);
  }
}

function lineStep({ op, text }: LineFilter): Step {
  switch (op) {
    case "|=":
      return ({ line }) => line.text.includes(text);
    case "!=":
      return ({ line }) => !line.text.includes(text);
    case "|~":
    case "!~": {
      const pattern = re2Pattern(text, "part");
      return ({ line }) => pattern.test(line.text) === (op === "|~");
    }
    default:
      return unreachable(op);
  }
}

const parserStep =
  (read: typeof jsonFields): Step =>
  (entry) => {
    const { labels, error } = read(entry.line.text);
    if (error === undefined) entry.addFields(labels);
    else entry.error = error;
    return true;
  };

/** A condition on labels, as a stage. */
export const filterStep = ({ condition }: LabelFilter): Step => conditionStep(condition);

function conditionStep(condition: Condition): Step {
  switch (condition.kind) {
    case "and": {
      const [left, right] = [conditionStep(condition.left), conditionStep(condition.right)];
      return (entry) => left(entry) && right(entry);
    }
    case "or": {
      const [left, right] = [conditionStep(condition.left), conditionStep(condition.right)];
      return (entry) => left(entry) || right(entry);
    }
    case "text": {
      const holds = textTest(condition.op, condition.value);
      return (entry) => holds(entry.label(condition.label));
    }
    case "number":
      return numberStep(condition.label, goFloat, condition.op, condition.value);
    case "duration":
      return numberStep(condition.label, goDuration, condition.op, Number(condition.ns));
    default:
      return unreachable(condition);
  }
}

/** What is no number is an error and passes, for a later stage to decide; once there is one, only texts are compared. */
function numberStep(label: string, read: (text: string) => number | undefined, op: CompareOp, than: number): Step {
  return (entry) => {
    if (entry.error !== "") return true;
    const text = entry.label(label);
    if (text === "") return false;
    const value = read(text);
    if (value === undefined) {
      entry.error = "LabelFilterErr";
      return true;
    }
    return compares(value, op, than);
  };
}

function compares(value: number, op: CompareOp, than: number): boolean {
  switch (op) {
    case "==":
      return value === than;
    case "!=":
      return value !== than;
    case "<":
      return value < than;
    case "<=":
      return value <= than;
    case ">":
      return value > than;
    case ">=":
      return value >= than;
    default:
      return unreachable(op);
  }
}

function textTest(op: MatchOp, value: string): (text: string) => boolean {
  switch (op) {
    case "=":
      return (text) => text === value;
    case "!=":
      return (text) => text !== value;
    case "=~":
    case "!~": {
      const pattern = re2Pattern(value, "whole");
      return (text) => pattern.test(text) === (op === "=~");
    }
    default:
      return unreachable(op);
  }
}
