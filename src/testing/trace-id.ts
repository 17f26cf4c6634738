import { hex32, mix } from "./hash.ts";

/** What an id holds: when and of which flow the request is, and 64 bits of its own. */
export interface TraceKey {
  readonly ms: number;
  readonly flow: number;
  readonly own: readonly [number, number];
}

const ROUNDS = 12;

/** An id that looks random and holds the key, so that a request is found by it. */
export function traceIdOf(seed: number, { ms, flow, own }: TraceKey): string {
  let [a, b, c, d] = [(flow << 16) | Math.floor(ms / 2 ** 32), ms >>> 0, own[0], own[1]];
  for (let round = 0; round < ROUNDS; round++) {
    [a, b, c, d] = [b, c, d, (a ^ mix(mix(b ^ seed, c), d + round)) >>> 0];
  }
  return hex32(a) + hex32(b) + hex32(c) + hex32(d);
}

/** The key that an id holds; anything where it is none of a request. */
export function traceKeyOf(seed: number, id: string): TraceKey {
  let [a = 0, b = 0, c = 0, d = 0] = [0, 8, 16, 24].map((at) => Number.parseInt(id.slice(at, at + 8), 16));
  for (let round = ROUNDS - 1; round >= 0; round--) {
    [a, b, c, d] = [(d ^ mix(mix(a ^ seed, b), c + round)) >>> 0, a, b, c];
  }
  return { ms: (a & 0xffff) * 2 ** 32 + b, flow: a >>> 16, own: [c, d] };
}
