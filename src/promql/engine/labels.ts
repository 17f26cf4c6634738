import { isPlainLabel, quote } from "../quote.ts";

/** The labels of one series: name to value. A label that a series lacks has no key. */
export type LabelRecord = Readonly<Record<string, string>>;

/** Labels that describe a metric as a whole, so that what is computed from it no longer bears them. */
const METADATA: ReadonlySet<string> = new Set(["__name__", "__type__", "__unit__"]);

/** Whether a label says what metric this is, and not which of its series. */
export const isMetadata = (name: string): boolean => METADATA.has(name);

/** No label's text holds half a surrogate pair, so one of them parts texts without any escaping. */
const SEPARATOR = "\ud800";

/** The labels of a series within the engine: sorted by name, without empty values, comparable by one text. */
export class Labels {
  static readonly EMPTY: Labels = new Labels([], []);

  readonly names: readonly string[];
  readonly values: readonly string[];
  #key: string | undefined;

  private constructor(names: readonly string[], values: readonly string[]) {
    this.names = names;
    this.values = values;
  }

  static of(record: LabelRecord): Labels {
    const names = Object.keys(record).filter((name) => record[name] !== "");
    if (names.length === 0) return Labels.EMPTY;
    names.sort(compareText);
    return new Labels(
      names,
      names.map((name) => record[name] ?? ""),
    );
  }

  /** Equal for equal labels only. */
  get key(): string {
    this.#key ??= this.#keyOf(() => true);
    return this.#key;
  }

  get(name: string): string {
    const at = this.names.indexOf(name);
    return at < 0 ? "" : (this.values[at] ?? "");
  }

  /** A text that is equal where the labels that `chosen` takes are. */
  #keyOf(chosen: (name: string) => boolean): string {
    let key = "";
    for (let i = 0; i < this.names.length; i++) {
      const name = this.names[i] ?? "";
      if (chosen(name)) key += `${name}${SEPARATOR}${this.values[i] ?? ""}${SEPARATOR}`;
    }
    return key;
  }

  /** The key of those labels alone that are in `names`. */
  keyWith(names: ReadonlySet<string>): string {
    return this.#keyOf((name) => names.has(name));
  }

  /** The key of those labels alone that are not in `names`. */
  keyWithout(names: ReadonlySet<string>): string {
    return this.#keyOf((name) => !names.has(name));
  }

  keep(names: ReadonlySet<string>): Labels {
    return this.#filtered((name) => names.has(name));
  }

  drop(names: ReadonlySet<string>): Labels {
    return this.#filtered((name) => !names.has(name));
  }

  /** Without the metric's name, type and unit. */
  dropMetadata(): Labels {
    return this.drop(METADATA);
  }

  /** With one label set to a value; an empty one takes the label away. */
  with(name: string, value: string): Labels {
    return Labels.of({ ...this.toRecord(), [name]: value });
  }

  #filtered(chosen: (name: string) => boolean): Labels {
    const places = this.names.flatMap((name, i) => (chosen(name) ? [i] : []));
    if (places.length === this.names.length) return this;
    if (places.length === 0) return Labels.EMPTY;
    return new Labels(
      places.map((i) => this.names[i] ?? ""),
      places.map((i) => this.values[i] ?? ""),
    );
  }

  toRecord(): Record<string, string> {
    const record: Record<string, string> = {};
    // A label may be called __proto__, which a plain assignment would lose.
    for (const [i, name] of this.names.entries()) {
      const value = this.values[i] ?? "";
      if (name === "__proto__") Object.defineProperty(record, name, { value, enumerable: true });
      else record[name] = value;
    }
    return record;
  }

  /** As Prometheus shows labels in its messages: `{__name__="up", job="a"}`. */
  toString(): string {
    const pairs = this.names.map((name, i) => {
      const shownName = isPlainLabel(name) ? name : quote(name);
      return `${shownName}=${quote(this.values[i] ?? "")}`;
    });
    return `{${pairs.join(", ")}}`;
  }
}

/** Prometheus's order of label sets: by name and value in turn, and the shorter one first. */
export function compareLabels(a: Labels, b: Labels): number {
  const shared = Math.min(a.names.length, b.names.length);
  for (let i = 0; i < shared; i++) {
    const byName = compareText(a.names[i] ?? "", b.names[i] ?? "");
    if (byName !== 0) return byName;
    const byValue = compareText(a.values[i] ?? "", b.values[i] ?? "");
    if (byValue !== 0) return byValue;
  }
  return a.names.length - b.names.length;
}

/** The order of UTF-8's bytes, which is that of code points and not that of UTF-16's units. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const bothHigh = x >= 0xd800 && y >= 0xd800;
    // Half of a pair stands for a code point beyond all that one unit can say.
    return bothHigh ? rank(x) - rank(y) : x - y;
  }
  return a.length - b.length;
}

const rank = (unit: number): number => (unit < 0xe000 ? unit + 0x10000 : unit);
