/** The fields of a line by the labels that Loki makes of them, or why there are none. */
export type Fields =
  | { readonly labels: Readonly<Record<string, string>>; readonly error?: undefined }
  | { readonly labels?: undefined; readonly error: "JSONParserErr" | "LogfmtParserErr" };

/**
 * `| json`: names within names are joined by `_`, lists are left out.
 *
 * @see Loki, `pkg/logql/log/parser.go`
 */
export function jsonFields(line: string): Fields {
  let document: unknown;
  try {
    JSON.parse(line);
    document = JSON.parse(line.replace(NUMBERS, (token) => (token.startsWith('"') ? token : `"${token}"`)));
  } catch {
    return { error: "JSONParserErr" };
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) return { error: "JSONParserErr" };
  const labels: Record<string, string> = {};
  const collect = (object: object, prefix: string): void => {
    for (const [name, value] of Object.entries(object)) {
      const label = prefix === "" ? labelOf(name) : `${prefix}_${labelOf(name, false)}`;
      if (typeof value === "object" && value !== null && !Array.isArray(value)) collect(value, label);
      else if (typeof value === "string" || typeof value === "boolean") put(labels, label, String(value));
    }
  };
  collect(document, "");
  return { labels };
}

/** Texts, which stay, and numbers, whose digits a label keeps as they were written. */
const NUMBERS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** `| logfmt`: `name=value` and `name="value"`, with blanks between them. */
export function logfmtFields(line: string): Fields {
  const labels: Record<string, string> = {};
  for (const [, name = "", quoted, plain = ""] of line.matchAll(/([^\s="]+)(?:=(?:("(?:[^"\\]|\\.)*")|(\S*)))?/g)) {
    const value = quoted === undefined ? plain : unquoted(quoted);
    if (value === undefined || value.includes('"')) return { error: "LogfmtParserErr" };
    put(labels, labelOf(name), value);
  }
  return { labels };
}

function unquoted(text: string): string | undefined {
  try {
    return String(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** What is no letter and no digit becomes `_`, and a name does not begin with a digit. */
function labelOf(name: string, first = true): string {
  const label = name.trim().replace(/[^a-zA-Z0-9_]/gu, "_");
  return first && /^\d/.test(label) ? `_${label}` : label;
}

/** The first of two of one name stays, and a label without a value is none. */
function put(labels: Record<string, string>, name: string, value: string): void {
  if (value === "" || name === "" || Object.hasOwn(labels, name)) return;
  Object.defineProperty(labels, name, { value, enumerable: true, configurable: true, writable: true });
}
