import * as arrow from "apache-arrow";
import { describe, expect, test } from "vitest";
import { instant, length, number, text, trend } from "../../src/results/column.ts";
import { Matrix, Series } from "../../src/results/matrix.ts";
import { Table } from "../../src/results/result.ts";
import { AT, HOSTILE, metaOf } from "./answers.ts";

const series = (labels: Record<string, string>, ...values: number[]) =>
  new Series({
    labels,
    unit: "req/s",
    timesMs: Float64Array.from(values, (_, i) => AT + i * 60_000),
    values: Float64Array.from(values),
  });

const matrix = new Matrix({
  unit: "req/s",
  meta: metaOf(),
  series: [series({ code: "200", team: HOSTILE }, 1, 2, 3), series({ code: "503" }, 4, Number.NaN)],
  startMs: AT,
  endMs: AT + 120_000,
  stepMs: 60_000,
});

/** The rows of a table of Arrow as plain values. */
const rowsOf = (table: arrow.Table): unknown[][] =>
  table.toArray().map((row) => Object.values((row as arrow.StructRowProxy).toJSON()));

describe("a matrix in Arrow", () => {
  const table: arrow.Table = matrix.toArrowTable(arrow);

  test("has a row for each value, with types of Arrow's own", () => {
    expect(String(table.schema)).toBe(
      "Schema<{ 0: time: Timestamp<MILLISECOND, UTC>, 1: code: Dictionary<Int32, Utf8>, 2: team: Dictionary<Int32, Utf8>, 3: value (req/s): Float64 }>",
    );
    expect(rowsOf(table)).toEqual([
      [AT, "200", HOSTILE, 1],
      [AT + 60_000, "200", HOSTILE, 2],
      [AT + 120_000, "200", HOSTILE, 3],
      [AT, "503", "", 4],
      [AT + 60_000, "503", "", Number.NaN],
    ]);
  });

  test("shares the memory of its values", () => {
    const parts = table.getChild("value (req/s)")?.data.map(({ values }) => (values as Float64Array).buffer);
    expect(parts).toHaveLength(2);
    expect(parts?.[0]).toBe(matrix.series[0]?.values.buffer);
    expect(parts?.[1]).toBe(matrix.series[1]?.values.buffer);
  });

  test("comes back from its bytes as it was", async () => {
    const bytes = await matrix.toArrow();
    expect(rowsOf(arrow.tableFromIPC(bytes))).toEqual(rowsOf(table));
    expect(await matrix.toArrow(arrow)).toEqual(bytes);
  });

  test("without series has columns all the same", () => {
    const none = new Matrix({ unit: "ms", meta: metaOf(), series: [], startMs: AT, endMs: AT, stepMs: 1 });
    const empty = none.toArrowTable(arrow);
    expect(empty.schema.names).toEqual(["time", "value (ms)"]);
    expect(empty.numRows).toBe(0);
  });
});

test("any table in Arrow has null where there is no value, and nothing that only people need", async () => {
  const mixed = Table.of(
    [text("name"), instant("since"), number("rate", "req/s"), length("longest"), trend("course"), text("", "people")],
    [
      ["a", AT, 1.5, 1000, Float64Array.of(1), "x"],
      [undefined, undefined, undefined, undefined, undefined, "y"],
      ["a", Number.NaN, "–", 0, undefined, "z"],
    ],
  );
  const back = arrow.tableFromIPC(await mixed.toArrow());
  expect(back.schema.names).toEqual(["name", "since", "rate (req/s)", "longest (ms)"]);
  expect(rowsOf(back)).toEqual([
    ["a", AT, 1.5, 1000],
    ["", null, null, null],
    ["a", null, null, 0],
  ]);
});
