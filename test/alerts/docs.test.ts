import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

/** A page's blocks are one program, which compiles as it stands. */
test.each([
  ["alerts", 3],
  ["slo", 2],
])(
  "the code on the page %s compiles",
  (subject, least) => {
    const root = fileURLToPath(new URL("../..", import.meta.url));
    const page = readFileSync(`${root}/docs/${subject}.md`, "utf8");
    const blocks = Array.from(page.matchAll(/^```ts\n(.*?)^```$/gms), ([, code = ""]) => code);
    expect(blocks.length).toBeGreaterThanOrEqual(least);
    const { config } = ts.readConfigFile(`${root}/tsconfig.json`, ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
    const file = `${root}/docs/${subject}.ts`;
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
  },
  120_000,
);
