import type { Matching, SetOp } from "../ast.ts";
import { type Column, joinEqual, nonEmpty, presentAnywhere, relabelled } from "./column.ts";
import type { Labels } from "./labels.ts";

/** A text that is equal for series that match each other. */
export function signatureOf(matching: Matching | undefined): (labels: Labels) => string {
  if (matching?.kind === "on") {
    const names = new Set(matching.labels);
    return (labels) => labels.keyWith(names);
  }
  const names = new Set(["__name__", "__type__", "__unit__", ...(matching?.labels ?? [])]);
  return (labels) => labels.keyWithout(names);
}

/** Joins two vectors by their labels alone. Where both sides have a sample, it is the left one's that stays. */
export function setOperation(
  op: SetOp,
  left: readonly Column[],
  right: readonly Column[],
  matching: Matching | undefined,
  steps: number,
): Column[] {
  const signature = signatureOf(matching);
  switch (op) {
    case "and":
    case "unless": {
      const there = presenceBySignature(right, signature, steps);
      const kept = op === "and" ? 1 : 0;
      return nonEmpty(left.map((column) => masked(column, there.get(signature(column.labels)), kept)));
    }
    case "or": {
      const there = presenceBySignature(left, signature, steps);
      const added = right.map((column) => masked(column, there.get(signature(column.labels)), 0));
      return joinEqual([...left, ...nonEmpty(added)]);
    }
  }
}

function presenceBySignature(
  columns: readonly Column[],
  signature: (labels: Labels) => string,
  steps: number,
): Map<string, Uint8Array> {
  const groups = new Map<string, Column[]>();
  for (const column of columns) {
    const key = signature(column.labels);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [column]);
    else group.push(column);
  }
  return new Map(Array.from(groups, ([key, group]) => [key, presentAnywhere(group, steps)]));
}

/** A column with only those values that stand where `mask` is `kept`; no mask is 0 everywhere. */
function masked(column: Column, mask: Uint8Array | undefined, kept: 0 | 1): Column {
  if (mask === undefined && kept === 0) return column;
  const present = column.present.map((there, i) => ((mask?.[i] ?? 0) === kept ? there : 0));
  return relabelled({ ...column, present }, column.labels, column.dropName);
}
