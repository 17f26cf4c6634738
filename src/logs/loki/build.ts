import type { HttpResponse } from "../../http/client.ts";
import { clockIn } from "../../results/server-description.ts";

/** What a Loki says of its build. */
export interface LokiBuild {
  readonly version: string | undefined;
  readonly clockMs: number | undefined;
}

/**
 * Asks a Loki for its version. Those before 2.4 have no endpoint for it and show it among their own metrics; a gateway
 * may hide both.
 *
 * @see Loki, "HTTP API", "Display build information"
 */
export async function buildOf(get: (path: string) => Promise<HttpResponse>): Promise<LokiBuild> {
  const build = await get("/loki/api/v1/status/buildinfo");
  const clockMs = clockIn(build.headers);
  if (build.status !== 404) return { version: named(build, /"version"\s*:\s*"([^"]+)"/), clockMs };
  return { version: named(await get("/metrics"), /^loki_build_info\{[^}]*\bversion="([^"]+)"/m), clockMs };
}

function named({ status, body }: HttpResponse, version: RegExp): string | undefined {
  return status === 200 ? version.exec(new TextDecoder().decode(body))?.[1] : undefined;
}
