import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test, vi } from "vitest";
import { AT, runExample, startExample } from "./example.ts";

/** A server of the test's own, by its URL. */
async function serving(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  // A client may think for longer than a server would wait by itself.
  const server = createServer({ keepAliveTimeout: 60_000 }, answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The health service once it serves, by its URL; it waits for its backend as long as the test does. */
async function healthService(...args: string[]): Promise<string> {
  const child = startExample("health-service", ["--port", "0", "--timeout-ms", "200000", ...args]);
  onTestFinished(() => void child.kill());
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdout?.on("data", (part) => {
      said += part;
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
      if (url !== undefined) resolve(url);
    });
    child.once("close", () => reject(new Error(`the health service ended: ${said}`)));
  });
}

async function asked(url: string): Promise<string> {
  const response = await fetch(url);
  return `${new URL(url).pathname} ${response.status} ${response.headers.get("content-type")}\n${await response.text()}\n`;
}

test("the health service says how the edge does, and whether it is ready", async () => {
  const url = await healthService("--at", AT);
  const paths = ["/-/healthy", "/-/ready", "/health", "/nothing"];
  const answers: string[] = [];
  for (const path of paths) answers.push(await asked(url + path));
  await expect(answers.join("")).toMatchFileSnapshot("../golden/examples/health-service.txt");
  expect((await fetch(`${url}/health`, { method: "POST" })).status).toBe(405);
}, 300_000);

test("the health service is not ready while the edge fails, or is not measured", async () => {
  const failing = await healthService("--at", "2026-11-20T13:20:00Z");
  expect(await asked(`${failing}/-/ready`)).toMatch(/^\/-\/ready 503 .*\nfailing: 9\d\.\d+ % of the requests succeed/);
  const idle = await healthService("--at", AT, "--to", "silent");
  expect(await asked(`${idle}/-/ready`)).toMatch(/ 503 .*\nunmeasured: no request was measured in 5m\n/);
}, 300_000);

test("the health service answers for a backend that does not, and gives up with its client", async () => {
  const refusing = await serving((_, response) => response.writeHead(401).end());
  const health = await asked(`${await healthService("--prometheus", refusing)}/health`);
  expect(health).toMatch(/^\/health 502 application\/json\n\{\n {2}"error": "prometheus: .*401/);
  const open = new Set<IncomingMessage>();
  const silent = await serving((request) => {
    open.add(request);
    request.once("close", () => open.delete(request));
  });
  const url = await healthService("--prometheus", silent);
  const gone = new AbortController();
  const client = fetch(`${url}/health`, { signal: gone.signal }).catch(() => "gone");
  await vi.waitFor(() => expect(open.size).toBeGreaterThan(0), { timeout: 250_000 });
  gone.abort();
  expect(await client).toBe("gone");
  await vi.waitFor(() => expect(open.size).toBe(0), { timeout: 250_000 });
}, 300_000);

test("the health service says in time that its backend does not answer in time", async () => {
  const silent = await serving(() => {});
  const url = await healthService("--prometheus", silent, "--timeout-ms", "200");
  const health = await asked(`${url}/health`);
  expect(health).toMatch(
    /^\/health 504 application\/json\n\{\n {2}"error": ".*within 200 ms.*",\n {2}"code": "deadline"\n\}\n/,
  );
  expect(await asked(`${url}/-/ready`)).toMatch(/^\/-\/ready 503 text\/plain\nunknown: prometheus: .*within 200 ms/);
  expect(await asked(`${url}/-/healthy`)).toMatch(/ 200 /);
}, 300_000);

test("the health service asks once for all who come within a scrape", async () => {
  let questions = 0;
  const backend = await serving((request, response) => {
    if (request.url?.startsWith("/api/v1/query") === true) questions++;
    const data = { resultType: "vector", result: [] };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ status: "success", data }));
  });
  const url = await healthService("--prometheus", backend);
  await asked(`${url}/health`);
  const first = questions;
  await asked(`${url}/health`);
  await asked(`${url}/-/ready`);
  expect(questions).toBe(first);
}, 300_000);

test("the webhook alert tells the room what fires and what is resolved, with evidence", async () => {
  const bodies: string[] = [];
  let refused = 0;
  const room = await serving(async (request, response) => {
    const body = await text(request);
    // The first message is not taken, and told again.
    const status = refused++ === 0 ? 503 : 200;
    if (status === 200) bodies.push(body);
    response.writeHead(status).end();
  });
  const ran = await runExample("webhook-alert", ["--at", "2026-11-20T13:05:00Z"], { env: { SLACK_WEBHOOK_URL: room } });
  expect(ran).toEqual({ stdout: "", stderr: "delivery: the chat room answered 503\n", code: 0 });
  const told = bodies.map((body) => (JSON.parse(body) as { readonly text: string }).text);
  await expect(`${told.join("\n\n")}\n`).toMatchFileSnapshot("../golden/examples/webhook-alert.txt");
}, 300_000);
