/** A VictoriaMetrics of its own for one test file, over samples that the file writes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { packaged } from "../mesh/install.ts";
import { start, stop, until } from "../mesh/processes.ts";
import { freePort } from "./single-prometheus.ts";

export interface SingleVictoriaMetrics {
  readonly url: string;
  stop(): Promise<void>;
}

/** @param samples in Prometheus's text format, with timestamps in milliseconds */
export async function singleVictoriaMetrics(
  samples: string,
  flags: readonly string[] = [],
): Promise<SingleVictoriaMetrics> {
  const program = await packaged("victoria-metrics", "victoria-metrics");
  const directory = mkdtempSync(path.join(tmpdir(), "meshquery-victoria-metrics-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const args = [
    `-storageDataPath=${path.join(directory, "data")}`,
    `-httpListenAddr=127.0.0.1:${port}`,
    "-retentionPeriod=100y",
    // Samples are found at once, not only after the usual delay.
    "-search.latencyOffset=1ms",
    ...flags,
  ];
  const started = await start("victoria-metrics", program, args, path.join(directory, "output.txt"));
  const end = async () => {
    await stop([started]);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await until("VictoriaMetrics to be ready", 20_000, async () => (await fetch(`${url}/health`)).ok);
    const sent = await fetch(`${url}/api/v1/import/prometheus`, { method: "POST", body: samples });
    if (!sent.ok) throw new Error(`victoria-metrics: the samples were refused: ${sent.status} ${await sent.text()}`);
    await fetch(`${url}/internal/force_flush`);
  } catch (error) {
    await end();
    throw error;
  }
  return { url, stop: end };
}
