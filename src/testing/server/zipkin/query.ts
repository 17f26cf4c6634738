import type { EmittedTrace } from "../../telemetry.ts";

/** A search in Zipkin's terms; `""` for any name. */
export interface ZipkinQuery {
  readonly service: string;
  readonly name: string;
  readonly remoteService: string;
  /** Tags by their values; `""` for any value. */
  readonly annotations: ReadonlyMap<string, string>;
  readonly leastUs: number | undefined;
  readonly mostUs: number | undefined;
}

/** Zipkin splits so often at most. */
const MOST = 100;

/** @see openzipkin/zipkin, `QueryRequest.Builder.parseAnnotationQuery` */
export function annotationsIn(text: string): ReadonlyMap<string, string> {
  const annotations = new Map<string, string>();
  if (text.trim() === "") return annotations;
  const parts = text.split(" and ");
  for (const part of [
    ...parts.slice(0, MOST - 1),
    ...(parts.length >= MOST ? [parts.slice(MOST - 1).join(" and ")] : []),
  ]) {
    const equals = part.indexOf("=");
    const [name, value] = equals < 0 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)];
    annotations.set(name.trim(), value.trim());
  }
  return annotations;
}

/**
 * Whether a trace is found: each part of the query may be met by another span, but all by spans of the service where
 * one is named.
 *
 * @see openzipkin/zipkin, `QueryRequest.test`
 */
export function isFound({ spans }: EmittedTrace, query: ZipkinQuery): boolean {
  const { service, name, remoteService, annotations, leastUs, mostUs } = query;
  const own = spans.filter((span) => service === "" || span.service.toLowerCase() === service);
  if (own.length === 0 || remoteService !== "") return false;
  const hasTag = ([tag, value]: readonly [string, string]): boolean =>
    own.some(({ tags }) => Object.hasOwn(tags, tag) && (value === "" || tags[tag] === value));
  return (
    (name === "" || own.some(({ operation }) => operation.toLowerCase() === name)) &&
    [...annotations].every(hasTag) &&
    own.some(
      ({ durationUs }) =>
        (leastUs === undefined || durationUs >= leastUs) && (mostUs === undefined || durationUs <= mostUs),
    )
  );
}
