/** A small HTTP app: each request says in its query how long to take, what to answer and how much to send. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { callHeader, idsIn, servedByHeader } from "./http-client.ts";
import { type Journal, nowMs } from "./journal.ts";
import { localAddress, type Workload } from "./topology.ts";

export interface Asked {
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly call: string;
  /** Fires when the caller goes away. */
  readonly signal: AbortSignal;
}

export interface Reply {
  readonly code: number;
  readonly bytes: number;
}

export type Handler = (asked: Asked) => Promise<Reply>;

export async function startHttpApp(workload: Workload, journal: Journal, handler: Handler): Promise<Server> {
  const server = createServer((request, response) => {
    void answer(workload, journal, handler, request, response);
  });
  // A proxy's pooled connection must never meet a server that has just closed it.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(workload.ports.app, localAddress, resolve);
  });
  return server;
}

async function answer(
  workload: Workload,
  journal: Journal,
  handler: Handler,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startMs = nowMs();
  const url = new URL(request.url ?? "/", "http://app");
  const call = String(request.headers[callHeader] ?? "");
  const gone = new AbortController();
  let requestBytes = 0;
  let reply: Reply | undefined;
  let answeredMs: number | undefined;
  response.once("close", () => {
    const complete = response.writableFinished;
    if (!complete) gone.abort();
    if (call === "") return;
    journal.append({
      side: "received",
      service: workload.serves ?? workload.name,
      protocol: "http",
      call,
      path: request.url ?? "/",
      startMs,
      // Before the answer leaves, so that no proxy can have taken less.
      endMs: (complete ? answeredMs : undefined) ?? nowMs(),
      ended: complete ? "complete" : "aborted",
      code: complete && reply !== undefined ? reply.code : 0,
      requestBytes,
      responseBytes: complete && reply !== undefined ? reply.bytes : 0,
      servedBy: `${workload.name}/${workload.version}`,
      peer: `${request.socket.remoteAddress}:${request.socket.remotePort}`,
      ...idsIn(request.headers),
    });
  });
  try {
    for await (const chunk of request) requestBytes += (chunk as Buffer).length;
    reply = await handler({ query: url.searchParams, headers: request.headers, call, signal: gone.signal });
  } catch {
    // The only handlers that throw are those whose caller has gone.
    response.destroy();
    return;
  }
  answeredMs = nowMs();
  response.writeHead(reply.code, {
    "content-length": reply.bytes,
    "content-type": "text/plain",
    [servedByHeader]: `${workload.name}/${workload.version}`,
  });
  response.end(Buffer.alloc(reply.bytes, "a"));
}
