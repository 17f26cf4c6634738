import type { Redactor } from "./redaction.ts";

/** What is told of each step on the way to a backend: `console`, OpenTelemetry's `diag`, or any logger that has this. */
export interface DebugLogger {
  /**
   * Takes what happened to a request.
   *
   * @param message one line
   * @param details the same as fields: `backend`, `method`, `url`, and what became of it
   */
  debug(message: string, details: Readonly<Record<string, unknown>>): void;
}

/** Tells a caller's logger, and nothing that is secret. */
export class DebugLog {
  readonly #logger: DebugLogger;
  readonly #backend: string;
  readonly #redactor: Redactor;

  constructor(logger: DebugLogger, backend: string, redactor: Redactor) {
    this.#logger = logger;
    this.#backend = backend;
    this.#redactor = redactor;
  }

  /** @param what happened to the request, as the end of a sentence */
  note(method: string, url: URL | string, what: string, details: Readonly<Record<string, number | string>> = {}): void {
    const shown = this.#redactor.url(new URL(url));
    const line = `meshquery: ${this.#backend}: ${method} ${shown} ${this.#redactor.text(what)}`;
    try {
      this.#logger.debug(line, { backend: this.#backend, method, url: shown, ...details });
    } catch {
      // A logger that fails is no reason for a question to fail.
    }
  }
}
