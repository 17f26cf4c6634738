import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

/** The page's blocks are one program, which compiles as it stands. */
test("the code on the page about alerts compiles", () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const page = readFileSync(`${root}/docs/alerts.md`, "utf8");
  const blocks = Array.from(page.matchAll(/^```ts\n(.*?)^```$/gms), ([, code = ""]) => code);
  expect(blocks.length).toBeGreaterThan(2);
  const { config } = ts.readConfigFile(`${root}/tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const file = `${root}/docs/alerts.ts`;
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  const program = blocks.join("\n");
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? program : readFile(name));
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, program, ts.ScriptTarget.Latest, true) : getSourceFile(name, ...rest);
  const checked = ts.createProgram({ rootNames: [file], options, host });
  const found = checked.getSemanticDiagnostics(checked.getSourceFile(file));
  expect(found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
}, 120_000);
