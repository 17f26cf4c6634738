import { instant, number } from "../results/column.ts";
import { qualityNotes } from "../results/meta.ts";
import { Result, Table } from "../results/result.ts";
import type { ListMeta } from "../results/result-list.ts";
import { printValue } from "../results/text.ts";
import { linesPart, type View } from "../results/view.ts";
import { formatInstant } from "../time.ts";

/** A {@link DurationQuantile} as plain data: no `value` where no call was found. */
export interface DurationQuantileJson<M extends ListMeta> {
  readonly quantile: number;
  readonly value?: number | undefined;
  readonly unit: "ms";
  readonly samples: number;
  readonly meta: M;
}

/** A quantile of the durations of calls that were looked at one by one, not of a histogram's buckets. */
export class DurationQuantile<M extends ListMeta> extends Result {
  /** Which quantile it is, from 0 to 1. */
  readonly quantile: number;
  /** The least duration that this share of the calls did not exceed; `undefined` where no call was found. */
  readonly value: number | undefined;
  readonly unit = "ms";
  /** How many calls it was taken from. */
  readonly samples: number;
  readonly meta: M;

  /** @param durations in milliseconds, in any order */
  constructor(quantile: number, durations: readonly number[], meta: M) {
    super();
    this.quantile = quantile;
    this.value = durationQuantile(quantile, durations);
    this.samples = durations.length;
    this.meta = meta;
    Object.freeze(this);
  }

  /** The value with its unit: `"12.4 ms"`, or `"no data"`. */
  override toString(): string {
    return printValue(this.value, this.unit);
  }

  /** One row: the range, the quantile, the value, and from how many calls it was taken. */
  toTable(): Table {
    const { fromMs, toMs } = this.meta;
    return Table.of(
      [instant("from"), instant("to"), number("quantile"), number("value", this.unit), number("calls")],
      [[fromMs, toMs, this.quantile, this.value, this.samples]],
    );
  }

  toView(): View {
    const { quantile, samples, meta } = this;
    const origin =
      `the ${quantile} quantile of ${samples} call${samples === 1 ? "" : "s"} ` +
      `from ${formatInstant(meta.fromMs)} to ${formatInstant(meta.toMs)}, from ${meta.backend}`;
    return {
      parts: [linesPart({ text: this.toString(), tone: this.value === undefined ? "quiet" : "strong" })],
      notes: [{ text: origin }, ...qualityNotes(meta)],
    };
  }

  toJSON(): DurationQuantileJson<M> {
    const { quantile, value, unit, samples, meta } = this;
    return { quantile, value, unit, samples, meta };
  }
}

/** The least of the durations that at least this share of them does not exceed. */
export function durationQuantile(quantile: number, durations: readonly number[]): number | undefined {
  const sorted = Float64Array.from(durations).sort();
  // 0.07 of 100 is 7.000000000000001 in floating point.
  const rank = Math.ceil(quantile * sorted.length * (1 - 2 * Number.EPSILON));
  return sorted[Math.max(0, rank - 1)];
}
