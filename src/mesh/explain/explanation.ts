import { number, text } from "../../results/column.ts";
import { qualityNotes } from "../../results/meta.ts";
import { Result, Table } from "../../results/result.ts";
import { printValue } from "../../results/text.ts";
import { type Item, linesPart, tablePart, type View } from "../../results/view.ts";
import { formatInstant, type ResolvedSpan } from "../../time.ts";
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

/** An {@link Explanation} as plain data. */
export interface ExplanationJson extends Omit<ExplanationParts, "findings"> {
  readonly findings: readonly (Omit<Finding, "calls" | "traces"> & {
    /** Ids of traces, and of calls: their `x-request-id`. */
    readonly traces: readonly string[];
    readonly calls: readonly string[];
  })[];
}

/** What is wrong, as one piece of evidence: findings with their figures, the causes first; none when nothing is unusual. */
export class Explanation extends Result implements ExplanationParts {
  readonly subject: string;
  readonly findings: readonly Finding[];
  readonly figures: readonly Figure[];
  readonly meta: ExplanationMeta;

  constructor({ subject, findings, figures, meta }: ExplanationParts) {
    super();
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

  /** A row for each figure, before and after. */
  toTable(): Table {
    return Table.of(
      [text("figure"), number("before"), number("after"), text("unit", "programs")],
      this.figures.map(({ name, unit, before, after }) => [name, before, after, unit]),
    );
  }

  toView(): View {
    const { fromMs, toMs, against } = this.meta;
    return {
      title: `${this.subject}, ${formatInstant(fromMs)} to ${formatInstant(toMs)}`,
      parts: [
        ...(this.isUnusual ? [] : [linesPart({ text: "nothing unusual" })]),
        { kind: "list", ordered: true, items: this.findings.map(itemOf) },
        tablePart(figuresTable(this.figures)),
      ],
      notes: [
        { text: `compared with ${formatInstant(against.fromMs)} to ${formatInstant(against.toMs)}` },
        ...qualityNotes(this.meta),
      ],
    };
  }

  /** All of it as plain data, the traces and calls that show it by their ids. */
  toJSON(): ExplanationJson {
    const { subject, findings, figures, meta } = this;
    const ids = (finding: Finding) => ({
      traces: finding.traces.map(({ id }) => id),
      calls: finding.calls.flatMap(({ requestId }) => requestId ?? []),
    });
    return { subject, findings: findings.map((finding) => ({ ...finding, ...ids(finding) })), figures, meta };
  }
}

/** The figures as people read them: each in its own unit. */
const figuresTable = (figures: readonly Figure[]): Table =>
  Table.of(
    [text(""), number("before"), number("after")],
    figures.map(({ name, unit, before, after }) => [name, printValue(before, unit), printValue(after, unit)]),
  );

const itemOf = (finding: Finding, i: number): Item => ({
  text: finding.message,
  tone: i === 0 ? "bad" : undefined,
  details: detailsOf(finding),
});

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
