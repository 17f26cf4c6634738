import { QueryError } from "../../errors.ts";
import {
  type Expr,
  labelSelector,
  matcher,
  print,
  transform,
  typeOf,
  type VectorSelector,
  walk,
} from "../../promql/index.ts";
import { type Recording, readBy } from "./recordings.ts";

/** One recording that an expression reads, and from when on. */
export interface Read {
  readonly recording: Recording;
  readonly fromMs: number;
}

/** How old a sample may be to count, as servers have it. */
const LOOKBACK_MS = 5 * 60_000;

/** What an expression reads of recordings when it is evaluated from `startMs` to `endMs`. */
export function readsOf(
  expr: Expr,
  recordings: readonly Recording[],
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
): readonly Read[] {
  const reads: Read[] = [];
  walk(expr, (node, around) => {
    if (node.kind !== "vector") return;
    let fromMs = startMs;
    for (const one of [...around, node]) {
      if (one.kind === "vector" || one.kind === "subquery") {
        if (one.at !== undefined) fromMs = one.at === "start" ? startMs : one.at === "end" ? endMs : one.at;
        fromMs -= one.offsetMs ?? 0;
      }
      if (one.kind === "matrix" || one.kind === "subquery") fromMs -= one.rangeMs;
    }
    for (const recording of readBy(node, recordings)) reads.push({ recording, fromMs: fromMs - LOOKBACK_MS });
  });
  return reads;
}

/** An expression taken apart: what a backend can tell, and what is made of that and of recordings. */
export interface Divided {
  /** The expression with {@link partSelector} in the place of each part. */
  readonly expr: Expr;
  /** What reads no recording, as large as it can be. */
  readonly parts: readonly Expr[];
}

const PART = "__part__";

/** Which part a selector stands for; `undefined` for one of series. */
export const partOf = (matchers: VectorSelector["matchers"]): number | undefined => {
  const found = matchers.find(({ label }) => label === PART);
  return found && Number(found.value);
};

/**
 * Takes an expression apart.
 *
 * @param numbers gives each part its number: parts of several expressions are told apart
 * @throws {QueryError} `code: "promql"` where a subquery reads recordings and other series at once: its instants are
 * none of those at which the other series are asked for
 */
export function divide(expr: Expr, recordings: readonly Recording[], numbers: { next(): number }): Divided {
  const parts = new Map<Expr, number>();
  walk(expr, (node, around) => {
    if (!readsSeries(node) || typeOf(node) !== "vector" || readsAny(node, recordings)) return undefined;
    if (around.some(({ kind }) => kind === "subquery")) {
      throw new QueryError(
        "promql",
        `${print(node)} stands in a subquery beside what is recorded; record it under a name of its own and write that`,
      );
    }
    parts.set(node, numbers.next());
    return false;
  });
  const divided = transform(expr, (node) => {
    const part = parts.get(node);
    return part === undefined ? node : labelSelector([matcher(PART, "=", String(part))]);
  });
  return { expr: divided, parts: [...parts.keys()] };
}

function readsSeries(expr: Expr): boolean {
  let found = false;
  walk(expr, ({ kind }) => {
    found ||= kind === "vector";
    return !found;
  });
  return found;
}

/** Whether an expression reads any of the recordings. */
export function readsAny(expr: Expr, recordings: readonly Recording[]): boolean {
  let found = false;
  walk(expr, (node) => {
    found ||= node.kind === "vector" && readBy(node, recordings).length > 0;
    return !found;
  });
  return found;
}
