import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import * as z from "zod/mini";
import { parseConfig, strictConfig } from "../../http/config.ts";
import type { Telemetry } from "../telemetry.ts";
import { elasticsearchApi } from "./elasticsearch/api.ts";
import type { ServerReply, ServerRequest } from "./exchange.ts";
import { jaegerApi } from "./jaeger/api.ts";
import { lokiApi } from "./loki/api.ts";
import { untilNow } from "./present.ts";
import { prometheusApi } from "./prometheus/api.ts";
import { zipkinApi } from "./zipkin/api.ts";

/** How a simulated mesh is served. */
export interface ListenOptions {
  /** The port on 127.0.0.1; a free one when left out. */
  readonly port?: number | undefined;
  /** The present in epoch milliseconds, after which nothing has happened yet; the system's clock when left out. */
  readonly now?: (() => number) | undefined;
}

/**
 * The backends of a mesh over HTTP on 127.0.0.1. Each property that is named for a backend is the URL that its driver
 * takes.
 */
export interface SimulatedServer {
  readonly port: number;
  /** Prometheus 3's API. */
  readonly prometheus: string;
  /** Jaeger's query service as it is up to 2.20, with both of its APIs. */
  readonly jaeger: string;
  /** Jaeger's query service as it is from 2.21 on, which is searched by its newer API alone. */
  readonly jaegerV3: string;
  /** Version 2 of Zipkin's API. */
  readonly zipkin: string;
  /** Loki 3's API, the lines under promtail's labels: `namespace`, `pod`, `container` and `app`. */
  readonly loki: string;
  /** Elasticsearch 8's API, the lines as fluentd's documents in one index a day: `logstash-*`. */
  readonly elasticsearch: string;
  /** The same documents by OpenSearch 2's API. */
  readonly opensearch: string;
  /** Ends the server, and every connection with it. */
  close(): Promise<void>;
  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

const NO_PORT = { error: "must be a port, 0 to 65535" };
const OPTIONS = strictConfig({
  port: z.optional(z.int(NO_PORT).check(z.gte(0, NO_PORT), z.lte(65_535, NO_PORT))),
  now: z.optional(
    z.custom<() => number>((value) => typeof value === "function", "must be a function that gives epoch milliseconds"),
  ),
});

/** Answers a request to one backend. */
type Api = (request: ServerRequest) => ServerReply;

/**
 * Serves what a mesh emits as the backends that it would be sent to, as far as this library's drivers use them.
 *
 * @throws {QueryError} `code: "config"` for options that cannot be meant as they stand
 */
export async function listen(telemetry: Telemetry, options: ListenOptions = {}): Promise<SimulatedServer> {
  const { port = 0, now = Date.now } = parseConfig(OPTIONS, options, "listen");
  const present = untilNow(telemetry, now);
  const apis: Readonly<Record<string, Api>> = {
    prometheus: prometheusApi(present, now),
    jaeger: jaegerApi(present, now, { search: "legacy" }),
    "jaeger-v3": jaegerApi(present, now, { search: "v3" }),
    zipkin: zipkinApi(present, now),
    loki: lokiApi(present, now),
    elasticsearch: elasticsearchApi(present, now, "elasticsearch"),
    opensearch: elasticsearchApi(present, now, "opensearch"),
  };
  const server = createServer((request, response) => {
    response.sendDate = false;
    // Whoever has left is told nothing; there is nobody else to tell.
    exchange(apis, now, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("listen: a TCP server has a port");
  const at = (name: string): string => `http://${HOST}:${address.port}/${name}`;
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
    return closed;
  };
  return Object.freeze({
    port: address.port,
    prometheus: at("prometheus"),
    jaeger: at("jaeger"),
    jaegerV3: at("jaeger-v3"),
    zipkin: at("zipkin"),
    loki: at("loki"),
    elasticsearch: at("elasticsearch"),
    opensearch: at("opensearch"),
    close,
    [Symbol.asyncDispose]: close,
  });
}

const HOST = "127.0.0.1";
/** No driver asks for so much in one request. */
const MOST_BYTES = 32 << 20;

async function exchange(
  apis: Readonly<Record<string, Api>>,
  now: () => number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MOST_BYTES) chunks.push(chunk);
  }
  if (response.destroyed) return;
  const reply = bytes > MOST_BYTES ? TOO_LARGE : answerOf(apis, request, Buffer.concat(chunks));
  // Like the servers that it stands for, it tells the time by its own clock.
  const date = new Date(now()).toUTCString();
  await send({ ...reply, headers: { date, ...reply.headers } }, request, response);
}

const TOO_LARGE: ServerReply = { status: 413, contentType: "text/plain", body: "the request is too large\n" };

function answerOf(
  apis: Readonly<Record<string, Api>>,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
): ServerReply {
  const [target = "/", search = ""] = splitOnce(url ?? "/", "?");
  const [, name = "", path = ""] = /^\/([^/]*)(.*)$/s.exec(target) ?? [];
  const api = Object.hasOwn(apis, name) ? apis[name] : undefined;
  if (api === undefined) {
    const known = Object.keys(apis).map((one) => `/${one}`);
    return { status: 404, contentType: "text/plain", body: `nothing is served at ${target}; there are ${known}\n` };
  }
  const query = new URLSearchParams(search);
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers["content-type"] ?? "");
  const form = new URLSearchParams([...(isForm ? new URLSearchParams(body.toString()) : []), ...query]);
  try {
    return api({ method: method ?? "GET", path: path === "" ? "/" : path, query, form, headers, body });
  } catch (error) {
    return { status: 500, contentType: "text/plain; charset=utf-8", body: `${String(error)}\n` };
  }
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

const compress = promisify(gzip);
/** A smaller body is not worth the work. */
const LEAST_COMPRESSED_BYTES = 1_400;

async function send(reply: ServerReply, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, contentType, headers = {}, body } = reply;
  const wanted = /(?:^|,)\s*gzip\s*(?:,|;(?!\s*q=0(?:\.0*)?\s*(?:,|$))|$)/i.test(
    String(request.headers["accept-encoding"] ?? ""),
  );
  const packed = wanted && body.length >= LEAST_COMPRESSED_BYTES;
  const bytes = packed ? await compress(body, { level: 1 }) : Buffer.from(body);
  if (response.destroyed) return;
  response.writeHead(status, {
    ...(contentType === undefined ? {} : { "content-type": contentType }),
    ...(packed ? { "content-encoding": "gzip" } : {}),
    ...(status === 204 ? {} : { "content-length": bytes.length }),
    vary: "Accept-Encoding",
    ...headers,
  });
  response.end(request.method === "HEAD" || status === 204 ? undefined : bytes);
}
