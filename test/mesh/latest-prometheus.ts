import { type BuildOptions, goProgram } from "./go-program.ts";

/** Where a Prometheus and its tool are. */
export interface PrometheusPrograms {
  readonly prometheus: string;
  readonly promtool: string;
}

/** The Prometheus 3 of `recipes/prometheus`, beside the packaged one that the mesh runs; built now unless it is cached. */
export async function latestPrometheus(options: BuildOptions = {}): Promise<PrometheusPrograms> {
  const recipe = { recipe: "prometheus", module: "github.com/prometheus/prometheus" };
  return {
    prometheus: await goProgram({ ...recipe, command: "cmd/prometheus" }, options),
    promtool: await goProgram({ ...recipe, command: "cmd/promtool" }, options),
  };
}
