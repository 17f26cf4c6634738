import { QueryError } from "../errors.ts";
import { shown } from "../time.ts";
import type { BasicCredentials } from "./auth.ts";
import { redactUrl } from "./redaction.ts";

/** Where a client's requests go. */
export interface BaseUrl {
  /** Scheme, host and port. */
  readonly origin: string;
  /** The path that every request's path is joined below, without a slash at its end; `""` when there is none. */
  readonly prefix: string;
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** What stood before the `@`. */
  readonly credentials: BasicCredentials | undefined;
  /** Origin and prefix as they read in a message. */
  readonly shown: string;
}

/**
 * The parts of a base URL such as `"http://prometheus:9090"` or `"https://gateway.example/prometheus/"`.
 *
 * @throws {QueryError} `code: "config"` with what to write; no message repeats a password or a query
 */
export function parseBaseUrl(text: string, backend: string): BaseUrl {
  const fail = (problem: string) => new QueryError("config", `${backend}: ${shownBase(text)} ${problem}`);
  if (typeof text !== "string" || !URL.canParse(text)) {
    throw fail('is not a URL; write one such as "http://localhost:9090"');
  }
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw fail('is neither an http nor an https URL; write one such as "http://localhost:9090"');
  }
  if (text.includes("?")) throw fail("has a query; leave out everything from the ? on");
  if (text.includes("#")) throw fail("has a fragment; leave out everything from the # on");
  const prefix = url.pathname.replace(/\/+$/, "");
  return Object.freeze({
    origin: url.origin,
    prefix,
    secure: url.protocol === "https:",
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: Number(url.port || (url.protocol === "https:" ? 443 : 80)),
    credentials: credentialsOf(url, fail),
    shown: redactUrl(new URL(url.origin + prefix)).replace(/\/$/, ""),
  });
}

/** A character that would end the path, and a segment that would leave the prefix; both also percent-encoded. */
const NO_PATH = /[?#\\\s]|(?:^|\/)(?:\.|%2e){1,2}(?=\/|$)/i;

/**
 * The URL of `path` below the base. Segments that hold a caller's text must come percent-encoded.
 *
 * @throws {QueryError} `code: "name"` when the path would lead elsewhere, as the segment `..` does
 */
export function urlBelow(base: BaseUrl, path: string, query: readonly (readonly [string, string])[] = []): URL {
  if (NO_PATH.test(path)) {
    throw new QueryError(
      "name",
      `${base.shown}: ${JSON.stringify(path)} is no path below it; a name may not be "." or ".."`,
    );
  }
  const url = new URL(`${base.origin}${base.prefix}${path.startsWith("/") ? "" : "/"}${path}`);
  if (query.length > 0) url.search = encodeForm(query);
  return url;
}

/** `application/x-www-form-urlencoded` text of the pairs, in their order. */
export function encodeForm(pairs: readonly (readonly [string, string])[]): string {
  return new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, value])).toString();
}

/**
 * Where a redirect leads, when it stays on the same scheme, host and port; `undefined` when it does not, or names
 * nothing that can be followed.
 */
export function sameOriginTarget(from: URL, location: string | undefined): URL | undefined {
  if (location === undefined || !URL.canParse(location, from.href)) return undefined;
  const target = new URL(location, from);
  if (target.origin !== from.origin) return undefined;
  // A redirect cannot change who we say we are.
  target.username = "";
  target.password = "";
  target.hash = "";
  return target;
}

/** The URL of a proxy that is spoken to here; `undefined` for any other text. */
export function proxyUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && isDecodable(url.username + url.password) ? url : undefined;
}

function credentialsOf(url: URL, fail: (problem: string) => QueryError): BasicCredentials | undefined {
  if (url.username === "" && url.password === "") return undefined;
  if (!isDecodable(url.username + url.password)) {
    throw fail('has a "%" before the @ that encodes nothing; write %25 for it, or use the option auth');
  }
  return { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
}

/** A base URL that may be malformed, without what could be secret in it. */
function shownBase(text: unknown): string {
  if (typeof text !== "string") return shown(text);
  const open = text.replace(/[?#].*$/s, "").replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, "$1");
  return JSON.stringify(open);
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
