import type { Agent } from "node:http";
import type { Readable } from "node:stream";
import type { Axios, AxiosProxyConfig, AxiosRequestConfig, AxiosResponse } from "axios";
import type { BodyReader } from "./message.ts";
import type { HttpSettings } from "./options.ts";
import type { HttpProxy } from "./proxy.ts";
import type { BaseUrl } from "./url.ts";

/** One request as it goes over the wire. */
export interface Exchange {
  readonly method: "DELETE" | "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal;
}

/** An answer whose body is still coming, in its Content-Encoding; whoever has it reads or destroys it. */
export interface OpenAnswer extends Omit<WireAnswer, "body" | "reader"> {
  readonly body: Readable;
}

/** One answer as it came over the wire, its body still in its Content-Encoding. */
export interface WireAnswer {
  readonly status: number;
  /** Names in lower case; cookies are left out, since nothing here keeps any. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Who took the body as it came. */
  readonly reader?: BodyReader | undefined;
}

/** How long a connection that nobody uses is kept. */
const IDLE_MS = 30_000;

/**
 * Sends requests over axios, which is loaded at the first one, with connections of its own that are kept and reused.
 *
 * A connection in waiting does not keep the process alive. No redirect is followed here, and no status is an error.
 */
export class Wire {
  readonly #settings: HttpSettings;
  readonly #base: BaseUrl;
  #line: Promise<Line> | undefined;
  #proxy: HttpProxy | undefined;

  constructor(settings: HttpSettings, base: BaseUrl) {
    this.#settings = settings;
    this.#base = base;
  }

  /** The proxy on the way, as the first request found it. */
  get proxy(): HttpProxy | undefined {
    return this.#proxy;
  }

  async send(exchange: Exchange): Promise<WireAnswer> {
    const { status, headers, data } = await this.#request(exchange, {});
    return { status, headers: readable(headers), body: data };
  }

  /** Sends a request of which no more than the head of the answer is waited for. */
  async open(exchange: Exchange): Promise<OpenAnswer> {
    // The length is counted by whoever reads.
    const { status, headers, data } = await this.#request(exchange, { responseType: "stream", maxContentLength: -1 });
    return { status, headers: readable(headers), body: data };
  }

  async #request(exchange: Exchange, options: AxiosRequestConfig): Promise<AxiosResponse> {
    const { method, url, headers, body, signal } = exchange;
    this.#line ??= this.#dial();
    const { axios, within } = await this.#line;
    signal.throwIfAborted();
    return within(signal, () => axios.request({ method, url, headers, data: body, signal, ...options }));
  }

  async #dial(): Promise<Line> {
    const { proxyTo } = await import("./proxy.ts");
    const proxy = proxyTo(this.#base, this.#settings.proxy, process.env);
    this.#proxy = proxy;
    const [{ Axios }, { agent, within }] = await Promise.all([import("axios"), this.#connections(proxy)]);
    // Not axios.create(): that would take over whatever the application put in axios.defaults, headers included.
    const axios = new Axios({
      adapter: "http",
      ...(this.#base.secure ? { httpsAgent: agent } : { httpAgent: agent }),
      // axios's own tunnels outlive an abort, and it does not decode the credentials of the environment's proxies.
      proxy: proxy === undefined || this.#base.secure ? false : forwardProxy(proxy),
      responseType: "arraybuffer",
      // Unpacked in encoding.ts.
      decompress: false,
      // Followed in client.ts, where the origin is checked.
      maxRedirects: 0,
      maxContentLength: this.#settings.maxResponseBytes,
      transformRequest: [],
      transformResponse: [],
      validateStatus: () => true,
    });
    return { axios, within };
  }

  async #connections(
    proxy: HttpProxy | undefined,
  ): Promise<{ readonly agent: Agent; readonly within: Line["within"] }> {
    const pool = { keepAlive: true, timeout: IDLE_MS, maxFreeSockets: this.#settings.concurrency };
    const within: Line["within"] = (_, task) => task();
    if (!this.#base.secure) {
      const http = await import("node:http");
      return { agent: new http.Agent(pool), within };
    }
    const { ca, cert, key, passphrase, serverName, insecure } = this.#settings.tls ?? {};
    const tls = { ca, cert, key, passphrase, servername: serverName, rejectUnauthorized: insecure !== true };
    const given = Object.entries(tls).filter(([, value]) => value !== undefined);
    const options = { ...pool, ...Object.fromEntries(given) };
    if (proxy !== undefined) return (await import("./tunnel.ts")).tunnel(proxy, options);
    const https = await import("node:https");
    return { agent: new https.Agent(options), within };
  }
}

/** What requests go over once there was a first. */
interface Line {
  readonly axios: Axios;
  readonly within: <T>(signal: AbortSignal, task: () => Promise<T>) => Promise<T>;
}

function forwardProxy({ secure, host, port, credentials }: HttpProxy): AxiosProxyConfig {
  return { protocol: secure ? "https" : "http", host, port, ...(credentials && { auth: credentials }) };
}

function readable(headers: object): Readonly<Record<string, string>> {
  const read: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === "set-cookie" || value === undefined || value === null) continue;
    read.push([name.toLowerCase(), Array.isArray(value) ? value.join(", ") : String(value)]);
  }
  return Object.fromEntries(read);
}
