import { MeshQueryError } from "../../errors.ts";
import type { ServerDescription } from "../../results/server-description.ts";
import type { AskOptions } from "../../time.ts";
import type { Connection } from "./connection.ts";
import type { KnownServer } from "./detection.ts";
import type { DialectKind } from "./dialect.ts";

const PRODUCTS: Readonly<Record<DialectKind, string>> = {
  cortex: "Cortex",
  mimir: "Grafana Mimir",
  prometheus: "Prometheus",
  thanos: "Thanos",
  "victoria-metrics": "VictoriaMetrics",
};

/**
 * What a server is by its own words, spoken to in the dialect `spoken`.
 *
 * @param server what it said; `undefined` where it could not be asked, so that the dialect alone is known
 */
export async function describe(
  server: KnownServer | undefined,
  spoken: DialectKind,
  connection: Connection,
  options: AskOptions,
): Promise<ServerDescription> {
  const kind = server?.kind ?? spoken;
  const version = kind === "victoria-metrics" ? await victoriaVersion(connection, options) : server?.version;
  const isOther = spoken !== kind && !(isTenantKind(spoken) && isTenantKind(kind));
  return {
    product: server?.application ?? PRODUCTS[kind],
    version,
    dialect: spoken,
    remedy: isOther ? `write prometheus(url, { dialect: "${kind}" }), or leave the dialect out` : undefined,
  };
}

/** Mimir came of Cortex, and takes the same. */
const isTenantKind = (kind: DialectKind): boolean => kind === "cortex" || kind === "mimir";

/** Its build information has the version of the Prometheus that it stands for; its own is among its metrics. */
async function victoriaVersion(connection: Connection, options: AskOptions): Promise<string | undefined> {
  try {
    const { status, body } = await connection.get("/metrics", [], "none", options);
    if (status !== 200) return undefined;
    const line = /^vm_app_version\{([^}]*)\}/m.exec(new TextDecoder().decode(body))?.[1] ?? "";
    const named = /\bshort_version="([^"]+)"/.exec(line)?.[1] ?? /\bversion="([^"]+)"/.exec(line)?.[1];
    return named?.replace(/^v(?=\d)/, "");
  } catch (error) {
    if (error instanceof MeshQueryError) return undefined;
    throw error;
  }
}
