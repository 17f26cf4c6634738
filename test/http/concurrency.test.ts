import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { FairLimit } from "../../src/http/concurrency.ts";

const never = new AbortController().signal;

test("no more than the limit run at once, and they start in order of arrival", async () => {
  const limit = new FairLimit(3);
  const started: number[] = [];
  let running = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      limit.run(never, async () => {
        started.push(i);
        most = Math.max(most, ++running);
        for (let turns = i % 7; turns > 0; turns--) await null;
        running--;
      }),
    ),
  );
  expect(most).toBe(3);
  expect(started).toEqual([...started].sort((a, b) => a - b));
});

test("one who gives up in the queue leaves no trace, and the others move up", async () => {
  const limit = new FairLimit(1);
  let free = () => {};
  const first = limit.run(
    never,
    () =>
      new Promise<void>((resolve) => {
        free = resolve;
      }),
  );
  const controller = new AbortController();
  const second = limit.run(controller.signal, async () => "second");
  const third = limit.run(never, async () => "third");
  controller.abort("changed my mind");
  await expect(second).rejects.toBe("changed my mind");
  free();
  await first;
  await expect(third).resolves.toBe("third");
  expect(getEventListeners(never, "abort")).toHaveLength(0);
});

test("a task that throws gives its place back", async () => {
  const limit = new FairLimit(1);
  await expect(limit.run(never, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  await expect(limit.run(never, async () => "next")).resolves.toBe("next");
});

test("one who gives up as the place is handed over gives it back", async () => {
  const limit = new FairLimit(1);
  let free = () => {};
  const first = limit.run(
    never,
    () =>
      new Promise<void>((resolve) => {
        free = resolve;
      }),
  );
  const controller = new AbortController();
  const second = limit.run(controller.signal, async () => "second");
  await new Promise(setImmediate);
  free();
  void first.then(() => controller.abort("late"));
  await second.catch(() => {});
  await expect(limit.run(never, async () => "third")).resolves.toBe("third");
});
