/** Samples sent to a Prometheus by its remote-write protocol, which takes what no text format carries: stale markers. */
import type { LabelRecord } from "../../src/promql/index.ts";

/** The samples of one series, in order of time. */
export interface WrittenSeries {
  readonly labels: LabelRecord;
  readonly timesMs: ArrayLike<number>;
  readonly values: Float64Array;
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
function encodedSeries(head: Uint8Array, { timesMs, values }: WrittenSeries, first: number, end: number): Uint8Array {
  const message = new Bytes();
  message.bytes(head);
  const words = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const sample = new Bytes(24);
  for (let i = first; i < end; i++) {
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
