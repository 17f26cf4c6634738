import { peer } from "./peer.ts";
import type { VegaLiteSpec } from "./vega-lite.ts";

/** What is used of the package `vega`. */
export interface VegaLibrary {
  /** Makes of a specification what a view runs. */
  parse(spec: never): never;
  readonly View: new (
    runtime: never,
    options?: { readonly renderer?: "none" },
  ) => {
    /** Draws. */
    toSVG(): Promise<string>;
    /** Ends the view. */
    finalize(): unknown;
  };
}

/** What is used of the package `vega-lite`. */
export interface VegaLiteLibrary {
  /** Makes a specification of Vega of one of Vega-Lite. */
  compile(spec: never): { readonly spec: unknown };
}

/** Which libraries draw. */
export interface SvgOptions {
  /** `import * as vega from "vega"`, where a bundler must know of it; imported when left out. */
  readonly vega?: VegaLibrary | undefined;
  /** `import * as vegaLite from "vega-lite"`; likewise. */
  readonly vegaLite?: VegaLiteLibrary | undefined;
}

/**
 * A chart as SVG, drawn by Vega without a browser.
 *
 * @throws {QueryError} `code: "peer"` when `vega` or `vega-lite` is not installed
 */
export async function svgOf(spec: VegaLiteSpec, options: SvgOptions = {}): Promise<string> {
  const vega = options.vega ?? ((await peer("vega", "toSVG", "vega vega-lite")) as VegaLibrary);
  const vegaLite = options.vegaLite ?? ((await peer("vega-lite", "toSVG", "vega vega-lite")) as VegaLiteLibrary);
  const compiled = vegaLite.compile(spec as never).spec;
  const view = new vega.View(vega.parse(compiled as never), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
