/**
 * What one unit divided by another gives: the same twice is a ratio, a ratio changes nothing, and two rates leave the
 * sizes they count, so that `"B/s"` by `"req/s"` is `"B/req"`.
 */
export type Quotient<U extends string, V extends string> = [U, V] extends [V, U]
  ? "ratio"
  : V extends "ratio"
    ? U
    : [U, V] extends [`${infer A}/s`, `${infer B}/s`]
      ? `${A}/${B}`
      : `${U}/${V}`;

/** The value of {@link Quotient} for two units that are only known when the program runs. */
export function quotient<U extends string, V extends string>(unit: U, by: V): Quotient<U, V>;
export function quotient(unit: string, by: string): string {
  if (unit === by) return "ratio";
  if (by === "ratio") return unit;
  const perSecond = /^(.+)\/s$/;
  const [, above] = perSecond.exec(unit) ?? [];
  const [, below] = perSecond.exec(by) ?? [];
  return above !== undefined && below !== undefined ? `${above}/${below}` : `${unit}/${by}`;
}
