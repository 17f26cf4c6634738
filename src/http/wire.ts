import type { Agent } from "node:http";
import type { Readable } from "node:stream";
import type { Axios, AxiosRequestConfig, AxiosResponse } from "axios";
import type { BodyReader } from "./message.ts";
import type { HttpSettings } from "./options.ts";

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
  readonly #secure: boolean;
  #axios: Promise<Axios> | undefined;

  constructor(settings: HttpSettings, secure: boolean) {
    this.#settings = settings;
    this.#secure = secure;
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
    this.#axios ??= this.#load();
    const axios = await this.#axios;
    signal.throwIfAborted();
    return axios.request({ method, url, headers, data: body, signal, ...options });
  }

  async #load(): Promise<Axios> {
    const [{ Axios }, agent] = await Promise.all([import("axios"), this.#agent()]);
    // Not axios.create(): that would take over whatever the application put in axios.defaults, headers included.
    return new Axios({
      adapter: "http",
      ...(this.#secure ? { httpsAgent: agent } : { httpAgent: agent }),
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
  }

  async #agent(): Promise<Agent> {
    const pool = { keepAlive: true, timeout: IDLE_MS, maxFreeSockets: this.#settings.concurrency };
    if (!this.#secure) {
      const http = await import("node:http");
      return new http.Agent(pool);
    }
    const https = await import("node:https");
    const { ca, cert, key, passphrase, serverName, insecure } = this.#settings.tls ?? {};
    const tls = { ca, cert, key, passphrase, servername: serverName, rejectUnauthorized: insecure !== true };
    const given = Object.entries(tls).filter(([, value]) => value !== undefined);
    return new https.Agent({ ...pool, ...Object.fromEntries(given) });
  }
}

function readable(headers: object): Readonly<Record<string, string>> {
  const read: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === "set-cookie" || value === undefined || value === null) continue;
    read.push([name.toLowerCase(), Array.isArray(value) ? value.join(", ") : String(value)]);
  }
  return Object.fromEntries(read);
}
