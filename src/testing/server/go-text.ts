/** What Go's `strconv.ParseFloat` makes of a decimal text; `undefined` where it is none. */
export function goFloat(text: string): number | undefined {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  const [, sign = "", word] = /^([+-]?)(inf|infinity|nan)$/i.exec(text) ?? [];
  if (word === undefined || (sign !== "" && word.toLowerCase() === "nan")) return undefined;
  if (word.toLowerCase() === "nan") return Number.NaN;
  return sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** What Go's `strconv.Atoi` makes of a text; its error where it is no whole number. */
export function goInteger(text: string): number | string {
  if (!/^[+-]?\d+$/.test(text)) return `strconv.Atoi: parsing ${goQuoted(text)}: invalid syntax`;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : `strconv.Atoi: parsing ${goQuoted(text)}: value out of range`;
}

/** Go's `%q`. */
export const goQuoted = (text: string): string => JSON.stringify(text);

/** JSON as Go's own encoder writes it, safe within HTML. */
export const goJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** A float as Go's JSON writes it as a text: with an exponent below 1e-6 and from 1e21 on. */
export function goNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  if (Object.is(value, -0)) return "-0";
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}

const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  "\u00b5s": 1e3,
  "\u03bcs": 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Nanoseconds of a duration in Go's form, such as `"1.5ms"`; `undefined` where it is none. */
export function goDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  const [, sign = "", parts] = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$/.exec(text) ?? [];
  if (parts === undefined) return undefined;
  let ns = 0;
  for (const [, amount, unit = ""] of parts.matchAll(/([\d.]+)([a-z\u00b5\u03bc]+)/g)) {
    ns += Number(amount) * (NANOSECONDS[unit] ?? Number.NaN);
  }
  return sign === "-" ? -Math.round(ns) : Math.round(ns);
}

/** What Go has against a text that is no duration. */
export const goDurationProblem = (text: string): string =>
  `time: ${/^[+-]?[\d.]+$/.test(text) ? "missing unit in" : "invalid"} duration ${goQuoted(text)}`;

const RFC3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/;

/** Epoch nanoseconds of a time in RFC 3339's form; `undefined` where it is none. */
export function rfc3339Ns(text: string): bigint | undefined {
  const [, time = "", fraction = "", zone = ""] = RFC3339.exec(text) ?? [];
  const ms = Date.parse(time + zone);
  if (Number.isNaN(ms) || new Date(`${time}Z`).toISOString().slice(0, 19) !== time) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
}
