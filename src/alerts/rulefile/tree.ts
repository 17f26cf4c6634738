import { literalTexts, type Texts } from "../spec.ts";
import { printTemplate, type Reader } from "../template.ts";

/** What is written as YAML. */
export type Tree = Readonly<Record<string, unknown>>;

/** Templates as text in the order of their names, `undefined` for none. */
export function textsTree(texts: Texts, reader: Reader = "prometheus"): Tree | undefined {
  const entries = Object.entries(texts).map(([name, template]) => [name, printTemplate(template, reader)] as const);
  return entries.length === 0 ? undefined : sorted(Object.fromEntries(entries));
}

/** Texts into which nothing is filled, `undefined` for none. */
export const literalTree = (texts: Texts): Tree | undefined =>
  Object.keys(texts).length === 0 ? undefined : sorted(literalTexts(texts));

/** A record in the order of its names. */
export const sorted = (record: Readonly<Record<string, string>>): Tree =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

/** The fields that have a value. */
export const defined = (fields: Tree): Tree =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
