import { describe, expect, test } from "vitest";
import { DecodeError } from "../../src/errors.ts";
import { decodeLegacyTraces } from "../../src/traces/jaeger/legacy-spans.ts";
import { decodeOtlpTraces } from "../../src/traces/jaeger/otlp-spans.ts";
import type { Span } from "../../src/traces/span.ts";
import type { Trace } from "../../src/traces/trace.ts";
import { decodeZipkinTraces } from "../../src/traces/zipkin/spans.ts";
import { recorded } from "../traces/wire.ts";
import { type PlainTrace, plainLegacy, plainOtlp, plainZipkin, ShapeError } from "./traces-oracle.ts";

const SEED = 20261124;
const RUNS = 20_000;
const TIMEOUT_MS = 120_000;
const CONTEXT = { backend: "fuzzed", query: undefined, hint: "is it what it should be?" };

interface Dialect {
  readonly body: string;
  readonly decode: (body: Uint8Array) => readonly Trace[];
  readonly oracle: (document: unknown) => readonly PlainTrace[];
}

/** The recorded answers, with what the recorded servers do not write of themselves. */
const DIALECTS: Readonly<Record<string, Dialect>> = {
  "Jaeger's older API": {
    body: short(recorded("jaeger-legacy"))
      .replace('"warnings":null', '"warnings":["skewed"],"parentSpanID":"ab"')
      .replace('"errors":null', '"errors":[{"code":500,"msg":"down","traceID":"ab"}]'),
    decode: (body) => decodeLegacyTraces(body, CONTEXT).traces,
    oracle: plainLegacy,
  },
  "Jaeger's newer API": {
    body: short(recorded("jaeger-v3")).replace(
      '{"key":"b","value":{"boolValue":true}}',
      '{"key":"b","value":{"boolValue":true}},{"key":"@jaeger@warnings","value":{"arrayValue":{"values":[{"stringValue":"w"}]}}}',
    ),
    decode: (body) => decodeOtlpTraces(body, CONTEXT).traces,
    oracle: plainOtlp,
  },
  Zipkin: {
    body: short(recorded("zipkin")),
    decode: (body) => decodeZipkinTraces(body, CONTEXT),
    oracle: plainZipkin,
  },
};

describe.each(Object.entries(DIALECTS))("%s", (_, { body, decode, oracle }) => {
  test("is read as written", () => {
    compare(decode(Buffer.from(body)), oracle(JSON.parse(body)));
  });

  test("cut short anywhere is told from a whole answer", () => {
    for (let length = 0; length < body.length; length += 7) {
      expect(() => decode(Buffer.from(body.slice(0, length)))).toThrow(expect.objectContaining({ code: "truncated" }));
    }
  });

  test.each([
    ["bytes", (random: Random) => damaged(body, random)],
    ["values", (random: Random) => JSON.stringify(changed(JSON.parse(body), random))],
  ])("damaged in its %s gives a DecodeError or the right traces", { timeout: TIMEOUT_MS }, (_, damage) => {
    const random = mulberry32(SEED);
    const seen = { read: 0, misshapen: 0, notJson: 0 };
    for (let run = 0; run < RUNS; run++) {
      const text = damage(random);
      const expected = outcome(() => oracle(JSON.parse(text)));
      const actual = outcome(() => decode(Buffer.from(text)));
      if (!(expected instanceof Error)) {
        if (actual instanceof Error) throw new Error(`refused ${text}: ${actual.stack}`);
        compare(actual, expected, text);
        seen.read++;
      } else {
        if (!(actual instanceof DecodeError)) throw new Error(`took ${text}: ${actual}`);
        if (!(expected instanceof ShapeError || expected instanceof SyntaxError)) throw expected;
        if (expected instanceof ShapeError) seen.misshapen++;
        else seen.notJson++;
        expect(actual.code === "shape", `${actual.message} of ${text}`).toBe(expected instanceof ShapeError);
      }
    }
    // no part of the claim is empty
    expect(seen.read).toBeGreaterThan(RUNS / 20);
    expect(seen.misshapen).toBeGreaterThan(RUNS / 20);
  });
});

/** The first spans of each trace are enough, and quicker to read twenty thousand times. */
function short(text: string): string {
  return JSON.stringify(JSON.parse(text), (key, value) =>
    Array.isArray(value) && key === "spans"
      ? [...value].sort((a, b) => JSON.stringify(b).length - JSON.stringify(a).length).slice(0, 2)
      : value,
  );
}

function outcome<T>(run: () => T): T | Error {
  try {
    return run();
  } catch (error) {
    return error as Error;
  }
}

// comparing

const plainSpan = (span: Span): Readonly<Record<string, unknown>> => ({
  traceId: span.traceId,
  id: span.id,
  parentId: span.parentId,
  shared: span.shared,
  kind: span.kind,
  service: span.service,
  operation: span.operation,
  startMs: span.startMs,
  durationMs: span.durationMs,
  error: span.error,
  links: span.links,
  warnings: span.warnings.length,
  tags: span.tags,
  processTags: span.processTags,
  events: span.events,
});

const order = (span: Readonly<Record<string, unknown>>): string =>
  [span.id, span.shared, span.kind, span.service, span.operation, span.durationMs, span.parentId].join();
const byOrder = (a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): number =>
  order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : 0;

function compare(traces: readonly Trace[], expected: readonly PlainTrace[], text = ""): void {
  if (traces.length !== expected.length) throw new Error(`${traces.length} traces, not ${expected.length}: ${text}`);
  for (const [i, trace] of traces.entries()) {
    const wanted = expected[i] as PlainTrace;
    const spans = trace.spans.map(plainSpan);
    const different = firstDifference(
      [trace.id, [...spans].sort(byOrder)],
      [wanted.id, [...wanted.spans].sort(byOrder)],
      "trace",
    );
    if (different !== undefined) throw new Error(`${different} in ${text}`);
    for (const span of trace.spans) {
      for (const [name, value] of Object.entries(span.tags)) {
        const other = firstDifference(span.tag(name), value, name);
        if (other !== undefined) throw new Error(`one by one ${other} in ${text}`);
      }
    }
  }
}

/** Times may differ by what doubles lose; nothing else may. */
function firstDifference(actual: unknown, expected: unknown, at: string): string | undefined {
  if (typeof actual === "number" && typeof expected === "number" && /Ms$/.test(at)) {
    if (Math.abs(actual - expected) <= 1e-9 + Math.abs(expected) * 2 ** -51) return undefined;
  }
  if (Object.is(actual, expected)) return undefined;
  if (typeof actual === "object" && typeof expected === "object" && actual !== null && expected !== null) {
    const names = new Set([...Object.keys(actual), ...Object.keys(expected)]);
    for (const name of names) {
      const [a, b] = [actual, expected].map((one) =>
        Object.hasOwn(one, name) ? (one as Readonly<Record<string, unknown>>)[name] : undefined,
      );
      const different = firstDifference(a, b, `${at}.${name}`);
      if (different !== undefined) return different;
    }
    return undefined;
  }
  return `${at} is ${String(actual)}, not ${String(expected)}`;
}

// damaging

type Random = (below: number) => number;

const BYTES = '{}[]",:\\+-.eE0159 nutf';

function damaged(body: string, random: Random): string {
  let text = body;
  for (let edits = 1 + random(2); edits > 0; edits--) {
    const at = random(text.length);
    const byte = random(2) === 0 ? BYTES.charAt(random(BYTES.length)) : String.fromCharCode(32 + random(95));
    const skip = [0, 1, 1, random(30)][random(4)] ?? 0;
    text = text.slice(0, at) + (random(3) === 0 ? "" : byte) + text.slice(at + skip);
  }
  return text;
}

const ODD: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  1.5,
  1e300,
  2 ** 64,
  "",
  "0",
  "-7",
  "true",
  "ab",
  "0ab",
  "x",
  "1795491886093000123",
  "é\u0000",
  "9007199254740993",
  "AAH/",
  "server",
  "CLIENT",
  "CHILD_OF",
  "ERROR",
  "Infinity",
  [],
  {},
  [null],
  [{}],
  { values: [{}] },
  { key: "error", type: "bool", value: true },
  { key: "error", value: { stringValue: "late" } },
  { stringValue: "s" },
  { intValue: 7 },
];

/** Replaces, removes, doubles or renames some values of the document. */
function changed(document: unknown, random: Random): unknown {
  for (let edits = 1 + random(3); edits > 0; edits--) {
    const holders: (Record<string, unknown> | unknown[])[] = [];
    const collect = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      if (Object.keys(value).length > 0) holders.push(value as Record<string, unknown>);
      for (const inner of Object.values(value)) collect(inner);
    };
    collect(document);
    if (holders.length === 0) return document;
    const holder = holders[random(holders.length)] as Record<string, unknown>;
    const names = Object.keys(holder);
    const name = names[random(names.length)] as string;
    const odd = structuredClone(ODD[random(ODD.length)]);
    switch (random(6)) {
      case 0:
        if (Array.isArray(holder)) holder.splice(Number(name), 1);
        else delete holder[name];
        break;
      case 1:
        if (!Array.isArray(holder))
          own(holder, ["__proto__", "constructor", "error", "tags"][random(4)] as string, odd);
        else holder.push(odd);
        break;
      default:
        holder[name] = odd;
    }
  }
  return document;
}

/** An own property, of whatever name. */
function own(holder: object, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, writable: true, enumerable: true, configurable: true });
}

function mulberry32(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
