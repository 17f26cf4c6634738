import { feed } from "../live/servers/otlp.ts";
import { singlePrometheus } from "../live/single-prometheus.ts";
import { latestPrometheus } from "../mesh/latest-prometheus.ts";

/** Measures over a real Prometheus of its own, where `x` has 50 series at one instant, from which PromQL makes more. */
export async function overLargeAnswers<T>(measure: (url: string, atMs: number) => Promise<T>): Promise<T> {
  const programs = await latestPrometheus({ onSlow: (what) => console.log(what) });
  const server = await singlePrometheus({ programs, flags: ["--web.enable-otlp-receiver"] });
  try {
    const atMs = Math.floor(Date.now() / 15_000) * 15_000;
    const floats = Array.from({ length: 50 }, (_, i) => ({
      name: "x",
      labels: { source_workload: `frontend-${i % 7}`, destination_workload: `backend-${i}`, reporter: "destination" },
      at: () => i / 3,
    }));
    await feed(server.url, { floats, histograms: [], fromMs: atMs, toMs: atMs, everyMs: 15_000 });
    return await measure(server.url, atMs);
  } finally {
    await server.stop();
  }
}
