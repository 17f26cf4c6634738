import type { EmittedSpan, EmittedTrace, Telemetry } from "../../telemetry.ts";
import { hasFailed, type Link, linksOf, recentTraces, survey } from "../recent-traces.ts";

/** A search in Jaeger's terms. */
export interface StoreQuery {
  /** `""` for any. */
  readonly service: string;
  readonly operation: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fromUs: number;
  readonly toUs: number;
  /** 0 for any. */
  readonly leastNs: number;
  readonly mostNs: number;
  readonly depth: number;
}

export interface StoredOperation {
  readonly name: string;
  readonly spanKind: string;
}

/** A trace's first span may have begun so long before the span that is looked for. */
const LONGEST_TRACE_MS = 60_000;
/** A search may not want more traces than a store keeps. */
const MOST_TRACES = 100_000;

/** Traces as Jaeger's own storage in memory finds them: the latest first, all of a trace where one span fits. */
export class JaegerStore {
  readonly #telemetry: Telemetry;
  readonly #now: () => number;

  constructor(telemetry: Telemetry, now: () => number) {
    this.#telemetry = telemetry;
    this.#now = now;
  }

  get nowMs(): number {
    return this.#now();
  }

  services(): readonly string[] {
    return survey(this.#telemetry, this.#now(), ({ service }) => service);
  }

  operations(service: string, kind: string): readonly StoredOperation[] {
    const found = survey(this.#telemetry, this.#now(), (span) =>
      span.service === service && (kind === "" || span.kind === kind)
        ? JSON.stringify([span.operation, span.kind])
        : undefined,
    );
    return found.map((text) => {
      const [name, spanKind] = JSON.parse(text) as [string, string];
      return { name, spanKind };
    });
  }

  /** The trace of an id of up to 32 hexadecimal digits. */
  trace(id: string): EmittedTrace | undefined {
    const digits = id.toLowerCase().replace(/^0+/, "");
    const short = digits.length <= 16 ? this.#telemetry.trace(digits.padStart(16, "0")) : undefined;
    return short ?? this.#telemetry.trace(digits.padStart(32, "0"));
  }

  /** `undefined` where the depth is none. */
  search(query: StoreQuery): readonly EmittedTrace[] | undefined {
    const { depth, fromUs, toUs } = query;
    if (depth <= 0 || depth > MOST_TRACES) return undefined;
    const found: EmittedTrace[] = [];
    for (const trace of recentTraces(this.#telemetry, fromUs / 1000 - LONGEST_TRACE_MS, toUs / 1000)) {
      if (!trace.spans.some((span) => fits(span, query))) continue;
      found.push(trace);
      if (found.length === depth) break;
    }
    return found;
  }

  links(fromMs: number, toMs: number): readonly Link[] {
    return linksOf(this.#telemetry, fromMs, toMs);
  }
}

function fits(span: EmittedSpan, query: StoreQuery): boolean {
  const { service, operation, fromUs, toUs, leastNs, mostNs, tags } = query;
  const ns = span.durationUs * 1000;
  return (
    (service === "" || span.service === service) &&
    (operation === "" || span.operation === operation) &&
    span.startUs >= fromUs &&
    span.startUs <= toUs &&
    (leastNs === 0 || ns >= leastNs) &&
    (mostNs === 0 || ns <= mostNs) &&
    Object.entries(tags).every(([name, value]) => hasTag(span, name, value))
  );
}

/** What OTLP keeps in a span's status is no tag, nor is its kind. */
function hasTag(span: EmittedSpan, name: string, value: string): boolean {
  if (name === "error") return hasFailed(span) === (value === "true");
  return storedTags(span).some(([own, has]) => own === name && has === value);
}

/** A span's tags by their names' order, with what came as its endpoint, and without what Jaeger keeps apart. */
export const storedTags = ({ tags, address }: EmittedSpan): readonly (readonly [string, string])[] =>
  Object.entries({ ...tags, "net.host.ip": address })
    .filter(([name]) => name !== "error" && name !== "span.kind")
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** The spans of a trace by the service that they are of. */
export function byService({ spans }: EmittedTrace): ReadonlyMap<string, readonly EmittedSpan[]> {
  const services = new Map<string, EmittedSpan[]>();
  for (const span of spans) {
    const own = services.get(span.service);
    if (own === undefined) services.set(span.service, [span]);
    else own.push(span);
  }
  return services;
}

/** An id without the half that is all zeros, as Jaeger writes it. */
export const shortId = (id: string): string => (/^0{16}[0-9a-f]{16}$/.test(id) ? id.slice(16) : id);
