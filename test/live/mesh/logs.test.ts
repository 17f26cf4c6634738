import { beforeAll, describe, expect, inject, it } from "vitest";
import {
  type AccessLogEntry,
  createMesh,
  elasticsearch,
  jaeger,
  type LogBackend,
  type LogPage,
  loki,
} from "../../../src/index.ts";
import type { Truth } from "../../mesh/mesh.ts";
import { writeToLoki, writeToOpensearch } from "./log-load.ts";

const truth = inject("truth");
const range = { from: truth.measuredFromMs - 1_000, to: truth.measuredToMs + 30_000 };
const backends: Readonly<Record<string, LogBackend>> = {
  Loki: loki(inject("lokiUrl")),
  OpenSearch: elasticsearch(inject("opensearchUrl"), { index: "logstash-2*" }),
};

type Line = Truth["lines"][number];
const ids = new Set(truth.lines.flatMap(({ requestId }) => requestId ?? []));
const isMeasured = ({ timeMs = 0 }: { timeMs?: number | undefined }): boolean =>
  timeMs >= truth.measuredFromMs - 1_000 && timeMs <= truth.measuredToMs + 1_000;

/** What tells lines apart, but for those that are equal in all of it. */
const sent = (line: Line): string =>
  [
    line.reporter === "source" ? "client" : "server",
    line.reporter === "source" ? line.source : line.destination,
    line.requestId ?? "?",
    line.protocol === "tcp" ? "tcp" : line.code,
    line.flags,
    line.path,
    line.bytes === undefined || line.code === 0 ? "?" : `${line.bytes.received}/${line.bytes.sent}`,
  ].join(" ");

const written = (entry: AccessLogEntry): string => {
  const server = entry.side === "server";
  return [
    server ? "server" : "client",
    server ? entry.destination.workload : entry.source.workload,
    entry.requestId !== undefined && ids.has(entry.requestId) ? entry.requestId : "?",
    entry.code ?? "tcp",
    entry.flags.join(",") || "-",
    entry.path ?? "",
    entry.code === 0 ? "?" : `${entry.bytesReceived}/${entry.bytesSent}`,
  ].join(" ");
};

/** A refused connection is no request, and so no report; its callee's proxy writes a line all the same. */
const isRefusedConnection = (entry: AccessLogEntry): boolean =>
  entry.isTcp && entry.responseCodeDetails === "filter_chain_not_found";

const from = (source: string, service: string) => (line: Line) =>
  line.reporter === "source" && line.source === source && line.destinationService.startsWith(`${service}.`);
const edges = [
  ...new Set(
    truth.lines
      .filter((line) => line.reporter === "source" && line.destinationService !== "unknown")
      .map((line) => `${line.source} ${line.destinationService.split(".")[0]}`),
  ),
];

describe.each(Object.entries(backends))("the access logs in %s", (_, logs) => {
  const mesh = createMesh({ logs, traces: jaeger(inject("jaegerUrl")) });
  let all: readonly AccessLogEntry[];

  beforeAll(async () => {
    const found = await mesh.all().logs({ ...range, order: "forward" });
    expect(found.meta).toMatchObject({ complete: true, warnings: [], unparsed: { count: 0 }, suspicious: 0 });
    all = found.filter((entry) => isMeasured(entry) && !isRefusedConnection(entry));
  });

  it("have every line of every proxy once, with code, flags, path and bytes as they were sent", () => {
    expect(truth.lines.length).toBeGreaterThan(3_000);
    expect(all.map(written).sort()).toEqual(truth.lines.map(sent).sort());
  });

  it("have durations between what the app and what the caller saw", () => {
    const bounds = new Map<string, Line[]>();
    for (const line of truth.lines) bounds.set(sent(line), [...(bounds.get(sent(line)) ?? []), line]);
    let compared = 0;
    for (const entry of all) {
      const lines = bounds.get(written(entry)) ?? [];
      const [line] = lines;
      if (lines.length !== 1 || line === undefined || entry.isTcp || entry.code === 0) continue;
      compared++;
      // What its caller's proxy gave up ended for the app a little later.
      const least = entry.flags.includes("UT") ? 0 : Math.floor(line.boundsMs[0]) - 1;
      expect(entry.durationMs, written(entry)).toBeGreaterThanOrEqual(least);
      expect(entry.durationMs, written(entry)).toBeLessThanOrEqual(Math.ceil(line.boundsMs[1]) + 1);
    }
    expect(compared).toBeGreaterThan(3_000);
  });

  it.each(edges)("join both sides' lines of %s into calls", async (edge) => {
    const [source = "", service = ""] = edge.split(" ");
    const wanted = truth.lines.filter(from(source, service));
    const calls = (await mesh.edge(source, { service }).calls(range)).filter(isMeasured);
    const key = (id: string | undefined, code: number | undefined) =>
      `${id !== undefined && ids.has(id) ? id : "?"} ${code}`;
    expect(calls.map(({ requestId, code }) => key(requestId, code)).sort()).toEqual(
      wanted.map(({ requestId, code }) => key(requestId, code)).sort(),
    );
    const servers = truth.lines.filter(
      (line) =>
        line.reporter === "destination" && line.source === source && line.destinationService.startsWith(`${service}.`),
    );
    expect(calls.reduce((sum, { attempts }) => sum + attempts.length, 0)).toBe(servers.length);
    expect(calls.every(({ client, source: one }) => client !== undefined && one.workload === source)).toBe(true);
  });

  it("tell workloads behind one service apart, and give the entries of both sides", async () => {
    for (const workload of ["backend", "backend-v2"]) {
      const entries = (await mesh.edge("frontend", workload).logs({ ...range, side: "server" })).filter(isMeasured);
      const wanted = truth.lines.filter(
        (line) => line.reporter === "destination" && line.source === "frontend" && line.destination === workload,
      );
      expect(entries.map(written).sort()).toEqual(wanted.map(sent).sort());
      expect(entries.every(({ source }) => source.workload === "frontend")).toBe(true);
    }
  });

  it("know callers without a proxy from others", async () => {
    const wanted = truth.lines.filter((line) => line.reporter === "destination" && line.security === "none");
    const calls = (await mesh.edge("unknown", "ratings").calls(range)).filter(isMeasured);
    expect(calls).toHaveLength(wanted.length);
    expect(calls.every(({ alone }) => alone?.reason === "no-proxy")).toBe(true);
  });

  it.each([
    ["backend", "what failed", { status: "5xx" }, ({ code = 0 }: Line) => code >= 500],
    ["ghost", "what never arrived", { flags: "UF" }, ({ flags }: Line) => flags === "UF"],
    ["backend", "what was retried in vain", { flags: "URX" }, ({ flags }: Line) => flags === "URX"],
    ["backend", "what ended without an answer", { status: 0 }, ({ code }: Line) => code === 0],
    [
      "backend",
      "what took its caller's time",
      { flags: ["UT", "DC"] },
      ({ flags }: Line) => flags === "UT" || flags === "DC",
    ],
    [
      "backend",
      "a method",
      { method: "POST", status: 200 },
      ({ code, bytes }: Line) => code === 200 && (bytes?.received ?? 0) > 0,
    ],
  ] as const)(
    "of calls to %s are filtered by %s, to the same entries as all of them",
    async (service, _, conditions, holds) => {
      const edge = mesh.edge("frontend", { service });
      const found = (await edge.logs({ ...range, ...conditions })).filter(isMeasured);
      const wanted = truth.lines.filter(
        (line) => line.source === "frontend" && line.destinationService.startsWith(`${service}.`) && holds(line),
      );
      expect(wanted.length).toBeGreaterThan(0);
      expect(found.map(written).sort()).toEqual(wanted.map(sent).sort());
      const calls = (await edge.calls({ ...range, ...conditions })).filter(isMeasured);
      const known = (id: string | undefined) => (id !== undefined && ids.has(id) ? [id] : []);
      expect(new Set(calls.flatMap(({ requestId }) => known(requestId)))).toEqual(
        new Set(wanted.flatMap(({ requestId }) => known(requestId))),
      );
    },
  );

  it("have the denials, with their policies and callers", async () => {
    const strangers = (await mesh.edge("stranger", "backend").denials(range)).filter(isMeasured);
    const wanted = truth.lines.filter(
      ({ reporter, source, code }) => reporter === "source" && source === "stranger" && code === 403,
    );
    expect(wanted.length).toBeGreaterThan(10);
    expect(strangers).toHaveLength(wanted.length);
    // No ALLOW policy named it.
    expect(strangers.every(({ policy, workload }) => policy === undefined && workload === "stranger")).toBe(true);
    const admin = (await mesh.edge("frontend", "backend").denials(range)).filter(isMeasured);
    const forbidden = truth.lines.filter(
      ({ reporter, source, code, path }) =>
        reporter === "destination" && source === "frontend" && code === 403 && path.startsWith("/admin"),
    );
    expect(admin).toHaveLength(forbidden.length);
    expect(
      admin.every(({ policy, namespace, rule }) => policy !== undefined && namespace === "default" && rule === 0),
    ).toBe(true);
  });

  it("have what was limited, and by whom", async () => {
    const limited = (await mesh.edge("frontend", "backend").rateLimited(range)).filter(isMeasured);
    const wanted = truth.lines.filter(
      ({ reporter, source, flags }) => reporter === "destination" && source === "frontend" && flags === "RL",
    );
    expect(wanted.length).toBeGreaterThan(0);
    expect(limited).toHaveLength(wanted.length);
    expect(limited.every(({ by, call }) => by === "local" && call.code === 429)).toBe(true);
  });

  it("count errors and paths as they were", async () => {
    const edge = mesh.edge("frontend", { service: "backend" });
    const calls = truth.lines.filter(from("frontend", "backend"));
    const byCode = await edge.errorsBy("code", range);
    const failed = calls.filter(({ code = 0 }) => code === 0 || code >= 500);
    expect(byCode.reduce((sum, { errors }) => sum + errors, 0)).toBe(failed.length);
    for (const { key, errors } of byCode) {
      expect(errors).toBe(failed.filter(({ code }) => String(code) === key).length);
    }
    const [top] = await edge.topPaths(range);
    expect(top).toMatchObject({
      key: "/work",
      calls: calls.filter(({ path }) => path.split("?")[0] === "/work").length,
    });
    const latency = await edge.latencyFromLogs(0.5, range);
    expect(latency.samples).toBe(calls.length);
  });

  it("lead to traces and back", async () => {
    const call = truth.traces.find(({ part }) => part === "slow");
    const trace = call && (await mesh.trace(call.traceId));
    if (call === undefined || trace === undefined) throw new Error("the scenario has a slow trace");
    const entries = await mesh.logsOf(trace);
    const lines = truth.lines.filter(({ requestId }) => requestId === call.requestId);
    expect(lines.length).toBe(4);
    expect(entries.map(written).sort()).toEqual(lines.map(sent).sort());
    for (const entry of entries) expect((await mesh.traceOf(entry))?.id).toBe(trace.id);
  });

  it("come one after the other as they are asked for", async () => {
    const seen: AccessLogEntry[] = [];
    for await (const entry of mesh
      .edge("frontend", { service: "backend" })
      .logs({ ...range, order: "forward", perCall: 50 })) {
      seen.push(entry);
      if (seen.length === 100) break;
    }
    const times = seen.map(({ writtenNs = 0n }) => writtenNs);
    expect(times).toEqual([...times].sort((a, b) => (a < b ? -1 : 1)));
  });
});

const namespace = `load-${truth.seed}-${Math.round(truth.measuredFromMs)}`;
const INSTANTS = 50;
const PER_INSTANT = 4_000;
// Loki puts old lines away at once, and shows them again only later.
const startNs = BigInt(Date.now() - 600_000) * 1_000_000n;
const load = { fromNs: startNs, stepNs: 7_000_000n };
const toNs = load.fromNs + BigInt(INSTANTS) * load.stepNs;
const writers: Readonly<Record<string, () => LogBackend>> = {
  Loki: () => loki(inject("lokiUrl")),
  OpenSearch: () => elasticsearch(inject("opensearchUrl"), { index: `logstash-${namespace}` }),
};

describe("200,000 lines, thousands of them at one instant", () => {
  beforeAll(async () => {
    const lines = Array.from({ length: INSTANTS * PER_INSTANT }, (_, i) => ({
      pod: `web-${i % 4}`,
      ns: load.fromNs + BigInt(Math.floor(i / PER_INSTANT)) * load.stepNs,
      text: `line ${i}`,
    }));
    await writeToLoki(inject("lokiUrl"), namespace, lines);
    await writeToOpensearch(inject("opensearchUrl"), namespace, lines);
  });

  it.each(
    Object.entries(writers).flatMap(([name, make]) =>
      (["forward", "backward"] as const).map((order) => [name, order, make] as const),
    ),
  )("come back from %s %s, none lost and none twice", async (_, order, make) => {
    const seen = new Uint8Array(INSTANTS * PER_INSTANT);
    let count = 0;
    let last = order === "forward" ? 0n : 2n ** 63n;
    const query = { origin: { namespace }, fromNs: load.fromNs, toNs, order } as const;
    for await (const page of make().entries(query, { perCall: 3_000 })) {
      expect(page.complete, page.warnings.join()).toBe(true);
      for (const { line, timestampNs } of page.entries) {
        const i = Number(line.slice(5));
        seen[i] = (seen[i] ?? 0) + 1;
        count++;
        if (order === "forward" ? timestampNs < last : timestampNs > last) throw new Error(`${line} is out of order`);
        last = timestampNs;
      }
    }
    expect(count).toBe(INSTANTS * PER_INSTANT);
    expect(seen.every((times) => times === 1)).toBe(true);
  });

  it("leave no point in time open", async () => {
    const answer = await fetch(`${inject("opensearchUrl")}/_nodes/stats/indices/search`);
    const { nodes } = (await answer.json()) as {
      nodes: Record<string, { indices: { search: Record<string, number> } }>;
    };
    expect(Object.values(nodes).map(({ indices }) => indices.search.point_in_time_current)).toEqual([0]);
  });
});

describe("numbers", () => {
  const windowMs = 600_000;
  const toMs = range.to;
  const question = {
    filter: { origin: { container: "istio-proxy", namespace: { pattern: "default|istio-system" } } },
    windowMs,
    fromMs: toMs,
    toMs,
    stepMs: 1_000,
  } as const;

  it("are the same from both backends, and as many as there are lines", async () => {
    const by = [{ origin: "pod" }] as const;
    const counts = await Promise.all(
      Object.values(backends).map((logs) => logs.measure({ ...question, measurement: { kind: "count" }, by })),
    );
    const [first, second] = counts.map(
      ({ series }) => new Map(series.map(({ labels, values }) => [labels.pod, values[0]])),
    );
    expect(first).toEqual(second);
    expect(first?.size).toBeGreaterThan(5);
    const fields = await Promise.all(
      Object.values(backends).map((logs) =>
        logs.measure({ ...question, measurement: { kind: "max", field: "duration" }, by: [] }),
      ),
    );
    const [longest, same] = fields.map(({ series }) => series[0]?.values[0]);
    expect(longest).toBeGreaterThan(10);
    expect(same).toBe(longest);
  });
});

describe("lines that are written meanwhile", () => {
  it.each(Object.keys(writers))("are seen in %s, each once", async (name) => {
    const own = `${namespace}-follow-${name.toLowerCase()}`;
    const isLoki = name === "Loki";
    const write = isLoki ? writeToLoki : writeToOpensearch;
    const url = isLoki ? inject("lokiUrl") : inject("opensearchUrl");
    const backend = isLoki ? loki(url) : elasticsearch(url, { index: `logstash-${own}` });
    const line = (i: number) => ({ pod: "web-0", ns: BigInt(Date.now()) * 1_000_000n, text: `line ${i}` });
    await write(url, own, [line(0)]);
    const stop = new AbortController();
    const seen: string[] = [];
    const follow = async (pages: AsyncIterable<LogPage>): Promise<void> => {
      for await (const { entries } of pages) {
        seen.push(...entries.map(({ line: text }) => text));
        if (seen.length < 5) await write(url, own, [line(seen.length)]);
        else stop.abort(new Error("enough"));
      }
    };
    const fromNs = BigInt(Date.now() - 60_000) * 1_000_000n;
    const pages = backend.follow({ origin: { namespace: own } }, { fromNs, everyMs: 200, signal: stop.signal });
    await expect(follow(pages)).rejects.toThrow("enough");
    expect(seen).toEqual(["line 0", "line 1", "line 2", "line 3", "line 4"]);
  });
});
