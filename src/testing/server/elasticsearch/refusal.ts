import { jsonReply, type ServerReply } from "../exchange.ts";

/** What a server says no with: a type and a reason. */
export class ElasticRefusal extends Error {
  readonly status: number;
  readonly type: string;

  constructor(status: number, type: string, reason: string) {
    super(reason);
    this.status = status;
    this.type = type;
  }

  get reply(): ServerReply {
    const { status, type, message: reason } = this;
    return jsonReply({ error: { root_cause: [{ type, reason }], type, reason }, status }, status);
  }
}

export const illegal = (reason: string): ElasticRefusal =>
  new ElasticRefusal(400, "illegal_argument_exception", reason);
export const unparsable = (reason: string): ElasticRefusal => new ElasticRefusal(400, "parsing_exception", reason);

export type JsonRecord = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The one entry of an object that names something: `{ "term": … }`. */
export function onlyEntry(value: unknown, what: string): readonly [string, unknown] {
  const entries = isRecord(value) ? Object.entries(value) : [];
  const [first] = entries;
  if (first === undefined || entries.length > 1)
    throw unparsable(`[${what}] malformed, expected one object with one field`);
  return first;
}
