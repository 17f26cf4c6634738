import { getEventListeners } from "node:events";
import type { ServerResponse } from "node:http";
import { afterEach, expect, test } from "vitest";
import { type HttpOptions, httpClient } from "../../src/http/client.ts";
import { answering, type Listener } from "./listener.ts";

const get = { method: "GET", path: "/x", query: [["query", "up"]], idempotent: true } as const;
const servers: Listener[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.close())));

/** A server that answers when it is told, and a client of it. */
async function held(options: HttpOptions = {}) {
  const waiting: ServerResponse[] = [];
  const server = await answering((_, response) => void waiting.push(response));
  servers.push(server);
  const arrived = async (count: number) => {
    while (waiting.length < count) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const answer = (status = 200) => {
    for (const response of waiting.splice(0)) response.writeHead(status).end("ok");
  };
  return { server, waiting, arrived, answer, client: httpClient("prometheus", server.url, options) };
}

test("who asks the same at the same time shares one request", async () => {
  const { client, arrived, answer, waiting, server } = await held();
  const asked = Array.from({ length: 20 }, () => client.send(get));
  await arrived(1);
  asked.push(client.send(get));
  expect(waiting).toHaveLength(1);
  answer();
  const answers = await Promise.all(asked);
  expect(answers.map(({ status, tries }) => [status, tries])).toEqual(Array(21).fill([200, 1]));
  expect(server.opened()).toBe(1);
});

test.each([
  ["another query", { query: [["query", "down"]] }],
  ["another path", { path: "/y" }],
  ["another tenant", { headers: { "x-scope-orgid": "b" } }],
  ["another body", { method: "POST", form: [["query", "up"]] }],
  ["what may not be asked twice", { idempotent: false }],
] as const)("%s is a request of its own", async (_, other) => {
  const { client, arrived, answer } = await held();
  const asked = [client.send(get), client.send({ ...get, ...other })];
  await arrived(2);
  answer();
  expect(await Promise.all(asked)).toHaveLength(2);
});

test("what is lent to one is asked for by each", async () => {
  const { client, arrived, answer } = await held();
  const asked = [1, 2, 3].map(() => client.send({ ...get, alone: true }));
  await arrived(3);
  answer();
  expect(await Promise.all(asked)).toHaveLength(3);
});

test("who comes after the answer asks anew", async () => {
  const { client, arrived, answer } = await held();
  for (const _ of [1, 2]) {
    const asked = client.send(get);
    await arrived(1);
    answer();
    await asked;
  }
});

test("one who gives up leaves the others their answer", async () => {
  const { client, arrived, answer } = await held();
  const [first, second] = [new AbortController(), new AbortController()];
  const asked = [first, second].map(({ signal }) => client.send({ ...get, signal }));
  await arrived(1);
  const reason = new Error("the page was closed");
  first.abort(reason);
  await expect(asked[0]).rejects.toBe(reason);
  answer();
  await expect(asked[1]).resolves.toMatchObject({ status: 200 });
  expect([first, second].flatMap(({ signal }) => getEventListeners(signal, "abort"))).toEqual([]);
});

test("the last who gives up frees the connection, and the next asks anew", async () => {
  const { client, arrived, answer, waiting, server } = await held();
  const controllers = [new AbortController(), new AbortController()];
  const asked = controllers.map(({ signal }) => client.send({ ...get, signal }));
  await arrived(1);
  for (const controller of controllers) controller.abort("enough");
  expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await server.allClosed();
  waiting.length = 0;
  const next = client.send(get);
  await arrived(1);
  answer();
  await expect(next).resolves.toMatchObject({ status: 200 });
});

test("each has a deadline of their own", async () => {
  const { client, arrived, answer } = await held();
  const hasty = client.send({ ...get, timeoutMs: 60 });
  const patient = client.send({ ...get, timeoutMs: 20_000 });
  await expect(hasty).rejects.toMatchObject({ name: "TimeoutError", timeoutMs: 60 });
  await arrived(1);
  answer();
  await expect(patient).resolves.toMatchObject({ status: 200 });
});

test("all hear of a failure", async () => {
  const { client, arrived, waiting } = await held({ retries: 0 });
  const asked = [client.send(get), client.send(get)];
  await arrived(1);
  waiting[0]?.destroy();
  for (const one of asked) await expect(one).rejects.toMatchObject({ name: "TransportError", code: "reset" });
});

test("a request is tried again for as long as anyone waits", async () => {
  const { client, arrived, answer } = await held({ retries: 1 });
  const asked = [client.send({ ...get, timeoutMs: 30_000 }), client.send({ ...get, timeoutMs: 20 })];
  await expect(asked[1]).rejects.toMatchObject({ name: "TimeoutError" });
  await arrived(1);
  answer(503);
  await arrived(1);
  answer();
  await expect(asked[0]).resolves.toMatchObject({ status: 200, tries: 2 });
});
