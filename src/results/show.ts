import { DISPLAY, type MimeBundle } from "./mime.ts";

/** What shows itself: every result, and every query and search that has not been asked yet. */
export interface Showable {
  /** What a notebook is given, by media type. */
  [DISPLAY](): MimeBundle | PromiseLike<MimeBundle>;
}

/** What is used of the module `tslab`, which only its kernel has. */
export interface Tslab {
  readonly display: {
    /** Shows markup. */
    html(html: string): void;
  };
}

/**
 * Shows a result in the notebook at hand: Deno's by itself, tslab's where its module is given. Elsewhere it is printed.
 * A cell's last expression needs none of this in Deno; other results of a cell do, and so does all of tslab.
 *
 * A query or search is asked, and what fails is shown as what failed.
 *
 * @example
 * ```ts needs: tslab, which only its kernel has
 * import * as tslab from "tslab";
 *
 * await show(mesh.edge("frontend", "backend").rate("5m"), tslab);
 * ```
 */
export async function show(result: Showable, tslab?: Tslab): Promise<void> {
  if (tslab !== undefined) {
    tslab.display.html((await result[DISPLAY]())["text/html"]);
    return;
  }
  const kernel = denoKernel();
  if (kernel !== undefined) {
    await kernel.display(result);
    return;
  }
  console.log((await result[DISPLAY]())["text/plain"]);
}

/** What is used of `Deno.jupyter`. */
export interface DenoKernel {
  display(value: unknown): Promise<void>;
  broadcast(kind: string, content: object): Promise<void>;
}

/** Deno's kernel; outside a notebook Deno has none, or throws when it is asked for. */
export function denoKernel(): DenoKernel | undefined {
  const { Deno } = globalThis as { readonly Deno?: { readonly jupyter?: DenoKernel } };
  try {
    return typeof Deno?.jupyter?.display === "function" ? Deno.jupyter : undefined;
  } catch {
    return undefined;
  }
}
