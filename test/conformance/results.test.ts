import { inspect } from "node:util";
import * as arrow from "apache-arrow";
import { beforeAll, describe, expect, test } from "vitest";
import { alert, record, ruleGroup, slo } from "../../src/alerts/index.ts";
import { createMesh } from "../../src/index.ts";
import { DISPLAY, INSPECT } from "../../src/results/mime.ts";
import type { Result } from "../../src/results/result.ts";
import type { ListVerbs } from "../../src/results/result-list.ts";
import { simulatedMesh } from "../../src/testing/index.ts";
import { readCsv } from "../results/csv.ts";

const PATH = "/<script>alert(1)</script>|*`_'&;=cmd()";
const NOW = Date.UTC(2026, 10, 20, 10);

const sim = simulatedMesh({
  seed: 7,
  now: NOW,
  sampling: 1,
  services: { api: { failures: { 503: 0.2 }, deny: ["/admin"] } },
  clients: { gateway: { kind: "gateway" } },
  flows: [{ from: "gateway", to: "api", path: PATH, perSecond: 2 }],
});
const mesh = createMesh(sim.backends());
const edge = mesh.edge("gateway.istio-system", "api");
const last = "2m";
const failing = alert("Failing <b>|", edge.success("5m").below(0.9)).for("2m").annotations({ summary: "<i>" });
const POLICY = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: nobody, namespace: default }
spec: {}
`;

type Verbs = ListVerbs | Result;

/** A result of every kind, each of something that happened. */
const RESULTS: Readonly<Record<string, () => PromiseLike<Verbs> | Verbs>> = {
  sample: () => edge.rate("5m"),
  vector: () => edge.rate("5m").by("response_code"),
  matrix: () => edge.rate("5m").by("response_code").over({ last: "30m" }),
  text: () => mesh.promql('"<b>"', { type: "string" }),
  traces: () => edge.traces({ last, limit: 5 }),
  trace: async () => {
    const [trace] = await edge.traces({ last, limit: 1, errors: true });
    if (trace === undefined) throw new Error("no trace");
    return trace;
  },
  crossings: () => edge.slowest({ last, limit: 5 }),
  examples: () => edge.examples({ last, limit: 5 }),
  "log entries": () => edge.logs({ last, limit: 5 }),
  calls: () => edge.calls({ last, limit: 5 }),
  groups: () => edge.topPaths({ last }),
  "a quantile of traces": () => edge.latencyFromTraces(0.9, { last }),
  "a quantile of lines": () => edge.latencyFromLogs(0.9, { last }),
  graph: () => mesh.graph({ last: "10m" }),
  identity: () => edge.identity({ last: "10m" }),
  plaintext: () => mesh.plaintext({ last: "10m" }),
  certificates: () => mesh.certificates(),
  explanation: () => edge.explain({ last: "10m" }),
  policies: () => mesh.policies(POLICY),
  "policies' report": () => mesh.policies(POLICY).check({ last: "10m" }),
  checkup: () => mesh.doctor(),
  rule: () => failing,
  recording: () => record("api:rate", edge.rate("5m").expr),
  group: () => ruleGroup("api", [failing]),
  backtest: () => failing.backtest({ last: "2h" }),
  sweep: async () => (await failing.backtest({ last: "2h" })).sweep({ for: ["0s", "5m"] }),
  "a group's back-test": () => ruleGroup("api", [failing]).backtest({ last: "2h" }),
  objective: () => slo({ name: "api", objective: 0.9, window: "7d", of: edge }),
  "an objective's status": () => slo({ name: "api", objective: 0.9, window: "7d", of: edge }).status(),
};

/** What this mesh has none of. */
const EMPTY: ReadonlySet<string> = new Set(["certificates", "plaintext"]);

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;
const MARKUP = /<script|<i>|<b>\||\son[a-z]+=|javascript:|https?:\/\//;

describe.each(Object.entries(RESULTS))("%s", (name, make) => {
  let result: Verbs;
  beforeAll(async () => {
    result = await make();
  });

  test("is text for a terminal", () => {
    const text = inspect(result);
    expect(text).toBe(result[INSPECT]());
    expect(text).not.toBe("");
    expect(text).not.toContain("[object");
    expect(text).not.toMatch(CONTROL);
  });

  test("is a page that loads nothing, and part of a page", () => {
    const page = result.toHTML();
    expect(page).toMatch(/^<!doctype html>[\s\S]*<\/html>$/);
    const part = result.toHTML({ fragment: true });
    expect(part).toMatch(/^<div class="mq"><style>[\s\S]*<\/div>$/);
    for (const html of [page, part]) {
      expect(html.replace(/<pre>[\s\S]*?<\/pre>/g, "")).not.toMatch(MARKUP);
      expect(html).not.toMatch(/<script|<link|@import|url\((?!#)/);
      expect(html).not.toContain("undefined");
    }
  });

  test("is Markdown in which names are text", () => {
    const markdown = result.toMarkdown().replace(/```[\s\S]*?```/g, "");
    expect(markdown.replace(/\\[<|]/g, "")).not.toMatch(/<(script|i|b)/);
    expect(markdown).not.toMatch(CONTROL);
  });

  test("is a table, CSV and Arrow of as many rows", async () => {
    const table = result.toTable();
    const [head = [], ...rows] = readCsv(result.toCSV());
    expect(rows).toHaveLength(table.length);
    expect(new Set(head).size).toBe(head.length);
    for (const row of rows) {
      expect(row).toHaveLength(head.length);
      for (const cell of row) if (!Number.isFinite(Number(cell))) expect(cell).not.toMatch(/^[=+@]./);
    }
    expect(arrow.tableFromIPC(await table.toArrow()).numRows).toBe(table.length);
    expect(table.length > 0).toBe(!EMPTY.has(name));
  });

  test("is plain data that says the same again", () => {
    const text = JSON.stringify(result);
    expect(text).toBe(JSON.stringify(JSON.parse(text)));
    expect(text.length).toBeGreaterThan(2);
  });

  test("shows itself in a notebook", async () => {
    const bundle = await result[DISPLAY]();
    expect(bundle["text/plain"]).toBe(result[INSPECT]());
    expect(bundle["text/html"]).toBe(result.toHTML({ fragment: true }));
    expect(bundle["text/markdown"]).toBe(result.toMarkdown());
  });
});

describe("a search at the end of a notebook's cell", () => {
  test.each([
    ["traces", () => edge.traces({ last, limit: 2 })],
    ["lines", () => edge.logs({ last, limit: 2 })],
  ] as const)("for %s is run, and shows what it finds", async (_, search) => {
    expect(inspect(search())).toMatch(/^a search for \w+ in .*, not started yet: await it/);
    expect((await search()[DISPLAY]())["text/html"]).toContain("<tbody>");
  });
});

test("a line and a call are a line each at the console, with what proxies wrote below", async () => {
  const [call] = await edge.calls({ last, limit: 1 });
  const [head, ...lines] = inspect(call).split("\n");
  expect(head).toMatch(
    /^2026-11-20T09:59:\S+Z gateway\.istio-system → api\.default GET \/<script>\S+ \d{3}.*, \d+ ms$/,
  );
  expect(String(call)).toBe(head);
  expect(lines.map((line) => line.slice(0, 9))).toEqual(["  client:", "  server:"]);
  const [entry] = await edge.logs({ last, limit: 1, side: "server" });
  expect(inspect(entry)).toBe(`${entry}\n  server: ${entry?.raw}`);
});
