import type { Binary, BinaryOp } from "../ast.ts";
import type { Annotations } from "./annotations.ts";
import { trimmed } from "./histogram-trim.ts";
import {
  collide,
  compacted,
  dividedBy,
  isCompatible,
  isEqual,
  type NativeHistogram,
  plus,
  sameBounds,
  times,
} from "./native-histogram.ts";

/** A sample of a series. */
export type SampleValue = NativeHistogram | number;

/** What an operator makes of two samples, and whether it keeps it, as a comparison may not. */
export interface Operated {
  readonly value: SampleValue;
  readonly keep: boolean;
}

/** What is remarked about the last of the operations at each step, as Prometheus remarks it. */
export class OperationRemarks {
  readonly #expr: Binary;
  readonly #annotations: Annotations;
  readonly #last = new Map<number, () => void>();

  constructor(expr: Binary, annotations: Annotations) {
    this.#expr = expr;
    this.#annotations = annotations;
  }

  /** An operator between two samples of which one at least is a native histogram; nothing where they do not go together. */
  operate(left: SampleValue, right: SampleValue, step: number): Operated | undefined {
    const { op } = this.#expr;
    if (typeof left === "number") {
      if (typeof right !== "number" && op === "*") return kept(compacted(times(right, left)));
      return this.#incompatible(left, right, step);
    }
    if (typeof right === "number") {
      const value = scaled(op, left, right);
      return value === undefined ? this.#incompatible(left, right, step) : kept(value);
    }
    switch (op) {
      case "+":
      case "-":
        return this.#sum(left, right, op === "+" ? 1 : -1, step);
      case "==":
        return { value: left, keep: isEqual(left, right) };
      case "!=":
        return { value: left, keep: !isEqual(left, right) };
      default:
        return this.#incompatible(left, right, step);
    }
  }

  #sum(left: NativeHistogram, right: NativeHistogram, sign: -1 | 1, step: number): Operated | undefined {
    const expr = this.#expr;
    const what = sign === 1 ? "addition" : "subtraction";
    if (!isCompatible(left, right)) {
      this.#remark(step, () => this.#annotations.incompatibleBuckets(expr.op, expr));
      return undefined;
    }
    if (!sameBounds(left, right)) this.#remark(step, () => this.#annotations.reconciledBuckets(what, expr));
    if (collide(left, right)) {
      this.#remark(step, () => this.#annotations.resetCollision(what, expr));
      return undefined;
    }
    const sum = compacted(plus(left, right, sign));
    return kept(sign === 1 ? sum : { ...sum, hint: "gauge" });
  }

  /** Two samples that the operator makes nothing of. */
  #incompatible(left: SampleValue, right: SampleValue, step: number): undefined {
    const { op } = this.#expr;
    const nameOf = (one: SampleValue) => (typeof one === "number" ? "float" : "histogram");
    this.#remark(step, () => this.#annotations.incompatibleTypes(nameOf(left), op, nameOf(right), this.#expr));
    return undefined;
  }

  /** Two numbers, of which a trimming operator makes nothing. */
  refuseNumbers(step: number): undefined {
    return this.#incompatible(0, 0, step);
  }

  #remark(step: number, remark: () => void): void {
    this.#last.set(step, remark);
  }

  /** Makes the remarks. */
  flush(): void {
    for (const remark of this.#last.values()) remark();
  }
}

const kept = (value: SampleValue): Operated => ({ value, keep: true });

function scaled(op: BinaryOp, histogram: NativeHistogram, by: number): NativeHistogram | undefined {
  switch (op) {
    case "*":
      return compacted(times(histogram, by));
    case "/":
      return compacted(dividedBy(histogram, by));
    case "</":
      return trimmed(histogram, by, true);
    case ">/":
      return trimmed(histogram, by, false);
    default:
      return undefined;
  }
}
