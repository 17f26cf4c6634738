import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { root } from "../package/install.ts";
import { AT, runExample } from "./example.ts";

/** Under load keys are slow; what never comes is the test's own deadline to notice. */
const PATIENTLY = { timeout: 280_000 };

test("the REPL asks a question that is a line's value, and no other", async () => {
  const { stdout, stderr, code } = await runExample("repl", ["--at", AT], {
    input: `edge("frontend", "backend").latency(0.99, "5m")
const rate = edge("frontend", "backend").rate("5m")
rate.promql
rate.by("response_code")
rate.over({ last: "1h", step: "15m" })
_.length
edge("frontend", "backend").rate("5 minutes")
mesh.trace("nonsense")
1 + 1
`,
  });
  await expect(stdout).toMatchFileSnapshot("../golden/examples/repl.txt");
  expect([code, stderr]).toEqual([0, ""]);
}, 300_000);

test("the REPL completes at a terminal, and gives a question up at Ctrl-C", async () => {
  const home = mkdtempSync(join(tmpdir(), "meshquery-repl-"));
  const command = `'${process.execPath}' node_modules/tsx/dist/cli.mjs examples/repl.ts --at ${AT}`;
  const env = { ...process.env, HOME: home, TERM: "xterm" };
  const terminal = spawn("script", ["-qec", command, "/dev/null"], { cwd: root, env });
  onTestFinished(() => {
    terminal.kill();
    rmSync(home, { recursive: true, force: true });
  });
  let seen = "";
  terminal.stdout.on("data", (part) => {
    seen += part;
  });
  /** Types keys, each as a person does, and waits for what is to be seen then. */
  const type = async (keys: readonly string[], wanted: string): Promise<void> => {
    for (const key of keys) {
      const before = seen.length;
      terminal.stdin.write(key);
      await vi.waitFor(() => expect(seen.length).toBeGreaterThan(before), PATIENTLY);
    }
    await vi.waitFor(() => expect(seen).toContain(wanted), PATIENTLY);
  };
  await vi.waitFor(() => expect(seen).toContain("mesh> "), PATIENTLY);
  await type(["const back = ser", "\t"], "const back = service");
  await type(['("backend")\r', "back.resp", "\t"], "back.responseBytes");
  await type(["\u0003", "new Promise(() => {})\r"], "Promise(() => {})");
  await type(["\u0003"], "Uncaught Error: given up");
}, 300_000);
