import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SCOPE } from "../../../src/http/telemetry/listening.ts";

test("the scope's version is the package's", () => {
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  const { name, version } = JSON.parse(text) as { readonly name: string; readonly version: string };
  expect(SCOPE).toEqual([name, version]);
});
