import type { HttpClient, HttpResponse } from "../../http/client.ts";
import type { AskOptions } from "../../time.ts";

/** A longer query goes as a form in the body, since proxies and servers cut long request lines. */
const LONGEST_IN_URL = 1500;
/** What proxies answer to a POST that they do not let through. */
const POST_REFUSED: ReadonlySet<number> = new Set([403, 405, 501]);

/** Sends questions to the API: in the URL where they are short, in the body where they are not. */
export class Connection {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  async send(
    path: string,
    fields: readonly (readonly [string, string])[],
    { signal, timeoutMs }: AskOptions,
  ): Promise<HttpResponse> {
    // Every question only reads, so that a POST too may be repeated.
    const common = { path, accept: "application/json", idempotent: true, signal, timeoutMs } as const;
    const length = fields.reduce((sum, [name, value]) => sum + name.length + encodeURIComponent(value).length + 2, 0);
    if (length <= LONGEST_IN_URL) return this.#http.send({ ...common, method: "GET", query: fields });
    const posted = await this.#http.send({ ...common, method: "POST", form: fields });
    if (!POST_REFUSED.has(posted.status)) return posted;
    const got = await this.#http.send({ ...common, method: "GET", query: fields });
    // A request line that is too long says nothing about why the POST was refused.
    return got.status === 414 || got.status === 431 ? posted : got;
  }
}
