import * as z from "zod/mini";
import { DecodeError } from "../../errors.ts";
import type { Exemplar } from "../backend.ts";
import type { AnswerContext } from "./decode-error.ts";

const Labels = z.record(z.string(), z.string());
const Envelope = z.object({
  status: z.literal("success"),
  data: z.nullish(
    z.array(
      z.object({
        seriesLabels: Labels,
        exemplars: z.array(
          z.object({ labels: Labels, value: z.union([z.string(), z.number()]), timestamp: z.number() }),
        ),
      }),
    ),
  ),
  warnings: z.nullish(z.array(z.string())),
});

/** What a successful answer to `/api/v1/query_exemplars` says. */
export interface DecodedExemplars {
  readonly exemplars: readonly Exemplar[];
  readonly warnings: readonly string[];
}

/**
 * Decodes a successful answer to `/api/v1/query_exemplars`; `undefined` where it says that it is none.
 *
 * @throws {DecodeError} when it is not that API's answer
 * @see Prometheus, "HTTP API: querying exemplars"
 */
export function decodeExemplars(body: Uint8Array, { backend, query }: AnswerContext): DecodedExemplars | undefined {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (cause) {
    throw new DecodeError("syntax", `${backend}: the exemplars are not whole JSON; is a proxy cutting answers?`, {
      backend,
      query,
      cause,
    });
  }
  if (typeof document === "object" && document !== null && "status" in document && document.status === "error") {
    return undefined;
  }
  const parsed = z.safeParse(Envelope, document);
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path.map(String).join(".") ?? "";
    throw new DecodeError("shape", `${backend}: the exemplars are not as the API gives them, at ${path || "the top"}`, {
      backend,
      query,
    });
  }
  const exemplars = (parsed.data.data ?? []).flatMap((series) =>
    series.exemplars.map(({ labels, value, timestamp }) => ({
      series: series.seriesLabels,
      labels,
      value: Number(value),
      timeMs: Math.round(timestamp * 1000),
    })),
  );
  return { exemplars, warnings: parsed.data.warnings ?? [] };
}
