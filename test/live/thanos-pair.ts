/** A Thanos querier over two replicas of Prometheus, each with its sidecar. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { isRunning, type Started, start, stop, until } from "../mesh/processes.ts";
import { thanosProgram } from "../mesh/thanos.ts";
import { freePort, type SinglePrometheus, singlePrometheus } from "./single-prometheus.ts";

export interface ThanosPair {
  readonly url: string;
  /** Kills the second replica and its sidecar at once. */
  killSecond(): Promise<void>;
  stop(): Promise<void>;
}

export async function thanosPair(): Promise<ThanosPair> {
  const thanos = await thanosProgram({ onSlow: console.log });
  const directory = mkdtempSync(path.join(tmpdir(), "meshquery-thanos-"));
  const replicas: SinglePrometheus[] = [];
  const started: Started[] = [];
  const run = async (name: string, args: readonly string[]) => {
    started.push(await start(name, thanos, args, path.join(directory, `${name}.txt`)));
  };
  const end = async () => {
    await stop(started);
    for (const replica of replicas) await replica.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const endpoints: string[] = [];
    for (const name of ["a", "b"]) {
      const blocks = ["--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h"];
      // Both scrape what bears the same labels, so that their series differ in the replica alone.
      const scrape = { relabel_configs: [{ target_label: "instance", replacement: "same" }] };
      const replica = await singlePrometheus({ target: "self", scrape, labels: { replica: name }, flags: blocks });
      replicas.push(replica);
      const [grpc, http] = [await freePort(), await freePort()];
      endpoints.push(`127.0.0.1:${grpc}`);
      await run(`sidecar-${name}`, [
        "sidecar",
        `--prometheus.url=${replica.url}`,
        `--tsdb.path=${replica.data}`,
        `--grpc-address=127.0.0.1:${grpc}`,
        `--http-address=127.0.0.1:${http}`,
      ]);
    }
    const [http, grpc] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${http}`;
    await run("query", [
      "query",
      `--http-address=127.0.0.1:${http}`,
      `--grpc-address=127.0.0.1:${grpc}`,
      "--query.replica-label=replica",
      // How long a querier lists who no longer answers: 5 minutes by default. It looks every 5 seconds.
      "--store.unhealthy-timeout=12s",
      ...endpoints.map((endpoint) => `--endpoint=${endpoint}`),
    ]);
    await until("both replicas to be stores with samples", 60_000, async () => {
      const answer = await fetch(`${url}/api/v1/query?query=count(up)&dedup=false`);
      const { data } = (await answer.json()) as { data?: { result: readonly { value: readonly [number, string] }[] } };
      return data?.result[0]?.value[1] === "2";
    });
    const killSecond = async () => {
      replicas[1]?.kill();
      const sidecar = started.find(({ name }) => name === "sidecar-b");
      if (sidecar === undefined) throw new Error("thanos: there is no second sidecar");
      process.kill(sidecar.pid, "SIGKILL");
      await until("the second sidecar to be gone", 5_000, async () => !isRunning(sidecar));
    };
    return { url, killSecond, stop: end };
  } catch (error) {
    await end();
    throw error;
  }
}
