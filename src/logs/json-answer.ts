import type { DecodeError } from "../errors.ts";

/**
 * The JSON document of an answer. Lines may hold bytes that are no UTF-8: those read as U+FFFD, and do not spoil the
 * others.
 *
 * @param failure makes the error that is thrown, and nothing else is
 */
export function parseAnswer(
  body: Uint8Array,
  failure: (code: "syntax" | "truncated", problem: string) => DecodeError,
): unknown {
  const text = new TextDecoder().decode(body);
  try {
    return JSON.parse(text);
  } catch (error) {
    const said = error instanceof Error ? error.message : "";
    const place = / at position (\d+)/.exec(said)?.[1];
    const isCut = said.startsWith("Unexpected end of") || (place !== undefined && Number(place) >= text.length);
    throw isCut
      ? failure(
          "truncated",
          "the JSON ends too early; the answer was cut short: check the size and time limits of proxies on the way, or ask for less",
        )
      : failure("syntax", `not JSON: ${said.replace(/[^ -~]+/g, ".").slice(0, 120)}`);
  }
}
