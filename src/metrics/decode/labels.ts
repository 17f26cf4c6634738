import type { LabelSet } from "../../results/labels.ts";
import { CLOSE_OBJECT, COLON, type JsonScanner, OPEN_OBJECT, QUOTE } from "./json-scanner.ts";

/**
 * Reads the label sets of one answer.
 *
 * Neighbouring series mostly have the same names in the same places and many of the same values, so each string is
 * first compared, byte by byte, with the one that stood in its place in the series before.
 */
export class LabelReader {
  readonly #scan: JsonScanner;
  /** Where the strings of the series before begin and end, and what they are: names and values alternate. */
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #texts: string[] = [];

  constructor(scan: JsonScanner) {
    this.#scan = scan;
  }

  /** The bytes of the series before are no longer there to compare with. */
  forget(): void {
    this.#starts.length = 0;
  }

  read(): LabelSet {
    const scan = this.#scan;
    scan.demand(OPEN_OBJECT, "an object of labels");
    const labels: Record<string, string> = {};
    if (scan.take(CLOSE_OBJECT)) return labels;
    let misfits: Map<string, number> | undefined;
    let place = 0;
    do {
      if (scan.peek() !== QUOTE) scan.fail("syntax", "a label's name belongs here");
      const name = this.#string(place++);
      scan.expect(COLON);
      if (scan.peek() === QUOTE) {
        put(labels, name, this.#string(place++));
      } else {
        misfits ??= new Map();
        misfits.set(name, scan.at);
        delete labels[name];
        scan.skip();
      }
    } while (scan.more(CLOSE_OBJECT));
    // the last of equal names wins, so a misfit counts only where no string came after it
    for (const [name, at] of misfits ?? []) {
      if (!Object.hasOwn(labels, name)) scan.fail("shape", "a label's value must be a string", at);
    }
    return labels;
  }

  #string(place: number): string {
    const scan = this.#scan;
    const start = this.#starts[place];
    if (start !== undefined && scan.repeat(start, this.#ends[place] as number)) return this.#texts[place] as string;
    this.#starts[place] = scan.at;
    const text = scan.string("a string");
    this.#ends[place] = scan.at;
    // one text for all series that have it
    if (text !== this.#texts[place]) this.#texts[place] = text;
    return this.#texts[place] as string;
  }
}

/** Sets an own property, whatever its name: assigning `__proto__` would set the prototype. */
function put(labels: Record<string, string>, name: string, value: string): void {
  if (name !== "__proto__") labels[name] = value;
  else Object.defineProperty(labels, name, { value, writable: true, enumerable: true, configurable: true });
}
