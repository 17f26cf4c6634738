import { join } from "node:path";
import { expect, test } from "vitest";
import { simulatedMesh } from "../../src/testing/index.ts";
import { root, run } from "../package/install.ts";

/** What the demo prints, without the port that it happened to have. */
async function demo(...args: readonly string[]): Promise<string> {
  const tsx = join(root, "node_modules/tsx/dist/cli.mjs");
  const { stdout, stderr } = await run(process.execPath, [tsx, "examples/demo.ts", ...args], root);
  expect(stderr).toBe("");
  return stdout.replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:…");
}

test("the demo asks a simulated mesh over HTTP, and prints what it always does at that time", async () => {
  const printed = await demo("--at", "2026-11-20T10:00:00Z");
  await expect(printed).toMatchFileSnapshot("../golden/demo.txt");
}, 300_000);

test("the demo asks the backends that it is given, whatever is called there", async () => {
  const sim = simulatedMesh({
    services: { shop: { failures: { 503: 0.5 } }, stock: { port: 9000, failures: { 503: 0.2 } } },
    clients: { gateway: { kind: "gateway" } },
    flows: [{ from: "gateway", to: "shop", perSecond: 5, calls: [{ to: "stock", path: "/left" }] }],
  });
  await using server = await sim.listen();
  const metrics = ["--prometheus", server.prometheus];
  const others = ["--zipkin", server.zipkin, "--elasticsearch", server.elasticsearch];
  const printed = await demo(...metrics, ...others, "--from", "shop", "--to", "stock");
  expect(printed).toContain('> const edge = mesh.edge("shop", "stock");');
  expect(printed).toMatch(/await edge\.success\("5m"\)\n\d\d(\.\d+)? %/);
  expect(printed).toMatch(/─ stock\.default {2}stock\.default\.svc\.cluster\.local:9000\/\*/);
  expect(printed).toMatch(/"GET \/left HTTP\/1\.1" 503 - via_upstream/);
  expect(printed).not.toMatch(/simulated|backend/);
}, 300_000);
