/** What every driver of logs must do, whatever its server speaks. */
import { describe, expect, it } from "vitest";
import { BackendError, DecodeError, QueryError } from "../../src/errors.ts";
import type { LogBackend, LogLine, LogMeasure, LogPage, LogQuery } from "../../src/logs/backend.ts";

/** A line that a server keeps. */
export interface Kept {
  readonly ms: number;
  readonly pod: string;
  readonly text: string;
}

/** A driver and the server that it asks. */
export interface Harness {
  readonly make: () => LogBackend;
  readonly keeps: (lines: readonly Kept[]) => void;
  /** Answers every request for lines so. */
  readonly answers: (reply: () => Response) => void;
  /** How many requests for lines were sent. */
  readonly asked: () => number;
}

const START = Date.parse("2026-11-24T10:00:00Z");
const ns = (ms: number): bigint => BigInt(START + ms) * 1_000_000n;
const query: LogQuery = { origin: { namespace: "shop" }, fromNs: ns(0), toNs: ns(1_000), order: "forward" };
const kept = (...times: readonly number[]): Kept[] =>
  times.map((ms, i) => ({ ms: START + ms, pod: `web-${i % 2}`, text: `line ${i}` }));

async function drain(pages: AsyncIterable<LogPage>): Promise<{ pages: readonly LogPage[]; lines: readonly LogLine[] }> {
  const all: LogPage[] = [];
  for await (const page of pages) all.push(page);
  return { pages: all, lines: all.flatMap(({ entries }) => entries) };
}

const failed = (pages: AsyncIterable<LogPage>): Promise<unknown> =>
  drain(pages).then(
    () => undefined,
    (error: unknown) => error,
  );

/** The whole suite over one driver. */
export function conforms(name: string, { make, keeps, answers, asked }: Harness): void {
  describe(`${name}, as every driver of logs,`, () => {
    it.each(["forward", "backward"] as const)(
      "gives lines %s, each once, though they share instants",
      async (order) => {
        keeps(kept(5, 5, 5, 5, 7, 1, 1, 9));
        for (const perCall of [2, 5, 1_000]) {
          const { lines, pages } = await drain(make().entries({ ...query, order }, { perCall }));
          const times = lines.map(({ timestampNs }) => Number(timestampNs / 1_000_000n) - START);
          expect(times).toEqual(order === "forward" ? [1, 1, 5, 5, 5, 5, 7, 9] : [9, 7, 5, 5, 5, 5, 1, 1]);
          expect(lines.map(({ line }) => line).sort()).toEqual(kept(5, 5, 5, 5, 7, 1, 1, 9).map(({ text }) => text));
          expect(pages.every(({ complete, warnings }) => complete && warnings.length === 0)).toBe(true);
        }
      },
    );

    it("gives where a line was written, and the line as it was", async () => {
      const text = 'a "b" \\ \n { } 😀';
      keeps([{ ms: START + 3, pod: "web-0", text }]);
      const { lines } = await drain(make().entries(query));
      expect(lines).toMatchObject([{ line: text, timestampNs: ns(3), origin: { namespace: "shop", pod: "web-0" } }]);
    });

    it("begins with the first instant and ends before the last", async () => {
      keeps(kept(9, 10, 19, 20));
      const { lines } = await drain(make().entries({ ...query, fromNs: ns(10), toNs: ns(20) }));
      expect(lines.map(({ timestampNs }) => timestampNs)).toEqual([ns(10), ns(19)]);
    });

    it("gives no more than was asked for, those that come first", async () => {
      keeps(kept(1, 2, 3, 4));
      const { lines } = await drain(make().entries({ ...query, order: "backward", limit: 3 }, { perCall: 2 }));
      expect(lines.map(({ line }) => line)).toEqual(["line 3", "line 2", "line 1"]);
    });

    it("sends nothing before it is asked, and no more once its reader has enough", async () => {
      keeps(kept(1, 2, 3, 4, 5, 6));
      const pages = make().entries(query, { perCall: 2 });
      expect(asked()).toBe(0);
      for await (const page of pages) if (page.entries.length > 0) break;
      const until = asked();
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(asked()).toBe(until);
      expect(until).toBeLessThan(3);
    });

    it("ends with its caller's reason", async () => {
      keeps(kept(1, 2, 3));
      const stop = new AbortController();
      const reason = new Error("enough");
      const read = async (): Promise<void> => {
        for await (const _ of make().entries(query, { perCall: 1, signal: stop.signal })) stop.abort(reason);
      };
      await expect(read()).rejects.toBe(reason);
      await expect(drain(make().entries(query, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    });

    it.each([
      [401, "unauthorized", false],
      [403, "forbidden", false],
      [429, "rate-limited", true],
      [503, "unavailable", true],
    ] as const)("says what %i means", async (status, code, retryable) => {
      answers(() => new Response("no", { status }));
      const error = await failed(make().entries(query));
      expect(error).toBeInstanceOf(BackendError);
      expect(error).toMatchObject({ code, retryable, status, backend: make().name });
    });

    it.each([
      ["a web page", "<html><body>sign in</body></html>", "text/html", "content-type"],
      ["half an answer", '{"status":"success","hits":{"hits":[', "application/json", "truncated"],
      ["what is no JSON", "hello", "application/json", "syntax"],
      ["an empty body", "", "application/json", "shape"],
    ] as const)("takes %s for no answer", async (_, body, type, code) => {
      answers(() => new Response(body, { headers: { "content-type": type } }));
      const error = await failed(make().entries(query));
      expect(error).toBeInstanceOf(DecodeError);
      expect(error).toMatchObject({ code, backend: make().name });
    });

    it.each<[string, (backend: LogBackend) => Promise<unknown>]>([
      ["no lines at a time", (backend) => drain(backend.entries(query, { perCall: 0 }))],
      ["half a line", (backend) => drain(backend.entries({ ...query, limit: 0.5 }))],
      ["numbers of a time that ends before it begins", (backend) => backend.measure({ ...measure, toMs: START - 1 })],
      ["numbers at steps of nothing", (backend) => backend.measure({ ...measure, toMs: START + 1, stepMs: 0 })],
    ])("refuses to ask for %s", async (_, ask) => {
      keeps([]);
      await expect(ask(make())).rejects.toBeInstanceOf(QueryError);
      expect(asked()).toBe(0);
    });
  });
}

const measure: LogMeasure = {
  filter: { origin: { namespace: "shop" } },
  measurement: { kind: "count" },
  by: [],
  windowMs: 1_000,
  fromMs: START,
  toMs: START,
  stepMs: 1_000,
};
