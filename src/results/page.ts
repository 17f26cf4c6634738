import { type HtmlOptions, htmlOf } from "./html.ts";
import type { Presentable } from "./result.ts";

/**
 * Several results as one page of HTML, one below the other under a title: a report to keep, to mail or to publish.
 *
 * @param options `fragment: true` gives only the part that can stand in another page
 * @example
 * import { writeFileSync } from "node:fs";
 *
 * const results = [await edge.success("5m"), await edge.rate("5m").over({ last: "6h" })];
 * writeFileSync("nightly.html", page("Nightly", results));
 */
export const page = (title: string, results: readonly Presentable[], options: HtmlOptions = {}): string =>
  htmlOf(
    results.map((result) => result.toView()),
    options,
    title,
  );
