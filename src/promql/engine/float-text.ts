/** A double's shortest decimal digits and the place of their point: `value = ±0.digits × 10^point`. */
function digitsOf(value: number): { readonly digits: string; readonly point: number } {
  const [mantissa = "0", exponent = "0"] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", "").replace(/0+$/, "");
  return digits === "" ? { digits: "0", point: 1 } : { digits, point: Number(exponent) + 1 };
}

function special(value: number): string | undefined {
  if (Number.isNaN(value)) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  return value === Number.NEGATIVE_INFINITY ? "-Inf" : undefined;
}

const sign = (value: number): string => (value < 0 || Object.is(value, -0) ? "-" : "");

/** All digits and never an exponent, as Go's `%f` of the shortest text: the label values of `count_values`. */
export function plainText(value: number): string {
  const word = special(value);
  if (word !== undefined) return word;
  const { digits, point } = digitsOf(value);
  if (point <= 0) return digits === "0" ? `${sign(value)}0` : `${sign(value)}0.${"0".repeat(-point)}${digits}`;
  if (point >= digits.length) return sign(value) + digits + "0".repeat(point - digits.length);
  return `${sign(value)}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Go's `%g` of the shortest text: with an exponent below 1e-4 and from 10^`largest` on, which is a million. */
export function generalText(value: number, largest = 6): string {
  const word = special(value);
  if (word !== undefined) return word;
  const { digits, point } = digitsOf(value);
  const exponent = value === 0 ? 0 : point - 1;
  if (exponent >= -4 && exponent < largest) return plainText(value);
  const mantissa = digits.length === 1 ? digits : `${digits.charAt(0)}.${digits.slice(1)}`;
  return `${sign(value)}${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** Go's `%.2g`: at most two significant digits. */
export function roundedText(value: number): string {
  const word = special(value);
  if (word !== undefined) return word;
  // Midway between two Go takes the even one, JavaScript the greater one.
  const midway = /^(-?\d\.[02468])50*e(.+)$/.exec(value.toExponential(60));
  return generalText(Number(midway === null ? value.toPrecision(2) : `${midway[1]}e${midway[2]}`), 2);
}

/** OpenMetrics' text of a float, which always shows that it is one: `0.9`, `1.0`, `+Inf`. */
export function openMetricsText(value: number): string {
  const text = generalText(value);
  return /[.e]|Inf|NaN/.test(text) ? text : `${text}.0`;
}
