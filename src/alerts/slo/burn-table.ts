import { QueryError } from "../../errors.ts";
import { type Duration, durationMs, formatDuration, shown } from "../../time.ts";
import { lengthMs } from "../spec.ts";
import { Decimal } from "./decimal.ts";

/** One line of a burn-rate table: how fast the budget may be spent before someone is told. */
export type BurnAlert = BurnTimes & (BurnBudget | BurnFactor);

/** Whom a line tells, and over which times it looks. */
export interface BurnTimes {
  /** The label that the alert has: `"page"`, `"ticket"`. Lines of one severity are one alert, unless they wait differently. */
  readonly severity: string;
  /** In which time that is spent. */
  readonly long: Duration;
  /** The time at the end of which it is still being spent, so that the alert ends soon after the incident. */
  readonly short?: Duration | undefined;
  /** How long that must last before someone is told; not at all when left out. */
  readonly for?: Duration | undefined;
}

/** How fast, as a part of the budget. */
export interface BurnBudget {
  /** The share of the window's whole budget that is spent in the long time: `"2%"` or `0.02`. */
  readonly budget: number | `${number}%`;
}

/** How fast, as a burn rate. */
export interface BurnFactor {
  /** How many times as fast as the budget would last for the window: `14.4`. */
  readonly burnRate: number;
}

/** A line as the rules need it. */
export interface BurnLine {
  readonly severity: string;
  readonly longMs: number;
  readonly shortMs: number | undefined;
  readonly forMs: number;
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
  return table.map((line) => {
    const { severity, long, short } = line;
    const longMs = durationMs(long, "slo: alerts: long");
    const shortMs = short === undefined ? undefined : durationMs(short, "slo: alerts: short");
    const forMs = lengthMs(line.for ?? "0s", "slo: alerts: for");
    if (typeof severity !== "string" || severity === "") {
      throw new QueryError("config", `slo: alerts: ${shown(severity)} is no severity; write "page" or "ticket"`);
    }
    if (!((shortMs ?? 0) < longMs && longMs <= windowMs)) {
      const what =
        short === undefined ? `long ${long} must be` : `short ${short} must be shorter than long ${long}, and that`;
      throw new QueryError("config", `slo: alerts: ${what} no longer than the window, ${windowText(windowMs)}`);
    }
    return { severity, longMs, shortMs, forMs, ...paceOf(line, windowMs, longMs) };
  });
}

/** How fast a line means, as it was written. */
function paceOf(line: BurnAlert, windowMs: number, longMs: number): Pick<BurnLine, "factor" | "threshold"> {
  const over = new Decimal(BigInt(longMs), 0);
  if ("burnRate" in line && "budget" in line) {
    throw new QueryError("config", "slo: alerts: a line has either a budget or a burnRate; leave one of them out");
  }
  if ("burnRate" in line) {
    const factor = Decimal.read(line.burnRate);
    if (factor !== undefined && factor.value > 0) return { factor, threshold: (left) => factor.times(left).value };
    throw new QueryError("config", `slo: alerts: burnRate ${shown(line.burnRate)} is no number above 0; write 14.4`);
  }
  const share = Decimal.read(line.budget);
  if (share === undefined || !(share.value > 0 && share.value <= 1)) {
    throw new QueryError("config", `slo: alerts: budget ${shown(line.budget)} is no share above 0; write "2%" or 0.02`);
  }
  const spent = share.times(new Decimal(BigInt(windowMs), 0));
  return {
    factor: spent.dividedBy(over),
    threshold: (left) => spent.times(left).dividedBy(over).value,
  };
}

/** All windows that the lines look at, shortest first. */
export const windowsOf = (lines: readonly BurnLine[]): readonly number[] =>
  [...new Set(lines.flatMap(({ longMs, shortMs = longMs }) => [shortMs, longMs]))].sort((a, b) => a - b);
