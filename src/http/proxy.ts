import { basicAuthorization } from "./auth.ts";
import type { BaseUrl } from "./url.ts";

/** The proxy that requests go through. */
export interface HttpProxy {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** The header that says to it who asks. */
  readonly authorization: string | undefined;
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  /** Its URL as it reads in a message. */
  readonly shown: string;
}

/** Variables by their names in lower case; the usual spelling is either. */
type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The proxy to `base`: the one that was named or, where nothing was, the environment's.
 *
 * @param named `false` for none
 * @throws {TypeError} when a variable holds what is no URL
 * @see curl, "Environment variables"; the usage that every tool follows
 */
export function proxyTo(base: BaseUrl, named: URL | false | undefined, variables: Variables): HttpProxy | undefined {
  if (named !== undefined) return named === false ? undefined : proxyAt(named);
  const read = (name: string) => variables[name] ?? variables[name.toUpperCase()];
  const url = read(base.secure ? "https_proxy" : "http_proxy") || read("all_proxy");
  if (!url || isExempt(base, read("no_proxy") ?? "")) return undefined;
  return proxyAt(new URL(url.includes("://") ? url : `http://${url}`));
}

function proxyAt({ protocol, hostname, port, host, username, password }: URL): HttpProxy {
  const secure = protocol === "https:";
  const credentials =
    username === "" && password === ""
      ? undefined
      : { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  return {
    secure,
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port || (secure ? 443 : 80)),
    authorization: credentials && basicAuthorization(credentials),
    credentials,
    shown: `${protocol}//${host}`,
  };
}

/** A name stands for itself and all names below it; with a port, for that port alone. */
function isExempt({ host, port }: BaseUrl, exempt: string): boolean {
  return exempt
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === "*") return true;
      const [, address, domain, wanted] = /^(?:\[(.*)\]|(?:\*?\.)?([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
      const name = address ?? domain ?? entry;
      if (name === "" || (wanted !== undefined && Number(wanted) !== port)) return false;
      return host.toLowerCase() === name || host.toLowerCase().endsWith(`.${name}`);
    });
}
