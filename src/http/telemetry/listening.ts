import type * as OpenTelemetry from "@opentelemetry/api";
import type { Histogram, MeterProvider, Tracer } from "@opentelemetry/api";
import type { Redactor } from "../redaction.ts";
import type { BaseUrl } from "../url.ts";

/** How questions show in an application's own traces and metrics, which OpenTelemetry's SDK collects. */
export interface TelemetryOptions {
  /**
   * What is shown of a query's text: `"sanitized"`, the default, has `?` in place of each quoted text in it, such as a
   * label's value; `"whole"` is the text as it is sent, and errors' messages with it; `"none"` is nothing.
   */
  readonly queryText?: "none" | "sanitized" | "whole" | undefined;
  /** Whether whatever instruments Node's own HTTP client is told to make no spans below this library's; false. */
  readonly suppressNested?: boolean | undefined;
}

/** OpenTelemetry's API. */
export type Api = typeof OpenTelemetry;

/** What is the same in all that is told of one client. */
export interface Origin {
  /** What errors call the other side. */
  readonly backend: string;
  readonly base: BaseUrl;
  readonly redactor: Redactor;
  readonly options: TelemetryOptions;
}

/** Who listens. */
export interface Listening {
  readonly api: Api;
  readonly tracer: Tracer;
  readonly durations: Durations;
}

/** How long things took, in seconds. */
export interface Durations {
  readonly inquiry: Histogram;
  readonly request: Histogram;
}

/** The instrumentation scope: its name, and the version of the package. */
export const SCOPE = ["meshquery", "0.1.0"] as const;

/** Finds out who listens. SDKs may come late and go, so it is asked each time; that takes less than a microsecond. */
export class Listeners {
  readonly #api: Api;
  #known: { readonly provider: MeterProvider; readonly durations: Durations } | undefined;

  constructor(api: Api) {
    this.#api = api;
  }

  /** `undefined` where no SDK has registered a tracer, a meter or a propagator. */
  find(): Listening | undefined {
    const api = this.#api;
    if (!isTraced(api) && !isMeasured(api) && api.propagation.fields().length === 0) return undefined;
    return { api, tracer: api.trace.getTracer(...SCOPE), durations: this.#durations() };
  }

  #durations(): Durations {
    const provider = this.#api.metrics.getMeterProvider();
    if (this.#known?.provider !== provider) this.#known = { provider, durations: durationsOf(provider) };
    return this.#known.durations;
  }
}

/** Until an SDK comes, the API's own provider has nobody to pass anything on to. */
function isTraced({ trace, ProxyTracerProvider }: Api): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(...SCOPE) !== undefined;
}

const isMeasured = ({ metrics, createNoopMeter }: Api): boolean => metrics.getMeter(...SCOPE) !== createNoopMeter();

/** @see OpenTelemetry, "Semantic conventions for database client metrics" and "… for HTTP metrics" */
function durationsOf(provider: MeterProvider): Durations {
  const meter = provider.getMeter(...SCOPE);
  return {
    inquiry: meter.createHistogram("db.client.operation.duration", {
      unit: "s",
      description: "Duration of database client operations.",
      advice: { explicitBucketBoundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] },
    }),
    request: meter.createHistogram("http.client.request.duration", {
      unit: "s",
      description: "Duration of HTTP client requests.",
      advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] },
    }),
  };
}
