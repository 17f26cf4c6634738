import type { Declaration } from "./declared.ts";
import { spanUs } from "./exchange.ts";
import { mix, mixLong, unit } from "./hash.ts";
import { kindsOf, touches } from "./kinds.ts";
import { rhythmOf } from "./rhythm.ts";
import { Stream } from "./stream.ts";
import { Timeline } from "./timeline.ts";
import { requestId, type Topology, topologyOf } from "./topology.ts";
import { traceIdOf, traceKeyOf } from "./trace-id.ts";

/** One request of the mesh. */
export interface SimulatedRequest {
  readonly stream: Stream;
  /** It is over, counted and logged within the millisecond that ends here. */
  readonly ms: number;
  /** When it was over, in epoch nanoseconds. */
  readonly endNs: bigint;
  /** When it began, in epoch microseconds. */
  readonly startUs: number;
  /** What its durations and its sizes are multiplied with. */
  readonly x: number;
  readonly y: number;
  readonly isTraced: boolean;
  readonly traceId: string;
  readonly requestId: string;
  /** 32 bits of its own for each number. */
  bits(salt: number): number;
}

/** Every request of a declared mesh, each a function of its time. */
export class Simulation {
  readonly declared: Declaration;
  readonly topology: Topology;
  readonly #flows: readonly Timeline<readonly Stream[]>[];
  /** The streams of each flow's states, so far as it is known. */
  readonly #known: { readonly states: number; readonly streams: Stream[] }[] = [];
  /** The longest that a request of a flow takes, in milliseconds, as far as its streams are known. */
  readonly #longestMs: { streams: number; ms: number }[];

  constructor(declared: Declaration) {
    const { seed, startMs, rhythm, incidents } = declared;
    this.declared = declared;
    this.topology = topologyOf(declared);
    this.#flows = declared.flows.map((flow, i) => {
      const own = mix(mix(seed, 0x5eed), i);
      const curve = rhythmOf(rhythm, flow.perSecond, startMs, own);
      const near = incidents.filter((one) => touches(one, flow, this.topology));
      const times = near.map(({ when }) => when);
      return new Timeline(times, curve, startMs, (active, spell) => {
        const now = active.flatMap((at) => near[at]?.incident ?? []);
        const state = active.reduce((bits, at) => mix(bits, at + 1), own);
        return kindsOf(flow, this.topology, now).map((kind, at) => new Stream(kind, spell, mix(state, at)));
      });
    });
    this.#longestMs = declared.flows.map(() => ({ streams: 0, ms: 0 }));
  }

  /** How many flows there are. */
  get flows(): number {
    return this.#flows.length;
  }

  /** The streams of a flow that there were by `ms`: always the same first ones. */
  streams(flow: number, ms: number): readonly Stream[] {
    const states = this.#flows[flow]?.until(ms) ?? [];
    const known = this.#known[flow] ?? { states: 0, streams: [] };
    if (states.length > known.states) {
      for (const streams of states.slice(known.states)) known.streams.push(...streams);
      this.#known[flow] = { states: states.length, streams: known.streams };
    }
    return known.streams;
  }

  /** The requests that were over after `fromMs` and until `toMs`, the earliest first. */
  requests(fromMs: number, toMs: number, isWanted: (stream: Stream) => boolean = () => true): SimulatedRequest[] {
    const found: SimulatedRequest[] = [];
    for (let flow = 0; flow < this.#flows.length; flow++) this.#collect(flow, fromMs, toMs, isWanted, found);
    return found.sort((a, b) => (a.endNs < b.endNs ? -1 : a.endNs > b.endNs ? 1 : 0));
  }

  /** The request of a trace's id. */
  traced(id: string): SimulatedRequest | undefined {
    const { ms, flow } = traceKeyOf(this.declared.seed, id);
    if (flow >= this.#flows.length || ms > FARTHEST_MS) return undefined;
    const found: SimulatedRequest[] = [];
    this.#collect(flow, ms - 1, ms, () => true, found);
    return found.find((request) => request.isTraced && request.traceId === id);
  }

  /** The longest that a request takes which was over by `ms`. */
  longestMs(ms: number): number {
    let longest = 0;
    for (const [flow, known] of this.#longestMs.entries()) {
      const streams = this.streams(flow, ms);
      for (const { kind, profile } of streams.slice(known.streams)) {
        const [first] = kind.exchanges;
        if (first !== undefined) known.ms = Math.max(known.ms, spanUs(first.timing.length, profile.most) / 1_000);
      }
      known.streams = Math.max(known.streams, streams.length);
      longest = Math.max(longest, known.ms);
    }
    return Math.ceil(longest) + 1;
  }

  #collect(
    flow: number,
    fromMs: number,
    toMs: number,
    isWanted: (stream: Stream) => boolean,
    found: SimulatedRequest[],
  ): void {
    for (const stream of this.streams(flow, toMs)) {
      if (!isWanted(stream)) continue;
      const before = stream.until(fromMs);
      const after = stream.until(toMs);
      for (let number = before; number < after; number++) {
        const ms = stream.timeOf(number, fromMs, toMs);
        found.push(new Request(stream, number, ms, flow, this.declared));
      }
    }
  }
}

/** Longer than anyone asks. */
const FARTHEST_MS = Date.UTC(2200, 0, 1);

/** Where lines of one request may lie within its millisecond. */
const LINES_NS = 99_000;

class Request implements SimulatedRequest {
  readonly stream: Stream;
  readonly ms: number;
  readonly endNs: bigint;
  readonly startUs: number;
  readonly x: number;
  readonly y: number;
  readonly isTraced: boolean;
  readonly #own: number;
  readonly #flow: number;
  readonly #seed: number;
  #requestId: string | undefined;

  constructor(stream: Stream, number: number, ms: number, flow: number, { seed, sampling }: Declaration) {
    const { profile, kind } = stream;
    this.stream = stream;
    this.ms = ms;
    this.#own = mixLong(stream.seed ^ 0x0e0e0e0e, number);
    this.#flow = flow;
    this.#seed = seed;
    this.endNs = BigInt(ms - 1) * 1_000_000n + BigInt(1 + (this.bits(1) % (999_998 - LINES_NS)));
    this.x = profile.x(stream.seed, number);
    this.y = profile.y(stream.seed, number);
    const [first] = kind.exchanges;
    this.startUs = Number(this.endNs / 1_000n) - (first === undefined ? 0 : spanUs(first.timing.length, this.x));
    this.isTraced = unit(this.bits(2)) < sampling;
  }

  get traceId(): string {
    return traceIdOf(this.#seed, {
      ms: this.ms,
      flow: this.#flow,
      own: [this.bits(3), this.bits(4)],
    });
  }

  get requestId(): string {
    this.#requestId ??= requestId(this.bits(5), this.bits(6), this.bits(7), this.bits(8), this.isTraced);
    return this.#requestId;
  }

  bits(salt: number): number {
    return mix(this.#own, salt);
  }
}
