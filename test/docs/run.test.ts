import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { failLookups } from "../http/name-lookup.ts";
import { examplePrograms, type Program, pageProgram, pages, root, sources, textOf } from "./document.ts";
import { NOW } from "./preamble.ts";
import { corrected, run } from "./run.ts";
import { type Servers, startServers } from "./servers.ts";

/*
 * What code on a page says it gives and prints is what it does, as of one instant. `vitest -u` writes it into the page.
 */
const folder = mkdtempSync(join(tmpdir(), "meshquery-docs-"));
let servers: Servers;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: new Date(NOW) });
  cpSync(`${root}test/docs/files`, folder, { recursive: true });
  process.chdir(folder);
  servers = await startServers(folder);
  failLookups("ENOTFOUND");
});

afterAll(async () => {
  await servers.close();
  vi.restoreAllMocks();
  process.chdir(root);
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

async function expectRight(file: string, programs: readonly Program[]): Promise<void> {
  const text = textOf(file);
  const runs = [];
  for (const program of programs) runs.push(await run(program, text, servers.urls));
  expect(runs.flatMap(({ faults }) => faults)).toEqual([]);
  await expect(corrected(text, runs)).toMatchFileSnapshot(`${root}${file}`);
}

test.each(pages.filter((file) => pageProgram(file, textOf(file)).blocks.length > 0))(
  "the code of %s does what the page says",
  (file) => expectRight(file, [pageProgram(file, textOf(file))]),
  600_000,
);

test.each(sources.filter((file) => examplePrograms(file, textOf(file)).length > 0))(
  "the examples of %s do what they say",
  (file) => expectRight(file, examplePrograms(file, textOf(file))),
  600_000,
);
