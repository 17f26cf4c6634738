import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Progress } from "../../src/results/progress.ts";
import { showProgress } from "../../src/results/show-progress.ts";
import { root } from "../package/install.ts";

const pieces = (done: number, total: number): Progress => ({
  what: "range",
  unit: "piece",
  done,
  total,
  ratio: done / total,
  ended: done === total,
});

describe("what is shown of progress", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    return () => vi.useRealTimers();
  });

  test("is nothing of work that ends soon", () => {
    const lines: string[] = [];
    const show = showProgress({ write: (line) => lines.push(line) });
    show(pieces(1, 2));
    vi.advanceTimersByTime(250);
    show(pieces(2, 2));
    vi.advanceTimersByTime(10_000);
    expect(lines).toEqual([]);
  });

  test("is a line that says how much is done and how long the rest takes, and nothing at the end", () => {
    const lines: string[] = [];
    const show = showProgress({ write: (line) => lines.push(line) });
    for (let done = 1; done <= 10; done++) {
      show(pieces(done, 10));
      vi.advanceTimersByTime(4000);
    }
    expect(lines).toEqual([
      "range ▕██                  ▏ 10 %  1 of 10 pieces",
      "range ▕████                ▏ 20 %  2 of 10 pieces, 33s left",
      "range ▕██████              ▏ 30 %  3 of 10 pieces, 28s left",
      "range ▕████████            ▏ 40 %  4 of 10 pieces, 24s left",
      "range ▕██████████          ▏ 50 %  5 of 10 pieces, 20s left",
      "range ▕████████████        ▏ 60 %  6 of 10 pieces, 16s left",
      "range ▕██████████████      ▏ 70 %  7 of 10 pieces, 12s left",
      "range ▕████████████████    ▏ 80 %  8 of 10 pieces, 8s left",
      "range ▕██████████████████  ▏ 90 %  9 of 10 pieces, 4s left",
      "",
    ]);
  });

  test("is drawn ten times a second at most, with what was told last", () => {
    const lines: string[] = [];
    const show = showProgress({ write: (line) => lines.push(line) });
    for (let done = 1; done < 1000; done++) {
      show(pieces(done, 1000));
      vi.advanceTimersByTime(1);
    }
    expect(lines.length).toBe(7);
    expect(lines.at(-1)).toContain("900 of 1000 pieces");
  });

  test("is of works side by side the one that has most left, until the last of them ends", () => {
    const lines: string[] = [];
    const show = showProgress({ write: (line) => lines.push(line) });
    const searched = {
      what: "logs",
      unit: "ms",
      done: 600_000,
      total: 21_600_000,
      ratio: 1 / 36,
      ended: false,
    } as const;
    show(pieces(5, 10));
    show(searched);
    vi.advanceTimersByTime(300);
    show(pieces(10, 10));
    vi.advanceTimersByTime(300);
    show({ ...searched, ended: true });
    expect(lines[0]).toMatch(/^logs ▕█ +▏ 2 % {2}10m of 6h/);
    expect(lines.at(-1)).toBe("");
    expect(lines.filter((line) => line === "")).toHaveLength(1);
  });
});

/**
 * A program that asks for a range in pieces. All but the first of them wait until something is drawn, however slow the
 * machine is, and where nothing is ever drawn for longer than it would have been.
 */
const PROGRAM = `
import { createMesh, showProgress } from "meshquery";
import { simulatedMesh } from "meshquery/testing";
const { stderr } = process;
const write = stderr.write.bind(stderr);
const drawn = new Promise((resolve) => {
  stderr.write = (...what) => {
    resolve();
    return write(...what);
  };
});
const sim = simulatedMesh({ now: "2026-11-20T10:00:00Z" }).backends();
let pieces = 0;
const metrics = {
  name: "slow",
  scrapeIntervalMs: 15000,
  instant: (...asked) => sim.metrics.instant(...asked),
  async range(...asked) {
    if (++pieces > 1) await Promise.race([drawn, new Promise((resolve) => setTimeout(resolve, 1000))]);
    return sim.metrics.range(...asked);
  },
};
const mesh = createMesh({ ...sim, metrics, onProgress: showProgress() });
const day = mesh.service("backend").rate("5m").over({ last: "2h", step: "1m" }, { pointsPerRequest: 30 });
console.log(String((await day).length));
`;

describe("a program that shows progress", () => {
  const program = [process.execPath, join(root, "node_modules/tsx/dist/cli.mjs"), "--input-type=module", "-e", PROGRAM];
  const { CI: _, ...env } = process.env;
  const run = (file: string, args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    promisify(execFile)(file, args, { cwd: root, env: { ...env, TERM: "xterm", ...more } });
  const onTerminal = program.map((word) => `'${word}'`).join(" ");

  test("draws a line on a terminal and takes it back", async () => {
    const { stdout } = await run("script", ["-qec", onTerminal, "/dev/null"]);
    const drawn = stdout.replaceAll("\r\u001b[K", "↺");
    expect(drawn).toMatch(/^↺range ▕████ {16}▏ 20 % {2}1 of 5 pieces↺/);
    expect(drawn).toMatch(/pieces[^\n]*↺1\r\n$/);
  }, 120_000);

  test("draws nothing on the terminal of a CI", async () => {
    const { stdout } = await run("script", ["-qec", onTerminal, "/dev/null"], { CI: "true" });
    expect(stdout).toBe("1\r\n");
  }, 120_000);

  test("writes nothing but its output into a pipe", async () => {
    const [node = "", ...args] = program;
    expect(await run(node, args)).toEqual({ stdout: "1\n", stderr: "" });
  }, 120_000);
});
