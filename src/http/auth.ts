import { QueryError, TransportError } from "../errors.ts";
import { untilAborted } from "./abort.ts";
import { cleanCause } from "./failure.ts";
import { isHeaderValue } from "./header.ts";
import type { Redactor } from "./redaction.ts";

/** A user's name, which holds no colon, and the password. */
export interface BasicCredentials {
  readonly username: string;
  readonly password: string;
}

/**
 * How a client says who it is: a name and a password, a bearer token, or an API key of Elasticsearch.
 *
 * A function is called before every try, so it should keep a token for as long as that is valid.
 */
export type Auth =
  | { readonly basic: BasicCredentials; readonly bearer?: never; readonly apiKey?: never }
  | {
      /** The key as it was issued, in its encoded form: `Authorization: ApiKey …`. */
      readonly apiKey: string;
      readonly basic?: never;
      readonly bearer?: never;
    }
  | {
      /** The token without `Bearer`, or a function that gives it. */
      readonly bearer: string | (() => string | Promise<string>);
      readonly basic?: never;
      readonly apiKey?: never;
    };

/** The Authorization header of basic credentials, encoded as UTF-8 (RFC 7617). */
export function basicAuthorization({ username, password }: BasicCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

/** What of `auth` must never be shown, as far as it is known before the first request. */
export function secretsOf(auth: Auth | undefined): string[] {
  if (auth?.basic !== undefined) {
    return [auth.basic.password, basicAuthorization(auth.basic).slice("Basic ".length)];
  }
  if (auth?.apiKey !== undefined) return [auth.apiKey];
  return typeof auth?.bearer === "string" ? [auth.bearer] : [];
}

/**
 * The Authorization header for the next try, `undefined` without `auth`.
 *
 * @param what what is attempted, for the error
 * @throws {TransportError} `code: "network"` when the caller's function fails
 * @throws {QueryError} `code: "config"` when what it gives is no token
 */
export async function authorize(
  auth: Auth | undefined,
  { what, backend, redactor, signal }: { what: string; backend: string; redactor: Redactor; signal: AbortSignal },
): Promise<string | undefined> {
  if (auth === undefined) return undefined;
  if (auth.basic !== undefined) return basicAuthorization(auth.basic);
  if (auth.apiKey !== undefined) return `ApiKey ${auth.apiKey}`;
  if (typeof auth.bearer === "string") return `Bearer ${auth.bearer}`;
  let token: unknown;
  try {
    // In a then, so that what the function throws at once is caught like what it rejects with.
    token = await untilAborted(signal, Promise.resolve().then(auth.bearer));
  } catch (error) {
    signal.throwIfAborted();
    const cause = cleanCause(error, redactor);
    throw new TransportError("network", `${what}: auth.bearer gave no token: ${cause.message}`, { backend, cause });
  }
  if (!isToken(token)) {
    throw new QueryError("config", `${what}: auth.bearer gave no token; return its text, without "Bearer"`, {
      backend,
    });
  }
  redactor.learn(token);
  return `Bearer ${token}`;
}

/** Whether `token` can be sent: text without blanks, which would only come from a file read with its line's end. */
export function isToken(token: unknown): token is string {
  return typeof token === "string" && /^\S+$/.test(token) && isHeaderValue(token);
}
