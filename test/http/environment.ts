import type { Environment } from "../../src/http/environment.ts";

/** An environment whose clock moves only by the pauses it is asked for, which it keeps in a list. */
export function scriptedEnvironment({ nowMs = 1_700_000_000_000, random = 0.5 } = {}): Environment & {
  readonly pauses: number[];
} {
  const pauses: number[] = [];
  let clockMs = nowMs;
  return {
    pauses,
    now: () => clockMs,
    sleep: async (ms) => {
      pauses.push(ms);
      clockMs += ms;
    },
    random: () => random,
  };
}
