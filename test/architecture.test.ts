import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  barrels,
  cycles,
  direction,
  drivers,
  effects,
  modulesOf,
  names,
  paths,
  type Rule,
  type Sources,
  size,
} from "./architecture.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
};
const entries = Object.values(manifest.exports).flatMap((target) =>
  typeof target === "string" ? [] : [target.default.replace(/^\.\/dist\/(.+)\.js$/, "src/$1.ts")],
);

const sources: Sources = new Map(
  readdirSync(`${root}src`, { recursive: true, encoding: "utf8" })
    .map((path) => `src/${path.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(".ts"))
    .map((path) => [path, readFileSync(`${root}${path}`, "utf8")]),
);

interface Case {
  readonly title: string;
  readonly rule: Rule;
  /** Sources that the rule must refuse, each alone. */
  readonly bad: readonly Readonly<Record<string, string>>[];
  /** Sources that it must let pass. */
  readonly good: Readonly<Record<string, string>>;
}

const cases: readonly Case[] = [
  {
    title: "imports go the one way that the rooms are stacked",
    rule: direction,
    bad: [
      { "src/promql/a.ts": 'import { query } from "../metrics/query.ts";' },
      { "src/promql/a.ts": 'import type { Series } from "../results/matrix.ts";' },
      { "src/results/a.ts": 'import type { Answer } from "../metrics/backend.ts";' },
      { "src/http/a.ts": 'import { print } from "../promql/index.ts";' },
      { "src/metrics/a.ts": 'type Mesh = import("../mesh/mesh.ts").Mesh;' },
      { "src/metrics/decode/a.ts": 'import { x } from "../../traces/trace.ts";' },
      { "src/traces/a.ts": 'import { print } from "../promql/index.ts";' },
      { "src/logs/a.ts": 'import { trace } from "../traces/trace.ts";' },
      { "src/mesh/a.ts": 'export const f = () => import("../alerts/rule.ts");' },
      { "src/mesh/a.ts": 'import { simulatedMesh } from "../testing/index.ts";' },
      { "src/errors.ts": 'import { x } from "./results/meta.ts";' },
      { "src/kitchen/a.ts": "export const x = 1;" },
    ],
    good: {
      "src/alerts/a.ts": 'import { x } from "../mesh/mesh.ts"; import { y } from "../promql/index.ts";',
      "src/mesh/a.ts": 'import { x } from "../traces/trace.ts"; import { y } from "../results/unit.ts";',
      "src/metrics/decode/a.ts": 'import { x } from "../backend.ts"; import { y } from "../../http/client.ts";',
      "src/promql/engine/a.ts": 'import { x } from "../ast.ts"; import { y } from "../../time.ts";',
      "src/testing/a.ts": 'import { x } from "../alerts/rule.ts";',
      "src/time.ts": 'import { x } from "./errors.ts"; import dayjs from "dayjs";',
    },
  },
  {
    title: "a driver knows neither the mesh nor another driver",
    rule: drivers,
    bad: [
      { "src/metrics/prometheus.ts": 'import type { Mesh } from "../mesh/mesh.ts";' },
      { "src/traces/zipkin.ts": 'import { x } from "./jaeger.ts";' },
      { "src/logs/loki/query.ts": 'import { x } from "../elasticsearch/query.ts";' },
    ],
    good: { "src/logs/loki/query.ts": 'import { x } from "./answer.ts"; import { y } from "../entry.ts";' },
  },
  {
    title: "nothing that is imported leads back",
    rule: cycles,
    bad: [
      { "src/promql/a.ts": 'import { a } from "./a.ts";' },
      { "src/promql/a.ts": 'import type { B } from "./b.ts";', "src/promql/b.ts": 'import { a } from "./a.ts";' },
      {
        "src/promql/a.ts": 'import { b } from "./b.ts";',
        "src/promql/b.ts": 'export { c } from "./c.ts";',
        "src/promql/c.ts": 'export const a = () => import("./a.ts");',
      },
    ],
    good: {
      "src/promql/a.ts": 'import { b } from "./b.ts"; import { c } from "./c.ts";',
      "src/promql/b.ts": 'import { c } from "./c.ts";',
      "src/promql/c.ts": "export const c = 1;",
    },
  },
  {
    title: "only an entry of the package is there to pass on what others export",
    rule: barrels(entries),
    bad: [
      { "src/mesh/index.ts": 'export { Edge } from "./traffic.ts";' },
      { "src/mesh/all.ts": 'export * from "./traffic.ts"; export const x = 1;' },
      { "src/mesh/mesh.ts": 'export type { Edge } from "./traffic.ts";' },
    ],
    good: {
      "src/index.ts": 'export { x } from "./mesh/mesh.ts";',
      "src/mesh/a.ts": 'export type { X } from "./x.ts"; export const y = 1;',
    },
  },
  {
    title: "what is exported has a name",
    rule: names,
    bad: [
      { "src/mesh/a.ts": "export default function mesh() {}" },
      { "src/mesh/a.ts": "export default { mesh: 1 };" },
      { "src/mesh/a.ts": "const mesh = 1; export { mesh as default };" },
    ],
    good: { "src/mesh/a.ts": "export function mesh() {}" },
  },
  {
    title: "a source holds one idea, in at most 500 lines",
    rule: size,
    bad: [{ "src/mesh/a.ts": "// a line\n".repeat(501) }],
    good: { "src/mesh/a.ts": "// a line\n".repeat(500) },
  },
  {
    title: "importing a source does nothing and waits for nothing",
    rule: effects,
    bad: [
      { "src/mesh/a.ts": "console.log(1);" },
      { "src/mesh/a.ts": 'import "./register.ts";' },
      { "src/mesh/a.ts": "if (globalThis) { globalThis.x = 1; }" },
      { "src/mesh/a.ts": 'const axios = await import("axios");' },
      { "src/mesh/a.ts": "class A { static { globalThis.x = 1; } }" },
      { "src/mesh/a.ts": "for (const x of [1]) x;" },
    ],
    good: {
      "src/mesh/a.ts": `import type { X } from "./x.ts";
        export interface A {} export type B = A; export const c = Object.freeze([1]);
        export async function f() { await g(); } const g = async () => { await c; }; export class D {} export { c as e };`,
    },
  },
  {
    title: "a source is called by what it is about, in kebab-case",
    rule: paths,
    bad: [
      { "src/mesh/meshGraph.ts": "" },
      { "src/mesh/mesh_graph.ts": "" },
      { "src/mesh/Mesh.ts": "" },
      { "src/utils/a.ts": "" },
      { "src/mesh/helpers.ts": "" },
      { "src/mesh/types.ts": "" },
      { "src/constants.ts": "" },
    ],
    good: { "src/promql/types.ts": "", "src/metrics/decode/json-scanner.ts": "", "src/time.ts": "" },
  },
];

test("the sources are found, and all of the package's entries among them", () => {
  expect(sources.size).toBeGreaterThan(40);
  expect([...sources.keys()]).toEqual(expect.arrayContaining(entries));
  const exported = Object.keys(manifest.exports).filter((name) => name !== "./package.json");
  expect(exported.length).toBe(entries.length);
});

describe.each(cases)("$title", ({ rule, bad, good }) => {
  test("holds for every source", () => {
    expect(rule(modulesOf(sources))).toEqual([]);
  });

  test.each(bad)("is broken by %j", (example) => {
    expect(rule(modulesOf(new Map(Object.entries(example))))).not.toEqual([]);
  });

  test("is not broken by what may be", () => {
    expect(rule(modulesOf(new Map(Object.entries(good))))).toEqual([]);
  });
});
