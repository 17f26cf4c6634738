import { type ContainerLine, unwrapContainer } from "./container.ts";
import { compileJsonFormat, type JsonFormat } from "./custom-json.ts";
import { type AccessLogEntry, type Unparsed, unparsed } from "./entry.ts";
import { istioTextParser } from "./istio-format.ts";
import { istioRecord, jsonRecord } from "./json-format.ts";
import { isOpenTelemetryRecord, readOpenTelemetry } from "./open-telemetry.ts";
import { compileFormat, type LineParser, withoutLineEnd } from "./text-format.ts";
import { isZtunnelRecord, parseZtunnel, ztunnelRecord } from "./ztunnel.ts";

/** What a line looks like by its first characters; whether it can be read is the parsers' to say. */
export type LogFormat = "cri" | "docker" | "json" | "open-telemetry" | "text" | "unknown" | "ztunnel";

/** Tells what kind of line this is. */
export function detectFormat(line: string): LogFormat {
  const text = line.startsWith(POD) ? line.slice(line.indexOf("] ") + 2 || line.length) : line;
  if (text.startsWith("[")) return "text";
  const wrapped = unwrapContainer(text);
  if (!text.startsWith("{")) {
    if (wrapped !== undefined) return "cri";
    return parseZtunnel(text).kind === "entry" ? "ztunnel" : "unknown";
  }
  if (wrapped !== undefined) return "docker";
  const record = jsonRecord(text);
  if (record === undefined) return "unknown";
  if (isOpenTelemetryRecord(record)) return "open-telemetry";
  return isZtunnelRecord(record) ? "ztunnel" : "json";
}

/** What `kubectl logs --prefix` writes first. */
const POD = "[pod/";

/** What a parser of any line is told beside Istio's own formats. */
export interface ParserOptions {
  /** The mesh's own formats, as in its configuration: `accessLogFormat` strings and `json_format` objects. */
  readonly formats?: readonly (JsonFormat | string)[] | undefined;
}

/**
 * A parser that tells each line's format by itself: Istio's text and JSON of any version, ztunnel's, those of
 * OpenTelemetry and of containers around them, and the custom ones it is given, which are tried first.
 *
 * @throws {QueryError} `code: "config"` when one of the formats is none
 * @example
 * accessLogParser()("hello")
 * // { kind: "unparsed", raw: "hello", reason: "it is of no known format" }
 */
export function accessLogParser({ formats = [] }: ParserOptions = {}): LineParser {
  const bare = bareParser(formats);
  return (line) => {
    const wrapped = unwrapContainer(line);
    if (wrapped === undefined) return bare(line);
    if (wrapped.partial) return unparsed(line, "it is the beginning of a line that goes on in the next");
    return readWrapped(wrapped, bare);
  };
}

function readWrapped({ text, writtenNs }: ContainerLine, bare: LineParser): AccessLogEntry | Unparsed {
  const entry = bare(text);
  return entry.kind === "unparsed" ? entry : entry.wrapped(writtenNs);
}

function bareParser(formats: readonly (JsonFormat | string)[]): LineParser {
  const custom = formats.map((format) =>
    typeof format === "string" ? compileFormat(format) : compileJsonFormat(format),
  );
  const istioText = istioTextParser();
  const known: LineParser = (line) => {
    const text = line.startsWith(POD) ? line.slice(line.indexOf("] ") + 2 || line.length) : line;
    switch (text.charCodeAt(0)) {
      case 91:
        return istioText(text);
      case 123:
        return readJson(withoutLineEnd(text), known);
      default: {
        const entry = parseZtunnel(text);
        return entry.kind === "entry" ? entry : unparsed(entry.raw, "it is of no known format");
      }
    }
  };
  if (custom.length === 0) return known;
  return (line) => {
    const readings = custom.map((parse) => parse(line)).filter((entry) => entry.kind === "entry");
    const best = readings.find(({ suspicious }) => suspicious === undefined) ?? readings[0];
    if (best !== undefined && best.suspicious === undefined) return best;
    const entry = known(line);
    return entry.kind === "entry" ? entry : (best ?? entry);
  };
}

function readJson(line: string, parse: LineParser): AccessLogEntry | Unparsed {
  const record = jsonRecord(line);
  if (record === undefined) return unparsed(line, "it is no JSON object");
  const entry = istioRecord(record, line);
  if (entry.kind === "entry") return entry;
  if (isZtunnelRecord(record)) return ztunnelRecord(record, line);
  return isOpenTelemetryRecord(record) ? readOpenTelemetry(record, line, parse) : entry;
}

/** How the lines of a stream fared. */
export interface LineCounts {
  readonly entries: number;
  readonly unparsed: number;
  /** Of the entries those that should not be believed. */
  readonly suspicious: number;
}

/** The entries of a stream of lines, and how many lines there were of each kind so far. */
export class ParsedLines implements Iterable<AccessLogEntry | Unparsed> {
  readonly #lines: Iterable<string>;
  readonly #parse: LineParser;
  #entries = 0;
  #unparsed = 0;
  #suspicious = 0;

  constructor(lines: Iterable<string>, parse: LineParser) {
    this.#lines = lines;
    this.#parse = parse;
  }

  /** How the lines read so far fared. */
  get counts(): LineCounts {
    return { entries: this.#entries, unparsed: this.#unparsed, suspicious: this.#suspicious };
  }

  /** Each entry, or line that is none, as soon as it was read. */
  *[Symbol.iterator](): Generator<AccessLogEntry | Unparsed> {
    const begun = new Map<string | undefined, string[]>();
    for (const line of this.#lines) {
      if (line.trim() === "") continue;
      const wrapped = unwrapContainer(line);
      if (wrapped?.partial === true) {
        const pieces = begun.get(wrapped.stream);
        if (pieces === undefined) begun.set(wrapped.stream, [wrapped.text]);
        else pieces.push(wrapped.text);
        continue;
      }
      const pieces = wrapped === undefined ? undefined : begun.get(wrapped.stream);
      if (wrapped === undefined || pieces === undefined) {
        yield this.#counted(this.#parse(line));
        continue;
      }
      begun.delete(wrapped.stream);
      const entry = this.#parse([...pieces, wrapped.text].join(""));
      yield this.#counted(entry.kind === "unparsed" ? entry : entry.wrapped(wrapped.writtenNs));
    }
    for (const pieces of begun.values()) yield this.#counted(unparsed(pieces.join(""), "its end is missing"));
  }

  #counted(entry: AccessLogEntry | Unparsed): AccessLogEntry | Unparsed {
    if (entry.kind === "unparsed") this.#unparsed++;
    else {
      this.#entries++;
      if (entry.suspicious !== undefined) this.#suspicious++;
    }
    return entry;
  }
}

/**
 * Reads lines one by one as they are asked for; blank ones are passed over, pieces of a line that a container's runtime
 * cut are joined. A line that cannot be read is given back as such and counted: it never ends the stream.
 */
export const parseLines = (lines: Iterable<string>, parse: LineParser = accessLogParser()): ParsedLines =>
  new ParsedLines(lines, parse);
