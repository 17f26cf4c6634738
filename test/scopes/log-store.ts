/** A log kept in memory: what the port promises, and nothing that a real backend does beside it. */
import type {
  EntriesOptions,
  FieldCondition,
  LineCondition,
  LogBackend,
  LogFilter,
  LogLine,
  LogPage,
  LogQuery,
  LogSeries,
  TextMatch,
} from "../../src/logs/backend.ts";

/** Lines in any order, given page by page. */
export class LogStore implements LogBackend {
  readonly name = "store";
  readonly queries: LogQuery[] = [];
  readonly options: EntriesOptions[] = [];
  /** Iterations that have not ended. */
  open = 0;
  readonly #lines: readonly LogLine[];
  readonly #perPage: number;

  constructor(lines: readonly LogLine[], perPage = 3) {
    this.#lines = [...lines].sort((a, b) => Number(a.timestampNs - b.timestampNs));
    this.#perPage = perPage;
  }

  async *entries(query: LogQuery, options: EntriesOptions = {}): AsyncGenerator<LogPage> {
    this.queries.push(query);
    this.options.push(options);
    this.open++;
    try {
      const within = this.#lines.filter(
        (line) => line.timestampNs >= query.fromNs && line.timestampNs < query.toNs && passes(line, query),
      );
      if (query.order === "backward") within.reverse();
      const { limit = within.length } = query;
      for (let i = 0; i < Math.min(limit, within.length); i += this.#perPage) {
        options.signal?.throwIfAborted();
        yield {
          entries: within.slice(i, Math.min(i + this.#perPage, limit)),
          missing: [],
          warnings: [],
          complete: true,
        };
      }
    } finally {
      this.open--;
    }
  }

  async measure(): Promise<LogSeries> {
    throw new Error("no question of these tests measures");
  }

  // biome-ignore lint/correctness/useYield: nothing follows
  async *follow(): AsyncGenerator<LogPage> {
    throw new Error("no question of these tests follows");
  }
}

function passes({ line, origin }: LogLine, { origin: wanted, lines = [], fields = [] }: LogFilter): boolean {
  const fits = Object.entries(wanted).every(([part, match]) =>
    isMatch(origin[part as keyof typeof origin] ?? "", match),
  );
  return fits && lines.every((condition) => holds(line, condition)) && fields.every((field) => isField(line, field));
}

const isMatch = (value: string, match: TextMatch): boolean =>
  typeof match === "string" ? value === match : new RegExp(`^(?:${match.pattern})$`, "s").test(value);

function holds(line: string, condition: LineCondition): boolean {
  return isIn(line, condition) !== (condition.not ?? false);
}

function isIn(line: string, condition: LineCondition): boolean {
  if ("text" in condition) return line.includes(condition.text);
  if ("texts" in condition) return condition.texts.some((text) => line.includes(text));
  return new RegExp(condition.pattern, "s").test(line);
}

const isField = (_: string, field: FieldCondition): boolean => {
  throw new Error(`no question of these tests has conditions on fields: ${field.field}`);
};
