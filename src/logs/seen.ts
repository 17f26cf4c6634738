/** What tells a line from others: equal for two that are the same to their backend, which may keep both. */
export interface KeyedLine {
  readonly key: string;
  readonly timestampNs: bigint;
}

/** How often each line came in one look at a span of time, however many answers that took. */
export type Look = Map<string, number>;

/** Lines that were given, by how often: the same line may come twice in one look, and is then two. */
export class Seen {
  #counts = new Map<string, { readonly timestampNs: bigint; count: number }>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Those of `lines` that were not given before; they are given now. */
  fresh<L extends KeyedLine>(lines: readonly L[], look: Look = new Map()): readonly L[] {
    return lines.filter(({ key, timestampNs }) => {
      const nth = (look.get(key) ?? 0) + 1;
      look.set(key, nth);
      const known = this.#counts.get(key);
      if (known !== undefined && nth <= known.count) return false;
      if (known === undefined) this.#counts.set(key, { timestampNs, count: 1 });
      else known.count = nth;
      this.#size++;
      return true;
    });
  }

  /** Forgets all but the lines of one instant. */
  only(timestampNs: bigint): void {
    this.#keep((one) => one === timestampNs);
  }

  /** Forgets the lines before an instant. */
  since(timestampNs: bigint): void {
    this.#keep((one) => one >= timestampNs);
  }

  clear(): void {
    this.#keep(() => false);
  }

  #keep(wanted: (timestampNs: bigint) => boolean): void {
    for (const [key, { timestampNs, count }] of this.#counts) {
      if (wanted(timestampNs)) continue;
      this.#counts.delete(key);
      this.#size -= count;
    }
  }
}
