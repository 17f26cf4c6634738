/** Samples sent to a Prometheus by its remote-write protocol, which takes what no text format carries: stale markers. */
import type { LabelRecord, NativeHistogram, SparseBuckets } from "../../src/promql/index.ts";

/** The samples of one series, in order of time. */
export interface WrittenSeries {
  readonly labels: LabelRecord;
  readonly timesMs: ArrayLike<number>;
  readonly values: Float64Array;
  /** Native histograms in place of values. */
  readonly histograms?: readonly (NativeHistogram | undefined)[] | undefined;
}

/** How much time one request covers: a server refuses samples that are more than an hour behind its newest. */
const SLICE_MS = 30 * 60_000;

/** Sends all samples, slice by slice of time. The server must be started with `--web.enable-remote-write-receiver`. */
export async function remoteWrite(url: string, series: readonly WrittenSeries[]): Promise<void> {
  const from = Math.min(...series.map(({ timesMs }) => timesMs[0] ?? Number.POSITIVE_INFINITY));
  const to = Math.max(...series.map(({ timesMs }) => timesMs[timesMs.length - 1] ?? Number.NEGATIVE_INFINITY));
  const heads = series.map(({ labels }) => encodedLabels(labels));
  const next = series.map(() => 0);
  for (let end = from + SLICE_MS; end - SLICE_MS <= to; end += SLICE_MS) {
    const message = new Bytes();
    for (const [i, one] of series.entries()) {
      const first = next[i] ?? 0;
      let last = first;
      while (last < one.timesMs.length && (one.timesMs[last] ?? 0) < end) last++;
      next[i] = last;
      if (last > first) message.field(1, encodedSeries(heads[i] ?? new Uint8Array(), one, first, last));
    }
    if (message.length > 0) await send(url, message.taken());
  }
}

async function send(url: string, message: Uint8Array): Promise<void> {
  const response = await fetch(`${url}/api/v1/write`, {
    method: "POST",
    body: snappy(message),
    headers: {
      "content-type": "application/x-protobuf",
      "content-encoding": "snappy",
      "x-prometheus-remote-write-version": "0.1.0",
    },
    signal: AbortSignal.timeout(60_000),
  });
  if (!response.ok) throw new Error(`remote write: status ${response.status}: ${await response.text()}`);
}

/** @see Prometheus, `prompb/types.proto`, `TimeSeries` */
function encodedSeries(
  head: Uint8Array,
  { timesMs, values, histograms }: WrittenSeries,
  first: number,
  end: number,
): Uint8Array {
  const message = new Bytes();
  message.bytes(head);
  const words = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const sample = new Bytes(24);
  for (let i = first; i < end; i++) {
    if (histograms !== undefined) {
      // A server takes all numbers of a message before its histograms, so the end of a series is told as one of those.
      const histogram = histograms[i];
      const sum = histogram === undefined ? words.subarray(8 * i, 8 * i + 8) : bytesOf([histogram.sum]);
      message.field(4, encodedHistogram(histogram ?? NOTHING, sum, timesMs[i] ?? 0));
      continue;
    }
    sample.length = 0;
    sample.varint((1 << 3) | 1);
    // The bytes of a value, which may be a marker that no number can carry.
    sample.bytes(words.subarray(8 * i, 8 * i + 8));
    sample.varint(2 << 3);
    sample.varint(timesMs[i] ?? 0);
    message.field(2, sample.taken());
  }
  return message.taken();
}

const HINTS = { unknown: 0, reset: 1, none: 2, gauge: 3 } as const;

const NOTHING: NativeHistogram = {
  schema: 0,
  count: 0,
  sum: 0,
  zeroCount: 0,
  zeroThreshold: 0,
  positive: { indexes: [], counts: [] },
  negative: { indexes: [], counts: [] },
  bounds: [],
  hint: "unknown",
};

/** With counts that are no integers, so that all kinds are written alike. */
function encodedHistogram(histogram: NativeHistogram, sum: Uint8Array, timeMs: number): Uint8Array {
  const message = new Bytes();
  message.double(2, histogram.count);
  message.varint((3 << 3) | 1);
  message.bytes(sum);
  message.tagged(4, zigzag(histogram.schema));
  message.double(5, histogram.zeroThreshold);
  message.double(7, histogram.zeroCount);
  encodeBuckets(message, 8, 10, histogram.negative);
  encodeBuckets(message, 11, 13, histogram.positive);
  message.tagged(14, HINTS[histogram.hint]);
  message.tagged(15, timeMs);
  if (histogram.bounds.length > 0) message.field(16, bytesOf(histogram.bounds));
  return message.taken();
}

/** Each bucket is a span of its own, so many places behind the one before it. */
function encodeBuckets(message: Bytes, spans: number, counts: number, buckets: SparseBuckets): void {
  let next = 0;
  for (const index of buckets.indexes) {
    const span = new Bytes(16);
    span.tagged(1, zigzag(index - next));
    span.tagged(2, 1);
    message.field(spans, span.taken());
    next = index + 1;
  }
  if (buckets.counts.length > 0) message.field(counts, bytesOf(buckets.counts));
}

const zigzag = (x: number): number => (x < 0 ? -2 * x - 1 : 2 * x);
const bytesOf = (values: readonly number[]): Uint8Array => new Uint8Array(Float64Array.from(values).buffer);

function encodedLabels(labels: LabelRecord): Uint8Array {
  const message = new Bytes();
  const names = Object.keys(labels).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const name of names) {
    const label = new Bytes();
    label.field(1, Buffer.from(name));
    label.field(2, Buffer.from(labels[name] ?? ""));
    message.field(1, label.taken());
  }
  return message.taken();
}

/** A growing message of protocol buffers. */
class Bytes {
  length = 0;
  #room: Uint8Array;

  constructor(size = 256) {
    this.#room = new Uint8Array(size);
  }

  bytes(added: Uint8Array): void {
    this.#reserve(added.length);
    this.#room.set(added, this.length);
    this.length += added.length;
  }

  varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    // Times are longer than the 32 bits that shifts know.
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#room[this.length++] = (rest % 128) | 128;
    this.#room[this.length++] = rest;
  }

  field(number: number, value: Uint8Array): void {
    this.varint((number << 3) | 2);
    this.varint(value.length);
    this.bytes(value);
  }

  tagged(number: number, value: number): void {
    this.varint(number << 3);
    this.varint(value);
  }

  double(number: number, value: number): void {
    this.varint((number << 3) | 1);
    this.bytes(bytesOf([value]));
  }

  taken(): Uint8Array {
    return this.#room.subarray(0, this.length);
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#room.length) return;
    const bigger = new Uint8Array(Math.max(this.length + more, 2 * this.#room.length));
    bigger.set(this.#room.subarray(0, this.length));
    this.#room = bigger;
  }
}

/**
 * A message in the block format of snappy, as one literal.
 *
 * @see Snappy, `format_description.txt`
 */
function snappy(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const size = new Bytes(16);
  size.varint(message.length);
  const tag = new Uint8Array(5);
  tag[0] = 63 << 2;
  new DataView(tag.buffer).setUint32(1, message.length - 1, true);
  return new Uint8Array(Buffer.concat([size.taken(), tag, message]));
}
