import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll } from "vitest";

/** A line that a {@link fakeLoki} keeps. */
export interface KeptLine {
  readonly stream: string;
  readonly ns: bigint;
  readonly line: string;
}

/** What a {@link fakeLoki} gives in one call at most. */
export interface FakeLimits {
  readonly entries?: number | undefined;
  readonly spanNs?: bigint | undefined;
}

/** Answers questions for lines as Loki does, limits, ends and grouping by stream included; pods are streams. */
export function answerOf(kept: readonly KeptLine[], limits: FakeLimits, query: URLSearchParams): Response {
  const [start, end] = [BigInt(query.get("start") ?? 0), BigInt(query.get("end") ?? 0)];
  const limit = Number(query.get("limit"));
  const backward = query.get("direction") === "backward";
  const { entries = 5_000, spanNs } = limits;
  if (limit > entries) {
    return refusedBy(400, `max entries limit per query exceeded, limit > max_entries_limit (${limit} > ${entries})`);
  }
  if (end <= start) return refusedBy(400, "end timestamp must not be before or equal to start time");
  if (spanNs !== undefined && end - start > spanNs) {
    const seconds = Number(spanNs / 1_000_000_000n);
    return refusedBy(400, `the query time range exceeds the limit (query length: 1000h0m0s, limit: 0h0m${seconds}s)`);
  }
  const found = kept
    .filter(({ ns }) => ns >= start && ns < end)
    .sort((a, b) => (a.ns === b.ns ? 0 : a.ns < b.ns === backward ? 1 : -1))
    .slice(0, limit);
  const result = [...new Set(found.map(({ stream }) => stream))].map((stream) => ({
    stream: { namespace: "shop", pod: stream },
    values: found.filter((one) => one.stream === stream).map(({ ns, line }) => [String(ns), line]),
  }));
  return HttpResponse.json({ status: "success", data: { resultType: "streams", result, stats: {} } });
}

/** An answer with this status in plain text, as Loki gives its reasons. */
export const refusedBy = (status: number, reason: string): Response =>
  new HttpResponse(`${reason}\n`, { status, headers: { "content-type": "text/plain; charset=utf-8" } });

/** A Loki at `base` that answers what it is told to, and keeps the requests that it was sent. */
export function fakeLoki(base: string) {
  const network = setupServer();
  const asked: { readonly path: string; readonly query: URLSearchParams; readonly headers: Headers }[] = [];
  beforeAll(() => network.listen({ onUnhandledRequest: "error" }));
  afterEach(() => {
    network.resetHandlers();
    asked.length = 0;
  });
  afterAll(() => network.close());
  return {
    asked,
    answers(reply: (query: URLSearchParams, path: string) => Response): void {
      network.use(
        http.all(`${base}/*`, async ({ request }) => {
          const url = new URL(request.url);
          const query = request.method === "POST" ? new URLSearchParams(await request.text()) : url.searchParams;
          asked.push({ path: url.pathname, query, headers: request.headers });
          return reply(query, url.pathname);
        }),
      );
    },
    keeps(kept: readonly KeptLine[], limits: FakeLimits = {}): void {
      this.answers((query) => answerOf(kept, limits, query));
    },
  };
}
