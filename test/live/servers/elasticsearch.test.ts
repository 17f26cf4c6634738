import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMesh, elasticsearch, type LogBackend, type LogPage } from "../../../src/index.ts";
import { writeToOpensearch } from "../mesh/log-load.ts";
import { type SingleElasticsearch, singleElasticsearch } from "../single-elasticsearch.ts";

const LINES = 12_000;
const PER_INSTANT = 700;
const STEP_NS = 7_000_000n;
const baseNs = BigInt(Date.UTC(2026, 0, 2, 12)) * 1_000_000n;
const span = { fromNs: baseNs, toNs: baseNs + 3_600_000_000_000n } as const;
const fromMs = Number(baseNs / 1_000_000n);

let server: SingleElasticsearch;
let logs: LogBackend;

beforeAll(async () => {
  server = await singleElasticsearch();
  const lines = Array.from({ length: LINES }, (_, i) => ({
    pod: `web-${i % 4}`,
    ns: baseNs + BigInt(Math.floor(i / PER_INSTANT)) * STEP_NS,
    text: JSON.stringify({
      start_time: new Date(fromMs + i).toISOString(),
      method: "GET",
      path: `/orders/${i}`,
      response_code: i % 10 === 0 ? 503 : 200,
      duration: i % 1000,
      upstream_cluster: "inbound|8080||",
    }),
  }));
  await writeToOpensearch(server.url, "plain", lines);
});
afterAll(() => server?.stop());

async function drained(pages: AsyncIterable<LogPage>) {
  const read: LogPage[] = [];
  for await (const page of pages) read.push(page);
  return { pages: read, lines: read.flatMap(({ entries }) => entries) };
}

describe("an Elasticsearch without points in time", () => {
  beforeAll(() => {
    logs = elasticsearch(server.url, { index: "logstash-*" });
  });

  it("is known for what it is", async () => {
    expect(await logs.describe?.()).toMatchObject({
      product: "Elasticsearch",
      version: "7.10.2",
      dialect: "elasticsearch",
    });
  });

  it("grants none, by either of the ways to ask for one", async () => {
    for (const path of ["_pit", "_search/point_in_time"]) {
      const answer = await fetch(`${server.url}/logstash-plain/${path}?keep_alive=1m`, { method: "POST" });
      expect(answer.ok).toBe(false);
    }
  });

  it.each([
    ["forward", 500],
    ["backward", 500],
    ["forward", 20_000],
    ["backward", 20_000],
  ] as const)(
    "gives every line %s, each once, %i at a time, though hundreds share a millisecond",
    async (order, perCall) => {
      const { pages, lines } = await drained(
        logs.entries({ origin: { namespace: "plain" }, ...span, order }, { perCall }),
      );
      expect(
        pages.every(({ complete }) => complete),
        pages.flatMap(({ warnings }) => warnings).join(),
      ).toBe(true);
      expect(lines).toHaveLength(LINES);
      expect(new Set(lines.map(({ line }) => line)).size).toBe(LINES);
      const times = lines.map(({ timestampNs }) => timestampNs);
      expect(times).toEqual([...times].sort((a, b) => (a < b === (order === "forward") ? -1 : a === b ? 0 : 1)));
    },
  );

  it("counts what it keeps, by pod", async () => {
    const instant = fromMs + 600_000;
    const { series, complete } = await logs.measure({
      filter: { origin: { namespace: "plain" } },
      measurement: { kind: "count" },
      by: [{ origin: "pod" }],
      windowMs: 3_600_000,
      fromMs: instant,
      toMs: instant,
      stepMs: 1_000,
    });
    expect(complete).toBe(true);
    expect(series.map(({ labels, values }) => [labels.pod, values[0]]).sort()).toEqual(
      ["web-0", "web-1", "web-2", "web-3"].map((pod) => [pod, LINES / 4]),
    );
  });

  it("gives a workload's entries under conditions, with their numbers", async () => {
    const web = createMesh({ logs }).workload({ workload: "web", namespace: "plain" });
    const range = { from: fromMs, to: fromMs + 3_600_000 } as const;
    const failed = await web.logs({ ...range, status: "5xx" });
    expect(failed).toHaveLength(LINES / 10);
    expect(failed.meta).toMatchObject({ complete: true, unparsed: { count: 0 } });
    const [one] = await web.logs({ ...range, path: "/orders/4242" });
    expect(one).toMatchObject({ code: 200, durationMs: 242, method: "GET" });
  });

  it("says where there is no such index", async () => {
    const nobody = elasticsearch(server.url, { index: "nobody-*" });
    const read = drained(nobody.entries({ origin: {}, ...span, order: "forward" }));
    await expect(read).rejects.toMatchObject({ name: "BackendError", code: "not-found" });
    const exact = elasticsearch(server.url, { index: "nobody" });
    await expect(drained(exact.entries({ origin: {}, ...span, order: "forward" }))).rejects.toMatchObject({
      name: "BackendError",
      code: "not-found",
      message: expect.stringContaining("index_not_found_exception"),
    });
  });
});
