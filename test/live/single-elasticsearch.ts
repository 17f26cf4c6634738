/** An Elasticsearch of its own for one test file: 7.10, the last one under the Apache licence. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { searchEngineJars } from "../mesh/install.ts";
import { start, stop, until } from "../mesh/processes.ts";
import { freePort } from "./single-prometheus.ts";

export interface SingleElasticsearch {
  readonly url: string;
  stop(): Promise<void>;
}

export async function singleElasticsearch(): Promise<SingleElasticsearch> {
  const jars = await searchEngineJars("elasticsearch", "elasticsearch-7.10.2");
  const directory = mkdtempSync(path.join(tmpdir(), "meshquery-elasticsearch-"));
  const configuration = path.join(directory, "node_1", "config");
  mkdirSync(configuration, { recursive: true });
  const settings = {
    "http.host": "127.0.0.1",
    "transport.host": "127.0.0.1",
    "transport.port": await freePort(),
    "discovery.type": "single-node",
    "cluster.routing.allocation.disk.threshold_enabled": false,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}: ${value}\n`);
  writeFileSync(path.join(configuration, "elasticsearch.yml"), lines.join(""));
  const port = await freePortForRunner();
  const url = `http://127.0.0.1:${port}`;
  const args = [
    ...["-Xmx500m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.security.manager=allow"],
    ...["-cp", path.join(jars, "*"), "org.codelibs.elasticsearch.runner.ElasticsearchClusterRunner"],
    ...["-basePath", directory, "-numOfNode", "1", "-clusterName", "meshquery", "-baseHttpPort", String(port - 1)],
  ];
  const started = await start("elasticsearch", "java", args, path.join(directory, "output.txt"));
  const end = async () => {
    await stop([started]);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await until("Elasticsearch to be ready", 180_000, async () => {
      const answer = await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=1s`);
      return answer.ok;
    });
  } catch (error) {
    await end();
    throw error;
  }
  return { url, stop: end };
}

/** The runner takes ports from 9201 to 9299 only, the one after its base. */
async function freePortForRunner(): Promise<number> {
  for (let port = 9_299; port > 9_270; port--) if (await isFree(port)) return port;
  throw new Error("no port from 9271 to 9299 is free");
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listening = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (listening) await new Promise((resolve) => server.close(resolve));
  return listening;
}
