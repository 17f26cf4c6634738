import { FIELD } from "./fields.ts";
import type { Operator } from "./operator.ts";
import type { TextLayout } from "./text-layout.ts";
import { rfc3339Ms } from "./timestamp.ts";

/** One way to read a line. */
export interface Reading {
  /** By operator: where its value ends. */
  readonly ends: readonly number[];
  /** Why the line should not be believed, where it can be read in another way too. */
  readonly suspicious: string | undefined;
}

/**
 * Reads a line whose values may hold quotes, spaces or whatever else parts the fields; a text is why it cannot be read.
 *
 * The line is read from the left with each field as short as it can be, and from the right likewise. Whatever else can
 * be taken for the end of a field lies between these two; where they agree there is no other reading. Where they do
 * not, the likeliest blames one field: those before it are as read from the left, those after it as from the right.
 */
export function readAnyLine(line: string, layout: TextLayout): Reading | string {
  const { literals, operators } = layout;
  const begin = (literals[0] ?? "").length;
  const end = line.length - (literals[operators.length] ?? "").length;
  if (!line.startsWith(literals[0] ?? "") || !line.endsWith(literals[operators.length] ?? "") || end < begin) {
    return "it does not begin and end as the format does";
  }
  const wild = operators.flatMap(({ shape }, i) => (shape === "any" ? [i] : []));
  const lastField = operators.length - 1;
  const firstWild = wild[0] ?? lastField;
  const lastWild = wild.at(-1) ?? lastField;
  // A field that callers do not choose ends where the next literal begins; only between the others is there a choice.
  const left = fromLeft(line, layout, begin, lastWild);
  const right = fromRight(line, layout, end, firstWild);
  const blaming = (field: number): number[] =>
    operators.map((_, i) => (i === lastField ? end : ((i < field ? left : right)[i] ?? ABSENT)));

  if (left.every((at, i) => i < firstWild || (at === right[i] && at !== ABSENT))) {
    const ends = blaming(firstWild);
    return misfit(line, layout, ends) ?? { ends, suspicious: undefined };
  }
  let likeliest: { readonly field: number; readonly ends: readonly number[] } | undefined;
  for (const field of byLikelihood(wild, operators)) {
    const ends = blaming(field);
    if (misfit(line, layout, ends) !== undefined) continue;
    const clean = wild.every((i) => i === field || !textOf(line, layout, ends, i).includes('"'));
    if (clean || likeliest === undefined) likeliest = { field, ends };
    if (clean) break;
  }
  if (likeliest === undefined) return "its fields cannot be told apart";
  const name = operators[likeliest.field]?.text;
  return { ends: likeliest.ends, suspicious: `${name} holds what can be read as other fields` };
}

const ABSENT = -1;

/** The ends of the fields before `until`, each the first there is. */
function fromLeft(line: string, { literals, operators }: TextLayout, begin: number, until: number): number[] {
  const ends: number[] = [];
  let start = begin;
  for (let i = 0; i < until; i++) {
    const literal = literals[i + 1] ?? "";
    let end = start === ABSENT ? ABSENT : line.indexOf(literal, start);
    for (let skip = held(operators[i], literal); skip > 0 && end !== ABSENT; skip--) {
      end = line.indexOf(literal, end + 1);
    }
    if (operators[i]?.shape === "details" && end !== ABSENT && opens(line, start, end)) {
      const closed = line.indexOf(`}${literal}`, end);
      if (closed !== -1) end = closed + 1;
    }
    ends.push(end);
    start = end === ABSENT ? ABSENT : end + literal.length;
  }
  return ends;
}

/** The ends of the fields from `since` on, but for the last one's; each such that the field after it is the shortest. */
function fromRight(line: string, { literals, operators }: TextLayout, lastEnd: number, since: number): number[] {
  const ends = new Array<number>(operators.length - 1).fill(ABSENT);
  let end = lastEnd;
  for (let i = operators.length - 1; i > since; i--) {
    const literal = literals[i] ?? "";
    let from = end - literal.length;
    if (operators[i]?.shape === "details" && end > 0 && line.charAt(end - 1) === "}") from = line.lastIndexOf("{", end);
    let at = from < 0 ? ABSENT : line.lastIndexOf(literal, from);
    for (let skip = held(operators[i], literal); skip > 0 && at > 0; skip--) at = line.lastIndexOf(literal, at - 1);
    if (at === ABSENT) break;
    ends[i - 1] = at;
    end = at;
  }
  return ends;
}

/** How often a time in the operator's format holds the literal that follows or precedes it. */
function held(operator: Operator | undefined, literal: string): number {
  return operator?.timeFormat === undefined || literal === "" ? 0 : operator.timeFormat.split(literal).length - 1;
}

/** Whether a brace opened from `start` to `end` is still open. */
const opens = (line: string, start: number, end: number): boolean => {
  const brace = line.indexOf("{", start);
  return brace !== -1 && brace < end && line.charAt(end - 1) !== "}";
};

/** User agents and paths first: their characters are the callers' to choose, and nothing checks them on the way. */
function byLikelihood(wild: readonly number[], operators: readonly Operator[]): readonly number[] {
  const rank = (i: number): number => {
    const field = operators[i]?.field;
    return field === FIELD.userAgent ? 0 : field === FIELD.path ? 1 : 2;
  };
  return [...wild].sort((a, b) => rank(a) - rank(b) || a - b);
}

const textOf = (line: string, { literals }: TextLayout, ends: readonly number[], i: number): string =>
  line.slice((i === 0 ? 0 : (ends[i - 1] ?? 0)) + (literals[i] ?? "").length, ends[i]);

/** Which value is not what its operator writes; `undefined` when all are. */
function misfit(line: string, layout: TextLayout, ends: readonly number[]): string | undefined {
  let start = 0;
  for (const [i, operator] of layout.operators.entries()) {
    start += (layout.literals[i] ?? "").length;
    const end = ends[i] ?? ABSENT;
    if (end < start) return `there is no ${operator.text}`;
    if (operator.shape !== "any" && !fits(line.slice(start, end), operator)) {
      return `${JSON.stringify(line.slice(start, Math.min(end, start + 40)))} is no ${operator.text}`;
    }
    start = end;
  }
  return undefined;
}

function fits(value: string, { shape, field, time, timeFormat }: Operator): boolean {
  if (value === "-" || value === "") return true;
  switch (shape) {
    case "number":
      // A header, so that whoever answered may have written it.
      return field === FIELD.serviceTime ? /^[^\s"]+$/.test(value) : /^\d+$/.test(value);
    case "protocol":
      return /^HTTP\/[\d.]{1,3}$/.test(value);
    case "details":
      return /^[^\s"{]*(?:\{[^"]*\}[^\s"]*)?$/.test(value);
    case "time":
      if (timeFormat === undefined) return !Number.isNaN(rfc3339Ms(value));
      return time === undefined || time.read(value) !== undefined;
    case "token":
      return /^[^\s"]+$/.test(value);
    case "any":
      return true;
  }
}
