import type { SpanKind } from "../span.ts";

const KINDS: ReadonlySet<unknown> = new Set(["client", "consumer", "internal", "producer", "server"]);

/** The kind that the tag `span.kind` names. */
export const kindOf = (value: unknown): SpanKind | undefined => (KINDS.has(value) ? (value as SpanKind) : undefined);

/** Whether the value of a tag `error` says that there was one: true, or any text but `false`, such as a message. */
export const saysError = (value: unknown): boolean =>
  value === true || (typeof value === "string" && value !== "" && value !== "false");

/** Whether a warning says that spans were left out, by `max_trace_size` of Jaeger or of what stores for it. */
export const saysCut = (warning: string): boolean => /\btruncated\b|\bonly (?:the )?first \d+ spans\b/i.test(warning);
