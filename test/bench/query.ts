import { rate, sum, VectorExprBuilder } from "@grafana/promql-builder";
import { createMesh } from "../../src/index.ts";
import { aggregate, call, matcher, matrix, print, selector } from "../../src/promql/index.ts";
import { median } from "./median.ts";

/** One way to make the same query text; times are medians. */
export interface QueryRow {
  readonly way: string;
  readonly us: number;
  /** How many times longer than the template string it takes. */
  readonly ratio: number;
}

const mesh = createMesh();
const METRIC = "istio_requests_total";
const edgeOf = (from: string, to: string) => mesh.edge(from, to);

/** The names differ from call to call, as they do where this matters: in a loop over edges. */
const ways: Readonly<Record<string, (from: string, to: string) => string>> = {
  "template string": (from, to) =>
    `sum(rate(${METRIC}{reporter="destination",source_workload="${from}",destination_workload="${to}"}[5m]))`,
  "meshquery: edge, rate, text": (from, to) => edgeOf(from, to).rate("5m").promql,
  "meshquery/promql: nodes, text": (from, to) => {
    const matchers = [
      matcher("reporter", "=", "destination"),
      matcher("source_workload", "=", from),
      matcher("destination_workload", "=", to),
    ];
    return print(aggregate("sum", call("rate", matrix(selector(METRIC, matchers), 300_000))));
  },
  "@grafana/promql-builder": (from, to) =>
    sum(
      rate(
        new VectorExprBuilder()
          .metric(METRIC)
          .label("reporter", "destination")
          .label("source_workload", from)
          .label("destination_workload", to)
          .range("5m"),
      ),
    ).toString(),
};

/** Builds and prints the same edge query in every way, by turns. */
export function benchQuery(rounds = 15, calls = 10_000): QueryRow[] {
  const texts = new Set(Object.values(ways).map((make) => make("frontend", "backend").replace(/\s/g, "")));
  if (texts.size !== 1) throw new Error(`the ways do not make the same text:\n${[...texts].join("\n")}`);
  const times = Object.keys(ways).map((way) => ({ way, us: [] as number[] }));
  for (let round = -3; round < rounds; round++) {
    for (const { way, us } of times) {
      const took = perCallUs(ways[way] ?? (() => ""), calls);
      if (round >= 0) us.push(took);
    }
  }
  const floor = median(times[0]?.us ?? []);
  return times.map(({ way, us }) => ({ way, us: median(us), ratio: median(us) / floor }));
}

function perCallUs(make: (from: string, to: string) => string, calls: number): number {
  const start = performance.now();
  let sum = 0;
  // Reading a character makes the engine join the pieces of the text, which it otherwise puts off.
  for (let i = 0; i < calls; i++) sum += make(`frontend-${i % 97}`, `backend-${i}`).charCodeAt(40);
  if (Number.isNaN(sum)) throw new Error("a way makes too short a text");
  return ((performance.now() - start) * 1000) / calls;
}
