import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { simulatedMesh } from "../../src/testing/index.ts";
import { startFaultyServer } from "./faulty-server.ts";
import { NOW } from "./preamble.ts";

/** Servers that stand in for those that pages name. */
export interface Servers {
  /** What stands in the code, and what takes its place. */
  readonly urls: ReadonlyMap<string, string>;
  close(): Promise<void>;
}

/** Starts what the pages ask: the simulated mesh's backends, and one that takes notifications. */
export async function startServers(files: string): Promise<Servers> {
  const sim = simulatedMesh({ seed: 7, now: NOW });
  const mesh = await sim.listen();
  const taker = createServer((request, response) => {
    request.resume();
    response.end("{}");
  });
  await new Promise<void>((resolve) => taker.listen(0, "127.0.0.1", resolve));
  const notified = `http://127.0.0.1:${(taker.address() as AddressInfo).port}`;
  const faulty = await startFaultyServer();
  return {
    urls: new Map([
      ["http://prometheus:9090", mesh.prometheus],
      ["http://thanos-query:9090", mesh.prometheus],
      ["http://victoria-metrics:8428", mesh.prometheus],
      ["http://mimir/prometheus", mesh.prometheus],
      ["http://jaeger-query:16686", mesh.jaeger],
      ["http://zipkin:9411", mesh.zipkin],
      ["http://loki:3100", mesh.loki],
      ["http://elasticsearch:9200", mesh.elasticsearch],
      ["https://opensearch:9200", mesh.opensearch],
      ["http://alertmanager:9093", notified],
      ["https://pager.example", notified],
      ["http://faulty:9090", faulty.url],
      ["https://faulty:9090", faulty.tlsUrl],
      ["http://closed:9090", "http://127.0.0.1:1"],
      ["/var/lib/alerts", files],
    ]),
    close: async () => {
      taker.close();
      faulty.close();
      await mesh.close();
    },
  };
}
