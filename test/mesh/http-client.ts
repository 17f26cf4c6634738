/** One HTTP/1.1 call, journaled by its sender. */
import { randomBytes, randomUUID } from "node:crypto";
import { type Agent, type IncomingMessage, request } from "node:http";
import { type Ending, type Exchange, type Journal, nowMs } from "./journal.ts";
import { localAddress } from "./topology.ts";

export interface HttpCall {
  readonly journal: Journal;
  readonly agent: Agent;
  readonly port: number;
  readonly service: string;
  readonly authority: string;
  readonly path: string;
  readonly call: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly sendBytes?: number;
  readonly part?: string;
  /** Ending the call early, as a user who closes the page does. */
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly ended: Ending;
  readonly code: number;
  readonly body: string;
}

/** Header by which an app, never a proxy, says who answered. */
export const servedByHeader = "x-served-by";
export const callHeader = "x-call";
/** A call on which nothing moves for so long is given up. */
export const silenceMs = 10_000;

/** Headers that an app must pass on for its proxy's spans to join up. */
const tracingHeaders = [
  "x-request-id",
  "x-b3-traceid",
  "x-b3-spanid",
  "x-b3-parentspanid",
  "x-b3-sampled",
  "x-b3-flags",
  "b3",
  "traceparent",
  "tracestate",
];

export function forwardedHeaders(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
  const forwarded: Record<string, string> = {};
  for (const name of tracingHeaders) {
    const value = headers[name];
    if (typeof value === "string") forwarded[name] = value;
  }
  return forwarded;
}

/** The ids that a request carries in its headers, as the journal wants them. */
export function idsIn(headers: NodeJS.Dict<string | string[]>): Pick<Exchange, "requestId" | "traceId"> {
  const { "x-request-id": requestId, "x-b3-traceid": traceId } = headers;
  return {
    ...(typeof requestId === "string" && { requestId }),
    ...(typeof traceId === "string" && { traceId }),
  };
}

/** Headers of an app that begins a trace itself, sampled as everything is here. Its own span it sends nowhere. */
export function beginTrace(): Record<string, string> {
  // Envoy marks a sampled request by a 9 in place of the version, and would put it there itself.
  const requestId = randomUUID().replace(/^(.{14})./, "$19");
  return {
    "x-request-id": requestId,
    "x-b3-traceid": randomBytes(16).toString("hex"),
    "x-b3-spanid": randomBytes(8).toString("hex"),
    "x-b3-sampled": "1",
  };
}

/** Never rejects: how the call ended is in the answer and in the journal. */
export function sendHttp(options: HttpCall): Promise<HttpAnswer> {
  const { journal, service, call, path, sendBytes = 0 } = options;
  const startMs = nowMs();
  return new Promise((resolve) => {
    let response: IncomingMessage | undefined;
    let responseBytes = 0;
    let body = "";
    let settled = false;
    const settle = (ended: Ending): void => {
      if (settled) return;
      settled = true;
      const code = ended === "complete" ? (response?.statusCode ?? 0) : 0;
      const servedBy = response?.headers[servedByHeader];
      journal.append({
        side: "sent",
        service,
        protocol: "http",
        call,
        path,
        startMs,
        endMs: nowMs(),
        ended,
        code,
        requestBytes: sendBytes,
        responseBytes,
        ...(typeof servedBy === "string" ? { servedBy } : ended === "complete" && { proxyBody: body }),
        ...idsIn(options.headers ?? {}),
        ...(options.part !== undefined && { part: options.part }),
      });
      resolve({ ended, code, body });
    };
    const outgoing = request(
      {
        host: localAddress,
        port: options.port,
        agent: options.agent,
        path,
        method: sendBytes > 0 ? "POST" : "GET",
        headers: {
          "user-agent": `${journal.workload}/1.0`,
          ...options.headers,
          host: options.authority,
          [callHeader]: call,
          ...(sendBytes > 0 && { "content-length": sendBytes }),
        },
        ...(options.signal && { signal: options.signal }),
      },
      (incoming) => {
        response = incoming;
        incoming.on("data", (chunk: Buffer) => {
          responseBytes += chunk.length;
          if (body.length < 200) body += chunk.toString("utf8", 0, 200);
        });
        incoming.on("end", () => settle("complete"));
        incoming.on("error", () => settle(options.signal?.aborted ? "aborted" : "broken"));
      },
    );
    outgoing.setTimeout(silenceMs, () => outgoing.destroy(new Error(`no answer within ${silenceMs} ms`)));
    outgoing.on("error", () => settle(options.signal?.aborted ? "aborted" : "broken"));
    outgoing.end(sendBytes > 0 ? Buffer.alloc(sendBytes, "q") : undefined);
  });
}
