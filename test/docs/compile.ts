import ts from "typescript";
import * as alerts from "../../src/alerts/index.ts";
import * as meshquery from "../../src/index.ts";
import * as promql from "../../src/promql/index.ts";
import * as testing from "../../src/testing/index.ts";
import { type Imports, readCode } from "./code.ts";
import { type Program, root } from "./document.ts";

/** The package's entries by the names that they are imported by. */
export const entries = {
  meshquery,
  "meshquery/promql": promql,
  "meshquery/alerts": alerts,
  "meshquery/testing": testing,
};

/** Which names stand for themselves: on a page those of the main entry, in a docstring those of all. */
const entriesOf = ({ file }: Program): readonly (keyof typeof entries)[] =>
  file.endsWith(".md") ? ["meshquery"] : ["meshquery", "meshquery/promql", "meshquery/alerts", "meshquery/testing"];

/** What a program imports: what it says, the names that stand for themselves, and the preamble. */
export function importsOf(program: Program): Imports {
  const all: Imports = new Map();
  const words = new Set(program.blocks.flatMap(({ code }) => code.match(/[\w$]+/g) ?? []));
  const given = new Set<string>();
  for (const { code } of program.blocks) {
    for (const [module, names] of readCode(code).imports) {
      all.set(module, new Set([...(all.get(module) ?? []), ...names]));
      for (const name of names) given.add(name.replace(/^type |^\* as /, ""));
    }
  }
  const add = (module: string, names: readonly string[]): void => {
    for (const name of names) {
      if (!words.has(name) || given.has(name)) continue;
      given.add(name);
      all.set(module, (all.get(module) ?? new Set()).add(name));
    }
  };
  for (const entry of entriesOf(program)) add(entry, Object.keys(entries[entry]));
  add(PREAMBLE, ["mesh", "edge", "trace", "entry"]);
  return all;
}

export const PREAMBLE = `${root}test/docs/preamble.ts`;

/** A program as one module, each line of it where the file has it; a block's names are known to those below. */
function moduleText(program: Program): string {
  const lines: string[] = [];
  let declared = "";
  for (const { line, code } of program.blocks) {
    const { text, ambient } = readCode(code);
    declared += ambient;
    while (lines.length < line - 1) lines.push("");
    lines[line - 2] = "{";
    lines.push(...text.split("\n"));
  }
  const imports = Array.from(importsOf(program)).flatMap(([from, names]) => {
    const whole = [...names].filter((name) => name.startsWith("*"));
    const named = [...names].filter((name) => !name.startsWith("*"));
    return [...whole, `{ ${named.join(", ")} }`].map((one) => `import ${one} from "${from}";`);
  });
  return `${imports.join(" ")} export {};${declared}${lines.join("\n")}\n${"}".repeat(program.blocks.length)}`;
}

/** What the compiler finds wrong in programs, each with its file and line. */
export function compile(programs: readonly Program[]): readonly string[] {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const loose = { ...options, noUnusedLocals: false, noUnusedParameters: false, verbatimModuleSyntax: false };
  Object.assign(loose, { rewriteRelativeImportExtensions: false, allowImportingTsExtensions: true });
  const modules = new Map(programs.map((one) => [`${root}${one.file}.${one.blocks[0]?.line}.ts`, one]));
  const host = ts.createCompilerHost(loose);
  const { fileExists, readFile, getSourceFile } = host;
  const textOf = (name: string): string | undefined => {
    const program = modules.get(name);
    return program && moduleText(program);
  };
  host.fileExists = (name) => modules.has(name) || fileExists(name);
  host.readFile = (name) => textOf(name) ?? readFile(name);
  host.getSourceFile = (name, ...rest) => {
    const text = textOf(name);
    return text === undefined
      ? getSourceFile(name, ...rest)
      : ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  };
  const checked = ts.createProgram({ rootNames: [...modules.keys()], options: loose, host });
  return [...modules].flatMap(([name, { file }]) => {
    const source = checked.getSourceFile(name);
    if (source === undefined) throw new Error(`${name} was not read`);
    return [...checked.getSyntacticDiagnostics(source), ...checked.getSemanticDiagnostics(source)].map(
      ({ start = 0, messageText }) => {
        const { line } = source.getLineAndCharacterOfPosition(start);
        return `${file}:${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
      },
    );
  });
}
