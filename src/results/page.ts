import { type HtmlOptions, htmlOf } from "./html.ts";
import type { Presentable } from "./result.ts";

/**
 * Several results as one page of HTML, one below the other under a title: a report to keep, to mail or to publish.
 *
 * @param options `fragment: true` gives only the part that can stand in another page
 * @example
 * writeFileSync("nightly.html", page("Nightly", [await objective.status(), await edge.rate("5m").over({ last: "1d" })]))
 */
export const page = (title: string, results: readonly Presentable[], options: HtmlOptions = {}): string =>
  htmlOf(
    results.map((result) => result.toView()),
    options,
    title,
  );
