import { QueryError } from "../errors.ts";
import { generalText } from "../promql/engine/float-text.ts";
import { shown } from "../time.ts";

/** How an alert's value is written. */
export type Format =
  | "duration"
  | "humanize"
  | "humanize1024"
  | "percentage"
  | "plain"
  | {
      /** Digits behind the point, 0 to 9. */
      readonly digits: number;
    };

/**
 * A value as Prometheus's templates write it.
 *
 * @see Prometheus, `template/template.go` and `util/convert`
 */
export function formatted(value: number, format: Format): string {
  if (typeof format === "object" && format !== null) return fixed(value, format.digits);
  switch (format) {
    case "plain":
      return generalText(value);
    case "humanize":
      return humanized(value);
    case "humanize1024":
      return humanized1024(value);
    case "percentage":
      return `${fourDigits(value * 100)}%`;
    case "duration":
      return duration(value);
    default:
      return refuse(format);
  }
}

function refuse(format: unknown): never {
  throw new QueryError(
    "template",
    `valueAs: ${shown(format)} is no form of a value; there are "humanize", "humanize1024", "percentage", "duration" and { digits: 2 }`,
  );
}

function fixed(value: number, digits: number): string {
  if (!Number.isInteger(digits) || digits < 0 || digits > 9) return refuse(digits);
  if (!Number.isFinite(value)) return generalText(value);
  // Beyond 1e21 toFixed writes an exponent; all digits of such a number are whole.
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}${digits > 0 ? `.${"0".repeat(digits)}` : ""}`;
  const [whole = "", fraction = ""] = Math.abs(value).toFixed(100).split(".");
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const kept = whole + fraction.slice(0, digits);
  if (!isHalf(fraction.slice(digits)) || isOdd(kept)) return sign + Math.abs(value).toFixed(digits);
  return `${sign}${whole}${digits > 0 ? `.${fraction.slice(0, digits)}` : ""}`;
}

/** What lies in the middle goes to the even side there, and up in JavaScript; a hundred digits tell it exactly. */
const isHalf = (digits: string): boolean => /^50*$/.test(digits);
const isOdd = (digits: string): boolean => Number(digits.at(-1)) % 2 === 1;

/** Go's `%.4g`. */
function fourDigits(value: number): string {
  if (!Number.isFinite(value)) return generalText(value);
  const [mantissa = "", exponent = "0"] = Math.abs(value).toExponential(100).split("e");
  const digits = mantissa.replace(".", "");
  const kept = digits.slice(0, 4);
  if (!isHalf(digits.slice(4)) || isOdd(kept)) return generalText(Number(value.toPrecision(4)), 4);
  return generalText(Math.sign(value) * Number(`${kept}e${Number(exponent) - 3}`), 4);
}

const LARGE = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const BINARY = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
const SMALL = ["m", "u", "n", "p", "f", "a", "z", "y"];

function humanized(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return fourDigits(value);
  return Math.abs(value) >= 1 ? divided(value, 1000, LARGE) : multiplied(value);
}

function humanized1024(value: number): string {
  return Math.abs(value) <= 1 || !Number.isFinite(value) ? fourDigits(value) : divided(value, 1024, BINARY);
}

function divided(value: number, by: number, prefixes: readonly string[]): string {
  let prefix = "";
  let rest = value;
  for (const next of prefixes) {
    if (Math.abs(rest) < by) break;
    prefix = next;
    rest /= by;
  }
  return fourDigits(rest) + prefix;
}

function multiplied(value: number): string {
  let prefix = "";
  let rest = value;
  for (const next of SMALL) {
    if (Math.abs(rest) >= 1) break;
    prefix = next;
    rest *= 1000;
  }
  return fourDigits(rest) + prefix;
}

function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return fourDigits(seconds);
  if (seconds === 0) return "0s";
  if (Math.abs(seconds) < 1) return `${multiplied(seconds)}s`;
  const sign = seconds < 0 ? "-" : "";
  const whole = Math.trunc(Math.abs(seconds));
  const parts = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  const first = parts.findIndex((part) => part > 0);
  if (first < 0 || first === 3) return `${sign}${fourDigits(Math.abs(seconds))}s`;
  const units = ["d", "h", "m", "s"];
  return (
    sign +
    parts
      .map((part, i) => `${part}${units[i]}`)
      .slice(first)
      .join(" ")
  );
}
