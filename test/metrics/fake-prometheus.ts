import { type Prometheus, type PrometheusOptions, prometheus } from "../../src/metrics/prometheus/prometheus.ts";
import { answering, type Listener } from "../http/listener.ts";

/** A request as a server got it. */
export interface Got {
  readonly path: string;
  /** Of the URL and of the form in the body, in their order. */
  readonly fields: readonly (readonly [string, string])[];
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A server of the API that answers what a test says. */
export interface FakePrometheus {
  readonly url: string;
  /** Every request to the API except those that ask for its make. */
  readonly got: readonly Got[];
  /** Every request, those too. */
  readonly all: readonly Got[];
  client(options?: PrometheusOptions): Prometheus;
  close(): Promise<void>;
}

/** What a path is answered with: data of a success, or a whole answer. */
export type Reply =
  | { readonly status: number; readonly body: string; readonly headers?: Record<string, string> }
  | object;

/** @param replies by path below `/api/v1`; 404 as text for any other */
export async function fakePrometheus(
  replies: (path: string, got: Got) => Reply | Promise<Reply> | undefined,
): Promise<FakePrometheus> {
  const all: Got[] = [];
  const server: Listener = await answering(async (request, response) => {
    const url = new URL(request.url ?? "", "http://fake");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const path = url.pathname.replace(/^\/api\/v1\//, "");
    const got = { path, fields: [...url.searchParams, ...form], headers: request.headers };
    all.push(got);
    const reply = (await replies(path, got)) ?? { status: 404, body: "404 page not found" };
    if ("status" in reply && typeof reply.status === "number" && "body" in reply) {
      response.writeHead(reply.status, "headers" in reply ? (reply.headers as Record<string, string>) : {});
      response.end(reply.body);
    } else {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(reply));
    }
  });
  return {
    url: server.url,
    all,
    get got() {
      return all.filter(({ path }) => path !== "status/buildinfo");
    },
    client: (options = {}) => prometheus(server.url, { retries: 0, ...options }),
    close: server.close,
  };
}

export const success = (data: unknown, beside: object = {}): Reply => ({ status: "success", data, ...beside });
