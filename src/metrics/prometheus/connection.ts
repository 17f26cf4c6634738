import type { HttpClient, HttpRequest, HttpResponse, Inquiry } from "../../http/client.ts";
import type { AskOptions } from "../../time.ts";
import { Allowance } from "../plan/allowance.ts";
import { type Endpoint, type Manner, tenantOf } from "./dialect.ts";
import { isPassing, NAME } from "./failure.ts";
import { type Field, seconds } from "./fields.ts";

/** A longer query goes as a form in the body, since proxies and servers cut long request lines. */
const LONGEST_IN_URL = 1500;
/** What proxies answer to a POST that they do not let through. */
const POST_REFUSED: ReadonlySet<number> = new Set([403, 405, 501]);

/** How a query is evaluated, and who reads its answer while it comes. */
export interface EvaluateOptions extends AskOptions {
  readonly reader?: HttpRequest["reader"];
}

/** Sends questions to the API in its dialect: in the URL where they are short, in the body where they are not. */
export class Connection {
  readonly #http: HttpClient;
  readonly #manner: Manner | undefined;

  /** @param manner that of the dialect, where one was named */
  constructor(http: HttpClient, manner: Manner | undefined) {
    this.#http = http;
    this.#manner = manner;
  }

  /** What `task` asks of the server is one question. */
  ask<A>(inquiry: Inquiry<A>, task: () => Promise<A>): Promise<A> {
    const namespace = this.#manner && tenantOf(this.#manner);
    return this.#http.ask(namespace === undefined ? inquiry : { ...inquiry, namespace }, task);
  }

  /** A look-up, which every server takes in the URL alone. */
  get(path: string, fields: readonly Field[], endpoint: Endpoint, options: AskOptions): Promise<HttpResponse> {
    return this.#http.send({ ...this.#common(path, options), method: "GET", query: this.#fields(fields, endpoint) });
  }

  /** The evaluation of a query; the server is told the deadline too. */
  evaluate(path: string, fields: readonly Field[], options: EvaluateOptions): Promise<HttpResponse> {
    const timeoutMs = options.timeoutMs ?? this.#http.timeoutMs;
    return this.post(path, [...fields, ["timeout", seconds(timeoutMs)]], "query", options);
  }

  /** A question that may be long: in the body then. */
  async post(
    path: string,
    given: readonly Field[],
    endpoint: Endpoint,
    options: EvaluateOptions,
  ): Promise<HttpResponse> {
    const common = this.#common(path, options);
    const fields = this.#fields(given, endpoint);
    const length = fields.reduce((sum, [name, value]) => sum + name.length + encodeURIComponent(value).length + 2, 0);
    if (length <= LONGEST_IN_URL) return this.#http.send({ ...common, method: "GET", query: fields });
    const { signal, timeoutMs = this.#http.timeoutMs } = options;
    const { rest } = new Allowance({ signal, timeoutMs }, NAME);
    const posted = await this.#http.send({ ...common, ...rest(), method: "POST", form: fields });
    if (!POST_REFUSED.has(posted.status)) return posted;
    const got = await this.#http.send({ ...common, ...rest(), method: "GET", query: fields });
    // A request line that is too long says nothing about why the POST was refused.
    return got.status === 414 || got.status === 431 ? posted : got;
  }

  #fields(fields: readonly Field[], endpoint: Endpoint): readonly Field[] {
    return [...fields, ...(this.#manner?.fields[endpoint] ?? [])];
  }

  #common(path: string, { signal, timeoutMs, reader }: EvaluateOptions) {
    // Every question only reads, so that a POST too may be repeated.
    return {
      path,
      accept: "application/json",
      headers: this.#manner?.headers,
      idempotent: true,
      isPassing,
      signal,
      timeoutMs,
      reader,
    } as const;
  }
}
