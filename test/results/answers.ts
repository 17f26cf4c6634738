import type { Meta } from "../../src/results/meta.ts";

/** What a good answer says of itself, but for `changed`. */
export const metaOf = (changed: Partial<Meta> = {}): Meta => ({
  backend: "prometheus",
  promql: "sum(up)",
  complete: true,
  warnings: [],
  infos: [],
  tookMs: 3,
  ...changed,
});

export const AT = Date.UTC(2026, 10, 20, 10);
/** A text that would clear the screen, move the cursor, break a row and turn the writing round. */
export const HOSTILE = "a\u001b[2J\rb\nc\u009bd\u2028e\u202ef\0g";
export const NEUTRALISED = "a�[2J�b�c�d�e�f�g";
