import { describe, expect, it } from "vitest";
import { BackendError, createMesh, type Mesh, QueryError } from "../../src/index.ts";
import type { EntriesOptions, LogPage, LogQuery } from "../../src/logs/backend.ts";
import type { Call } from "../../src/logs/call.ts";
import type { AccessLogEntry } from "../../src/logs/entry.ts";
import type { LogProgress } from "../../src/logs/reading.ts";
import type { EntryConditions, LogOptions } from "../../src/mesh/log-options.ts";
import type { Traffic } from "../../src/mesh/traffic.ts";
import { lineBy, linesOf, NOW, type Pod, type Sketch } from "./log-lines.ts";
import { LogStore } from "./log-store.ts";

const frontend: Pod = { workload: "frontend", ip: "10.0.0.1" };
const backend: Pod = { workload: "backend", ip: "10.0.0.2" };
const backendV2: Pod = { workload: "backend-v2", ip: "10.0.0.3", json: true };
const other: Pod = { workload: "other", ip: "10.0.0.4", json: true };
const admin: Pod = { workload: "frontend-admin", ip: "10.0.0.5" };
const abroad: Pod = { workload: "backend", ip: "10.0.0.6", namespace: "abroad" };
const gateway: Pod = { workload: "istio-ingressgateway", ip: "10.0.0.7", namespace: "istio-system" };

const to = "backend.default";
const sketches: readonly Sketch[] = [
  { id: "plain", from: frontend, to, ago: 60_000, attempts: [{ by: backend }] },
  { id: "second", from: frontend, to, ago: 59_000, attempts: [{ by: backendV2 }] },
  { id: "others", from: other, to, ago: 58_000, attempts: [{ by: backend }] },
  { id: "admins", from: admin, to, ago: 57_500, attempts: [{ by: backend }] },
  { id: "refused", from: frontend, to, ago: 57_000, code: 503, flags: "UF", details: "upstream_reset" },
  {
    id: "retried",
    from: frontend,
    to,
    ago: 56_000,
    ms: 100,
    path: "/flaky?n=2",
    attempts: [
      { by: backend, code: 503, ms: 10 },
      { by: backendV2, code: 503, ms: 10, afterMs: 30 },
      { by: backend, ms: 10, afterMs: 80 },
    ],
  },
  {
    id: "bare",
    from: { workload: "legacy", ip: "10.9.9.9" },
    to,
    ago: 55_000,
    client: false,
    mtls: false,
    attempts: [{ by: backend }],
  },
  { id: "lost", from: frontend, to, ago: 54_000, routed: false, code: 404, flags: "NR", details: "route_not_found" },
  {
    id: "denied",
    from: other,
    to,
    ago: 53_000,
    code: 403,
    path: "/admin",
    method: "DELETE",
    attempts: [{ by: backend, details: "rbac_access_denied_matched_policy[ns[default]-policy[keep-out]-rule[1]]" }],
  },
  {
    id: "limited",
    from: frontend,
    to,
    ago: 52_000,
    code: 429,
    attempts: [{ by: backend, flags: "RL", details: "local_rate_limited" }],
  },
  { id: "far", from: frontend, to: "backend.abroad", ago: 51_000, attempts: [{ by: abroad }] },
  { id: "entered", from: gateway, to: "frontend.default", ago: 50_500, ms: 400, attempts: [{ by: frontend, ms: 390 }] },
  { id: "slow", from: frontend, to, ago: 50_000, ms: 900, attempts: [{ by: backend, ms: 880 }] },
];

const noise = [
  lineBy(
    backend,
    NOW - 56_500,
    "2026-11-24T09:59:03.500Z\twarning\tenvoy config\tgRPC config: no outbound| here, backend",
  ),
  {
    ...lineBy(backend, NOW - 56_400, '{"level":"info","msg":"backend ready"}'),
    origin: { pod: "backend-0", container: "app" },
  },
];

const lines = [...sketches.flatMap(linesOf), ...noise];
const store = (perPage?: number): LogStore => new LogStore(lines, perPage);
const meshOf = (logs: LogStore): Mesh => createMesh({ logs, now: () => NOW });
const last = { last: "5m" } as const;

const idsOf = (found: readonly (AccessLogEntry | Call)[]): string[] =>
  found.map(({ requestId }) => requestId ?? "").sort();
const shown = ({ side, requestId, source, destination, code }: AccessLogEntry): string =>
  `${requestId} ${side} ${source.workload} ${destination.workload} ${code}`;

describe("an edge's calls", () => {
  it("are those from its caller that reached its callee, or were to", async () => {
    const calls = await meshOf(store()).edge("frontend", "backend.default").calls(last);
    expect(idsOf(calls)).toEqual(["limited", "lost", "plain", "refused", "retried", "slow"]);
    expect(calls.meta).toMatchObject({ complete: true, warnings: [], found: 6, backend: "store", ratio: 1 });
  });

  it.each<[string, (mesh: Mesh) => Traffic, string[]]>([
    [
      "a service's, whichever workload answered",
      (mesh) => mesh.edge("frontend", { service: "backend", namespace: "default" }),
      ["limited", "lost", "plain", "refused", "retried", "second", "slow"],
    ],
    [
      "another version's, and what it was tried for",
      (mesh) => mesh.edge("frontend", "backend-v2"),
      ["retried", "second"],
    ],
    ["those of a service of the same name elsewhere", (mesh) => mesh.edge("frontend", "backend.abroad"), ["far"]],
    ["a caller whose name goes on as another's does", (mesh) => mesh.edge("frontend-admin", "backend"), ["admins"]],
    ["callers without a proxy", (mesh) => mesh.edge("unknown", "backend"), ["bare"]],
    ["what reached nobody", (mesh) => mesh.edge("frontend", { workload: "unknown" }), ["lost", "refused"]],
    [
      "a workload's own",
      (mesh) => mesh.workload("backend.default"),
      ["admins", "bare", "denied", "limited", "lost", "others", "plain", "refused", "retried", "slow"],
    ],
    ["what a workload sends", (mesh) => mesh.workload("other").outbound, ["denied", "others"]],
    ["a gateway's", (mesh) => mesh.gateway("istio-ingressgateway"), ["entered"]],
    ["a namespace's", (mesh) => mesh.namespace("abroad"), ["far"]],
    ["all", (mesh) => mesh.all(), sketches.map(({ id }) => id ?? "").sort()],
  ])("may be %s", async (_, scope, ids) => {
    expect(idsOf(await scope(meshOf(store())).calls(last))).toEqual(ids);
  });

  it.each<[string, EntryConditions & { errors?: boolean }, string[]]>([
    ["status", { status: "5xx" }, ["refused", "retried"]],
    ["one status", { status: 429 }, ["limited"]],
    ["statuses", { status: [404, "5xx"] }, ["lost", "refused", "retried"]],
    ["flags", { flags: ["UF", "NR"] }, ["lost", "refused"]],
    ["flags by their long names", { flags: "NoRouteFound" }, ["lost"]],
    ["path", { path: "/flaky" }, ["retried"]],
    ["path with its query", { path: "/flaky?n=2" }, ["retried"]],
    ["path by pattern", { path: /\/fl.*/ }, ["retried"]],
    ["a part of a path, which is none", { path: /fl/ }, []],
    ["duration", { slowerThan: "500ms" }, ["slow"]],
    ["request id", { requestId: "plain" }, ["plain"]],
    ["errors by the scope's rule", { errors: true }, ["refused"]],
    ["limits", { rateLimited: true }, ["limited"]],
    ["the absence of limits", { rateLimited: false, status: 429 }, ["limited"]],
  ])("are told apart by %s", async (_, options, ids) => {
    for (const order of ["backward", "forward"] as const) {
      const calls = await meshOf(store())
        .edge("frontend", "backend.default")
        .calls({ ...last, ...options, order });
      expect(idsOf(calls)).toEqual(ids);
    }
  });

  it("have the lines of both sides, whichever of them is as described", async () => {
    const [retried] = await meshOf(store())
      .edge("frontend", "backend")
      .calls({ ...last, path: "/flaky" });
    expect(retried?.attempts.map(({ code, destination }) => [code, destination.workload])).toEqual([
      [503, "backend"],
      [503, "backend-v2"],
      [200, "backend"],
    ]);
    const [same] = await meshOf(store())
      .edge("frontend", "backend")
      .calls({ ...last, status: 503, path: "/flaky" });
    expect(same?.entries().map(({ raw }) => raw)).toEqual(retried?.entries().map(({ raw }) => raw));
  });

  it("are asked for by what their lines must hold, and by the requests found so", async () => {
    const logs = store();
    await meshOf(logs)
      .edge("frontend", "backend.default")
      .calls({ ...last, requestId: "plain" });
    expect(
      logs.queries.every(({ lines: conditions = [] }) =>
        conditions.some((one) => "text" in one && one.text === "plain"),
      ),
    ).toBe(true);
    expect(logs.queries.map(({ origin }) => origin)).toContainEqual({
      container: "istio-proxy",
      namespace: "default",
      pod: { pattern: "(backend)(-.*)?" },
    });
  });

  it("are in the order of their lines, and as many as are asked for", async () => {
    const edge = meshOf(store()).edge("frontend", "backend.default");
    const backward = await edge.calls({ ...last, limit: 2 });
    expect(backward.map(({ requestId }) => requestId)).toEqual(["slow", "limited"]);
    expect(backward.meta.complete).toBe(false);
    expect(backward.meta.warnings.join()).toMatch(/stopped at the limit of 2/);
    const forward = await edge.calls({ ...last, limit: 2, order: "forward" });
    expect(forward.map(({ requestId }) => requestId)).toEqual(["plain", "refused"]);
  });

  it("have both lines though only one was taken within the span", async () => {
    const span = { from: NOW - 55_985, to: NOW - 55_000 };
    const [call, ...none] = await meshOf(store()).edge("frontend", "backend").calls(span);
    expect(none).toEqual([]);
    expect(call?.attempts).toHaveLength(3);
    const entries = await meshOf(store())
      .edge("frontend", { service: "backend" })
      .logs({ ...span, order: "forward" });
    expect(entries.map(shown)).toEqual([
      "retried server frontend backend-v2 503",
      "retried server frontend backend 200",
      "retried client frontend backend 200",
    ]);
  });

  it("are a call each when a request came twice over the same edge", async () => {
    const twice = [0, 400].flatMap((later) =>
      linesOf({ id: "same", from: frontend, to, ago: 10_000 - later, ms: 20, attempts: [{ by: backend }] }),
    );
    const calls = await meshOf(new LogStore(twice)).edge("frontend", "backend").calls(last);
    expect(calls.map(({ timeMs, attempts }) => [timeMs, attempts.length])).toEqual([
      [NOW - 9_600, 1],
      [NOW - 10_000, 1],
    ]);
  });

  it("wait for each other no longer than is said", async () => {
    const [server, client] = linesOf({ id: "late", from: frontend, to, ago: 60_000, attempts: [{ by: backend }] });
    if (server === undefined || client === undefined) throw new Error("two lines are needed");
    const late = { ...client, timestampNs: client.timestampNs + 20_000_000_000n };
    const edge = meshOf(new LogStore([server, late])).edge("frontend", "backend");
    expect((await edge.calls(last)).map(({ alone }) => alone?.reason)).toEqual(["not-found"]);
    expect((await edge.calls({ ...last, joinWithin: "30s" })).map(({ alone }) => alone)).toEqual([undefined]);
  });

  it("are refused to a mesh without logs, and where a peer or a condition is none that lines show", () => {
    expect(() => createMesh({}).edge("a", "b").calls(last)).toThrow(
      /no backend for logs; write createMesh\({ logs: loki/,
    );
    const mesh = meshOf(store());
    for (const wrong of [
      () => mesh.edge("a", { service: "b", version: "v2" }).calls(last),
      () => mesh.edge({ principal: "spiffe://x" }, "b").logs(last),
      () => mesh.edge("a", "b").where({ connection_security_policy: "none" }).calls(last),
      () => mesh.edge("a", "b").calls({ ...last, status: "6xx" as "5xx" }),
      () => mesh.edge("a", "b").calls({ ...last, path: "" }),
      () => mesh.edge("a", "b").calls({ ...last, slowerThan: "fast" }),
      () => mesh.edge("a", "b").calls({ ...last, limit: 0 }),
      () => mesh.edge("a", "b").calls({ ...last, order: "up" as "forward" }),
      () => mesh.edge("a", "b").calls({} as LogOptions),
    ]) {
      expect(wrong).toThrow(QueryError);
    }
  });
});

describe("an edge's entries", () => {
  it("are the lines of both sides, each with the ends that the other side knows", async () => {
    const entries = await meshOf(store())
      .edge("frontend", "backend.default")
      .logs({ ...last, order: "forward" });
    expect(entries.map(shown)).toEqual([
      "plain server frontend backend 200",
      "plain client frontend backend 200",
      "refused client frontend undefined 503",
      "retried server frontend backend 503",
      "retried server frontend backend 200",
      "retried client frontend backend 200",
      "lost undefined frontend undefined 404",
      "limited server frontend backend 429",
      "limited client frontend backend 429",
      "slow server frontend backend 200",
      "slow client frontend backend 200",
    ]);
  });

  it("are each as described, whatever the other side's are", async () => {
    const edge = meshOf(store()).edge("frontend", { service: "backend", namespace: "default" });
    const failed = await edge.logs({ ...last, status: "5xx", order: "forward" });
    expect(failed.map(shown)).toEqual([
      "refused client frontend undefined 503",
      "retried server frontend backend 503",
      "retried server frontend backend-v2 503",
    ]);
  });

  it.each([1, 2, 100])("are the same with pages of %i", async (perPage) => {
    const edge = meshOf(store(perPage)).edge("frontend", "backend.default");
    expect((await edge.logs(last)).length).toBe(11);
    expect((await edge.logs({ ...last, status: "5xx" })).length).toBe(2);
  });

  it("may be one side's", async () => {
    const mesh = meshOf(store());
    const server = await mesh.edge("frontend", "backend.default").logs({ ...last, side: "server" });
    expect(server.every(({ side }) => side === "server")).toBe(true);
    expect(idsOf(server)).toEqual(["limited", "plain", "retried", "retried", "slow"]);
    const inbound = await mesh.workload("backend.default").logs(last);
    expect(idsOf(inbound)).toEqual([
      "admins",
      "bare",
      "denied",
      "limited",
      "others",
      "plain",
      "retried",
      "retried",
      "slow",
    ]);
    const outbound = await mesh.workload("other").outbound.logs(last);
    expect(outbound.map(shown)).toEqual(["denied client other undefined 403", "others client other undefined 200"]);
  });

  it("stand under the scope's conditions", async () => {
    const edge = meshOf(store()).edge("frontend", "backend.default");
    const found = await edge.where({ response_code: /4../ }).where({ destination_workload: "backend" }).logs(last);
    expect(found.map(shown)).toEqual(["limited client frontend backend 429", "limited server frontend backend 429"]);
    const failed = await edge.failures([{ response_code: "429" }]).calls({ ...last, errors: true });
    expect(idsOf(failed)).toEqual(["limited"]);
  });

  it("come as a stream, and no more is read once the reader stops", async () => {
    const logs = store(1);
    const seen: string[] = [];
    for await (const entry of meshOf(logs)
      .all()
      .logs({ ...last, order: "forward" })) {
      seen.push(shown(entry));
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(["plain server undefined backend 200", "plain client frontend undefined 200"]);
    expect(logs.open).toBe(0);
  });

  it("tell how far they have come", async () => {
    for (const order of ["forward", "backward"] as const) {
      const steps: LogProgress[] = [];
      const edge = meshOf(store(2)).edge("frontend", { service: "backend" });
      const all = await edge.logs({ ...last, order, onProgress: (progress) => steps.push(progress) });
      expect(steps.length).toBeGreaterThan(3);
      for (const part of ["found", "lines", "ratio"] as const) {
        const course = steps.map((step) => step[part]);
        expect(course).toEqual([...course].sort((a, b) => a - b));
      }
      expect(steps.at(-1)?.found).toBe(all.length);
      expect(all.meta).toMatchObject({ found: all.length, ratio: 1, complete: true });
      expect(steps[0]?.ratio).toBeLessThan(1);
      expect(steps.map(({ ended }) => ended)).toEqual(steps.map((_, i) => i === steps.length - 1));
      for (const { what, unit, done, total, ratio } of steps)
        expect([what, unit, done / total]).toEqual(["logs", "ms", ratio]);
    }
  });

  it("end at their deadline wherever the backend stands still, or with their caller's reason", async () => {
    class Stuck extends LogStore {
      onWait: () => void = () => undefined;
      override async *entries(query: LogQuery, options: EntriesOptions = {}): AsyncGenerator<LogPage> {
        for await (const page of super.entries(query, options)) {
          yield page;
          this.onWait();
          await new Promise((_, reject) => {
            const stop = () => reject(options.signal?.reason);
            options.signal?.addEventListener("abort", stop);
            if (options.signal?.aborted === true) stop();
          });
        }
      }
    }
    const edge = meshOf(new Stuck(lines)).edge("frontend", { service: "backend" });
    await expect(edge.calls({ ...last, timeoutMs: 50 })).rejects.toMatchObject({
      name: "TimeoutError",
      timeoutMs: 50,
      message: expect.stringMatching(/^store: the search reached .* within 50 ms; .*for await/),
    });
    const reason = new Error("enough");
    const stop = new AbortController();
    const stuck = new Stuck(lines);
    stuck.onWait = () => stop.abort(reason);
    const search = meshOf(stuck)
      .edge("frontend", { service: "backend" })
      .logs({ ...last, signal: stop.signal });
    await expect(search).rejects.toBe(reason);
  });

  it("fail with the first side that does, whatever the other waits for", async () => {
    const failure = new BackendError("bad-query", "store: no", { status: 400 });
    let ended = 0;
    class HalfStuck extends LogStore {
      override async *entries(query: LogQuery, options: EntriesOptions = {}): AsyncGenerator<LogPage> {
        this.queries.push(query);
        if (this.queries.length > 1) throw failure;
        await new Promise((_, reject) => {
          options.signal?.addEventListener("abort", () => {
            ended++;
            reject(options.signal?.reason);
          });
        });
        yield* super.entries(query, options);
      }
    }
    const edge = meshOf(new HalfStuck(lines)).edge("frontend", { service: "backend" });
    await expect(edge.calls(last)).rejects.toBe(failure);
    expect(ended).toBe(1);
  });

  it("leave out lines that are no entries, and say so", async () => {
    const unread: string[] = [];
    const found = await meshOf(store())
      .workload("backend")
      .logs({ ...last, onUnparsed: ({ raw }) => unread.push(raw) });
    expect(found.meta.unparsed.count).toBe(0);
    const all = await meshOf(store())
      .all()
      .logs({ ...last, onUnparsed: ({ raw }) => unread.push(raw) });
    expect(all.meta.unparsed).toMatchObject({ count: 1, examples: [{ reason: "it is of no known format" }] });
    expect(unread).toHaveLength(1);
  });

  it("may be kept without their container, or in a format of the mesh's own", async () => {
    const line = "GET /work 503 frontend->backend id-1";
    const format = "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %REQ(X-FROM)%->%REQ(X-TO)% %REQ(X-REQUEST-ID)%\n";
    const own = {
      ...lineBy(frontend, NOW - 1_000, line),
      origin: { namespace: "default", pod: "frontend-6c9f7d5b48-k2x9p" },
    };
    const options = { logs: new LogStore([own]), now: () => NOW };
    const mesh = createMesh({ ...options, accessLog: { container: false, formats: [format] } });
    expect((await mesh.all().logs(last)).map(({ code, requestId }) => [code, requestId])).toEqual([[503, "id-1"]]);
    expect(await createMesh(options).all().logs(last)).toHaveLength(0);
    expect(() => createMesh({ ...options, accessLog: { container: "" } })).toThrow(/accessLog.container is a name/);
    expect(() => createMesh({ logs: {} as LogStore })).toThrow(/logs is no backend/);
    expect(() => createMesh({ accessLog: { formats: ["%NO"] } })).toThrow(QueryError);
  });

  it("of a callee alone are not taken for its caller's, and a warning says why there are none", async () => {
    const calleeOnly = lines.filter(({ origin }) => !(origin.pod ?? "").startsWith("frontend-6"));
    const found = await meshOf(new LogStore(calleeOnly)).edge("frontend", "backend").logs(last);
    expect(found).toHaveLength(0);
    expect(found.meta.warnings.join()).toMatch(/are the logs of the caller's proxies collected/);
  });
});

describe("calls over IPv6", () => {
  const caller: Pod = { workload: "frontend", ip: "[2001:db8::1]" };
  const callee: Pod = { workload: "backend", ip: "[2001:db8::2]", json: true };
  const both = [
    { id: "six", from: caller, to, ago: 60_000, attempts: [{ by: callee }] },
    {
      id: "six",
      from: callee,
      to: "ratings.default",
      ago: 59_999,
      attempts: [{ by: { ...backendV2, ip: "[2001:db8::3]" } }],
    },
    { id: "again", from: caller, to, ago: 50_000, code: 503, attempts: [{ by: callee }, { by: callee, afterMs: 4 }] },
  ].flatMap(linesOf);

  it("are joined by their addresses, whichever format each side writes", async () => {
    const edge = meshOf(new LogStore(both)).edge("frontend", { service: "backend" });
    for (const conditions of [{}, { status: "5xx" }] as const) {
      const calls = await edge.calls({ ...last, order: "forward", ...conditions });
      const wanted = [
        ["six", "2001:db8::1", 1],
        ["again", "2001:db8::1", 2],
      ];
      expect(
        calls.map(({ requestId, server, attempts }) => [requestId, server?.downstreamRemote?.host, attempts.length]),
      ).toEqual("status" in conditions ? wanted.slice(1) : wanted);
    }
  });
});

describe("what an edge's calls come to", () => {
  const edge = () => meshOf(store()).edge("frontend", { service: "backend", namespace: "default" });

  it("by path", async () => {
    const rows = await edge().topPaths(last);
    expect([...rows]).toMatchObject([
      { key: "/work", calls: 6, errors: 1, share: 6 / 7, medianMs: 10, slowestMs: 900 },
      { key: "/flaky", calls: 1, errors: 0, share: 1 / 7, medianMs: 100 },
    ]);
    expect(await edge().topPaths({ ...last, limit: 1 })).toHaveLength(1);
  });

  it("by what went wrong", async () => {
    const failing = edge().failures([{ response_code: /5..|4../ }]);
    expect((await failing.errorsBy("flags", last)).map(({ key, errors }) => [key, errors])).toEqual([
      ["NR", 1],
      ["RL", 1],
      ["UF", 1],
    ]);
    expect((await failing.errorsBy("code", last)).map(({ key }) => key)).toEqual(["404", "429", "503"]);
    expect((await edge().errorsBy("path", last)).map(({ key, share }) => [key, share])).toEqual([["/work", 1]]);
    await expect(edge().errorsBy("host" as "path", last)).rejects.toThrow(/write "flags", "code" or "path"/);
  });

  it("in time, of every call", async () => {
    expect(await edge().latencyFromLogs(0.5, last)).toMatchObject({ value: 10, unit: "ms", samples: 7 });
    expect(await edge().latencyFromLogs(1, last)).toMatchObject({ value: 900 });
    expect(await edge().latencyFromLogs(0.5, { from: NOW - 1_000, to: NOW })).toMatchObject({
      value: undefined,
      samples: 0,
    });
    await expect(edge().latencyFromLogs(2, last)).rejects.toThrow(/from 0 to 1/);
  });

  it("in denials, with the policy and the caller", async () => {
    const [denial, ...none] = await meshOf(store()).workload("backend").denials(last);
    expect(none).toEqual([]);
    expect(denial).toMatchObject({
      policy: "keep-out",
      namespace: "default",
      rule: 1,
      workload: "other",
      principal: undefined,
    });
    expect(denial?.call).toMatchObject({ code: 403, method: "DELETE", path: "/admin" });
  });

  it("in limits", async () => {
    const [limited, ...none] = await edge().rateLimited(last);
    expect(none).toEqual([]);
    expect(limited).toMatchObject({ by: "local" });
    expect(limited?.call.client?.flags).toEqual([]);
  });
});
