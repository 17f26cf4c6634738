import { constants } from "node:buffer";
import * as z from "zod/mini";
import { QueryError } from "../errors.ts";
import { type Auth, isToken } from "./auth.ts";
import { parseConfig, strictConfig } from "./config.ts";
import type { DebugLogger } from "./debug-log.ts";
import { isHeaderValue, readHeaders } from "./header.ts";
import type { TelemetryOptions } from "./telemetry/listening.ts";
import { type BaseUrl, proxyUrl } from "./url.ts";

/** Trust and identity of an https connection; PEM as text or bytes. */
export interface TlsOptions {
  /** Certificates to trust instead of Node's own. */
  readonly ca?: string | Uint8Array;
  /** The client's certificate, with `key`. */
  readonly cert?: string | Uint8Array;
  /** The private key of `cert`. */
  readonly key?: string | Uint8Array;
  /** Opens an encrypted `key`. */
  readonly passphrase?: string;
  /** The name the server's certificate must be for, where that is not the URL's host. */
  readonly serverName?: string;
  /** Accepts any certificate: for a laptop's tunnel, not for production. */
  readonly insecure?: boolean;
}

/** How a backend is reached over HTTP; every field has a default. */
export interface HttpOptions {
  /** Sent with every request, such as a tenant. They never go to another origin. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Who asks. */
  readonly auth?: Auth;
  /** For an https URL. */
  readonly tls?: TlsOptions;
  /**
   * The proxy that requests go through, `"http://user:password@proxy:3128"`; `false` for none. When left out the
   * environment says, by `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. An https URL is tunnelled: the proxy sees its host only.
   */
  readonly proxy?: string | false;
  /** Overall deadline of one question in milliseconds: queueing, fetching a token and retries included; 30,000. */
  readonly timeoutMs?: number;
  /** Tries after the first that failed in passing; 2. */
  readonly retries?: number;
  /** Requests in flight at once; 8. More wait in order. */
  readonly concurrency?: number;
  /** The longest answer taken, unpacked; 512 MiB. */
  readonly maxResponseBytes?: number;
  /** How questions show in the application's own OpenTelemetry, where it has an SDK; `false` for not at all. */
  readonly telemetry?: TelemetryOptions | false;
  /** Is told of every request, answer, pause and failure, for debugging: `console`, say. Query texts are in it, credentials are not. */
  readonly logger?: DebugLogger;
}

/** Options that were checked, with every default filled in. */
export interface HttpSettings {
  readonly headers: Readonly<Record<string, string>>;
  readonly auth: Auth | undefined;
  readonly tls: TlsOptions | undefined;
  /** `undefined` where the environment says. */
  readonly proxy: URL | false | undefined;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly concurrency: number;
  readonly maxResponseBytes: number;
  readonly telemetry: TelemetryOptions | undefined;
  readonly logger: DebugLogger | undefined;
}

/** What a timer of Node can wait for; beyond it would fire at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Whether `ms` can be a deadline. */
export function isTimeout(ms: unknown): ms is number {
  return typeof ms === "number" && ms > 0 && ms <= LONGEST_TIMEOUT_MS;
}

/** What a wrong deadline should have been, as the end of a sentence. */
export const TIMEOUT_RULE = `must be a positive number of milliseconds, at most ${LONGEST_TIMEOUT_MS}`;

/**
 * Checks the options for `base` and fills in the defaults.
 *
 * @throws {QueryError} `code: "config"` that names the wrong option and what it must be
 */
export function parseHttpOptions(options: HttpOptions, base: BaseUrl, backend: string): HttpSettings {
  const read = parseConfig(OPTIONS, options, backend);
  const fail = (problem: string) => new QueryError("config", `${backend}: ${problem}`);
  const headers = readHeaders(read.headers ?? {}, `${backend}: headers`);
  if (read.auth !== undefined && base.credentials !== undefined) {
    throw fail("the URL holds a user name and the option auth is given too; keep one of them");
  }
  // Both parts are there, or parseConfig would have refused; the cast says so to the compiler.
  const auth = (read.auth as Auth | undefined) ?? (base.credentials && { basic: base.credentials });
  if (auth !== undefined && headers.authorization !== undefined) {
    throw fail("the credentials are given twice, in headers.authorization and in auth or the URL; keep one of them");
  }
  if (auth?.basic?.username.includes(":"))
    throw fail('the user name may not hold ":"; use a bearer token or another user');
  if (read.tls !== undefined && !base.secure) {
    throw fail(`tls is given, but ${base.shown} is not encrypted; write https:// or leave tls out`);
  }
  return Object.freeze({
    headers,
    auth,
    tls: read.tls as TlsOptions | undefined,
    proxy: typeof read.proxy === "string" ? proxyUrl(read.proxy) : read.proxy,
    timeoutMs: read.timeoutMs ?? 30_000,
    retries: read.retries ?? 2,
    concurrency: read.concurrency ?? 8,
    maxResponseBytes: read.maxResponseBytes ?? 512 * 1024 * 1024,
    telemetry: read.telemetry === false ? undefined : (read.telemetry ?? {}),
    logger: read.logger,
  });
}

const text = z.string({ error: "must be text" });
const pem = z.union([text, z.instanceof(Uint8Array)], { error: "must be PEM, as text or a Buffer" });

function number(is: (value: number) => boolean, rule: string) {
  return z.optional(z.number({ error: rule }).check(z.refine(is, { error: rule })));
}

const whole = (least: number, most: number) => (value: number) =>
  Number.isInteger(value) && value >= least && value <= most;

const AUTH = strictConfig({
  basic: z.optional(strictConfig({ username: text, password: text })),
  bearer: z.optional(
    z.custom((value) => typeof value === "function" || isToken(value), {
      error: 'must be a token without blanks and without "Bearer", or a function that gives one',
    }),
  ),
  apiKey: z.optional(
    z.custom((value) => isToken(value), { error: 'must be the encoded key, without blanks and without "ApiKey"' }),
  ),
}).check(
  z.refine((auth) => [auth.basic, auth.bearer, auth.apiKey].filter((one) => one !== undefined).length === 1, {
    error: "must be either { basic: { username, password } }, { bearer } or { apiKey }",
  }),
);

const isProxy = (value: unknown): boolean =>
  value === false || (typeof value === "string" && proxyUrl(value) !== undefined);

const TLS = strictConfig({
  ca: z.optional(pem),
  cert: z.optional(pem),
  key: z.optional(pem),
  passphrase: z.optional(text),
  serverName: z.optional(text),
  insecure: z.optional(z.boolean({ error: "must be true or false" })),
}).check(
  z.refine((tls) => (tls.cert === undefined) === (tls.key === undefined), {
    error: "must have cert and key together: the client's certificate and its private key",
  }),
);

const TELEMETRY = strictConfig({
  queryText: z.optional(z.literal(["none", "sanitized", "whole"], { error: 'must be "none", "sanitized" or "whole"' })),
  suppressNested: z.optional(z.boolean({ error: "must be true or false" })),
});

const isLogger = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "debug" in value && typeof value.debug === "function";

const OPTIONS = strictConfig({
  headers: z.optional(
    z.record(
      z.string(),
      z.string({ error: "must be text" }).check(
        z.refine(isHeaderValue, {
          error: "must have no line break, no control character and none beyond Latin-1",
        }),
      ),
      { error: "must be an object of header names and values" },
    ),
  ),
  auth: z.optional(AUTH),
  tls: z.optional(TLS),
  proxy: z.optional(
    z.custom<string | false>(isProxy, { error: 'must be a URL such as "http://proxy:3128", or false for no proxy' }),
  ),
  timeoutMs: number(isTimeout, TIMEOUT_RULE),
  retries: number(whole(0, 100), "must be a whole number of tries after the first, from 0 to 100"),
  concurrency: number(whole(1, 10_000), "must be a whole number of requests at once, from 1 to 10000"),
  maxResponseBytes: number(
    whole(1, constants.MAX_LENGTH),
    `must be a whole number of bytes, from 1 to ${constants.MAX_LENGTH}`,
  ),
  telemetry: z.optional(
    z.union([z.literal(false), TELEMETRY], { error: "must be { queryText, suppressNested }, or false for none" }),
  ),
  logger: z.optional(
    z.custom<DebugLogger>(isLogger, { error: "must have a method debug(message, details), as console has" }),
  ),
});
