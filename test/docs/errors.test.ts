import ts from "typescript";
import { expect, test } from "vitest";
import { textOf } from "./document.ts";

/** The codes of each error: those of the union that its class names, or its one literal. */
function codesOfErrors(): ReadonlyMap<string, readonly string[]> {
  const source = ts.createSourceFile("errors.ts", textOf("src/errors.ts"), ts.ScriptTarget.Latest, true);
  const unions = new Map<string, readonly string[]>();
  const errors = new Map<string, readonly string[]>();
  for (const node of source.statements) {
    if (ts.isTypeAliasDeclaration(node)) {
      unions.set(
        node.name.text,
        Array.from(node.type.getText().matchAll(/"([^"]+)"/g), ([, code = ""]) => code),
      );
    } else if (ts.isClassDeclaration(node) && node.name !== undefined) {
      const [, named, literal] = /readonly code(?:: (\w+)| = "([^"]+)");/.exec(node.getText()) ?? [];
      const codes = literal === undefined ? unions.get(named ?? "") : [literal];
      if (codes !== undefined) errors.set(node.name.text, codes);
    }
  }
  return errors;
}

const page = textOf("docs/errors.md");
const codes = codesOfErrors();

test("every error has its codes", () => {
  expect(codes.size).toBeGreaterThan(8);
  expect(Array.from(codes.values()).flat().length).toBeGreaterThan(50);
});

test.each([...codes])("the page on errors explains every code of %s", (_error, all) => {
  const explained = new Set(Array.from(page.matchAll(/^(?:\| )?`([\w-]+)`(?: \||:)/gm), ([, code]) => code));
  expect(all.filter((code) => !explained.has(code))).toEqual([]);
});

/** What cannot be thrown here, where the packages are installed that it is about. */
const UNSHOWN = "QueryError peer";

test.each([...codes])("the page on errors shows every code of %s as it is thrown", (error, all) => {
  const shown = new Set(Array.from(page.matchAll(/^(\w+) ([\w-]+): /gm), ([, name, code]) => `${name} ${code}`));
  const missing = all.map((code) => `${error} ${code}`).filter((one) => one !== UNSHOWN && !shown.has(one));
  expect(missing).toEqual([]);
});
