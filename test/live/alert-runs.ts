/** One evaluation of a server, a second apart from the next, that found an alert in a state. */
export type LiveEvaluation = readonly [atMs: number, state: string];

/** The evaluations that a server's own `ALERTS` series show. */
export async function evaluationsOf(url: string, query: string): Promise<readonly LiveEvaluation[]> {
  type Range = { data: { result: { metric: { alertstate: string }; values: [number, string][] }[] } };
  const raw = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
  const { data } = (await raw.json()) as Range;
  return data.result.flatMap(({ metric, values }) =>
    values.map(([time]) => [Math.round(time * 1000), metric.alertstate] as const),
  );
}

/** A time in which an alert was in one state. */
export interface LiveRun {
  readonly state: string;
  readonly startMs: number;
  endMs: number;
}

/** Evaluations a second apart that found the same state, as intervals. */
export function runsOf(evaluations: readonly LiveEvaluation[]): LiveRun[] {
  const runs: LiveRun[] = [];
  for (const [atMs, state] of [...evaluations].sort(([a], [b]) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last.state === state && atMs <= last.endMs + 500) last.endMs = atMs + 1000;
    else runs.push({ state, startMs: atMs, endMs: atMs + 1000 });
  }
  return runs;
}
