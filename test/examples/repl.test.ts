import { expect, test } from "vitest";
import { AT, runExample } from "./example.ts";

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
}, 120_000);
