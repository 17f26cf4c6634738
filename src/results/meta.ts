import { formatInstant } from "../time.ts";
import type { Line } from "./view.ts";

/** Where a result comes from, and how far it can be trusted. */
export interface Meta {
  /** The backend that answered, such as `"prometheus"`. */
  readonly backend: string;
  /** The query text as it was sent. */
  readonly promql: string;
  /** False when something is known to be missing; `warnings` then says what. */
  readonly complete: boolean;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** From the question to the decoded answer, in milliseconds. */
  readonly tookMs: number;
}

/** What a reader must know beside the values of an answer: when, from what query, and what is missing. */
export const notesOf = (meta: Meta, atMs: number): readonly Line[] => [
  { text: `at ${formatInstant(atMs)} from ${meta.backend}: ${meta.promql}` },
  ...qualityNotes(meta),
];

/** How far an answer can be trusted, in words; nothing where there is nothing to say. */
export const qualityNotes = ({
  complete,
  warnings,
  infos = [],
}: {
  readonly complete: boolean;
  readonly warnings: readonly string[];
  readonly infos?: readonly string[];
}): readonly Line[] => [
  ...(complete ? [] : [{ text: "incomplete: part of the data is missing", tone: "bad" } as const]),
  ...warnings.map((warning) => ({ text: `warning: ${warning}`, tone: "warn" }) as const),
  ...infos.map((info) => ({ text: `info: ${info}` })),
];
