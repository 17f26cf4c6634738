import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  AlertHistory,
  type AlertNotification,
  type AlertSink,
  alert,
  alertKey,
  alertmanager,
  fileStore,
  logLines,
  memoryStore,
  ruleGroup,
  tracesOf,
  type WatchFailure,
  type WatchOptions,
  webhook,
} from "../../src/alerts/index.ts";
import { createMesh, type LogBackend } from "../../src/index.ts";
import { parse } from "../../src/promql/index.ts";
import { simulatedMesh } from "../../src/testing/index.ts";
import { answering } from "../http/listener.ts";
import { random } from "../mesh/random.ts";
import { BEGIN_MS, due, EVERY_MS, lived, needless, type Schedule, told } from "./watch-lives.ts";
import { below, scripted, turns } from "./watch-script.ts";

const untyped = (value: unknown) => value as never;

describe("a watched rule", () => {
  test("tells each alert that fires and each that is resolved once, at whole multiples of the interval", async () => {
    const values = [1, 0.5, 0.5, 1, 1, 0.6];
    const { rule, asked } = scripted((turn, query) => {
      const value = values[turn] ?? 1;
      return below(query) && value >= 0.99 ? {} : { web: value };
    });
    const seen: string[] = [];
    const note = ({ state, firedAtMs, labels, because, value }: AlertNotification) =>
      void seen.push(`${state} ${(firedAtMs - BEGIN_MS) / EVERY_MS} ${labels.source_workload} ${because} ${value}`);
    const time = turns(8, { startMs: BEGIN_MS + 3_333 });
    const watched = rule.for("10s").watch({ ...time, onFiring: note, onResolved: note });
    await watched.done;
    expect(seen).toEqual(["firing 2 web undefined 0.5", "resolved 2 web recovered 0.5"]);
    expect([...new Set(asked)]).toEqual(Array.from({ length: 9 }, (_, i) => BEGIN_MS + i * EVERY_MS));
    expect(watched).toMatchObject({ skipped: 0, undelivered: [], evaluatedAtMs: BEGIN_MS + 8 * EVERY_MS });
    // The one that was found for less than its `for` took the place of the resolved one, and is forgotten.
    expect(watched.alerts).toEqual([]);
  });

  test("leaves out the instants that pass while it is late, and does not drift", async () => {
    const { rule, asked } = scripted(() => ({}));
    let sleeps = 0;
    const time = turns(10, { slowMs: () => (++sleeps === 3 ? 2.5 * EVERY_MS : 7) });
    const watched = rule.watch(time);
    await watched.done;
    expect(asked.map((ms) => (ms - BEGIN_MS) / EVERY_MS)).toEqual([0, 1, 2, 5, 6, 7, 8, 9]);
    expect(watched.skipped).toBe(2);
  });

  test("says that an alert's values are gone, or keeps it firing, instead of calling it recovered", async () => {
    const gone = (turn: number, query: string): Record<string, number> => {
      if (turn === 0) return { web: 0.5, api: 0.5 };
      return below(query) ? {} : { api: 1 };
    };
    const resolvedBy = async (missing?: "keep" | "resolve") => {
      const seen: string[] = [];
      const onResolved = ({ labels, because }: AlertNotification) =>
        void seen.push(`${labels.source_workload} ${because}`);
      const watched = scripted(gone).rule.watch({ ...turns(3), onResolved, missing });
      await watched.done;
      return { seen: seen.sort(), firing: watched.alerts.filter(({ state }) => state === "firing").length };
    };
    expect(await resolvedBy()).toEqual({ seen: ["api recovered", "web missing"], firing: 0 });
    expect(await resolvedBy("keep")).toEqual({ seen: ["api recovered"], firing: 1 });
  });

  test.each([
    ["success < 0.99", ["api recovered", "web missing"]],
    ["success < 0.99 and success < 2", ["api recovered", "web missing"]],
    ["success < 0.99 unless other > 1", ["api recovered", "web missing"]],
    ["success < bool 0.99", ["api unknown", "web unknown"]],
  ])("says so of bare PromQL where that compares: %s", async (text, wanted) => {
    const { backend: metrics } = scripted((turn, query): Record<string, number> => {
      if (turn === 0) return { web: 0.5, api: 0.5 };
      return query === "success" ? { api: 1 } : {};
    });
    const seen: string[] = [];
    const onResolved = ({ labels, because }: AlertNotification) =>
      void seen.push(`${labels.source_workload} ${because}`);
    await alert("A", parse(text)).watch({ ...turns(3), metrics, onResolved }).done;
    expect(seen.sort()).toEqual(wanted);
  });

  test.each<[readonly number[], string]>([
    [[3], "recovered"],
    [[], "unknown"],
  ])("over lines is recovered while some are left, and otherwise nobody knows: %j", async (left, wanted) => {
    let turn = 0;
    const logs = {
      measure: async () => ({
        series: (turn++ === 0 ? [12] : left).map((value) => ({ labels: {}, values: Float64Array.of(value) })),
        warnings: [],
        complete: true,
      }),
    } as unknown as LogBackend;
    const seen: unknown[] = [];
    const onResolved = ({ because }: AlertNotification) => void seen.push(because);
    const noisy = alert("Noisy", logLines({ origin: {} }, { window: "1m" }).above(10));
    await noisy.watch({ ...turns(3), logs, onResolved }).done;
    expect(seen).toEqual([wanted]);
  });

  test("changes nothing where the query fails, or part of its answer is missing", async () => {
    const failures: WatchFailure[] = [];
    let isWhole = true;
    const { rule } = scripted(
      (turn, query) => {
        isWhole = turn !== 2;
        if (turn === 1) throw new Error("away");
        return turn === 2 && below(query) ? {} : { web: 0.5 };
      },
      () => isWhole,
    );
    const seen: string[] = [];
    const note = ({ state }: AlertNotification) => void seen.push(state);
    await rule.watch({ ...turns(4), onFiring: note, onResolved: note, onError: (one) => failures.push(one) }).done;
    expect(seen).toEqual(["firing"]);
    expect(failures).toMatchObject([
      { stage: "evaluation", atMs: BEGIN_MS + EVERY_MS, error: { message: "away" } },
      { stage: "evaluation", error: { name: "PartialError", warnings: ["a store is away"] } },
    ]);
  });

  test("has the labels of its group, and keeps what fires where there are more alerts than the group's limit", async () => {
    const { rule } = scripted((turn) => (turn === 1 ? { api: 0.5, web: 0.5 } : { web: 0.5 }));
    const group = ruleGroup("g", [rule], { limit: 1, labels: { team: "shop", severity: "none" } });
    const failures: WatchFailure[] = [];
    const seen: AlertNotification[] = [];
    const onError = (one: WatchFailure) => failures.push(one);
    const watched = rule.watch({ ...turns(3), group, onFiring: (one) => void seen.push(one), onError });
    await watched.done;
    expect(failures).toMatchObject([{ atMs: BEGIN_MS + EVERY_MS, stage: "evaluation" }]);
    expect(String(failures[0]?.error)).toContain("exceeded limit of 1 with 2 alerts");
    const labels = { alertname: "Failing", severity: "page", source_workload: "web", team: "shop" };
    expect(seen).toMatchObject([{ labels }]);
    expect(watched.alerts).toMatchObject([{ labels, state: "firing" }]);
    expect(inspect(watched)).toBe("Failing: evaluated at 2026-11-20T13:30:20Z; 1 firing, 0 pending");
  });

  test("tells a callback again that failed, and what comes after it not before", async () => {
    const { rule } = scripted((turn, query) => (turn === 0 || !below(query) ? { web: turn === 0 ? 0.5 : 1 } : {}));
    const seen: string[] = [];
    let tries = 0;
    const failures: WatchFailure[] = [];
    const onFiring = ({ id }: AlertNotification) => {
      if (++tries < 4) throw new Error("pager is away");
      seen.push(`firing ${id.length}`);
    };
    const onResolved = async () => void seen.push("resolved");
    await rule.watch({ ...turns(6), onFiring, onResolved, onError: (failure) => failures.push(failure) }).done;
    expect(seen).toEqual(["firing 32", "resolved"]);
    expect(tries).toBe(4);
    expect(failures).toMatchObject(Array.from({ length: 3 }, () => ({ stage: "delivery", sink: "callbacks" })));
  });

  test("gives up waiting for a sink that hangs, and keeps what it should have taken", async () => {
    const { rule } = scripted(() => ({ web: 0.5 }));
    const hanging: AlertSink = { name: "hanging", mostAtOnce: 1, send: () => new Promise(() => undefined) };
    const taken: string[] = [];
    const other: AlertSink = { name: "other", mostAtOnce: 1, send: async ([one]) => void taken.push(one?.state ?? "") };
    const failures: WatchFailure[] = [];
    const watched = rule.watch({
      ...turns(2),
      sinks: [hanging, other],
      deliverWithinMs: 20,
      onError: (failure) => failures.push(failure),
    });
    await watched.done;
    expect(taken).toEqual(["firing"]);
    expect(watched.undelivered).toHaveLength(1);
    expect(failures).toMatchObject(Array.from({ length: 2 }, () => ({ sink: "hanging", error: { code: "deadline" } })));
  });

  test("goes on where it was after a restart, and does not count the time between as waited for", async () => {
    const store = memoryStore();
    const { rule } = scripted(() => ({ web: 0.5 }));
    const seen: number[] = [];
    const onFiring = ({ firedAtMs }: AlertNotification) => void seen.push((firedAtMs - BEGIN_MS) / EVERY_MS);
    const waiting = rule.for("30s");
    const first = waiting.watch({ ...turns(2), onFiring, store });
    await first.done;
    expect(first.alerts).toMatchObject([{ state: "pending", labels: { alertname: "Failing", severity: "page" } }]);
    const second = waiting.watch({ ...turns(5, { startMs: BEGIN_MS + 100 * EVERY_MS }), onFiring, store });
    await second.done;
    expect(second.skipped).toBe(0);
    expect(seen).toEqual([101]);
    await waiting.watch({ ...turns(2, { startMs: BEGIN_MS + 105 * EVERY_MS }), onFiring, store }).done;
    expect(seen).toEqual([101]);
  });

  test("looks for evidence when it is asked for it, of the scope that the alert's labels name", async () => {
    const { rule, backend, asked } = scripted((_, query) => (below(query) ? { web: 0.5 } : {}));
    const mesh = createMesh({ metrics: backend });
    const scopes: (string | undefined)[] = [];
    let evidence: Awaited<ReturnType<AlertNotification["evidence"]>> | undefined;
    const time = turns(1);
    await rule.watch({
      ...time,
      scope: (labels) => {
        scopes.push(labels.source_workload);
        return mesh.edge(labels.source_workload ?? "", "backend");
      },
      onFiring: async (one) => {
        expect(scopes).toEqual([]);
        const before = asked.length;
        evidence = await one.evidence({ before: "1m" });
        expect(asked.length).toBeGreaterThan(before);
      },
    }).done;
    expect(scopes).toEqual(["web"]);
    expect(evidence).toMatchObject({
      fromMs: BEGIN_MS - 60_000,
      toMs: BEGIN_MS,
      traces: undefined,
      entries: undefined,
    });
    expect(evidence?.explanation?.findings).toEqual([]);
    expect(evidence?.missing).toMatchObject([
      { part: "traces", error: { code: "config" } },
      { part: "entries", error: { code: "config" } },
    ]);
  });

  test("over traces fires in a process, with what all signals say as its evidence", async () => {
    const sim = simulatedMesh({
      services: { web: {}, api: {} },
      clients: { gateway: { kind: "gateway" } },
      flows: [{ from: "gateway", to: "web", perSecond: 2, calls: [{ to: "api" }] }],
      incidents: [{ kind: "failing", service: "api", from: BEGIN_MS - 600_000, to: BEGIN_MS, share: 0.5 }],
      sampling: 1,
      start: BEGIN_MS - 3_600_000,
      now: BEGIN_MS,
    });
    const edge = createMesh(sim.backends()).edge("web", "api");
    const rule = alert("FailedTraces", tracesOf(edge, { last: "5m", errors: true }).atLeast(3));
    const found: unknown[] = [];
    const onFiring = async (one: AlertNotification) => {
      const { explanation, traces, entries, missing } = await one.evidence({ examples: 2 });
      found.push(one.value, explanation?.findings[0]?.kind, traces?.length, entries?.length, missing);
    };
    const failures: WatchFailure[] = [];
    await rule.watch({ ...turns(1), onFiring, scope: edge, onError: (failure) => failures.push(failure) }).done;
    expect(failures).toEqual([]);
    expect(found).toEqual([3, "errors", 2, 2, []]);
  });

  test.each<[string, WatchOptions]>([
    ["an interval that is none", { every: "soon" }],
    ["a deadline that is none", { every: "30s", deliverWithinMs: 0 }],
    ["two sinks of one name", { every: "30s", sinks: [webhook("http://a/b"), webhook("http://a/b")] }],
  ])("is refused with %s", (_, options) => {
    expect(() => scripted(() => ({})).rule.watch(options)).toThrow(expect.objectContaining({ name: "QueryError" }));
  });

  test("needs somebody to ask", () => {
    expect(() => alert("Down", parse("up == 0")).watch({ every: "30s" })).toThrow(
      'watch: the condition of "Down" belongs to no mesh; write watch({ every, metrics: prometheus("http://prometheus:9090") })',
    );
  });
});

describe("a store of files", () => {
  test("keeps the state whole, values without end too, and refuses what is none", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "meshquery-watch-"));
    try {
      const store = fileStore(path.join(folder, "new", "state"));
      const { backend } = scripted(() => ({ 'wéb/"1"': Number.POSITIVE_INFINITY }));
      const rule = alert("Odd / name", parse("odd > 1"));
      const failing = { onFiring: () => Promise.reject(new Error("no")), metrics: backend, store };
      await rule.watch({ ...turns(1), ...failing }).done;
      const again = rule.watch({ ...turns(1), ...failing });
      await again.done;
      expect(again.undelivered).toMatchObject([{ state: "firing", value: Number.POSITIVE_INFINITY }]);
      expect(again.alerts[0]?.labels).toEqual({ alertname: "Odd / name", source_workload: 'wéb/"1"' });
      const files = readdirSync(path.join(folder, "new", "state"));
      expect(files).toEqual(["Odd%20%2F%20name.json"]);
      for (const text of ["{", '{"version":2}']) {
        writeFileSync(path.join(folder, "new", "state", files[0] ?? ""), text);
        await expect(rule.watch({ ...turns(1), ...failing }).done).rejects.toMatchObject({ name: "DecodeError" });
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("a sink", () => {
  test("that is an Alertmanager is told again each resend delay, with an end four of them ahead, and the true one at last", async () => {
    const posts: { startsAt: string; endsAt: string; labels: Record<string, string> }[][] = [];
    const server = await answering((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        expect(request.url).toBe("/am/api/v2/alerts");
        if (posts.push(JSON.parse(body)) === 1) response.statusCode = 400;
        response.end();
      });
    });
    try {
      const { rule } = scripted((turn, query) => (turn < 5 ? { web: 0.5 } : below(query) ? {} : { web: 1 }));
      const failures: WatchFailure[] = [];
      const sink = alertmanager(`${server.url}/am`, { resendDelay: "20s" });
      await rule.watch({ ...turns(8), sinks: [sink], onError: (failure) => failures.push(failure) }).done;
      const at = (turn: number, ms = 0) =>
        new Date(BEGIN_MS + turn * EVERY_MS + ms).toISOString().replace(".000Z", "Z");
      expect(posts.flat().map(({ startsAt, endsAt }) => [startsAt, endsAt])).toEqual([
        [at(0), at(0, 80_000)],
        [at(0), at(1, 80_000)],
        [at(0), at(3, 80_000)],
        [at(0), at(5)],
        [at(0), at(5)],
      ]);
      expect(failures).toMatchObject([{ stage: "delivery", error: { name: "BackendError", status: 400 } }]);
    } finally {
      await server.close();
    }
  });

  test("that is a webhook gets each notification as JSON, with its id as the key of the request", async () => {
    const posts: [string | undefined, string | string[] | undefined, Record<string, unknown>][] = [];
    const server = await answering((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        posts.push([request.url, request.headers["idempotency-key"], JSON.parse(body)]);
        response.statusCode = 204;
        response.end();
      });
    });
    try {
      const { rule } = scripted((turn, query) => (turn < 2 ? { web: 0.5 } : below(query) ? {} : { web: 1 }));
      await rule.watch({ ...turns(4), sinks: [webhook(`${server.url}/hooks/mesh`)] }).done;
      expect(posts.map(([url, key, { id }]) => [url, key === id])).toEqual([
        ["/hooks/mesh", true],
        ["/hooks/mesh", true],
      ]);
      expect(posts.map(([, , body]) => body)).toMatchObject([
        { state: "firing", rule: "Failing", value: 0.5, firedAt: "2026-11-20T13:30:00Z" },
        { state: "resolved", because: "recovered", resolvedAt: "2026-11-20T13:30:20Z" },
      ]);
      const names = ["a", "b"].map((room) => webhook(`${server.url}/hooks/${room}-4711`).name);
      expect(new Set(names).size).toBe(2);
      expect(names.join()).not.toContain("4711");
      expect(() => webhook(`${server.url}/hooks?token=1`)).toThrow("has a query");
      expect(() => webhook(untyped("nowhere"))).toThrow("is not a URL");
    } finally {
      await server.close();
    }
  });
});

describe("a watcher that is killed", () => {
  /** Values that come and go, and queries that fail, the same for whoever asks. */
  function schedule(seed: number, kills: readonly number[] | undefined, evaluations: number): Schedule {
    const source = random(seed);
    const answers = new Map<number, ReadonlyMap<string, number> | undefined>();
    const failing = new Set<string>();
    for (let i = 0; i <= evaluations + 60; i++) {
      for (const app of ["web", "api", "cart"]) {
        if (source.next() < 0.3) failing.has(app) ? failing.delete(app) : failing.add(app);
      }
      const values = new Map([...failing].map((app) => [app, source.between(1, 9)]));
      answers.set(BEGIN_MS + i * EVERY_MS, source.next() < 0.1 ? undefined : values);
    }
    return {
      forMs: source.pick([0, 0, 10_000, 30_000]),
      keepFiringForMs: source.pick([0, 0, 20_000]),
      valuesAt: (atMs) => answers.get(atMs),
      kills: kills ?? Array.from({ length: source.between(1, 6) }, () => source.between(1, 60)),
      pausesMs: Array.from({ length: 6 }, () => source.pick([0, 0, 4_000, 25_000, 60_000])),
      evaluations,
      random: source,
      sinkFails: source.pick([0, 0.2, 0.5]),
      storeFails: source.pick([0, 0, 0.1]),
    };
  }

  // A thousand schedules, a hundred to a test, so that none of them takes long on a busy machine.
  test.each(Array.from({ length: 10 }, (_, i) => i * 100))(
    "at any point of the random schedules from %i on loses no notification, and tells none again that was acknowledged",
    async (first) => {
      let [kills, notifications, repeated] = [0, 0, 0];
      for (let seed = first + 1; seed <= first + 100; seed++) {
        const plan = schedule(seed, undefined, 30);
        const world = await lived(plan);
        kills += world.kills;
        notifications += told(world).length;
        repeated += world.taken.length - told(world).length;
        expect(told(world), `seed ${seed}`).toEqual([...due(world)].sort(byChange));
        expect(world.toldAgain, `seed ${seed}`).toEqual([]);
        if (plan.storeFails === 0) expect(needless(world), `seed ${seed}`).toEqual([]);
        // One id for each change, and an alert's firing before its end.
        const ids = new Map(world.taken.map(({ change, id }) => [change, id]));
        expect(new Set(ids.values()).size).toBe(ids.size);
        expect(world.taken.filter(({ change, id }) => ids.get(change) !== id)).toEqual([]);
        const place = (sink: string, change: string): number =>
          world.taken.findIndex((one) => one.sink === sink && one.change === change);
        const early = world.taken.filter(({ sink, change }) => {
          if (!change.endsWith("resolved")) return false;
          const fired = place(sink, change.replace("resolved", "firing"));
          return fired < 0 || fired >= place(sink, change);
        });
        expect(early, `seed ${seed}`).toEqual([]);
        if (plan.forMs === 0) expect(firings(world.taken), `seed ${seed}`).toEqual(truth(plan, world.saves));
      }
      expect(kills).toBeGreaterThan(250);
      expect(notifications).toBeGreaterThan(2_000);
      // Some ended between a sink's acknowledgement and the store's, and told it again by the same id.
      expect(repeated).toBeGreaterThan(50);
    },
  );

  test("at every point of one schedule, one after the other, tells the same", async () => {
    const { points } = await lived(schedule(7, [], 12));
    expect(points).toBeGreaterThan(60);
    for (let killAt = 1; killAt <= points; killAt++) {
      const world = await lived(schedule(7, [killAt], 12));
      expect(told(world), `killed at ${killAt}`).toEqual([...due(world)].sort(byChange));
      expect(world.toldAgain).toEqual([]);
      expect(needless(world)).toEqual([]);
    }
  });

  const byChange = (a: string, b: string) => {
    const key = (text: string) => `${text.slice(text.indexOf(" ") + 1)}\n${text.slice(0, text.indexOf(" "))}`;
    return key(a) < key(b) ? -1 : 1;
  };

  const firings = (taken: readonly { readonly change: string }[]) =>
    [...new Set(taken.flatMap(({ change }) => (change.endsWith("firing") ? [change] : [])))].sort();

  /** When alerts without a `for` began to fire, by the values of the evaluations that were kept. */
  function truth(
    { keepFiringForMs, valuesAt }: Schedule,
    saves: readonly { readonly evaluatedAtMs: number }[],
  ): string[] {
    const history = new AlertHistory({ forMs: 0, keepFiringForMs, limit: 0 });
    for (const atMs of [...new Set(saves.map(({ evaluatedAtMs }) => evaluatedAtMs))].sort()) {
      const found = Array.from(valuesAt(atMs) ?? [], ([app, value]) => {
        const labels = { app };
        return { key: alertKey(labels), labels, annotations: {}, value };
      });
      history.evaluate(atMs, found);
    }
    const began = history
      .courses()
      .flatMap(({ labels, intervals }) => intervals.map(({ startMs }) => `${labels.app} ${startMs} firing`));
    return began.sort();
  }
});
