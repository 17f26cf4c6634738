import type { Labels } from "./labels.ts";

/*
 * The hash of a label set by which `limit_ratio` chooses, so that the same series are chosen as by Prometheus: XXH64 of
 * names and values in turn, each behind its length.
 */

const MASK = (1n << 64n) - 1n;
const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

/** A number from 0 to 1 that only the labels decide. */
export const hashShare = (labels: Labels): number => Number(xxh64(encoded(labels))) / 2 ** 64;

function encoded({ names, values }: Labels): Uint8Array {
  const bytes: number[] = [];
  for (const [i, name] of names.entries()) {
    for (const text of [name, values[i] ?? ""]) {
      const utf8 = Buffer.from(text);
      // Lengths beyond a byte are 255 and three bytes, the lowest first.
      if (utf8.length < 255) bytes.push(utf8.length);
      else bytes.push(255, utf8.length & 255, (utf8.length >> 8) & 255, (utf8.length >> 16) & 255);
      bytes.push(...utf8);
    }
  }
  return Uint8Array.from(bytes);
}

const rotated = (x: bigint, by: bigint): bigint => ((x << by) | (x >> (64n - by))) & MASK;
const round = (state: bigint, input: bigint): bigint => (rotated((state + input * P2) & MASK, 31n) * P1) & MASK;

/** @see xxHash, "XXH64 Algorithm Description" */
function xxh64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer);
  let at = 0;
  let hash = P5;
  if (bytes.length >= 32) {
    const lanes = [(P1 + P2) & MASK, P2, 0n, -P1 & MASK];
    for (; at + 32 <= bytes.length; at += 32) {
      for (const [i, lane] of lanes.entries()) lanes[i] = round(lane, view.getBigUint64(at + 8 * i, true));
    }
    const turns = [1n, 7n, 12n, 18n];
    hash = lanes.reduce((sum, lane, i) => (sum + rotated(lane, turns[i] ?? 0n)) & MASK, 0n);
    for (const lane of lanes) hash = ((hash ^ round(0n, lane)) * P1 + P4) & MASK;
  }
  hash = (hash + BigInt(bytes.length)) & MASK;
  for (; at + 8 <= bytes.length; at += 8) {
    hash = (rotated(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4) & MASK;
  }
  if (at + 4 <= bytes.length) {
    hash = (rotated(hash ^ ((BigInt(view.getUint32(at, true)) * P1) & MASK), 23n) * P2 + P3) & MASK;
    at += 4;
  }
  for (; at < bytes.length; at++) hash = (rotated(hash ^ ((BigInt(bytes[at] ?? 0) * P5) & MASK), 11n) * P1) & MASK;
  hash = ((hash ^ (hash >> 33n)) * P2) & MASK;
  hash = ((hash ^ (hash >> 29n)) * P3) & MASK;
  return hash ^ (hash >> 32n);
}
