/** The backends of access logs, Loki and OpenSearch, and the shipper that gives every line to both. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Receiver } from "./forwarding.ts";
import { recipeFile } from "./go-program.ts";
import type { LoggingPrograms } from "./install.ts";
import { localAddress, lokiPorts, opensearchPorts, shipperPort } from "./topology.ts";
import type { Command } from "./tracing.ts";

export const lokiUrl = `http://${localAddress}:${lokiPorts.http}`;
export const opensearchUrl = `http://${localAddress}:${opensearchPorts.http}`;
/** Documents of all lines, one index a day, as fluentd names them. */
export const logIndex = "logstash-*";

export const loggingPorts: readonly number[] = [
  ...Object.values(lokiPorts),
  ...Object.values(opensearchPorts),
  shipperPort,
];

export const shipperProgram = fileURLToPath(new URL("log-shipper.ts", import.meta.url));

/** OpenSearch first, since it takes the longest. Their data lie in the mesh's directory. */
export function logBackendCommands(programs: LoggingPrograms, directory: string): readonly Command[] {
  const configuration = path.join(directory, "opensearch", "node_1", "config");
  mkdirSync(configuration, { recursive: true });
  // The runner sets the port of HTTP itself: the one after its base.
  const settings = {
    "http.host": localAddress,
    "transport.host": localAddress,
    "transport.port": opensearchPorts.transport,
    "discovery.type": "single-node",
    // A full disk is none of its business here.
    "cluster.routing.allocation.disk.threshold_enabled": false,
  };
  writeFileSync(
    path.join(configuration, "opensearch.yml"),
    Object.entries(settings)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(""),
  );
  return [
    {
      name: "opensearch",
      program: programs.java,
      args: [
        "-Xmx700m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        path.join(programs.opensearchJars, "*"),
        "org.codelibs.opensearch.runner.OpenSearchRunner",
        "-basePath",
        path.join(directory, "opensearch"),
        "-numOfNode",
        "1",
        "-clusterName",
        "meshquery",
        "-baseHttpPort",
        String(opensearchPorts.http - 1),
      ],
      environment: {},
    },
    {
      name: "loki",
      program: programs.loki,
      args: [
        `-config.file=${recipeFile("loki", "loki.yaml")}`,
        `-server.http-listen-port=${lokiPorts.http}`,
        `-server.grpc-listen-port=${lokiPorts.grpc}`,
        ...lokiFolders(directory),
      ],
      environment: {},
    },
  ];
}

const lokiFolders = (directory: string): readonly string[] => {
  const at = (name: string): string => path.join(directory, "loki", name);
  return [
    `-boltdb.shipper.active-index-directory=${at("index")}`,
    `-boltdb.shipper.cache-location=${at("cache")}`,
    `-local.chunk-directory=${at("chunks")}`,
    `-boltdb.shipper.compactor.working-directory=${at("compactor")}`,
  ];
};

/** What answers once a process of that name is ready. */
export const logReadyTargets = [
  { name: "opensearch", port: opensearchPorts.http, target: "/_cluster/health?wait_for_status=yellow&timeout=1s" },
  { name: "loki", port: lokiPorts.http, target: "/ready" },
  { name: "log-shipper", port: shipperPort, target: "/counts" },
] as const;

/** Where the shipper sends what it reads. */
export const lineReceivers: { readonly loki: Receiver; readonly opensearch: Receiver } = {
  loki: { name: "loki", url: `${lokiUrl}/loki/api/v1/push` },
  opensearch: {
    name: "opensearch",
    url: `${opensearchUrl}/_bulk`,
    contentType: "application/x-ndjson",
    complaint: (answer) => ((JSON.parse(answer) as { errors: boolean }).errors ? answer : undefined),
  },
};
