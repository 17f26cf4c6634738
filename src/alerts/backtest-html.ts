import { escaped } from "../results/html.ts";
import { printLength } from "../results/text.ts";
import { formatDuration, formatInstant } from "../time.ts";
import {
  byFiring,
  courseName,
  type DrawnBacktest,
  type DrawnBacktests,
  remarksOf,
  sentenceOf,
  titleOf,
} from "./backtest-drawing.ts";
import type { AlertCourse, AlertInterval } from "./history.ts";
import { type BacktestSummary, lengthWithin, type Window } from "./summary.ts";

/** A back-test as a page of its own. Names and values are text in it, whatever they hold. */
export function backtestHTML(test: DrawnBacktest): string {
  const title = `Back-test of ${test.name}`;
  return page(title, `${head(title, test)}\n${body(test)}`);
}

/** The back-tests of several rules as one page. */
export function backtestsHTML(tests: DrawnBacktests): string {
  const title = `Back-test of ${tests.name}`;
  const parts = tests.rules.map(
    (test) => `<section>
<h2>${escaped(titleOf(test))}</h2>
<p class="sum">${escaped(sentenceOf(test))}</p>
${body({ ...test, warnings: [], complete: true })}
</section>`,
  );
  return page(title, [head(title, tests), remarks(tests), ...parts].join("\n"));
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
<main>
${content}
</main>
</html>
`;
}

function head(title: string, test: BacktestSummary & Window & { readonly forMs?: number }): string {
  const wait = test.forMs === undefined || test.forMs === 0 ? "" : `, for ${formatDuration(test.forMs)}`;
  return `<h1>${escaped(title)}</h1>
<p class="sum">${escaped(sentenceOf(test))}</p>
<p class="when">${formatInstant(test.startMs)} to ${formatInstant(test.endMs)}, evaluated every ${formatDuration(test.stepMs)}${wait}</p>`;
}

const remarks = (test: Pick<DrawnBacktest, "complete" | "warnings">): string =>
  remarksOf(test)
    .map((remark) => `<p class="remark">${escaped(remark)}</p>`)
    .join("\n");

function body(test: DrawnBacktest): string {
  const courses = byFiring(test);
  const drawn =
    courses.length === 0
      ? "<p>It was never pending and never fired.</p>"
      : `${chart(courses, test)}\n${table(courses, test)}`;
  return `${remarks(test)}\n<pre>${escaped(test.query)}</pre>\n${drawn}`;
}

const ROW = 26;
const LEFT = 0;
const WIDTH = 1000;

/** One line of time for each alert, its name above; the axis below. */
function chart(courses: readonly AlertCourse[], test: DrawnBacktest): string {
  const height = courses.length * ROW * 2 + 24;
  const x = (ms: number) => LEFT + ((ms - test.startMs) / Math.max(1, test.endMs - test.startMs)) * WIDTH;
  const rows = courses.map((course, i) => {
    const top = i * ROW * 2 + ROW - 6;
    const bars = course.intervals.map((interval) => bar(interval, top, x, test)).join("");
    const name = escaped(courseName(course, courses));
    return `<text x="0" y="${top - 6}">${name}</text><rect class="idle" x="0" y="${top}" width="${WIDTH}" height="${ROW - 6}"/>${bars}`;
  });
  const ticks = Array.from({ length: 5 }, (_, i) => {
    const ms = test.startMs + ((test.endMs - test.startMs) * i) / 4;
    const anchor = i === 0 ? "start" : i === 4 ? "end" : "middle";
    const day = formatInstant(Math.round(ms / 60_000) * 60_000)
      .replace("T", " ")
      .replace(":00Z", "");
    return `<text class="tick" x="${x(ms).toFixed(1)}" y="${height - 6}" text-anchor="${anchor}">${day}</text>`;
  });
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="When each alert was pending and firing">${rows.join("")}${ticks.join("")}</svg>
<p class="key"><span class="swatch pending"></span>pending <span class="swatch firing"></span>firing, times in UTC</p>`;
}

function bar(interval: AlertInterval, top: number, x: (ms: number) => number, test: DrawnBacktest): string {
  const from = Math.max(0, x(interval.startMs));
  const to = Math.min(WIDTH, x(interval.endMs));
  // What lasted less than a pixel still shows.
  const width = Math.max(2, to - from);
  const left = Math.min(from, WIDTH - width);
  const hint = `${interval.state} from ${formatInstant(interval.startMs)} for ${printLength(lengthWithin(interval, test))}${interval.ongoing ? " and on" : ""}`;
  return `<rect class="${interval.state}" x="${left.toFixed(2)}" y="${top}" width="${width.toFixed(2)}" height="${ROW - 6}"><title>${escaped(hint)}</title></rect>`;
}

function table(courses: readonly AlertCourse[], test: DrawnBacktest): string {
  const rows = courses.flatMap((course) =>
    course.intervals.map(
      (interval) =>
        `<tr><td>${escaped(courseName(course, courses))}<td><span class="swatch ${interval.state}"></span>${interval.state}<td>${formatInstant(interval.startMs)}<td>${
          interval.ongoing ? "still" : formatInstant(interval.endMs)
        }<td class="n">${printLength(lengthWithin(interval, test))}<td class="n">${number(interval.least)}<td class="n">${number(interval.greatest)}`,
    ),
  );
  return `<div class="scroll"><table>
<thead><tr><th>alert<th>state<th>from<th>to<th class="n">for<th class="n">least<th class="n">greatest
<tbody>
${rows.join("\n")}
</table></div>`;
}

const number = (value: number): string => escaped(String(Number(value.toPrecision(4))));

const STYLE = `
:root{--ink:#1c2126;--soft:#5b6670;--paper:#fff;--idle:#e9edf0;--pending:#e8a33d;--firing:#c8322b;--line:#d5dbe0}
@media (prefers-color-scheme:dark){:root{--ink:#e6eaed;--soft:#9aa5ae;--paper:#15191c;--idle:#2a3137;--pending:#d9962f;--firing:#ef5b50;--line:#363e45}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:68rem;margin:0 auto;padding:1.5rem}h1{font-size:1.4rem;margin:0 0 .25rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2.5rem 0 .25rem;padding-top:1rem;border-top:1px solid var(--line);overflow-wrap:anywhere}
.sum{font-size:1.05rem;margin:0}.when,.key,.tick{color:var(--soft)}.when{margin:0 0 1rem}.remark{color:var(--firing);margin:.25rem 0}
pre{background:var(--idle);padding:.6rem .8rem;border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem}
svg{width:100%;height:auto;display:block;margin-top:1rem}svg text{fill:var(--ink);font-size:13px}svg .tick{fill:var(--soft);font-size:12px}
.idle{fill:var(--idle)}rect.pending{fill:var(--pending)}rect.firing{fill:var(--firing)}
.swatch{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin:0 .35em 0 0}.swatch.pending{background:var(--pending)}.swatch.firing{background:var(--firing)}
.key .swatch.firing{margin-left:1em}.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;margin-top:1rem;font-size:.9rem}
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}th{color:var(--soft);font-weight:600}.n{text-align:right;font-variant-numeric:tabular-nums}
`;
