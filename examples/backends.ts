/** Whom the examples ask: the backends that flags or the environment name, otherwise a simulated mesh in this process. */
import {
  createMesh,
  elasticsearch,
  type HttpOptions,
  jaeger,
  loki,
  type Mesh,
  type MeshOptions,
  prometheus,
  showProgress,
  zipkin,
} from "meshquery";
import { simulatedMesh } from "meshquery/testing";

const text = { type: "string" } as const;

/** For `parseArgs`, beside the flags of a program's own. */
export const BACKEND_FLAGS = {
  prometheus: text,
  jaeger: text,
  zipkin: text,
  loki: text,
  elasticsearch: text,
  /** Of Elasticsearch. */
  index: text,
  /** Of the simulated mesh: its present, such as `2026-11-20T10:00:00Z`, what makes it repeatable, and its scrapes. */
  at: text,
  seed: text,
  scrape: text,
} as const;

/** What `parseArgs` made of them. */
export type BackendFlags = { readonly [F in keyof typeof BACKEND_FLAGS]?: string | undefined };

/**
 * The backends named by `--prometheus URL` or `PROMETHEUS_URL` and so on, `undefined` where none is. A token never comes
 * as a flag, which everybody on the machine could read: `PROMETHEUS_TOKEN`, `LOKI_TOKEN`, …
 */
export function namedBackends(flags: BackendFlags): MeshOptions | undefined {
  const url = (name: keyof BackendFlags): string | undefined => flags[name] ?? env(`${name.toUpperCase()}_URL`);
  const access = (name: keyof BackendFlags): HttpOptions => {
    const token = env(`${name.toUpperCase()}_TOKEN`);
    return token === undefined ? {} : { auth: { bearer: token } };
  };
  const named = {
    prometheus: url("prometheus"),
    jaeger: url("jaeger"),
    zipkin: url("zipkin"),
    loki: url("loki"),
    elasticsearch: url("elasticsearch"),
  };
  if (Object.values(named).every((one) => one === undefined)) return undefined;
  const index = flags.index ?? "logstash-*";
  return {
    metrics: named.prometheus === undefined ? undefined : prometheus(named.prometheus, access("prometheus")),
    traces:
      named.jaeger !== undefined
        ? jaeger(named.jaeger, access("jaeger"))
        : named.zipkin !== undefined
          ? zipkin(named.zipkin, access("zipkin"))
          : undefined,
    logs:
      named.loki !== undefined
        ? loki(named.loki, access("loki"))
        : named.elasticsearch !== undefined
          ? elasticsearch(named.elasticsearch, { index, ...access("elasticsearch") })
          : undefined,
  };
}

/** The mesh that is meant. */
export function meshFrom(flags: BackendFlags): Mesh {
  const seed = Number(flags.seed ?? 7);
  const simulated = () => simulatedMesh({ seed, now: flags.at, scrapeInterval: flags.scrape }).backends();
  // Seen by a person at a terminal only.
  return createMesh({ ...(namedBackends(flags) ?? simulated()), onProgress: showProgress() });
}

/** An empty variable is one that is not set. */
const env = (name: string): string | undefined => process.env[name] || undefined;
