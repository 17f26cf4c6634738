import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv } from "ajv";
import { compile } from "vega-lite";
import { expect } from "vitest";
import type { VegaLiteSpec } from "../../src/results/vega-lite.ts";

const schema = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve("vega-lite/vega-lite-schema.json"), "utf8"),
) as object;
const valid = new Ajv({ strict: false, validateFormats: false }).compile(schema);

/** Holds a spec against Vega-Lite's own schema, and compiles it; fails on whatever that warns of. */
export function checkVegaLite(spec: VegaLiteSpec) {
  expect(spec.$schema).toBe("https://vega.github.io/schema/vega-lite/v5.json");
  const current = { ...spec, $schema: "https://vega.github.io/schema/vega-lite/v6.json" };
  expect(
    valid(current),
    valid.errors?.map(({ instancePath, message }) => `${instancePath} ${message}`).join("\n"),
  ).toBe(true);
  const warnings: string[] = [];
  const keep = (...args: readonly string[]) => {
    warnings.push(args.join(" "));
    return logger;
  };
  const quiet = () => logger;
  const logger = { level: quiet, error: keep, warn: keep, info: quiet, debug: quiet };
  const vega = compile(spec as never, { logger: logger as never }).spec;
  expect(warnings).toEqual([]);
  return vega;
}
