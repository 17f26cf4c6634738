import { pathToFileURL } from "node:url";
import { decodeLegacyTraces } from "../../src/traces/jaeger/legacy-spans.ts";
import { decodeOtlpTraces } from "../../src/traces/jaeger/otlp-spans.ts";
import type { Trace } from "../../src/traces/trace.ts";
import { decodeZipkinTraces } from "../../src/traces/zipkin/spans.ts";
import { median } from "./median.ts";

/** One line of the comparison; times are medians in milliseconds. */
export interface TracesRow {
  readonly dialect: string;
  readonly body: string;
  readonly megabytes: number;
  /** From bytes to traces whose tags can be asked for. */
  readonly oursMs: number;
  /** Decoding and parsing the same text alone. */
  readonly jsonParseMs: number;
  /** The same, and every tag of every span into an object. */
  readonly eagerMs: number;
  /** How many times as long as parsing alone ours takes. */
  readonly ratio: number;
}

const SIZES = [
  { traces: 1, spans: 10_000 },
  { traces: 1_000, spans: 50 },
] as const;

const CONTEXT = { backend: "bench", query: undefined, hint: "" };

interface Dialect {
  readonly body: (traces: number, spans: number) => string;
  readonly decode: (body: Uint8Array) => readonly Trace[];
  readonly eager: (document: unknown) => unknown;
}

const DIALECTS: Readonly<Record<string, Dialect>> = {
  "jaeger /api": {
    body: legacyBody,
    decode: (body) => decodeLegacyTraces(body, CONTEXT).traces,
    eager: eagerLegacy,
  },
  "jaeger /api/v3": { body: otlpBody, decode: (body) => decodeOtlpTraces(body, CONTEXT).traces, eager: eagerOtlp },
  zipkin: { body: zipkinBody, decode: (body) => decodeZipkinTraces(body, CONTEXT), eager: eagerZipkin },
};

const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
] as const;

/**
 * Decodes the same bytes by turns with this library, with `JSON.parse`, and with it and a plain mapping.
 *
 * The order changes with every round, so that none always pays for the garbage of the same other. Nothing is collected
 * by force: with nothing of the decoders' left alive the engine would drop, before every turn, the code it made for them.
 */
export function benchTraces(rounds = 12): TracesRow[] {
  const rows: TracesRow[] = [];
  for (const [dialect, { body: make, decode, eager }] of Object.entries(DIALECTS)) {
    for (const { traces, spans } of SIZES) {
      const body = Buffer.from(make(traces, spans));
      check(decode(body), traces, spans);
      const turns = [() => decode(body), () => parsed(body), () => eager(parsed(body))];
      const times: readonly number[][] = turns.map(() => []);
      for (let round = -3; round < rounds; round++) {
        for (const which of ORDERS[(round + 3) % ORDERS.length] ?? []) {
          const ms = elapsedMs(turns[which] ?? (() => undefined));
          if (round >= 0) times[which]?.push(ms);
        }
      }
      const [oursMs = Number.NaN, jsonParseMs = Number.NaN, eagerMs = Number.NaN] = times.map(median);
      rows.push({
        dialect,
        body: `${traces.toLocaleString("en")}×${spans.toLocaleString("en")}`,
        megabytes: body.length / 1e6,
        oursMs,
        jsonParseMs,
        eagerMs,
        ratio: oursMs / jsonParseMs,
      });
    }
  }
  return rows;
}

const parsed = (body: Uint8Array): unknown => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));

function elapsedMs(run: () => unknown): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

function check(traces: readonly Trace[], count: number, spans: number): void {
  const last = traces.at(-1)?.spans.at(-1);
  if (traces.length !== count || last?.text("http.status_code") === undefined || traces[0]?.spans.length !== spans) {
    throw new Error("the bodies are not what the decoders read");
  }
}

// what Istio's proxies report of a request

const START_US = 1_795_491_504_756_000;
const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, "0");
const traceOf = (t: number): string => `0af7651916cd43dd${hex(t + 1, 16)}`;
const spanOf = (s: number): string => hex(s + 1, 16);
const parentOf = (s: number): string | undefined => (s === 0 ? undefined : spanOf((s - 1) >> 1));
const serviceOf = (s: number): string => `service-${s % 7}.shop`;
const kindOf = (s: number): "client" | "server" => (s % 2 === 0 ? "server" : "client");

function tagsOf(t: number, s: number): readonly (readonly [string, string])[] {
  const callee = `service-${(s + 1) % 7}`;
  return [
    ["component", "proxy"],
    ["guid:x-request-id", `84961386-6d84-929d-98bd-${hex(t * 50 + s, 12)}`],
    ["http.method", "GET"],
    ["http.protocol", "HTTP/1.1"],
    ["http.status_code", String(s % 50 === 0 ? 503 : 200)],
    ["http.url", `http://${callee}:8080/items/${s}`],
    ["istio.canonical_revision", "v1"],
    ["istio.canonical_service", serviceOf(s)],
    ["istio.mesh_id", "cluster.local"],
    ["istio.namespace", "shop"],
    ["node_id", `sidecar~10.44.1.${s % 250}~service-${s % 7}-5b6f7c9d8-x2x${s % 7}.shop~shop.svc.cluster.local`],
    ["peer.address", `10.44.1.${(s + 1) % 250}`],
    ["request_size", String((s * 31) % 4_096)],
    ["response_flags", "-"],
    ["response_size", String((s * 7919) % 65_536)],
    ["upstream_cluster", `outbound|8080||${callee}.shop.svc.cluster.local`],
    ["user_agent", "curl/8.7.1"],
  ];
}

const range = <T>(length: number, one: (i: number) => T): T[] => Array.from({ length }, (_, i) => one(i));

function legacyBody(traces: number, spans: number): string {
  const processes = Object.fromEntries(
    range(7, (p) => [
      `p${p}`,
      { serviceName: serviceOf(p), tags: [{ key: "ip", type: "string", value: `10.44.1.${p}` }] },
    ]),
  );
  const data = range(traces, (t) => ({
    traceID: traceOf(t),
    spans: range(spans, (s) => ({
      traceID: traceOf(t),
      spanID: spanOf(s),
      operationName: `service-${(s + 1) % 7}.shop.svc.cluster.local:8080/*`,
      references: s === 0 ? [] : [{ refType: "CHILD_OF", traceID: traceOf(t), spanID: parentOf(s) }],
      startTime: START_US + t * 1000 + s,
      duration: 5_000 - (s % 5_000),
      tags: [
        ...tagsOf(t, s).map(([key, value]) => ({ key, type: "string", value })),
        { key: "span.kind", type: "string", value: kindOf(s) },
        { key: "internal.span.format", type: "string", value: "zipkin" },
      ],
      logs: [],
      processID: `p${s % 7}`,
      warnings: null,
    })),
    processes,
    warnings: null,
  }));
  return JSON.stringify({ data, total: 0, limit: 0, offset: 0, errors: null });
}

function otlpBody(traces: number, spans: number): string {
  const resourceSpans = range(traces, (t) =>
    range(Math.min(7, spans), (p) => ({
      resource: { attributes: [{ key: "service.name", value: { stringValue: serviceOf(p) } }] },
      scopeSpans: [
        {
          scope: {},
          spans: range(spans, (s) => s)
            .filter((s) => s % 7 === p)
            .map((s) => ({
              traceId: traceOf(t),
              spanId: spanOf(s),
              parentSpanId: parentOf(s),
              name: `service-${(s + 1) % 7}.shop.svc.cluster.local:8080/*`,
              kind: s % 2 === 0 ? 2 : 3,
              startTimeUnixNano: `${START_US + t * 1000 + s}000`,
              endTimeUnixNano: `${START_US + t * 1000 + s + 5_000 - (s % 5_000)}000`,
              attributes: tagsOf(t, s).map(([key, value]) => ({ key, value: { stringValue: value } })),
              status: {},
            })),
        },
      ],
    })),
  ).flat();
  return JSON.stringify({ result: { resourceSpans } });
}

function zipkinBody(traces: number, spans: number): string {
  return JSON.stringify(
    range(traces, (t) =>
      range(spans, (s) => ({
        traceId: traceOf(t),
        parentId: parentOf(s),
        id: spanOf(s),
        kind: kindOf(s).toUpperCase(),
        name: `service-${(s + 1) % 7}.shop.svc.cluster.local:8080/*`,
        timestamp: START_US + t * 1000 + s,
        duration: 5_000 - (s % 5_000),
        localEndpoint: { serviceName: serviceOf(s), ipv4: `10.44.1.${s % 250}` },
        tags: Object.fromEntries(tagsOf(t, s)),
      })),
    ),
  );
}

// what a reader without a model would write

interface EagerTag {
  readonly key: string;
  readonly value: unknown;
}

const record = (tags: readonly EagerTag[]) => Object.fromEntries(tags.map(({ key, value }) => [key, value]));

function eagerLegacy(document: unknown): unknown {
  const { data } = document as {
    readonly data: readonly {
      readonly traceID: string;
      readonly spans: readonly {
        readonly spanID: string;
        readonly references: readonly { readonly spanID: string }[];
        readonly operationName: string;
        readonly startTime: number;
        readonly duration: number;
        readonly tags: readonly EagerTag[];
        readonly processID: string;
      }[];
      readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
    }[];
  };
  return data.map(({ traceID, spans, processes }) => ({
    id: traceID,
    spans: spans.map((span) => ({
      id: span.spanID,
      parentId: span.references[0]?.spanID,
      service: processes[span.processID]?.serviceName,
      operation: span.operationName,
      startMs: span.startTime / 1000,
      durationMs: span.duration / 1000,
      tags: record(span.tags),
    })),
  }));
}

function eagerOtlp(document: unknown): unknown {
  interface Attribute {
    readonly key: string;
    readonly value: Readonly<Record<string, unknown>>;
  }
  const attributes = (list: readonly Attribute[]) =>
    record(list.map(({ key, value }) => ({ key, value: Object.values(value)[0] })));
  const { result } = document as {
    readonly result: {
      readonly resourceSpans: readonly {
        readonly resource: { readonly attributes: readonly Attribute[] };
        readonly scopeSpans: readonly {
          readonly spans: readonly {
            readonly traceId: string;
            readonly spanId: string;
            readonly parentSpanId?: string;
            readonly name: string;
            readonly startTimeUnixNano: string;
            readonly endTimeUnixNano: string;
            readonly attributes: readonly Attribute[];
          }[];
        }[];
      }[];
    };
  };
  const traces = new Map<string, unknown[]>();
  for (const { resource, scopeSpans } of result.resourceSpans) {
    const service = attributes(resource.attributes)["service.name"];
    for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
      const spans = traces.get(span.traceId) ?? [];
      traces.set(span.traceId, spans);
      spans.push({
        id: span.spanId,
        parentId: span.parentSpanId,
        service,
        operation: span.name,
        startMs: Number(BigInt(span.startTimeUnixNano) / 1000n) / 1000,
        durationMs: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6,
        tags: attributes(span.attributes),
      });
    }
  }
  return Array.from(traces, ([id, spans]) => ({ id, spans }));
}

function eagerZipkin(document: unknown): unknown {
  const traces = document as readonly (readonly {
    readonly traceId: string;
    readonly id: string;
    readonly parentId?: string;
    readonly name: string;
    readonly timestamp: number;
    readonly duration: number;
    readonly localEndpoint: { readonly serviceName: string };
    readonly tags: Readonly<Record<string, string>>;
  }[])[];
  return traces.map((spans) => ({
    id: spans[0]?.traceId,
    spans: spans.map((span) => ({
      id: span.id,
      parentId: span.parentId,
      service: span.localEndpoint.serviceName,
      operation: span.name,
      startMs: span.timestamp / 1000,
      durationMs: span.duration / 1000,
      tags: { ...span.tags },
    })),
  }));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log("dialect          traces×spans      MB   ours ms   JSON.parse ms   eager ms   × JSON.parse");
  for (const row of benchTraces()) {
    const cells = [
      row.dialect.padEnd(16),
      row.body.padStart(12),
      row.megabytes.toFixed(1).padStart(8),
      row.oursMs.toFixed(1).padStart(10),
      row.jsonParseMs.toFixed(1).padStart(16),
      row.eagerMs.toFixed(1).padStart(11),
      row.ratio.toFixed(2).padStart(15),
    ];
    console.log(cells.join(""));
  }
}
