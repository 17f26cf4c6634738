import { createHash } from "node:crypto";
import type { EmittedLine } from "../../telemetry.ts";

/** A line as fluentd would have sent it, in the index of its day. */
export class LogDocument {
  readonly line: EmittedLine;
  readonly timeMs: number;
  /** The order of documents: greater for later ones, and unlike any other's. */
  readonly place: number;
  #id: string | undefined;
  #lower: { readonly path: string; readonly text: string } | undefined;
  readonly #words = new Map<string, readonly string[]>();

  /** How many of the very same line come before it. */
  readonly twin: number;

  /** @param nth which document of its millisecond it is, of those that are looked through */
  constructor(line: EmittedLine, nth: number, twin = 0) {
    this.line = line;
    this.twin = twin;
    this.timeMs = Number(line.timeNs / 1_000_000n);
    this.place = this.timeMs * MOST_AT_ONCE + nth;
  }

  get id(): string {
    if (this.#id === undefined) {
      const { timeNs, namespace, pod, container, text } = this.line;
      // Two of the same line are two documents, of which nothing but their places differs.
      const own = [timeNs, namespace, pod, container, text, this.twin].join("\n");
      this.#id = createHash("sha256").update(own).digest("base64url").slice(0, 20);
    }
    return this.#id;
  }

  get index(): string {
    return indexOf(this.timeMs);
  }

  get source(): object {
    const { line } = this;
    const nanoseconds = String(line.timeNs % 1_000_000_000n).padStart(9, "0");
    return {
      "@timestamp": `${new Date(this.timeMs).toISOString().slice(0, 19)}.${nanoseconds}Z`,
      log: line.text,
      stream: "stdout",
      kubernetes: {
        namespace_name: line.namespace,
        pod_name: line.pod,
        container_name: line.container,
        labels: { app: line.app },
      },
    };
  }

  /** The text at a path, `undefined` where there is none. */
  text(path: string): string | undefined {
    const { line } = this;
    switch (path) {
      case "log":
        return line.text;
      case "stream":
        return "stdout";
      case "kubernetes.namespace_name":
        return line.namespace;
      case "kubernetes.pod_name":
        return line.pod;
      case "kubernetes.container_name":
        return line.container;
      case "kubernetes.labels.app":
        return line.app;
      default:
        return undefined;
    }
  }

  /** Whether a word may be among {@link words}, told without making them. */
  mayHave(path: string, word: string): boolean {
    if (this.#lower?.path !== path) this.#lower = { path, text: (this.text(path) ?? "").toLowerCase() };
    return this.#lower.text.includes(word);
  }

  /** The text at a path as the standard analyzer cuts it. */
  words(path: string): readonly string[] {
    const known = this.#words.get(path);
    if (known !== undefined) return known;
    const words = wordsOf(this.text(path) ?? "");
    this.#words.set(path, words);
    return words;
  }
}

/** Room for so many documents of one millisecond, within the integers that a double holds. */
const MOST_AT_ONCE = 2_048;

export const indexOf = (ms: number): string =>
  `logstash-${new Date(ms).toISOString().slice(0, 10).replaceAll("-", ".")}`;

/** The paths of texts, each of which is a keyword too under `.keyword`, as Elasticsearch maps what it was not told of. */
const TEXTS = [
  "log",
  "stream",
  "kubernetes.namespace_name",
  "kubernetes.pod_name",
  "kubernetes.container_name",
  "kubernetes.labels.app",
];
const TIME = "@timestamp";
/** A longer keyword is not indexed. */
const LONGEST_KEYWORD = 256;

/** How a field is indexed. */
export type IndexedField =
  | { readonly type: "date" }
  | { readonly type: "keyword"; readonly value: (document: LogDocument) => string | undefined }
  | { readonly type: "text"; readonly path: string };

/** `undefined` for a field that no document has. */
export function fieldAt(path: string): IndexedField | undefined {
  if (path === TIME) return { type: "date" };
  if (TEXTS.includes(path)) return { type: "text", path };
  const [, text] = /^(.*)\.keyword$/.exec(path) ?? [];
  if (text === undefined || !TEXTS.includes(text)) return undefined;
  return {
    type: "keyword",
    value: (document) => {
      const value = document.text(text);
      return value !== undefined && value.length <= LONGEST_KEYWORD ? value : undefined;
    },
  };
}

type Properties = Record<string, object>;

/** What `_mapping` tells of an index. */
export function mappingProperties(): Properties {
  const properties: Properties = { [TIME]: { type: "date" } };
  for (const path of TEXTS) {
    let within: Properties = properties;
    const parts = path.split(".");
    for (const part of parts.slice(0, -1)) {
      const object = (within[part] ?? { properties: {} }) as { readonly properties: Properties };
      within[part] = object;
      within = object.properties;
    }
    within[parts.at(-1) ?? ""] = {
      type: "text",
      fields: { keyword: { type: "keyword", ignore_above: LONGEST_KEYWORD } },
    };
  }
  return properties;
}

const WORD = /[\p{L}\p{N}\p{M}_]+(?:(?:(?<=\p{L})['’.:·](?=\p{L})|(?<=\p{N})['.,;](?=\p{N}))[\p{L}\p{N}\p{M}_]+)*/gu;

/**
 * The words of a text in lower case.
 *
 * @see Unicode Standard Annex 29, "Word Boundaries"
 */
export const wordsOf = (text: string): readonly string[] => (text.match(WORD) ?? []).map((word) => word.toLowerCase());
