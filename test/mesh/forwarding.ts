/** Hands batches on to a backend over HTTP, tries again for a while, and counts what could not be handed on. */
import { setTimeout as sleep } from "node:timers/promises";

export interface Batch {
  readonly body: Buffer;
  /** Spans or lines in it. */
  readonly items: number;
  readonly takenAtMs: number;
}

export interface Receiver {
  readonly name: string;
  readonly url: string;
  readonly contentType?: string;
  /** What is wrong with an answer whose status is good; undefined when nothing is. */
  readonly complaint?: (answer: string) => string | undefined;
}

export interface ForwardingCounts {
  readonly forwarded: number;
  readonly waiting: number;
  /** Attempts that failed and were made again. */
  readonly retries: number;
  /** Given up; the reason is on stderr. */
  readonly lost: number;
}

export interface ForwardingOptions {
  /** More than this may not wait. */
  readonly mostWaitingBytes: number;
  readonly giveUpAfterMs: number;
  readonly requestsAtOnce: number;
}

export class Forwarding {
  readonly name: string;
  readonly #receiver: Receiver;
  readonly #options: ForwardingOptions;
  readonly #queue: Batch[] = [];
  #waitingBytes = 0;
  #sending = 0;
  #counts = { forwarded: 0, waiting: 0, retries: 0, lost: 0 };

  constructor(receiver: Receiver, options: ForwardingOptions) {
    this.name = receiver.name;
    this.#receiver = receiver;
    this.#options = options;
  }

  get counts(): ForwardingCounts {
    return { ...this.#counts };
  }

  hasRoomFor(body: Buffer): boolean {
    return this.#waitingBytes + body.length <= this.#options.mostWaitingBytes;
  }

  take(batch: Batch): void {
    this.#queue.push(batch);
    this.#waitingBytes += batch.body.length;
    this.#counts.waiting += batch.items;
    if (this.#sending < this.#options.requestsAtOnce) void this.#send();
  }

  async #send(): Promise<void> {
    this.#sending += 1;
    for (let batch = this.#queue.shift(); batch !== undefined; batch = this.#queue.shift()) {
      const failure = await this.#forward(batch);
      this.#waitingBytes -= batch.body.length;
      this.#counts.waiting -= batch.items;
      if (failure === undefined) {
        this.#counts.forwarded += batch.items;
      } else {
        this.#counts.lost += batch.items;
        process.stderr.write(`${new Date().toISOString()} ${this.name} lost ${batch.items}: ${failure}\n`);
      }
    }
    this.#sending -= 1;
  }

  /** Why the batch could not be handed on; undefined when it was. */
  async #forward({ body, takenAtMs }: Batch): Promise<string | undefined> {
    for (let pauseMs = 50; ; pauseMs = Math.min(2000, pauseMs * 2)) {
      const failure = await this.#post(body);
      if (failure === undefined) return undefined;
      if (failure.final || performance.now() - takenAtMs > this.#options.giveUpAfterMs) return failure.why;
      this.#counts.retries += 1;
      await sleep(pauseMs);
    }
  }

  async #post(body: Buffer): Promise<{ why: string; final: boolean } | undefined> {
    const { url, contentType = "application/json", complaint } = this.#receiver;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": contentType },
        body: new Uint8Array(body),
        signal: AbortSignal.timeout(10_000),
      });
      const answer = await response.text();
      const wrong = response.ok ? complaint?.(answer) : answer;
      if (wrong === undefined && response.ok) return undefined;
      // What a backend does not understand now it will not understand later.
      const final = response.ok || (response.status >= 400 && response.status < 500 && response.status !== 429);
      return { why: `${url} answered ${response.status} ${wrong?.slice(0, 300)}`, final };
    } catch (error) {
      const { message, cause } = error as Error;
      return { why: `${url}: ${cause instanceof Error ? cause.message : message}`, final: false };
    }
  }
}
