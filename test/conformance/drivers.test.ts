import { getEventListeners } from "node:events";
import type { IncomingMessage, RequestListener } from "node:http";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { MeshQueryError } from "../../src/errors.ts";
import { accepting, answering, freePort, type Listener } from "../http/listener.ts";
import { DRIVERS, type Driver } from "./drivers.ts";

const servers: Listener[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function serve(handler: RequestListener): Promise<Listener> {
  const server = await answering(handler);
  servers.push(server);
  return server;
}

async function accept(...[handler]: Parameters<typeof accepting>): Promise<Listener> {
  const server = await accepting(handler);
  servers.push(server);
  return server;
}

const json = { "content-type": "application/json" };
const html = { "content-type": "text/html; charset=utf-8" };
const head = (length: number) =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;

/** What a server can do wrong, and what must come of it at the first try. */
interface Fault {
  readonly title: string;
  readonly serve: (driver: Driver) => Promise<Listener>;
  readonly error: {
    readonly name: string;
    readonly code: string;
    readonly retryable: boolean;
    readonly status?: number;
  };
  /** What the message must say to do, or on what ground. */
  readonly says: RegExp;
}

const answer =
  (status: number, headers: Record<string, string>, body: (driver: Driver) => string | Uint8Array) =>
  (driver: Driver) =>
    serve((_, response) => response.writeHead(status, headers).end(body(driver)));

const timeout = { name: "TimeoutError", code: "deadline", retryable: true };
const decode = (code: string, retryable = false) => ({ name: "DecodeError", code, retryable });
const backend = (code: string, status: number, retryable = false) => ({
  name: "BackendError",
  code,
  status,
  retryable,
});

const FAULTS: readonly Fault[] = [
  {
    title: "takes the request and answers nothing",
    serve: () => serve(() => {}),
    error: timeout,
    says: /within 200 ms.*raise timeoutMs/,
  },
  {
    title: "accepts the connection and is silent",
    serve: () => accept(() => {}),
    error: timeout,
    says: /within 200 ms.*raise timeoutMs/,
  },
  {
    title: "drips its answer beyond the deadline",
    serve: ({ good }) =>
      accept(
        (socket) =>
          void socket.once("data", () => {
            socket.write(head(Buffer.byteLength(good)));
            let sent = 0;
            const timer = setInterval(() => socket.write(good.charAt(sent++ % 20)), 10);
            socket.on("close", () => clearInterval(timer));
          }),
      ),
    error: timeout,
    says: /within 200 ms.*raise timeoutMs/,
  },
  {
    title: "resets the connection in the middle of the body",
    serve: ({ good }) =>
      accept(
        (socket) =>
          void socket.once("data", () =>
            socket.write(head(Buffer.byteLength(good)) + good.slice(0, 20), () => socket.resetAndDestroy()),
          ),
      ),
    error: { name: "TransportError", code: "reset", retryable: true },
    says: /closed the connection before its answer was whole/,
  },
  {
    title: "closes the connection in the middle of the body",
    serve: ({ good }) =>
      accept((socket) => void socket.once("data", () => socket.end(head(Buffer.byteLength(good)) + good.slice(0, 20)))),
    error: { name: "TransportError", code: "reset", retryable: true },
    says: /closed the connection before its answer was whole/,
  },
  {
    title: "sends half of the document",
    serve: answer(200, json, ({ good }) => good.slice(0, good.length / 2)),
    error: decode("truncated", true),
    says: /cut short: check the size and time limits/,
  },
  {
    title: "sends text that it calls JSON",
    serve: answer(200, json, () => "everything is fine"),
    error: decode("syntax"),
    says: /JSON/,
  },
  {
    title: "sends JSON of another kind",
    serve: answer(200, json, () => '{"hello":"world"}'),
    error: decode("shape"),
    says: /URL/,
  },
  {
    title: "sends bytes that are not UTF-8",
    serve: answer(200, json, ({ good }) => Buffer.concat([Buffer.from(good.slice(0, -1)), Buffer.from([0xff, 0xfe])])),
    error: decode("syntax"),
    says: /URL|UTF-8/,
  },
  {
    title: "sends the page of a login",
    serve: answer(200, html, () => "<!doctype html><html></html>"),
    error: decode("content-type"),
    says: /web page; is the URL that of/,
  },
  {
    title: "sends a page that it calls JSON",
    serve: answer(200, json, () => "\n <html></html>"),
    error: decode("content-type"),
    says: /web page; is the URL that of/,
  },
  {
    title: "answers 204",
    serve: answer(204, {}, () => ""),
    error: decode("shape"),
    says: /204 without a body; is/,
  },
  {
    title: "answers 200 without a body",
    serve: answer(200, json, () => ""),
    error: decode("shape"),
    says: /200 without a body; is/,
  },
  {
    title: "sends gzip that is broken",
    serve: answer(200, { ...json, "content-encoding": "gzip" }, ({ good }) => {
      const packed = Buffer.from(gzipSync(good.repeat(20)));
      packed.fill(0xff, 20, 40);
      return packed;
    }),
    error: decode("syntax"),
    says: /gzip that cannot be unpacked.*is a proxy/,
  },
  {
    title: "sends gzip without its end",
    serve: answer(200, { ...json, "content-encoding": "gzip" }, ({ good }) => gzipSync(good).subarray(0, 40)),
    error: decode("truncated", true),
    says: /gzip that ends too early.*is a proxy/,
  },
  {
    title: "answers 401",
    serve: answer(401, { "www-authenticate": "Basic" }, () => "no"),
    error: backend("unauthorized", 401),
    says: /give credentials: \{ auth/,
  },
  {
    title: "answers 403",
    serve: answer(403, {}, () => "RBAC: access denied"),
    error: backend("forbidden", 403),
    says: /RBAC: access denied; the credentials that were sent/,
  },
  {
    title: "answers 404 as a proxy does",
    serve: answer(404, {}, () => "404 page not found\n"),
    error: backend("not-found", 404),
    says: /is the path before the API part of the URL/,
  },
  {
    title: "answers 404 with a page",
    serve: answer(404, html, () => "<html>not here</html>"),
    error: backend("not-found", 404),
    says: /a web page; is the path before the API/,
  },
  {
    title: "answers 500",
    serve: answer(500, {}, () => "out of memory"),
    error: backend("internal", 500),
    says: /answered 500: out of memory/,
  },
  {
    title: "answers 503 as a proxy does",
    serve: answer(503, {}, () => "no healthy upstream"),
    error: backend("unavailable", 503, true),
    says: /answered 503: no healthy upstream/,
  },
  {
    title: "answers 503 in its own words",
    serve: answer(503, json, ({ refusal }) => refusal(503, "the storage is being opened")),
    error: backend("unavailable", 503, true),
    says: /the storage is being opened/,
  },
  {
    title: "answers 429",
    serve: answer(429, {}, () => "slow down"),
    error: backend("rate-limited", 429, true),
    says: /ask less often, or lower \{ concurrency \}/,
  },
  {
    title: "answers 504",
    serve: answer(504, {}, () => "upstream request timeout"),
    error: backend("timeout", 504, true),
    says: /upstream request timeout/,
  },
];

describe.each(DRIVERS.map((driver) => [driver.title, driver] as const))("%s", (_, driver) => {
  const good = ({ url = "" }: IncomingMessage) => driver.goodAt?.(url.split("?", 1)[0] ?? "") ?? driver.good;
  /** Asked once; a deadline that is meant to pass passes soon. */
  const ask = (server: Listener, { name }: Pick<Fault["error"], "name"> = decode("shape")) =>
    driver.make(server.url, { retries: 0, timeoutMs: name === timeout.name ? 200 : 20_000 })();

  test("reads a good answer, whatever its media type", async () => {
    for (const type of ["application/json", "text/plain; charset=utf-8", "application/octet-stream"]) {
      const server = await serve((request, response) =>
        response.writeHead(200, { "content-type": type }).end(good(request)),
      );
      await expect(driver.make(server.url)()).resolves.toBeDefined();
    }
  });

  test("reads a good answer in gzip", async () => {
    const server = await serve((request, response) =>
      response.writeHead(200, { ...json, "content-encoding": "gzip" }).end(gzipSync(good(request))),
    );
    await expect(driver.make(server.url)()).resolves.toBeDefined();
  });

  describe("of a server that", () => {
    test.each(FAULTS)("$title", async ({ serve, error, says }) => {
      const server = await serve(driver);
      const thrown = await ask(server, error).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(thrown).toBeInstanceOf(MeshQueryError);
      expect(thrown).toMatchObject({ ...error, backend: driver.backend, message: expect.stringMatching(says) });
      expect((thrown as Error).message).toContain(driver.backend);
      expect((thrown as Error).message).not.toMatch(/undefined|\[object/);
      if (error.name !== "BackendError") return;
      expect((thrown as Error).message).toContain(server.url);
    });

    test("is not there", async () => {
      const port = await freePort();
      await expect(driver.make(`http://127.0.0.1:${port}`, { retries: 0 })()).rejects.toMatchObject({
        name: "TransportError",
        code: "refused",
        retryable: true,
        backend: driver.backend,
        message: expect.stringContaining("is the server running and the port right?"),
      });
    });

    test("sends it elsewhere is not followed to another origin", async () => {
      const other = await serve((request, response) => response.end(good(request)));
      const server = await serve((_, response) => response.writeHead(302, { location: `${other.url}/api` }).end());
      await expect(ask(server)).rejects.toMatchObject({
        name: "BackendError",
        code: "redirect",
        status: 302,
        retryable: false,
        message: expect.stringContaining(`points to ${other.url}/api, which is not followed: give the final URL`),
      });
      expect(other.opened()).toBe(0);
    });

    test.each([
      ["seconds", () => "1"],
      ["a date", () => new Date(Date.now() + 1_500).toUTCString()],
    ])("wants to be left alone for %s is asked again no sooner, then given up with what it said", async (_, header) => {
      const times: number[] = [];
      const server = await serve((_request, response) => {
        times.push(performance.now());
        response.writeHead(429, { "retry-after": header() }).end("slow down");
      });
      await expect(driver.make(server.url, { retries: 1, timeoutMs: 8_000 })()).rejects.toMatchObject({
        name: "BackendError",
        code: "rate-limited",
        retryAfterMs: expect.any(Number),
        retryable: true,
      });
      expect(times).toHaveLength(2);
      if (header() === "1") expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(950);
    });

    test.each([429, 502, 503, 504])("answers %d once is asked again", async (status) => {
      let first = true;
      const server = await serve((request, response) => {
        response.writeHead(first ? status : 200, json).end(first ? "" : good(request));
        first = false;
      });
      await expect(driver.make(server.url)()).resolves.toBeDefined();
    });
  });

  describe("gives up with the caller's own reason", () => {
    const reason = new Error("the caller has had enough");

    test("before anything was sent", async () => {
      const server = await serve((request, response) => response.end(good(request)));
      await expect(driver.make(server.url)({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(server.opened()).toBe(0);
    });

    type Start = (reached: () => void) => Promise<Listener>;
    const hanging =
      (text: string): Start =>
      (reached) =>
        accept((socket) => void socket.once("data", () => socket.write(text, reached)));
    const stages: readonly (readonly [string, Start, string])[] = [
      ["while shaking hands", (reached) => accept(reached), "https"],
      ["before the headers", hanging(""), "http"],
      ["in the middle of the headers", hanging("HTTP/1.1 200 OK\r\ncontent-"), "http"],
      ["in the middle of the body", hanging(`${head(1_000)}{`), "http"],
      [
        "before the next try",
        (reached) => serve((_, response) => response.writeHead(503, { "retry-after": "20" }).end(reached)),
        "http",
      ],
    ];

    test.each(stages)("%s", async (_, start, scheme) => {
      let reached = () => {};
      const there = new Promise<void>((resolve) => {
        // What the server has sent is then on its way, or with the client.
        reached = () => setTimeout(resolve, 40);
      });
      const server = await start(() => reached());
      const controller = new AbortController();
      const asked = driver.make(server.url.replace("http", scheme))({ signal: controller.signal });
      asked.catch(() => {});
      await there;
      controller.abort(reason);
      await expect(asked).rejects.toBe(reason);
      expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
      if (scheme === "https" || start !== stages.at(-1)?.[1]) await server.allClosed();
    });

    test("while it waits for its turn", async () => {
      const server = await serve(() => {});
      const ask = driver.make(server.url, { concurrency: 1 });
      const [first, second] = [new AbortController(), new AbortController()];
      const asked = [first, second].map(({ signal }) => ask({ signal }));
      await expect.poll(() => server.opened(), { timeout: 10_000 }).toBe(1);
      second.abort(reason);
      await expect(asked[1]).rejects.toBe(reason);
      first.abort(reason);
      await expect(asked[0]).rejects.toBe(reason);
      await server.allClosed();
      expect(server.opened()).toBe(1);
    });
  });

  test("asks a thousand times over one connection and leaves nothing behind", async () => {
    const server = await serve((request, response) => response.writeHead(200, json).end(good(request)));
    const { signal } = new AbortController();
    const ask = driver.make(server.url);
    // The first answer may be followed by the question whose it is.
    for (let i = 0; i < 2; i++) await ask({ signal });
    // The server's end of its one connection, since the client's keeps no process alive; others may still be closing.
    await expect.poll(() => resources().sockets, { timeout: 10_000 }).toBe(1);
    const warnings: string[] = [];
    const warn = (warning: Error) => warnings.push(warning.message);
    process.on("warning", warn);
    const before = resources();
    for (let i = 0; i < 1_000; i++) await ask({ signal });
    const after = resources();
    expect(after.sockets).toBe(before.sockets);
    // The test's own may come and go; a leak would be a thousand.
    expect(after.timers).toBeLessThan(before.timers + 10);
    expect(server.opened()).toBe(1);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    process.off("warning", warn);
    expect(warnings).toEqual([]);
  });

  test("fails a hundred times at once and leaves nothing behind", async () => {
    const server = await accept((socket) => socket.destroy());
    const { signal } = new AbortController();
    const ask = driver.make(server.url, { retries: 0 });
    const before = resources();
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => ask({ signal })));
    expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(100);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await server.allClosed();
    expect(resources().sockets).toBeLessThanOrEqual(before.sockets);
  });

  test("ends at its deadline with others in flight, and they go on", async () => {
    const held: (() => void)[] = [];
    let open = false;
    const server = await serve((request, response) => {
      const answer = () => void response.writeHead(200, json).end(good(request));
      if (open) answer();
      else held.push(answer);
    });
    const ask = driver.make(server.url);
    const patient = ask({ timeoutMs: 20_000 });
    await expect(ask({ timeoutMs: 80 })).rejects.toMatchObject({ name: "TimeoutError", timeoutMs: 80 });
    open = true;
    for (const answer of held) answer();
    await expect(patient).resolves.toBeDefined();
  });
});

/** How many sockets and timers this process has that were started and have not ended. */
function resources(): { readonly sockets: number; readonly timers: number } {
  const names = process.getActiveResourcesInfo();
  const count = (name: string) => names.filter((one) => one === name).length;
  return { sockets: count("TCPSocketWrap"), timers: count("Timeout") };
}
