import type { Attributes, Context } from "@opentelemetry/api";
import type { Failure } from "./failure.ts";
import type { Listening, Origin } from "./listening.ts";
import { tallyIn } from "./tally.ts";

/** One request as it goes over the wire: the first of a question, or one that is sent again. */
export interface TracedRequest {
  readonly method: string;
  readonly url: URL;
  /** How often the question was sent before, for any reason. */
  readonly resends: number;
}

/** By this all of OpenTelemetry's instrumentation knows to make no spans; the API has no name for it. */
const SUPPRESS = "OpenTelemetry SDK Context Key SUPPRESS_TRACING";

/** Records the requests of what was asked when it was made, whoever it is that sends them on. */
export class Trail {
  readonly #origin: Origin;
  readonly #listening: Listening;
  readonly #around: Context;

  constructor(origin: Origin, listening: Listening) {
    this.#origin = origin;
    this.#listening = listening;
    this.#around = listening.api.context.active();
  }

  /**
   * Does `send`, which sends one request, within a span by the conventions for HTTP clients: each try and each redirect
   * has its own.
   *
   * @param send with the headers that carry the trace on, such as `traceparent` for the W3C's propagator
   * @param explain what the span tells of a failure
   * @see OpenTelemetry, "Semantic conventions for HTTP spans"
   */
  async follow<A extends { readonly status: number }>(
    request: TracedRequest,
    send: (headers: Readonly<Record<string, string>>) => Promise<A>,
    explain: (error: unknown) => Failure,
  ): Promise<A> {
    const { api, tracer, durations } = this.#listening;
    const { context, createContextKey, propagation, SpanKind, SpanStatusCode, trace } = api;
    const told = this.#attributes(request);
    const tally = tallyIn(this.#around, api);
    if (tally !== undefined && request.resends > 0) tally.resends++;
    const span = tracer.startSpan(
      request.method,
      { kind: SpanKind.CLIENT, attributes: { ...told, ...this.#more(request) } },
      this.#around,
    );
    const within = trace.setSpan(this.#around, span);
    const headers: Record<string, string> = {};
    // Before anything is suppressed, since nothing is injected then.
    propagation.inject(within, headers);
    const nested = this.#origin.options.suppressNested === true;
    const below = nested ? within.setValue(createContextKey(SUPPRESS), true) : within;
    const startedMs = performance.now();
    let ending: Attributes = {};
    const fail = (type: string, message?: string) => {
      ending = { ...ending, "error.type": type };
      span.setStatus({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
    };
    try {
      const answer = await context.with(below, () => send(headers));
      ending = { "http.response.status_code": answer.status };
      if (answer.status >= 400) fail(String(answer.status));
      return answer;
    } catch (error) {
      const { type, message } = explain(error);
      fail(type, message);
      throw error;
    } finally {
      span.setAttributes(ending);
      span.end();
      durations.request.record((performance.now() - startedMs) / 1000, { ...told, ...ending }, within);
    }
  }

  #attributes({ method }: TracedRequest): Attributes {
    const { host, port } = this.#origin.base;
    return { "http.request.method": method, "server.address": host, "server.port": port };
  }

  #more({ url, resends }: TracedRequest): Attributes {
    const { options, redactor } = this.#origin;
    return {
      "url.full": redactor.url(options.queryText === "whole" ? url : withoutTexts(url)),
      ...(resends > 0 ? { "http.request.resend_count": resends } : {}),
    };
  }
}

/** Numbers, durations, instants and flags, which ask for no thing by its name. */
const NO_TEXT = /^(?:[-+]?[\d.]+(?:[a-zµ]{1,2})?|\d{4}-\d\d-\d\dT[\d:.]+Z|true|false)$/;

/** The URL without the texts in its query: selectors, names, tags. */
function withoutTexts(url: URL): URL {
  const shown = new URL(url);
  for (const [key, value] of url.searchParams) if (!NO_TEXT.test(value)) shown.searchParams.set(key, "REDACTED");
  return shown;
}
