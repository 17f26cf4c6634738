import { describe, expect, test } from "vitest";
import {
  alert,
  fromYAML,
  memoryStore,
  ruleGroup,
  slo,
  type WatchFailure,
  type WatchStore,
} from "../../src/alerts/index.ts";
import { createMesh } from "../../src/index.ts";
import { parse } from "../../src/promql/index.ts";
import { BEGIN_MS, EVERY_MS } from "./watch-lives.ts";
import { below, scripted, turns } from "./watch-script.ts";

/** A store in memory that tells the names under which it was asked to save. */
function named(): { readonly store: WatchStore; readonly names: Set<string> } {
  const memory = memoryStore();
  const names = new Set<string>();
  const save: WatchStore["save"] = (name, text) => {
    names.add(name);
    return memory.save(name, text);
  };
  return { store: { load: memory.load, save }, names };
}

describe("a store", () => {
  test("keeps rules of one name apart by their labels, those of their group too", async () => {
    const { store, names } = named();
    const { backend: metrics } = scripted(() => ({}));
    const { alerts } = slo({ name: "a", objective: 0.99, window: "30d", of: createMesh().service("a") });
    const plain = alert("ErrorBudgetBurn", parse("up == 0"));
    const shop = { group: ruleGroup("g", [plain], { labels: { team: "shop" } }) };
    for (const rule of [...alerts, plain]) await rule.watch({ ...turns(1), metrics, store }).done;
    await plain.watch({ ...turns(1), metrics, store, ...shop }).done;
    expect([...names].sort()).toEqual([
      "ErrorBudgetBurn",
      ...Array.from({ length: 3 }, () => expect.stringMatching(/^ErrorBudgetBurn [0-9a-f]{12}$/)),
      expect.stringMatching(/^SLOMetricAbsent [0-9a-f]{12}$/),
    ]);
  });

  test("that hangs is told of and left behind, so that nothing is told that it does not hold", async () => {
    const hang = (): Promise<never> => new Promise(() => undefined);
    let isStuck = true;
    const memory = memoryStore();
    const store: WatchStore = { load: memory.load, save: (name, text) => (isStuck ? hang() : memory.save(name, text)) };
    const { rule } = scripted(() => ({ web: 0.5 }));
    const failures: WatchFailure[] = [];
    const seen: string[] = [];
    const onError = (failure: WatchFailure) => failures.push(failure);
    const watched = rule.watch({
      ...turns(2),
      store,
      onError,
      onFiring: ({ state }) => void seen.push(state),
      deliverWithinMs: 20,
    });
    await watched.done;
    expect(seen).toEqual([]);
    expect(failures).toMatchObject(
      Array.from({ length: 2 }, () => ({ stage: "store", error: { name: "TimeoutError", code: "deadline" } })),
    );
    isStuck = false;
    await rule.watch({ ...turns(1), store, onFiring: ({ state }) => void seen.push(state) }).done;
    expect(seen).toEqual(["firing"]);
    const never = rule.watch({ ...turns(1), store: { ...memory, load: hang }, deliverWithinMs: 20 });
    await expect(never.done).rejects.toMatchObject({ code: "deadline", message: expect.stringContaining("the store") });
  });

  test("that is slow takes an older state never in a newer one's place", async () => {
    const memory = memoryStore();
    const ended: string[] = [];
    let wait: (() => void) | undefined;
    let saves = 0;
    const store: WatchStore = {
      load: memory.load,
      save: async (name, text) => {
        if (saves++ === 0) {
          await new Promise<void>((resolve) => {
            wait = resolve;
          });
        }
        await memory.save(name, text);
        ended.push(text.includes("firing") ? "firing" : "quiet");
      },
    };
    const { rule } = scripted((turn, query) => {
      if (turn === 2) wait?.();
      return turn === 0 ? {} : below(query) ? { web: 0.5 } : { web: 0.5 };
    });
    const failures: WatchFailure[] = [];
    await rule.watch({ ...turns(3), store, deliverWithinMs: 20, onError: (one) => failures.push(one) }).done;
    // The first ended late, the second was given up before it began.
    expect(failures.map(({ atMs }) => (atMs - BEGIN_MS) / EVERY_MS)).toEqual([0, 1]);
    expect(ended).toEqual(["quiet", "firing"]);
  });
});

describe("a clock", () => {
  test("that is set back ends no alert, and takes nothing from a wait", async () => {
    const { rule } = scripted((_, query) => (query.includes("other") ? {} : { web: 0.5 }));
    const seen: string[] = [];
    const ended = new AbortController();
    let nowMs = BEGIN_MS;
    let sleeps = 0;
    const clock = {
      now: () => nowMs,
      sleep: async (ms: number) => {
        nowMs += ms;
        sleeps++;
        if (sleeps === 2 || sleeps === 6) nowMs -= 720 * EVERY_MS;
        if (sleeps === 9) ended.abort();
      },
    };
    const note = ({ state }: { readonly state: string }) => void seen.push(`${state} at sleep ${sleeps}`);
    const watched = rule.for("40s").watch({
      every: `${EVERY_MS}ms`,
      clock,
      signal: ended.signal,
      onFiring: note,
      onResolved: note,
    });
    await watched.done;
    expect(seen).toEqual(["firing at sleep 4"]);
    expect(watched.alerts).toMatchObject([{ state: "firing" }]);
  });
});

describe("a watched rule", () => {
  test("looks as far behind the present as its group does", async () => {
    const { rule, asked } = scripted((turn, query) => (turn < 0 || !below(query) ? { web: turn < 0 ? 0.5 : 1 } : {}));
    const group = ruleGroup("g", [rule], { queryOffset: "25s" });
    const seen: string[] = [];
    const note = ({ state, asOfMs, because }: { state: string; asOfMs: number; because: unknown }) =>
      void seen.push(`${state} ${(asOfMs - BEGIN_MS) / EVERY_MS} ${because}`);
    await rule.watch({ ...turns(4), group, onFiring: note, onResolved: note }).done;
    expect(seen).toEqual(["firing 0 undefined", "resolved 3 recovered"]);
    expect(asked.slice(0, 2)).toEqual([BEGIN_MS - 25_000, BEGIN_MS - 15_000]);
  });

  test("is refused with a label that only a server fills in", () => {
    const [rule] = fromYAML(
      "groups: [{name: g, rules: [{alert: A, expr: up, labels: {severity: '{{ if gt $value 1.0 }}page{{ end }}'}}]}]",
    ).alerts;
    const { backend: metrics } = scripted(() => ({}));
    expect(() => rule?.watch({ every: "1m", metrics })).toThrow(
      'watch: only a server fills in the label severity of "A"; set it by labels({ severity: "…" })',
    );
    expect(() => rule?.severity("page").watch({ ...turns(1), metrics })).not.toThrow();
  });
});
