const REDACTED = "REDACTED";

/** Query keys whose values let somebody in. */
const SECRET_KEY =
  /^(?:(?:access|auth|id|refresh)[_-]?token|token|api[_-]?key|(?:client[_-]?)?secret|password|passwd|pwd|auth|authorization|credentials?|jwt|session|sig|signature|x-(?:amz|goog)-.*)$/i;

/** Headers whose values do. */
const SECRET_HEADER = /auth|token|key|secret|cookie|password|passwd|signature|credential|session|jwt/i;

/** Shorter secrets would turn up by chance in any text. */
const SHORTEST = 4;
/** Tokens rotate; only those that a late error could still mention are remembered. */
const REMEMBERED = 8;

/** A cookie's value, where it is not so short that it would be a setting. */
const COOKIE_VALUE = /(?<==)[^;=]{8,}/g;

/** The values of headers that carry a credential, and the credential alone where a scheme or a cookie's name stands before it. */
export function secretValues(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers)
    .filter(([name]) => SECRET_HEADER.test(name))
    .flatMap(([name, value]) => [
      value,
      value.split(" ").at(-1) ?? "",
      ...(/^cookie$/i.test(name) ? (value.match(COOKIE_VALUE) ?? []) : []),
    ]);
}

/**
 * The text without what has the form of a credential: `user:pass@` in a URL, an Authorization or Cookie header, a
 * bearer token, a query key such as `token` or `X-Amz-Signature`.
 *
 * For text that a server or a library wrote and that goes into a message.
 */
export function redactText(text: string): string {
  return text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"'<>]*@/gi, "$1")
    .replace(
      /\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(["']?\s*[:=]\s*["']?)[^\r\n"']+/gi,
      `$1$2${REDACTED}`,
    )
    .replace(/\b(Bearer|Basic)\s+([\w.~+/=-]{8,})/gi, (all, scheme: string, value: string) =>
      // "Basic authentication" is prose, not a credential.
      /^[a-z]+\.?$/.test(value) ? all : `${scheme} ${REDACTED}`,
    )
    .replace(/([?&])([\w.-]+)=([^&\s#"'<>]*)/g, (all, before: string, key: string) =>
      SECRET_KEY.test(key) ? `${before}${key}=${REDACTED}` : all,
    );
}

/** The URL as it may be shown: no user, no password, no fragment, the values of secret query keys replaced. */
export function redactUrl(url: URL): string {
  if (url.username === "" && url.password === "" && url.hash === "" && !mayHideKey(url.search)) return url.href;
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  shown.hash = "";
  // Rewriting the query would re-encode it: done only where there is something to hide.
  const secret = [...shown.searchParams.keys()].filter((key) => SECRET_KEY.test(key));
  for (const key of secret) shown.searchParams.set(key, REDACTED);
  return shown.href;
}

/** Whether a query has a secret key, or one that only decoding shows. */
function mayHideKey(search: string): boolean {
  for (const pair of search.slice(1).split("&")) {
    const [key = ""] = pair.split("=", 1);
    if (key.includes("%") || key.includes("+") || SECRET_KEY.test(key)) return true;
  }
  return false;
}

/** Replaces what has the form of a credential, and the very credentials of one client wherever they turn up. */
export class Redactor {
  readonly #own: string[];
  readonly #learned: string[] = [];

  constructor(secrets: Iterable<string>) {
    this.#own = [...secrets].flatMap(forms);
  }

  /** Holds a credential that never changes, such as a secret path, for good. */
  keep(secret: string): void {
    if (!this.#own.includes(secret)) this.#own.push(...forms(secret));
  }

  /** Remembers a credential that came to light later, such as a fetched token: those that were used last. */
  learn(secret: string): void {
    if (secret.length < SHORTEST || this.#own.includes(secret)) return;
    const known = this.#learned.indexOf(secret);
    if (known !== -1) this.#learned.splice(known, 1);
    this.#learned.push(secret);
    if (this.#learned.length > REMEMBERED) this.#learned.shift();
  }

  text(text: string): string {
    return this.#literal(redactText(text));
  }

  url(url: URL): string {
    return this.#literal(redactUrl(url));
  }

  #literal(text: string): string {
    let clean = text;
    for (const secret of this.#own) clean = clean.replaceAll(secret, REDACTED);
    for (const secret of this.#learned.flatMap(forms)) clean = clean.replaceAll(secret, REDACTED);
    return clean;
  }
}

/** The ways a secret is written in texts, the longest first. */
function forms(secret: string): string[] {
  if (secret.length < SHORTEST) return [];
  const written = new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]);
  return [...written].sort((a, b) => b.length - a.length);
}
