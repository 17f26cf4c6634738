/** A Loki of its own for one test file, with rules that its ruler evaluates. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { goProgram } from "../mesh/go-program.ts";
import { start, stop, until } from "../mesh/processes.ts";
import { freePort } from "./single-prometheus.ts";

export interface SingleLoki {
  readonly url: string;
  stop(): Promise<void>;
}

/** @param rules a file of rules, in Loki's own YAML */
export async function singleLoki(rules: string): Promise<SingleLoki> {
  const program = await goProgram({ recipe: "loki", module: "github.com/grafana/loki", command: "cmd/loki" });
  const directory = mkdtempSync(path.join(tmpdir(), "meshquery-loki-"));
  const at = (...names: readonly string[]) => path.join(directory, ...names);
  // Without tenants everything is of one that is called fake.
  mkdirSync(at("rules", "fake"), { recursive: true });
  writeFileSync(at("rules", "fake", "rules.yml"), rules);
  const [http, grpc] = [await freePort(), await freePort()];
  const ring = { kvstore: { store: "inmemory" } };
  const config = {
    auth_enabled: false,
    server: {
      http_listen_address: "127.0.0.1",
      http_listen_port: http,
      grpc_listen_address: "127.0.0.1",
      grpc_listen_port: grpc,
      log_level: "error",
    },
    ingester: {
      lifecycler: {
        address: "127.0.0.1",
        min_ready_duration: "0s",
        final_sleep: "0s",
        ring: { ...ring, replication_factor: 1 },
      },
      wal: { enabled: false },
    },
    schema_config: {
      configs: [
        {
          from: "2020-01-01",
          store: "boltdb-shipper",
          object_store: "filesystem",
          schema: "v11",
          index: { prefix: "i_", period: "24h" },
        },
      ],
    },
    storage_config: {
      boltdb_shipper: { active_index_directory: at("index"), cache_location: at("cache"), shared_store: "filesystem" },
      filesystem: { directory: at("chunks") },
    },
    compactor: { working_directory: at("compactor"), shared_store: "filesystem" },
    ruler: {
      storage: { type: "local", local: { directory: at("rules") } },
      rule_path: at("scratch"),
      alertmanager_url: "http://127.0.0.1:9",
      evaluation_interval: "1s",
      poll_interval: "1s",
      ring,
      enable_api: true,
    },
  };
  writeFileSync(at("loki.yml"), stringify(config));
  const url = `http://127.0.0.1:${http}`;
  const started = await start("loki", program, [`-config.file=${at("loki.yml")}`], at("output.txt"));
  const end = async () => {
    await stop([started]);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await until("Loki to be ready", 60_000, async () => (await fetch(`${url}/ready`)).status === 200);
  } catch (error) {
    await end();
    throw error;
  }
  return { url, stop: end };
}
