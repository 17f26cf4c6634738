import { pathToFileURL } from "node:url";
import { QueryResult } from "prometheus-query";
import { decodeAnswer } from "../../src/metrics/decode/answer.ts";
import { AnswerStream } from "../../src/metrics/decode/answer-stream.ts";
import { collect } from "./collect.ts";
import { median } from "./median.ts";

/** One line of the comparison; times are medians in milliseconds. */
export interface DecodeRow {
  readonly body: string;
  readonly megabytes: number;
  readonly oursMs: number;
  /** The same from pieces of 64 KiB, as a socket gives them. */
  readonly streamMs: number;
  readonly jsonParseMs: number;
  /** How many times longer `JSON.parse` with its conversion takes. */
  readonly ratio: number;
  /** How many times longer `prometheus-query` takes. */
  readonly peerRatio: number;
}

interface WireAnswer {
  readonly data: { readonly result: readonly WireSeries[] };
}
interface WireSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly WireSample[];
}
type WireSample = readonly [number, string];

const SIZES = [
  { series: 100, samples: 1_000 },
  { series: 1_000, samples: 1_440 },
  { series: 10_000, samples: 100 },
] as const;

const VALUES = {
  integers: (i: number) => String((i * 7919) % 1_000_003),
  rates: (i: number) => String((1 + ((i * 7919) % 9_973)) / 60),
} as const;

const WAYS = {
  ours: (body: Uint8Array) => decodeAnswer(body, { backend: "prometheus", query: "bench" }),
  stream: decodeInPieces,
  jsonParse: parseAndConvert,
  peer: (body: Uint8Array) => QueryResult.fromJSON((parse(body) as { readonly data: object }).data),
} as const;

/**
 * Decodes the same bytes by turns with this library, `JSON.parse` and `Number`, and the peer, all of them warm.
 *
 * Each pays for its own garbage alone.
 */
export function benchDecode(rounds = 5): DecodeRow[] {
  const kinds = Object.entries(VALUES);
  for (const [, value] of kinds) {
    const body = matrixBody(100, 1_000, value);
    for (let round = 0; round < 10; round++) for (const decode of Object.values(WAYS)) decode(body);
  }
  return kinds.flatMap(([kind, value]) =>
    SIZES.map(({ series, samples }): DecodeRow => {
      const body = matrixBody(series, samples, value);
      const { ours, stream, jsonParse, peer } = timesOf(body, Math.max(rounds, Math.round(2e6 / (series * samples))));
      return {
        body: `${series.toLocaleString("en")}×${samples.toLocaleString("en")} ${kind}`,
        megabytes: body.length / 1e6,
        oursMs: ours,
        streamMs: stream,
        jsonParseMs: jsonParse,
        ratio: jsonParse / ours,
        peerRatio: peer / ours,
      };
    }),
  );
}

function timesOf(body: Uint8Array, rounds: number): Readonly<Record<keyof typeof WAYS, number>> {
  const times = { ours: [] as number[], stream: [] as number[], jsonParse: [] as number[], peer: [] as number[] };
  for (let round = -1; round < rounds; round++) {
    for (const way of ["ours", "stream", "jsonParse", "peer"] as const) {
      collect();
      const took = elapsedMs(() => WAYS[way](body));
      if (round >= 0) times[way].push(took);
    }
  }
  const { ours, stream, jsonParse, peer } = times;
  return { ours: median(ours), stream: median(stream), jsonParse: median(jsonParse), peer: median(peer) };
}

const parse = (body: Uint8Array): unknown =>
  JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());

function decodeInPieces(body: Uint8Array) {
  const stream = new AnswerStream({ backend: "prometheus", query: "bench" });
  for (let at = 0; at < body.length; at += 65_536) stream.push(body.subarray(at, at + 65_536));
  return stream.end();
}

function parseAndConvert(body: Uint8Array) {
  const answer = parse(body) as WireAnswer;
  return answer.data.result.map(({ metric, values }) => {
    const timesMs = new Float64Array(values.length);
    const column = new Float64Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const [time, value] = values[i] as WireSample;
      timesMs[i] = Math.round(time * 1000);
      column[i] = Number(value);
    }
    return { labels: metric, timesMs, values: column };
  });
}

function matrixBody(series: number, samples: number, value: (i: number) => string): Uint8Array {
  const parts: string[] = [];
  for (let s = 0; s < series; s++) {
    const metric = {
      __name__: "istio_requests_total",
      source_workload: `frontend-${s % 97}`,
      destination_workload: `backend-${s}`,
      destination_workload_namespace: "shop",
      reporter: "destination",
      response_code: String([200, 404, 503][s % 3]),
    };
    const values: string[] = [];
    for (let i = 0; i < samples; i++) values.push(`[${1435781451.781 + 15 * i},"${value(s * samples + i)}"]`);
    parts.push(`{"metric":${JSON.stringify(metric)},"values":[${values.join(",")}]}`);
  }
  return Buffer.from(`{"status":"success","data":{"resultType":"matrix","result":[${parts.join(",")}]}}`);
}

function elapsedMs(run: () => unknown): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log("series×samples kind           MB   ours ms   in pieces ms   JSON.parse ms   ratio   peer's");
  for (const row of benchDecode()) {
    const cells = [
      row.body.padEnd(24),
      row.megabytes.toFixed(1).padStart(8),
      row.oursMs.toFixed(2).padStart(10),
      row.streamMs.toFixed(2).padStart(15),
      row.jsonParseMs.toFixed(2).padStart(16),
      row.ratio.toFixed(2).padStart(8),
      row.peerRatio.toFixed(2).padStart(9),
    ];
    console.log(cells.join(""));
  }
}
