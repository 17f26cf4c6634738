import { SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { BackendError, DecodeError, QueryError } from "../../../src/errors.ts";
import { type HttpOptions, httpClient, type Inquiry } from "../../../src/http/client.ts";
import { scriptedEnvironment } from "../environment.ts";
import { answering, freePort, type Listener } from "../listener.ts";
import { type Recording, record } from "../recording.ts";

const TEXT = 'sum(rate(up{job="a\\"b",path=~\'/x.*\'}[5m])) > 0.5 and `raw`';
const get = { method: "GET", path: "/api/v1/query", idempotent: true } as const;
let server: Listener;
let recording: Recording;

beforeAll(async () => {
  server = await answering((request, response) => {
    const status = new URL(request.url ?? "", "http://h").searchParams.get("status");
    response.writeHead(Number(status ?? 200)).end();
  });
});
beforeEach(() => {
  recording = record();
});
afterEach(() => recording.stop());
afterAll(() => server.close());

const client = (options: HttpOptions = {}, url = server.url) =>
  httpClient("prometheus", url, options, scriptedEnvironment());

const inquiry: Inquiry<readonly string[]> = {
  operation: "query",
  target: () => "up",
  text: () => TEXT,
  namespace: "team-a",
  outcome: (answer) => ({ rows: answer.length, complete: false, warnings: 1 }),
};

/** The spans of what `ask` asks, those of its requests apart. */
async function spansOf(ask: () => Promise<unknown>) {
  const error = await ask().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const spans = recording.spans();
  const inquiries = spans.filter(({ name }) => name !== "GET");
  expect(inquiries).toHaveLength(1);
  return { span: inquiries[0], requests: spans.filter(({ name }) => name === "GET"), error };
}

test("a question is one client span by the database conventions, above those of its requests", async () => {
  const { span, requests } = await spansOf(() =>
    client().ask(inquiry, async () => {
      await client().send(get);
      await client().send(get);
      return ["a", "b", "c"];
    }),
  );
  expect(span).toMatchObject({ name: "query up", kind: SpanKind.CLIENT, status: { code: SpanStatusCode.UNSET } });
  expect(span?.attributes).toEqual({
    "db.system.name": "prometheus",
    "db.operation.name": "query",
    "db.query.summary": "query up",
    "db.query.text": "sum(rate(up{job=?,path=~?}[5m])) > 0.5 and ?",
    "db.namespace": "team-a",
    "db.response.returned_rows": 3,
    "server.address": "127.0.0.1",
    "server.port": server.port,
    "meshquery.backend": "prometheus",
    "meshquery.complete": false,
    "meshquery.warnings": 1,
  });
  expect(requests.map(({ parentId }) => parentId)).toEqual([span?.id, span?.id]);
});

test.each([
  ["whole", TEXT],
  ["none", undefined],
] as const)("its text is shown as it is asked for: %s", async (queryText, text) => {
  const { span } = await spansOf(() => client({ telemetry: { queryText } }).ask(inquiry, async () => []));
  expect(span?.attributes["db.query.text"]).toBe(text);
});

test("requests that were sent again are counted", async () => {
  const { span } = await spansOf(() =>
    client().ask(inquiry, async () => {
      await client().send({ ...get, query: [["status", "503"]] });
      return [];
    }),
  );
  expect(span?.attributes["meshquery.resends"]).toBe(2);
});

test.each([
  ["a refusal", new BackendError("bad-query", "no: up{a=1}", { status: 400 }), "bad-query", "400", undefined],
  ["a slip", new QueryError("range", "no"), "range", undefined, undefined],
  ["an answer not understood", new DecodeError("shape", "no"), "shape", undefined, undefined],
  ["what somebody else threw", new TypeError("secret"), "TypeError", undefined, undefined],
])("%s is an error by its code, and no message quotes the query", async (_, error, type, status, message) => {
  const { span, error: thrown } = await spansOf(() => client().ask(inquiry, () => Promise.reject(error)));
  expect(thrown).toBe(error);
  expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, ...(message === undefined ? {} : { message }) });
  expect(span?.attributes["error.type"]).toBe(type);
  expect(span?.attributes["db.response.status_code"]).toBe(status);
  expect(span?.attributes).not.toHaveProperty(["db.response.returned_rows"]);
});

test("a message stands beside it where nothing is hidden, and where it quotes nothing", async () => {
  const error = new BackendError("bad-query", "no: up{a=1}", { status: 400 });
  const whole = await spansOf(() =>
    client({ telemetry: { queryText: "whole" } }).ask(inquiry, () => Promise.reject(error)),
  );
  expect(whole.span?.status.message).toBe("no: up{a=1}");
  recording.forget();
  const nowhere = client({ retries: 0 }, `http://127.0.0.1:${await freePort()}`);
  const { span } = await spansOf(() => nowhere.ask(inquiry, async () => [String(await nowhere.send(get))]));
  expect(span?.status.message).toContain("nothing listens");
});

test("how long it took is measured, by what it was and how it ended", async () => {
  await client().ask(inquiry, async () => []);
  await client()
    .ask(inquiry, () => Promise.reject(new BackendError("bad-query", "no", { status: 400 })))
    .catch(() => {});
  const { "db.client.operation.duration": points = [] } = await recording.durations();
  const common = {
    "db.system.name": "prometheus",
    "db.operation.name": "query",
    "db.query.summary": "query up",
    "db.namespace": "team-a",
    "server.address": "127.0.0.1",
    "server.port": server.port,
  };
  expect(points.map(({ attributes }) => attributes)).toEqual([
    common,
    { ...common, "db.response.status_code": "400", "error.type": "bad-query" },
  ]);
  expect(points[0]?.value.buckets.boundaries).toEqual([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]);
});

test("a summary is cut between words, and an index is a collection", async () => {
  const long = Array.from({ length: 40 }, (_, i) => `metric_${i}`).join(" ");
  const { span } = await spansOf(() => client().ask({ ...inquiry, target: () => long }, async () => []));
  expect(span?.name.length).toBeLessThanOrEqual(255);
  expect(`query ${long}`.startsWith(`${span?.name} `)).toBe(true);
  recording.forget();
  const index = { operation: "search", collection: "logstash-*", system: "opensearch" };
  const { span: search } = await spansOf(() => client().ask(index, async () => []));
  expect(search).toMatchObject({
    name: "search logstash-*",
    attributes: { "db.system.name": "opensearch", "db.collection.name": "logstash-*" },
  });
});

test("where nobody listens nothing is made of a question", async () => {
  recording.stop();
  const never = () => expect.unreachable();
  const quiet: Inquiry<string> = { operation: "query", target: never, text: never, outcome: never };
  expect(await client().ask(quiet, async () => "answer")).toBe("answer");
  recording = record();
  expect(await client({ telemetry: false }).ask(quiet, async () => "answer")).toBe("answer");
  expect(recording.spans()).toEqual([]);
});
