import { BlockList, isIP } from "node:net";
import { QueryError } from "../errors.ts";
import { basicAuthorization } from "./auth.ts";
import { type BaseUrl, proxyUrl } from "./url.ts";

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
 * @throws {QueryError} `code: "config"` when a variable holds what is no URL of such a proxy; the message repeats nothing of it
 * @see curl, "Environment variables"; the usage that every tool follows
 */
export function proxyTo(base: BaseUrl, named: URL | false | undefined, variables: Variables): HttpProxy | undefined {
  if (named !== undefined) return named === false ? undefined : proxyAt(named);
  const read = (name: string) => variables[name] ?? variables[name.toUpperCase()];
  const found = [base.secure ? "https_proxy" : "http_proxy", "all_proxy"].find((name) => read(name));
  if (found === undefined || isExempt(base, read("no_proxy") ?? "")) return undefined;
  const text = read(found) ?? "";
  const url = proxyUrl(text.includes("://") ? text : `http://${text}`);
  if (url !== undefined) return proxyAt(url);
  const other = /^(?!https?:)[a-z][a-z0-9+.-]*:(?=\/\/)/i.exec(text)?.[0];
  const what = other === undefined ? "holds no URL of a proxy" : `names a proxy that speaks ${other.slice(0, -1)}`;
  throw new QueryError(
    "config",
    `${base.shown}: the environment's ${found.toUpperCase()} ${what}; set it to one such as http://proxy:3128, or write { proxy: false } to go without`,
  );
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

/** A name stands for itself and all names below it; with a port, for that port alone; `10.0.0.0/8` for addresses. */
function isExempt({ host, port }: BaseUrl, exempt: string): boolean {
  return exempt
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === "*") return true;
      if (entry.includes("/")) return isWithin(host, entry);
      const [, address, domain, wanted] = /^(?:\[(.*)\]|(?:\*?\.)?([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
      const name = address ?? domain ?? entry;
      if (name === "" || (wanted !== undefined && Number(wanted) !== port)) return false;
      return host.toLowerCase() === name || host.toLowerCase().endsWith(`.${name}`);
    });
}

function isWithin(host: string, subnet: string): boolean {
  const [address = "", bits = ""] = subnet.replace(/[[\]]/g, "").split("/");
  const family = isIP(host);
  if (family === 0 || family !== isIP(address) || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const name = family === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(address, Number(bits), name);
  return list.check(host, name);
}
