import { decimal, FIELD, FIELD_COUNT, type Field, type LineFields, present } from "./fields.ts";
import { filledBy } from "./operator.ts";
import type { TextLayout } from "./text-layout.ts";
import { rfc3339Ms, rfc3339Ns, type TimeFormat } from "./timestamp.ts";

/** Where each field of an entry stands among the operators of a format. */
export interface Places {
  /** By field: the place of its operator, or -1. */
  readonly placeOf: readonly number[];
  /** By operator: the length of the literal before it. */
  readonly before: readonly number[];
  /** The operators that no field stands for. */
  readonly others: readonly { readonly place: number; readonly name: string }[];
  readonly time: TimeFormat | undefined;
}

/** The places of a format's fields. */
export function placesOf({ literals, operators }: TextLayout): Places {
  const filled = filledBy(operators);
  const taken = new Set(filled.values());
  const placeOf = new Array<number>(FIELD_COUNT).fill(-1);
  for (const [field, place] of filled) placeOf[field] = place;
  const others = operators.flatMap(({ text }, place) => (taken.has(place) ? [] : [{ place, name: text }]));
  const time = operators[filled.get(FIELD.startTime) ?? -1]?.time;
  return { placeOf, before: literals.map((literal) => literal.length), others, time };
}

/** The fields of a line of text, cut out of it when they are asked for. */
export class TextFields implements LineFields {
  readonly #line: string;
  readonly #ends: readonly number[];
  readonly #places: Places;

  /** @param ends by operator: where its value ends in the line */
  constructor(line: string, ends: readonly number[], places: Places) {
    this.#line = line;
    this.#ends = ends;
    this.#places = places;
  }

  text(field: Field): string | undefined {
    const place = this.#places.placeOf[field] as number;
    if (place === -1) return undefined;
    const start = this.#start(place);
    const end = this.#ends[place] as number;
    if (end === start || (end === start + 1 && this.#line.charCodeAt(start) === 45)) return undefined;
    return this.#line.slice(start, end);
  }

  number(field: Field): number | undefined {
    const place = this.#places.placeOf[field] as number;
    return place === -1 ? undefined : decimal(this.#line, this.#start(place), this.#ends[place] as number);
  }

  startMs(): number | undefined {
    const place = this.#places.placeOf[FIELD.startTime] as number;
    if (place === -1) return undefined;
    if (this.#places.time !== undefined) {
      const ns = this.startNs();
      return ns === undefined ? undefined : Number(ns / 1_000_000n);
    }
    const ms = rfc3339Ms(this.#line, this.#start(place), this.#ends[place] as number);
    return Number.isNaN(ms) ? undefined : ms;
  }

  startNs(): bigint | undefined {
    const place = this.#places.placeOf[FIELD.startTime] as number;
    if (place === -1) return undefined;
    const start = this.#start(place);
    const end = this.#ends[place] as number;
    const { time } = this.#places;
    return time === undefined ? rfc3339Ns(this.#line, start, end) : time.read(this.#line.slice(start, end));
  }

  extra(): Readonly<Record<string, unknown>> {
    const found = this.#places.others.flatMap(({ place, name }) => {
      const text = present(this.#line.slice(this.#start(place), this.#ends[place]));
      return text === undefined ? [] : [[name, text] as const];
    });
    return Object.freeze(Object.fromEntries(found));
  }

  #start(place: number): number {
    const before = this.#places.before[place] as number;
    return place === 0 ? before : (this.#ends[place - 1] as number) + before;
  }
}
