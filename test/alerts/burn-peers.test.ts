import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type AlertCourse, slo } from "../../src/alerts/index.ts";
import { createMesh } from "../../src/index.ts";
import { memoryStorage } from "../../src/promql/index.ts";
import { seriesMetrics } from "../../src/testing/index.ts";
import { BEFORE, burnTable, endOf, INCIDENTS, PYRRA_LINES, RULERS, seriesOf, toldBy, tried } from "./burn-peers.ts";

const BEGIN = "<!-- when burn alerts fire -->\n";
const END = "\n<!-- end -->";

test("the page on objectives tells when each alert fires", async () => {
  const path = new URL("../../docs/slo.md", import.meta.url).pathname;
  const page = readFileSync(path, "utf8");
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  expect(end).toBeGreaterThan(begin);
  // `vitest -u` writes the page anew.
  const written = `${page.slice(0, begin)}${BEGIN}\n${await burnTable()}\n${page.slice(end)}`;
  await expect(written).toMatchFileSnapshot(path);
});

const [sloth, own, pyrra] = RULERS;
if (sloth === undefined || own === undefined || pyrra === undefined) throw new Error("there are three at least");

test.each(INCIDENTS.map((incident) => [incident.name, incident] as const))(
  "alerts fire and end as Sloth's do: %s",
  async (_, incident) => {
    const [theirs, ours] = await Promise.all(
      [sloth, own].map((ruler) => tried(ruler, seriesOf(incident, ruler), incident)),
    );
    if (theirs === undefined || ours === undefined) throw new Error("both were tried");
    expect(toldBy(ours, own.page)).toEqual(toldBy(theirs, sloth.page));
    expect(toldBy(ours, own.ticket)).toEqual(toldBy(theirs, sloth.ticket));
  },
);

test.each(INCIDENTS.map((incident) => [incident.name, incident] as const))(
  "alerts with Pyrra's table and its waits fire and end as Pyrra's do: %s",
  async (_, incident) => {
    const series = seriesOf(incident, pyrra);
    const storage = memoryStorage();
    storage.load(series, { step: "1m" });
    const table = slo({
      name: "backend",
      objective: "99%",
      window: "28d",
      of: createMesh({ metrics: seriesMetrics(storage) }).service("backend"),
      interval: "1m",
      alerts: PYRRA_LINES.map(({ factor, long, short, wait }) => ({
        severity: long,
        burnRate: factor,
        long,
        short,
        for: wait,
      })),
    });
    const theirs = await tried(pyrra, series, incident);
    const range = { from: (BEFORE - 60) * 60_000, to: endOf(incident) * 60_000, step: "1m" } as const;
    const ours = await table.backtest(range);
    for (const i of PYRRA_LINES.keys()) {
      const intervals = (all: readonly AlertCourse[]) =>
        all.flatMap((one) => one.intervals.map(({ state, startMs, endMs }) => [state, startMs, endMs]));
      expect(intervals(ours.rules[i]?.alerts ?? [])).toEqual(intervals(theirs.rules[i]?.alerts ?? []));
    }
  },
);
