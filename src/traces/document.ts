import { DecodeError } from "../errors.ts";
import { isSpanId, spanId, traceId } from "./id.ts";

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

/** A place in a document, as the way to it from the document itself. It is written out only when an error names it. */
export interface Place {
  readonly within: Place | undefined;
  /** The name of a field, or the number of an item. */
  readonly step: number | string;
}

/** The place that `steps` lead to from `within`; of none of both, `undefined` is the document. */
export const place = (within: Place | undefined, ...steps: readonly (number | string)[]): Place | undefined =>
  steps.reduce<Place | undefined>((at, step) => ({ within: at, step }), within);

/**
 * Reads a parsed document, and says where it is not what it should be.
 *
 * Each value comes with the place that it is at, as that of what holds it and the last step from there.
 */
export class DocumentReader {
  readonly #context: DocumentContext;

  constructor(context: DocumentContext) {
    this.#context = context;
  }

  fail(at: Place | undefined, problem: string): never {
    const { backend, query, hint } = this.#context;
    throw new DecodeError("shape", `decoding ${backend}'s answer: ${pathOf(at)} ${problem}; ${hint}`, {
      backend,
      query,
    });
  }

  record(value: unknown, at?: Place, step?: Step): JsonRecord {
    return isRecord(value) ? value : this.#refuse(at, step, "must be an object");
  }

  /** An object; null and nothing are empty ones. */
  recordOrNone(value: unknown, at?: Place, step?: Step): JsonRecord {
    return value === undefined || value === null ? NO_FIELDS : this.record(value, at, step);
  }

  /** A list; null and nothing are empty ones, as Go writes them. */
  list(value: unknown, at?: Place, step?: Step): readonly unknown[] {
    if (Array.isArray(value)) return value;
    return value === undefined || value === null ? NOTHING : this.#refuse(at, step, "must be a list");
  }

  text(value: unknown, at?: Place, step?: Step): string {
    return typeof value === "string" ? value : this.#refuse(at, step, "must be text");
  }

  /** Text; null and nothing are empty. */
  textOrNone(value: unknown, at?: Place, step?: Step): string {
    return value === undefined || value === null ? "" : this.text(value, at, step);
  }

  texts(value: unknown, at?: Place, step?: Step): readonly string[] {
    const list = this.list(value, at, step);
    return list.length === 0 ? NOTHING : list.map((one, i) => this.text(one, placed(at, step), i));
  }

  /** A finite number, zero or more. */
  amount(value: unknown, at?: Place, step?: Step): number {
    return typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY
      ? value
      : this.#refuse(at, step, "must be a number, zero or more");
  }

  /** A span's id in its one form. */
  spanId(value: unknown, at?: Place, step?: Step): string {
    return isSpanId(value) ? value : spanId(this.#id(value, 16, at, step));
  }

  /** A span's id in its one form, or `undefined` where there is none: nothing, no digits, or all zeros. */
  spanIdOrNone(value: unknown, at?: Place, step?: Step): string | undefined {
    if (isSpanId(value)) return value;
    return isNoId(value, 16) ? undefined : this.spanId(value, at, step);
  }

  /** A trace's id in its one form. */
  traceId(value: unknown, at?: Place, step?: Step): string {
    return traceId(this.#id(value, 32, at, step));
  }

  /** A trace's id in its one form, or `undefined` where there is none: nothing, no digits, or all zeros. */
  traceIdOrNone(value: unknown, at?: Place, step?: Step): string | undefined {
    return isNoId(value, 32) ? undefined : this.traceId(value, at, step);
  }

  #id(value: unknown, most: number, at: Place | undefined, step: Step): string {
    if (typeof value === "string" && value.length <= most && /^0*[1-9a-f][0-9a-f]*$/i.test(value)) return value;
    return this.#refuse(at, step, `must be an id of at most ${most} hex digits`);
  }

  #refuse(at: Place | undefined, step: Step, problem: string): never {
    return this.fail(placed(at, step), problem);
  }
}

/** The last step to a value, `undefined` where its place says it all. */
type Step = number | string | undefined;

const NOTHING: readonly never[] = Object.freeze([]);
const NO_FIELDS: JsonRecord = Object.freeze({});

const placed = (at: Place | undefined, step: Step): Place | undefined =>
  step === undefined ? at : { within: at, step };

function pathOf(at: Place | undefined): string {
  let path = "";
  for (let here = at; here !== undefined; here = here.within) {
    const { step, within } = here;
    path = (typeof step === "number" ? `[${step}]` : within === undefined ? step : `.${step}`) + path;
  }
  return path === "" ? "the document" : path;
}

const isNoId = (value: unknown, most: number): boolean =>
  value === undefined || value === null || (typeof value === "string" && value.length <= most && /^0*$/.test(value));
