/**
 * Writes how the objectives stand as one HTML file, every night:
 *
 *   npx tsx examples/slo-report.ts --out report.html
 *
 * Exit code 0: every budget lasts. 1: one is spent. 2: something could not be asked, as the report says too.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Endpoint, type Matrix, MeshQueryError } from "meshquery";
import { type ObjectiveStatus, type SloOptions, type SloStatus, slo } from "meshquery/alerts";
import { BACKEND_FLAGS, meshFrom } from "./backends.ts";

const { values: given } = parseArgs({ options: { ...BACKEND_FLAGS, out: { type: "string" } } });
// Of the simulated mesh, which makes every sample anew: a week of coarse ones is quick.
const mesh = meshFrom({ scrape: "1m", ...given });

/** Nobody waits for what is written at night. */
const PATIENCE_MS = 300_000;

interface Promised extends Omit<SloOptions, "of"> {
  readonly of: Endpoint;
}

const PROMISED: readonly Promised[] = [
  {
    name: "backend",
    objective: "98%",
    window: "7d",
    of: mesh.service("backend"),
    latency: { under: "250ms", ratio: "95%" },
  },
  { name: "recommender", objective: "99.5%", window: "7d", of: mesh.service("recommender") },
  { name: "ghost", objective: "99%", window: "7d", of: mesh.service("ghost") },
];

const STYLE = `
:root{--ink:#1c2126;--soft:#5b6670;--paper:#fff;--line:#d5dbe0;--good:#2f7d4f;--low:#b7791f;--bad:#c8322b}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaed;--soft:#9aa5ae;--paper:#15191c;--line:#363e45;--good:#59b880;--low:#d9962f;--bad:#ef5b50}}
body{margin:2rem auto;max-width:64rem;padding:0 1rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;margin:0}.soft{color:var(--soft)}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.5rem .75rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}thead th{color:var(--soft);font-weight:600}
.n{text-align:right;font-variant-numeric:tabular-nums}.bar{display:inline-block;width:6rem;height:.6rem;background:var(--line);border-radius:3px;vertical-align:middle}
.bar i{display:block;height:100%;border-radius:3px;background:var(--good)}.low .bar i{background:var(--low)}td.bad{color:var(--bad)}
svg{display:block}path{stroke:var(--line)}rect.good{fill:var(--good)}rect.bad{fill:var(--bad)}
`;

interface Standing {
  readonly promised: Promised;
  readonly outcome:
    | { readonly kind: "asked"; readonly status: SloStatus; readonly days: Matrix }
    | { readonly kind: "failed"; readonly why: string };
}

const standings = await Promise.all(PROMISED.map(standingOf));
const html = page(standings);
if (given.out === undefined) process.stdout.write(html);
else writeFileSync(given.out, html);
process.exitCode = exitCode(standings);

/** One service that cannot be asked costs its own part of the report. */
async function standingOf(promised: Promised): Promise<Standing> {
  try {
    const status = await slo(promised).status({ timeoutMs: PATIENCE_MS });
    const week = { from: status.at - 6 * 86_400_000, to: status.at, step: "1d" };
    const days = await promised.of.success("1d").over(week, { timeoutMs: PATIENCE_MS });
    return { promised, outcome: { kind: "asked", status, days } };
  } catch (error) {
    if (!(error instanceof MeshQueryError)) throw error;
    return { promised, outcome: { kind: "failed", why: error.message } };
  }
}

function exitCode(all: readonly Standing[]): 0 | 1 | 2 {
  if (all.some(({ outcome }) => outcome.kind === "failed")) return 2;
  const spent = all.some(
    ({ outcome }) =>
      outcome.kind === "asked" && outcome.status.objectives.some(({ budgetLeft = 1 }) => budgetLeft <= 0),
  );
  return spent ? 1 : 0;
}

function page(all: readonly Standing[]): string {
  const at = all.flatMap(({ outcome }) => (outcome.kind === "asked" ? [outcome.status.at] : []))[0];
  const when =
    at === undefined
      ? ""
      : `<p class="soft">as of ${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC</p>`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Service level objectives</title>
<style>${STYLE}</style>
<h1>Service level objectives</h1>
${when}
<table>
<thead><tr><th>service<th>promised<th class="n">kept<th>budget left<th class="n">burn rate<th>lasts<th>failed by day
<tbody>
${all.map(rows).join("\n")}
</table>
</html>
`;
}

function rows({ promised, outcome }: Standing): string {
  const name = escaped(promised.name);
  if (outcome.kind === "failed") return `<tr><th>${name}<td colspan="6" class="bad">not asked: ${escaped(outcome.why)}`;
  const { status, days } = outcome;
  return status.objectives
    .map((one, i) => row(i === 0 ? name : "", one, promised, i === 0 ? days : undefined))
    .join("\n");
}

function row(name: string, one: ObjectiveStatus, promised: Promised, days: Matrix | undefined): string {
  const what =
    one.indicator === "latency" ? `${percent(one.objective)} under ${promised.latency?.under}` : percent(one.objective);
  if (one.good === undefined || one.budgetLeft === undefined)
    return `<tr><th>${name}<td>${escaped(what)}<td colspan="5" class="soft">no traffic in ${promised.window}`;
  const left = Math.max(0, Math.min(1, one.budgetLeft));
  const state = one.budgetLeft <= 0 ? "bad" : one.budgetLeft < 0.25 ? "low" : "good";
  const hour = one.burnRates.find(({ window }) => window === "1h")?.rate;
  return `<tr><th>${name}<td>${escaped(what)}<td class="n">${percent(one.good)}
<td class="${state}"><span class="bar"><i style="width:${(100 * left).toFixed(1)}%"></i></span> ${percent(one.budgetLeft, 0)}
<td class="n">${hour?.toFixed(2) ?? "–"}<td>${one.budgetLeft <= 0 ? "spent" : lasting(one.exhaustedInMs)}<td>${days === undefined ? "" : chart(days, one.objective)}`;
}

/** A bar for each day, as high as its failures are many against what was promised; red where more failed. */
function chart(days: Matrix, objective: number): string {
  const [series] = days;
  if (series === undefined) return "";
  const bars = Array.from(series.values, (share, i) => {
    const spent = (1 - share) / (1 - objective);
    const height = Math.max(1, Math.min(24, 12 * spent));
    const day = new Date(series.timesMs[i] ?? 0).toISOString().slice(0, 10);
    return `<rect class="${spent > 1 ? "bad" : "good"}" x="${i * 12}" y="${24 - height}" width="10" height="${height.toFixed(1)}"><title>${day}: ${percent(share)}</title></rect>`;
  });
  const width = 12 * bars.length;
  return `<svg width="${width}" height="24" role="img" aria-label="failures by day"><path d="M0 12H${width}"/>${bars.join("")}</svg>`;
}

function percent(share: number, digits = 3): string {
  return `${Number((100 * share).toFixed(digits))} %`;
}

function lasting(ms: number | undefined): string {
  if (ms === undefined) return "nothing is spent";
  return ms > 30 * 86_400_000
    ? "over 30 days"
    : ms > 86_400_000
      ? `${Math.round(ms / 86_400_000)} days`
      : `${Math.round(ms / 3_600_000)} hours`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
