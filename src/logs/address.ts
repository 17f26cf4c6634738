/** One end of a connection, as a proxy names it. */
export interface Address {
  /** IP address without brackets, or the path of a socket; `undefined` in `":0"`. */
  readonly host: string | undefined;
  /** 0 where the proxy knows the address from `x-forwarded-for` only. */
  readonly port: number | undefined;
  /** The listener inside the proxy that stands between, such as `"connect_originate"` in ambient. */
  readonly internalListener: string | undefined;
}

/** Reads `10.0.0.1:80`, `[2001:db8::1]:80`, `:0`, `tcp://10.0.0.1:80`, `envoy://connect_originate/10.0.0.1:8080`, `/run/a.sock`. */
export function parseAddress(text: string): Address {
  if (text.startsWith("envoy://")) {
    const slash = text.indexOf("/", 8);
    const listener = slash === -1 ? text.slice(8) : text.slice(8, slash);
    const { host, port } = hostAndPort(slash === -1 ? "" : text.slice(slash + 1));
    return address(host, port, listener);
  }
  const { host, port } = hostAndPort(text.startsWith("tcp://") ? text.slice(6) : text);
  return address(host, port, undefined);
}

const address = (host: string | undefined, port: number | undefined, internalListener: string | undefined): Address =>
  Object.freeze({ host: host === "" ? undefined : host, port, internalListener });

function hostAndPort(text: string): { host: string | undefined; port: number | undefined } {
  if (text.startsWith("[")) {
    const close = text.indexOf("]");
    if (close === -1) return { host: text, port: undefined };
    return { host: text.slice(1, close), port: text.charAt(close + 1) === ":" ? portOf(text, close + 2) : undefined };
  }
  const colon = text.lastIndexOf(":");
  const port = colon === -1 || text.indexOf(":") !== colon ? undefined : portOf(text, colon + 1);
  return port === undefined ? { host: text, port } : { host: text.slice(0, colon), port };
}

function portOf(text: string, start: number): number | undefined {
  const digits = text.slice(start);
  return /^\d{1,5}$/.test(digits) ? Number(digits) : undefined;
}
