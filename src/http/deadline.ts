import { onAbort } from "./abort.ts";

/** Ends one question: when its time is over, or when its caller gives up. */
export interface Deadline {
  /** Aborts at the deadline, or with the caller's own reason. */
  readonly signal: AbortSignal;
  /** Whether it was time, not the caller, that ended the question. */
  readonly expired: boolean;
  /** Why the question ended: the caller's own reason where it was the caller; `undefined` as long as it has not. */
  readonly end: { readonly reason: unknown } | undefined;
  /** The promise's outcome, or the reason of the end if that comes first; the promise is then left to settle unseen. */
  until<T>(promise: Promise<T>): Promise<T>;
  /** Takes back the timer and the listener on the caller's signal. */
  close(): void;
}

/** Starts the clock of one question; real time, because what it guards against is a real server that hangs. */
export function startDeadline(timeoutMs: number, caller: AbortSignal | undefined): Deadline {
  return new Clock(timeoutMs, caller);
}

class Clock implements Deadline {
  expired = false;
  end: { readonly reason: unknown } | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #forget: (() => void) | undefined;
  #waiting: ((reason: unknown) => void)[] = [];
  /** Made when it is asked for: most questions need none, and it costs more than the rest of this. */
  #controller: AbortController | undefined;

  constructor(timeoutMs: number, caller: AbortSignal | undefined) {
    this.#timer = setTimeout(() => this.#expire(), timeoutMs);
    this.#forget = caller === undefined ? undefined : onAbort(caller, () => this.#finish(caller.reason));
    // One that has aborted does not say so again.
    if (caller?.aborted === true) this.#finish(caller.reason);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.end !== undefined) this.#controller.abort(this.end.reason);
    return this.#controller.signal;
  }

  until<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.end === undefined) this.#waiting.push(reject);
      else reject(this.end.reason);
      promise.then(resolve, reject);
    });
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#forget?.();
  }

  #expire(): void {
    if (this.end !== undefined) return;
    this.expired = true;
    this.#finish(new DOMException("The deadline has passed", "AbortError"));
  }

  #finish(reason: unknown): void {
    if (this.end !== undefined) return;
    this.end = { reason };
    this.#controller?.abort(reason);
    for (const reject of this.#waiting.splice(0)) reject(reason);
  }
}

/**
 * What `work` comes to, of several requests under one deadline.
 *
 * @param late the error where the time is over; the caller's own reason passes through as it is
 */
export async function withinDeadline<T>(
  timeoutMs: number,
  caller: AbortSignal | undefined,
  late: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  caller?.throwIfAborted();
  const deadline = startDeadline(timeoutMs, caller);
  try {
    return await work(deadline.signal);
  } catch (error) {
    throw deadline.expired ? late() : error;
  } finally {
    deadline.close();
  }
}
