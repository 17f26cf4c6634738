import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PromqlSyntaxError } from "../../../src/errors.ts";
import { type Expr, type ParseOptions, parse, pretty, print } from "../../../src/promql/index.ts";
import { latestPrometheus } from "../../mesh/latest-prometheus.ts";
import { CLASSIC, type Dialect, EXPERIMENTAL, expressions, MODERN } from "../../property/expressions.ts";
import { mutated, scribbled, spelled } from "../../property/spelling.ts";
import { type SinglePrometheus, singlePrometheus } from "../single-prometheus.ts";
import { type Answer, inParallel, type PromqlServer, promqlServer } from "./promql-server.ts";
import { ourForm, type ServerNode, serverForm } from "./promql-tree.ts";

const running: SinglePrometheus[] = [];
const servers: PromqlServer[] = [];
let stable: PromqlServer;
let experimental: PromqlServer;
let old: PromqlServer;

beforeAll(async () => {
  const programs = await latestPrometheus({ onSlow: (what) => console.log(`          ${what}`) });
  running.push(
    await singlePrometheus({ programs }),
    await singlePrometheus({
      programs,
      flags: ["--enable-feature=promql-experimental-functions,promql-binop-fill-modifiers"],
    }),
    await singlePrometheus({}),
  );
  servers.push(...running.map(({ url }) => promqlServer(url)));
  [stable, experimental, old] = servers as [PromqlServer, PromqlServer, PromqlServer];
});

afterAll(async () => {
  for (const server of servers) server.close();
  await Promise.all(running.map((one) => one.stop()));
});

/** Texts that are PromQL, texts that once were, and scribbles: each once, and only what UTF-8 can carry. */
function textsOf(dialect: Dialect, seed: number, count: number): readonly string[] {
  const texts = new Set<string>();
  for (const [i, expr] of fc.sample(expressions(dialect), { seed, numRuns: count }).entries()) {
    const at = seed * 1_000_003 + i;
    const text = spelled(expr, at);
    if (text.length < 3000) texts.add(text).add(mutated(text, at));
    texts.add(mutated(print(expr), at + 1)).add(scribbled(at));
  }
  return [...texts].filter((text) => text.isWellFormed());
}

/** Our tree, or why there is none. */
type Reading =
  | { readonly tree: Expr; readonly error?: undefined }
  | { readonly tree?: undefined; readonly error: PromqlSyntaxError };

function read(text: string, options: ParseOptions): Reading {
  try {
    return { tree: parse(text, options) };
  } catch (error) {
    if (error instanceof PromqlSyntaxError) return { error };
    throw error;
  }
}

const ourFormOf = ({ tree }: Reading): string | undefined => tree && ourForm(tree);

interface Difference {
  readonly why: string;
  holds(ours: Reading, theirs: Answer<ServerNode>): boolean;
  /** Whether the server itself refuses to evaluate what it has parsed. */
  readonly refusedLater?: boolean;
}

const refusedFor = (reason: RegExp) => (ours: Reading, theirs: Answer<ServerNode>) =>
  theirs.error === undefined && ours.error !== undefined && reason.test(ours.error.reason);

/** Where one of both takes what the other refuses, and why that is meant to be so. */
const DIFFERENCES: readonly Difference[] = [
  {
    why: "a length that depends on the query's own step or range is no number of a tree",
    holds: refusedFor(/^(?:step|range)\(\) as a duration is known only once the query runs/),
  },
  {
    why: "a reckoned range of 0 or less is refused when it is read, not only when it is evaluated",
    holds: refusedFor(/^a range or step is longer than 0$/),
    refusedLater: true,
  },
  {
    why: "a reckoned length of more than 292 years is so too",
    holds: refusedFor(/^no duration is longer than 292 years$/),
    refusedLater: true,
  },
  {
    why: "a range of less than a millisecond holds no sample",
    holds: refusedFor(/^no range or step is shorter than a millisecond$/),
  },
  {
    why: "an instant beyond the milliseconds that a double tells apart cannot be kept",
    holds: refusedFor(/^@ takes an instant that milliseconds can tell exactly$/),
  },
  {
    why: "bytes that are no UTF-8 are no text, and no label has them",
    holds: refusedFor(/are no UTF-8, and so no text$/),
  },
  {
    why: "no label has the empty name",
    holds: refusedFor(/^a matcher needs a label name; the empty name "" is none$/),
  },
  {
    why: "holt_winters is a function of Prometheus 2",
    holds: (ours, theirs) =>
      ours.tree !== undefined && /unknown function with name "holt_winters"/.test(theirs.error ?? ""),
  },
];

/** What differs though it should not, and how often what may. */
interface Outcome {
  readonly texts: number;
  readonly accepted: number;
  readonly wrong: readonly string[];
  readonly differences: ReadonlyMap<string, number>;
}

async function compare(server: PromqlServer, texts: readonly string[], options: ParseOptions): Promise<Outcome> {
  const wrong: string[] = [];
  const differences = new Map<string, number>();
  let accepted = 0;
  await inParallel(texts, 12, async (text) => {
    const ours = read(text, options);
    const theirs = await server.parse(text);
    if (theirs.error === undefined) accepted++;
    if ((ours.error === undefined) !== (theirs.error === undefined)) {
      const difference = DIFFERENCES.find((one) => one.holds(ours, theirs));
      const meant = difference !== undefined && (!difference.refusedLater || (await server.evaluate(text)).error);
      if (meant) differences.set(difference.why, (differences.get(difference.why) ?? 0) + 1);
      else wrong.push(`${JSON.stringify(text)}: ${theirs.error ?? `taken, and we say ${ours.error?.message}`}`);
      return;
    }
    if (ours.tree === undefined || theirs.data === undefined) return;
    const form = serverForm(theirs.data);
    if (ourForm(ours.tree) !== form) wrong.push(`${JSON.stringify(text)}: ${ourForm(ours.tree)} is ${form}`);
    for (const printed of [print(ours.tree), pretty(ours.tree, { width: 40 })]) {
      const again = await server.parse(printed);
      if (again.data === undefined || serverForm(again.data) !== form) {
        wrong.push(`${JSON.stringify(text)} printed as ${JSON.stringify(printed)}: ${again.error ?? "another tree"}`);
      }
    }
    const formatted = (await server.format(text)).data ?? "";
    const reading = read(formatted, options);
    // Its printer sorts matchers, loses the sign of -0, and leaves what its own parser then refuses, such as U+FFFD.
    const itself = await server.parse(formatted);
    const alike =
      itself.data === undefined ? reading.tree === undefined : ourFormOf(reading) === serverForm(itself.data);
    if (!alike)
      wrong.push(`${JSON.stringify(text)} formatted as ${JSON.stringify(formatted)}: ${reading.error?.message}`);
  });
  return { texts: texts.length, accepted, wrong, differences };
}

function tell(what: string, { texts, accepted, differences }: Outcome): void {
  console.log(`${what}: ${texts} texts, ${accepted} of them PromQL`);
  for (const [why, count] of differences) console.log(`  ${String(count).padStart(4)} × ${why}`);
}

describe("Prometheus 3 and the parser agree on what is PromQL, on its tree, and on what its print means", () => {
  test("over 20,000 expressions, mutations and scribbles", { timeout: 180_000 }, async () => {
    const outcome = await compare(stable, textsOf(MODERN, 31, 5500), {});
    tell("Prometheus 3", outcome);
    expect(outcome.wrong.slice(0, 20)).toEqual([]);
    expect(outcome.texts).toBeGreaterThan(20_000);
    expect(outcome.accepted).toBeGreaterThan(5000);
    const differing = [...outcome.differences.values()].reduce((sum, count) => sum + count, 0);
    expect(differing).toBeLessThan(outcome.texts / 50);
  });

  test("with experimental functions too", { timeout: 120_000 }, async () => {
    const outcome = await compare(experimental, textsOf(EXPERIMENTAL, 32, 1200), { experimental: true });
    tell("Prometheus 3 with experimental functions", outcome);
    expect(outcome.wrong.slice(0, 20)).toEqual([]);
    expect(outcome.accepted).toBeGreaterThan(1000);
  });
});

/** What we refuse of what Prometheus 2 takes: bytes that are no text, and a number that Prometheus 3 does not end there. */
const LOST = [/are no UTF-8, and so no text$/, /^0x[\da-fA-F]+[eE] is neither a number nor a duration$/];

describe("Prometheus 2.42 takes a part of that", () => {
  test("what it takes is read", { timeout: 120_000 }, async () => {
    const wrong: string[] = [];
    let accepted = 0;
    await inParallel(textsOf(CLASSIC, 33, 1500), 12, async (text) => {
      if ((await old.format(text)).error !== undefined) return;
      accepted++;
      const reason = read(text, {}).error?.reason;
      if (reason !== undefined && !LOST.some((one) => one.test(reason)))
        wrong.push(`${JSON.stringify(text)}: ${reason}`);
    });
    console.log(`Prometheus 2.42: ${accepted} texts are PromQL`);
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(accepted).toBeGreaterThan(1000);
  });

  test("it takes every expression of the classic dialect as it is printed", { timeout: 120_000 }, async () => {
    const refused: string[] = [];
    const trees = fc.sample(expressions(CLASSIC), { seed: 34, numRuns: 2000 });
    await inParallel(trees, 12, async (tree) => {
      const { error } = await old.format(print(tree));
      if (error !== undefined) refused.push(`${print(tree)}: ${error}`);
    });
    expect(refused).toEqual([]);
  });

  test.each([
    ['{"a.b"}', "names in quotes"],
    ['a{"b.c"="d"}', "label names in quotes"],
    ['sum by ("b.c") (a)', "label names in quotes in a grouping"],
    ["a[300]", "numbers as durations"],
    ["a offset 300", "numbers as offsets"],
    ["5m + 1", "durations as numbers"],
    ["1_000", "underscores in numbers"],
    ["a[5m * 2]", "reckoning with durations"],
    ["a[5m] anchored", "extended ranges"],
    ["a </ 5", "trimming of histograms"],
    ["first_over_time(a[5m])", "newer functions"],
    ["histogram_avg(a)", "newer functions"],
  ])("it lacks what %s has: %s", async (text) => {
    expect((await old.format(text)).error).toContain("parse error");
    expect((await stable.parse(text)).error).toBeUndefined();
    expect(print(parse(text))).toBeTruthy();
  });

  test("it has holt_winters, which Prometheus 3 has renamed", async () => {
    const text = "holt_winters(a[5m], 0.1, 0.2)";
    expect((await old.format(text)).data).toBe(text);
    expect((await stable.parse(text)).error).toContain("unknown function");
    expect(print(parse(text))).toBe(text);
  });
});
