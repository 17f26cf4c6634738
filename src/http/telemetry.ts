import type * as OpenTelemetry from "@opentelemetry/api";
import type { Context, Span } from "@opentelemetry/api";
import type { BaseUrl } from "./url.ts";

/** OpenTelemetry's API, which is loaded with the first request. */
export type Telemetry = typeof OpenTelemetry;

export const loadTelemetry = (): Promise<Telemetry> => import("@opentelemetry/api");

/** The CLIENT span of one question: a no-op wherever no OpenTelemetry SDK is registered. */
export class RequestSpan {
  readonly #telemetry: Telemetry;
  readonly #span: Span;
  readonly #context: Context;

  /** @param url redacted */
  constructor(telemetry: Telemetry, method: string, url: string, base: BaseUrl) {
    const { context, SpanKind, trace } = telemetry;
    this.#telemetry = telemetry;
    // HTTP semantic conventions, client span: the name is the method, since no route template is known.
    this.#span = trace.getTracer("meshquery").startSpan(method, {
      kind: SpanKind.CLIENT,
      attributes: {
        "http.request.method": method,
        "server.address": base.host,
        "server.port": base.port,
        "url.full": url,
      },
    });
    this.#context = trace.setSpan(context.active(), this.#span);
  }

  /** The headers that carry the trace on, `traceparent` for the W3C propagator. */
  headers(): Record<string, string> {
    const headers: Record<string, string> = {};
    this.#telemetry.propagation.inject(this.#context, headers);
    return headers;
  }

  /** Runs `task` below the span, for instrumentation that follows the sockets. */
  within<T>(task: () => T): T {
    return this.#telemetry.context.with(this.#context, task);
  }

  answered(status: number): void {
    this.#span.setAttribute("http.response.status_code", status);
    if (status >= 400) this.#fail(String(status));
  }

  /**
   * @param type the error's code or name
   * @param message redacted, or nothing where it is not ours to show
   */
  failed(type: string, message?: string): void {
    this.#fail(type, message);
  }

  /** @param resends requests sent after the first, for any reason */
  end(resends: number): void {
    if (resends > 0) this.#span.setAttribute("http.request.resend_count", resends);
    this.#span.end();
  }

  #fail(type: string, message?: string): void {
    this.#span.setAttribute("error.type", type);
    this.#span.setStatus({ code: this.#telemetry.SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
  }
}
