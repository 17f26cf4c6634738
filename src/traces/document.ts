import { DecodeError } from "../errors.ts";

/** Whose document is read: what an error names. */
export interface DocumentContext {
  readonly backend: string;
  readonly query: string | undefined;
  /** What to check where the document is not the API's, as the end of a sentence. */
  readonly hint: string;
}

/** An object of a parsed document. Only its own properties are its fields. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** Whether it is an object, and neither a list nor null. */
export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value of an own field whose name came from outside. */
export const own = (record: JsonRecord, name: string): unknown =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** Sets an own property, whatever its name: assigning `__proto__` would set the prototype. */
export function put<T>(record: Record<string, T>, name: string, value: T): void {
  if (name !== "__proto__") record[name] = value;
  else Object.defineProperty(record, name, { value, writable: true, enumerable: true, configurable: true });
}

/**
 * The JSON document that the bytes hold.
 *
 * @throws {DecodeError} `"truncated"` when it ends too early, `"syntax"` when it is not JSON in UTF-8
 */
export function parseDocument(body: Uint8Array, context: DocumentContext): unknown {
  let text = "";
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(body);
    return JSON.parse(text);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const truncated = error instanceof SyntaxError && endsTooEarly(said, text.length);
    const advice = truncated
      ? "the answer was cut short: check the size and time limits of proxies on the way, or ask for less"
      : context.hint;
    throw new DecodeError(
      truncated ? "truncated" : "syntax",
      `decoding ${context.backend}'s answer: ${truncated ? "the JSON ends too early" : `not JSON: ${printable(said)}`}; ${advice}`,
      { backend: context.backend, query: context.query },
    );
  }
}

/** The engine tells the end of the text in words or by the place where something is missing. */
function endsTooEarly(said: string, length: number): boolean {
  const place = / at position (\d+)/.exec(said)?.[1];
  return /^Unexpected end of/.test(said) || (place !== undefined && Number(place) >= length);
}

/** The engine quotes the text, which may hold anything. */
function printable(said: string): string {
  const clean = said.replace(/[^ -~]+/g, ".");
  return clean.length > 120 ? `${clean.slice(0, 119)}…` : clean;
}

/** A place in a document: written out only when an error names it. */
export type Place = () => string;

/** Reads a parsed document, and says where it is not what it should be. */
export class DocumentReader {
  readonly #context: DocumentContext;

  constructor(context: DocumentContext) {
    this.#context = context;
  }

  fail(place: Place, problem: string): never {
    const { backend, query, hint } = this.#context;
    throw new DecodeError("shape", `decoding ${backend}'s answer: ${place()} ${problem}; ${hint}`, { backend, query });
  }

  record(value: unknown, place: Place): JsonRecord {
    return isRecord(value) ? value : this.fail(place, "must be an object");
  }

  /** A list; null and nothing are empty ones, as Go writes them. */
  list(value: unknown, place: Place): readonly unknown[] {
    if (Array.isArray(value)) return value;
    return value === undefined || value === null ? NOTHING : this.fail(place, "must be a list");
  }

  text(value: unknown, place: Place): string {
    return typeof value === "string" ? value : this.fail(place, "must be text");
  }

  /** Text; null and nothing are empty. */
  textOrNone(value: unknown, place: Place): string {
    return value === undefined || value === null ? "" : this.text(value, place);
  }

  texts(value: unknown, place: Place): readonly string[] {
    return this.list(value, place).map((one, i) => this.text(one, () => `${place()}[${i}]`));
  }

  /** A finite number, zero or more. */
  amount(value: unknown, place: Place): number {
    return typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY
      ? value
      : this.fail(place, "must be a number, zero or more");
  }

  /** The digits of an id, at most `most` of them, as they came. */
  id(value: unknown, most: number, place: Place): string {
    return isId(value, most) ? value : this.fail(place, `must be an id of at most ${most} hex digits`);
  }

  /** An id, or `undefined` where there is none: nothing, no digits, or all zeros. */
  idOrNone(value: unknown, most: number, place: Place): string | undefined {
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value === "string" && value.length <= most && /^0+$/.test(value)) return undefined;
    return this.id(value, most, place);
  }
}

const NOTHING: readonly never[] = Object.freeze([]);

function isId(value: unknown, most: number): value is string {
  if (typeof value !== "string" || value.length === 0 || value.length > most) return false;
  let zeros = true;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    const digit = (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66) || (code >= 0x41 && code <= 0x46);
    if (!digit) return false;
    if (code !== 0x30) zeros = false;
  }
  return !zeros;
}
