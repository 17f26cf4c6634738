import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { AT, type Ran, runExample } from "./example.ts";

const folder = mkdtempSync(join(tmpdir(), "meshquery-examples-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Its output and exit code, as a golden text has them. */
const shown = ({ stdout, stderr, code }: Ran): string => `${stdout}${stderr}exit code ${code}\n`;

test("the canary gate lets a canary pass that does as well, and none that is slower", async () => {
  const earlier = await runExample("canary-gate", ["--at", "2026-11-20T09:30:00Z"]);
  const later = await runExample("canary-gate", ["--at", AT]);
  await expect(shown(earlier) + shown(later)).toMatchFileSnapshot("../golden/examples/canary-gate.txt");
  expect([earlier.code, later.code]).toEqual([0, 1]);
}, 300_000);

test("the canary gate cannot tell without traffic, nor where nobody answers", async () => {
  const absent = await runExample("canary-gate", ["--at", AT, "--canary", "v3"]);
  expect(absent.stdout).toMatch(/cannot be told\n {2}v3 had 0 requests of at least 200\n$/);
  const down = await runExample("canary-gate", ["--prometheus", "http://127.0.0.1:1"]);
  expect(down.stderr).toMatch(/nothing listens on http:\/\/127\.0\.0\.1:1/);
  expect([absent.code, down.code]).toEqual([2, 2]);
}, 300_000);

test("the policy check writes whom a pull request would turn away, as Markdown", async () => {
  const checked = await runExample("policy-check", ["--at", AT, "--last", "5m"]);
  await expect(checked.stdout).toMatchFileSnapshot("../golden/examples/policy-check.md");
  expect([checked.code, checked.stderr]).toEqual([1, ""]);
}, 300_000);

test("the policy check passes what denies nobody, and names what is wrong in a file", async () => {
  const file = join(folder, "policy.yaml");
  const policy = (rule: string) => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: no-debug, namespace: default }
spec: { action: DENY, rules: [{ to: [{ operation: { ${rule} } }] }] }
`;
  writeFileSync(file, policy('paths: [/debug], ports: ["9090"]'));
  const harmless = await runExample("policy-check", ["--at", AT, "--last", "5m", file]);
  expect(harmless.stdout).toMatch(/^### Policies: nobody who passes now would be denied\n/);
  writeFileSync(file, policy("path: /debug"));
  const faulty = await runExample("policy-check", ["--at", AT, file]);
  expect(faulty.stdout).toMatch(/^### Policies: not checked\n\n```\n.*policy\.yaml.*/);
  expect([harmless.code, faulty.code]).toEqual([0, 2]);
}, 300_000);

test("the SLO report is one file that loads nothing, and says by its exit code whether a budget is spent", async () => {
  const file = join(folder, "report.html");
  const ran = await runExample("slo-report", ["--at", AT, "--out", file]);
  expect(ran).toEqual({ stdout: "", stderr: "", code: 1 });
  const html = readFileSync(file, "utf8");
  await expect(html).toMatchFileSnapshot("../golden/examples/slo-report.html");
  expect(html).not.toMatch(/<script|<link|\b(src|href)=|url\(|@import/);
}, 300_000);

test("the SLO report says what could not be asked", async () => {
  const { stdout, code } = await runExample("slo-report", ["--prometheus", "http://127.0.0.1:1"]);
  expect(stdout).toContain("not asked: prometheus: GET /api/v1/query: nothing listens on http://127.0.0.1:1");
  expect(code).toBe(2);
}, 300_000);
