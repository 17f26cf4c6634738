import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Expr, TimeShift } from "../../src/promql/ast.ts";
import {
  escapePattern,
  mapSelectors,
  parse,
  print,
  quote,
  selector,
  shiftBack,
  typeOf,
} from "../../src/promql/index.ts";
import { unquote } from "../promql/go-string.ts";
import { structureOf } from "../promql/lezer.ts";
import { CLASSIC, expressions, MODERN, texts } from "./expressions.ts";

const SEED = { seed: 20_261_124 } as const;

/** The structure of a tree without shifts in the words of {@link structureOf}, told from the nodes alone. */
function structure(expr: Expr): string {
  switch (expr.kind) {
    case "number":
      return `number ${print(expr)}`;
    case "string":
      return `string ${print(expr)}`;
    case "vector":
      return `vector ${print(expr)}`;
    case "matrix":
      return `matrix (vector ${print(expr.selector)} ${rangeOf(print(expr))})`;
    case "subquery": {
      const [range, step] = rangeOf(print(expr)).split(":");
      return `subquery (${structure(expr.expr)} ${range}${step === "" ? "" : ` ${step}`})`;
    }
    case "call":
      return `call ${expr.func} (${expr.args.map(structure).join(", ")})`;
    case "aggregation": {
      const args = expr.param === undefined ? [expr.expr] : [expr.param, expr.expr];
      const bare = { ...expr, param: undefined, expr: selector("x") };
      const modifier = print(bare).slice(expr.op.length, -"(x)".length).trim();
      return `aggregation ${expr.op} ${modifier} (${args.map(structure).join(", ")})`;
    }
    case "unary":
      return `unary ${expr.op} (${structure(expr.expr)})`;
    case "binary": {
      const bare = print({ ...expr, left: selector("x"), right: selector("y") }).slice(2, -2);
      return `binary ${bare} (${structure(expr.left)}) (${structure(expr.right)})`;
    }
  }
}

const rangeOf = (text: string): string => text.slice(text.lastIndexOf("[") + 1, text.lastIndexOf("]"));

function shiftsOf(expr: Expr): readonly TimeShift[] {
  switch (expr.kind) {
    case "vector":
      return [expr];
    case "matrix":
      return [expr.selector];
    case "subquery":
      return [expr];
    case "call":
      return expr.args.flatMap(shiftsOf);
    case "aggregation":
      return [...shiftsOf(expr.expr), ...(expr.param === undefined ? [] : shiftsOf(expr.param))];
    case "binary":
      return [...shiftsOf(expr.left), ...shiftsOf(expr.right)];
    case "unary":
      return shiftsOf(expr.expr);
    default:
      return [];
  }
}

describe.each([
  ["classic", CLASSIC],
  ["modern", MODERN],
] as const)("any well-typed expression in the %s alphabet", (_, dialect) => {
  test("is printed as text of the right grammar", () => {
    fc.assert(
      fc.property(expressions(dialect), (expr) => {
        expect(() => structureOf(print(expr))).not.toThrow();
      }),
      { ...SEED, numRuns: 3000 },
    );
  });

  // Where an expression is shifted in time, the editor's grammar nests operators otherwise than Prometheus does.
  test("is printed as text that reads as the same tree", () => {
    fc.assert(
      fc.property(expressions({ ...dialect, shifts: false }), (expr) => {
        expect(structureOf(print(expr))).toBe(structure(expr));
      }),
      { ...SEED, numRuns: 3000 },
    );
  });

  test("is read back from its text as the same tree", () => {
    fc.assert(
      fc.property(expressions(dialect), (expr) => {
        expect(parse(print(expr))).toEqual(expr);
      }),
      { ...SEED, numRuns: 3000 },
    );
  });

  test("is the same object where no selector changes", () => {
    fc.assert(
      fc.property(expressions(dialect), (expr) => {
        expect(mapSelectors(expr, (s) => s)).toBe(expr);
      }),
      { ...SEED, numRuns: 1000 },
    );
  });

  test("is rebuilt equal where every selector is copied", () => {
    fc.assert(
      fc.property(expressions(dialect), (expr) => {
        const copy = mapSelectors(expr, (s) => selector(s.name, s.matchers, s));
        expect(copy).toEqual(expr);
        expect(print(copy)).toBe(print(expr));
        expect(typeOf(copy)).toBe(typeOf(expr));
      }),
      { ...SEED, numRuns: 1000 },
    );
  });

  test("looks back by the sum of what it is shifted by", () => {
    const offsets = fc.integer({ min: -1_000_000_000, max: 1_000_000_000 });
    fc.assert(
      fc.property(expressions(dialect), offsets, offsets, (expr, a, b) => {
        const twice = shiftBack(shiftBack(expr, a), b);
        expect(twice).toEqual(shiftBack(expr, a + b));
        expect(shiftBack(shiftBack(expr, a), -a)).toEqual(expr);
        expect(shiftsOf(twice).map((s) => s.offsetMs ?? 0)).toEqual(
          shiftsOf(expr).map((s) => (s.offsetMs ?? 0) + a + b),
        );
      }),
      { ...SEED, numRuns: 1000 },
    );
  });
});

describe("any text", () => {
  test("is denoted exactly by its quoted form, on one line", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const literal = quote(text);
        expect(literal).not.toMatch(/[\r\n]/);
        expect(unquote(literal)).toBe(text);
        expect(structureOf(literal)).toBe(`string ${literal}`);
      }),
      { ...SEED, numRuns: 5000 },
    );
  });

  test("is matched by its escaped pattern, and nothing else is", () => {
    fc.assert(
      fc.property(texts, texts, (text, other) => {
        const pattern = new RegExp(`^(?:${escapePattern(text)})$`, "u");
        expect(pattern.test(text)).toBe(true);
        expect(pattern.test(other)).toBe(other === text);
        expect(pattern.test(`${text}${other}`)).toBe(other === "");
      }),
      { ...SEED, numRuns: 5000 },
    );
  });
});
