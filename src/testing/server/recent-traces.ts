import type { EmittedSpan, EmittedTrace, Telemetry } from "../telemetry.ts";

/** A stretch of time holds so many traces, about, when they are looked through. */
const FEW = 100;
const MANY = 1_000;
const LONGEST_STRETCH_MS = 6 * 3_600_000;

/** The traces of which the first span began from `fromMs` to `toMs`, both included, the latest first. */
export function* recentTraces(telemetry: Telemetry, fromMs: number, toMs: number): Generator<EmittedTrace> {
  let stretchMs = 1_000;
  let endMs = toMs;
  let beforeUs = Number.POSITIVE_INFINITY;
  while (endMs >= fromMs) {
    const startMs = Math.max(fromMs, endMs - stretchMs);
    const found = [...telemetry.traces(startMs, endMs)].filter((trace) => startUs(trace) < beforeUs);
    yield* found.reverse();
    if (startMs === fromMs) return;
    endMs = startMs;
    // The ends of two stretches are the same instant, which is looked at once.
    beforeUs = startMs * 1000;
    if (found.length < FEW) stretchMs = Math.min(stretchMs * 2, LONGEST_STRETCH_MS);
    else if (found.length > MANY) stretchMs = Math.max(stretchMs / 2, 1);
  }
}

const startUs = ({ spans }: EmittedTrace): number => spans[0]?.startUs ?? 0;

/** So many traces in a row that bring nothing new end a {@link survey}. */
const ENOUGH = 1_000;
/** Names are told from no more of the past than this. */
const SURVEYED_MS = 48 * 3_600_000;

/** What `namesOf` tells of the spans of late, each name once and sorted: of a mesh, which never stops, not of all time. */
export function survey(
  telemetry: Telemetry,
  nowMs: number,
  namesOf: (span: EmittedSpan) => string | undefined,
): readonly string[] {
  const names = new Set<string>();
  let since = 0;
  for (const { spans } of recentTraces(telemetry, nowMs - SURVEYED_MS, nowMs)) {
    const before = names.size;
    for (const span of spans) {
      const name = namesOf(span);
      if (name !== undefined) names.add(name);
    }
    since = names.size === before ? since + 1 : 0;
    if (since >= ENOUGH) break;
  }
  return [...names].sort();
}

/** How often one service called another. */
export interface Link {
  readonly parent: string;
  readonly child: string;
  calls: number;
  errors: number;
}

/** A store keeps no more traces than this, and counts no others. */
const MOST_COUNTED = 10_000;

/** The calls between services over the latest traces of a span of time. */
export function linksOf(telemetry: Telemetry, fromMs: number, toMs: number): readonly Link[] {
  const links = new Map<string, Link>();
  let counted = 0;
  for (const { spans } of recentTraces(telemetry, fromMs, toMs)) {
    if (++counted > MOST_COUNTED) break;
    const services = new Map(spans.map(({ id, service }) => [id, service]));
    for (const span of spans) {
      const parent = span.parentId === undefined ? undefined : services.get(span.parentId);
      if (parent === undefined || parent === span.service) continue;
      const key = JSON.stringify([parent, span.service]);
      const link = links.get(key) ?? { parent, child: span.service, calls: 0, errors: 0 };
      link.calls++;
      if (hasFailed(span)) link.errors++;
      links.set(key, link);
    }
  }
  return [...links.values()];
}

/** Whether the proxy marked the span as failed. */
export const hasFailed = ({ tags }: EmittedSpan): boolean => Object.hasOwn(tags, "error") && tags.error !== "false";
