import type { SimulatedLatency } from "./options.ts";

/** A part of all requests, and at what quantile of its latency each call of them is. */
export interface Stratum {
  readonly share: number;
  /** By call: how many standard deviations from the median. */
  readonly deviations: readonly number[];
}

/** Deviations in the middle of eight equal parts of the quantiles up to 0.9. */
const BODY = [-1.587, -0.959, -0.579, -0.269, 0.016, 0.302, 0.617, 1.01] as const;
/** The parts of the last tenth, and the deviations in their middles. */
const TAIL = [
  { share: 0.5, deviation: 1.44 },
  { share: 0.3, deviation: 1.812 },
  { share: 0.15, deviation: 2.241 },
  { share: 0.05, deviation: 2.807 },
] as const;
/** Odd numbers, each of which takes eight parts in another order. */
const STRIDES = [1, 3, 5, 7] as const;

/**
 * The strata of a request with so many calls. A tenth of the requests is in the last tenth of a call's latencies; while
 * one call is that slow, the others take what they mostly do. Otherwise the calls are as slow as they are independently.
 */
export function strataOf(calls: number): readonly Stratum[] {
  const tail = Math.min(0.1, 0.8 / Math.max(1, calls));
  const body = 1 - tail * calls;
  const strata: Stratum[] = BODY.map((_, i) => ({
    share: body / BODY.length,
    deviations: Array.from({ length: calls }, (_unused, call) => {
      const stride = STRIDES[call % STRIDES.length] ?? 1;
      return BODY[(i * stride + 3 * call) % BODY.length] ?? 0;
    }),
  }));
  for (let slow = 0; slow < calls; slow++) {
    for (const { share, deviation } of TAIL) {
      const deviations = Array.from({ length: calls }, (_, call) => (call === slow ? deviation : 0));
      strata.push({ share: tail * share, deviations });
    }
  }
  return strata;
}

/** The strata of requests of which hardly any come: a few of the body's. */
export function fewStrataOf(calls: number): readonly Stratum[] {
  return [-0.579, 0.302, 1.2].map((deviation) => ({
    share: 1 / 3,
    deviations: Array.from({ length: calls }, () => deviation),
  }));
}

/** A log-normal latency in microseconds. */
export function latencyUs({ p50, p99 }: SimulatedLatency, deviation: number, factor: number): number {
  const spread = Math.log(p99 / p50) / 2.326_347_874;
  return p50 * factor * Math.exp(spread * deviation) * 1000;
}
