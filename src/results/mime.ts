import { MeshQueryError } from "../errors.ts";
import { htmlOf } from "./html.ts";
import { markdownOf } from "./markdown.ts";
import { textOf } from "./text-view.ts";
import type { VegaLiteSpec } from "./vega-lite.ts";
import { linesPart, type View } from "./view.ts";

/** The method by which Deno's kernel asks a value how it looks; its answer, or what that promises, is a bundle. */
export const DISPLAY: unique symbol = Symbol.for("Jupyter.display") as typeof DISPLAY;
/** The method by which `console.log` of Node asks a value for its text, and Deno's too. */
export const INSPECT: unique symbol = Symbol.for("nodejs.util.inspect.custom") as typeof INSPECT;

/** The media type of {@link VegaLiteSpec}. */
export const VEGA_LITE = "application/vnd.vegalite.v5+json";

/** One result in several media types, of which a notebook shows the best that it knows. */
export interface MimeBundle {
  readonly "text/html": string;
  readonly "text/markdown": string;
  readonly "text/plain": string;
  readonly "application/vnd.vegalite.v5+json"?: VegaLiteSpec;
}

/** A view as a notebook takes it: with what stands for it where only text can, and a chart of its own where there is one. */
export function bundleOf(view: View, text = textOf(view), chart?: VegaLiteSpec): MimeBundle {
  return {
    "text/html": htmlOf([view], { fragment: true }),
    ...(chart === undefined ? {} : { [VEGA_LITE]: chart }),
    "text/markdown": markdownOf(view),
    "text/plain": text,
  };
}

/** What is shown in place of a result that could not be had. */
export function failureView(error: unknown): View {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const query = error instanceof MeshQueryError ? error.query : undefined;
  const code = query === undefined || message.includes(query) ? [] : [{ kind: "code", text: query } as const];
  return {
    parts: [linesPart(...message.split("\n").map((text) => ({ text, tone: "bad" }) as const)), ...code],
    notes: [],
  };
}

/** The bundle that `ask` promises; where it fails, one that says why: what a cell ends with is shown, never thrown. */
export async function displayed(ask: () => Promise<MimeBundle>): Promise<MimeBundle> {
  try {
    return await ask();
  } catch (error) {
    return bundleOf(failureView(error));
  }
}
