import type { Call } from "../../logs/call.ts";
import type { Trace } from "../../traces/trace.ts";
import type { Side } from "./window-view.ts";

/**
 * What changed. Causes first: `unreachable` calls found nobody, `rate-limited` and `denied` ones were turned away by
 * proxies, `failing-path`, `failing-version` and `failing-caller` name where failures gather, `slow-version` and
 * `slow-path` where slowness does, `plaintext` and `identity` tell of callers' certificates. Then what is seen of causes
 * that have no name: `errors`, `client-errors`, `slower`, `retried`, `given-up` by callers, and `traffic` that grew, fell
 * or ceased. Last what did not change and is wrong all the same: `lasting`, where at least half of the requests fail or
 * are turned away in both windows.
 */
export type FindingKind =
  | "client-errors"
  | "denied"
  | "errors"
  | "failing-caller"
  | "failing-path"
  | "failing-version"
  | "given-up"
  | "identity"
  | "lasting"
  | "plaintext"
  | "rate-limited"
  | "retried"
  | "slow-path"
  | "slow-version"
  | "slower"
  | "traffic"
  | "unreachable";

/** A figure of a finding, before and after. */
export interface Figure {
  readonly name: string;
  readonly unit: "ms" | "ratio" | "req/s";
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** One thing that changed, with what shows it. */
export interface Finding {
  readonly kind: FindingKind;
  /** The finding in words, with its figures. */
  readonly message: string;
  /** Requests per second that it touches. */
  readonly affected: number;
  readonly figures: readonly Figure[];
  /** When it began, in epoch milliseconds, as far as the metrics tell; `undefined` where they do not. */
  readonly sinceMs: number | undefined;
  /** The queries that show it, for a reader to check. */
  readonly promql: readonly string[];
  /** Some traces that show it. */
  readonly traces: readonly Trace[];
  /** Some calls that show it, as access logs have them. */
  readonly calls: readonly Call[];
}

/** A finding before examples and its beginning are looked for. */
export interface Suspicion extends Pick<Finding, "affected" | "figures" | "kind" | "message"> {
  /** Conditions on labels that select what it is about, beside the scope's own. */
  readonly shows: Readonly<Record<string, string>>;
  /** Whose proxies counted it. */
  readonly side: Side;
  /** The calls of it, in logs and traces. */
  readonly examples: ExampleQuery | undefined;
}

/** Which calls are examples of a finding. */
export interface ExampleQuery {
  readonly errors?: boolean | undefined;
  readonly denied?: boolean | undefined;
  readonly rateLimited?: boolean | undefined;
  readonly flags?: readonly string[] | undefined;
  readonly path?: string | undefined;
  readonly slowerThan?: string | undefined;
}

const ORDER: readonly FindingKind[] = [
  "unreachable",
  "rate-limited",
  "denied",
  "failing-path",
  "failing-version",
  "failing-caller",
  "slow-version",
  "slow-path",
  "plaintext",
  "identity",
  "errors",
  "slower",
  "given-up",
  "client-errors",
  "retried",
  "traffic",
  "lasting",
];

type Weighed = Pick<Finding, "affected" | "kind">;

/** Causes before what follows from them, and of one rank the more frequent first. */
export const byWeight = (a: Weighed, b: Weighed): number =>
  ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || b.affected - a.affected;
