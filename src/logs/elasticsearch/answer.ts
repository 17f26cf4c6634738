import { type BackendError, DecodeError } from "../../errors.ts";
import type { HttpResponse } from "../../http/client.ts";
import { redactText } from "../../http/redaction.ts";
import { refusal } from "../../http/refusal.ts";
import { parseAnswer } from "../json-answer.ts";

/** What errors and results call the backend, whichever of the two it is. */
export const NAME = "elasticsearch";

export type JsonRecord = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** One found document. */
export interface Hit {
  /** Unlike any other document's. */
  readonly key: string;
  readonly source: JsonRecord;
  readonly sort: readonly unknown[];
}

/** One answer to a search. */
export interface Found {
  readonly hits: readonly Hit[];
  /** How many documents the search is of, where the server says; `atLeast` where it stopped counting there. */
  readonly total: { readonly count: number; readonly atLeast: boolean } | undefined;
  readonly pit: string | undefined;
  readonly aggregations: JsonRecord | undefined;
  /** What the server says is missing, in words. */
  readonly warnings: readonly string[];
}

/**
 * The document of an answer whose status says yes.
 *
 * @throws {BackendError} when the status says no
 * @throws {DecodeError} when it is no JSON object
 */
export function documentOf(response: HttpResponse): JsonRecord {
  const { status } = response;
  if (status < 200 || status >= 300) throw refused(response);
  const body = parsed(response);
  if (isRecord(body)) return body;
  throw failure("shape", "must be an object");
}

/** Reads the answer to a search. */
export function readFound(response: HttpResponse): Found {
  const body = documentOf(response);
  const { hits, total } = isRecord(body.hits) ? body.hits : ({} as JsonRecord);
  if (!Array.isArray(hits)) throw failure("shape", "hits.hits must be a list");
  return {
    hits: hits.map(readHit),
    total: readTotal(total),
    pit: typeof body.pit_id === "string" ? body.pit_id : undefined,
    aggregations: isRecord(body.aggregations) ? body.aggregations : undefined,
    warnings: warningsIn(body),
  };
}

function readTotal(total: unknown): Found["total"] {
  if (!isRecord(total) || typeof total.value !== "number") return undefined;
  return { count: total.value, atLeast: total.relation === "gte" };
}

function readHit(hit: unknown, i: number): Hit {
  const { _index: index, _id: id, _source: source, sort } = isRecord(hit) ? hit : ({} as JsonRecord);
  if (typeof id !== "string" || typeof index !== "string") {
    throw failure("shape", `hits.hits[${i}] must have an _index and an _id`);
  }
  if (!isRecord(source)) {
    throw failure("shape", `hits.hits[${i}]._source must be an object; the index must keep its documents' source`);
  }
  if (!Array.isArray(sort) || typeof sort[0] !== "number") {
    throw failure("shape", `hits.hits[${i}].sort must be a list that begins with the time in milliseconds`);
  }
  return { key: `${index}/${id}`, source, sort };
}

/** What a part of the cluster did not answer, or not in time. */
function warningsIn(body: JsonRecord): readonly string[] {
  const warnings: string[] = [];
  if (body.timed_out === true) warnings.push("the search ran out of time: what was found until then was given");
  if (body.terminated_early === true) {
    warnings.push("the search was ended early by a limit of the server's: what was found until then was given");
  }
  return [...warnings, ...failedShards(body)];
}

/** What is said of shards that failed; nothing where none did. */
export function failedShards(body: JsonRecord): readonly string[] {
  const { failed, total, failures } = isRecord(body._shards) ? body._shards : ({} as JsonRecord);
  if (!(typeof failed === "number" && failed > 0)) return [];
  const reasons = Array.isArray(failures) ? failures.map((one) => (isRecord(one) ? reasonIn(one.reason) : "")) : [];
  const said = [...new Set(reasons.filter((reason) => reason !== ""))].join("; ");
  return [`${failed} of ${String(total)} shards failed${said === "" ? "" : `: ${redactText(said)}`}`];
}

/** Whether the point in time that a search was to be made in is gone. */
export function isExpired(response: HttpResponse): boolean {
  return response.status === 404 && /search_context_missing|No search context found/.test(textOf(response));
}

/** The server's limit on the hits of one call, where that is why it refused. */
export function windowLimitIn(response: HttpResponse): number | undefined {
  if (response.status !== 400 && response.status !== 500) return undefined;
  const limit = /must be less than or equal to: \[(\d+)\]/.exec(textOf(response))?.[1];
  return limit === undefined ? undefined : Number(limit);
}

/** Whether the server does not sort by a document's id. */
export const isIdRefused = (response: HttpResponse): boolean =>
  response.status === 400 && /_id.*(?:fielddata|field data)|(?:fielddata|field data).*_id/i.test(textOf(response));

/** Whether the server does not sort by a document's place in its shard, as Elasticsearch before 7.12. */
export const isShardDocRefused = (response: HttpResponse): boolean =>
  response.status === 400 && /No mapping found for \[_shard_doc\]/.test(textOf(response));

const textOf = ({ body }: HttpResponse): string => new TextDecoder().decode(body.subarray(0, 8_000));

function parsed({ body, url, status, contentType }: HttpResponse): unknown {
  if (body.length === 0) throw failure("shape", `${url} answered ${status} without a body`);
  const first = body.find((byte) => byte > 0x20);
  if (contentType === "text/html" || first === "<".charCodeAt(0)) {
    throw failure("content-type", `${url} answered with a web page`);
  }
  return parseAnswer(body, failure);
}

/** An error for an answer that is none. */
export const failure = (code: DecodeError["code"], problem: string): DecodeError =>
  new DecodeError(
    code,
    `decoding elasticsearch's answer: ${problem}; is the URL that of Elasticsearch or OpenSearch, as in http://elasticsearch:9200?`,
    { backend: NAME },
  );

/** The error for an answer that says no, with the server's own reason. */
export function refused(response: HttpResponse): BackendError {
  let said: string | undefined;
  try {
    const body: unknown = JSON.parse(textOf(response));
    if (isRecord(body)) said = typeof body.error === "string" ? body.error : reasonIn(body.error);
  } catch {
    said = undefined;
  }
  return said === undefined || said === ""
    ? refusal(response, { backend: NAME })
    : refusal(response, { backend: NAME }, response.redact(said.replace(/\s+/g, " ")).slice(0, 400));
}

function reasonIn(error: unknown): string {
  if (!isRecord(error)) return "";
  const { root_cause: causes, type, reason } = error;
  const [first] = Array.isArray(causes) ? causes.filter(isRecord) : [];
  const { type: kind = type, reason: why = reason } = first ?? {};
  return [kind, why].filter((one) => typeof one === "string").join(": ");
}
