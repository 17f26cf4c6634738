import { PromqlSyntaxError } from "../../../errors.ts";
import { compareLabels, compareText, Labels } from "../../../promql/engine/labels.ts";
import { type LabelRecord, type Matcher, parse, type SeriesStorage } from "../../../promql/index.ts";
import { formatDuration } from "../../../time.ts";
import type { ServerReply, ServerRequest } from "../exchange.ts";
import { goJson } from "../go-text.ts";
import { CUT, labelsJson, success } from "./answer.ts";
import { ApiFault, invalidParameter, limitParameter, optionalTime } from "./parameters.ts";

/** Without times, a server tells of all that it keeps; this one, which keeps nothing, of the last so much. */
const WINDOW_MS = 3_600_000;

/** The questions about series rather than their values. */
export class SeriesQuestions {
  readonly #storage: SeriesStorage;
  readonly #now: () => number;

  constructor(storage: SeriesStorage, now: () => number) {
    this.#storage = storage;
    this.#now = now;
  }

  /** `/api/v1/labels` */
  labels({ form }: ServerRequest): ServerReply {
    const limit = limitParameter(form);
    return list(
      this.#matching(form, (reason) => new ApiFault("bad_data", reason)).flatMap((labels) => Object.keys(labels)),
      limit,
    );
  }

  /** `/api/v1/label/…/values` */
  values({ form }: ServerRequest, given: string): ServerReply {
    const name = given.startsWith("U__") ? unescaped(given) : given;
    if (name === "") throw new ApiFault("bad_data", 'invalid label name: ""');
    const limit = limitParameter(form);
    const found = this.#matching(form, (reason) => new ApiFault("bad_data", reason));
    return list(
      found.flatMap((labels) => (Object.hasOwn(labels, name) ? [labels[name] ?? ""] : [])),
      limit,
    );
  }

  /** `/api/v1/series` */
  series({ form }: ServerRequest): ServerReply {
    if (!form.has("match[]")) throw new ApiFault("bad_data", "no match[] parameter provided");
    const limit = limitParameter(form);
    const found = this.#matching(form, (reason) => invalidParameter("match[]", reason));
    const sorted = found.map((record) => Labels.of(record)).sort(compareLabels);
    const cut = limit > 0 && sorted.length > limit;
    const kept = (cut ? sorted.slice(0, limit) : sorted).map((labels) => labelsJson(labels.toRecord()));
    return success(`[${kept.join(",")}]`, { warnings: cut ? [CUT] : [] });
  }

  /** `/api/v1/metadata`, told from the names that there are: Envoy says of its metrics no more than their type. */
  metadata({ form }: ServerRequest): ServerReply {
    const limit = wholeNumber(form, "limit");
    wholeNumber(form, "limit_per_metric");
    const wanted = form.get("metric") ?? "";
    const names = new Set(this.#within([], {}).map((labels) => labels.__name__ ?? ""));
    const types = new Map(
      [...names]
        .filter((name) => !MADE_BY_SCRAPES.has(name))
        .sort(compareText)
        .map((name) => familyOf(name, names)),
    );
    const found = [...types].filter(([family]) => wanted === "" || wanted === family);
    const kept = limit !== undefined && limit >= 0 ? found.slice(0, limit) : found;
    return success(goJson(Object.fromEntries(kept.map(([family, type]) => [family, [{ type, unit: "", help: "" }]]))));
  }

  /** `/api/v1/targets`, told from the series `up`. */
  targets({ query }: ServerRequest): ServerReply {
    const pool = query.get("scrapePool") ?? "";
    const state = (query.get("state") ?? "").toLowerCase();
    const nowMs = this.#now();
    const up = state === "dropped" ? [] : [...this.#storage.select([UP], nowMs - 300_000, nowMs)];
    const intervalMs = this.#scrapeIntervalMs(nowMs);
    const scrapeInterval = formatDuration(intervalMs);
    const scrapeTimeout = formatDuration(Math.min(intervalMs, LONGEST_TIMEOUT_MS));
    const active = up
      .map(({ labels, timesMs, values }) => {
        const { __name__: _, ...own } = labels;
        const url = `http://${own.instance ?? ""}/metrics`;
        const health = values.at(-1) === 1 ? "up" : "down";
        return {
          discoveredLabels: { __address__: own.instance ?? "", job: own.job ?? "" },
          labels: own,
          scrapePool: own.job ?? "",
          scrapeUrl: url,
          globalUrl: url,
          lastError: health === "up" ? "" : "server returned HTTP status 503 Service Unavailable",
          lastScrape: new Date(timesMs.at(-1) ?? nowMs).toISOString(),
          lastScrapeDuration: 0.01,
          health,
          scrapeInterval,
          scrapeTimeout,
        };
      })
      .filter(({ scrapePool }) => pool === "" || scrapePool === pool);
    return success(goJson({ activeTargets: active, droppedTargets: [], droppedTargetCounts: {} }));
  }

  /** The time between the last two scrapes of a target, as long as it was scraped twice within a day. */
  #scrapeIntervalMs(nowMs: number): number {
    for (const spanMs of [300_000, 3_600_000, 86_400_000]) {
      for (const { timesMs } of this.#storage.select([UP], nowMs - spanMs, nowMs)) {
        const [before, last] = timesMs.subarray(-2);
        if (before !== undefined && last !== undefined) return last - before;
      }
    }
    return DEFAULT_INTERVAL_MS;
  }

  /** The labels of every series that one of the selectors selects, each once. */
  #matching(form: URLSearchParams, refuse: (reason: string) => ApiFault): readonly LabelRecord[] {
    const span = {
      fromMs: form.get("start") ? optionalTime(form, "start", 0) : undefined,
      toMs: form.get("end") ? optionalTime(form, "end", 0) : undefined,
    };
    const sets = form.getAll("match[]").map((text) => matchersIn(text, refuse));
    if (sets.length < 2) return this.#within(sets[0] ?? [], span);
    const found = sets.flatMap((matchers) => this.#within(matchers, span));
    return [...new Map(found.map((labels) => [Labels.of(labels).key, labels])).values()];
  }

  #within(
    matchers: readonly Matcher[],
    {
      toMs = this.#now(),
      fromMs = toMs - WINDOW_MS,
    }: { readonly fromMs?: number | undefined; readonly toMs?: number | undefined },
  ): readonly LabelRecord[] {
    return Array.from(this.#storage.select(matchers, fromMs, toMs), ({ labels }) => labels);
  }
}

const UP: Matcher = { label: "__name__", op: "=", value: "up" };

/** Prometheus's own defaults. */
const DEFAULT_INTERVAL_MS = 60_000;
const LONGEST_TIMEOUT_MS = 10_000;

/** What a scrape adds has no metadata. */
const MADE_BY_SCRAPES: ReadonlySet<string> = new Set([
  "up",
  "scrape_duration_seconds",
  "scrape_samples_post_metric_relabeling",
  "scrape_samples_scraped",
  "scrape_series_added",
]);

function familyOf(name: string, names: ReadonlySet<string>): readonly [string, string] {
  const family = name.replace(/_(?:bucket|count|sum)$/, "");
  if (family !== name && names.has(`${family}_bucket`)) return [family, "histogram"];
  return [name, name.endsWith("_total") ? "counter" : "gauge"];
}

function wholeNumber(form: URLSearchParams, name: string): number | undefined {
  const text = form.get(name) ?? "";
  if (text === "") return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw new ApiFault("bad_data", `${name} must be a number`);
  return Number(text);
}

/** The matchers of a selector, the name of its metric among them. */
function matchersIn(text: string, refuse: (reason: string) => ApiFault): readonly Matcher[] {
  const selector = parsedSelector(text, refuse);
  const { name, matchers } = selector;
  return name === undefined ? matchers : [{ label: "__name__", op: "=", value: name }, ...matchers];
}

function parsedSelector(text: string, refuse: (reason: string) => ApiFault) {
  try {
    const expr = parse(text);
    if (expr.kind === "vector" && expr.offsetMs === undefined && expr.at === undefined) return expr;
    throw refuse("1:1: parse error: a selector of series is wanted");
  } catch (error) {
    if (!(error instanceof PromqlSyntaxError)) throw error;
    throw refuse(syntaxMessage(error));
  }
}

/** A mistake in PromQL at the place and in the form that Prometheus gives it. */
export const syntaxMessage = ({ line, column, reason, query }: PromqlSyntaxError): string =>
  query.trim() === ""
    ? "unknown position: parse error: no expression found in input"
    : `${line}:${column}: parse error: ${reason}`;

/** Sorted texts, each once; `limit` of them at most where it is not 0. */
function list(texts: readonly string[], limit: number): ServerReply {
  const sorted = [...new Set(texts)].sort(compareText);
  const cut = limit > 0 && sorted.length > limit;
  return success(goJson(cut ? sorted.slice(0, limit) : sorted), { warnings: cut ? [CUT] : [] });
}

/** A UTF-8 name that was escaped for a path: `U__a_2e_b` is `a.b`. */
const unescaped = (name: string): string =>
  name
    .slice(3)
    .replace(/__|_([0-9a-f]{1,5})_/g, (_, hex: string | undefined) =>
      hex === undefined ? "_" : String.fromCodePoint(Number.parseInt(hex, 16)),
    );
