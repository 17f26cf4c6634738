/** One signal's callbacks, behind the single listener that the signal carries for them all. */
interface Fan {
  readonly callbacks: Set<() => void>;
  readonly dispatch: () => void;
}

/** A signal nobody waits on is not in the map. */
const fans = new WeakMap<AbortSignal, Fan>();

/**
 * Calls `callback` once when `signal` aborts, and returns what takes that back.
 *
 * However many callbacks wait on one signal, it carries a single listener: Node 20 warns of a leak from the eleventh
 * on, and a page of queries may well share one signal.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const fan = fans.get(signal) ?? openFan(signal);
  // Wrapped, so that the same function given twice is called twice.
  const entry = () => callback();
  fan.callbacks.add(entry);
  return () => {
    if (fan.callbacks.delete(entry) && fan.callbacks.size === 0) closeFan(signal, fan);
  };
}

/** The promise's outcome, or the signal's reason if that comes first; the promise is then left to settle unseen. */
export function untilAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    const forget = onAbort(signal, () => reject(signal.reason));
    promise.then(resolve, reject).then(forget);
  });
}

function openFan(signal: AbortSignal): Fan {
  const callbacks = new Set<() => void>();
  const dispatch = () => {
    const waiting = [...callbacks];
    callbacks.clear();
    closeFan(signal, fan);
    for (const callback of waiting) callback();
  };
  const fan = { callbacks, dispatch };
  fans.set(signal, fan);
  signal.addEventListener("abort", dispatch);
  return fan;
}

function closeFan(signal: AbortSignal, fan: Fan): void {
  signal.removeEventListener("abort", fan.dispatch);
  if (fans.get(signal) === fan) fans.delete(signal);
}
