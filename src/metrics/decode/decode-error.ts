import { DecodeError, type DecodeErrorCode } from "../../errors.ts";

/** Whose answer is read, and to which question: what an error names. */
export interface AnswerContext {
  readonly backend: string;
  readonly query: string;
}

/** What may be wrong with the bytes of an answer. */
export type Defect = Exclude<DecodeErrorCode, "content-type">;

const ADVICE: Readonly<Record<Defect, string>> = {
  truncated: "the answer was cut short: check the size and time limits of proxies on the way, or ask for less",
  syntax: "this is not JSON: check that the URL is the backend's API and no proxy or login page answers in its place",
  shape: "this is JSON but no answer of Prometheus' query API: check that the URL is a Prometheus-compatible backend",
};

/** The error that says what was wrong, where, what stands there and what to check; `before` the bytes lie others. */
export function decodeErrorAt(
  bytes: Buffer,
  at: number,
  before: number,
  defect: Defect,
  problem: string,
  { backend, query }: AnswerContext,
): DecodeError {
  const place =
    at < bytes.length ? `at byte ${before + at}, near ${excerpt(bytes, at)}` : `at byte ${before + at}, the end`;
  return new DecodeError(defect, `decoding ${backend}'s answer: ${problem} (${place}); ${ADVICE[defect]}`, {
    backend,
    query,
  });
}

/** Up to 48 bytes around `at`, in quotes, with a dot for what is not printable ASCII. */
function excerpt(bytes: Buffer, at: number): string {
  return `"${bytes.toString("latin1", Math.max(0, at - 16), at + 32).replace(/[^ -~]/g, ".")}"`;
}
