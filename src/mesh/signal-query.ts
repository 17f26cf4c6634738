import { type Formula, later, type Ready, ready } from "../metrics/formula.ts";
import { type Query, query } from "../metrics/query.ts";
import type { Expr, Grouping } from "../promql/index.ts";
import type { MeshContext } from "./context.ts";
import type { KnownHistograms } from "./histograms.ts";
import { type IstioLabel, METRICS } from "./istio.ts";
import { type KnownReporter, type Scope, scopeMatchers } from "./scope.ts";
import { counterRate, type Traffic } from "./signals.ts";

/** A query that can be grouped by Istio's labels. */
export type SignalQuery<U extends string> = Query<U, never, IstioLabel>;

/** Makes a signal's expression of the traffic that it is read from. */
export type SignalReading = (traffic: Traffic) => (grouping: Grouping | undefined) => Expr;

/** What a signal is beside its expression and its unit. */
export interface SignalKind {
  /** Whether it is the rate of requests itself. */
  readonly isRequests?: boolean;
  /** The window over which the requests are counted that its values are of. */
  readonly requestsOverMs?: number;
  readonly isShare?: boolean;
  readonly fromHistogram?: boolean;
}

/** Whose signal, and in which mesh. */
export interface SignalSource {
  readonly context: MeshContext;
  readonly scope: Scope;
}

/** The query for a signal of a scope. */
export function signalQuery<U extends string>(
  source: SignalSource,
  unit: U,
  read: SignalReading,
  { isRequests = false, requestsOverMs, isShare, fromHistogram = false }: SignalKind = {},
): SignalQuery<U> {
  const made = (one: SignalReading): Formula => signalFormula(source, one, fromHistogram);
  const formula = made(read);
  const requests = isRequests
    ? formula
    : requestsOverMs && made((traffic) => counterRate(traffic, METRICS.requests, requestsOverMs));
  return query(source.context, unit, formula, { traffic: requests || undefined, isShare });
}

/** What "auto" turned out to be. */
interface Known {
  readonly reporter: KnownReporter;
  readonly histograms: KnownHistograms;
}

/** The formula of a signal, which is made later where the backend must say first who reports, or how. */
export function signalFormula({ context, scope }: SignalSource, read: SignalReading, fromHistogram: boolean): Formula {
  const { reporter, failures } = scope;
  const { reporters } = context;
  const under = (known: Known): Ready =>
    ready(read({ matchers: scopeMatchers(scope, known.reporter), failures, histograms: known.histograms }));
  const histograms = fromHistogram ? context.histograms : "classic";
  if (reporter !== "auto" && typeof histograms === "string") return under({ reporter, histograms });
  // Bad arguments are refused at once, whatever the answers will be.
  const plain = under({ reporter: "destination", histograms: "classic" });
  if (reporter === "auto" && reporters === undefined) return plain;
  const because =
    reporter === "auto"
      ? 'the reporter "auto" is chosen when it is asked; for a text, such as a rule needs, write .reportedBy("destination")'
      : 'histograms are "auto", which is found out when it is asked; for a text, such as a rule needs, write createMesh({ histograms: "classic" })';
  return later(because, async (atMs, rest) =>
    under({
      reporter: reporter === "auto" ? ((await reporters?.of(scope, atMs, rest())) ?? "destination") : reporter,
      histograms: typeof histograms === "string" ? histograms : await histograms.of(atMs, rest()),
    }),
  );
}
