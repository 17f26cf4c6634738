import { escaped } from "../../results/html.ts";
import { plain, printTable, printValue } from "../../results/text.ts";
import { formatInstant, type ResolvedSpan } from "../../time.ts";
import { EXPLANATION_STYLE } from "./explanation-style.ts";
import type { Figure, Finding } from "./finding.ts";

/** Where an explanation comes from, and how far it can be trusted. */
export interface ExplanationMeta extends ResolvedSpan {
  /** The earlier window that it was compared with. */
  readonly against: ResolvedSpan;
  readonly promql: readonly string[];
  /** False when a backend said that something is missing. */
  readonly complete: boolean;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly tookMs: number;
}

/** What {@link Explanation} is a shell over. */
export interface ExplanationParts {
  /** What was explained: `"frontend to backend"`. */
  readonly subject: string;
  readonly findings: readonly Finding[];
  /** The scope's own figures, changed or not. */
  readonly figures: readonly Figure[];
  readonly meta: ExplanationMeta;
}

/** What is wrong, as one piece of evidence: findings with their figures, the causes first; none when nothing is unusual. */
export class Explanation implements ExplanationParts {
  readonly subject: string;
  readonly findings: readonly Finding[];
  readonly figures: readonly Figure[];
  readonly meta: ExplanationMeta;

  constructor({ subject, findings, figures, meta }: ExplanationParts) {
    this.subject = subject;
    this.findings = Object.freeze(findings);
    this.figures = Object.freeze(figures);
    this.meta = Object.freeze(meta);
    Object.freeze(this);
  }

  /** Whether anything is out of the ordinary. */
  get isUnusual(): boolean {
    return this.findings.length > 0;
  }

  /** The report as text. */
  toString(): string {
    return [
      plain(this.#title()),
      ...(this.isUnusual ? [] : ["  nothing unusual"]),
      ...this.findings.flatMap((finding, i) => [
        plain(`${i + 1}. ${finding.message}`),
        ...detailsOf(finding).map((line) => plain(`   ${line}`)),
      ]),
      "",
      printTable(["", "before", "after"], this.figures.map(cellsOf)),
      ...this.#remarks().map((line) => plain(`  ${line}`)),
    ].join("\n");
  }

  /** The report as Markdown. */
  toMarkdown(): string {
    const row = (cells: readonly string[]) => `| ${cells.map(markdown).join(" | ")} |`;
    return [
      `## ${markdown(this.#title())}`,
      "",
      ...(this.isUnusual ? [] : ["Nothing unusual.", ""]),
      ...this.findings.flatMap((finding, i) => [
        `${i + 1}. **${markdown(finding.message)}**`,
        ...detailsOf(finding).map((line) => `   - ${markdown(line)}`),
      ]),
      "",
      row(["", "before", "after"]),
      "| --- | --- | --- |",
      ...this.figures.map((figure) => row(cellsOf(figure))),
      "",
      ...this.#remarks().map((line) => `- ${markdown(line)}`),
    ].join("\n");
  }

  /** The report as a page of HTML: no script, nothing to load; light or dark as the reader has it. */
  toHTML(): string {
    const title = escaped(this.#title());
    const findings = this.findings.map((finding) => {
      const details = detailsOf(finding).map((line) => `<li>${escaped(line)}</li>`);
      return `<li><b>${escaped(finding.message)}</b><ul>${details.join("")}</ul></li>`;
    });
    const rows = this.figures.map((figure) => {
      const [name = "", ...cells] = cellsOf(figure);
      return `<tr><th>${escaped(name)}</th>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`;
    });
    return [
      `<!doctype html><html lang="en"><head><meta charset="utf-8">`,
      `<meta name="viewport" content="width=device-width"><title>${title}</title>`,
      `<style>body { margin: 0; }${EXPLANATION_STYLE}</style></head><body><main class="mq-explain"><h1>${title}</h1>`,
      this.isUnusual ? `<ol>${findings.join("\n")}</ol>` : "<p>Nothing unusual.</p>",
      `<table><tr><th></th><th>before</th><th>after</th></tr>${rows.join("")}</table>`,
      ...this.#remarks().map((line) => `<p>${escaped(line)}</p>`),
      "</main></body></html>",
    ].join("\n");
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  #title(): string {
    const { fromMs, toMs } = this.meta;
    return `${this.subject}, ${formatInstant(fromMs)} to ${formatInstant(toMs)}`;
  }

  #remarks(): string[] {
    const { against, complete, warnings, infos } = this.meta;
    return [
      `compared with ${formatInstant(against.fromMs)} to ${formatInstant(against.toMs)}`,
      ...(complete ? [] : ["incomplete: part of the data is missing"]),
      ...warnings.map((warning) => `warning: ${warning}`),
      ...infos,
    ];
  }
}

const cellsOf = ({ name, unit, before, after }: Figure): string[] => [
  name,
  printValue(before, unit),
  printValue(after, unit),
];

/** What stands below a finding. */
function detailsOf({ sinceMs, calls, traces, promql }: Finding): string[] {
  return [
    ...(sinceMs === undefined ? [] : [`since ${formatInstant(sinceMs)}`]),
    ...calls.map((call) => {
      const parts = [call.method, call.path, String(call.code ?? ""), call.flags.join(","), call.requestId];
      return `call ${parts.filter((part) => part !== undefined && part !== "").join(" ")}`;
    }),
    ...traces.map((trace) => {
      const [slowest] = trace.criticalPath().hops;
      const where =
        slowest === undefined ? "" : `, most of the time in ${slowest.hop.destination.workload ?? "its callee"}`;
      return `trace ${trace.id}: ${printValue(trace.durationMs, "ms")}${where}`;
    }),
    ...promql.map((text) => `shown by ${text}`),
  ];
}

/** Text as Markdown takes it: what would be markup is escaped. */
const markdown = (text: string): string => plain(text).replace(/[\\`*_{}[\]<>#|~]/g, (c) => `\\${c}`);
