import { type Inquiry, traceInquiry } from "./inquiry.ts";
import { Listeners, type Listening, type Origin } from "./listening.ts";
import { Trail } from "./request-span.ts";

/**
 * Tells OpenTelemetry of one client's questions and requests. Its API is loaded with the first of them; where nobody
 * listens nothing is made of them.
 */
export class Telemetry {
  readonly #origin: Origin | undefined;
  #listeners: Listeners | undefined;

  /** @param origin `undefined` where nothing is to be told */
  constructor(origin: Origin | undefined) {
    this.#origin = origin;
  }

  /** Whether it is known who listens; otherwise {@link Telemetry.load} comes first. */
  get isReady(): boolean {
    return this.#listeners !== undefined || this.#origin === undefined;
  }

  async load(): Promise<void> {
    this.#listeners ??= new Listeners(await import("@opentelemetry/api"));
  }

  /** Does `task`, which puts the question to the backend, within the question's span. */
  ask<A>(inquiry: Inquiry<A>, task: () => Promise<A>): Promise<A> {
    if (!this.isReady) return this.load().then(() => this.ask(inquiry, task));
    const listening = this.#listening();
    if (this.#origin === undefined || listening === undefined) return task();
    return traceInquiry(inquiry, task, this.#origin, listening);
  }

  /** What records the requests of the question under way; `undefined` where nobody listens. */
  trail(): Trail | undefined {
    const listening = this.#listening();
    return this.#origin && listening && new Trail(this.#origin, listening);
  }

  #listening(): Listening | undefined {
    return this.#origin && this.#listeners?.find();
  }
}
