import { type Document, isMap, isPair, isScalar, LineCounter, parseAllDocuments, stringify, visit } from "yaml";
import type { Tree } from "./tree.ts";

/** YAML that every reader takes alike: what YAML 1.1 would read as no text is quoted, and no line is folded. */
export function printYaml(tree: Tree): string {
  return stringify(tree, { lineWidth: 0, compat: "yaml-1.1", aliasDuplicateObjects: false });
}

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
