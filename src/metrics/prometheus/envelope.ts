import * as z from "zod/mini";
import { DecodeError } from "../../errors.ts";
import type { HttpResponse } from "../../http/client.ts";
import { refusal } from "../../http/refusal.ts";
import type { Answer } from "../backend.ts";
import { bodyOf, failure, failureIn, NAME } from "./failure.ts";

/**
 * Reads what an endpoint beside the two of queries answers: its data by `schema`, and what the server says of them.
 *
 * @param what the data in words, such as `"the rules"`, for errors
 * @throws {DecodeError} when it is not that endpoint's answer
 * @throws {BackendError} when the server says no
 */
export function readEnvelope<Schema extends z.core.$ZodType>(
  response: HttpResponse,
  schema: Schema,
  what: string,
  query?: string,
): Answer<z.core.output<Schema>> {
  const document = parse(bodyOf(response, query), what, query);
  if (typeof document === "object" && document !== null && "status" in document && document.status === "error") {
    const said = failureIn(response.body, query);
    throw said === undefined ? refusal(response, { backend: NAME, query }) : failure(response, said, query);
  }
  const remarks = read(Remarks, document, what, query);
  const data = read(schema, remarks.data, what, query);
  const [warnings, infos] = [remarks.warnings ?? [], remarks.infos ?? []];
  const complete = isComplete({ warnings, partial: remarks.isPartial ?? false });
  return { data, warnings, infos, complete, tookMs: response.tookMs };
}

/** A warning that is not about the query's own PromQL comes from storage, some of which did not answer. */
export function isComplete({ warnings, partial }: Quality): boolean {
  return !partial && warnings.every((warning) => warning.startsWith("PromQL") || / omitted$/.test(warning));
}

/** What a server says of the quality of its answer. */
interface Quality {
  readonly warnings: readonly string[];
  readonly partial: boolean;
}

const Remarks = z.object({
  status: z.literal("success"),
  data: z.unknown(),
  warnings: z.nullish(z.array(z.string())),
  infos: z.nullish(z.array(z.string())),
  isPartial: z.nullish(z.boolean()),
});

function parse(body: Uint8Array, what: string, query: string | undefined): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (cause) {
    throw new DecodeError("syntax", `${NAME}: ${what} came as what is no whole JSON; is a proxy cutting answers?`, {
      backend: NAME,
      query,
      cause,
    });
  }
}

function read<Schema extends z.core.$ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
  query: string | undefined,
): z.core.output<Schema> {
  const parsed = z.safeParse(schema, value);
  if (parsed.success) return parsed.data;
  const path = parsed.error.issues[0]?.path.map(String).join(".") ?? "";
  throw new DecodeError(
    "shape",
    `${NAME}: ${what} came in another form than the API gives, at ${path || "the top"}; is the URL that of a Prometheus-compatible backend?`,
    { backend: NAME, query },
  );
}
