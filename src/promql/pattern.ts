import { compileRe2, PatternFault } from "./engine/re2.ts";

/** Words, alternatives and the commonest wildcards, which need no closer look. */
const PLAIN = /^(?:[\w :;,/%@#=!<>~'"&|-]|\.(?:[*+?]\??)?|\\\.)*$/;

/** What is wrong with a pattern by RE2's syntax; `undefined` where nothing is. */
export function patternFault(pattern: string): string | undefined {
  if (PLAIN.test(pattern)) return undefined;
  try {
    compileRe2(pattern);
    return undefined;
  } catch (error) {
    if (!(error instanceof PatternFault)) throw error;
    return error.unsupported ? undefined : error.message;
  }
}

/** Whether a pattern matches the empty text; `undefined` for one of which the server alone can tell. */
export function matchesEmpty(pattern: string): boolean | undefined {
  try {
    return compileRe2(pattern).regexp.test("");
  } catch (error) {
    if (!(error instanceof PatternFault)) throw error;
    return undefined;
  }
}
