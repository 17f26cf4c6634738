import type { Attributes, Span } from "@opentelemetry/api";
import { type Failure, failureOf } from "./failure.ts";
import type { Listening, Origin } from "./listening.ts";
import { tallyKey } from "./tally.ts";

/** One question to a backend as its span tells it; it may take several requests, or none of its own. */
export interface Inquiry<A> {
  /** `db.operation.name`: what the backend's API calls it, such as `"query_range"`. */
  readonly operation: string;
  /** What is asked about, of which there are few: metrics, `"traces"`. */
  readonly target?: () => string;
  /** `db.collection.name`, in place of a target: an index. */
  readonly collection?: string;
  /** `db.query.text`, as it is sent. */
  readonly text?: () => string;
  /** `db.system.name`, where that is not what errors call the backend. */
  readonly system?: string;
  /** `db.namespace`: whose data it is, where a backend keeps that of several. */
  readonly namespace?: string | undefined;
  /** More that the conventions want of such a backend. */
  readonly attributes?: () => Attributes;
  readonly outcome?: (answer: A) => Outcome;
}

/** What a question came to. */
export interface Outcome {
  /** Series, traces, lines, names: what the answer is a list of. */
  readonly rows?: number | undefined;
  readonly complete?: boolean | undefined;
  readonly warnings?: number | undefined;
}

/** A summary is no longer than this. @see OpenTelemetry, "Generating a summary of the query" */
const LONGEST_SUMMARY = 255;

/**
 * Does `task` within a span by the conventions for database clients, and counts how long it took.
 *
 * @see OpenTelemetry, "Semantic conventions for database client spans"
 */
export async function traceInquiry<A>(
  inquiry: Inquiry<A>,
  task: () => Promise<A>,
  origin: Origin,
  { api, tracer, durations }: Listening,
): Promise<A> {
  const { context, SpanKind, SpanStatusCode, trace } = api;
  const told = attributesOf(inquiry, origin);
  const name = String(told["db.query.summary"]);
  const text = inquiry.text && queryText(inquiry.text(), origin.options.queryText);
  const span = tracer.startSpan(name, {
    kind: SpanKind.CLIENT,
    attributes: {
      ...told,
      ...inquiry.attributes?.(),
      "meshquery.backend": origin.backend,
      ...(text === undefined ? {} : { "db.query.text": text }),
    },
  });
  const tally = { resends: 0 };
  const within = trace.setSpan(context.active(), span).setValue(tallyKey(api), tally);
  const startedMs = performance.now();
  let failure: Failure | undefined;
  try {
    const answer = await context.with(within, task);
    if (inquiry.outcome !== undefined && span.isRecording()) tellOutcome(span, inquiry.outcome(answer));
    return answer;
  } catch (error) {
    failure = failureOf(error, origin.options);
    const { message } = failure;
    span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
    throw error;
  } finally {
    const ending = endingOf(failure);
    span.setAttributes({ ...ending, ...(tally.resends > 0 ? { "meshquery.resends": tally.resends } : {}) });
    span.end();
    durations.inquiry.record((performance.now() - startedMs) / 1000, { ...told, ...ending }, within);
  }
}

/** What is told by span and duration alike: there are few of each. */
function attributesOf(inquiry: Inquiry<never>, { backend, base }: Origin): Attributes {
  const { operation, target, collection, system = backend, namespace } = inquiry;
  const about = collection ?? target?.() ?? "";
  return {
    "db.system.name": system,
    "db.operation.name": operation,
    "db.query.summary": shortened(about === "" ? operation : `${operation} ${about}`),
    ...(collection === undefined ? {} : { "db.collection.name": collection }),
    ...(namespace === undefined ? {} : { "db.namespace": namespace }),
    "server.address": base.host,
    "server.port": base.port,
  };
}

/** Cut between words, as the conventions have it. */
function shortened(summary: string): string {
  if (summary.length <= LONGEST_SUMMARY) return summary;
  const end = summary.lastIndexOf(" ", LONGEST_SUMMARY);
  return summary.slice(0, end > 0 ? end : LONGEST_SUMMARY);
}

/** The text as it may be shown. PromQL's and LogQL's strings are alike; no printer here writes comments. */
function queryText(text: string, how: Origin["options"]["queryText"] = "sanitized"): string | undefined {
  if (how === "none") return undefined;
  return how === "whole" ? text : text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/gs, "?");
}

function tellOutcome(span: Span, { rows, complete, warnings }: Outcome): void {
  span.setAttributes({
    ...(rows === undefined ? {} : { "db.response.returned_rows": rows }),
    ...(complete === undefined ? {} : { "meshquery.complete": complete }),
    ...(warnings === undefined ? {} : { "meshquery.warnings": warnings }),
  });
}

function endingOf(failure: Failure | undefined): Attributes {
  if (failure === undefined) return {};
  const { type, status } = failure;
  return { "error.type": type, ...(status === undefined ? {} : { "db.response.status_code": String(status) }) };
}
