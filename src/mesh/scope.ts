import { QueryError } from "../errors.ts";
import { type Matcher, matcher } from "../promql/index.ts";
import { shown } from "../time.ts";
import { addDestination, addSource, checkCaller, type Peer } from "./peer.ts";

/**
 * Whose count is read: the callee's proxy, the caller's, or the waypoint between them. Each sees every request once.
 *
 * The caller's (`source`) also sees calls that never arrived. `auto` asks the backend which of them report on the scope.
 */
export type Reporter = "auto" | "destination" | "source" | "waypoint";

/** One reporter, or those two that never report the same request. */
export type KnownReporter = "destination" | "destination|waypoint" | "source" | "waypoint";

const REPORTERS: readonly Reporter[] = ["auto", "destination", "source", "waypoint"];

export function checkReporter(reporter: unknown, verb: string): Reporter {
  const known = REPORTERS.find((one) => one === reporter);
  if (known !== undefined) return known;
  throw new QueryError(
    "reporter",
    `${verb}: ${shown(reporter)} is no reporter; write one of ${REPORTERS.map(shown).join(", ")}`,
  );
}

/** Which part of the mesh's traffic is meant: frozen data behind every scope that a user holds. */
export interface Scope {
  readonly source?: Peer | undefined;
  readonly destination?: Peer | undefined;
  /** The end that `version` and `cluster` speak of, and that `inbound` and `outbound` turn round. */
  readonly subject: "destination" | "source";
  readonly reporter: Reporter;
  /** Further conditions, in the order they were written. */
  readonly conditions: readonly Matcher[];
  /** Sets of matchers; a failed request has all of any one of them. */
  readonly failures: readonly (readonly Matcher[])[];
}

/** The matchers that select a scope's series, as `reporter` counted them. */
export function scopeMatchers(scope: Scope, reporter: KnownReporter): readonly Matcher[] {
  const op = reporter === "destination|waypoint" ? "=~" : "=";
  return addEnds([matcher("reporter", op, reporter)], scope, reporter);
}

/** The matchers that select a scope's series, whoever counted them. */
export const endMatchers = (scope: Scope, reporter?: KnownReporter): readonly Matcher[] => addEnds([], scope, reporter);

/** Adds to one list what would be many short ones: a scope is read for every query. */
function addEnds(matchers: Matcher[], scope: Scope, reporter: KnownReporter | undefined): readonly Matcher[] {
  if (scope.source !== undefined) addSource(matchers, scope.source);
  if (scope.destination !== undefined) addDestination(matchers, scope.destination, reporter);
  for (const condition of scope.conditions) matchers.push(condition);
  return matchers;
}

/** The same scope with more known of its subject. */
export function narrowed(scope: Scope, known: Peer): Scope {
  const peer = { ...scope[scope.subject], ...known };
  return Object.freeze({ ...scope, [scope.subject]: Object.freeze(peer) });
}

/** The traffic of the same subject in the given direction: what is sent to it, or what it sends. */
export function directed(scope: Scope, subject: "destination" | "source"): Scope {
  if (scope.subject === subject) return scope;
  const { source, destination, ...rest } = scope;
  if (subject === "source") checkCaller(destination, "outbound");
  return Object.freeze({ ...rest, subject, source: destination, destination: source });
}
