import { describe, expect, test } from "vitest";
import { alert } from "../../src/alerts/index.ts";
import { createMesh, QueryError } from "../../src/index.ts";
import { simulatedMesh } from "../../src/testing/index.ts";

const mesh = createMesh(simulatedMesh({ seed: 7, now: "2026-11-20T10:00:00Z" }).backends());
const edge = mesh.edge("frontend", "backend");
const rate = edge.rate("5m");
const rule = alert("Failing", edge.success("5m").below("99%"));
const policies = mesh.policies([]);

/** Verbs as they are called where nothing checks types. */
const verbs: Readonly<Record<string, (options: never) => unknown>> = {
  traces: (options) => edge.traces(options),
  slowest: (options) => edge.slowest(options),
  latencyFromTraces: (options) => edge.latencyFromTraces(0.9, options),
  examples: (options) => edge.examples(options),
  logs: (options) => edge.logs(options),
  calls: (options) => edge.calls(options),
  topPaths: (options) => edge.topPaths(options),
  errorsBy: (options) => edge.errorsBy("code", options),
  latencyFromLogs: (options) => edge.latencyFromLogs(0.9, options),
  denials: (options) => edge.denials(options),
  rateLimited: (options) => edge.rateLimited(options),
  identity: (options) => edge.identity(options),
  explain: (options) => edge.explain(options),
  graph: (options) => mesh.graph(options),
  check: (options) => policies.check(options),
  over: (options) => rate.over(options),
  backtest: (options) => rule.backtest(options),
};

/** What a verb is refused with, at once or when it is awaited. */
async function refusal(ask: () => unknown): Promise<unknown> {
  try {
    await ask();
  } catch (error) {
    return error;
  }
  throw new Error("it was not refused");
}

describe("a verb", () => {
  test.each(Object.entries(verbs))("%s says that it needs a range, where it is given none", async (verb, ask) => {
    for (const given of [undefined, null, "15m"]) {
      const error = await refusal(() => ask(given as never));
      expect(error).toBeInstanceOf(QueryError);
      expect(error).toMatchObject({
        code: "range",
        message: `${verb}: ${JSON.stringify(given)} is not a range; write { last: "6h" } or { from, to }`,
      });
    }
  });

  test.each(Object.entries(verbs))(
    "%s refuses options that it has not, and says which was meant",
    async (verb, ask) => {
      const misspelt = { last: "15m", timeoutMS: 5 };
      const error = await refusal(() =>
        ask((verb === "over" || verb === "backtest" ? { last: "15m", steps: "1m" } : misspelt) as never),
      );
      expect(error).toBeInstanceOf(QueryError);
      const [name, meant] = verb === "over" || verb === "backtest" ? ["steps", "step"] : ["timeoutMS", "timeoutMs"];
      expect(error).toMatchObject({
        code: "config",
        message: `${verb}: ${name} is not known; did you mean "${meant}"?`,
      });
    },
  );

  test("takes an option that is left undefined for one that is left out", async () => {
    expect((await rate.now({ signal: undefined, other: undefined } as never)).value).toBeGreaterThan(0);
  });

  test.each<[string, () => unknown, string]>([
    ["now", () => rate.now({ timeout: 5 } as never), 'now: timeout is not known; did you mean "timeoutMs"?'],
    ["at", () => rate.at(0, { abort: 5 } as never), "at: abort is not known; there are signal, timeoutMs"],
    ["now", () => rate.now(5 as never), "now: 5 are no options; there are signal, timeoutMs"],
    [
      "over",
      () => rate.over({ last: "1h" }, { chunk: 5 } as never),
      "over: chunk is not known; there are pointsPerRequest, onProgress, signal, timeoutMs",
    ],
    [
      "traces",
      () => edge.traces({ last: "1m", error: true } as never),
      'traces: error is not known; did you mean "errors"?',
    ],
    [
      "now",
      () => rate.now({ signal: new AbortController() } as never),
      "now: signal: an object is no AbortSignal; write the controller's own signal",
    ],
    [
      "logs",
      () => edge.logs({ last: "1m", signal: null } as never),
      "logs: signal: null is no AbortSignal; write AbortSignal.timeout(5_000)",
    ],
    ["watch", () => rule.watch({ evry: "30s" } as never), 'watch: evry is not known; did you mean "every"?'],
  ])("%s refuses %s", async (_, ask, message) => {
    expect(await refusal(ask)).toMatchObject({ code: "config", message });
  });
});

test("a question in PromQL's words says what it is to be given", async () => {
  const error = await refusal(() => mesh.promql(undefined as never));
  expect(error).toMatchObject({
    code: "promql",
    message: "promql: undefined is no PromQL; write text, or what the tag promql gives",
  });
});
