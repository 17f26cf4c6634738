import { MeshQueryError, QueryError, TimeoutError, TransportError } from "../errors.ts";
import { shown } from "../time.ts";
import { authorize, basicAuthorization, secretsOf } from "./auth.ts";
import { readBody } from "./body-stream.ts";
import { FairLimit } from "./concurrency.ts";
import { type Deadline, startDeadline } from "./deadline.ts";
import { DebugLog } from "./debug-log.ts";
import { ACCEPT_ENCODING, decodeBody } from "./encoding.ts";
import { type Environment, systemEnvironment } from "./environment.ts";
import { type Attempt, isRepeatable, transportError } from "./failure.ts";
import { readHeaders } from "./header.ts";
import { encodeBody, type HttpRequest, type HttpResponse } from "./message.ts";
import { type HttpOptions, type HttpSettings, isTimeout, parseHttpOptions, TIMEOUT_RULE } from "./options.ts";
import { Redactor, secretValues } from "./redaction.ts";
import { backoffMs, isRetryWorthy, retryAfterMs } from "./retry.ts";
import { Sharing } from "./sharing.ts";
import { type Failure, failureOf } from "./telemetry/failure.ts";
import type { Inquiry } from "./telemetry/inquiry.ts";
import type { Trail } from "./telemetry/request-span.ts";
import { Telemetry } from "./telemetry/telemetry.ts";
import { type BaseUrl, parseBaseUrl, sameOriginTarget, urlBelow } from "./url.ts";
import { type Exchange, Wire, type WireAnswer } from "./wire.ts";

export type { Auth, BasicCredentials } from "./auth.ts";
export type { DebugLogger } from "./debug-log.ts";
export type { Environment } from "./environment.ts";
export type { AnswerHead, BodyReader, HttpRequest, HttpResponse } from "./message.ts";
export type { HttpOptions, TlsOptions } from "./options.ts";
export type { Inquiry } from "./telemetry/inquiry.ts";
export type { TelemetryOptions } from "./telemetry/listening.ts";

/** The way to one backend over HTTP. */
export interface HttpClient {
  /** The base URL as it may be shown in a message. */
  readonly origin: string;
  /** Requests in flight at once; more wait in order. */
  readonly concurrency: number;
  /** The deadline of a question that names none, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * Sends one request and resolves with the answer, whatever its status.
   *
   * A failure that may pass (429, 502, 503, 504, a refused or broken connection) is tried again first when the request
   * is idempotent. Who asks the same idempotent question while it is under way shares its answer, and each of them still
   * has a deadline and a signal of its own. Redirects of a GET are followed within the same origin; any other comes back as it is.
   *
   * @throws {TransportError} when no whole answer arrived
   * @throws {TimeoutError} when the deadline passed first
   * @throws {DecodeError} when the body is not in the encoding it claims
   * @throws {QueryError} when the path, a header or `timeoutMs` cannot be meant
   * @throws the reason of `signal`, as it is, when that aborts
   */
  send(request: HttpRequest): Promise<HttpResponse>;
  /** Does `task`, which sends what a question takes and reads what comes, and tells OpenTelemetry of it as one question. */
  ask<A>(inquiry: Inquiry<A>, task: () => Promise<A>): Promise<A>;
}

/**
 * A client for the HTTP API below `baseUrl`. Nothing is sent or loaded before the first request.
 *
 * @param backend what errors call the other side, such as `"prometheus"`
 * @param baseUrl `"http://host:9090"`, with a path where the API is below one; `user:password@` becomes `auth`
 * @throws {QueryError} `code: "config"` with what to write instead
 */
export function httpClient(
  backend: string,
  baseUrl: string,
  options: HttpOptions = {},
  environment: Environment = systemEnvironment,
): HttpClient {
  const base = parseBaseUrl(baseUrl, backend);
  return new AxiosClient(backend, base, parseHttpOptions(options, base, backend), environment);
}

/** What one call of `send` is about. */
interface Question {
  readonly request: HttpRequest;
  /** Backend, method and path, for messages. */
  readonly what: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly startMs: number;
  readonly timeoutMs: number;
}

/** A question on its way, perhaps for several who ask the same, and how far it has come. */
interface Flight extends Question {
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Records its requests, below the question of the first who asked. */
  readonly trail: Trail | undefined;
  stage: "queue" | "token" | "answer";
  tries: number;
  /** Requests that went out: the tries, and the redirects that were followed. */
  sent: number;
  lastFailure: TransportError | undefined;
  /** When the last of them stops waiting, by the environment's clock. */
  untilMs: number;
  /** Why the last who left did not wait for the answer. */
  abandoned: Failure | undefined;
}

const mediaType = (headers: Readonly<Record<string, string>>): string =>
  (headers["content-type"] ?? "").split(";", 1).join("").trim().toLowerCase();

interface LocatedAnswer extends WireAnswer {
  readonly url: URL;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 5;

class AxiosClient implements HttpClient {
  readonly origin: string;
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly #backend: string;
  readonly #base: BaseUrl;
  readonly #settings: HttpSettings;
  readonly #environment: Environment;
  readonly #redactor: Redactor;
  readonly #limit: FairLimit;
  readonly #sharing = new Sharing<HttpResponse, Flight>();
  readonly #wire: Wire;
  readonly #telemetry: Telemetry;
  readonly #log: DebugLog | undefined;

  constructor(backend: string, base: BaseUrl, settings: HttpSettings, environment: Environment) {
    this.origin = base.shown;
    this.concurrency = settings.concurrency;
    this.timeoutMs = settings.timeoutMs;
    this.#backend = backend;
    this.#base = base;
    this.#settings = settings;
    this.#environment = environment;
    this.#redactor = new Redactor([
      ...secretsOf(settings.auth),
      ...secretValues(settings.headers),
      ...(settings.tls?.passphrase === undefined ? [] : [settings.tls.passphrase]),
      ...(settings.proxy ? proxySecrets(settings.proxy) : []),
    ]);
    const { telemetry, logger } = settings;
    this.#log = logger && new DebugLog(logger, backend, this.#redactor);
    this.#telemetry = new Telemetry(telemetry && { backend, base, redactor: this.#redactor, options: telemetry });
    this.#limit = new FairLimit(settings.concurrency);
    this.#wire = new Wire(settings, base);
  }

  ask<A>(inquiry: Inquiry<A>, task: () => Promise<A>): Promise<A> {
    return this.#telemetry.ask(inquiry, task);
  }

  async send(request: HttpRequest): Promise<HttpResponse> {
    const question = this.#read(request);
    request.signal?.throwIfAborted();
    const deadline = startDeadline(question.timeoutMs, request.signal);
    if (!this.#telemetry.isReady) await this.#telemetry.load();
    const share = this.#sharing.join(keyOf(question), (signal) => this.#depart(question, signal));
    const { state, outcome, leave } = share;
    if (state.request !== request) this.#log?.note(request.method, question.url, "waits for the same one under way");
    state.untilMs = Math.max(state.untilMs, question.startMs + question.timeoutMs);
    try {
      const response = await deadline.until(outcome);
      return { ...response, tookMs: Math.max(0, this.#environment.now() - question.startMs) };
    } catch (error) {
      const reason = this.#reasonOf(error, question, state, deadline);
      const failure = failureOf(reason, this.#settings.telemetry ?? {});
      if (deadline.signal.aborted) state.abandoned = failure;
      this.#log?.note(request.method, question.url, `failed: ${failure.message ?? failure.type}`, {
        code: failure.type,
      });
      throw reason;
    } finally {
      deadline.close();
      leave();
    }
  }

  #depart(question: Question, signal: AbortSignal) {
    const state: Flight = {
      ...question,
      signal,
      trail: this.#telemetry.trail(),
      stage: "queue",
      tries: 0,
      sent: 0,
      lastFailure: undefined,
      untilMs: 0,
      abandoned: undefined,
    };
    return { state, outcome: this.#ask(state) };
  }

  #read(request: HttpRequest): Question {
    if (request.isSecretPath === true) this.#redactor.keep(request.path.slice(1));
    const what = `${this.#backend}: ${request.method} ${request.isSecretPath === true ? "/REDACTED" : request.path}`;
    const timeoutMs = request.timeoutMs ?? this.#settings.timeoutMs;
    if (!isTimeout(timeoutMs))
      throw new QueryError("timeout", `${what}: timeoutMs ${shown(timeoutMs)} ${TIMEOUT_RULE}`);
    const own = readHeaders(request.headers ?? {}, `${what}: headers`);
    for (const secret of secretValues(own)) this.#redactor.learn(secret);
    const { type, body } = encodeBody(request);
    const headers = {
      accept: request.accept ?? "*/*",
      "accept-encoding": ACCEPT_ENCODING,
      "user-agent": "meshquery",
      ...(type === undefined ? {} : { "content-type": type }),
      ...this.#settings.headers,
      ...own,
    };
    const url = urlBelow(this.#base, request.path, request.query);
    return { request, what, url, headers, body, timeoutMs, startMs: this.#environment.now() };
  }

  async #ask(flight: Flight): Promise<HttpResponse> {
    for (;;) {
      flight.tries++;
      const outcome = await this.#try(flight);
      const pauseMs = await this.#pauseMs(outcome, flight);
      if (pauseMs === undefined) {
        if (outcome instanceof TransportError) throw outcome;
        return this.#response(outcome, flight);
      }
      if (outcome instanceof TransportError) flight.lastFailure = outcome;
      await this.#environment.sleep(pauseMs, flight.signal);
      flight.signal.throwIfAborted();
      flight.stage = "queue";
    }
  }

  /** One try: a place in the queue, a token, the request and its redirects. A broken connection is an outcome. */
  #try(flight: Flight): Promise<LocatedAnswer | TransportError> {
    const { signal, what } = flight;
    const [backend, redactor] = [this.#backend, this.#redactor];
    return this.#limit.run(signal, async () => {
      flight.stage = "token";
      const authorization = await authorize(this.#settings.auth, { what, backend, redactor, signal });
      const credentials = authorization === undefined ? {} : { authorization };
      flight.stage = "answer";
      try {
        return await this.#follow(flight, { ...flight.headers, ...credentials });
      } catch (error) {
        signal.throwIfAborted();
        // What reads the body as it comes says itself what is wrong with it.
        if (error instanceof MeshQueryError) throw error;
        return transportError(error, this.#attempt(flight));
      }
    });
  }

  /** Sends the request, and again where the server moved it within the same origin: nothing ever goes to another. */
  async #follow(flight: Flight, headers: Readonly<Record<string, string>>): Promise<LocatedAnswer> {
    const { body, signal } = flight;
    const { method } = flight.request;
    let { url } = flight;
    for (let hops = 0; ; hops++) {
      flight.sent++;
      const answer = await this.#recorded({ method, url: url.href, headers, body, signal }, flight);
      const moved = method === "GET" && REDIRECTS.has(answer.status) && hops < MOST_REDIRECTS;
      const target = moved ? sameOriginTarget(url, answer.headers.location) : undefined;
      if (target === undefined) return { ...answer, url };
      url = target;
    }
  }

  /** Sends one request, and tells of it where anybody listens. */
  #recorded(exchange: Exchange, flight: Flight): Promise<WireAnswer> {
    const { trail, signal } = flight;
    if (trail === undefined) return this.#exchange(exchange, flight);
    const { method, url, headers } = exchange;
    const asFailure = (error: unknown): Failure => {
      if (signal.aborted) return flight.abandoned ?? failureOf(signal.reason, {});
      const known = error instanceof MeshQueryError ? error : transportError(error, this.#attempt(flight));
      return failureOf(known, this.#settings.telemetry ?? {});
    };
    return trail.follow(
      { method, url: new URL(url), resends: flight.sent - 1 },
      (more) => this.#exchange({ ...exchange, headers: { ...headers, ...more } }, flight),
      asFailure,
    );
  }

  async #exchange(exchange: Exchange, flight: Flight): Promise<WireAnswer> {
    const log = this.#log;
    if (log === undefined) return this.#wholeAnswer(exchange, flight);
    const { method, url } = exchange;
    log.note(method, url, "is sent", { tries: flight.tries });
    const startedMs = performance.now();
    const answer = await this.#wholeAnswer(exchange, flight);
    const tookMs = Math.round(performance.now() - startedMs);
    log.note(method, url, `answered ${answer.status} in ${tookMs} ms`, { status: answer.status, tookMs });
    return answer;
  }

  /** Sends one request; where somebody reads the body as it comes, it is read when this returns. */
  async #wholeAnswer(exchange: Exchange, flight: Flight): Promise<WireAnswer> {
    const { reader } = flight.request;
    if (reader === undefined) return this.#wire.send(exchange);
    const { status, headers: all, body } = await this.#wire.open(exchange);
    const { "content-encoding": encodings = "", ...headers } = all;
    const head = { status, contentType: mediaType(headers) };
    const read = await readBody(body, encodings, this.#attempt(flight), (first) => reader(head, first));
    return { status, headers, ...read };
  }

  /** How long to wait before another try, `undefined` when this outcome is the last. */
  async #pauseMs(outcome: LocatedAnswer | TransportError, flight: Flight): Promise<number | undefined> {
    const { request, tries } = flight;
    if (!request.idempotent || tries > this.#settings.retries) return undefined;
    const broken = outcome instanceof TransportError;
    if (broken ? !isRepeatable(outcome) : !(await this.#isPassing(outcome, flight))) return undefined;
    const nowMs = this.#environment.now();
    const askedMs = broken ? undefined : retryAfterMs(outcome.headers, nowMs);
    const pauseMs = backoffMs(tries, this.#environment.random(), askedMs);
    // A pause that the deadline would cut short helps nobody: the outcome at hand says more than a timeout.
    if (nowMs + pauseMs >= flight.untilMs) return undefined;
    const because = broken ? outcome.code : outcome.status;
    this.#log?.note(request.method, flight.url, `is sent again in ${pauseMs} ms (${because})`, {
      pauseMs,
      because,
      tries,
    });
    return pauseMs;
  }

  /** Whether an answer is one of "not now": by its status, unless the request knows better from its words. */
  async #isPassing(answer: LocatedAnswer, flight: Flight): Promise<boolean> {
    const byStatus = isRetryWorthy(answer.status);
    const { isPassing } = flight.request;
    if (isPassing === undefined || answer.status < 400) return byStatus;
    try {
      return isPassing(await this.#response(answer, flight)) ?? byStatus;
    } catch (error) {
      // Words that cannot be unpacked decide nothing.
      if (error instanceof MeshQueryError) return byStatus;
      throw error;
    }
  }

  async #response(answer: LocatedAnswer, flight: Flight): Promise<HttpResponse> {
    const { "content-encoding": encodings = "", location, ...headers } = answer.headers;
    const body = await decodeBody(answer.body, encodings, this.#attempt(flight));
    return {
      status: answer.status,
      headers: location === undefined ? headers : { ...headers, location: this.#redactor.text(location) },
      contentType: mediaType(headers),
      body,
      reader: answer.reader,
      url: this.#redactor.url(answer.url),
      tookMs: Math.max(0, this.#environment.now() - flight.startMs),
      tries: flight.tries,
      retryAfterMs: retryAfterMs(headers, this.#environment.now()),
      redact: (text) => this.#redactor.text(text),
    };
  }

  #attempt({ what, tries }: Flight): Attempt {
    const { maxResponseBytes } = this.#settings;
    const proxy = this.#wire.proxy?.shown;
    return {
      backend: this.#backend,
      what,
      origin: this.origin,
      proxy,
      tries,
      maxResponseBytes,
      redactor: this.#redactor,
    };
  }

  /** Why the question ended: the deadline and the caller come before what their abort broke on the way. */
  #reasonOf(error: unknown, { what, timeoutMs }: Question, flight: Flight, deadline: Deadline): unknown {
    if (deadline.end === undefined) return error;
    if (!deadline.expired) return deadline.end.reason;
    const { stage, tries, lastFailure: cause } = flight;
    const tried = tries > 1 ? ` (in try ${tries})` : "";
    return new TimeoutError(`${what}: ${this.#lateness(stage, timeoutMs)}${tried}`, {
      backend: this.#backend,
      timeoutMs,
      cause,
    });
  }

  #lateness(stage: Flight["stage"], timeoutMs: number): string {
    const { concurrency } = this.#settings;
    switch (stage) {
      case "queue":
        return `was not sent within ${timeoutMs} ms, ${concurrency} at once were in flight before it; send fewer, or raise concurrency or timeoutMs`;
      case "token":
        return `auth.bearer gave no token within ${timeoutMs} ms; check the token's source`;
      case "answer":
        return `${this.origin} gave no whole answer within ${timeoutMs} ms; ask for less, or raise timeoutMs`;
    }
  }
}

/** What two questions have in common that one answer serves; nothing of one that may not be asked twice. */
function keyOf({ request: { method, idempotent, alone = false }, url, headers, body }: Question): string | undefined {
  return idempotent && !alone ? JSON.stringify([method, url.href, headers, body]) : undefined;
}

/** What of a proxy's URL must never be shown. */
function proxySecrets({ username, password }: URL): string[] {
  const credentials = { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  return password === ""
    ? []
    : [password, credentials.password, basicAuthorization(credentials).slice("Basic ".length)];
}
