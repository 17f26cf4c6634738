import { describe, expect, test } from "vitest";
import { QueryError } from "../../../src/errors.ts";
import { isStaleAt, wordsOf } from "../../../src/promql/engine/staleness.ts";
import { type Matcher, type MemoryStorage, matcher, memoryStorage } from "../../../src/promql/index.ts";

const samples = (storage: MemoryStorage, matchers: readonly Matcher[], fromMs = 0, toMs = 1e15) =>
  Array.from(storage.select(matchers, fromMs, toMs), ({ labels, timesMs, values }) => ({
    labels,
    samples: Array.from(timesMs, (time, i) => [time, isStaleAt(wordsOf(values), i) ? "stale" : values[i]]),
  }));

const named = (name: string) => [matcher("__name__", "=", name)];

describe("samples are kept in order of time, each time once", () => {
  test("whatever their order of arrival", () => {
    const storage = memoryStorage();
    for (const [time, value] of [
      [20, 2],
      [10, 1],
      [30, 3],
      [20, 2.5],
      [15, 1.5],
    ] as const) {
      storage.append({ __name__: "a" }, time, value);
    }
    storage.append({ __name__: "a" }, 40, "stale");
    expect(samples(storage, named("a"))[0]?.samples).toEqual([
      [10, 1],
      [15, 1.5],
      [20, 2.5],
      [30, 3],
      [40, "stale"],
    ]);
    expect([storage.seriesCount, storage.sampleCount]).toEqual([1, 5]);
  });

  test("the last of a time stays, be it a marker or a number", () => {
    const storage = memoryStorage();
    storage.append({ __name__: "a" }, 1, "stale");
    storage.append({ __name__: "a" }, 1, 7);
    storage.append({ __name__: "b" }, 1, 7);
    storage.append({ __name__: "b" }, 1, "stale");
    expect(samples(storage, named("a"))[0]?.samples).toEqual([[1, 7]]);
    expect(samples(storage, named("b"))[0]?.samples).toEqual([[1, "stale"]]);
  });

  test("a notation may be laid over what is there", () => {
    const storage = memoryStorage();
    storage.load("a 1 _ 3", { step: 10 });
    storage.load("# a comment\n\na _ 2 stale 4", { step: 10 });
    expect(samples(storage, named("a"))[0]?.samples).toEqual([
      [0, 1],
      [10, 2],
      [20, "stale"],
      [30, 4],
    ]);
  });

  test("columns must come behind what is there", () => {
    const storage = memoryStorage();
    storage.appendColumns({ __name__: "a" }, [1, 2], Float64Array.of(1, 2));
    for (const times of [[2, 3], [4, 4], [1.5, 2.5], [3]]) {
      expect(() => storage.appendColumns({ __name__: "a" }, times, Float64Array.of(1, 2))).toThrow(QueryError);
    }
    expect(storage.sampleCount).toBe(2);
  });
});

describe("series are found by their labels", () => {
  const storage = memoryStorage();
  storage.append({ __name__: "up", job: "a", empty: "" }, 1000, 1);
  storage.append({ __name__: "up", job: "b" }, 2000, 1);
  storage.append({ __name__: "größe", "host.name": "a" }, 1000, 1);
  const found = (...matchers: readonly Matcher[]) => samples(storage, matchers).map(({ labels }) => labels);

  test("by name, by value, by pattern; a missing label is the empty one", () => {
    expect(found(...named("up"))).toHaveLength(2);
    expect(found(matcher("job", "=", "a"))).toEqual([{ __name__: "up", job: "a" }]);
    expect(found(matcher("job", "=~", "a|b"), matcher("job", "!=", "a"))).toEqual([{ __name__: "up", job: "b" }]);
    expect(found(matcher("job", "=", ""), matcher("__name__", "!=", ""))).toEqual([
      { __name__: "größe", "host.name": "a" },
    ]);
    expect(found(matcher("__name__", "=~", "gr.*"))).toHaveLength(1);
  });

  test("with their samples of the time that is asked for, both ends included", () => {
    expect(samples(storage, named("up"), 1000, 1999)).toHaveLength(1);
    expect(samples(storage, named("up"), 1001, 1999)).toEqual([]);
  });
});

test.each([
  ["an empty label name", () => memoryStorage().append({ "": "x" }, 0, 1)],
  ["half a surrogate pair", () => memoryStorage().append({ a: "\ud800" }, 0, 1)],
  ["a time between milliseconds", () => memoryStorage().append({ a: "b" }, 0.5, 1)],
  ["a step of nothing", () => memoryStorage().load("a 1", { step: 0 })],
])("%s is refused", (_, wrong) => {
  expect(wrong).toThrow(QueryError);
});
