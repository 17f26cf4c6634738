import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TimeoutError } from "../../src/errors.ts";
import type { TimeSpan } from "../../src/time.ts";
import type { SearchPage, TraceBackend, TraceQuery } from "../../src/traces/backend.ts";
import { type SearchOptions, type SearchProgress, TraceSearch } from "../../src/traces/search.ts";
import { Span } from "../../src/traces/span.ts";
import { Trace } from "../../src/traces/trace.ts";
import { TRACE_ROWS } from "../../src/traces/trace-rows.ts";

const NOW = 1_800_000_000_000;
const span = { from: NOW - 3_600_000, to: NOW };

function traceAt(index: number, startMs: number, service = "frontend"): Trace {
  const id = (index + 1).toString(16).padStart(16, "0");
  const details = { tag: () => undefined, tags: () => ({}), events: () => [], processTags: () => ({}) };
  const fields = { traceId: id, id, parentId: undefined, shared: false, kind: undefined, service, operation: "x" };
  return new Trace(id, [
    new Span({ ...fields, startMs, durationMs: 1, error: false, links: [], warnings: [] }, details),
  ]);
}

/** A backend that cuts at the limit without a word, and gives what it keeps in no order. */
class Store implements TraceBackend {
  readonly name = "store";
  readonly queries: TraceQuery[] = [];
  readonly traces_: readonly Trace[];
  readonly finestWindowMs: number;
  readonly mostPerCall: number;
  warnings: readonly string[] = [];
  complete = true;

  constructor(traces: readonly Trace[], finestWindowMs = 1, mostPerCall = 1000) {
    this.traces_ = traces;
    this.finestWindowMs = finestWindowMs;
    this.mostPerCall = mostPerCall;
  }

  async search(query: TraceQuery): Promise<SearchPage> {
    this.queries.push(query);
    const found = this.traces_
      .filter((trace) => trace.startMs >= query.fromMs && trace.startMs <= query.toMs)
      .filter((trace) => query.service === undefined || trace.spans.some((one) => one.service === query.service))
      .sort((a, b) => (a.id.split("").reverse().join("") < b.id.split("").reverse().join("") ? -1 : 1))
      .slice(0, query.limit);
    const { warnings, complete } = this;
    return { traces: found, full: found.length >= query.limit, unapplied: [], warnings, complete };
  }

  services = async () => [];
  operations = async () => [];
  trace = async () => undefined;
  traces = async () => ({ traces: [], missing: [] });
  dependencies = async () => [];
}

const searchIn = (
  store: TraceBackend,
  options: SearchOptions = {},
  services: readonly string[] = ["frontend"],
  range: TimeSpan = span,
) =>
  new TraceSearch(
    store,
    {
      span: range,
      rows: TRACE_ROWS,
      queries: async () => services.map((service) => ({ service })),
      pick: (trace) => trace,
    },
    options,
    () => NOW,
  );

describe("a search over a backend that cuts without a word", () => {
  it("finds every trace of the range once, the latest first, however they crowd", async () => {
    const start = fc.oneof(
      fc.integer({ min: 0, max: 3_600_000 }),
      fc.constantFrom(0, 1, 1_800_000, 1_800_001, 3_599_999, 3_600_000),
    );
    const offsets = fc.array(start, { maxLength: 400 });
    await fc.assert(
      fc.asyncProperty(
        offsets,
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom(0.001, 1),
        async (all, perCall, finest) => {
          const traces = all.map((offset, i) => traceAt(i, span.from + offset));
          const found = await searchIn(new Store(traces, finest), { perCall });
          expect(found.meta.complete).toBe(true);
          expect(found.meta).toMatchObject({ ratio: 1, found: traces.length, backend: "store" });
          expect(found.map((trace) => trace.id).sort()).toEqual(traces.map((trace) => trace.id).sort());
          const starts = found.map((trace) => trace.startMs);
          expect(starts).toEqual([...starts].sort((a, b) => b - a));
        },
      ),
      { seed: 5, numRuns: 300 },
    );
  });

  it.each([
    [1, span.to + 0.5, span.to],
    [1, span.to - 0.25, span.to - 1],
    [0.001, span.to + 0.000_5, span.to],
    [0.001, span.to, span.to - 7.003],
  ])("ends where a window of %s ms, up to %s, cannot be had whole", async (finest, to, at) => {
    const store = new Store([traceAt(0, at), traceAt(1, at), traceAt(2, at - 5)], finest, 1);
    const found = await searchIn(store, { perCall: 1 }, ["frontend"], { from: span.from, to });
    expect(found.map(({ startMs }) => startMs)).toEqual([at, at - 5]);
    expect(found.meta).toMatchObject({ complete: false, searchedToMs: span.from, ratio: 1 });
    expect(store.queries.length).toBeLessThan(200);
  });

  it("looks for every service where a window cannot be had whole", async () => {
    const crowded = [0, 1, 2].map((i) => traceAt(i, span.to - 7.003));
    const other = traceAt(3, span.to - 7.003, "backend");
    const found = await searchIn(new Store([...crowded, other], 0.001, 1), { perCall: 1 }, ["frontend", "backend"]);
    expect(found.map(({ id }) => id)).toContain(other.id);
    expect(found.meta.complete).toBe(false);
  });

  it("finds 5,000 traces in calls that are each cut at 100", async () => {
    const traces = Array.from({ length: 5000 }, (_, i) => traceAt(i, span.from + (i * 3_600_000) / 5000));
    const store = new Store(traces);
    const found = await searchIn(store, { perCall: 100 });
    expect(found.length).toBe(5000);
    expect(found.meta.complete).toBe(true);
    expect(store.queries.length).toBeLessThan(300);
  });

  it("leaves no gap between two windows", async () => {
    const store = new Store(Array.from({ length: 50 }, (_, i) => traceAt(i, span.from + i * 70_000)));
    await searchIn(store, { perCall: 10 });
    const answered = store.queries.filter(
      (query, i) => i === store.queries.length - 1 || store.queries[i + 1]?.toMs === query.fromMs,
    );
    expect(answered[0]?.toMs).toBe(span.to);
    expect(answered.at(-1)?.fromMs).toBe(span.from);
    for (const [i, query] of answered.entries()) if (i > 0) expect(query.toMs).toBe(answered[i - 1]?.fromMs);
  });

  it("says so where one instant holds more than any call brings", async () => {
    const traces = Array.from({ length: 300 }, (_, i) => traceAt(i, span.from + 1000));
    const found = await searchIn(new Store(traces, 1, 100), { perCall: 50 });
    expect(found.length).toBe(100);
    expect(found.meta.complete).toBe(false);
    expect(found.meta.warnings.join()).toContain("more than 100 traces");
  });

  it("asks for larger pages where one instant holds more than one page", async () => {
    const traces = Array.from({ length: 300 }, (_, i) => traceAt(i, span.from + 1000));
    const found = await searchIn(new Store(traces, 1, 1000), { perCall: 50 });
    expect(found.length).toBe(300);
    expect(found.meta.complete).toBe(true);
  });

  it("finds a trace of two services once", async () => {
    const both = traceAt(7, span.from + 5000);
    const store = new Store([both, traceAt(8, span.from + 6000, "backend")]);
    expect((await searchIn(store, {}, ["frontend", "backend"])).map((trace) => trace.id)).toHaveLength(2);
  });
});

describe("a search over a backend with a limit of its own, of which it says nothing", () => {
  /** Gives no more than this at once, whatever it is asked for: the latest, or whatever comes first. */
  class Clamped extends Store {
    clamp = 25;
    latest = true;

    override async search(query: TraceQuery): Promise<SearchPage> {
      const page = await super.search({ ...query, limit: Number.POSITIVE_INFINITY });
      const traces = this.latest ? [...page.traces].sort((a, b) => b.startMs - a.startMs) : page.traces;
      const given = traces.slice(0, Math.min(query.limit, this.clamp));
      return { ...page, traces: given, full: given.length >= query.limit };
    }
  }

  it("finds every trace of the range once, however they crowd", async () => {
    const times = fc.array(
      fc.oneof(fc.integer({ min: 0, max: 3_600_000 }), fc.integer({ min: 1_800_000, max: 1_800_400 })),
      { maxLength: 300 },
    );
    await fc.assert(
      fc.asyncProperty(times, fc.integer({ min: 10, max: 60 }), fc.boolean(), async (all, clamp, latest) => {
        const store = new Clamped(all.map((ms, i) => traceAt(i, span.from + ms)));
        store.clamp = clamp;
        store.latest = latest;
        const found = await searchIn(store, { perCall: 200 });
        expect(found.map(({ id }) => id).sort()).toEqual(store.traces_.map(({ id }) => id).sort());
        expect(found.meta.complete).toBe(true);
      }),
      { numRuns: 60, seed: 12 },
    );
  });

  it("says so where one instant holds as many as that", async () => {
    const store = new Clamped(
      Array.from({ length: 60 }, (_, i) => traceAt(i, span.from + (i < 30 ? 900_000 : 2_000_000 + i * 10_000))),
    );
    const found = await searchIn(store, { perCall: 200 });
    expect(found.length).toBe(55);
    expect(found.meta.complete).toBe(false);
    expect(found.meta.warnings.join()).toContain("more than 25 traces at 2027-01-15T07:15:00Z within 1ms");
  });

  it("asks little more for it of a backend that has none", async () => {
    const store = new Store(Array.from({ length: 400 }, (_, i) => traceAt(i, span.from + i * 9_000)));
    const found = await searchIn(store, { perCall: 200 });
    expect(found.length).toBe(400);
    // Eight windows of some fifty traces each, and the first of them in two parts.
    expect(found.meta.requests).toBeLessThanOrEqual(8 + 2 * 2);
  });

  it("takes no trace that came in meanwhile for one that had been cut off", async () => {
    const traces = Array.from({ length: 400 }, (_, i) => traceAt(i, span.from + i * 9_000));
    class Growing extends Store {
      override async search(query: TraceQuery): Promise<SearchPage> {
        const page = await super.search(query);
        traces.push(traceAt(traces.length, span.to - 1_000 - traces.length));
        return page;
      }
    }
    const store = new Growing(traces);
    const found = await searchIn(store, { perCall: 200 });
    const before = new Set(Array.from({ length: 400 }, (_, i) => traceAt(i, span.from).id));
    expect(found.filter(({ id }) => before.has(id))).toHaveLength(400);
    expect(found.meta.complete).toBe(true);
    expect(store.queries.length).toBeLessThan(25);
  });
});

describe("a search with a limit", () => {
  const traces = Array.from({ length: 100 }, (_, i) => traceAt(i, span.from + i * 30_000));

  it("gives the latest, stops, and says that it is not all", async () => {
    const store = new Store(traces);
    const found = await searchIn(store, { limit: 3, perCall: 10 });
    expect(found.map((trace) => trace.startMs)).toEqual([99, 98, 97].map((i) => span.from + i * 30_000));
    expect(found.meta.complete).toBe(false);
    expect(found.meta.warnings.join()).toContain("limit of 3");
    expect(store.queries.length).toBeLessThan(10);
  });

  it("is complete where the limit is just what there is", async () => {
    const found = await searchIn(new Store(traces.slice(0, 5)), { limit: 5 });
    expect(found.length).toBe(5);
    expect(found.meta.complete).toBe(true);
  });
});

describe("a search under way", () => {
  const traces = Array.from({ length: 200 }, (_, i) => traceAt(i, span.from + i * 18_000));

  it("asks nothing before it is awaited, and anew each time", async () => {
    const store = new Store(traces);
    const search = searchIn(store);
    expect(store.queries).toHaveLength(0);
    await search;
    const once = store.queries.length;
    await search;
    expect(store.queries).toHaveLength(2 * once);
  });

  it("streams under for await and stops asking when the loop is left", async () => {
    const store = new Store(traces);
    let seen = 0;
    for await (const _ of searchIn(store, { perCall: 10 })) if (++seen === 5) break;
    expect(seen).toBe(5);
    expect(store.queries.length).toBeLessThan(12);
  });

  it("tells how far it has come", async () => {
    const steps: SearchProgress[] = [];
    await searchIn(new Store(traces), { perCall: 20, onProgress: (progress) => steps.push(progress) });
    const ratios = steps.map((progress) => progress.ratio);
    expect(ratios).toEqual([...ratios].sort((a, b) => a - b));
    expect(steps.at(-1)).toMatchObject({ ratio: 1, found: 200, searchedToMs: span.from, complete: true });
    expect(steps.map(({ ended }) => ended)).toEqual(steps.map((_, i) => i === steps.length - 1));
    for (const { what, unit, done, total, ratio } of steps) {
      expect([what, unit, total, done / total]).toEqual(["traces", "ms", span.to - span.from, ratio]);
    }
  });

  it("tells that it has ended where it has enough, or fails", async () => {
    const steps: SearchProgress[] = [];
    const onProgress = (progress: SearchProgress) => steps.push(progress);
    await searchIn(new Store(traces), { limit: 3, onProgress });
    expect(steps.at(-1)).toMatchObject({ ended: true, found: 3, complete: false });
    steps.length = 0;
    const late = new AbortController();
    const failing = searchIn(new Store(traces), {
      perCall: 10,
      signal: late.signal,
      onProgress: (progress) => {
        onProgress(progress);
        late.abort(new Error("enough"));
      },
    });
    await expect(failing).rejects.toThrow("enough");
    expect(steps.map(({ ended }) => ended)).toEqual([false, true]);
  });

  it("passes on what the backend says is missing", async () => {
    const store = new Store(traces);
    store.warnings = ["a trace is cut at 10,000 spans"];
    store.complete = false;
    const { meta } = await searchIn(store);
    expect(meta).toMatchObject({ complete: false, warnings: ["a trace is cut at 10,000 spans"] });
  });

  it("ends with the caller's reason when that aborts", async () => {
    const controller = new AbortController();
    const search = searchIn(new Store(traces), {
      perCall: 10,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error("enough")),
    });
    await expect(search).rejects.toThrow("enough");
  });

  it("ends at its deadline, saying how far it came", async () => {
    let now = NOW;
    const search = new TraceSearch(
      new Store(traces),
      { span, rows: TRACE_ROWS, queries: async () => [{}], pick: (trace) => trace },
      { perCall: 10, timeoutMs: 500, onProgress: () => (now += 200) },
      () => now,
    );
    const error = await search.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(TimeoutError);
    expect(String(error)).toContain("within 500 ms");
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses a limit of %s", (limit) => {
    expect(() => searchIn(new Store([]), { limit })).toThrow(/whole number above 0/);
  });
});
