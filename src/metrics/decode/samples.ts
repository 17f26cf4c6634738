import type { HistogramBucket } from "../../results/histogram.ts";
import type { NativeHistogram } from "../backend.ts";
import { readDecimal } from "./decimal.ts";
import { readFields } from "./fields.ts";
import { CLOSE_ARRAY, COMMA, type JsonScanner, OPEN_ARRAY, QUOTE } from "./json-scanner.ts";

export interface HistogramSample {
  readonly timeMs: number;
  readonly histogram: NativeHistogram;
}

const SPECIAL_VALUES: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Inf: Number.POSITIVE_INFINITY,
  "+Inf": Number.POSITIVE_INFINITY,
  "-Inf": Number.NEGATIVE_INFINITY,
};
const ZERO = 0x30;
const POINT = 0x2e ^ ZERO;
const TENS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7];
const EXACT_BELOW_MS = 1e15;
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Which ends belong to a bucket, by the API's `boundary_rule`. */
const BOUNDS: readonly HistogramBucket["bounds"][] = ["right", "left", "none", "both"];

/** Reads the `[[time, histogram], …]` of one series. */
export function readHistogramSamples(scan: JsonScanner): HistogramSample[] {
  const samples: HistogramSample[] = [];
  scan.demand(OPEN_ARRAY, "an array of histograms");
  if (scan.take(CLOSE_ARRAY)) return samples;
  let before = Number.NEGATIVE_INFINITY;
  do {
    const start = scan.at;
    const sample = readHistogramSample(scan);
    if (sample.timeMs < before) scan.fail("shape", "a series' histograms must be in order of time", start);
    before = sample.timeMs;
    samples.push(sample);
  } while (scan.more(CLOSE_ARRAY));
  return samples;
}

/** Reads one `[time, histogram]`. */
export function readHistogramSample(scan: JsonScanner): HistogramSample {
  const { timeMs, value } = readPair(scan, readHistogram);
  return { timeMs, histogram: value };
}

/** Reads one `[time, …]`, whose second element is read by `read`. */
export function readPair<V>(
  scan: JsonScanner,
  read: (scan: JsonScanner) => V,
): { readonly timeMs: number; readonly value: V } {
  scan.demand(OPEN_ARRAY, "a pair of time and value");
  const timeMs = readTimeMs(scan);
  scan.demand(COMMA, "another element");
  const value = read(scan);
  scan.demand(CLOSE_ARRAY, "the end of the array");
  return { timeMs, value };
}

/** Reads a sample's value: a decimal, NaN or ±Inf in quotes. A bare JSON number passes too. */
export function readValue(scan: JsonScanner): number {
  if (scan.peek() !== QUOTE) return scan.number("a sample's value");
  const start = scan.at;
  const textAt = start + 1;
  scan.at = textAt;
  const value = readDecimal(scan);
  if (scan.bytes[scan.at] === QUOTE && scan.at > textAt) {
    scan.at++;
    return value;
  }
  scan.at = start;
  return readUncommonValue(scan);
}

function readUncommonValue(scan: JsonScanner): number {
  const start = scan.at;
  const text = scan.string("a sample's value");
  if (Object.hasOwn(SPECIAL_VALUES, text)) return SPECIAL_VALUES[text] as number;
  if (DECIMAL.test(text)) return Number(text);
  return scan.fail("shape", "a sample's value must be a decimal number, NaN, +Inf or -Inf", start);
}

/** Reads a time in seconds as whole milliseconds. */
export function readTimeMs(scan: JsonScanner): number {
  const first = scan.peek();
  const { bytes, at: start } = scan;
  // the first nine bytes' digits gather in `head`, those of the next seven in `tail`: both stay small integers
  let head = 0;
  let tail = 0;
  let tailDigits = 0;
  let pointAt = -1;
  let at = start;
  for (const end = start + 16; at < end; at++) {
    const digit = (bytes[at] as number) ^ ZERO;
    if (digit < 10) {
      if (at < start + 9) {
        head = head * 10 + digit;
      } else {
        tail = tail * 10 + digit;
        tailDigits++;
      }
    } else if (digit === POINT && pointAt < 0) pointAt = at;
    else break;
  }
  const decimals = pointAt < 0 ? 0 : at - pointAt - 1;
  const plain = bytes[at] === COMMA && first > ZERO && (pointAt < 0 || (decimals > 0 && decimals <= 3));
  if (plain) {
    const timeMs = (head * (TENS[tailDigits] as number) + tail) * (TENS[3 - decimals] as number);
    // All of this is exact, and below 10^15 the two roundings of seconds · 1000 are off by less than a quarter of a
    // millisecond: rounding them gives the same.
    if (timeMs < EXACT_BELOW_MS) {
      scan.at = at;
      return timeMs;
    }
  }
  return readUncommonTimeMs(scan);
}

function readUncommonTimeMs(scan: JsonScanner): number {
  const start = scan.at;
  const timeMs = Math.round(scan.number("a time in seconds") * 1000) + 0; // never -0
  if (!Number.isFinite(timeMs)) scan.fail("shape", "a time must be finite", start);
  return timeMs;
}

function readHistogram(scan: JsonScanner): NativeHistogram {
  const start = scan.at;
  const { count, sum, buckets } = readFields(
    scan,
    { count: () => readValue(scan), sum: () => readValue(scan), buckets: () => readBuckets(scan) },
    "a histogram",
  );
  if (typeof count !== "number" || typeof sum !== "number") {
    return scan.fail("shape", 'a histogram needs "count" and "sum"', start);
  }
  return { count, sum, buckets: buckets ?? [] };
}

function readBuckets(scan: JsonScanner): HistogramBucket[] {
  const buckets: HistogramBucket[] = [];
  scan.demand(OPEN_ARRAY, "an array of buckets");
  if (scan.take(CLOSE_ARRAY)) return buckets;
  do {
    scan.demand(OPEN_ARRAY, "a bucket [rule, lower, upper, count]");
    const start = scan.at;
    const bounds = BOUNDS[scan.number("a boundary rule")];
    if (bounds === undefined) return scan.fail("shape", "a bucket's boundary rule must be 0, 1, 2 or 3", start);
    scan.demand(COMMA, "another element");
    const lower = readValue(scan);
    scan.demand(COMMA, "another element");
    const upper = readValue(scan);
    scan.demand(COMMA, "another element");
    const count = readValue(scan);
    scan.demand(CLOSE_ARRAY, "the end of the array");
    buckets.push({ lower, upper, count, bounds });
  } while (scan.more(CLOSE_ARRAY));
  return buckets;
}
