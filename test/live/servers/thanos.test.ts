import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMesh, PartialError, type Prometheus, prometheus, type ThanosDialect } from "../../../src/index.ts";
import { parse, selector } from "../../../src/promql/index.ts";
import { until } from "../../mesh/processes.ts";
import { type ThanosPair, thanosPair } from "../thanos-pair.ts";

const up = selector("up");
const GONE = 'the sidecar store {replica="b"} is gone: ';
let pair: ThanosPair;
/** Clients that have seen both stores: one that was told what it asks, and one that found out. */
let clients: readonly Prometheus[];

beforeAll(async () => {
  pair = await thanosPair();
  clients = [prometheus(pair.url, { dialect: "thanos" }), prometheus(pair.url)];
  // The first time it is built from source.
}, 1_800_000);
afterAll(() => pair?.stop());

const withOptions = (options: Omit<ThanosDialect, "kind">) =>
  prometheus(pair.url, { dialect: { kind: "thanos", ...options } });

describe("a querier over two replicas", () => {
  it("is known for what it is", async () => {
    expect(await clients[1]?.dialect()).toBe("thanos");
    expect(await clients[1]?.describe()).toMatchObject({ product: "Thanos", dialect: "thanos" });
  });

  it("answers each series once, and is complete", async () => {
    for (const client of clients) {
      const { data, complete, warnings } = await client.instant(up, undefined);
      expect({ complete, warnings }).toEqual({ complete: true, warnings: [] });
      expect(data.kind === "vector" && data.labels.map(({ replica }) => replica)).toEqual([undefined]);
    }
  });

  it("answers each replica's where it is told so", async () => {
    const { data } = await withOptions({ deduplicate: false }).instant(up, undefined);
    expect(data.kind === "vector" && data.labels.map(({ replica }) => replica).sort()).toEqual(["a", "b"]);
  });

  it("takes what else it can be told", async () => {
    const client = withOptions({
      tenant: "shop",
      replicaLabels: ["replica"],
      partialResponse: true,
      maxSourceResolution: "auto",
      engine: "thanos",
    });
    expect((await client.instant(parse("sum(up)"), undefined)).data).toMatchObject({ kind: "vector" });
    const nowMs = Date.now();
    const grid = { startMs: nowMs - 10_000, endMs: nowMs, stepMs: 1_000 };
    expect((await client.range(up, grid)).data.series).toHaveLength(1);
  });

  it("answers the API's other endpoints, as far as it has them", async () => {
    const [client] = clients as readonly [Prometheus];
    expect((await client.series("up")).data).toHaveLength(1);
    expect(await client.labels({ limit: 1 })).toMatchObject({ data: ["__name__"], complete: false });
    expect((await client.labelValues("job")).data).toEqual(["x"]);
    expect((await client.targets()).data.active.map(({ health }) => health)).toContain("up");
    expect((await client.metadata({ metric: "go_goroutines" })).data.get("go_goroutines")?.[0]?.type).toBe("gauge");
    expect((await client.rules()).data).toEqual([]);
    expect((await client.alerts()).data).toEqual([]);
    await expect(client.format("up")).rejects.toMatchObject({ code: "not-found" });
    await expect(client.features()).rejects.toMatchObject({ code: "not-found" });
    await expect(client.instant(parse('up * on() up * on(job) {job=~".+"}'), undefined)).rejects.toMatchObject({
      name: "BackendError",
      code: "execution",
    });
  });
});

describe("with one of the two killed", () => {
  it("is not complete at once, and the reason is named", async () => {
    await pair.killSecond();
    for (const client of clients) {
      const { complete, warnings } = await client.instant(up, undefined);
      expect(complete).toBe(false);
      expect(warnings.join("\n")).toMatch(/Unavailable|connection refused|does not answer|replica="b"/);
    }
  });

  it("is still not complete once the querier itself no longer says so", async () => {
    const raw = async (path: string) => (await fetch(`${pair.url}/api/v1/${path}`)).text();
    await until("the querier to list one store, and to answer without a warning", 90_000, async () => {
      return !(await raw("stores")).includes('"replica":"b"') && !(await raw("query?query=up")).includes("warnings");
    });
    for (const client of clients) {
      // What the client saw of the stores is believed for a while.
      await expect
        .poll(() => client.instant(up, undefined), { timeout: 20_000, interval: 500 })
        .toMatchObject({ complete: false, warnings: [`${GONE}the querier no longer lists it`] });
      expect(await client.rules()).toMatchObject({ complete: false });
      expect(await client.labels()).toMatchObject({ complete: false });
    }
  });

  it("is an error where all or nothing was asked for", async () => {
    const mesh = createMesh({ metrics: clients[0], onPartial: "throw" });
    const asked = mesh.all().rate("1m").now();
    await expect(asked).rejects.toBeInstanceOf(PartialError);
    await expect(asked).rejects.toMatchObject({ warnings: [`${GONE}the querier no longer lists it`], retryable: true });
  });

  it("is all there is to a client that came later, which cannot know", async () => {
    expect(await prometheus(pair.url).instant(up, undefined)).toMatchObject({ complete: true });
  });
});
