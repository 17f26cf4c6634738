/** Unary gRPC over HTTP/2 by hand: a length-prefixed message each way and the status in the trailers. */
import { type ClientHttp2Session, connect, createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { callHeader, idsIn, servedByHeader, silenceMs } from "./http-client.ts";
import { type Ending, type Journal, nowMs } from "./journal.ts";
import { localAddress, type Workload } from "./topology.ts";

export const grpcPath = "/shop.Recommender/Recommend";

/** One message: no compression, four bytes of length, then the payload. */
export function grpcMessage(bytes: number): Buffer {
  const message = Buffer.alloc(5 + bytes, "m");
  message.writeUInt8(0, 0);
  message.writeUInt32BE(bytes, 1);
  return message;
}

/** Starts the server; the caller's metadata `x-ms`, `x-status` and `x-bytes` steer each answer. */
export async function startGrpcApp(workload: Workload, journal: Journal): Promise<Http2Server> {
  const server = createServer();
  server.on("stream", (stream, headers) => {
    const startMs = nowMs();
    const call = String(headers[callHeader] ?? "");
    const status = Number(headers["x-status"] ?? 0);
    const message = status === 0 ? grpcMessage(Number(headers["x-bytes"] ?? 0)) : Buffer.alloc(0);
    let requestBytes = 0;
    let complete = false;
    let answeredMs: number | undefined;
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => {
      requestBytes += chunk.length;
    });
    stream.on("end", () => {
      setTimeout(
        () => {
          if (stream.destroyed) return;
          complete = true;
          // Before the answer leaves, so that no proxy can have taken less.
          answeredMs = nowMs();
          respond(workload, stream, status, message);
        },
        Number(headers["x-ms"] ?? 0),
      );
    });
    stream.on("close", () => {
      journal.append({
        side: "received",
        service: workload.serves ?? workload.name,
        protocol: "grpc",
        call,
        path: String(headers[":path"]),
        startMs,
        endMs: answeredMs ?? nowMs(),
        ended: complete ? "complete" : "aborted",
        code: complete ? 200 : 0,
        ...(complete && { grpcStatus: status }),
        requestBytes,
        responseBytes: complete ? message.length : 0,
        requestMessages: 1,
        responseMessages: complete && message.length > 0 ? 1 : 0,
        servedBy: `${workload.name}/${workload.version}`,
        ...idsIn(headers),
      });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(workload.ports.app, localAddress, resolve);
  });
  return server;
}

export interface GrpcCall {
  readonly service: string;
  readonly authority: string;
  readonly call: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly ms: number;
  readonly status: number;
  readonly sendBytes: number;
  readonly bytes: number;
}

/** A client with one HTTP/2 connection to its proxy. */
export class GrpcClient {
  readonly #journal: Journal;
  readonly #port: number;
  #session: ClientHttp2Session | undefined;

  constructor(journal: Journal, port: number) {
    this.#journal = journal;
    this.#port = port;
  }

  /** Never rejects: resolves to the gRPC status, or undefined when none arrived. */
  send(options: GrpcCall): Promise<number | undefined> {
    const startMs = nowMs();
    const message = grpcMessage(options.sendBytes);
    const stream = this.#connected().request({
      ":method": "POST",
      ":path": grpcPath,
      ":scheme": "http",
      ":authority": options.authority,
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": `${this.#journal.workload}/1.0 grpc`,
      ...options.headers,
      [callHeader]: options.call,
      "x-ms": String(options.ms),
      "x-status": String(options.status),
      "x-bytes": String(options.bytes),
    });
    return new Promise((resolve) => {
      let code = 0;
      let grpcStatus: number | undefined;
      let servedBy: string | undefined;
      let responseBytes = 0;
      const note = (headers: NodeJS.Dict<string | string[] | number>): void => {
        if (headers["grpc-status"] !== undefined) grpcStatus = Number(headers["grpc-status"]);
      };
      stream.on("response", (headers) => {
        code = Number(headers[":status"]);
        const header = headers[servedByHeader];
        if (typeof header === "string") servedBy = header;
        note(headers);
      });
      stream.on("trailers", note);
      stream.on("data", (chunk: Buffer) => {
        responseBytes += chunk.length;
      });
      stream.on("error", () => {});
      stream.on("close", () => {
        const ended: Ending = grpcStatus === undefined ? "broken" : "complete";
        this.#journal.append({
          side: "sent",
          service: options.service,
          protocol: "grpc",
          call: options.call,
          path: grpcPath,
          startMs,
          endMs: nowMs(),
          ended,
          code,
          ...(grpcStatus !== undefined && { grpcStatus }),
          requestBytes: message.length,
          responseBytes,
          requestMessages: 1,
          responseMessages: responseBytes > 0 ? 1 : 0,
          ...(servedBy !== undefined && { servedBy }),
          ...idsIn(options.headers),
        });
        resolve(grpcStatus);
      });
      stream.setTimeout(silenceMs, () => stream.close());
      stream.end(message);
    });
  }

  #connected(): ClientHttp2Session {
    if (this.#session === undefined || this.#session.closed || this.#session.destroyed) {
      this.#session = connect(`http://${localAddress}:${this.#port}`);
      this.#session.on("error", () => {});
    }
    return this.#session;
  }
}

function respond(workload: Workload, stream: ServerHttp2Stream, status: number, message: Buffer): void {
  const headers = {
    ":status": 200,
    "content-type": "application/grpc",
    [servedByHeader]: `${workload.name}/${workload.version}`,
  };
  if (status !== 0) {
    // An error without a message is sent as gRPC servers do: headers only, the status among them.
    stream.respond({ ...headers, "grpc-status": String(status), "grpc-message": "asked for" }, { endStream: true });
    return;
  }
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.respond(headers, { waitForTrailers: true });
  stream.end(message);
}
