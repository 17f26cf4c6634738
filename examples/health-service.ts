/**
 * Serves how an edge does, for a load balancer, a dashboard or a person:
 *
 *   npx tsx examples/health-service.ts --from frontend --to backend --port 8080
 *
 *   GET /-/healthy   200 while this process serves
 *   GET /-/ready     200 where the edge is measured and succeeds often enough, otherwise 503 with the reason
 *   GET /health      the same as JSON, with its figures and the queries behind them; 504 where the metrics do not
 *                    come within --timeout-ms, 502 where they cannot be had
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { MeshQueryError, TimeoutError } from "meshquery";
import { BACKEND_FLAGS, meshFrom } from "./backends.ts";

const { values: given } = parseArgs({
  options: {
    ...BACKEND_FLAGS,
    from: { type: "string", default: "frontend" },
    to: { type: "string", default: "backend" },
    window: { type: "string", default: "5m" },
    least: { type: "string", default: "0.98" },
    "timeout-ms": { type: "string", default: "5000" },
    port: { type: "string", default: "8080" },
    host: { type: "string", default: "127.0.0.1" },
  },
});
/** Below this share of successes the edge is failing. */
const least = Number(given.least);
if (!(least > 0 && least <= 1)) throw new RangeError(`--least is a share such as 0.98, not ${given.least}`);
/** To be less than the patience of whoever probes: Kubernetes gives up after a second where no `timeoutSeconds` says more. */
const timeoutMs = Number(given["timeout-ms"]);
if (!(timeoutMs > 0)) throw new RangeError(`--timeout-ms is milliseconds such as 5000, not ${given["timeout-ms"]}`);
/** No answer changes faster than the mesh is scraped. */
const FRESH_MS = 15_000;

const edge = meshFrom(given).edge(given.from, given.to);
const questions = {
  rate: edge.rate(given.window),
  success: edge.success(given.window),
  p99: edge.latency(0.99, given.window),
};

interface Health {
  readonly edge: string;
  readonly state: "failing" | "healthy" | "unmeasured";
  readonly reason: string;
  readonly requestsPerSecond: number | null;
  readonly success: number | null;
  readonly p99Ms: number | null;
  readonly at: string;
  readonly complete: boolean;
  readonly warnings: readonly string[];
  readonly promql: Readonly<Record<string, string>>;
}

/** Ends with its caller's signal; callers at the same time share the requests to the backend. */
async function ask(signal: AbortSignal): Promise<Health> {
  const how = { signal, timeoutMs };
  const answers = [questions.rate.now(how), questions.success.now(how), questions.p99.now(how)] as const;
  const [rate, success, p99] = await Promise.all(answers);
  const metas = [rate.meta, success.meta, p99.meta];
  const state = success.value === undefined ? "unmeasured" : success.value < least ? "failing" : "healthy";
  const wanted = `of the requests succeed, and ${Number((100 * least).toFixed(6))} % shall`;
  return {
    edge: `${given.from} to ${given.to}`,
    state,
    reason: state === "unmeasured" ? `no request was measured in ${given.window}` : `${success} ${wanted}`,
    requestsPerSecond: rate.value ?? null,
    success: success.value ?? null,
    p99Ms: p99.value ?? null,
    at: new Date(success.at).toISOString(),
    complete: metas.every(({ complete }) => complete),
    warnings: [...new Set(metas.flatMap(({ warnings }) => warnings))],
    promql: { rate: rate.meta.promql, success: success.meta.promql, p99: p99.meta.promql },
  };
}

let last: { readonly health: Health; readonly untilMs: number } | undefined;

async function health(signal: AbortSignal): Promise<Health> {
  if (last !== undefined && performance.now() < last.untilMs) return last.health;
  const health = await ask(signal);
  last = { health, untilMs: performance.now() + FRESH_MS };
  return health;
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url?.split("?")[0];
  if (request.method !== "GET" && request.method !== "HEAD") return send(response, 405, { error: "GET only" });
  if (path === "/-/healthy") return send(response, 200, "healthy\n");
  if (path !== "/-/ready" && path !== "/health")
    return send(response, 404, { error: "/health, /-/ready or /-/healthy" });
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  try {
    const now = await health(gone.signal);
    if (path === "/health") return send(response, 200, now);
    return send(response, now.state === "healthy" ? 200 : 503, `${now.state}: ${now.reason}\n`);
  } catch (error) {
    if (gone.signal.aborted) return;
    // The library's messages hold no credentials; anything else is a defect of this program, and not for clients.
    const known = error instanceof MeshQueryError;
    console.error(known ? error.message : error);
    const why = known ? { error: error.message, code: error.code } : { error: "internal error" };
    if (path === "/-/ready") return send(response, 503, `unknown: ${why.error}\n`);
    send(response, error instanceof TimeoutError ? 504 : known ? 502 : 500, why);
  }
}

function send(response: ServerResponse, status: number, body: object | string): void {
  const isText = typeof body === "string";
  response.writeHead(status, {
    "content-type": isText ? "text/plain" : "application/json",
    "cache-control": "no-store",
  });
  response.end(isText ? body : `${JSON.stringify(body, null, 2)}\n`);
}

const server = createServer((request, response) => void serve(request, response));
server.listen(Number(given.port), given.host, () => {
  const { address, port } = server.address() as AddressInfo;
  console.log(`Serving the health of ${given.from} to ${given.to} at http://${address}:${port}/health`);
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => server.close());
