import { onAbort } from "../http/abort.ts";

/**
 * The outcomes of several questions in their order, all of them or none: the first that fails ends the others.
 *
 * @param ask is given each part and a signal that aborts with the caller's, or when another part failed
 */
export async function together<Part, Outcome>(
  parts: readonly Part[],
  caller: AbortSignal | undefined,
  ask: (part: Part, signal: AbortSignal) => Promise<Outcome>,
): Promise<Outcome[]> {
  caller?.throwIfAborted();
  const controller = new AbortController();
  const forget = caller === undefined ? undefined : onAbort(caller, () => controller.abort(caller.reason));
  try {
    return await Promise.all(parts.map((part) => ask(part, controller.signal)));
  } catch (error) {
    controller.abort(error);
    throw error;
  } finally {
    forget?.();
  }
}

/** The items in runs of at most `most`. */
export function runsOf<T>(items: readonly T[], most: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / most) }, (_, i) => items.slice(i * most, (i + 1) * most));
}
