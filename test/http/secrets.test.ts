import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type HttpOptions, type HttpRequest, httpClient } from "../../src/http/client.ts";
import { refusal } from "../../src/http/refusal.ts";
import { accepting, answering, freePort, type Listener } from "./listener.ts";
import { failLookups } from "./name-lookup.ts";
import { record } from "./recording.ts";

const CANARY = "canary-4711";
const CANARIES = [CANARY, encodeURIComponent(CANARY), Buffer.from(`user:${CANARY}`).toString("base64")];

const recording = record();
let logged: unknown[][] = [];
/** As a logger has it that writes out all it is given. */
const logger = { debug: (...given: unknown[]) => void logged.push(given) };
let cutting: Listener;
let silent: Listener;
let garbling: Listener;
let echoing: Listener;
let repeating: Listener;
let refusing: number;
let heal: () => void;

beforeAll(async () => {
  cutting = await accepting((socket) => void socket.once("data", () => socket.destroy()));
  silent = await accepting(() => {});
  garbling = await answering((_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(CANARY));
  echoing = await answering((request, response) => {
    const location = `http://user:${CANARY}@elsewhere.test/?token=${CANARY}&was=${request.headers.authorization}`;
    response.writeHead(302, { location, "set-cookie": `session=${CANARY}` }).end();
  });
  repeating = await answering(({ headers, url = "" }, response) => {
    const sent = ["authorization", "x-api-key", "cookie", "x-auth-token"].flatMap((name) => headers[name] ?? []);
    // Each bare too, as one that was looked up.
    const known = sent.flatMap((value) => [value, ...value.split(/[ =]/)]);
    response.writeHead(401).end(`I know no ${known.join(", ")} ${url.split("?", 1)[0]}`);
  });
  refusing = await freePort();
  heal = failLookups("ENOTFOUND");
});
beforeEach(() => {
  recording.forget();
  logged = [];
});
afterAll(async () => {
  heal();
  recording.stop();
  await Promise.all([cutting, silent, garbling, echoing, repeating].map((server) => server.close()));
});

/** Every place a secret can come from. */
const PLACES: Record<string, { options?: HttpOptions; request?: Partial<HttpRequest>; user?: string }> = {
  "the URL": { user: `user:${CANARY}@` },
  "a basic password": { options: { auth: { basic: { username: "user", password: CANARY } } } },
  "an API key": { options: { auth: { apiKey: CANARY } } },
  "a bearer token": { options: { auth: { bearer: CANARY } } },
  "a fetched token": { options: { auth: { bearer: async () => CANARY } } },
  "a header of the client": { options: { headers: { Authorization: `Bearer ${CANARY}`, "X-Api-Key": CANARY } } },
  "a cookie": { options: { headers: { Cookie: `session=${CANARY}` } } },
  "a header of the request": { request: { headers: { "x-auth-token": CANARY } } },
  "the query": {
    request: {
      query: ["token", "api_key", "apikey", "access_token", "sig", "X-Amz-Signature"].map((key) => [key, CANARY]),
    },
  },
  "the path": { request: { path: `/hooks/${CANARY}`, isSecretPath: true } },
  "the form": { request: { method: "POST", form: [["token", CANARY]] } },
  "the JSON": { request: { method: "POST", json: { token: CANARY } } },
};

/** Every way to fail. */
const FAILURES: Record<string, () => { url: string; options?: HttpOptions }> = {
  refused: () => ({ url: `http://127.0.0.1:${refusing}` }),
  reset: () => ({ url: cutting.url }),
  timeout: () => ({ url: silent.url, options: { timeoutMs: 50 } }),
  dns: () => ({ url: "http://no-such-host.invalid" }),
  tls: () => ({ url: garbling.url.replace("http", "https") }),
  decode: () => ({ url: garbling.url }),
  "too large": () => ({ url: garbling.url, options: { maxResponseBytes: 1 } }),
};

describe.each(Object.entries(PLACES))("a secret from %s", (_, { options, request, user = "" }) => {
  const send = (url: string, more: HttpOptions = {}) =>
    httpClient("prometheus", url.replace("://", `://${user}`), { retries: 0, logger, ...options, ...more }).send({
      method: "GET",
      path: "/api/v1/query",
      idempotent: true,
      ...request,
    });

  test.each(Object.entries(FAILURES))(
    "is nowhere in the error, the span or the log when the question fails: %s",
    async (_, failure) => {
      const { url, options: more } = failure();
      const error = await send(url, more).then(
        () => expect.unreachable(),
        (reason: Error) => reason,
      );
      await vi.waitFor(() => expect(recording.spans()).toHaveLength(1), 10_000);
      expect(leaks(...shownParts(error), JSON.stringify(recording.spans()), inspect(logged))).toEqual([]);
      expect(logged.length).toBeGreaterThan(1);
    },
  );

  test("is nowhere in the address, the headers, the span or the log of an answer", async () => {
    const { body: _body, ...answer } = await send(echoing.url);
    expect(answer.status).toBe(302);
    expect(leaks(inspect(answer, { depth: 10 }), JSON.stringify(recording.spans()), inspect(logged))).toEqual([]);
  });

  test("is nowhere in what is told of a refusal that repeats what was sent", async () => {
    const refused = await send(repeating.url);
    const error = refusal(refused, { backend: "prometheus" });
    expect(error.message).toContain("answered 401: I know no ");
    expect(leaks(...shownParts(error), inspect(refused.redact(new TextDecoder().decode(refused.body))))).toEqual([]);
  });

  test("is nowhere in what a client looks like", () => {
    const client = httpClient("prometheus", `http://${user}h`, options);
    expect(leaks(inspect(client, { depth: 10, showHidden: true }), JSON.stringify(client), client.origin)).toEqual([]);
  });
});

test("a token function's error leaves behind all but its redacted message", async () => {
  const refusal = Object.assign(new Error(`POST http://sso/?access_token=${CANARY} said no to Bearer ${CANARY}`), {
    config: { headers: { authorization: CANARY } },
    cause: new Error(CANARY),
  });
  const error = await httpClient("prometheus", silent.url, { auth: { bearer: () => Promise.reject(refusal) } })
    .send({ method: "GET", path: "/", idempotent: true })
    .catch((reason: Error) => reason);
  expect(leaks(...shownParts(error as Error), JSON.stringify(recording.spans()))).toEqual([]);
});

function shownParts(error: Error): string[] {
  const parts = [inspect(error, { depth: 10, showHidden: true }), JSON.stringify(error)];
  for (let link: unknown = error; link instanceof Error; link = link.cause) {
    parts.push(link.message, link.stack ?? "", JSON.stringify(link, Object.getOwnPropertyNames(link)));
  }
  return parts;
}

const leaks = (...texts: string[]) => texts.filter((text) => CANARIES.some((canary) => text.includes(canary)));
