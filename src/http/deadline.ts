import { onAbort } from "./abort.ts";

/** Ends one question: when its time is over, or when its caller gives up. */
export interface Deadline {
  /** Aborts at the deadline, or with the caller's own reason. */
  readonly signal: AbortSignal;
  /** Whether it was time, not the caller, that ended the question. */
  readonly expired: boolean;
  /** Takes back the timer and the listener on the caller's signal. */
  close(): void;
}

/** Starts the clock of one question; real time, because what it guards against is a real server that hangs. */
export function startDeadline(timeoutMs: number, caller: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  let expired = false;
  const timer = setTimeout(() => {
    if (controller.signal.aborted) return;
    expired = true;
    controller.abort();
  }, timeoutMs);
  const forget = caller === undefined ? undefined : onAbort(caller, () => controller.abort(caller.reason));
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    close() {
      clearTimeout(timer);
      forget?.();
    },
  };
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
