/** What a Prometheus makes of PromQL, asked many thousand times over few connections. */
import { Agent, request } from "node:http";
import type { LabelRecord } from "../../../src/promql/index.ts";
import type { ServerNode } from "./promql-tree.ts";

/** The server's tree or text, or what it has against the query. */
export type Answer<T> =
  | { readonly data: T; readonly error?: undefined }
  | { readonly data?: undefined; readonly error: string };

interface Remarks {
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

/** The samples of `/api/v1/query` and `/api/v1/query_range`. */
export type ServerResult =
  | { readonly resultType: "scalar"; readonly result: readonly [number, string] }
  | {
      readonly resultType: "vector";
      readonly result: readonly { readonly metric: LabelRecord; readonly value: readonly [number, string] }[];
    }
  | {
      readonly resultType: "matrix";
      readonly result: readonly {
        readonly metric: LabelRecord;
        readonly values: readonly (readonly [number, string])[];
      }[];
    };

/** An instant, or the instants of a range, in epoch milliseconds. */
export type AskedAt = { readonly at: number } | { readonly from: number; readonly to: number; readonly step: number };

export interface PromqlServer {
  parse(query: string): Promise<Answer<ServerNode>>;
  format(query: string): Promise<Answer<string>>;
  /** Evaluates at an instant; of the answer only whether there is one matters. */
  evaluate(query: string): Promise<Answer<unknown>>;
  /** Evaluates at an instant or over a range. */
  result(query: string, when: AskedAt): Promise<Answer<ServerResult> & Remarks>;
  close(): void;
}

export function promqlServer(url: string): PromqlServer {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const ask = <T>(path: string, query: string, more = ""): Promise<Answer<T> & Remarks> =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const sent = request(`${url}/api/v1/${path}`, { agent, method: "POST", headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const body = Buffer.concat(chunks).toString();
          const answer = JSON.parse(body) as { status: string; data: T; error?: string } & Remarks;
          const { warnings = [], infos = [] } = answer;
          if (answer.status === "success") resolve({ data: answer.data, warnings, infos });
          else resolve({ error: answer.error ?? `status ${response.statusCode}` });
        });
      });
      sent.on("error", reject);
      sent.end(`query=${encodeURIComponent(query)}${more}`);
    });
  return {
    parse: (query) => ask<ServerNode>("parse_query", query),
    format: (query) => ask<string>("format_query", query),
    evaluate: (query) => ask<unknown>("query", query),
    result: (query, when) =>
      "at" in when
        ? ask<ServerResult>("query", query, `&time=${when.at / 1000}`)
        : ask<ServerResult>(
            "query_range",
            query,
            `&start=${when.from / 1000}&end=${when.to / 1000}&step=${when.step / 1000}`,
          ),
    close: () => agent.destroy(),
  };
}

/** Does the work for every item, `width` of them at a time. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) await work(items[next++] as T);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
