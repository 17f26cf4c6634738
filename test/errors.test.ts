import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  BackendError,
  type BackendErrorCode,
  DecodeError,
  MeshQueryError,
  PartialError,
  QueryError,
  TimeoutError,
  TransportError,
  type TransportErrorCode,
  unreachable,
} from "../src/errors.ts";

const cause = new Error("below");
const details = { backend: "prometheus", query: "up", cause };

describe("every error", () => {
  test.each([
    ["QueryError", new QueryError("window", "said", details)],
    ["TransportError", new TransportError("reset", "said", details)],
    ["BackendError", new BackendError("internal", "said", { ...details, status: 500 })],
    ["DecodeError", new DecodeError("shape", "said", details)],
    ["PartialError", new PartialError("said", { ...details, warnings: ["store x"] })],
    ["TimeoutError", new TimeoutError("said", { ...details, timeoutMs: 5 })],
  ])("of class %s says who was asked what, and why", (name, error) => {
    expect(error).toBeInstanceOf(MeshQueryError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name, message: "said", backend: "prometheus", query: "up", cause });
    expect(error.stack).toContain("errors.test");
    expect(inspect(error)).toContain("said");
    expect(String(error)).toBe(`${name}: said`);
  });

  test("without a cause has none, not an undefined one", () => {
    expect(Object.hasOwn(new QueryError("window", "said"), "cause")).toBe(false);
    expect(new QueryError("window", "said")).toMatchObject({ backend: undefined, query: undefined });
  });
});

describe("the same call may succeed later", () => {
  test.each<[TransportErrorCode, boolean]>([
    ["dns", true],
    ["network", true],
    ["refused", true],
    ["reset", true],
    ["tls", false],
    ["too-large", false],
  ])("after a failed transport (%s): %s", (code, retryable) => {
    expect(new TransportError(code, "said").retryable).toBe(retryable);
  });

  test.each<[BackendErrorCode, boolean]>([
    ["bad-query", false],
    ["canceled", false],
    ["execution", false],
    ["forbidden", false],
    ["internal", false],
    ["not-found", false],
    ["rate-limited", true],
    ["redirect", false],
    ["refused", false],
    ["timeout", true],
    ["unauthorized", false],
    ["unavailable", true],
  ])("after the answer %s: %s", (code, retryable) => {
    expect(new BackendError(code, "said", { status: 500 }).retryable).toBe(retryable);
  });

  test("after a cut answer, a partial one and a deadline, not after a wrong question or a wrong shape", () => {
    expect(new DecodeError("truncated", "said").retryable).toBe(true);
    for (const code of ["content-type", "shape", "syntax"] as const)
      expect(new DecodeError(code, "").retryable).toBe(false);
    expect(new PartialError("said", { warnings: [] })).toMatchObject({
      code: "partial",
      retryable: true,
      warnings: [],
    });
    expect(new TimeoutError("said", { timeoutMs: 5 })).toMatchObject({
      code: "deadline",
      retryable: true,
      timeoutMs: 5,
    });
    expect(new QueryError("unit", "said").retryable).toBe(false);
  });
});

test("what cannot be reached says what got there", () => {
  expect(() => unreachable("x" as never)).toThrow("unreachable: x");
});
