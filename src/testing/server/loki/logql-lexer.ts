import { unescaped } from "../../../promql/literals.ts";
import { goDuration } from "../go-text.ts";

/** A mistake in a text of LogQL, at a place that counts from 1 where it is at one. */
export class LogqlFault extends Error {
  constructor(text: string, at: number | undefined, reason: string) {
    const before = text.slice(0, at).split("\n");
    const place = at === undefined ? "" : `at line ${before.length}, col ${(before.at(-1) ?? "").length + 1}`;
    super(`parse error ${place}: ${reason}`);
  }
}

/** A word, a literal or a sign of LogQL, and where it stands. */
export type LogqlToken =
  | { readonly kind: "duration"; readonly ns: bigint; readonly at: number; readonly text: string }
  | { readonly kind: "end"; readonly at: number; readonly text: "" }
  | { readonly kind: "name"; readonly at: number; readonly text: string }
  | { readonly kind: "number"; readonly value: number; readonly at: number; readonly text: string }
  | { readonly kind: "sign"; readonly at: number; readonly text: string }
  | { readonly kind: "string"; readonly value: string; readonly at: number; readonly text: string };

const TOKEN = new RegExp(
  [
    /(?<space>\s+|#[^\n]*)/,
    /(?<string>"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`)/,
    /(?<duration>(?:\d+(?:\.\d+)?(?:ns|us|\u00b5s|ms|s|m|h|d|w|y))+(?![\w.]))/,
    /(?<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))/,
    /(?<name>[a-zA-Z_][a-zA-Z0-9_]*)/,
    /(?<sign>\|=|\|~|!=|!~|=~|==|>=|<=|[{}()[\],|=<>])/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "y",
);

/**
 * The tokens of a text, an end last.
 *
 * @throws {LogqlFault}
 */
export function logqlTokens(text: string): readonly LogqlToken[] {
  const tokens: LogqlToken[] = [];
  const pattern = new RegExp(TOKEN);
  let at = 0;
  while (at < text.length) {
    pattern.lastIndex = at;
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) throw new LogqlFault(text, at, `syntax error: unexpected ${shownStart(text, at)}`);
    const token = tokenOf(text, at, groups);
    if (token !== undefined) tokens.push(token);
    at = pattern.lastIndex;
  }
  return [...tokens, { kind: "end", at, text: "" }];
}

function tokenOf(source: string, at: number, groups: Readonly<Record<string, string | undefined>>) {
  const { string, duration, number, name, sign } = groups;
  if (string !== undefined) return { kind: "string", value: textOf(source, at, string), at, text: string } as const;
  if (duration !== undefined) return { kind: "duration", ns: nanoseconds(duration), at, text: duration } as const;
  if (number !== undefined) return { kind: "number", value: Number(number), at, text: number } as const;
  if (name !== undefined) return { kind: "name", at, text: name } as const;
  return sign === undefined ? undefined : ({ kind: "sign", at, text: sign } as const);
}

function textOf(source: string, at: number, literal: string): string {
  const body = literal.slice(1, -1);
  if (literal.startsWith("`")) return body;
  const value = unescaped(body, '"');
  if (typeof value !== "string") throw new LogqlFault(source, at, "invalid char literal");
  return value;
}

const DAY_NS = 86_400_000_000_000n;
const LONGER: Readonly<Record<string, bigint>> = { d: DAY_NS, w: 7n * DAY_NS, y: 365n * DAY_NS };

/** To the nanosecond, which a float does not keep of a long duration. */
function nanoseconds(text: string): bigint {
  let ns = 0n;
  for (const [, whole = "0", fraction, unit = ""] of text.matchAll(/(\d+)(?:\.(\d+))?([a-z\u00b5]+)/g)) {
    const factor = LONGER[unit] ?? BigInt(goDuration(`1${unit}`) ?? 0);
    ns += BigInt(whole) * factor;
    if (fraction !== undefined) ns += BigInt(Math.round(Number(`0.${fraction}`) * Number(factor)));
  }
  return ns;
}

const shownStart = (text: string, at: number): string => JSON.stringify(text.slice(at, at + 10));
