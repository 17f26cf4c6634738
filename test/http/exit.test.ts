import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { listen } from "./listener.ts";

const CLIENT = fileURLToPath(new URL("../../src/http/client.ts", import.meta.url));

/** Runs a module that has `httpClient` and `url`, and gives what it printed once it ended by itself. */
async function run(url: string, code: string): Promise<string> {
  const source = `
    import { httpClient } from ${JSON.stringify(CLIENT)};
    const url = ${JSON.stringify(url)};
    ${code}`;
  const args = ["--import", "tsx", "--input-type=module", "--eval", source];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000, killSignal: "SIGKILL" });
  return stdout.trim();
}

test("a process that asked one question ends by itself, though its connection is kept", {
  timeout: 25_000,
}, async () => {
  // Kept by the server for longer than is waited here.
  const server = await listen(createServer({ keepAliveTimeout: 60_000 }, (_, response) => void response.end("ok")));
  const printed = await run(
    server.url,
    `
    const answer = await httpClient("prometheus", url).send({ method: "GET", path: "/", idempotent: true });
    console.log(answer.status);`,
  );
  expect(printed).toBe("200");
  await server.close();
});

test("making a client loads neither axios nor a connection", { timeout: 25_000 }, async () => {
  const printed = await run(
    "http://h",
    `
    httpClient("prometheus", url);
    console.log(process.moduleLoadList.filter((name) => /^NativeModule (https?|tls)$/.test(name)).join());`,
  );
  expect(printed).toBe("");
});
