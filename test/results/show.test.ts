import { afterEach, expect, test, vi } from "vitest";
import { DISPLAY } from "../../src/results/mime.ts";
import { Sample } from "../../src/results/sample.ts";
import { show } from "../../src/results/show.ts";
import { AT, metaOf } from "./answers.ts";

const sample = new Sample({ value: 41.7, unit: "req/s", at: AT, labels: {}, meta: metaOf() });

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

test("a result is shown by tslab as HTML", async () => {
  const html = vi.fn<(html: string) => void>();
  await show(sample, { display: { html } });
  expect(html.mock.calls).toEqual([[sample.toHTML({ fragment: true })]]);
});

test("a result is shown by Deno's kernel as it asks for it", async () => {
  const display = vi.fn(async () => {});
  vi.stubGlobal("Deno", { jupyter: { display } });
  await show(sample);
  expect(display.mock.calls).toEqual([[sample]]);
});

test("a result is printed where there is no notebook", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await show(sample);
  vi.stubGlobal("Deno", {
    get jupyter() {
      throw new Error("not in a notebook");
    },
  });
  await show({ [DISPLAY]: async () => sample[DISPLAY]() });
  expect(log.mock.calls).toEqual(Array(2).fill(["41.7 req/s\n  at 2026-11-20T10:00:00Z from prometheus: sum(up)"]));
});
