import { describe, expect, test } from "vitest";
import { AlertHistory } from "../../src/alerts/history.ts";
import {
  type AlertInstances,
  type AlertTiming,
  alertKey,
  evaluateAlerts,
  type FoundAlert,
  NO_ALERTS,
  RESOLVED_RETENTION_MS,
} from "../../src/alerts/state.ts";

const MINUTE = 60_000;
const found = (name = "a", value = 1): FoundAlert => {
  const labels = { alertname: "x", name };
  return { key: alertKey(labels), labels, annotations: { summary: `${value}` }, value };
};

/** One letter an evaluation: what the alert is, where it was found (`x`) and where not (`.`). */
function run(pattern: string, timing: Partial<AlertTiming>): string {
  let alerts: AlertInstances = NO_ALERTS;
  let states = "";
  for (const [i, c] of [...pattern].entries()) {
    ({ alerts } = evaluateAlerts(
      alerts,
      { forMs: 0, keepFiringForMs: 0, limit: 0, ...timing },
      i * MINUTE,
      c === "x" ? [found()] : [],
    ));
    states += [...alerts.values()][0]?.state.charAt(0) ?? "-";
  }
  return states;
}

describe("the states of an alert, p pending, f firing, r resolved, - none", () => {
  test.each<[string, Partial<AlertTiming>, string, string]>([
    ["fires at once without a for", {}, "x..x", "frrf"],
    ["fires when it was found for as long as for, and not a minute later", { forMs: 2 * MINUTE }, "xxxx.", "ppffr"],
    ["waits for the evaluation after, where for ends between two", { forMs: 90_000 }, "xxx", "ppf"],
    ["begins anew after any gap while it is pending", { forMs: 2 * MINUTE }, "xx.xxx", "pp-ppf"],
    ["is pending again after it was resolved", { forMs: MINUTE }, "xx.xx", "pfrpf"],
    ["goes on firing for less than keep_firing_for", { keepFiringForMs: 2 * MINUTE }, "x....", "fffrr"],
    [
      "counts keep_firing_for from the first gap each time",
      { keepFiringForMs: 2 * MINUTE },
      "x.x.xx...",
      "ffffff" + "ffr",
    ],
    ["is not kept while it is pending", { forMs: MINUTE, keepFiringForMs: 5 * MINUTE }, "x.xx.", "p-pff"],
  ])("%s", (_, timing, pattern, states) => {
    expect(run(pattern, timing)).toBe(states);
  });

  test("a resolved alert is remembered for 15 minutes, that one included", () => {
    const minutes = RESOLVED_RETENTION_MS / MINUTE;
    expect(run(`x${".".repeat(minutes + 3)}`, {})).toBe(`f${"r".repeat(minutes + 1)}--`);
  });
});

describe("an evaluation", () => {
  const timing = { forMs: MINUTE, keepFiringForMs: 3 * MINUTE, limit: 0 };
  const first = evaluateAlerts(NO_ALERTS, timing, 0, [found("a", 1), found("b", 2)]).alerts;

  test("keeps alerts of different labels apart", () => {
    const { alerts } = evaluateAlerts(first, timing, MINUTE, [found("b", 3), found("c", 4)]);
    expect(
      [...alerts.values()].map(({ labels, state, activeAtMs, value }) => [labels.name, state, activeAtMs, value]),
    ).toEqual([
      ["b", "firing", 0, 3],
      ["c", "pending", MINUTE, 4],
    ]);
  });

  test("takes over value and annotations while the alert is found, and freezes them while it is kept", () => {
    const fired = evaluateAlerts(first, timing, MINUTE, [found("a", 7)]).alerts;
    const kept = evaluateAlerts(fired, timing, 2 * MINUTE, []).alerts.get(found("a").key);
    expect(kept).toMatchObject({ state: "firing", value: 7, annotations: { summary: "7" }, keptSinceMs: 2 * MINUTE });
  });

  test("that finds equal labels twice fails as a whole and changes nothing", () => {
    const { alerts, error } = evaluateAlerts(first, timing, MINUTE, [found("a"), found("a"), found("c")]);
    expect(alerts).toBe(first);
    expect(error).toBe("vector contains metrics with the same labelset after applying alert labels");
  });

  test("that finds more than the limit forgets all, resolved alerts not counted", () => {
    const limited = { forMs: 0, keepFiringForMs: 0, limit: 1 };
    const one = evaluateAlerts(NO_ALERTS, limited, 0, [found("a")]).alerts;
    const moved = evaluateAlerts(one, limited, MINUTE, [found("b")]);
    expect(moved.error).toBeUndefined();
    expect(moved.alerts.size).toBe(2);
    const { alerts, error } = evaluateAlerts(moved.alerts, limited, 2 * MINUTE, [found("a"), found("b")]);
    expect(alerts.size).toBe(0);
    expect(error).toBe("exceeded limit of 1 with 2 alerts");
  });

  test("under a for that was raised meanwhile lets an alert wait again", () => {
    const fired = evaluateAlerts(first, timing, MINUTE, [found("a")]).alerts;
    const raised = evaluateAlerts(fired, { ...timing, forMs: 10 * MINUTE }, 2 * MINUTE, [found("a")]).alerts;
    expect(raised.get(found("a").key)).toMatchObject({ state: "pending", activeAtMs: 0, firedAtMs: undefined });
    const kept = evaluateAlerts(fired, { ...timing, forMs: 10 * MINUTE }, 2 * MINUTE, []).alerts;
    expect(kept.get(found("a").key)).toMatchObject({ state: "pending", keptSinceMs: undefined });
  });

  test("changes nothing that there was", () => {
    const before = [...first.values()].map((alert) => ({ ...alert }));
    evaluateAlerts(first, timing, MINUTE, []);
    expect([...first.values()]).toEqual(before);
  });
});

describe("a history", () => {
  const intervals = (pattern: string, forMs: number, keepFiringForMs = 0) => {
    const history = new AlertHistory({ forMs, keepFiringForMs, limit: 0 });
    for (const [i, c] of [...pattern].entries()) history.evaluate(i * MINUTE, c === "." ? [] : [found("a", Number(c))]);
    return history
      .courses()
      .flatMap((course) =>
        course.intervals.map(({ state, startMs, endMs, ongoing, least, greatest }) =>
          [state, startMs / MINUTE, endMs / MINUTE, ongoing, least, greatest].join(" "),
        ),
      );
  };

  test("has every interval with its values", () => {
    expect(intervals("1423..5", 2 * MINUTE)).toEqual([
      "pending 0 2 false 1 4",
      "firing 2 4 false 2 3",
      "pending 6 6 true 5 5",
    ]);
  });

  test("knows an alert that was forgotten and found in between as another one", () => {
    expect(intervals("1.1", MINUTE)).toEqual(["pending 0 1 false 1 1", "pending 2 2 true 1 1"]);
  });

  test("keeps evaluations that failed, and what was firing fires on", () => {
    const history = new AlertHistory({ forMs: 0, keepFiringForMs: 0, limit: 0 });
    history.evaluate(0, [found()]);
    history.fail(MINUTE, "query timed out");
    history.evaluate(2 * MINUTE, [found(), found()]);
    expect(history.failures.map(({ atMs }) => atMs)).toEqual([MINUTE, 2 * MINUTE]);
    expect(history.courses()[0]?.intervals).toMatchObject([{ startMs: 0, endMs: 2 * MINUTE, ongoing: true }]);
  });
});

test("a key is equal for equal labels only", () => {
  expect(alertKey({ a: "1", b: "2" })).toBe(alertKey({ b: "2", a: "1" }));
  expect(alertKey({ a: "1b", c: "" })).not.toBe(alertKey({ a: "1", bc: "" }));
});
