import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "../../src/errors.ts";
import { type DecodedAnswer, decodeAnswer } from "../../src/metrics/decode/answer.ts";
import { AnswerStream } from "../../src/metrics/decode/answer-stream.ts";
import { readDecimal } from "../../src/metrics/decode/decimal.ts";
import { ShapeError, slowDecode } from "./decode-oracle.ts";

const SEED = 20261124;
const TIMEOUT_MS = process.env.MUTATIONS === undefined ? 180_000 : 1_800_000;
const decode = (body: Uint8Array) => decodeAnswer(body, { backend: "prometheus", query: "up" });

describe("decodeAnswer", () => {
  it(
    "reads back any answer, however it is written",
    () => {
      fc.assert(
        fc.property(answers, fc.infiniteStream(fc.nat(0xffff)), (answer, dice) => {
          const next = () => dice.next().value as number;
          const body = Buffer.from(write(answer, next));
          expect(decode(body)).toStrictEqual(slowDecode(body));
        }),
        { seed: SEED, numRuns: 2_000 },
      );
    },
    TIMEOUT_MS,
  );

  it("tells every truncation from an answer", () => {
    for (const body of BODIES) {
      for (let length = 0; length < body.length; length++) {
        const cut = body.subarray(0, length);
        expect(() => decode(cut), cut.toString()).toThrow(expect.objectContaining({ code: "truncated" }));
      }
    }
  });

  it(
    "never takes a damaged body for another answer",
    () => {
      let accepted = 0;
      let misshapen = 0;
      fc.assert(
        fc.property(fc.constantFrom(...BODIES), edits, (body, changes) => {
          const damaged = changes.reduce(damage, body);
          const expected = outcome(() => slowDecode(damaged));
          const actual = outcome(() => decode(damaged));
          if (expected instanceof Error) {
            if (!(actual instanceof DecodeError)) throw new Error(`accepted ${damaged.toString()}`);
            if (expected instanceof ShapeError) misshapen++;
            expect(actual.code === "shape").toBe(expected instanceof ShapeError);
          } else {
            accepted++;
            if (!isDeepStrictEqual(actual, expected)) throw new Error(`misread ${damaged.toString()}: ${actual}`);
          }
        }),
        { seed: SEED, numRuns: Number(process.env.MUTATIONS ?? 60_000) },
      );
      // neither half of the claim is empty
      expect(accepted).toBeGreaterThan(5_000);
      expect(misshapen).toBeGreaterThan(5_000);
    },
    TIMEOUT_MS,
  );
});

describe("decodeAnswer of plainly written series", () => {
  it(
    "gives the bits that Number gives, whichever instants the series share",
    () => {
      fc.assert(
        fc.property(fc.integer(), (seed) => {
          const random = mulberry32(seed);
          const series = Array.from({ length: 10 }, () => plainSeries(random));
          const result = series.map((samples) => `{"metric":{},"values":[${samples.map(plainSample).join(",")}]}`);
          const body = Buffer.from(
            `{"status":"success","data":{"resultType":"matrix","result":[${result.join(",")}]}}`,
          );
          const columns = series.map((samples) => ({
            labels: {},
            timesMs: Float64Array.from(samples, ([time]) => Math.round(Number(time) * 1000)),
            values: Float64Array.from(samples, ([, value]) => Number(value)),
          }));
          for (const answer of [decode(body), streamed(body, [whole(random, 3_000) + 1, 700])]) {
            if (!isDeepStrictEqual(answer.status === "success" && answer.data, { kind: "matrix", series: columns })) {
              throw new Error(`seed ${seed}: the columns are not those of the texts`);
            }
          }
        }),
        { seed: SEED, numRuns: Number(process.env.DECIMAL_RUNS ?? 110) },
      );
    },
    TIMEOUT_MS,
  );
});

describe("AnswerStream", () => {
  it(
    "reads any answer as it is read at once, in whatever pieces it comes",
    () => {
      let onTheWay = 0;
      fc.assert(
        fc.property(matrices, fc.infiniteStream(fc.nat(0xffff)), pieces, (answer, dice, lengths) => {
          const body = Buffer.from(write(answer, () => dice.next().value as number, false));
          expect(streamed(body, lengths)).toStrictEqual(decode(body));
          if (body.length > 300) onTheWay++;
        }),
        { seed: SEED, numRuns: 500 },
      );
      expect(onTheWay).toBeGreaterThan(120);
    },
    TIMEOUT_MS,
  );

  it("tells every truncation from an answer", () => {
    for (const body of BODIES) {
      for (let length = 0; length < body.length; length++) {
        const cut = body.subarray(0, length);
        expect(() => streamed(cut, [7]), cut.toString()).toThrow(expect.objectContaining({ code: "truncated" }));
      }
    }
  });

  it("says where in the whole answer the defect is", () => {
    const body = Buffer.from(
      `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[${'[1,"1"],'.repeat(500)}[1,"x"]]}]}}`,
    );
    const { message } = outcome(() => decode(body)) as Error;
    expect(message).toContain("at byte 4086");
    expect((outcome(() => streamed(body, [100])) as Error).message.replace(/near ".*"/, "")).toBe(
      message.replace(/near ".*"/, ""),
    );
  });

  it(
    "never takes a damaged body for another answer",
    () => {
      const runs = Number(process.env.MUTATIONS ?? 15_000);
      let accepted = 0;
      let repeated = 0;
      fc.assert(
        fc.property(fc.constantFrom(...BODIES), edits, pieces, (body, changes, lengths) => {
          const damaged = changes.reduce(damage, body);
          const expected = outcome(() => decode(damaged));
          const actual = outcome(() => streamed(damaged, lengths));
          if (expected instanceof Error) {
            if (!(actual instanceof DecodeError)) throw new Error(`accepted ${damaged.toString()}`);
          } else if (actual instanceof DecodeError) {
            // what no server writes: a key that comes again, whose second value would have won
            repeated++;
            expect(actual.code).toBe("shape");
            const once = Buffer.from(JSON.stringify(JSON.parse(damaged.toString())));
            expect(once.length).toBeLessThan(damaged.length);
            expect(isDeepStrictEqual(streamed(once, lengths), expected)).toBe(true);
          } else {
            accepted++;
            if (!isDeepStrictEqual(actual, expected)) throw new Error(`misread ${damaged.toString()}: ${actual}`);
          }
        }),
        { seed: SEED, numRuns: runs },
      );
      // Most damage makes a body that is none; without enough that does not, nothing was compared.
      expect(accepted).toBeGreaterThan(runs / 15);
      expect(repeated).toBeLessThan(accepted / 100);
    },
    TIMEOUT_MS,
  );
});

describe("readDecimal", () => {
  it(
    "gives the bits that Number gives, over a million decimals",
    () => {
      fc.assert(
        fc.property(fc.integer(), (seed) => {
          const random = mulberry32(seed);
          const texts = Array.from({ length: 10_000 }, (_, i) =>
            (DECIMALS[i % DECIMALS.length] as DecimalKind)(random),
          );
          const cursor = { bytes: Buffer.from(`${texts.join(",")},`), at: 0 };
          for (const text of texts) {
            const end = cursor.at + text.length;
            const value = readDecimal(cursor);
            if (!Object.is(value, Number(text)) || cursor.at !== end) throw new Error(`${text} was read as ${value}`);
            cursor.at++;
          }
        }),
        { seed: SEED, numRuns: Number(process.env.DECIMAL_RUNS ?? 110) },
      );
    },
    TIMEOUT_MS,
  );
});

/** Decodes a body that comes in pieces of these lengths, by turns. */
function streamed(body: Uint8Array, lengths: readonly number[]): DecodedAnswer {
  const stream = new AnswerStream({ backend: "prometheus", query: "up" });
  for (let at = 0, i = 0; at < body.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    stream.push(body.subarray(at, at + length));
    at += length;
  }
  return stream.end();
}

// answers

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom("__proto__", "constructor", "__name__", "job", "a\u0000b", "\ud800", "🚀"),
);
const value = fc.oneof(
  fc.double().map(prometheusText),
  fc.integer().map(String),
  fc.constantFrom("Inf", "1e+06", "-0"),
);
const seconds = fc.oneof(
  fc.integer({ min: 0, max: 4e12 }).map((ms) => ms / 1000),
  fc.double({ min: -1e15, max: 1e15, noNaN: true }),
);
const metric = fc.oneof(
  fc.dictionary(fc.constantFrom("job", "instance", "le"), fc.constantFrom("a", "b", "ab")),
  fc.array(fc.tuple(text, text), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs)),
);
const histogram = fc.record(
  { count: value, sum: value, buckets: fc.array(fc.tuple(fc.nat(3), value, value, value), { maxLength: 3 }) },
  { requiredKeys: ["count", "sum"] },
);
const inOrder = <T>(second: fc.Arbitrary<T>, maxLength = 8) =>
  fc.array(fc.tuple(seconds, second), { maxLength }).map((pairs) => pairs.sort((a, b) => a[0] - b[0]));
const data = fc.oneof(
  fc.record({
    resultType: fc.constant("vector"),
    result: fc.array(
      fc.oneof(
        fc.record({ metric, value: fc.tuple(seconds, value) }),
        fc.record({ metric, histogram: fc.tuple(seconds, histogram) }),
      ),
      { maxLength: 6 },
    ),
  }),
  fc.record({
    resultType: fc.constant("matrix"),
    result: fc.array(
      fc.oneof(
        fc.record({ metric, values: inOrder(value) }),
        fc.record({ metric, values: inOrder(value), histograms: inOrder(histogram) }),
      ),
      { maxLength: 6 },
    ),
  }),
  fc.record({ resultType: fc.constant("scalar"), result: fc.tuple(seconds, value) }),
  fc.record({ resultType: fc.constant("string"), result: fc.tuple(seconds, text) }),
);
const remarks = { warnings: fc.array(text, { maxLength: 2 }), infos: fc.array(text, { maxLength: 2 }) };
const pieces = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 });
/** Answers to range queries, some long enough to be read on the way. */
const matrices = fc.record(
  {
    status: fc.constant("success"),
    data: fc.record({
      resultType: fc.constant("matrix"),
      result: fc.array(
        fc.oneof(
          fc.record({ metric, values: inOrder(value, 60) }),
          fc.record({ metric, histograms: inOrder(histogram, 20) }),
          fc.record({ metric, values: inOrder(value), histograms: inOrder(histogram) }),
        ),
        { maxLength: 8 },
      ),
    }),
    ...remarks,
    isPartial: fc.boolean(),
  },
  { requiredKeys: ["status", "data"] },
);
const answers = fc.oneof(
  fc.record(
    { status: fc.constant("success"), data, ...remarks, isPartial: fc.boolean() },
    { requiredKeys: ["status", "data"] },
  ),
  fc.record(
    {
      status: fc.constant("error"),
      errorType: fc.oneof(text, fc.nat()),
      error: text,
      data: fc.jsonValue(),
      ...remarks,
    },
    { requiredKeys: ["status", "errorType", "error"] },
  ),
);

/** As Go's strconv writes a float with the fewest digits. */
function prometheusText(number: number): string {
  if (!Number.isFinite(number)) return Number.isNaN(number) ? "NaN" : number > 0 ? "+Inf" : "-Inf";
  return Object.is(number, -0) ? "-0" : String(number);
}

/** JSON text with random white space, key order, escapes, unknown keys and repeated keys. */
function write(json: unknown, next: () => number, twins = true): string {
  const space = () => (next() % 4 === 0 ? [" ", "\n", "\t", "\r ", "  "][next() % 5] : "");
  const quoted = (string: string) => {
    if (next() % 3 > 0) return JSON.stringify(string);
    const unit = (char: string) => (next() % 2 ? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}` : undefined);
    return `"${Array.from(string, (char) => (char.length === 1 && unit(char)) || JSON.stringify(char).slice(1, -1)).join("")}"`;
  };
  const written = (value: unknown): string => {
    if (typeof value === "string") return quoted(value);
    if (typeof value !== "object" || value === null) return JSON.stringify(value);
    if (Array.isArray(value)) return `[${space()}${value.map(written).join(`${space()},${space()}`)}${space()}]`;
    const entries = Object.entries(value);
    if (twins && next() % 4 === 0) entries.reverse();
    const fields = entries.map(([key, field]) => `${quoted(key)}${space()}:${space()}${written(field)}`);
    // an earlier twin of some other shape, which the last one replaces
    const twin = entries[next() % 16];
    if (twins && twin !== undefined)
      fields.unshift(`${quoted(twin[0])}:${["7", "{}", '"x"', "[[]]", "null"][next() % 5]}`);
    return `{${space()}${fields.join(`${space()},${space()}`)}${space()}}`;
  };
  return `${space()}${written(json)}${space()}`;
}

// damage

const BODIES: readonly Buffer[] = [
  `{"status":"success","data":{"resultType":"matrix","result":[${["0.25", "-1.0416666666666667", "0"]
    .map((value) => `{"metric":{},"values":[${[1, 2, 3, 4].map((i) => `[1435781451.${i},"${value}${i}"]`).join(",")}]}`)
    .join(",")}]}}`,
  '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"é"},"values":[[1435781451.781,"1"],[1435781466.781,"0.016666666666666666"]]},{"metric":{},"values":[[1,"NaN"],[2.5,"-Inf"]],"histograms":[[3,{"count":"1","sum":"2","buckets":[[0,"0.5","1","4"]]}]]}]},"infos":["i"]}',
  '{"status":"success","isPartial":false,"data":{"resultType":"vector","result":[{"metric":{"__name__":"up","b":"\\ud83d\\ude80"},"value":[1435781451.781,"1e+06"]},{"metric":{"c":"d"},"histogram":[12,{"count":"3","sum":"-4.5"}]}]},"warnings":[]}',
  '{"status":"success","data":{"resultType":"scalar","result":[1435781451.7,"123456789.125"]}}',
  '{ "data" : { "result" : [ 1e3 , "x\\n" ] , "resultType" : "string" } , "status" : "success" , "x" : [ -0.5e-1 , { "y" : true } , null , false ] }',
  '{"status":"error","errorType":"bad_data","error":"no \\"such\\" thing","data":{"a":[1]}}',
  '{"status":"error","errorType":422,"error":"too many points","warnings":["w"]}',
].map((body) => Buffer.from(body));

const bytes = fc.oneof(fc.constantFrom(...Buffer.from('{}[]",:\\+-.eE0159 \nnutf')), fc.nat(255));

const edits = fc.array(fc.tuple(fc.nat(0xffff), fc.constantFrom("delete", "flip", "insert", "replace"), bytes), {
  minLength: 1,
  maxLength: 3,
});

function damage(body: Buffer, [place, kind, byte]: [number, "delete" | "flip" | "insert" | "replace", number]): Buffer {
  const at = place % (body.length + 1);
  const before = body.subarray(0, at);
  switch (kind) {
    case "delete":
      return Buffer.concat([before, body.subarray(at + 1 + (byte % 4 === 0 ? byte : 0))]);
    case "flip":
      return Buffer.concat([before, Buffer.from([(body[at] ?? 0) ^ (1 << (byte % 8))]), body.subarray(at + 1)]);
    case "insert":
      return Buffer.concat([before, Buffer.from([byte]), body.subarray(at)]);
    case "replace":
      return Buffer.concat([before, Buffer.from([byte]), body.subarray(at + 1)]);
  }
}

function outcome(run: () => DecodedAnswer): DecodedAnswer | Error {
  try {
    return run();
  } catch (error) {
    return error as Error;
  }
}

// decimals

type DecimalKind = (random: () => number) => string;

const whole = (random: () => number, below: number) => Math.floor(random() * below);
const digits = (random: () => number, count: number) => Array.from({ length: count }, () => whole(random, 10)).join("");
const bits = new DataView(new ArrayBuffer(8));
function doubleOf(random: () => number, high: number): number {
  bits.setUint32(0, high);
  bits.setUint32(4, whole(random, 2 ** 32));
  const double = bits.getFloat64(0);
  return Number.isFinite(double) ? double : 1;
}

const DECIMALS: readonly DecimalKind[] = [
  // what rate() gives, and its shortest and longer forms
  (random) => String(whole(random, 1e6) / 60),
  (random) => String(random() * 10 ** (whole(random, 24) - 8)),
  (random) => (random() * 10 ** (whole(random, 40) - 20)).toExponential(16),
  // shortest forms of any double, then of subnormal ones
  (random) => String(doubleOf(random, whole(random, 2 ** 32))),
  (random) => String(doubleOf(random, whole(random, 2 ** 20))),
  (random) => String(whole(random, 1e9)),
  // any digits, point, sign and exponent
  (random) => {
    const sign = ["", "", "-", "+"][whole(random, 4)];
    const point = whole(random, 3) > 0 ? `.${digits(random, whole(random, 20))}` : "";
    const exponent = whole(random, 3) > 0 ? "" : `e${whole(random, 801) - 400}`;
    return `${sign}${"0".repeat(whole(random, 3))}${digits(random, 1 + whole(random, 20))}${point}${exponent}`;
  },
  // 15 to 18 digits near one
  (random) => `${whole(random, 10)}.${digits(random, 15 + whole(random, 3))}`,
  // halfway between two doubles: exactly, just below and just above
  (random) => {
    const middle = 2n ** 53n * 2n + 2n * BigInt(whole(random, 2 ** 53)) + 1n;
    return String((middle << BigInt(whole(random, 4))) + BigInt(whole(random, 3) - 1));
  },
  // the same below one: odd 54-bit integers over a power of two, cut after 16 to 20 digits
  (random) => {
    const power = 1n + BigInt(whole(random, 60));
    const middle = 2n ** 53n + 2n * BigInt(whole(random, 2 ** 52)) + 1n;
    const exact = String(middle * 5n ** power);
    const kept = 16 + whole(random, 5);
    return `${exact.slice(0, kept)}e${exact.length - Math.min(kept, exact.length) - Number(power)}`;
  },
];

type PlainSample = readonly [time: string, value: string];

const plainSample = ([time, value]: PlainSample): string => `[${time},"${value}"]`;

/** A thousand decimals, and instants that are those of other series, or some of them, or nearly so. */
function plainSeries(random: () => number): readonly PlainSample[] {
  const startMs = [1_435_781_451_781, 1_700_000_000_000, 999_999_000, 1_435_781_451_700][whole(random, 4)] as number;
  const missing = whole(random, 3) === 0 ? whole(random, 1_000) : -1;
  return Array.from({ length: 1_000 }, (_, i): PlainSample => {
    const kind = whole(random, 40) === 0 ? () => "NaN" : (DECIMALS[whole(random, DECIMALS.length)] as DecimalKind);
    return [String((startMs + 15_000 * (i + (i > missing ? 1 : 0))) / 1_000), kind(random)];
  });
}

function mulberry32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
