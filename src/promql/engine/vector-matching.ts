import { EvaluationError } from "../../errors.ts";
import type { Binary, Matching } from "../ast.ts";
import { isComparison, isTrim } from "../operators.ts";
import {
  type Column,
  emptyColumn,
  fullColumn,
  isEmpty,
  joinEqual,
  NUMBER,
  presentAnywhere,
  sampleAt,
  setHistogram,
  setNumber,
} from "./column.ts";
import { type Operated, OperationRemarks } from "./histogram-operations.ts";
import type { Labels } from "./labels.ts";
import { ELEMENT_OPERATORS } from "./operators.ts";
import type { OperationContext } from "./scalar-operations.ts";
import { signatureOf } from "./set-operations.ts";

/**
 * Two vectors joined by an operator: each series of the left one with the one of the right that it matches, or with
 * `group_right` the other way round.
 *
 * @throws {EvaluationError} where series match that must not, as Prometheus finds them step by step
 */
export function matchVectors(
  expr: Binary,
  left: readonly Column[],
  right: readonly Column[],
  steps: number,
  { delayedNames, annotations }: OperationContext,
): Column[] {
  const remarks = new OperationRemarks(expr, annotations);
  const matching: Matching = expr.matching ?? { kind: "ignoring", labels: [] };
  const swapped = matching.group?.side === "right";
  const [many, one] = swapped ? [right, left] : [left, right];
  const pairing = new Pairing(expr, matching, delayedNames, swapped);
  const { left: fillLeft, right: fillRight } = matching.fill ?? {};
  const [fillMany, fillOne] = swapped ? [fillRight, fillLeft] : [fillLeft, fillRight];
  const ones = pairing.onesBySignature(one, matching.fill === undefined ? many : one, steps);
  const found: Column[] = [];
  const meet = (column: Column, partner: Column, signature: string): void => {
    const joined = pairing.join(column, partner, signature, remarks);
    if (!isEmpty(joined)) found.push(joined);
  };
  for (const column of many) {
    const signature = pairing.signature(column.labels);
    const partners = ones.get(signature) ?? [];
    for (const partner of partners) meet(column, partner, signature);
    if (fillOne === undefined) continue;
    const there = presentAnywhere(partners, steps);
    meet(column, pairing.standIn(column, fillOne, there), signature);
  }
  if (fillMany !== undefined) {
    for (const column of one) {
      const signature = pairing.signature(column.labels);
      meet(pairing.standIn(column, fillMany, pairing.matchedAt(signature, steps)), column, signature);
    }
  }
  pairing.throwFailure();
  remarks.flush();
  return joinEqual(found);
}

const TWICE = "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)";
const TWICE_GROUPED = "multiple matches for labels: grouping labels must ensure unique matches";

/** What must not be, and at which step it is found. */
interface Failure {
  readonly step: number;
  readonly message: string;
}

/** One operation between two vectors: how series meet, and what their result is called. */
class Pairing {
  readonly signature: (labels: Labels) => string;
  readonly #expr: Binary;
  readonly #matching: Matching;
  readonly #swapped: boolean;
  readonly #dropsName: boolean;
  /** The one that Prometheus, which goes step by step, finds first. */
  #failure: Failure | undefined;
  /** At which steps a result has been found, by what must be unique. */
  readonly #matched = new Map<string, Uint8Array>();
  /** The same by signature alone. */
  readonly #met = new Map<string, Uint8Array>();

  constructor(expr: Binary, matching: Matching, delayedNames: boolean, swapped: boolean) {
    this.#expr = expr;
    this.#matching = matching;
    this.#swapped = swapped;
    this.signature = signatureOf(matching);
    this.#dropsName = !(isComparison(expr.op) || isTrim(expr.op)) || (expr.bool && !delayedNames);
  }

  /** The series of the side that has one for each signature, at any one step. */
  onesBySignature(one: readonly Column[], many: readonly Column[], steps: number): Map<string, Column[]> {
    const ones = new Map<string, Column[]>();
    /** Without any series on the other side nothing is compared, nor found twice. */
    let asked: Uint8Array | undefined;
    for (const column of one) {
      const signature = this.signature(column.labels);
      const before = ones.get(signature);
      if (before === undefined) {
        ones.set(signature, [column]);
        continue;
      }
      asked ??= presentAnywhere(many, steps);
      for (const other of before) this.#checkApart(column, other, asked);
      before.push(column);
    }
    return ones;
  }

  #checkApart(column: Column, other: Column, asked: Uint8Array): void {
    for (let i = 0; i < asked.length; i++) {
      if (asked[i] === 0 || column.present[i] === 0 || other.present[i] === 0) continue;
      const side = this.#swapped ? "left" : "right";
      const group = this.#matchLabels(column.labels);
      const [first, second] = [String(column.labels), String(other.labels)].sort();
      const message =
        `found duplicate series for the match group ${group} on the ${side} hand-side of the operation: ` +
        `[${first}, ${second}];many-to-many matching not allowed: matching labels must be unique on one side`;
      this.#fail(i, message);
      return;
    }
  }

  #matchLabels(labels: Labels): Labels {
    const names = new Set(this.#matching.labels);
    return this.#matching.kind === "on" ? labels.keep(names) : labels.dropMetadata().drop(names);
  }

  /** What is filled in for a partner that a series lacks, at all steps but those where there is one. */
  standIn({ labels }: Column, fill: number, there: Uint8Array): Column {
    const stand = fullColumn(this.#matchLabels(labels), new Float64Array(there.length).fill(fill));
    return { ...stand, present: there.map((found) => 1 - found) };
  }

  /** At which steps a series of this signature has found a partner. */
  matchedAt(signature: string, steps: number): Uint8Array {
    return this.#met.get(signature)?.slice() ?? new Uint8Array(steps);
  }

  join(many: Column, one: Column, signature: string, remarks: OperationRemarks): Column {
    const { op, bool } = this.#expr;
    const element = ELEMENT_OPERATORS[op];
    const labels = this.#resultLabels(many.labels, one.labels);
    const isGrouped = this.#matching.group !== undefined;
    const met = stepsOf(this.#met, signature, many.present.length);
    const matched = isGrouped ? stepsOf(this.#matched, `${signature}\udc00${labels.key}`, many.present.length) : met;
    const result = emptyColumn(labels, many.present.length, bool);
    const isFilter = isComparison(op) && !bool;
    const { values: xs, present: hasX } = many;
    const { values: ys, present: hasY } = one;
    const { values, present } = result;
    const swapped = this.#swapped;
    for (let i = 0; i < hasX.length; i++) {
      const kinds = (hasX[i] as number) * (hasY[i] as number);
      if (kinds === 0) continue;
      if (kinds !== NUMBER || element === undefined) {
        const found = this.#operate(many, one, i, remarks);
        if (found === undefined) continue;
        this.#match(i, matched, met, isGrouped);
        if (bool) setNumber(result, i, found.keep ? 1 : 0);
        else if (found.keep && typeof found.value !== "number") setHistogram(result, i, found.value);
        continue;
      }
      this.#match(i, matched, met, isGrouped);
      const x = xs[i] as number;
      const y = ys[i] as number;
      const value = swapped ? element(y, x) : element(x, y);
      if (isFilter && value === 0) continue;
      present[i] = NUMBER;
      // A comparison that filters leaves the left side's value as it is.
      values[i] = isFilter ? (swapped ? y : x) : value;
    }
    return result;
  }

  #operate(many: Column, one: Column, step: number, remarks: OperationRemarks): Operated | undefined {
    const x = sampleAt(many, step);
    const y = sampleAt(one, step);
    if (typeof x === "number" && typeof y === "number") return remarks.refuseNumbers(step);
    return this.#swapped ? remarks.operate(y, x, step) : remarks.operate(x, y, step);
  }

  #match(step: number, matched: Uint8Array, met: Uint8Array, isGrouped: boolean): void {
    if (matched[step] === 1) this.#fail(step, isGrouped ? TWICE_GROUPED : TWICE);
    matched[step] = 1;
    met[step] = 1;
  }

  #fail(step: number, message: string): void {
    if (this.#failure === undefined || step < this.#failure.step) this.#failure = { step, message };
  }

  /** @throws {EvaluationError} where series matched that must not */
  throwFailure(): void {
    if (this.#failure !== undefined) throw new EvaluationError("execution", this.#failure.message);
  }

  #resultLabels(many: Labels, one: Labels): Labels {
    const { kind, labels: names, group } = this.#matching;
    let labels = this.#dropsName ? many.dropMetadata() : many;
    if (group === undefined) labels = kind === "on" ? labels.keep(new Set(names)) : labels.drop(new Set(names));
    for (const name of group?.include ?? []) labels = labels.with(name, one.get(name));
    return labels;
  }
}

function stepsOf(matched: Map<string, Uint8Array>, key: string, steps: number): Uint8Array {
  const before = matched.get(key);
  if (before !== undefined) return before;
  const fresh = new Uint8Array(steps);
  matched.set(key, fresh);
  return fresh;
}
