import { type Tone, text } from "../../results/column.ts";
import { Result, Table } from "../../results/result.ts";
import { plain } from "../../results/text.ts";
import { tablePart, type View } from "../../results/view.ts";
import type { Check, CheckStatus, Signal } from "./check.ts";

/** What a mesh's telemetry can answer, and what to do about the rest. */
export class Checkup extends Result implements Iterable<Check> {
  readonly checks: readonly Check[];

  constructor(checks: readonly Check[]) {
    super();
    this.checks = Object.freeze(checks);
    Object.freeze(this);
  }

  /** Whether nothing failed; warnings and what was skipped do not count. */
  get isHealthy(): boolean {
    return this.checks.every(({ status }) => status !== "failed");
  }

  /** What is to be done, in the order of the checks. */
  get remedies(): readonly string[] {
    return [...new Set(this.checks.flatMap(({ remedy }) => remedy ?? []))];
  }

  /** The check of that signal and name, or `undefined`. */
  get(signal: Signal, name: string): Check | undefined {
    return this.checks.find((check) => check.signal === signal && check.name === name);
  }

  /** The checks, those of metrics first. */
  [Symbol.iterator](): IterableIterator<Check> {
    return this.checks[Symbol.iterator]();
  }

  /** A row for each check. */
  toTable(): Table {
    return Table.of(
      [
        text("", "people"),
        ...["signal", "check"].map((name) => text(name)),
        text("status", "programs"),
        ...["found", "to do"].map((name) => text(name)),
      ],
      this.checks.map(({ signal, name, status, message, remedy }) => [
        MARKS[status],
        signal,
        name,
        status,
        message,
        remedy,
      ]),
      (row) => TONES[this.checks[row]?.status ?? "ok"],
    );
  }

  /** A line for each check, with what is to be done below it. */
  override toString(): string {
    return this.checks
      .flatMap(({ signal, name, status, message, remedy }) => [
        plain(`${MARKS[status]} ${signal} ${name}: ${message}`),
        ...(remedy === undefined ? [] : [plain(`    → ${remedy}`)]),
      ])
      .join("\n");
  }

  toView(): View {
    return { parts: [tablePart(this.toTable(), this.toString())], notes: [] };
  }

  toJSON(): { readonly isHealthy: boolean; readonly checks: readonly Check[] } {
    return { isHealthy: this.isHealthy, checks: this.checks };
  }
}

const MARKS: Readonly<Record<CheckStatus, string>> = { ok: "✓", warning: "!", failed: "✗", skipped: "–" };
const TONES: Readonly<Record<CheckStatus, Tone | undefined>> = {
  ok: undefined,
  warning: "warn",
  failed: "bad",
  skipped: "quiet",
};
