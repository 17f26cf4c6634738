import { type Expr, walk } from "../../promql/index.ts";
import { formatDuration } from "../../time.ts";
import type { Answer } from "../backend.ts";

/** Functions that need two samples in their window to say anything. */
const NEED_TWO: ReadonlySet<string> = new Set([
  "delta",
  "deriv",
  "idelta",
  "increase",
  "irate",
  "predict_linear",
  "rate",
] satisfies (Expr & { kind: "call" })["func"][]);
/** With so many a missed scrape leaves no gap. */
const SAFE_INTERVALS = 4;

/** What is to be said of an expression's windows. */
export interface WindowRemarks {
  /** Of windows that hold too few samples for an answer. */
  readonly warnings: readonly string[];
  /** Of windows that hold only just enough. */
  readonly infos: readonly string[];
}

const NONE: WindowRemarks = Object.freeze({ warnings: [], infos: [] });

/** The answer, with what is to be said of the windows of the expression that it is to. */
export function remarked<T>(answer: Answer<T>, expr: Expr, scrapeIntervalMs: number | undefined): Answer<T> {
  const { warnings, infos } = windowRemarks(expr, scrapeIntervalMs);
  return { ...answer, warnings: [...answer.warnings, ...warnings], infos: [...answer.infos, ...infos] };
}

/** Says where a rate's window is too short for the time between two scrapes; nothing where that is not known. */
export function windowRemarks(expr: Expr, scrapeIntervalMs: number | undefined): WindowRemarks {
  if (scrapeIntervalMs === undefined) return NONE;
  const warnings = new Set<string>();
  const infos = new Set<string>();
  const interval = formatDuration(scrapeIntervalMs);
  const safe = formatDuration(SAFE_INTERVALS * scrapeIntervalMs);
  walk(expr, (node) => {
    if (node.kind !== "call" || !NEED_TWO.has(node.func)) return;
    const window = node.args.find((arg) => arg.kind === "matrix");
    if (window === undefined || window.rangeMs >= SAFE_INTERVALS * scrapeIntervalMs) return;
    const what = `${node.func}(…[${formatDuration(window.rangeMs)}])`;
    if (window.rangeMs < 2 * scrapeIntervalMs) {
      warnings.add(
        `PromQL window: ${what} needs two samples, and targets are scraped every ${interval}: values are missing; write [${safe}] or more`,
      );
    } else {
      infos.add(
        `PromQL window: ${what} holds few samples where targets are scraped every ${interval}: one missed scrape leaves a gap; [${safe}] or more does not`,
      );
    }
  });
  return warnings.size + infos.size === 0 ? NONE : { warnings: [...warnings], infos: [...infos] };
}
