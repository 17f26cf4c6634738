/** Holds the spans in Jaeger and Zipkin to the truth: every traced call, every span, by trace id. */
import { setTimeout as sleep } from "node:timers/promises";
import { proxied } from "./topology.ts";
import type { TracedCall } from "./traced-call.ts";
import { jaegerUrl, zipkinUrl } from "./tracing.ts";

export interface TraceComparison {
  readonly calls: number;
  readonly spans: number;
  readonly backends: readonly BackendComparison[];
}

export interface BackendComparison {
  readonly name: string;
  /** Traces that are as the truth has them. */
  readonly exact: number;
  readonly spans: number;
  /** One line for each trace that is not. */
  readonly off: readonly string[];
}

/** The last spans are half a second on their way; this is for a busy machine. */
const patienceMs = 10_000;
const atOnce = 8;

export async function compareTraces(calls: readonly TracedCall[]): Promise<TraceComparison> {
  const endMs = performance.now() + patienceMs;
  const backends: BackendComparison[] = [];
  for (const { name, spansOf } of sources) {
    const off: string[] = [];
    let spans = 0;
    await forEach(calls, async (call) => {
      const expected = expectedOf(call);
      let found = await spansOf(call.traceId);
      while (found.join() !== expected.join() && performance.now() < endMs) {
        await sleep(250);
        found = await spansOf(call.traceId);
      }
      spans += found.length;
      if (found.join() !== expected.join()) off.push(offLine(call, expected, found));
    });
    backends.push({ name, exact: calls.length - off.length, spans, off });
  }
  return { calls: calls.length, spans: calls.reduce((sum, each) => sum + each.spans, 0), backends };
}

/** One line for each backend, and the first traces that are not exact. */
export function traceTable({ calls, spans, backends }: TraceComparison): string {
  return backends
    .flatMap(({ name, exact, spans: found, off }) => [
      `${name}: ${exact} of ${calls} traces exact, ${found} of ${spans} spans`,
      ...off.slice(0, 20).map((line) => `  OFF ${line}`),
    ])
    .join("\n");
}

const offLine = (call: TracedCall, expected: readonly string[], found: readonly string[]): string =>
  `${call.traceId} ${call.part}: expected ${expected.join(", ")}; found ${found.join(", ") || "nothing"}`;

/** A span in one line: kind, workload, status, flags, gRPC status. */
const lineOf = (kind: string, workload: string, code: number, flags: string, grpcStatus?: number): string =>
  [kind, workload, code, flags, ...(grpcStatus === undefined ? [] : [`grpc ${grpcStatus}`])].join(" ");

function expectedOf({ hops }: TracedCall): string[] {
  const lines = hops.flatMap((hop) => [
    ...(hop.source === "unknown" ? [] : [lineOf("client", hop.source, hop.code, hop.flags, hop.grpcStatus)]),
    ...hop.attempts.map((each) => lineOf("server", each.destination, each.code, each.flags, each.grpcStatus)),
  ]);
  return lines.sort();
}

type Tags = ReadonlyMap<string, string>;

/** Each resolves to the spans of a trace, one line each and sorted; to none when the trace is unknown. */
const sources: readonly { name: string; spansOf: (traceId: string) => Promise<string[]> }[] = [
  { name: "Jaeger /api", spansOf: legacySpans },
  { name: "Jaeger /api/v3", spansOf: v3Spans },
  { name: "Zipkin", spansOf: zipkinSpans },
];

async function legacySpans(traceId: string): Promise<string[]> {
  const answer = (await get(`${jaegerUrl}/api/traces/${traceId}`)) as
    | { data: { spans: { tags: { key: string; value: unknown }[] }[] }[] }
    | undefined;
  const spans = answer?.data.flatMap((trace) => trace.spans) ?? [];
  return spans.map(({ tags }) => foundLine(new Map(tags.map(({ key, value }) => [key, String(value)])))).sort();
}

async function v3Spans(traceId: string): Promise<string[]> {
  interface Attribute {
    key: string;
    value: Record<string, unknown>;
  }
  const answer = (await get(`${jaegerUrl}/api/v3/traces/${traceId}`)) as
    | { result: { resourceSpans: { scopeSpans: { spans: { kind: number; attributes: Attribute[] }[] }[] }[] } }
    | undefined;
  const spans = answer?.result.resourceSpans.flatMap((each) => each.scopeSpans.flatMap((scope) => scope.spans)) ?? [];
  return spans
    .map(({ kind, attributes }) => {
      const tags = attributes.map(({ key, value }): [string, string] => [key, String(Object.values(value)[0])]);
      return foundLine(new Map([...tags, ["span.kind", kind === 3 ? "client" : kind === 2 ? "server" : String(kind)]]));
    })
    .sort();
}

async function zipkinSpans(traceId: string): Promise<string[]> {
  const spans = (await get(`${zipkinUrl}/api/v2/trace/${traceId}`)) as
    | { kind: string; tags: Record<string, string> }[]
    | undefined;
  return (spans ?? [])
    .map(({ kind, tags }) => foundLine(new Map([...Object.entries(tags), ["span.kind", kind.toLowerCase()]])))
    .sort();
}

function foundLine(tags: Tags): string {
  const grpcStatus = tags.get("grpc.status_code");
  const kind = tags.get("span.kind") ?? "?";
  const code = Number(tags.get("http.status_code"));
  const flags = tags.get("response_flags") ?? "?";
  return lineOf(kind, workloadOf(tags), code, flags, grpcStatus === undefined ? undefined : Number(grpcStatus));
}

/** All workloads share one address: the pod in the proxy's id tells them apart. */
function workloadOf(tags: Tags): string {
  const pod = tags.get("node_id")?.split("~")[2];
  return proxied.find((each) => `${each.pod}.${each.namespace}` === pod)?.name ?? "?";
}

async function get(url: string): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (response.ok) return response.json();
  const answer = await response.text();
  if (response.status === 404) return undefined;
  throw new Error(`verify: ${url} answered ${response.status} ${answer.slice(0, 300)}`);
}

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
