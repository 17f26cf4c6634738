/**
 * The tour of the README: prints each sentence of code above its answer.
 *
 *   npm run demo                              # over HTTP, from a simulated mesh on the loopback
 *   npm run demo -- --prometheus http://prometheus:9090 --from productpage-v1 --to reviews-v1
 *   npm run demo -- --mesh                    # from real Envoy sidecars and a Prometheus (Debian, as root)
 *
 * Beside `--prometheus`: `--jaeger` or `--zipkin`, and `--loki` or `--elasticsearch` with its `--index`; or the variables
 * `PROMETHEUS_URL` and so on.
 */
import { parseArgs } from "node:util";
import { createMesh, jaeger, loki, type MeshOptions, prometheus } from "meshquery";
import { simulatedMesh } from "meshquery/testing";
import { BACKEND_FLAGS, namedBackends } from "./backends.ts";

const text = { type: "string" } as const;
const { values: given } = parseArgs({
  options: {
    ...BACKEND_FLAGS,
    from: { ...text, default: "frontend" },
    to: { ...text, default: "backend" },
    mesh: { type: "boolean", default: false },
    seed: { ...text, default: "7" },
  },
});

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** What is asked, and what ends it afterwards. */
interface Stage {
  readonly backends: MeshOptions;
  readonly window: string;
  /** Whether it has the services of the shop. */
  readonly isShop: boolean;
  /** Whether it was there a day ago. */
  readonly hasPast: boolean;
  close(): Promise<void>;
}

async function simulated(): Promise<Stage> {
  const now = given.at === undefined ? undefined : { now: given.at };
  const sim = simulatedMesh({ seed: Number(given.seed), ...now });
  const server = await sim.listen();
  say(`A simulated mesh speaks as Prometheus, Jaeger and Loki at http://127.0.0.1:${server.port}`);
  const backends = {
    metrics: prometheus(server.prometheus),
    traces: jaeger(server.jaeger),
    logs: loki(server.loki),
    now: sim.now,
  };
  return { backends, window: "5m", isShop: true, hasPast: true, close: () => server.close() };
}

/** The backends that are named, or nothing where none is. */
function named(): Stage | undefined {
  const backends = namedBackends(given);
  return backends && { backends, window: "5m", isShop: false, hasPast: true, close: async () => {} };
}

/** Real sidecars, which half a minute of traffic goes through first. */
async function real(): Promise<Stage> {
  const onStep = (name: string, tookMs: number): void => say(`  ${(tookMs / 1000).toFixed(1).padStart(5)} s  ${name}`);
  say("Starting a mesh: Envoy sidecars with mutual TLS, scraped by Prometheus");
  const { meshUp } = await import("../test/mesh/mesh.ts");
  const running = await meshUp({ tracing: false, logging: false, onStep });
  try {
    say("Sending traffic for 40 s: failures, slow answers, aborts, retries, denials among it");
    await running.traffic({ seed: 7, seconds: 40 });
  } catch (error) {
    await running.down();
    throw error;
  }
  const metrics = prometheus(running.prometheusUrl, { scrapeInterval: "1s" });
  return { backends: { metrics }, window: "1m", isShop: true, hasPast: false, close: () => running.down() };
}

const stage = given.mesh ? await real() : (named() ?? (await simulated()));
try {
  await tour(stage);
} finally {
  await stage.close();
}

async function tour({ backends, window, isShop, hasPast }: Stage): Promise<void> {
  const mesh = createMesh(backends);
  const edge = mesh.edge(given.from, given.to);
  const rate = edge.rate(window);
  const ask = async (sentence: string, answer: PromiseLike<unknown>): Promise<void> => {
    say(`\n> ${sentence}`);
    console.log(await answer);
  };
  say(`\n> const edge = mesh.edge("${given.from}", "${given.to}");`);
  if (backends.metrics !== undefined) {
    await ask(`await edge.rate("${window}")`, rate);
    await ask(`await edge.success("${window}")`, edge.success(window));
    await ask(`await edge.latency(0.5, "${window}")`, edge.latency(0.5, window));
    await ask(`await edge.latency(0.99, "${window}")`, edge.latency(0.99, window));
    await ask(
      `await edge.rate("${window}").by("response_code", "response_flags")`,
      rate.by("response_code", "response_flags"),
    );
  }
  if (backends.metrics !== undefined && hasPast) {
    await ask(`await edge.rate("${window}").over({ last: "1d", step: "15m" })`, rate.over({ last: "1d", step: "15m" }));
    await ask(
      `await edge.rate("${window}").dividedBy(edge.rate("${window}").offset("1d"))`,
      rate.dividedBy(rate.offset("1d")),
    );
  }
  if (backends.metrics !== undefined && isShop) {
    await ask(
      `await mesh.service("backend").latency(0.99, "${window}").by("destination_version")`,
      mesh.service("backend").latency(0.99, window).by("destination_version"),
    );
    await ask(
      `await mesh.edge("frontend", "recommender").errors("${window}").by("grpc_response_status")`,
      mesh.edge("frontend", "recommender").errors(window).by("grpc_response_status"),
    );
    await ask(
      `await mesh.edge("frontend", { service: "ghost" }).reportedBy("source").rate("${window}").by("response_flags")`,
      mesh.edge("frontend", { service: "ghost" }).reportedBy("source").rate(window).by("response_flags"),
    );
    await ask(
      `await mesh.workload("ratings").rate("${window}").by("source_workload", "connection_security_policy")`,
      mesh.workload("ratings").rate(window).by("source_workload", "connection_security_policy"),
    );
    await ask(`await mesh.workload("ledger").tcpReceived("${window}")`, mesh.workload("ledger").tcpReceived(window));
  }
  if (backends.traces !== undefined) {
    say('\n> for (const { trace } of await edge.slowest({ last: "5m", limit: 2 })) console.log(trace);');
    for (const { trace } of await edge.slowest({ last: "5m", limit: 2 })) console.log(trace);
  }
  if (backends.logs !== undefined) {
    say('\n> for await (const entry of edge.logs({ last: "5m", status: "5xx", limit: 3 })) console.log(entry.raw);');
    for await (const entry of edge.logs({ last: "5m", status: "5xx", limit: 3 })) console.log(entry.raw);
  }
}
