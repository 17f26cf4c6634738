import { spanUs } from "./exchange.ts";
import { BOUNDS, bodiesOf, bucketOf, durationMsOf, type Report, sizesOf, TURNS } from "./profile.ts";
import type { Stream } from "./stream.ts";

/** One stream's part of the counters that its reports with the same labels add to. */
export interface Part {
  readonly stream: Stream;
  readonly report: Report;
}

/** What an observation of each request comes to: a bucket, and a sum that is known for any number of requests. */
export interface Observed {
  readonly bucket: number;
  sum(count: number): number;
}

/** What a histogram observes. */
export type Measure = "duration" | "request" | "response";

/** The observations of a part's requests. */
export function observedOf({ stream, report }: Part, measure: Measure): Observed {
  const { profile, seed } = stream;
  const observe = (number: number): number => {
    if (measure === "duration") return durationMsOf(report, profile.x(seed, number));
    return sizesOf(report, profile.y(seed, number))[measure];
  };
  return { bucket: bucketOf(observe(0)), sum: summed(observe) };
}

/** The bytes of a connection, each way. */
export const bytesOf = ({ stream, report }: Part, way: "request" | "response"): ((count: number) => number) =>
  summed((number) => bodiesOf(report, stream.profile.y(stream.seed, number))[way]);

/** The sum over the first so many requests of what repeats from turn to turn, reckoned once it is asked for. */
function summed(observe: (number: number) => number): (count: number) => number {
  let known: Float64Array | undefined;
  return (count) => {
    known ??= sumsOf(observe);
    return Math.floor(count / TURNS) * (known[TURNS] ?? 0) + (known[count % TURNS] ?? 0);
  };
}

/** The sums of the first none, one, two and so on. */
function sumsOf(observe: (number: number) => number): Float64Array {
  const sums = new Float64Array(TURNS + 1);
  for (let i = 0; i < TURNS; i++) sums[i + 1] = (sums[i] ?? 0) + observe(i);
  return sums;
}

/** How long before its end a connection was opened, in whole milliseconds. */
export const openMs = ({ report }: Part): number => Math.max(1, Math.round(spanUs(report.length, 1) / 1_000));

/** The upper bounds as labels. */
export const LE = BOUNDS.map((bound) => (bound === Number.POSITIVE_INFINITY ? "+Inf" : String(bound)));
