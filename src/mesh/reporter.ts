import type { MetricsBackend } from "../metrics/backend.ts";
import { aggregate, by, matcher, print, selector } from "../promql/index.ts";
import type { AskOptions } from "../time.ts";
import { METRICS } from "./istio.ts";
import { endMatchers, type KnownReporter, type Scope } from "./scope.ts";

/** How long an answer to "who reports here?" is believed. */
const BELIEVED_MS = 5 * 60_000;
/** How many scopes' answers are kept. */
const MOST_KEPT = 1000;

/** Finds out who reports on a scope, and remembers it for a while. */
export class ReporterChoice {
  readonly #backend: MetricsBackend;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly reporter: KnownReporter; readonly untilMs: number }>();

  constructor(backend: MetricsBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
  }

  /**
   * The reporter that counts each request of `scope` once: the callee's side where it reports, with waypoints beside
   * it where there are any; the caller's side where nobody else does. Without any series it is the callee's.
   */
  async of(scope: Scope, atMs: number | undefined, options: AskOptions): Promise<KnownReporter> {
    const counted = matcher("__name__", "=~", `${METRICS.requests}|${METRICS.tcpOpened}`);
    const expr = aggregate("group", selector(undefined, [counted, ...endMatchers(scope)]), {
      grouping: by("reporter"),
    });
    // Questions about nearby times have one answer: a range that ends now is asked about at another time each time.
    const key = `${atMs === undefined ? "now" : Math.floor(atMs / BELIEVED_MS)} ${print(expr)}`;
    const known = this.#known.get(key);
    if (known !== undefined && known.untilMs > this.#now()) return known.reporter;
    const { data } = await this.#backend.instant(expr, atMs, options);
    const seen = new Set(data.kind === "vector" ? data.labels.map((labels) => labels.reporter) : []);
    const reporter = choose(seen);
    if (seen.size > 0) this.#remember(key, reporter);
    return reporter;
  }

  #remember(key: string, reporter: KnownReporter): void {
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MOST_KEPT && oldest !== undefined) this.#known.delete(oldest);
    this.#known.delete(key);
    this.#known.set(key, { reporter, untilMs: this.#now() + BELIEVED_MS });
  }
}

function choose(seen: ReadonlySet<string | undefined>): KnownReporter {
  if (seen.has("destination")) return seen.has("waypoint") ? "destination|waypoint" : "destination";
  if (seen.has("waypoint")) return "waypoint";
  return seen.has("source") ? "source" : "destination";
}
