import { QueryError } from "../../errors.ts";
import { type Duration, durationMs, formatDuration, shown } from "../../time.ts";
import { Decimal } from "./decimal.ts";

/** One line of a burn-rate table: how much of the budget may be spent how fast before someone is told. */
export interface BurnAlert {
  /** The label that the alert has: `"page"`, `"ticket"`. Lines of one severity are one alert. */
  readonly severity: string;
  /** The share of the window's whole budget that is spent when it fires: `"2%"` or `0.02`. */
  readonly budget: number | `${number}%`;
  /** In which time that is spent. */
  readonly long: Duration;
  /** The time at the end of which it is still being spent, so that the alert ends soon after the incident. */
  readonly short: Duration;
}

/** A line as the rules need it. */
export interface BurnLine {
  readonly severity: string;
  readonly longMs: number;
  readonly shortMs: number;
  /** How many times as fast as the budget would last for the window it is spent. */
  readonly factor: Decimal;
  /** The share of bad requests above which a budget is spent so fast, rounded once. */
  readonly threshold: (budget: Decimal) => number;
}

const DAY_MS = 86_400_000;

/** As people write it: whole days, where Prometheus itself would print weeks. */
export const windowText = (ms: number): Duration => (ms % DAY_MS === 0 ? `${ms / DAY_MS}d` : formatDuration(ms));

/** The alerts of the SRE workbook: 2% of the budget in one hour, 5% in six, 10% in a day or in three. */
const WORKBOOK: readonly BurnAlert[] = [
  { severity: "page", budget: "2%", long: "1h", short: "5m" },
  { severity: "page", budget: "5%", long: "6h", short: "30m" },
  { severity: "ticket", budget: "10%", long: "1d", short: "2h" },
  { severity: "ticket", budget: "10%", long: "3d", short: "6h" },
];

/**
 * By the days of the window. For a week the budget is so small that the same shares would be spent by a burn rate below
 * 1, so larger ones are taken; for a quarter the times are three times as long, so that the burn rates stay.
 *
 * @see Google, "The Site Reliability Workbook", chapter 5
 */
const TABLES: ReadonlyMap<number, readonly BurnAlert[]> = new Map([
  [
    7,
    [
      { severity: "page", budget: "8%", long: "1h", short: "5m" },
      { severity: "page", budget: "12.5%", long: "6h", short: "30m" },
      { severity: "ticket", budget: "20%", long: "1d", short: "2h" },
      { severity: "ticket", budget: "42%", long: "3d", short: "6h" },
    ],
  ],
  [28, WORKBOOK],
  [30, WORKBOOK],
  [
    90,
    [
      { severity: "page", budget: "2%", long: "3h", short: "15m" },
      { severity: "page", budget: "5%", long: "18h", short: "90m" },
      { severity: "ticket", budget: "10%", long: "3d", short: "6h" },
      { severity: "ticket", budget: "10%", long: "9d", short: "18h" },
    ],
  ],
]);

/**
 * The lines for a window: those that are given, otherwise the workbook's.
 *
 * @throws {QueryError} `code: "config"` for a window without a table and for a line that cannot be meant
 */
export function burnLines(windowMs: number, given: readonly BurnAlert[] | undefined): readonly BurnLine[] {
  const table = given ?? TABLES.get(windowMs / DAY_MS);
  if (table === undefined) {
    throw new QueryError(
      "config",
      `slo: there is no table of burn rates for ${windowText(windowMs)}; write a window of 7d, 28d, 30d or 90d, or alerts: [{ severity: "page", budget: "2%", long: "1h", short: "5m" }]`,
    );
  }
  if (table.length === 0) throw new QueryError("config", "slo: alerts has no line; leave it out for the usual ones");
  return table.map(({ severity, budget, long, short }) => {
    const longMs = durationMs(long, "slo: alerts: long");
    const shortMs = durationMs(short, "slo: alerts: short");
    if (typeof severity !== "string" || severity === "") {
      throw new QueryError("config", `slo: alerts: ${shown(severity)} is no severity; write "page" or "ticket"`);
    }
    if (!(shortMs < longMs && longMs <= windowMs)) {
      throw new QueryError(
        "config",
        `slo: alerts: short ${short} must be shorter than long ${long}, and that no longer than the window, ${windowText(windowMs)}`,
      );
    }
    const share = Decimal.read(budget);
    if (share === undefined || !(share.value > 0 && share.value <= 1)) {
      throw new QueryError("config", `slo: alerts: budget ${shown(budget)} is no share above 0; write "2%" or 0.02`);
    }
    const spent = share.times(new Decimal(BigInt(windowMs), 0));
    const over = new Decimal(BigInt(longMs), 0);
    const threshold = (left: Decimal): number => spent.times(left).dividedBy(over).value;
    return { severity, longMs, shortMs, factor: spent.dividedBy(over), threshold };
  });
}

/** All windows that the lines look at, shortest first. */
export const windowsOf = (lines: readonly BurnLine[]): readonly number[] =>
  [...new Set(lines.flatMap(({ longMs, shortMs }) => [shortMs, longMs]))].sort((a, b) => a - b);
