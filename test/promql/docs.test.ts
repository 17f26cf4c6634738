import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { expect, test } from "vitest";
import * as promql from "../../src/promql/index.ts";

/** The page's blocks, run as one program; each statement with a comment behind it must have that value. */
const page = readFileSync(new URL("../../docs/promql.md", import.meta.url), "utf8");
const blocks = Array.from(page.matchAll(/^```ts\n(.*?)^```$/gms), ([, code = ""]) => code);

const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

test("every value on the page about PromQL is what its code gives", () => {
  const found: string[] = [];
  const wanted: string[] = [];
  const program = blocks
    .join("\n")
    .replace(/^import .*$/gm, "")
    .replace(/^(?!const |\s)(.+); \/\/ (.+)$/gm, (_, code: string, value: string) => {
      wanted.push(`${code}; // ${value}`);
      return `value(${JSON.stringify(code)}, ${code});`;
    });
  const value = (code: string, is: unknown) => found.push(`${code}; // ${shown(is)}`);
  const names = Object.keys(promql);
  const { code } = transformSync(program, { loader: "ts" });
  new Function("value", ...names, code)(value, ...Object.values(promql));
  expect(found).toEqual(wanted);
  expect(wanted.length).toBeGreaterThan(15);
});

test("it imports only what there is", () => {
  const [, names = ""] = /^import \{ (.*) \} from "meshquery\/promql";$/m.exec(page) ?? [];
  expect(names.split(", ").filter((name) => !Object.hasOwn(promql, name))).toEqual([]);
});
