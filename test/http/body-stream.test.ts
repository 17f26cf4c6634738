import type { RequestListener, ServerResponse } from "node:http";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { DecodeError } from "../../src/errors.ts";
import { type HttpOptions, type HttpRequest, type HttpResponse, httpClient } from "../../src/http/client.ts";
import { answering, type Listener } from "./listener.ts";

const servers: Listener[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

async function serve(handler: RequestListener): Promise<Listener> {
  const server = await answering(handler);
  servers.push(server);
  return server;
}

interface Outcome {
  readonly response?: HttpResponse;
  readonly error?: Error;
}

/** What a question gave, and what its reader had read by then; one text for each answer that it was asked about. */
async function read(
  url: string,
  options: HttpOptions = {},
  request: Partial<HttpRequest> = {},
  seen: (text: string) => void = () => {},
) {
  const texts: string[] = [];
  const heads: unknown[] = [];
  const client = httpClient("prometheus", url, options, {
    now: () => Date.now(),
    sleep: async () => {},
    random: () => 0,
  });
  const sent = client.send({
    method: "GET",
    path: "/",
    idempotent: true,
    reader: (head, first) => {
      heads.push([head.status, head.contentType, first.length > 0]);
      if (head.status !== 200) return undefined;
      const place = texts.push("") - 1;
      return {
        push: (bytes) => {
          texts[place] += Buffer.from(bytes).toString();
          seen(texts[place] ?? "");
        },
      };
    },
    ...request,
  });
  const outcome = await sent.then<Outcome, Outcome>(
    (response) => ({ response }),
    (error: Error) => ({ error }),
  );
  return { ...outcome, texts, heads };
}

const LONG = "0123456789".repeat(50_000);

describe("a body that is read as it comes", () => {
  test.each<[string, string, (text: string) => Uint8Array]>([
    ["plain", "identity", (text) => Buffer.from(text)],
    ["gzipped", "gzip", (text) => gzipSync(text)],
    ["deflated", "deflate", (text) => deflateSync(text)],
    ["in brotli", "br", (text) => brotliCompressSync(text)],
    ["packed twice", "deflate, gzip", (text) => gzipSync(deflateSync(text))],
  ])("%s goes to its reader, unpacked", async (_, encoding, pack) => {
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-encoding": encoding, "content-type": "application/json; x" });
      response.end(pack(LONG));
    });
    const { response, texts, heads } = await read(server.url);
    expect(heads).toEqual([[200, "application/json", true]]);
    expect(texts).toEqual([LONG]);
    expect(response).toMatchObject({ status: 200, tries: 1 });
    expect(response?.body).toHaveLength(0);
    expect(response?.headers).not.toHaveProperty("content-encoding");
  });

  test("is read before its end is sent", async () => {
    let finish = () => {};
    const server = await serve((_, response) => {
      response.write("begun");
      finish = () => response.end(", ended");
    });
    let seen = "";
    await read(
      server.url,
      {},
      {
        reader: () => ({
          push: (bytes) => {
            seen += Buffer.from(bytes).toString();
            if (seen === "begun") finish();
          },
        }),
      },
    );
    expect(seen).toBe("begun, ended");
  });

  test("comes as a whole where nobody wants to read it so", async () => {
    const server = await serve((_, response) => {
      response.writeHead(400, { "content-encoding": "gzip" });
      response.end(gzipSync("no"));
    });
    const { response, heads } = await read(server.url);
    expect(heads).toEqual([[400, "", true]]);
    expect(Buffer.from(response?.body ?? []).toString()).toBe("no");
  });

  test.each([
    ["", 204],
    ["gzip", 204],
    ["gzip", 200],
    ["br", 200],
  ])("that is empty is nothing to read, in the encoding %j with the status %d", async (encoding, status) => {
    const server = await serve((_, response) => response.writeHead(status, { "content-encoding": encoding }).end());
    const { response, heads } = await read(server.url);
    expect(heads).toEqual([]);
    expect(response?.body).toHaveLength(0);
  });

  test("and breaks off is asked for again, and read anew", async () => {
    const answers: ServerResponse[] = [];
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-length": 8 });
      if (answers.push(response) === 1) response.write("half");
      else response.end("halfdone");
    });
    const { response, texts } = await read(server.url, {}, {}, (text) => {
      if (text === "half") answers[0]?.destroy();
    });
    expect(texts).toEqual(["half", "halfdone"]);
    expect(response).toMatchObject({ tries: 2 });
  });

  test("and breaks off each time is a connection that failed", async () => {
    const answers: ServerResponse[] = [];
    const server = await serve((_, response) => {
      answers.push(response);
      response.write("half");
    });
    const { error } = await read(server.url, { retries: 1 }, {}, () => answers.at(-1)?.destroy());
    expect(error).toMatchObject({ name: "TransportError", code: "reset" });
    expect(server.opened()).toBe(2);
  });

  test("of a gzip that ends too early is truncated", async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" });
      response.end(gzipSync(LONG).subarray(0, 500));
    });
    expect((await read(server.url)).error).toMatchObject({ name: "DecodeError", code: "truncated" });
  });

  test("of no gzip at all cannot be unpacked", async () => {
    const server = await serve((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" });
      response.end(LONG);
    });
    expect((await read(server.url)).error).toMatchObject({ name: "DecodeError", code: "syntax" });
  });

  test.each([
    ["plain", {}, Buffer.from(LONG)],
    ["unfolded", { "content-encoding": "gzip" }, gzipSync(LONG)],
  ])("is too long, %s, where it goes beyond what is taken", async (_, headers, body) => {
    const server = await serve((_, response) => {
      response.writeHead(200, headers);
      response.end(body);
    });
    const { error } = await read(server.url, { maxResponseBytes: 400_000 });
    expect(error).toMatchObject({ name: "TransportError", code: "too-large" });
    expect(server.opened()).toBe(1);
  });

  test("is given up with what its reader says is wrong, and the connection with it", async () => {
    const server = await serve((_, response) => {
      response.write("{");
    });
    const wrong = new DecodeError("shape", "no", {});
    const { error } = await read(
      server.url,
      {},
      {
        reader: () => ({
          push: () => {
            throw wrong;
          },
        }),
      },
    );
    expect(error).toBe(wrong);
    await server.allClosed();
  });

  test("ends with its caller, at once and with his reason, and frees the connection", async () => {
    const server = await serve((_, response) => {
      response.write("{");
    });
    const caller = new AbortController();
    const reason = new Error("enough");
    const { error } = await read(
      server.url,
      {},
      {
        signal: caller.signal,
        reader: () => ({ push: () => caller.abort(reason) }),
      },
    );
    expect(error).toBe(reason);
    await server.allClosed();
  });

  test("that never ends runs into the deadline", async () => {
    const server = await serve((_, response) => {
      response.write("{");
    });
    const { error } = await read(server.url, { timeoutMs: 60 });
    expect(error).toMatchObject({ name: "TimeoutError", timeoutMs: 60 });
    await server.allClosed();
  });

  test("is read once for the same question that is already under way", async () => {
    const server = await serve((_, response) => response.end("once"));
    const client = httpClient("prometheus", server.url);
    const push = () => {};
    const ask = () => client.send({ method: "GET", path: "/", idempotent: true, reader: () => ({ push }) });
    const [first, second] = await Promise.all([ask(), ask()]);
    expect(first.reader).toBeDefined();
    expect(second.reader).toBe(first.reader);
    expect(server.opened()).toBe(1);
  });

  test("is that of where the answer moved to", async () => {
    const server = await serve(({ url }, response) => {
      if (url === "/there") response.end("here");
      else response.writeHead(302, { location: "/there" }).end("moved");
    });
    const { texts, response } = await read(server.url);
    expect(texts).toEqual(["here"]);
    expect(response?.url).toBe(`${server.url}/there`);
  });
});
