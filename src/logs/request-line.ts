import { plain, printValue } from "../results/text.ts";
import { formatInstant } from "../time.ts";

/** One end of a request, by the names that may be known of it. */
interface Peer {
  readonly workload: string | undefined;
  readonly service: string | undefined;
  readonly namespace: string | undefined;
  readonly ip: string | undefined;
}

/** What a line of a request tells, whether it is known by one line of a log or by several. */
interface RequestFacts {
  readonly timeMs: number | undefined;
  readonly source: Peer;
  readonly destination: Peer;
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly code: number | undefined;
  readonly grpcStatus: number | undefined;
  readonly flags: readonly string[];
  readonly durationMs: number | undefined;
  readonly isTcp: boolean;
}

/** A request in a line for a terminal: `2026-11-20T10:00:00Z frontend.default → backend.default GET /work 200, 15 ms`. */
export function requestLine(request: RequestFacts): string {
  const { timeMs, source, destination, method, path, flags, durationMs, isTcp } = request;
  const outcome = [isTcp ? "TCP" : codeText(request), ...flags].filter((part) => part !== "").join(" ");
  const words = [
    timeMs === undefined ? "" : formatInstant(timeMs),
    `${nameOf(source) || "?"} → ${nameOf(destination) || "?"}`,
    method ?? "",
    path ?? "",
    durationMs === undefined ? outcome : `${outcome}, ${printValue(durationMs, "ms")}`,
  ];
  return plain(words.filter((word) => word !== "").join(" "));
}

/** How a request was answered, of gRPC with its status. */
export function codeText({ code, grpcStatus }: Pick<RequestFacts, "code" | "grpcStatus">): string {
  const text = code === undefined ? "" : String(code);
  return grpcStatus === undefined ? text : `${text} grpc ${grpcStatus}`.trim();
}

/** Who is at one end of a request, by the best name that is known; empty where none is. */
export function nameOf({ workload, service, namespace, ip }: Peer): string {
  const name = workload ?? service;
  if (name === undefined) return ip ?? "";
  return namespace === undefined ? name : `${name}.${namespace}`;
}
