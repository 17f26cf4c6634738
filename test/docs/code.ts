import ts from "typescript";

/** What a block imports: names by the module that they are of. */
export type Imports = Map<string, Set<string>>;

/** A statement of a block, with the comment that says its value. */
export interface Statement {
  readonly start: number;
  readonly end: number;
  /** The line within the block, from 0. */
  readonly line: number;
  /** The place of the expression, where it is nothing else. */
  readonly expression?: readonly [start: number, end: number] | undefined;
  readonly claim?: { readonly line: number; readonly text: string } | undefined;
}

/** A block's code without its imports, line by line where it was, and what it consists of. */
export interface Code {
  readonly text: string;
  readonly imports: Imports;
  /** Declarations that stand for themselves, such as those that extend another module. */
  readonly ambient: string;
  readonly statements: readonly Statement[];
}

export function readCode(code: string): Code {
  const source = ts.createSourceFile("block.ts", code, ts.ScriptTarget.Latest, true);
  const lineAt = (position: number): number => source.getLineAndCharacterOfPosition(position).line;
  const imports: Imports = new Map();
  const statements: Statement[] = [];
  let [text, ambient] = [code, ""];
  const blank = (start: number, end: number): void => {
    text = text.slice(0, start) + text.slice(start, end).replaceAll(/[^\n]/g, " ") + text.slice(end);
  };
  for (const node of source.statements) {
    const [start, end] = [node.getStart(), node.end];
    if (ts.isImportDeclaration(node)) {
      const [, names = "", module = ""] =
        /^import ((?:type )?\{[^}]*\}|\* as \w+) from "(.*)";$/.exec(code.slice(start, end)) ?? [];
      if (names === "") throw new Error(`write import { … } from "…"; in place of ${code.slice(start, end)}`);
      const known = imports.get(module) ?? new Set();
      for (const name of namesOf(names)) known.add(name);
      imports.set(module, known);
      blank(start, end);
      continue;
    }
    if (ts.isModuleDeclaration(node)) {
      ambient += ` ${code.slice(start, end).replaceAll("\n", " ")}`;
      blank(start, end);
      continue;
    }
    const line = lineAt(start);
    if (!ts.isExpressionStatement(node)) {
      statements.push({ start, end, line });
      continue;
    }
    const [comment] = ts.getTrailingCommentRanges(code, end) ?? below(code, end);
    const claim = comment && { line: lineAt(comment.pos), text: said(code.slice(comment.pos, comment.end)) };
    statements.push({ start, end, line, expression: [start, node.expression.end], claim });
  }
  return { text, imports, ambient, statements };
}

/** The names in an import: `a`, `type A`, `* as a`. */
function namesOf(names: string): readonly string[] {
  if (names.startsWith("*")) return [names];
  const type = names.startsWith("type ") ? "type " : "";
  const list = names.slice(names.indexOf("{") + 1, -1).split(",");
  return list
    .map((name) => name.trim())
    .filter((name) => name !== "")
    .map((name) => `${type}${name}`);
}

/** The comment that fills the lines below. */
function below(code: string, end: number): readonly { readonly pos: number; readonly end: number }[] {
  const match = /^(?:\n\/\/.*)+/.exec(code.slice(end));
  return match === null ? [] : [{ pos: end + 1, end: end + match[0].length }];
}

/** The text of a comment, without what makes it one. */
const said = (comment: string): string => comment.replaceAll(/^\/\/ ?/gm, "");

/**
 * What a comment has to say instead, or nothing where it is right.
 *
 * A text, a number and a truth value are said as they are, a number as far as it is written out; words may follow behind
 * a comma, a colon or a semicolon. Of several lines nothing is said, and of anything else only JSON is taken for its
 * value.
 */
export function correction(claim: string, value: unknown): string | undefined {
  if (typeof value === "string") {
    const quoted = JSON.stringify(value);
    if (claim === value || claim === quoted || /^[,:;]/.test(after(claim, quoted) ?? "")) return undefined;
    if (value.includes("\n") && !claim.includes("\n")) return undefined;
    return claim.startsWith('"') ? quoted : value;
  }
  if (typeof value === "number") {
    const [written] = /^-?[\d_]+(\.\d+)?/.exec(claim) ?? [];
    const decimals = written?.split(".")[1]?.length ?? 0;
    const rounded = decimals === 0 ? String(value) : value.toFixed(decimals);
    if (written?.replaceAll("_", "") === rounded && /^$|^[,:;]/.test(claim.slice(written.length))) return undefined;
    return String(Number(value.toPrecision(4))) + remark(claim);
  }
  if (typeof value === "boolean" || typeof value === "bigint") {
    return /^$|^[,:;]/.test(after(claim, String(value)) ?? "x") ? undefined : `${value}${remark(claim)}`;
  }
  const literal = parsed(claim);
  if (literal === undefined || JSON.stringify(value) === JSON.stringify(literal)) return undefined;
  return JSON.stringify(value) ?? "undefined";
}

/** What a claim says behind its value. */
const remark = (claim: string): string => /^[^\s,:;]+([,:;].*)$/.exec(claim)?.[1] ?? "";

const after = (text: string, start: string): string | undefined =>
  text.startsWith(start) ? text.slice(start.length) : undefined;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
