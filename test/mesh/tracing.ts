/** The backends of traces, Jaeger and Zipkin, and the collector that gives every span to both. */
import { fileURLToPath } from "node:url";
import { recipeFile } from "./go-program.ts";
import type { TracingPrograms } from "./install.ts";
import { collectorPort, jaegerPorts, localAddress, zipkinPort } from "./topology.ts";

export const jaegerUrl = `http://${localAddress}:${jaegerPorts.query}`;
export const zipkinUrl = `http://${localAddress}:${zipkinPort}`;

export const tracingPorts: readonly number[] = [collectorPort, ...Object.values(jaegerPorts), zipkinPort];

export const collectorProgram = fileURLToPath(new URL("collector.ts", import.meta.url));

export interface Command {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Zipkin first, since it takes the longest. */
export const backendCommands = (programs: TracingPrograms): readonly Command[] => [
  {
    name: "zipkin",
    program: programs.java,
    args: [
      // A span of a proxy takes 4.5 KB: room for 200,000. With none left it ends; else it would crawl and lose spans.
      "-Xmx1g",
      "-XX:+ExitOnOutOfMemoryError",
      // Half the time to start.
      "-XX:+UseSerialGC",
      "-XX:TieredStopAtLevel=1",
      "-jar",
      programs.zipkinJar,
      // The property `server.address` is not heeded, and naming one part of the list takes all three.
      `--armeria.ports[0].ip=${localAddress}`,
      `--armeria.ports[0].port=${zipkinPort}`,
      "--armeria.ports[0].protocols[0]=http",
      // There is nothing to save, and an orderly end takes 4 s.
      "--spring.main.register-shutdown-hook=false",
    ],
    environment: { STORAGE_TYPE: "mem", MEM_MAX_SPANS: "1000000", QUERY_LOOKBACK: String(7 * 24 * 3600 * 1000) },
  },
  {
    name: "jaeger",
    program: programs.jaeger,
    args: ["--config", recipeFile("jaeger", "jaeger.yaml")],
    environment: {
      JAEGER_QUERY_PORT: String(jaegerPorts.query),
      JAEGER_GRPC_PORT: String(jaegerPorts.grpc),
      JAEGER_OTLP_PORT: String(jaegerPorts.otlp),
      JAEGER_ZIPKIN_PORT: String(jaegerPorts.zipkin),
    },
  },
];

/** What answers once a process of that name is ready. */
export const readyTargets = [
  { name: "collector", port: collectorPort, target: "/counts" },
  { name: "jaeger", port: jaegerPorts.query, target: "/api/v3/services" },
  { name: "zipkin", port: zipkinPort, target: "/health" },
] as const;

/** Where the collector sends what it takes. */
export const spanReceivers = [
  { name: "jaeger", url: `http://${localAddress}:${jaegerPorts.zipkin}/api/v2/spans` },
  { name: "zipkin", url: `${zipkinUrl}/api/v2/spans` },
] as const;
