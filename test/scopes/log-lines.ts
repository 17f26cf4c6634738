/** Lines as sidecars write them, of calls that tests describe. */
import type { LogLine } from "../../src/logs/backend.ts";

export const NOW = Date.parse("2026-11-24T10:00:00Z");

/** One workload's only pod. */
export interface Pod {
  readonly workload: string;
  readonly ip: string;
  readonly namespace?: string;
  readonly json?: boolean;
}

export interface Attempt {
  readonly by: Pod;
  readonly code?: number;
  readonly flags?: string;
  readonly details?: string;
  readonly ms?: number;
  /** Milliseconds after the call's own start. */
  readonly afterMs?: number;
}

export interface Sketch {
  readonly from: Pod;
  /** Service that was called, `"backend.default"`. */
  readonly to: string;
  readonly id?: string | undefined;
  /** Milliseconds before NOW. */
  readonly ago: number;
  readonly ms?: number;
  readonly code?: number;
  readonly flags?: string;
  readonly details?: string;
  readonly method?: string;
  readonly path?: string;
  readonly userAgent?: string;
  /** Each reached a proxy of the callee; the last one's address is the one that the caller's line names. */
  readonly attempts?: readonly Attempt[];
  /** Whether the caller has a proxy whose lines are kept. */
  readonly client?: boolean;
  /** Whether the handshake named the service. */
  readonly mtls?: boolean;
  readonly subset?: string;
  readonly routed?: boolean;
}

let port = 30_000;

/** The lines that both sides write of a call, the callee's first, as it ends first. */
export function linesOf(sketch: Sketch): LogLine[] {
  const { from, to, ago, ms = 10, code = 200, flags = "-", details = "via_upstream", attempts = [] } = sketch;
  const { method = "GET", path = "/work?x=1", client = true, mtls = true, subset = "", routed = true } = sketch;
  const { id = `id-${++port}`, userAgent = "curl/8" } = sketch;
  const startMs = NOW - ago;
  const [service = "", namespace = "default"] = to.split(".");
  const host = `${service}.${namespace}.svc.cluster.local`;
  const common = { id, method, path, userAgent, authority: `${service}:9090` };
  const lines: LogLine[] = [];
  let last: { local: string; upstream: string } | undefined;
  for (const attempt of attempts) {
    const local = `${from.ip}:${++port}`;
    last = { local, upstream: `${attempt.by.ip}:9090` };
    const spent = attempt.ms ?? ms - 2;
    const begunMs = startMs + (attempt.afterMs ?? 1);
    lines.push(
      written(attempt.by, begunMs + spent, {
        ...common,
        startMs: begunMs,
        code: attempt.code ?? code,
        flags: attempt.flags ?? flags,
        details: attempt.details ?? details,
        ms: spent,
        upstreamHost: "127.0.0.1:9090",
        cluster: "inbound|9090||",
        upstreamLocal: `127.0.0.6:${++port}`,
        downstreamLocal: last.upstream,
        downstreamRemote: local,
        serverName: mtls ? `outbound_.9090_.${subset}_.${host}` : "-",
      }),
    );
  }
  if (client) {
    lines.push(
      written(from, startMs + ms, {
        ...common,
        startMs,
        code,
        flags,
        details,
        ms,
        upstreamHost: last?.upstream ?? "-",
        cluster: routed ? `outbound|9090|${subset}|${host}` : "-",
        upstreamLocal: last?.local ?? "-",
        downstreamLocal: "10.96.0.1:9090",
        downstreamRemote: `${from.ip}:${++port}`,
        serverName: "-",
      }),
    );
  }
  return lines;
}

interface Fields {
  readonly startMs: number;
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly userAgent: string;
  readonly authority: string;
  readonly code: number;
  readonly flags: string;
  readonly details: string;
  readonly ms: number;
  readonly upstreamHost: string;
  readonly cluster: string;
  readonly upstreamLocal: string;
  readonly downstreamLocal: string;
  readonly downstreamRemote: string;
  readonly serverName: string;
}

function written(pod: Pod, endMs: number, fields: Fields): LogLine {
  return lineBy(pod, endMs, pod.json === true ? jsonLine(fields) : textLine(fields));
}

/** Any text as the proxy of a pod wrote it. */
export function lineBy({ workload, namespace = "default" }: Pod, endMs: number, line: string): LogLine {
  const origin = { namespace, pod: `${workload}-6c9f7d5b48-k2x9p`, container: "istio-proxy" };
  return { timestampNs: BigInt(Math.round(endMs)) * 1_000_000n, line, origin, labels: origin };
}

const textLine = (it: Fields): string =>
  `[${new Date(it.startMs).toISOString()}] "${it.method} ${it.path} HTTP/1.1" ${it.code} ${it.flags} ${it.details} - "-" ` +
  `0 2 ${it.ms} ${it.ms} "-" "${it.userAgent}" "${it.id}" "${it.authority}" "${it.upstreamHost}" ${it.cluster} ` +
  `${it.upstreamLocal} ${it.downstreamLocal} ${it.downstreamRemote} ${it.serverName} default`;

const nothing = (text: string): string | null => (text === "-" ? null : text);

const jsonLine = (it: Fields): string =>
  JSON.stringify({
    start_time: new Date(it.startMs).toISOString(),
    method: it.method,
    path: it.path,
    protocol: "HTTP/1.1",
    response_code: it.code,
    response_flags: it.flags,
    response_code_details: it.details,
    bytes_received: 0,
    bytes_sent: 2,
    duration: it.ms,
    user_agent: it.userAgent,
    request_id: it.id,
    authority: it.authority,
    upstream_host: nothing(it.upstreamHost),
    upstream_cluster: nothing(it.cluster),
    upstream_local_address: nothing(it.upstreamLocal),
    downstream_local_address: it.downstreamLocal,
    downstream_remote_address: it.downstreamRemote,
    requested_server_name: nothing(it.serverName),
    route_name: "default",
  });
