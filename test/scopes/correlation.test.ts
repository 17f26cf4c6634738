import { describe, expect, it } from "vitest";
import { createMesh, type TraceBackend } from "../../src/index.ts";
import type { LogLine } from "../../src/logs/backend.ts";
import type { TraceQuery } from "../../src/traces/backend.ts";
import { EPOCH_MS, proxy, trace } from "../traces/spans.ts";
import { lineBy, linesOf, NOW, type Pod } from "./log-lines.ts";
import { LogStore } from "./log-store.ts";

const frontend: Pod = { workload: "frontend", ip: "10.0.0.1" };
const backend: Pod = { workload: "backend", ip: "10.0.0.2" };

const requestId = (id: string) => ({ tags: { "guid:x-request-id": id } });
const callOf = (id: string, agoMs: number): LogLine[] =>
  linesOf({ id, from: frontend, to: "backend.default", ago: agoMs, attempts: [{ by: backend }] });

describe("the lines of a trace", () => {
  const agoMs = NOW - EPOCH_MS;
  const logs = (...lines: readonly LogLine[]) => {
    const store = new LogStore(lines);
    return { store, mesh: createMesh({ logs: store, accessLog: FORMAT, now: () => NOW }) };
  };
  const FORMAT = { formats: ["%TRACE_ID% %REQ(X-REQUEST-ID)% %RESPONSE_CODE%\n"] };
  const tracedLine = (text: string) => lineBy(backend, EPOCH_MS + 5, text);

  it("are those of its request ids, and those that name the trace, each once, the earliest first", async () => {
    const one = trace({ ...proxy({ id: "1", of: "frontend" }), ms: 20, ...requestId("mine") });
    const { mesh, store } = logs(
      ...callOf("mine", agoMs),
      ...callOf("other", agoMs),
      tracedLine("000000000000000000000000000000aa not-known 200"),
      tracedLine("00000000000000aa mine 200"),
      tracedLine("00000000000000ab not-known 200"),
      ...callOf("mine", agoMs + 60_000),
    );
    const found = await mesh.logsOf(one);
    expect(found.map(({ requestId: id }) => id)).toEqual(["not-known", "mine", "mine", "mine"]);
    const times = found.map(({ writtenNs = 0n }) => writtenNs);
    expect(times).toEqual([...times].sort((a, b) => Number(a - b)));
    expect(store.queries).toHaveLength(1);
  });

  it("are asked for a hundred request ids at a time, and come once", async () => {
    const ids = Array.from({ length: 250 }, (_, i) => `request-${i}`);
    const one = trace(...ids.map((id, i) => ({ ...proxy({ id: `${i + 1}`, of: "frontend" }), ...requestId(id) })));
    const named = ids.slice(200).map((id) => tracedLine(`00000000000000aa ${id} 200`));
    const { mesh, store } = logs(...ids.flatMap((id) => callOf(id, agoMs)), ...named);
    const found = await mesh.logsOf(one);
    expect(found).toHaveLength(2 * ids.length + named.length);
    expect(store.queries.map(({ lines = [] }) => lines.map((line) => "texts" in line && line.texts.length))).toEqual([
      [101],
      [100],
      [50],
    ]);
  });
});

describe("the trace of a line", () => {
  const one = trace({ ...proxy({ id: "1", of: "frontend" }), ...requestId("mine") });
  const asked: (TraceQuery | string)[] = [];
  const traces: TraceBackend = {
    name: "store",
    finestWindowMs: 1,
    mostPerCall: 100,
    services: async () => [],
    operations: async () => [],
    dependencies: async () => [],
    traces: async () => ({ traces: [], missing: [] }),
    trace: async (id) => {
      asked.push(id);
      return id === one.id ? one : undefined;
    },
    search: async (query) => {
      asked.push(query);
      const found = query.tags?.["guid:x-request-id"] === "mine" ? [one] : [];
      return { traces: found, full: false, unapplied: [], warnings: [], complete: true };
    },
  };
  const entryOf = async (traceId: string) => {
    const line = lineBy(backend, EPOCH_MS, `${new Date(EPOCH_MS).toISOString()} ${traceId} mine 200`);
    const accessLog = { formats: ["%START_TIME% %TRACE_ID% %REQ(X-REQUEST-ID)% %RESPONSE_CODE%\n"] };
    const logs = new LogStore([line]);
    const mesh = createMesh({ traces: { ...traces, services: async () => ["a"] }, logs, accessLog, now: () => NOW });
    const [entry] = await mesh.all().logs({ from: EPOCH_MS - 1_000, to: EPOCH_MS + 1_000 });
    if (entry === undefined) throw new Error("no entry");
    asked.length = 0;
    return { mesh, entry };
  };

  it("is that of its trace id", async () => {
    const { mesh, entry } = await entryOf("000000000000000000000000000000AA");
    expect(await mesh.traceOf(entry)).toBe(one);
    expect(asked).toEqual([one.id]);
  });

  it.each(["-", "0000000000000000", "../../etc", "no-id"])(
    "is that of its request id where the line has %s for one of a trace",
    async (text) => {
      const { mesh, entry } = await entryOf(text);
      expect(await mesh.traceOf(entry)).toBe(one);
      expect(asked.every((question) => typeof question === "object")).toBe(true);
    },
  );
});
