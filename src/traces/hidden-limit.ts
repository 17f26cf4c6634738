import type { SearchPage, TraceQuery } from "./backend.ts";
import type { TimeGrid } from "./time-grid.ts";

/** Fewer traces than this are no backend's limit. */
const LEAST = 10;

/**
 * Finds out whether a backend gives fewer traces at once than it was asked for.
 *
 * Some storages, and what stands before them, have a limit of their own and say nothing of it, so that an answer which
 * is not full may be cut all the same. An answer is believed when its time, asked for in two parts, brings no more; from
 * then on so is every answer that is no longer.
 *
 * @see jaegertracing/jaeger#9319
 */
export class HiddenLimit {
  readonly #grid: TimeGrid;
  /** So many came at once, and they were all. */
  #believed = LEAST - 1;
  #most = Number.POSITIVE_INFINITY;

  constructor(grid: TimeGrid) {
    this.#grid = grid;
  }

  /** How many traces it gives at once, as far as it was found out. */
  get most(): number {
    return this.#most;
  }

  /**
   * Whether there may be more between two instants than `page` has, which is not full.
   *
   * @param ask the same query of another time
   */
  async cuts(
    { traces }: SearchPage,
    { fromMs, toMs }: Pick<TraceQuery, "fromMs" | "toMs">,
    ask: (fromMs: number, toMs: number) => Promise<SearchPage>,
  ): Promise<boolean> {
    const count = traces.length;
    if (count <= this.#believed) return false;
    if (count >= this.#most) return true;
    // Where half of them lie on either side, whatever is missing makes one side longer.
    const starts = traces.map(({ startMs }) => startMs).sort((a, b) => a - b);
    const middleMs = this.#grid.ms(this.#grid.before(starts[count >> 1] ?? 0));
    // What cannot be parted shows nothing.
    if (!(middleMs > fromMs && middleMs < toMs)) return false;
    const parts = [await ask(fromMs, middleMs), await ask(middleMs, toMs)];
    const ids = new Set(parts.flatMap((part) => part.traces.map(({ id }) => id)));
    if (ids.size > count || parts.some(({ full }) => full)) {
      // Spans come in all the while: what gives more when it is asked again has not been cut.
      if ((await ask(fromMs, toMs)).traces.length > count) return false;
      this.#most = count;
      return true;
    }
    if (parts.every((part) => part.traces.length < count)) this.#believed = count;
    return false;
  }
}
