import type { Telemetry } from "../../telemetry.ts";
import { routed, type ServerReply, type ServerRequest, type Unrouted } from "../exchange.ts";
import { legacyRoutes } from "./legacy.ts";
import { JaegerStore } from "./store.ts";
import { v3Routes } from "./v3.ts";

/**
 * Jaeger's query service, which has both of its APIs up to version 2.20, and the newer one alone (with the dependencies
 * and single traces of the older) from 2.21 on.
 */
export function jaegerApi(
  telemetry: Telemetry,
  now: () => number,
  { search }: { readonly search: "legacy" | "v3" },
): (request: ServerRequest) => ServerReply {
  const store = new JaegerStore(telemetry, now);
  const older = legacyRoutes(store);
  const kept = search === "legacy" ? older : older.filter(({ path }) => STAYED.some((one) => path.test(one)));
  const routes = [...v3Routes(store), ...kept];
  const page = pageOf(search === "legacy" ? "v2.20.0" : "v2.21.0");
  const unrouted: Unrouted = {
    notFound: () => page,
    notAllowed: (_, methods) => ({ status: 405, headers: { allow: methods.join(", ") }, body: "" }),
  };
  return (request) => routed(routes, unrouted, request);
}

/** Examples of the older API's paths that 2.21 has still. */
const STAYED = ["/api/dependencies", "/api/traces/1"];

/** To every path that it does not know Jaeger answers with the page of its user interface, which tells its version. */
const pageOf = (version: string): ServerReply => ({
  status: 200,
  contentType: "text/html; charset=utf-8",
  body: `<!doctype html>
<html lang="en"><head><title>Jaeger UI</title><script>
const JAEGER_VERSION = {"gitCommit":"","gitVersion":"${version}","buildDate":""};
</script></head><body></body></html>
`,
});
