import { Document, isMap, isPair, isScalar, LineCounter, parseAllDocuments, visit } from "yaml";
import type { Tree } from "./tree.ts";

/**
 * YAML that every reader takes alike: what YAML 1.1 would read as no text is quoted, no line is folded, and what some
 * take for the end of a line, or for no character of a text, is escaped.
 */
export function printYaml(tree: Tree): string {
  const document = new Document(tree, { compat: "yaml-1.1", aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, scalar) {
      if (typeof scalar.value === "string" && scalar.value.search(UNSAFE) >= 0) scalar.type = "QUOTE_DOUBLE";
    },
  });
  // Such characters stand between double quotes only, where the printer leaves most of them as they are.
  return document
    .toString({ lineWidth: 0 })
    .replace(ALL_UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** @see YAML 1.1, 5.1 and 5.4: characters that are not printable, and other ends of a line than a line feed */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped here
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/;
const ALL_UNSAFE = new RegExp(UNSAFE, "g");

/** One document of a text, or why it is none. */
export type YamlDocument =
  | { readonly content: unknown; readonly problem?: never }
  | { readonly problem: string; readonly cause: unknown };

/**
 * The documents of a text as servers read them that are written in Go: with merge keys (`<<`), and with names, labels and
 * annotations as they stand there where no quotes are around them, so that `1.10`, `yes` and `012` are those texts.
 */
export function readYaml(text: string): YamlDocument[] {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, merge: true });
  return [...documents].map((document): YamlDocument => {
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      return { problem: `line ${line}, column ${col}: ${error.message}`, cause: error };
    }
    keepTexts(document);
    try {
      return { content: document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown };
    } catch (cause) {
      // Anchors within anchors, which would come to more than any memory holds.
      if (cause instanceof ReferenceError) return { problem: cause.message, cause };
      throw cause;
    }
  });
}

/** A file of rules may repeat an anchor for each of them. */
const MOST_ALIASES = 10_000;
/** What is text whatever it looks like. */
const NAMES: readonly unknown[] = ["alert", "expr", "name", "record", "title"];
/** Under what everything is text. */
const TEXTS: readonly unknown[] = ["annotations", "labels"];

function keepTexts(document: Document): void {
  visit(document, {
    Scalar(role, scalar, path) {
      if (role !== "value" || typeof scalar.value === "string") return;
      const isEntry = isMap(path.at(-2)) && TEXTS.includes(keyOf(path.at(-3)));
      if (scalar.value === null) {
        if (isEntry) scalar.value = "";
      } else if (isEntry || NAMES.includes(keyOf(path.at(-1)))) scalar.value = scalar.source ?? String(scalar.value);
    },
  });
}

const keyOf = (pair: unknown): unknown => (isPair(pair) && isScalar(pair.key) ? pair.key.value : undefined);
