import type { Cell, Column, Columns, Heading } from "./column.ts";
import { forPrograms, nameWithUnit } from "./column.ts";
import { peer } from "./peer.ts";

/** What is used of the package `apache-arrow`; `T` is its `Table`. */
export interface ArrowLibrary<T = unknown> {
  readonly Table: new (schema: never, batches: never) => T;
  readonly RecordBatch: new (schema: never, data: never) => unknown;
  readonly Schema: new (fields: never) => unknown;
  readonly Field: { new (name: string, type: never, nullable: boolean): unknown };
  readonly Struct: new (fields: never) => unknown;
  readonly Float64: new () => unknown;
  readonly TimestampMillisecond: new (timezone: string) => unknown;
  readonly Int32: new () => unknown;
  readonly Utf8: new () => unknown;
  readonly Dictionary: new (values: never, indices: never, id: number) => unknown;
  /** Makes a column of the bytes that are there. */
  makeData(fields: never): unknown;
  /** Makes a column of texts. */
  vectorFromArray(values: never, type: never): unknown;
  /** Writes a table as a stream of Arrow. */
  tableToIPC(table: never, type: "stream"): Uint8Array;
}

/**
 * A table of Arrow: numbers as Float64, instants as timestamps in UTC with milliseconds, texts by a dictionary. Numbers
 * that are a `Float64Array` are taken as they are, and not copied; each batch stays one of its own.
 *
 * @param arrow the caller's own `apache-arrow`, whose table it is
 */
export function arrowTable<T>(batches: readonly Columns[], arrow: ArrowLibrary<T>): T {
  const columns = batches.map(forPrograms);
  const headings = columns[0] ?? [];
  const dictionaries = headings.map((heading, i) =>
    heading.kind === "text"
      ? dictionaryOf(
          columns.map((batch) => batch[i]),
          i,
          arrow,
        )
      : undefined,
  );
  const fields = headings.map((heading, i) => {
    const type = dictionaries[i]?.type ?? numericType(heading, arrow);
    return new arrow.Field(nameWithUnit(heading), type as never, true);
  });
  const schema = new arrow.Schema(fields as never);
  const made = batches.map(({ length }, at) => {
    const children = headings.map((_, i) => {
      const column = columns[at]?.[i] as Column;
      return dictionaries[i]?.data(column) ?? numericData(column, arrow);
    });
    const data = arrow.makeData({ type: new arrow.Struct(fields as never), length, nullCount: 0, children } as never);
    return new arrow.RecordBatch(schema as never, data as never);
  });
  return new arrow.Table(schema as never, made as never);
}

const numericType = ({ kind }: Heading, arrow: ArrowLibrary): unknown =>
  kind === "instant" ? new arrow.TimestampMillisecond("UTC") : new arrow.Float64();

function numericData(column: Column, arrow: ArrowLibrary): unknown {
  const type = numericType(column, arrow);
  const { cells } = column;
  const { length } = cells;
  if (column.kind !== "instant" && cells instanceof Float64Array) {
    return arrow.makeData({ type, length, nullCount: 0, data: cells } as never);
  }
  const valid = new Uint8Array(Math.ceil(length / 8));
  let nullCount = 0;
  const data = column.kind === "instant" ? new BigInt64Array(length) : new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const cell = cells[i];
    if (typeof cell !== "number" || (data instanceof BigInt64Array && !Number.isFinite(cell))) {
      nullCount++;
      continue;
    }
    valid[i >> 3] = (valid[i >> 3] ?? 0) | (1 << (i & 7));
    if (data instanceof BigInt64Array) data[i] = BigInt(Math.round(cell));
    else data[i] = cell;
  }
  return arrow.makeData({ type, length, nullCount, nullBitmap: nullCount === 0 ? undefined : valid, data } as never);
}

interface Texts {
  readonly type: unknown;
  data(column: Column): unknown;
}

/** The texts of one column over all batches, each kept once. */
function dictionaryOf(parts: readonly (Column | undefined)[], id: number, arrow: ArrowLibrary): Texts {
  const places = new Map<string, number>();
  for (const part of parts) {
    for (let i = 0; i < (part?.cells.length ?? 0); i++) {
      const text = textOf(part?.cells[i]);
      if (!places.has(text)) places.set(text, places.size);
    }
  }
  const type = new arrow.Dictionary(new arrow.Utf8() as never, new arrow.Int32() as never, id);
  const dictionary = arrow.vectorFromArray([...places.keys()] as never, new arrow.Utf8() as never);
  return {
    type,
    data: ({ cells }) => {
      const data = Int32Array.from({ length: cells.length }, (_, i) => places.get(textOf(cells[i])) ?? 0);
      return arrow.makeData({ type, length: cells.length, nullCount: 0, data, dictionary } as never);
    },
  };
}

/**
 * A table of Arrow as bytes: an IPC stream, which every version and language of Arrow reads.
 *
 * @throws {QueryError} `code: "peer"` when `apache-arrow` is not installed, nor given
 */
export async function arrowBytes(batches: readonly Columns[], given?: ArrowLibrary): Promise<Uint8Array> {
  const arrow = given ?? ((await peer("apache-arrow", "toArrow", "apache-arrow")) as ArrowLibrary);
  return arrow.tableToIPC(arrowTable(batches, arrow) as never, "stream");
}

/** A label that a series lacks is empty, as in PromQL. */
const textOf = (cell: Cell): string => (typeof cell === "string" ? cell : "");
