import { stringify } from "yaml";
import {
  type Backtest,
  fromYAML,
  type GroupBacktest,
  type RuleFile,
  ruleFile,
  ruleGroup,
  slo,
} from "../../src/alerts/index.ts";
import { createMesh } from "../../src/index.ts";
import { memoryStorage } from "../../src/promql/index.ts";
import { seriesMetrics } from "../../src/testing/index.ts";

/**
 * The rules that Sloth and Pyrra publish for their own examples, as far as their alerts read them, beside those of this
 * library for the same objectives.
 *
 * Sloth: `examples/_gen/getting-started.yml`, 99.9% over 30 days. Pyrra: `slo/rules_test.go`, `http-ratio`, 99% over 28
 * days. Both Apache-2.0.
 */
export interface Ruler {
  readonly name: string;
  readonly objective: string;
  /** The share that may fail. */
  readonly budget: number;
  readonly rules: RuleFile;
  /** The labels of its two kinds of alert. */
  readonly page: Readonly<Record<string, string>>;
  readonly ticket: Readonly<Record<string, string>>;
}

const SLOTH_LABELS = {
  sloth_id: "myservice-requests-availability",
  sloth_service: "myservice",
  sloth_slo: "requests-availability",
};

function slothRules(): RuleFile {
  const total = "http_request_duration_seconds_count";
  const own = Object.entries(SLOTH_LABELS)
    .map(([name, value]) => `${name}="${value}"`)
    .join(", ");
  const records = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"].map((window) => ({
    record: `slo:sli_error:ratio_rate${window}`,
    expr: `(sum(rate(${total}{job="myservice",code=~"(5..|429)"}[${window}]))) / (sum(rate(${total}{job="myservice"}[${window}])))`,
    labels: { ...SLOTH_LABELS, sloth_window: window },
  }));
  const over = (window: string, factor: number) =>
    `max(slo:sli_error:ratio_rate${window}{${own}} > (${factor} * 0.0009999999999999432)) without (sloth_window)`;
  const both = (short: string, long: string, factor: number) => `(${over(short, factor)} and ${over(long, factor)})`;
  const burn = (severity: string, first: string, second: string) => ({
    alert: "MyServiceHighErrorRate",
    expr: `${first} or ${second}`,
    labels: { sloth_severity: severity },
  });
  const alerts = [
    burn("page", both("5m", "1h", 14.4), both("30m", "6h", 6)),
    burn("ticket", both("2h", "1d", 3), both("6h", "3d", 1)),
  ];
  return fromYAML(
    stringify({
      groups: [
        { name: "sloth-slo-sli-recordings-myservice-requests-availability", rules: records },
        { name: "sloth-slo-alerts-myservice-requests-availability", rules: alerts },
      ],
    }),
  );
}

/** Pyrra's windows for 28 days: how long an alert waits, over which times, and at which burn rate. */
export const PYRRA_LINES = [
  { severity: "critical", wait: "2m", short: "5m", long: "1h", factor: 14 },
  { severity: "critical", wait: "15m", short: "30m", long: "6h", factor: 7 },
  { severity: "warning", wait: "1h", short: "2h", long: "1d", factor: 2 },
  { severity: "warning", wait: "3h", short: "6h", long: "4d", factor: 1 },
] as const;

function pyrraRules(): RuleFile {
  const own = { job: "thanos-receive-default", slo: "monitoring-http-errors" };
  const records = ["5m", "30m", "1h", "2h", "6h", "1d", "4d"].map((window) => ({
    record: `http_requests:burnrate${window}`,
    expr: `sum(rate(http_requests_total{code=~"5..",job="${own.job}"}[${window}])) / sum(rate(http_requests_total{job="${own.job}"}[${window}]))`,
    labels: own,
  }));
  const alerts = PYRRA_LINES.map(({ severity, wait, short, long, factor }) => {
    const over = (window: string) =>
      `http_requests:burnrate${window}{job="${own.job}",slo="${own.slo}"} > (${factor} * (1-0.99))`;
    return {
      alert: "ErrorBudgetBurn",
      expr: `${over(short)} and ${over(long)}`,
      for: wait,
      labels: { ...own, severity, short, long },
    };
  });
  return fromYAML(
    stringify({ groups: [{ name: "monitoring-http-errors", interval: "1m", rules: [...records, ...alerts] }] }),
  );
}

const backend = createMesh().service("backend");
/** As the peers' without what their alerts do not read. */
function ownRules(objective: "99.9%" | "99%", window: "28d" | "30d"): RuleFile {
  const { rules } = slo({ name: "backend", objective, window, of: backend, interval: "1m" });
  const read = rules.filter(
    ({ name }) => name === "ErrorBudgetBurn" || (/^slo:error:ratio_rate/.test(name) && !name.endsWith(window)),
  );
  return ruleFile(ruleGroup("slo-backend", read, { interval: "1m" }));
}

const OWN = { page: { severity: "page" }, ticket: { severity: "ticket" } };

/** Those that are compared, each peer before this library for the same objective. */
export const RULERS: readonly Ruler[] = [
  {
    name: "Sloth",
    objective: "99.9 % over 30d",
    budget: 0.001,
    rules: slothRules(),
    page: { sloth_severity: "page" },
    ticket: { sloth_severity: "ticket" },
  },
  { name: "here", objective: "99.9 % over 30d", budget: 0.001, rules: ownRules("99.9%", "30d"), ...OWN },
  {
    name: "Pyrra",
    objective: "99 % over 28d",
    budget: 0.01,
    rules: pyrraRules(),
    page: { severity: "critical" },
    ticket: { severity: "warning" },
  },
  { name: "here", objective: "99 % over 28d", budget: 0.01, rules: ownRules("99%", "28d"), ...OWN },
];

/** A stretch of time in which so many requests come each minute, and this many times the budget of them fail. */
interface Stretch {
  readonly minutes: number;
  readonly perMinute: number;
  /** `"all"` fail, or that many times the budget; `undefined` where nothing is scraped. */
  readonly burn: number | "all" | undefined;
}

export interface Incident {
  readonly name: string;
  readonly stretches: readonly Stretch[];
}

const HOUR = 60;
/** Minutes without a failure before each incident: the longest window of all, and a little more. */
export const BEFORE = 4 * 24 * HOUR + 30;
/** Of these the last are scraped each minute. */
const DENSE = 7 * HOUR;
/** And the others so many minutes apart. */
const SPARSE = 5;
const calm = (minutes: number): Stretch => ({ minutes, perMinute: 6000, burn: 0 });
const burning = (minutes: number, burn: Stretch["burn"]): Stretch => ({ minutes, perMinute: 6000, burn });
/** One request each ten minutes, of which each third fails. */
const NIGHT: readonly Stretch[] = Array.from({ length: 18 }, (_, i) => [
  { minutes: 9, perMinute: 0, burn: 0 },
  { minutes: 1, perMinute: 1, burn: i % 3 === 2 ? ("all" as const) : 0 },
]).flat();

/** What happens behind four days without a failure. */
export const INCIDENTS: readonly Incident[] = [
  { name: "fast burn: 20 times the budget for 2h", stretches: [burning(2 * HOUR, 20), calm(8 * HOUR)] },
  { name: "slow burn: 4 times the budget for 30h", stretches: [burning(30 * HOUR, 4), calm(8 * HOUR)] },
  { name: "short blip: 90 times the budget for 3m", stretches: [burning(3, 90), calm(3 * HOUR)] },
  { name: "low traffic: a request each 10m, every third fails, for 3h", stretches: [...NIGHT, calm(8 * HOUR)] },
  { name: "outage: everything fails for 30m, then recovery", stretches: [burning(30, "all"), calm(8 * HOUR)] },
  {
    name: "fast burn: 40 times the budget for 30m, 20m without a scrape, 20m more",
    stretches: [burning(30, 40), burning(20, undefined), burning(20, 40), calm(8 * HOUR)],
  },
];

const lengthOf = ({ stretches }: Incident): number => stretches.reduce((sum, { minutes }) => sum + minutes, 0);

/** The last evaluation, in minutes. */
export const endOf = (incident: Incident): number => BEFORE + lengthOf(incident);

/** The counters of an incident in promtool's notation, under the names that each of the rules reads. */
export function seriesOf({ stretches }: Incident, { budget }: Ruler): string {
  const good: string[] = [];
  const bad: string[] = [];
  let [ok, failed] = [0, 0];
  // Days are scraped every five minutes, which costs a server less; their long windows begin as much later at most.
  for (let minute = 0; minute < BEFORE - DENSE; minute += SPARSE) {
    good.push(`${ok + 6000}`, `_x${SPARSE - 1}`);
    bad.push("0", `_x${SPARSE - 1}`);
    ok += SPARSE * 6000;
  }
  for (const { minutes, perMinute, burn } of [calm(DENSE), ...stretches]) {
    const failing = burn === "all" ? perMinute : Math.round(perMinute * (burn ?? 0) * budget);
    const succeeding = perMinute - failing;
    for (const [items, value, step] of [
      [good, ok, succeeding],
      [bad, failed, failing],
    ] as const) {
      items.push(burn === undefined ? `_x${minutes}` : `${value + step}+${step}x${minutes - 1}`);
    }
    ok += succeeding * minutes;
    failed += failing * minutes;
  }
  const names = [
    (code: string) => `http_request_duration_seconds_count{job="myservice",code="${code}"}`,
    (code: string) => `http_requests_total{job="thanos-receive-default",code="${code}"}`,
    (code: string) =>
      `istio_requests_total{reporter="destination",destination_service_name="backend",request_protocol="http",response_code="${code}"}`,
  ];
  return names.flatMap((of) => [`${of("200")} ${good.join(" ")}`, `${of("503")} ${bad.join(" ")}`]).join("\n");
}

/** Minutes from the beginning of the incident on, from the first firing evaluation to the first that is none. */
export interface Told {
  readonly from: number;
  readonly to: number;
}

/** What the engine and the states of this library make of the rules, evaluated so many minutes apart. */
export async function tried(
  { rules }: Ruler,
  series: string,
  incident: Incident,
  everyMinutes = 1,
): Promise<GroupBacktest> {
  const storage = memoryStorage();
  storage.load(series, { step: "1m" });
  const range = { from: (BEFORE - 60) * 60_000, to: endOf(incident) * 60_000, step: `${everyMinutes}m` } as const;
  return rules.backtest(range, { metrics: seriesMetrics(storage) });
}

/** When at least one alert of a kind fired. */
export function toldBy(tests: GroupBacktest, labels: Readonly<Record<string, string>>): readonly Told[] {
  const isOf = (one: Backtest) => Object.entries(labels).every(([name, value]) => one.labels[name] === value);
  const firing = tests.rules
    .filter(isOf)
    .flatMap(({ alerts }) => alerts.flatMap(({ intervals }) => intervals))
    .filter(({ state }) => state === "firing")
    .map(({ startMs, endMs }) => ({ from: startMs / 60_000 - BEFORE, to: endMs / 60_000 - BEFORE }))
    .sort((a, b) => a.from - b.from);
  const merged: Told[] = [];
  for (const one of firing) {
    const last = merged.at(-1);
    if (last === undefined || one.from > last.to) merged.push(one);
    else merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, one.to) };
  }
  return merged;
}

const clock = (minutes: number): string => {
  const hours = Math.floor(minutes / 60);
  return [hours > 0 ? `${hours}h` : "", minutes % 60 > 0 || hours === 0 ? `${minutes % 60}m` : ""]
    .filter(Boolean)
    .join(" ");
};

const cell = (told: readonly Told[]): string =>
  told.length === 0 ? "–" : told.map(({ from, to }) => `${clock(from)} to ${clock(to)}`).join(", ");

/** The table of the docs: when each of them told someone, counted from the beginning of each incident. */
export async function burnTable(): Promise<string> {
  const rows: string[] = [];
  for (const incident of INCIDENTS) {
    const cells = await Promise.all(
      RULERS.map(async (ruler) => {
        const tests = await tried(ruler, seriesOf(incident, ruler), incident);
        return { page: cell(toldBy(tests, ruler.page)), ticket: cell(toldBy(tests, ruler.ticket)) };
      }),
    );
    for (const kind of ["page", "ticket"] as const) {
      rows.push(`| ${kind === "page" ? incident.name : ""} | ${kind} | ${cells.map((one) => one[kind]).join(" | ")} |`);
    }
  }
  const names = RULERS.map(({ name, objective }) => `${name}, ${objective}`);
  return [`| incident | | ${names.join(" | ")} |`, `| --- | --- |${names.map(() => " --- |").join("")}`, ...rows].join(
    "\n",
  );
}
