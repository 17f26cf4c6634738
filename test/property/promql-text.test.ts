import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PromqlSyntaxError } from "../../src/errors.ts";
import {
  addMatchers,
  check,
  type Expr,
  matcher,
  parse,
  pretty,
  print,
  quote,
  selector,
  selectors,
  string,
  transform,
  walk,
} from "../../src/promql/index.ts";
import { expressions, MODERN, texts } from "./expressions.ts";
import { mutated, scribbled, spelled } from "./spelling.ts";

const SEED = { seed: 20_261_125 } as const;
const trees = expressions(MODERN);
const seeds = fc.nat();

/** A tree, or the one error that a text may give. */
function attempt(text: string): Expr | PromqlSyntaxError {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof PromqlSyntaxError) return error;
    throw error;
  }
}

function expectWhole(text: string): void {
  const result = attempt(text);
  if (result instanceof PromqlSyntaxError) {
    expect(result.start).toBeGreaterThanOrEqual(0);
    expect(result.end).toBeGreaterThanOrEqual(result.start);
    expect(result.end).toBeLessThanOrEqual(text.length);
    expect(result.message.split("\n")).toHaveLength(3);
    return;
  }
  const printed = print(result);
  const again = parse(printed);
  expect(again).toEqual(result);
  expect(print(again)).toBe(printed);
}

describe("any expression", () => {
  test("is the same tree however it is spelled", () => {
    fc.assert(
      fc.property(trees, seeds, (expr, seed) => {
        expect(parse(spelled(expr, seed))).toEqual(expr);
      }),
      { ...SEED, numRuns: 4000 },
    );
  });

  test("is the same tree in every width", () => {
    fc.assert(
      fc.property(trees, fc.integer({ min: 0, max: 120 }), (expr, width) => {
        const text = pretty(expr, { width });
        expect(parse(text)).toEqual(expr);
        if (print(expr).length <= width) expect(text).toBe(print(expr));
      }),
      { ...SEED, numRuns: 2000 },
    );
  });

  test("has each of its parts at its span, which reads as that part", () => {
    fc.assert(
      fc.property(trees, seeds, (expr, seed) => {
        const text = spelled(expr, seed);
        walk(parse(text), (node, around) => {
          const { start, end } = node.span ?? { start: -1, end: -1 };
          const parent = around.at(-1);
          if (parent?.span !== undefined) {
            expect(start).toBeGreaterThanOrEqual(parent.span.start);
            expect(end).toBeLessThanOrEqual(parent.span.end);
          }
          // What a selector looks back by stands behind the range, which the selector alone does not reach.
          if (parent?.kind !== "matrix") expect(parse(text.slice(start, end))).toEqual(node);
        });
      }),
      { ...SEED, numRuns: 1000 },
    );
  });

  test("survives JSON where its numbers do, and transformation by nothing", () => {
    fc.assert(
      fc.property(trees, (expr) => {
        expect(transform(expr, (node) => node)).toBe(expr);
        let plain = true;
        walk(expr, (node) => {
          if (node.kind === "number" && !(Number.isFinite(node.value) && !Object.is(node.value, -0))) plain = false;
        });
        expect(check(plain ? (JSON.parse(JSON.stringify(expr)) as Expr) : expr)).toEqual(expr);
      }),
      { ...SEED, numRuns: 2000 },
    );
  });

  test("has a matcher in every selector once it is added, and once only", () => {
    fc.assert(
      fc.property(trees, texts, (expr, value) => {
        const tenant = matcher("tenant", "=", value);
        const scoped = parse(print(addMatchers(expr, tenant)));
        const all = selectors(scoped);
        expect(all).toHaveLength(selectors(expr).length);
        for (const one of all)
          expect(one.matchers.filter((m) => m.label === "tenant" && m.value === value)).toHaveLength(1);
        expect(addMatchers(scoped, tenant)).toBe(scoped);
      }),
      { ...SEED, numRuns: 1000 },
    );
  });
});

describe("any text", () => {
  test("that was an expression and is no longer is a tree or an error with a place, and nothing else", () => {
    fc.assert(
      fc.property(trees, seeds, (expr, seed) => {
        expectWhole(mutated(seed % 2 === 0 ? print(expr) : spelled(expr, seed), seed));
      }),
      { ...SEED, numRuns: 6000 },
    );
  });

  test("of pieces of PromQL is so too", () => {
    fc.assert(
      fc.property(seeds, (seed) => expectWhole(scribbled(seed))),
      { ...SEED, numRuns: 6000 },
    );
  });

  test("of any characters is so too", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string(), texts), (text) => expectWhole(text)),
      { ...SEED, numRuns: 4000 },
    );
  });

  test("is a name, a label and a value as it stands once it is quoted", () => {
    fc.assert(
      fc.property(
        texts.filter((text) => text !== "" && text !== "__name__"),
        texts,
        (name, value) => {
          expect(parse(quote(value))).toEqual(string(value));
          expect(parse(`{${quote(name)},${quote(name)}!=${quote(value)}}`)).toEqual(
            selector(name, [matcher(name, "!=", value)]),
          );
        },
      ),
      { ...SEED, numRuns: 4000 },
    );
  });
});
