import { describe, expect, test } from "vitest";
import { telemetryTraces } from "../../src/testing/trace-backend.ts";
import type { TraceQuery } from "../../src/traces/backend.ts";
import { byHand, START } from "./telemetry.ts";

const backend = telemetryTraces(byHand, () => START + 5_000);
const ids = async (query: Partial<TraceQuery>): Promise<string[]> => {
  const whole = { fromMs: START, toMs: START + 5_000, limit: 10, ...query };
  return (await backend.search(whole)).traces.map(({ id }) => id.slice(-1));
};

describe("traces from telemetry", () => {
  test("are found by what one span of theirs fulfils", async () => {
    expect(await ids({})).toEqual(["1", "2", "3"]);
    expect(await ids({ tags: { "http.status_code": "503" } })).toEqual(["2"]);
    expect(await ids({ service: "backend.default", tags: { "http.status_code": "200" } })).toEqual(["1", "3"]);
    expect(await ids({ service: "frontend.default", tags: { "http.status_code": "200" } })).toEqual([]);
    expect(await ids({ service: "backend.default", minDuration: "6ms" })).toEqual([]);
    expect(await ids({ minDuration: "6ms" })).toEqual(["1", "2", "3"]);
  });

  test("are of a window with both of its ends, and no more than asked for", async () => {
    expect(await ids({ fromMs: START + 1_000, toMs: START + 2_000 })).toEqual(["2", "3"]);
    const page = await backend.search({ fromMs: START, toMs: START + 5_000, limit: 2 });
    expect(page).toMatchObject({ full: true, complete: true });
    expect(page.traces.length).toBe(2);
  });

  test("are given by their ids, and those that are not there are named", async () => {
    const second = await backend.trace("2");
    expect(second?.spans.map(({ service, error }) => [service, error])).toEqual([
      ["frontend.default", false],
      ["backend.default", true],
    ]);
    expect(await backend.trace("ff")).toBeUndefined();
    const found = await backend.traces(["3", "ff", "3"]);
    expect(found.traces.map(({ id }) => id.slice(-1))).toEqual(["3"]);
    expect(found.missing).toEqual(["00000000000000ff"]);
    await expect(backend.trace("no id")).rejects.toMatchObject({ code: "id" });
  });

  test("tell the services, their operations and who calls whom", async () => {
    expect(await backend.services()).toEqual(["backend.default", "frontend.default"]);
    expect(await backend.operations("backend.default")).toEqual([
      { name: "backend.default.svc.cluster.local:9090/*", kind: "server" },
    ]);
    expect(await backend.dependencies({ fromMs: START, toMs: START + 5_000 })).toEqual([
      { parent: "frontend.default", child: "backend.default", calls: 3, errors: 1 },
    ]);
  });
});
