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

describe("indices that are laid out in ways of their own", () => {
  const text = { type: "text" };
  const keyword = { type: "keyword" };
  const kubernetes = {
    properties: {
      namespace_name: keyword,
      pod_name: keyword,
      container_name: keyword,
      labels: { properties: { app: keyword } },
    },
  };
  const usual = { "@timestamp": { type: "date" }, log: text, kubernetes };
  const origin = (pod: string, app?: string) => ({
    namespace_name: "shop",
    pod_name: pod,
    container_name: "istio-proxy",
    ...(app !== undefined && { labels: { app } }),
  });
  const LINE = 'x "GET.1" y';
  const oneLine = { "@timestamp": fromMs + 1, log: LINE, kubernetes: origin("web-0") };

  async function put(name: string, properties: object, documents: readonly object[], settings: object = {}) {
    const send = async (method: string, path: string, type: string, body: string) => {
      const answer = await fetch(`${server.url}/${path}`, { method, headers: { "content-type": type }, body });
      const said = await answer.text();
      expect(said).toMatch(/^(?!.*"errors":true).*(?:"acknowledged":true|"errors":false)/s);
    };
    await send("PUT", name, "application/json", JSON.stringify({ settings, mappings: { properties } }));
    const rows = documents.map((document) => `{"index":{}}\n${JSON.stringify(document)}\n`);
    await send("POST", `${name}/_bulk?refresh=true`, "application/x-ndjson", rows.join(""));
  }

  const of = (index: string) => elasticsearch(server.url, { index });
  const query = { origin: {}, ...span, order: "forward" } as const;
  const atOnce = { windowMs: 3_600_000, fromMs: fromMs + 600_000, toMs: fromMs + 600_000, stepMs: 1_000 };

  it.each<[string, object, object]>([
    ["is not indexed", { log: { ...text, index: false } }, {}],
    ["is indexed without the places of its words", { log: { ...text, index_options: "docs" } }, {}],
    ["is cut at blanks only", { log: { ...text, analyzer: "whitespace" } }, {}],
    ["is cut in another way when it is searched", { log: { ...text, search_analyzer: "whitespace" } }, {}],
    ["is cut at blanks only as all texts are", {}, { analysis: { analyzer: { default: { type: "whitespace" } } } }],
  ])("give a line by a text in it where the field %s", async (what, properties, settings) => {
    const name = `text-${what.replaceAll(" ", "-")}`;
    await put(name, { ...usual, ...properties }, [oneLine], settings);
    const { pages, lines } = await drained(of(name).entries({ ...query, lines: [{ text: '"GET.1"' }] }));
    expect(lines.map(({ line }) => line)).toEqual([LINE]);
    expect(pages.every(({ complete }) => complete)).toBe(true);
  });

  it("give the lines of a pod and no other's where its name is not indexed, or in lower case", async () => {
    const lower = { normalizer: { lower: { type: "custom", filter: ["lowercase"] } } };
    const both = [oneLine, { ...oneLine, kubernetes: origin("WEB-0") }];
    const podField = (pod: object) => ({ ...usual, kubernetes: { properties: { ...kubernetes.properties, ...pod } } });
    await put("pod-plain", podField({ pod_name: { ...keyword, index: false } }), both);
    await put("pod-lower", podField({ pod_name: { ...keyword, normalizer: "lower" } }), both, { analysis: lower });
    for (const index of ["pod-plain", "pod-lower"]) {
      const { lines } = await drained(of(index).entries({ ...query, origin: { pod: "web-0" } }));
      expect(lines.map((line) => line.origin.pod)).toEqual(["web-0"]);
      const filter = { origin: { pod: "web-0" } };
      const { series } = await of(index).measure({ filter, measurement: { kind: "count" }, by: [], ...atOnce });
      expect(series.map(({ values }) => [...values])).toEqual([[1]]);
    }
  });

  it.each(["we[b-]-[0-9]", "(|web)-[0-9-]", "web-0|", "web-[0-9]{1}", "web(-[a-z0-9]+){0,2}"])(
    "give the lines of pods by the pattern %s",
    async (pattern) => {
      const name = "patterns";
      await fetch(`${server.url}/${name}`, { method: "DELETE" });
      await put(name, usual, [oneLine]);
      const { lines } = await drained(of(name).entries({ ...query, origin: { pod: { pattern } } }));
      expect(lines).toHaveLength(1);
    },
  );

  it("give the lines of a pod from days that are laid out unlike", async () => {
    const asText = { pod_name: { ...text, fields: { keyword } } };
    await put("day-1", { ...usual, kubernetes: { properties: { ...kubernetes.properties, ...asText } } }, [oneLine]);
    await put("day-2", usual, [oneLine, { ...oneLine, kubernetes: origin("web-1") }]);
    const { lines } = await drained(of("day-*").entries({ ...query, origin: { pod: "web-0" } }));
    expect(lines).toHaveLength(2);
    const filter = { origin: { pod: "web-0" } };
    const by = [{ origin: "pod" }] as const;
    const { series } = await of("day-*").measure({ filter, measurement: { kind: "count" }, by, ...atOnce });
    expect(series.map(({ labels, values }) => [labels.pod, ...values])).toEqual([["web-0", 2]]);
  });

  it("give lines without a label to a pattern that nothing matches too", async () => {
    await put("no-app", usual, [oneLine]);
    const { lines } = await drained(of("no-app").entries({ ...query, origin: { app: { pattern: "(web)?" } } }));
    expect(lines).toHaveLength(1);
  });

  it("have the time that the server reads, however it is written", async () => {
    const properties = { ...usual, "@timestamp": { type: "date", format: "epoch_second" } };
    await put("seconds", properties, [{ ...oneLine, "@timestamp": fromMs / 1000 + 5 }]);
    const { lines } = await drained(of("seconds").entries(query));
    expect(lines.map(({ timestampNs }) => timestampNs)).toEqual([baseNs + 5_000_000_000n]);
  });

  it("are whole beside an index without lines, and not beside documents that keep theirs elsewhere", async () => {
    await put("beside-1", usual, [oneLine]);
    await put("beside-2", { other: keyword }, [{ other: "x" }]);
    const beside = await drained(of("beside-*").entries(query));
    expect(beside.pages).toMatchObject([{ complete: true, entries: [{ line: LINE }] }]);
    await put("beside-3", { ...usual, message: text }, [{ ...oneLine, log: undefined, message: "elsewhere" }]);
    const { pages, lines } = await drained(of("beside-*").entries(query));
    expect(lines).toHaveLength(1);
    expect(pages).toMatchObject([
      { complete: false, warnings: [expect.stringContaining('1 of the documents have no line under "log"')] },
    ]);
  });

  it("are measured with the lines that lack a label, and without those that lack the number", async () => {
    const properties = {
      "@timestamp": { type: "date" },
      kubernetes,
      duration: { type: "long" },
      response_flags: keyword,
      path: { ...text, fields: { keyword: { ...keyword, ignore_above: 10 } } },
    };
    const line = (more: object, pod: string, app?: string) => ({
      "@timestamp": fromMs + 1,
      response_flags: "-",
      ...more,
      kubernetes: origin(pod, app),
    });
    const long = "/a-path-that-is-too-long";
    await put("measured", properties, [
      line({ duration: 5, path: "/a" }, "web-0", "web"),
      line({ path: long }, "web-0"),
      line({ path: "/a" }, "web-1"),
    ]);
    const count = { filter: { origin: {} }, measurement: { kind: "count" }, ...atOnce } as const;
    const told = async (question: Parameters<LogBackend["measure"]>[0]) =>
      (await of("measured").measure(question)).series
        .map(({ labels, values }) => [Object.values(labels).join(), values[0]])
        .sort();
    expect(await told({ ...count, by: [{ origin: "app" }] })).toEqual([
      ["", 2],
      ["web", 1],
    ]);
    expect(await told({ ...count, by: [{ field: "path" }] })).toEqual([
      ["/a", 2],
      [long, 1],
    ]);
    const sum = { ...count, measurement: { kind: "sum", field: "duration" } } as const;
    expect(await told({ ...sum, by: [{ origin: "pod" }] })).toEqual([["web-0", 5]]);
  });
});
