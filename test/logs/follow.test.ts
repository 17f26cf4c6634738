import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BackendError, QueryError } from "../../src/errors.ts";
import type { LogLine, LogPage, NsSpan } from "../../src/logs/backend.ts";
import { followed } from "../../src/logs/follow.ts";

const nowNs = (): bigint => BigInt(Date.now()) * 1_000_000n;
const lineAt = (timestampNs: bigint, line: string, pod = "web-0"): LogLine => ({
  timestampNs,
  line,
  origin: { pod },
  labels: { pod },
});

// The clock goes on from look to look and not meanwhile, however long one takes.
beforeEach(() => vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-24T10:00:00Z") }));
afterEach(() => {
  vi.useRealTimers();
});

/** Gives what a log holds at each look, and ends after so many of them. */
async function looking(
  log: LogLine[],
  looks: number,
  between: (look: number) => void = () => {},
  options: { latenessMs?: number } = {},
): Promise<string[]> {
  const stop = new AbortController();
  const reason = new Error("enough");
  let look = 0;
  async function* read({ fromNs, toNs }: NsSpan): AsyncGenerator<LogPage> {
    if (++look > looks) stop.abort(reason);
    stop.signal.throwIfAborted();
    // Each page holds one line, so that lines which are alike come in different answers.
    for (const line of [...log]) {
      if (line.timestampNs < fromNs || line.timestampNs >= toNs) continue;
      yield { entries: [line], missing: [], warnings: [], complete: true };
    }
    between(look);
    vi.setSystemTime(Date.now() + 20);
  }
  const seen: string[] = [];
  const follow = async (): Promise<void> => {
    const fromNs = nowNs() - 60_000_000_000n;
    for await (const { entries } of followed("store", read, { fromNs, everyMs: 1, signal: stop.signal, ...options })) {
      seen.push(...entries.map(({ line, origin }) => `${origin.pod} ${line}`));
    }
  };
  await expect(follow()).rejects.toBe(reason);
  return seen;
}

describe("following a log", () => {
  it("gives each line once, and lines that are alike as often as there are", async () => {
    const ns = nowNs() - 1_000_000_000n;
    const log = [lineAt(ns, "same"), lineAt(ns, "same"), lineAt(ns, "same", "web-1")];
    const seen = await looking(log, 4, (look) => {
      if (look === 2) log.push(lineAt(ns, "same"));
    });
    expect(seen).toEqual(["web-0 same", "web-0 same", "web-1 same", "web-0 same"]);
  });

  it("sees lines that come late, and none that come later than that", async () => {
    const log = [lineAt(nowNs() - 1_000_000_000n, "in time")];
    const late = (look: number) => {
      if (look === 1) log.push(lineAt(nowNs() - 2_000_000_000n, "late"), lineAt(nowNs() - 9_000_000_000n, "too late"));
    };
    expect(await looking(log, 3, late, { latenessMs: 5_000 })).toEqual(["web-0 in time", "web-0 late"]);
  });

  it("says that lines are missing, and that a look failed, and goes on", async () => {
    const span = { fromNs: 1n, toNs: 2n };
    const answers: readonly (() => LogPage)[] = [
      () => ({ entries: [], missing: [span], warnings: ["1 ns has more"], complete: false }),
      () => {
        throw new BackendError("unavailable", "store: down", { status: 503 });
      },
      () => {
        throw new BackendError("bad-query", "store: no", { status: 400 });
      },
    ];
    let look = 0;
    async function* read(): AsyncGenerator<LogPage> {
      yield answers[look++]?.() as LogPage;
    }
    const pages: LogPage[] = [];
    const follow = async (): Promise<void> => {
      for await (const page of followed("store", read, { everyMs: 1 })) pages.push(page);
    };
    await expect(follow()).rejects.toMatchObject({ code: "bad-query" });
    expect(pages).toEqual([
      { entries: [], missing: [span], warnings: ["1 ns has more"], complete: false },
      { entries: [], missing: [], warnings: ["store: down"], complete: false },
    ]);
  });

  it.each([{ everyMs: 0 }, { everyMs: Number.NaN }, { latenessMs: -1 }])("is refused with %j", async (options) => {
    const none = async function* (): AsyncGenerator<LogPage> {};
    await expect(followed("store", none, options).next()).rejects.toBeInstanceOf(QueryError);
  });
});
