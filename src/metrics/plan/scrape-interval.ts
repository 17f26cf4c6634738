import { MeshQueryError } from "../../errors.ts";
import { aggregate, binary, call, matrix, number, selector } from "../../promql/index.ts";
import type { AskOptions } from "../../time.ts";
import type { MetricsBackend } from "../backend.ts";

/** How long a finding is believed. */
const BELIEVED_MS = 3_600_000;
/** How long nothing is asked again where nothing was found. */
const LEFT_ALONE_MS = 5 * 60_000;
/** How long anyone waits for it who has another question. */
const PATIENCE_MS = 5000;
/** Two scrapes of the slowest target that counts lie within this. */
const LOOK_BACK_MS = 10 * 60_000;

const SCRAPES = matrix(selector("scrape_duration_seconds"), LOOK_BACK_MS);

/**
 * The seconds between the last two scrapes of the middle target.
 *
 * A scrape's own duration differs from scrape to scrape, so its last change over the rate of that change is the time
 * between the two: exact, one number, and there wherever a Prometheus scrapes or writes to. Where it went down, the rate
 * takes that for a counter's reset and counts from 0.
 */
const SPACING = aggregate(
  "quantile",
  binary(
    "/",
    binary("or", binary(">", call("idelta", SCRAPES), number(0)), call("last_over_time", SCRAPES)),
    binary(">", call("irate", SCRAPES), number(0)),
  ),
  { param: number(0.5) },
);

/** Finds out, once in a while, how often a backend's targets are scraped. */
export class ScrapeInterval {
  readonly #instant: MetricsBackend["instant"];
  readonly #passedMs: () => number;
  #found: { readonly ms: number | undefined; readonly untilMs: number } | undefined;

  constructor(instant: MetricsBackend["instant"], passedMs: () => number) {
    this.#instant = instant;
    this.#passedMs = passedMs;
  }

  /** What was found last, in milliseconds. */
  get knownMs(): number | undefined {
    return this.#found?.ms;
  }

  /** The time between two scrapes in milliseconds; `undefined` where nothing tells, and never an error of its own. */
  async find({ signal, timeoutMs = PATIENCE_MS }: AskOptions): Promise<number | undefined> {
    if (this.#found !== undefined && this.#found.untilMs > this.#passedMs()) return this.#found.ms;
    try {
      const { data } = await this.#instant(SPACING, undefined, { signal, timeoutMs: Math.min(timeoutMs, PATIENCE_MS) });
      const ms = data.kind === "vector" ? spacingMs(data.values[0]) : undefined;
      this.#remember(ms, ms === undefined ? LEFT_ALONE_MS : BELIEVED_MS);
    } catch (error) {
      // The question that this is asked for will say itself what is wrong.
      if (!(error instanceof MeshQueryError)) throw error;
      // That one caller had no time for it is nothing that others should know it by.
      const isHasty = timeoutMs < PATIENCE_MS && (error.code === "deadline" || error.code === "timeout");
      if (!isHasty) this.#remember(this.knownMs, LEFT_ALONE_MS);
    }
    return this.knownMs;
  }

  #remember(ms: number | undefined, forMs: number): void {
    this.#found = { ms, untilMs: this.#passedMs() + forMs };
  }
}

/** Scrapes come late by milliseconds; intervals are whole seconds, but for those below one. */
function spacingMs(seconds: number | undefined): number | undefined {
  if (seconds === undefined || !(seconds > 0)) return undefined;
  return seconds < 0.95 ? Math.max(1, Math.round(seconds * 100) * 10) : Math.round(seconds) * 1000;
}
