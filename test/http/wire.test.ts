import { getEventListeners } from "node:events";
import type { RequestListener, ServerResponse } from "node:http";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { type HttpOptions, httpClient } from "../../src/http/client.ts";
import { accepting, answering, freePort, type Listener } from "./listener.ts";
import { failLookups } from "./name-lookup.ts";

const get = { method: "GET", path: "/api/v1/query", idempotent: true } as const;
const textOf = (body: Uint8Array) => new TextDecoder().decode(body);
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

/** A client that does not wait between tries. */
const ask = (url: string, options: HttpOptions = {}, request: object = {}) =>
  httpClient("prometheus", url, options, {
    now: () => Date.now(),
    sleep: async () => {},
    random: () => 0,
  }).send({ ...get, ...request });

describe("a connection that fails", () => {
  test("because nothing listens is tried again, then said with what to check", async () => {
    const port = await freePort();
    await expect(ask(`http://127.0.0.1:${port}`)).rejects.toMatchObject({
      name: "TransportError",
      code: "refused",
      backend: "prometheus",
      retryable: true,
      message: `prometheus: GET /api/v1/query: nothing listens on http://127.0.0.1:${port}; is the server running and the port right? (tried 3 times)`,
      cause: { code: "ECONNREFUSED" },
    });
  });

  test.each([
    ["has no address is not tried again", "ENOTFOUND", /cannot be resolved \(ENOTFOUND\); check the host name$/],
    ["is not known for now is tried again", "EAI_AGAIN", /\(EAI_AGAIN\); check the host name \(tried 3 times\)$/],
  ] as const)("because the host %s", async (_, code, message) => {
    const heal = failLookups(code);
    const failed = expect(ask("http://no-such-host.invalid")).rejects.toMatchObject({
      name: "TransportError",
      code: "dns",
      message: expect.stringMatching(message),
    });
    await failed.finally(heal);
  });

  test("because it is closed at once is tried again", async () => {
    const server = await accept((socket) => socket.destroy());
    await expect(ask(server.url)).rejects.toMatchObject({ code: "reset", message: expect.stringContaining("3 times") });
    expect(server.opened()).toBe(3);
  });

  test("once is forgotten when the next try succeeds", async () => {
    let first = true;
    const server = await serve((request, response) => {
      if (first) request.socket.destroy();
      else response.end("ok");
      first = false;
    });
    expect(await ask(server.url)).toMatchObject({ status: 200, tries: 2 });
  });

  test("is not repeated where the request may not be", async () => {
    const server = await accept((socket) => socket.destroy());
    await expect(ask(server.url, {}, { idempotent: false })).rejects.toMatchObject({ code: "reset" });
    expect(server.opened()).toBe(1);
  });

  test.each([
    ["in the middle of a body of known length", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"],
    ["in the middle of a chunked body", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc"],
    ["in the middle of the headers", "HTTP/1.1 200 OK\r\ncontent-le"],
  ])("%s is a reset, and tried again", async (_, text) => {
    const server = await accept((socket) => void socket.once("data", () => socket.end(text)));
    await expect(ask(server.url)).rejects.toMatchObject({ name: "TransportError", code: "reset" });
    expect(server.opened()).toBe(3);
  });

  test("in the middle of the body by a reset is a reset", async () => {
    const server = await accept(
      (socket) =>
        void socket.once("data", () =>
          socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", () => socket.resetAndDestroy()),
        ),
    );
    await expect(ask(server.url)).rejects.toMatchObject({ code: "reset" });
  });

  test("because the other side does not speak HTTP says so", async () => {
    const server = await accept((socket) => void socket.write("SSH-2.0-OpenSSH_9.6\r\n"));
    await expect(ask(server.url)).rejects.toMatchObject({
      code: "network",
      message: expect.stringContaining("does not answer in HTTP/1.1"),
    });
  });
});

describe("a packed body", () => {
  const text = JSON.stringify({ data: "x".repeat(100_000) });

  test.each([
    ["gzip", gzipSync(text)],
    ["x-gzip", gzipSync(text)],
    ["GZIP", gzipSync(text)],
    ["deflate", deflateSync(text)],
    ["deflate", deflateRawSync(text)],
    ["br", brotliCompressSync(text)],
    ["identity", Buffer.from(text)],
    ["deflate, gzip", gzipSync(deflateSync(text))],
  ])("in %s is unpacked", async (encoding, body) => {
    const server = await serve((_, response) => response.writeHead(200, { "content-encoding": encoding }).end(body));
    const answer = await ask(server.url);
    expect(textOf(answer.body)).toBe(text);
    expect(answer.headers).not.toHaveProperty("content-encoding");
  });

  test.each([
    ["short", "ok", [gzipSync("ok")]],
    ["short, in two members", "okay", [gzipSync("ok"), gzipSync("ay")]],
    ["longer than its last word says", `${text}ay`, [gzipSync(text), gzipSync("ay")]],
  ])("that is %s is unpacked whole", async (_, wanted, members) => {
    const server = await serve((_request, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(Buffer.concat(members)),
    );
    expect(textOf((await ask(server.url)).body)).toBe(wanted);
  });

  const broken = (at: number) => {
    const bytes = Buffer.from(gzipSync(text));
    bytes.fill(0xff, at, at + 8);
    return bytes;
  };

  test.each([
    ["gzip that is broken", "gzip", broken(20), "syntax"],
    ["text that claims to be gzip", "gzip", Buffer.from("<html>"), "syntax"],
    ["gzip without its end", "gzip", gzipSync(text).subarray(0, 80), "truncated"],
    [
      "short gzip without its end",
      "gzip",
      Buffer.concat([gzipSync("ok").subarray(0, 12), Buffer.alloc(4)]),
      "truncated",
    ],
    ["short gzip of which the sum is wrong", "gzip", gzipSync("ok").fill(0, 14, 18), "syntax"],
    ["brotli that is none", "br", Buffer.from("<html>"), "syntax"],
    ["an encoding nobody asked for", "zstd", Buffer.from("x"), "content-type"],
  ])("of %s is a DecodeError, and not asked for again", async (_, encoding, body, code) => {
    let count = 0;
    const server = await serve((_request, response) => {
      count++;
      response.writeHead(200, { "content-encoding": encoding }).end(body);
    });
    await expect(ask(server.url)).rejects.toMatchObject({ name: "DecodeError", code, backend: "prometheus" });
    expect(count).toBe(1);
  });

  test("that is empty needs no unpacking", async () => {
    const server = await serve((_, response) => response.writeHead(204, { "content-encoding": "gzip" }).end());
    expect((await ask(server.url)).body).toHaveLength(0);
  });
});

describe("an answer beyond maxResponseBytes", () => {
  const tooLarge = {
    name: "TransportError",
    code: "too-large",
    retryable: false,
    message: expect.stringMatching(/longer than 1000 bytes.*raise maxResponseBytes/),
  };

  test("is given up, not repeated, and the message says what to raise", async () => {
    const server = await serve((_, response) => response.end("x".repeat(1_001)));
    await expect(ask(server.url, { maxResponseBytes: 1_000 })).rejects.toMatchObject(tooLarge);
    expect(server.opened()).toBe(1);
    await server.allClosed();
  });

  test.each([
    ["at once", gzipSync("x".repeat(100_000))],
    ["by its first member, though not by the last", Buffer.concat([gzipSync("x".repeat(1_001)), gzipSync("x")])],
  ])("once unpacked is given up too: %s", async (_, body) => {
    const server = await serve((_request, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(body),
    );
    await expect(ask(server.url, { maxResponseBytes: 1_000 })).rejects.toMatchObject(tooLarge);
  });

  test("begins one byte past it", async () => {
    const server = await serve((_, response) => response.end("x".repeat(1_000)));
    expect((await ask(server.url, { maxResponseBytes: 1_000 })).body).toHaveLength(1_000);
  });
});

describe("many requests", () => {
  test("in a row share one connection and leave no listener on their signal", async () => {
    const server = await serve((_, response) => response.end("ok"));
    const { signal } = new AbortController();
    const client = httpClient("prometheus", server.url);
    for (let i = 0; i < 1_000; i++) await client.send({ ...get, signal });
    expect(server.opened()).toBe(1);
    expect(server.open()).toBe(1);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("at once fill the limit, never exceed it, and put one listener on the signal they share", async () => {
    const warnings: string[] = [];
    const warn = (warning: Error) => warnings.push(warning.name);
    process.on("warning", warn);
    const running: ServerResponse[] = [];
    let most = 0;
    const server = await serve((_, response) => {
      running.push(response);
      most = Math.max(most, running.length);
      // A fifth, were there one, would come meanwhile.
      const answer = () => {
        for (const one of running.splice(0)) one.end("ok");
      };
      if (running.length === 4) setTimeout(answer, 2);
    });
    const { signal } = new AbortController();
    const client = httpClient("prometheus", server.url, { concurrency: 4 });
    const sent = Array.from({ length: 1_000 }, (_, i) => client.send({ ...get, path: `/${i}`, signal }));
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    await Promise.all(sent);
    expect(most).toBe(4);
    expect(server.opened()).toBeLessThanOrEqual(4);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
    process.off("warning", warn);
  });

  test("that fail leave no connection and no listener", async () => {
    const server = await accept((socket) => socket.destroy());
    const { signal } = new AbortController();
    const sent = Array.from({ length: 100 }, () => ask(server.url, {}, { signal }));
    expect((await Promise.allSettled(sent)).every(({ status }) => status === "rejected")).toBe(true);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await server.allClosed();
  });
});
