import { plain } from "../../results/text.ts";
import type { Check, CheckStatus, Signal } from "./check.ts";

/** What a mesh's telemetry can answer, and what to do about the rest. */
export class Checkup implements Iterable<Check> {
  readonly checks: readonly Check[];

  constructor(checks: readonly Check[]) {
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

  toString(): string {
    return this.checks
      .flatMap(({ signal, name, status, message, remedy }) => [
        plain(`${MARKS[status]} ${signal} ${name}: ${message}`),
        ...(remedy === undefined ? [] : [plain(`    → ${remedy}`)]),
      ])
      .join("\n");
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

const MARKS: Readonly<Record<CheckStatus, string>> = { ok: "✓", warning: "!", failed: "✗", skipped: "–" };
