import { QueryError, unreachable } from "../errors.ts";
import { quote } from "../promql/index.ts";
import { shown } from "../time.ts";
import { type Format, formatted } from "./value-format.ts";

/** A label of the alert's own series, by its name: see {@link labelOf}. */
export interface LabelPart<N extends string = string> {
  readonly kind: "label";
  readonly name: N;
}

/** The value of the alert's series, as it shall be shown: see {@link value}. */
export interface ValuePart {
  readonly kind: "value";
  readonly format: Format;
}

/** Part of a template; `action` is one that was imported and is kept as it stands. */
export type TemplatePart =
  | LabelPart
  | ValuePart
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly text: string };

/** A text in which labels and the value of an alert are filled in; its parts are data, so that no text becomes syntax. */
export interface Template<N extends string = string> {
  readonly parts: readonly TemplatePart[];
  /** The labels it names. */
  readonly names: readonly N[];
}

/** The label that a part of a text names. */
export type NameOf<P> = P extends LabelPart<infer N> ? N : never;

/**
 * The value of a label, in a {@link text}. It is empty where the alert's series has no such label.
 *
 * @example
 * text`${labelOf("source_workload")} is failing` // {{ $labels.source_workload }} is failing
 */
export const labelOf = <N extends string>(name: N): LabelPart<N> => {
  if (typeof name === "string" && name !== "") return Object.freeze({ kind: "label", name });
  throw new QueryError("label", `labelOf: ${shown(name)} is no label name; write labelOf("destination_workload")`);
};

/** The value of the alert's series, in a {@link text}: all its digits. */
export const value: ValuePart = Object.freeze({ kind: "value", format: "plain" });

/**
 * The value of the alert's series in another form: `"humanize"` (1.5k), `"humanize1024"` (1.5ki), `"percentage"`
 * (99.5% of 0.995), `"duration"` (1m 30s of 90 seconds), or `{ digits: 2 }` behind the point.
 *
 * @throws {QueryError} `code: "template"` for another form
 */
export function valueAs(format: Format): ValuePart {
  formatted(0, format);
  return Object.freeze({ kind: "value", format });
}

/**
 * A text for an annotation or a label of an alert. What stands around the parts is literal, whatever it holds.
 *
 * @example
 * text`${labelOf("destination_workload")} answers ${valueAs("percentage")} of its requests`
 * // {{ $labels.destination_workload }} answers {{ $value | humanizePercentage }} of its requests
 */
export function text<const P extends readonly (LabelPart | ValuePart | number | string)[]>(
  strings: TemplateStringsArray,
  ...parts: P
): Template<NameOf<P[number]>> {
  const all = strings.flatMap((literal, i): TemplatePart[] => {
    const part = parts[i];
    const before: TemplatePart = { kind: "text", text: literal };
    if (part === undefined) return [before];
    return [before, typeof part === "object" ? part : { kind: "text", text: String(part) }];
  });
  return templateOf<NameOf<P[number]>>(all);
}

/** A template of these parts; texts that meet become one. */
export function templateOf<N extends string = string>(parts: readonly TemplatePart[]): Template<N> {
  const joined: TemplatePart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.kind === "text" && part.text === "") continue;
    if (part.kind === "text" && last?.kind === "text") {
      joined[joined.length - 1] = { kind: "text", text: last.text + part.text };
    } else joined.push(part);
  }
  const names = joined.flatMap((part) => (part.kind === "label" ? [part.name as N] : []));
  return Object.freeze({ parts: Object.freeze(joined), names: Object.freeze([...new Set(names)]) });
}

/** A literal text as a template, or the template itself. */
export function asTemplate<N extends string>(given: Template<N> | string, what: string): Template<N> {
  if (typeof given === "string") return templateOf<N>([{ kind: "text", text: given }]);
  if (typeof given === "object" && given !== null && Array.isArray(given.parts)) return given;
  throw new QueryError(
    "template",
    `${what}: ${shown(given)} is neither text nor a template; write text\`… \${value}\``,
  );
}

/** Who shall read a template: Prometheus and Loki, or Grafana, where the value has a place of its own. */
export type Reader = "grafana" | "prometheus";

/** The template in the language of Go's templates, as rule files have it. */
export function printTemplate({ parts }: Template, reader: Reader = "prometheus"): string {
  const value = reader === "grafana" ? "$values.A.Value" : "$value";
  return parts.map((part, i) => printPart(part, value, i < parts.length - 1)).join("");
}

function printPart(part: TemplatePart, value: string, isFollowed: boolean): string {
  switch (part.kind) {
    case "text": {
      // A brace that meets the braces of an action would become part of them.
      const braces = isFollowed ? /\{{2,}|\{$/g : /\{{2,}/g;
      return part.text.replace(braces, (found) => `{{ ${quote(found)} }}`);
    }
    case "label":
      return PLAIN.test(part.name) ? `{{ $labels.${part.name} }}` : `{{ index $labels ${quote(part.name)} }}`;
    case "value":
      return `{{ ${printFormat(part.format, value)} }}`;
    case "action":
      return `{{${part.text.replaceAll(/\$value\b/g, () => value)}}}`;
    default:
      return unreachable(part);
  }
}

const PLAIN = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

function printFormat(format: Format, value: string): string {
  if (typeof format === "object") return `printf "%.${format.digits}f" ${value}`;
  return format === "plain" ? value : `${value} | ${FUNCTIONS[format]}`;
}

const FUNCTIONS = {
  humanize: "humanize",
  humanize1024: "humanize1024",
  percentage: "humanizePercentage",
  duration: "humanizeDuration",
} as const;

/**
 * Reads a template of Go's language. Actions that are not labels or the value are kept as they stand.
 *
 * @throws {QueryError} `code: "template"` for an action that does not end
 */
export function parseTemplate(source: string): Template {
  const parts: TemplatePart[] = [];
  const blocks: boolean[] = [];
  let at = 0;
  for (;;) {
    const start = source.indexOf("{{", at);
    if (start < 0) break;
    const end = endOfAction(source, start + 2);
    const inner = source.slice(start + 2, end);
    enter(blocks, inner);
    parts.push({ kind: "text", text: source.slice(at, start) }, readAction(inner, !blocks.includes(true)));
    at = end + 2;
  }
  parts.push({ kind: "text", text: source.slice(at) });
  return templateOf(parts);
}

/** Follows the blocks of a template: whether each gives the dot another meaning, so that `.Value` is not the alert's. */
function enter(blocks: boolean[], inner: string): void {
  const [, word, other] = /^(?:-\s)?\s*(if|range|with|block|define|else|end)\b\s*(with)?/.exec(inner) ?? [];
  if (word === undefined) return;
  if (word === "end") blocks.pop();
  else if (word !== "else") blocks.push(word !== "if");
  else if (other !== undefined) blocks.splice(-1, 1, true);
}

function endOfAction(source: string, from: number): number {
  const [comment] = /^(?:-\s)?\/\*.*?\*\//s.exec(source.slice(from)) ?? [""];
  for (let i = from + comment.length; i < source.length; i++) {
    const c = source.charAt(i);
    if (source.startsWith("}}", i)) return i;
    if (c !== '"' && c !== "`" && c !== "'") continue;
    for (i++; i < source.length && source.charAt(i) !== c; i++) if (c !== "`" && source.charAt(i) === "\\") i++;
  }
  throw new QueryError("template", `the action that begins at ${shown(source.slice(from - 2))} does not end; write }}`);
}

/** @param isAlert whether the dot is the alert */
function readAction(inner: string, isAlert: boolean): TemplatePart {
  const action = inner.trim().replace(/\s+/g, " ");
  const kept: TemplatePart = { kind: "action", text: inner };
  // A mark that trims white space touches the texts around it.
  if (/^-\s|\s-$/.test(inner) || (!isAlert && /(?:^|\s)\.(?:Labels|Value)\b/.test(action))) return kept;
  const [, name] = /^(?:\$labels|\.Labels)\.([a-zA-Z_][a-zA-Z0-9_]*)$/.exec(action) ?? [];
  if (name !== undefined) return { kind: "label", name };
  const [, quoted] = /^index (?:\$labels|\.Labels) ("(?:[^"\\]|\\.)*")$/.exec(action) ?? [];
  if (quoted !== undefined) return named(unquoted(quoted), kept);
  if (/^"(?:[^"\\]|\\.)*"$/.test(action)) {
    const literal = unquoted(action);
    return literal === undefined ? kept : { kind: "text", text: literal };
  }
  const format = readFormat(action.replaceAll(/\$value\b|\.Value\b/g, "$value"));
  return format === undefined ? kept : { kind: "value", format };
}

const named = (name: string | undefined, kept: TemplatePart): TemplatePart =>
  name === undefined || name === "" ? kept : { kind: "label", name };

function readFormat(action: string): Format | undefined {
  if (action === "$value") return "plain";
  const [, piped, called] = /^(?:\$value ?\| ?(\w+)|(\w+) \$value)$/.exec(action) ?? [];
  const func = piped ?? called;
  for (const format of ["humanize", "humanize1024", "percentage", "duration"] as const) {
    if (FUNCTIONS[format] === func) return format;
  }
  const [, before, behind] = /^(?:printf "%\.(\d)f" \$value|\$value ?\| ?printf "%\.(\d)f")$/.exec(action) ?? [];
  const digits = before ?? behind;
  return digits === undefined ? undefined : { digits: Number(digits) };
}

/** The text of a Go string literal whose escapes JSON has too. */
function unquoted(literal: string): string | undefined {
  try {
    const read: unknown = JSON.parse(literal.replace(/\\x([0-9a-fA-F]{2})/g, "\\u00$1"));
    return typeof read === "string" ? read : undefined;
  } catch {
    return undefined;
  }
}

/** What the template is filled in with. */
export interface Filling {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Whether everything in the template can be filled in here. */
export const isFillable = ({ parts }: Template): boolean => parts.every(({ kind }) => kind !== "action");

/** The template filled in as Prometheus does; an imported action that this library does not know stays as it stands. */
export function fill({ parts }: Template, { labels, value }: Filling): string {
  return parts
    .map((part) => {
      switch (part.kind) {
        case "text":
          return part.text;
        case "label":
          return Object.hasOwn(labels, part.name) ? labels[part.name] : "";
        case "value":
          return formatted(value, part.format);
        case "action":
          return `{{${part.text}}}`;
        default:
          return unreachable(part);
      }
    })
    .join("");
}
