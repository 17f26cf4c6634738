import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Prometheus } from "../../src/metrics/prometheus/prometheus.ts";
import { selector } from "../../src/promql/index.ts";
import { type FakePrometheus, fakePrometheus, type Reply, success } from "./fake-prometheus.ts";

const EMPTY = success({ resultType: "vector", result: [] });
const up = selector("up");
const A = { name: "10.0.0.1:10901", labelSets: [{ replica: "a" }], lastError: null };
const B = { name: "10.0.0.2:10901", labelSets: [{ replica: "b", cluster: "x" }], lastError: null };
const MISSED = 'the sidecar store {cluster="x",replica="b"} is gone: ';

let fake: FakePrometheus;
let client: Prometheus;
let stores: Reply;
let answer: Reply;
let nowMs: number;

beforeEach(async () => {
  [stores, answer, nowMs] = [success({ sidecar: [A, B] }), EMPTY, 1_000_000];
  vi.spyOn(performance, "now").mockImplementation(() => nowMs);
  fake = await fakePrometheus((path) => (path === "stores" ? stores : answer));
  client = fake.client({ dialect: "thanos" });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fake.close();
});

/** What an answer says so long after the last one. */
async function askedAfter(ms: number): Promise<{ complete: boolean; warnings: readonly string[] }> {
  nowMs += ms;
  const { complete, warnings } = await client.instant(up, 0);
  return { complete, warnings };
}
const WHOLE = { complete: true, warnings: [] };
const missing = (...warnings: string[]) => ({ complete: false, warnings });

describe("an answer of a querier", () => {
  test("is complete while all stores are there", async () => {
    expect(await askedAfter(0)).toEqual(WHOLE);
    expect(await askedAfter(10_000)).toEqual(WHOLE);
  });

  test("is not while one that was there is no longer listed, and is again when it is back", async () => {
    await askedAfter(0);
    stores = success({ sidecar: [A] });
    const gone = missing(`${MISSED}the querier no longer lists it`);
    expect(await askedAfter(10_000)).toEqual(gone);
    expect(await askedAfter(3_000_000)).toEqual(gone);
    // Started anew elsewhere.
    stores = success({ sidecar: [A, { ...B, name: "10.0.0.9:10901" }] });
    expect(await askedAfter(10_000)).toEqual(WHOLE);
  });

  test("is not while one does not answer, also where that was never seen otherwise", async () => {
    stores = success({ sidecar: [A, { ...B, lastError: "connection refused" }] });
    const silent = missing(`${MISSED}10.0.0.2:10901 does not answer (connection refused)`);
    expect(await askedAfter(0)).toEqual(silent);
    expect(await askedAfter(7_200_000)).toEqual(silent);
  });

  test("is complete again an hour after a store was taken away for good", async () => {
    await askedAfter(0);
    stores = success({ sidecar: [A] });
    expect(await askedAfter(3_600_000)).toMatchObject({ complete: false });
    expect(await askedAfter(3_600_000)).toEqual(WHOLE);
  });

  test("remembers stores for as long as it is told", async () => {
    client = fake.client({ dialect: { kind: "thanos", rememberStores: "1m" } });
    await askedAfter(0);
    stores = success({ sidecar: [A] });
    expect(await askedAfter(59_000)).toMatchObject({ complete: false });
    expect(await askedAfter(2_000)).toEqual(WHOLE);
  });

  test("is complete while a store that was started anew is also listed at its old address", async () => {
    stores = success({ sidecar: [A, B, { ...B, name: "10.0.0.9:10901", lastError: "gone" }] });
    expect(await askedAfter(0)).toEqual(WHOLE);
  });

  test("counts gateways that share their labels", async () => {
    const gateway = (name: string) => ({ name, labelSets: [{ cluster: "x" }], lastError: null });
    stores = success({ store: [gateway("g1"), gateway("g2"), gateway("g3")] });
    expect(await askedAfter(0)).toEqual(WHOLE);
    stores = success({ store: [gateway("g1")] });
    expect(await askedAfter(10_000)).toEqual(
      missing('the gateway {cluster="x"} is gone: 2 of 3: the querier no longer lists it'),
    );
  });

  test("names a store without labels by its address", async () => {
    stores = success({ sidecar: [A], rule: [{ name: "ruler:10901", labelSets: [], lastError: null }] });
    await askedAfter(0);
    stores = success({ sidecar: [A] });
    expect(await askedAfter(10_000)).toEqual(
      missing("the rule store ruler:10901 is gone: the querier no longer lists it"),
    );
  });

  test("keeps what the querier itself warned of", async () => {
    await askedAfter(0);
    stores = success({ sidecar: [A] });
    answer = success({ resultType: "vector", result: [] }, { warnings: ["fetch series: Unavailable"] });
    expect((await askedAfter(10_000)).warnings).toHaveLength(2);
  });

  test("says of look-ups what it says of queries", async () => {
    await askedAfter(0);
    [stores, answer, nowMs] = [success({ sidecar: [A] }), success([]), nowMs + 10_000];
    for (const asked of [client.series("up"), client.labels(), client.labelValues("job")]) {
      expect(await asked).toMatchObject({ complete: false });
    }
    for (const [asked, data] of [
      [() => client.exemplars(up, { fromMs: 0, toMs: 1 }), []],
      [() => client.metadata(), {}],
      [() => client.rules(), { groups: [] }],
      [() => client.alerts(), { alerts: [] }],
      [() => client.targets(), {}],
    ] as const) {
      answer = success(data);
      expect(await asked()).toMatchObject({ complete: false, warnings: [expect.stringContaining("is gone")] });
    }
    answer = success({ version: "0.40.1" });
    expect(await client.buildInfo()).toMatchObject({ complete: true });
  });

  test("says that it could not look where that takes longer than the question may", async () => {
    await fake.close();
    fake = await fakePrometheus((path) => (path === "stores" ? new Promise(() => {}) : answer));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      let asked: ReturnType<Prometheus["instant"]> | undefined;
      await new Promise<void>((come) => {
        const debug = (what: string) => void (/\/query\?.* answered/.test(what) && setImmediate(come));
        asked = fake.client({ dialect: "thanos", logger: { debug } }).instant(up, 0, { timeoutMs: 1_000 });
      });
      vi.advanceTimersByTime(1_000);
      const { complete, infos } = (await asked) ?? {};
      expect(complete).toBe(true);
      expect(infos).toEqual([expect.stringContaining("not known: the question's time was over")]);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([[{ status: 500, body: "no" }], [success([1])], [{ status: 200, body: "<html>" }]])(
    "says where it could not look: %j",
    async (reply) => {
      stores = reply;
      const { complete, infos } = await client.instant(up, 0);
      expect(complete).toBe(true);
      expect(infos).toEqual([expect.stringContaining("whether all stores are there is not known: prometheus")]);
    },
  );

  test("is looked at by the time that passes, whatever becomes of the clock", async () => {
    const clock = vi.spyOn(Date, "now");
    clock.mockReturnValue(7_200_000);
    expect(await askedAfter(0)).toEqual(WHOLE);
    stores = success({ sidecar: [A] });
    for (const time of [0, 1e12]) {
      clock.mockReturnValue(time);
      expect(await askedAfter(10_000)).toMatchObject({ complete: false });
    }
  });

  test("looks at the stores no more often than every other second", async () => {
    for (let i = 0; i < 5; i++) await askedAfter(500);
    expect(fake.got.filter(({ path }) => path === "stores")).toHaveLength(2);
  });
});
