import { BackendError, type BackendErrorCode, DecodeError } from "../../errors.ts";
import type { HttpResponse } from "../../http/client.ts";
import { refusal } from "../../http/refusal.ts";
import { HINT } from "./decode.ts";

/**
 * The body of an answer whose status says yes.
 *
 * @throws {BackendError} when the status says no
 * @throws {DecodeError} when there is no body, or a web page in its place
 */
export function bodyOf(response: HttpResponse, query: string): Uint8Array {
  const { status, url, body } = response;
  if (status < 200 || status >= 300) throw refused(response, query);
  const fail = (code: "content-type" | "shape", what: string) =>
    new DecodeError(code, `loki: ${url} answered ${what}; ${HINT}`, { backend: "loki", query });
  if (body.length === 0) throw fail("shape", `${status} without a body`);
  if (isPage(response)) throw fail("content-type", "with a web page");
  return body;
}

/** Loki's own reason in plain text, `""` where the answer is no such. */
export function reasonOf(response: HttpResponse): string {
  if (isPage(response)) return "";
  return new TextDecoder().decode(response.body.subarray(0, 4_000)).trim();
}

/** The server's limit on the lines of one call, where that is why it refused. */
export function entriesLimitIn(reason: string): number | undefined {
  const limit = /^max entries limit per query exceeded, .*\(\d+ > (\d+)\)/.exec(reason)?.[1];
  return limit === undefined || Number(limit) === 0 ? undefined : Number(limit);
}

/** The server's limit on the span of one call in nanoseconds, where that is why it refused. */
export function spanLimitIn(reason: string): bigint | undefined {
  const limit = /the query time range exceeds the limit \(query length: [^,]*, limit: ([^)]*)\)/.exec(reason)?.[1];
  if (limit === undefined || !/^(?:\d+(?:\.\d+)?(?:w|d|h|ms|m|s))+$/.test(limit)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of limit.matchAll(/(\d+(?:\.\d+)?)(w|d|h|ms|m|s)/g)) {
    ms += Number(amount) * (UNITS_MS[unit ?? ""] ?? 0);
  }
  return ms >= 1 ? BigInt(Math.floor(ms)) * 1_000_000n : undefined;
}

const UNITS_MS: Readonly<Record<string, number>> = {
  w: 604_800_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
};

function isPage({ contentType, body }: HttpResponse): boolean {
  const first = body.find((byte) => byte > 0x20);
  return contentType === "text/html" || first === "<".charCodeAt(0);
}

function refused(response: HttpResponse, query: string): BackendError {
  const { status, url, retryAfterMs } = response;
  const reason = reasonOf(response);
  const own = meaningOf(status, reason);
  if (own === undefined) return refusal(response, { backend: "loki", query });
  const said = response.redact(reason.replace(/\s+/g, " ")).slice(0, 600);
  return new BackendError(own.code, `loki: ${url} answered ${status}: ${said}; ${own.advice}`, {
    backend: "loki",
    query,
    status,
    retryAfterMs,
  });
}

/** What Loki's own words say beyond the status. */
function meaningOf(
  status: number,
  reason: string,
): { readonly code: BackendErrorCode; readonly advice: string } | undefined {
  if (status === 401 && reason === "no org id") {
    return { code: "unauthorized", advice: 'it keeps the logs of several tenants; say whose, { tenant: "…" }' };
  }
  if (/\bparse error\b/.test(reason) && status < 500) {
    return { code: "bad-query", advice: "a pattern must be RE2; is this a version of Loki before 2.0?" };
  }
  if (/^pipeline error/.test(reason)) {
    return { code: "execution", advice: "a line could not be read as the query wants it" };
  }
  if (/maximum (?:number )?of series|exceeded maximum resolution/.test(reason)) {
    return { code: "bad-query", advice: "ask for fewer groups, a shorter time, or a longer step" };
  }
  if (/context deadline exceeded|request timed out/.test(reason)) {
    return { code: "timeout", advice: "ask for a shorter time, or for fewer streams" };
  }
  if (/too many outstanding requests/.test(reason)) {
    return { code: "rate-limited", advice: "ask less often, or lower { concurrency }" };
  }
  return undefined;
}
