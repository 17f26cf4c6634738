/**
 * The tour of the README on a real mesh: starts Envoy sidecars with mutual TLS and a Prometheus on the loopback, sends
 * half a minute of traffic, and prints each sentence of code above its answer. Needs Debian and root.
 */
import { createMesh, prometheus } from "meshquery";
import { meshUp } from "../test/mesh/mesh.ts";

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const step = (name: string, tookMs: number): void => say(`  ${(tookMs / 1000).toFixed(1).padStart(5)} s  ${name}`);

say("Starting a mesh: Envoy sidecars with mutual TLS, scraped by Prometheus");
const running = await meshUp({ tracing: false, logging: false, onStep: step });
try {
  const startMs = performance.now();
  await running.traffic({ seed: 7, seconds: 40 });
  step("send traffic: failures, slow answers, aborts, retries, denials among it", performance.now() - startMs);

  const mesh = createMesh({ metrics: prometheus(running.prometheusUrl, { scrapeInterval: "1s" }) });
  const edge = mesh.edge("frontend", "backend");
  const questions = {
    'const edge = mesh.edge("frontend", "backend"); await edge.rate("1m")': edge.rate("1m"),
    'await edge.rate("1m").by("response_code")': edge.rate("1m").by("response_code"),
    'await edge.success("1m")': edge.success("1m"),
    'await edge.latency(0.99, "1m")': edge.latency(0.99, "1m"),
    'await edge.rate("10s").over({ last: "1m", step: "2s" })': edge.rate("10s").over({ last: "1m", step: "2s" }),
    'await mesh.edge("frontend", "recommender").errors("1m").by("grpc_response_status")': mesh
      .edge("frontend", "recommender")
      .errors("1m")
      .by("grpc_response_status"),
    'await mesh.edge("frontend", { service: "ghost" }).reportedBy("source").requests("1m").by("response_flags")': mesh
      .edge("frontend", { service: "ghost" })
      .reportedBy("source")
      .requests("1m")
      .by("response_flags"),
    'await mesh.workload("ratings").rate("1m").by("source_workload", "connection_security_policy")': mesh
      .workload("ratings")
      .rate("1m")
      .by("source_workload", "connection_security_policy"),
    'await mesh.workload("ledger").tcpReceived("1m")': mesh.workload("ledger").tcpReceived("1m"),
  };
  for (const [sentence, question] of Object.entries(questions)) {
    say(`\n> ${sentence}`);
    console.log(await question);
  }
} finally {
  await running.down();
}
