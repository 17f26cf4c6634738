import type { Hop } from "./hop.ts";
import type { Span } from "./span.ts";
import { type SpanTree, walk } from "./span-tree.ts";
import { flagMeaning, grpcName, hasFailed, type Status, statusOf } from "./status.ts";

/** A failure that did not follow from another one of the trace. */
export interface FirstCause {
  /** Where it failed: of a hop the span of the caller's proxy where there is one. */
  readonly span: Span;
  /** The hop that failed or, of an application's own span, the one that led to it. */
  readonly hop: Hop | undefined;
  readonly code: number | undefined;
  readonly grpcStatus: number | undefined;
  readonly flags: readonly string[];
  /** Who failed and how, in one line: `frontend → ghost: 503 UF, no connection to the upstream`. */
  readonly message: string;
  /** The failures above that followed from this one, from the nearest up to the request itself. */
  readonly echoes: readonly Span[];
}

/**
 * The failures of a trace that have no failure beneath them, in order of start.
 *
 * A failure is carried up through spans that say nothing of how they ended; a call that succeeded ends it, since
 * somebody above dealt with it. Where several failures lie beneath one, it counts as the echo of the one that ended
 * last. What failed is {@link hasFailed}'s to say; of a retried call the outcome that the caller saw counts.
 */
export function firstCausesOf(tree: SpanTree, hops: readonly Hop[]): readonly FirstCause[] {
  const causes: Draft[] = [];
  const carried = new Map<Unit, Draft>();
  for (const unit of unitsOf(tree, hops).reverse()) {
    const below = carried.get(unit);
    let passed = below;
    if (unit.failed === true) {
      passed ??= { unit, echoes: [] };
      if (below === undefined) causes.push(passed);
      else below.echoes.push(unit.span);
    }
    if (unit.parent === undefined || unit.failed === false || passed === undefined) continue;
    const other = carried.get(unit.parent);
    if (other === undefined || endOf(other) < endOf(passed)) carried.set(unit.parent, passed);
  }
  causes.reverse().sort((a, b) => a.unit.span.startMs - b.unit.span.startMs);
  return Object.freeze(causes.map(causeOf));
}

/** What fails or succeeds as one: a hop with all its spans, or a span of an application's. */
interface Unit {
  readonly span: Span;
  /** The hop that it is, or that led to it. */
  readonly hop: Hop | undefined;
  readonly isHop: boolean;
  readonly parent: Unit | undefined;
  readonly failed: boolean | undefined;
}

interface Draft {
  readonly unit: Unit;
  readonly echoes: Span[];
}

const endOf = ({ unit }: Draft): number => unit.span.endMs;

/** Parents before what lies beneath them. */
function unitsOf(tree: SpanTree, hops: readonly Hop[]): Unit[] {
  const hopOf = new Map<Span, Hop>();
  for (const hop of hops) for (const span of hop.spans) hopOf.set(span, hop);
  const unitOf = new Map<Span | Hop, Unit>();
  const units: Unit[] = [];
  for (const { span } of walk(tree)) {
    const hop = hopOf.get(span);
    let unit = hop === undefined ? undefined : unitOf.get(hop);
    if (unit === undefined) {
      const above = tree.parentOf(span);
      const parent = above === undefined ? undefined : unitOf.get(above);
      unit =
        hop === undefined
          ? { span, hop: parent?.hop, isHop: false, parent, failed: hasFailed(statusOf(span)) }
          : { span, hop, isHop: true, parent, failed: hop.failed };
      units.push(unit);
      if (hop !== undefined) unitOf.set(hop, unit);
    }
    unitOf.set(span, unit);
  }
  return units;
}

function causeOf({ unit, echoes }: Draft): FirstCause {
  const { span, hop, isHop } = unit;
  const { code, grpcStatus, flags } = isHop && hop !== undefined ? hop : statusOf(span);
  const who = isHop && hop !== undefined ? namesOf(hop) : `${span.service} ${span.operation}`;
  return Object.freeze({
    span,
    hop,
    code,
    grpcStatus,
    flags,
    message: `${who}: ${outcomeText({ code, grpcStatus, flags }) || "error"}`,
    echoes: Object.freeze(echoes),
  });
}

/** Both ends of a hop as a reader would call them: `frontend → backend`. */
export function namesOf({ source, destination }: Hop): string {
  const from = source.workload ?? source.service ?? source.address ?? "unknown";
  const to = destination.workload ?? destination.service ?? destination.host ?? destination.address ?? "unknown";
  return `${from} → ${to}`;
}

/** How a request ended, in words: `503 UF, no connection to the upstream`; empty where nothing tells. */
export function outcomeText(status: Omit<Status, "error">): string {
  const meanings = status.flags.map(flagMeaning).filter((meaning) => meaning !== undefined);
  return [statusText(status), ...meanings].filter((part) => part !== "").join(", ");
}

/** How a request ended, as short as can be: `503 UF`; empty where nothing tells. */
export function statusText({ code, grpcStatus, flags }: Omit<Status, "error">): string {
  const status = grpcStatus !== undefined ? `gRPC ${grpcName(grpcStatus)}` : code === 0 ? "no answer" : code;
  return [status, ...flags].filter((part) => part !== undefined).join(" ");
}
