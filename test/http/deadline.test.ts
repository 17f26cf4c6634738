import { getEventListeners } from "node:events";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type HttpOptions, httpClient } from "../../src/http/client.ts";
import { startDeadline } from "../../src/http/deadline.ts";
import { accepting, answering, type Listener } from "./listener.ts";

const get = { method: "GET", path: "/api/v1/query", idempotent: true } as const;
const servers: Listener[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

/** Where a question can hang: a server that leaves it hanging there, and options that do. */
interface Stage {
  readonly serve: (reached: () => void) => Promise<Listener>;
  readonly scheme?: string;
  readonly options?: (reached: () => void) => HttpOptions;
}

const hangingAfter = (text: string) => (reached: () => void) =>
  accepting(
    (socket) =>
      void socket.once("data", () => {
        socket.write(text, reached);
      }),
  );

function drip(socket: Socket): void {
  socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n");
  const timer = setInterval(() => socket.write("x"), 5);
  socket.on("close", () => clearInterval(timer));
}

const STAGES: Record<string, Stage> = {
  "fetching the token": {
    serve: () => answering((_, response) => response.end("ok")),
    options: (reached) => ({ auth: { bearer: () => new Promise(reached) } }),
  },
  "shaking hands for TLS": { serve: (reached) => accepting(reached), scheme: "https" },
  "waiting for the headers": { serve: hangingAfter("") },
  "in the middle of the headers": { serve: hangingAfter("HTTP/1.1 200 OK\r\n") },
  "in the middle of the body": { serve: hangingAfter("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{") },
  "under a slow drip": {
    serve: async (reached) =>
      accepting(
        (socket) =>
          void socket.once("data", () => {
            drip(socket);
            reached();
          }),
      ),
  },
  "waiting to try again": {
    serve: (reached) =>
      answering((_, response) => {
        response.writeHead(503, { "retry-after": "1" }).end();
        response.on("close", reached);
      }),
  },
};

async function hang({ serve, scheme = "http", options }: Stage) {
  let reached = () => {};
  const there = new Promise<void>((resolve) => {
    reached = () => setTimeout(resolve, 20);
  });
  const server = await serve(reached);
  servers.push(server);
  const client = httpClient("prometheus", server.url.replace("http", scheme), options?.(reached));
  return { server, client, there };
}

describe.each(Object.keys(STAGES).filter((name) => name !== "waiting to try again"))("a question %s", (name) => {
  test("ends at its deadline, and its connection with it", async () => {
    const { server, client } = await hang(STAGES[name] as Stage);
    await expect(client.send({ ...get, timeoutMs: 150 })).rejects.toMatchObject({
      name: "TimeoutError",
      code: "deadline",
      timeoutMs: 150,
      backend: "prometheus",
      message: expect.stringContaining("within 150 ms"),
    });
    await server.allClosed();
  });
});

describe.each(Object.entries(STAGES))("a question %s", (_, stage) => {
  test("ends with its caller's own reason, its connection closed and its listener gone", async () => {
    const { server, client, there } = await hang(stage);
    const controller = new AbortController();
    const sent = client.send({ ...get, signal: controller.signal });
    sent.catch(() => {});
    await there;
    const reason = new Error("the user left");
    controller.abort(reason);
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    await expect(sent).rejects.toBe(reason);
    // A connection that waits for its next use was not part of what hung.
    if (stage !== STAGES["waiting to try again"]) await server.allClosed();
  });
});

describe("a question in the queue", () => {
  const busy = async () => {
    const server = await accepting(() => {});
    servers.push(server);
    const client = httpClient("prometheus", server.url, { concurrency: 1 });
    const first = new AbortController();
    // Another question, since who asks the same needs no place of their own.
    const blocker = client.send({ ...get, path: "/other", signal: first.signal }).catch(() => {});
    const end = () => {
      first.abort();
      return blocker;
    };
    return { server, client, end };
  };

  test("ends at its deadline, says that it was never sent, and does not take the place later", async () => {
    const { server, client, end } = await busy();
    await expect(client.send({ ...get, timeoutMs: 50 })).rejects.toMatchObject({
      name: "TimeoutError",
      message: expect.stringMatching(/was not sent within 50 ms.*concurrency/),
    });
    await end();
    await server.allClosed();
    expect(server.opened()).toBe(1);
  });

  test("ends with its caller's own reason", async () => {
    const { client, end } = await busy();
    const controller = new AbortController();
    const sent = client.send({ ...get, signal: controller.signal });
    controller.abort("enough");
    await expect(sent).rejects.toBe("enough");
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    await end();
  });
});

test("a deadline of a caller who has left already has ended, for his reason", async () => {
  const reason = new Error("gone");
  const deadline = startDeadline(60_000, AbortSignal.abort(reason));
  await expect(deadline.until(new Promise(() => {}))).rejects.toBe(reason);
  expect(deadline).toMatchObject({ expired: false, end: { reason }, signal: { aborted: true, reason } });
  deadline.close();
});

test("a signal that is already aborted sends nothing and asks for no token", async () => {
  let asked = 0;
  const server = await answering((_, response) => response.end("ok"));
  servers.push(server);
  const bearer = () => `token-${asked++}`;
  const sent = httpClient("prometheus", server.url, { auth: { bearer } }).send({
    ...get,
    signal: AbortSignal.abort("no"),
  });
  await expect(sent).rejects.toBe("no");
  expect([asked, server.opened()]).toEqual([0, 0]);
});

test("an abort after the answer changes nothing", async () => {
  const server = await answering((_, response) => response.end("ok"));
  servers.push(server);
  const controller = new AbortController();
  const answer = await httpClient("prometheus", server.url).send({ ...get, signal: controller.signal });
  controller.abort();
  expect(answer.status).toBe(200);
});

test("a deadline holds for all tries together, and tells what went wrong before", async () => {
  let count = 0;
  let again = () => {};
  const second = new Promise<void>((resolve) => {
    again = resolve;
  });
  const server = await accepting((socket) => {
    if (count++ === 0) socket.destroy();
    else again();
  });
  servers.push(server);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const environment = { now: () => Date.now(), sleep: async () => {}, random: () => 0 };
    const sent = httpClient("prometheus", server.url, { timeoutMs: 200 }, environment).send(get);
    await second;
    vi.advanceTimersByTime(200);
    await expect(sent).rejects.toMatchObject({
      name: "TimeoutError",
      message: expect.stringContaining("(in try 2)"),
      cause: { name: "TransportError", code: "reset" },
    });
  } finally {
    vi.useRealTimers();
  }
});

test("the question's own deadline comes before the client's", async () => {
  const server = await accepting(() => {});
  servers.push(server);
  const sent = httpClient("prometheus", server.url, { timeoutMs: 60_000 }).send({ ...get, timeoutMs: 40 });
  await expect(sent).rejects.toMatchObject({ timeoutMs: 40 });
});
