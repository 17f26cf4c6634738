/** What a Prometheus makes of PromQL, asked many thousand times over few connections. */
import { Agent, request } from "node:http";
import type { ServerNode } from "./promql-tree.ts";

/** The server's tree or text, or what it has against the query. */
export type Answer<T> =
  | { readonly data: T; readonly error?: undefined }
  | { readonly data?: undefined; readonly error: string };

export interface PromqlServer {
  parse(query: string): Promise<Answer<ServerNode>>;
  format(query: string): Promise<Answer<string>>;
  /** Evaluates at an instant; of the answer only whether there is one matters. */
  evaluate(query: string): Promise<Answer<unknown>>;
  close(): void;
}

export function promqlServer(url: string): PromqlServer {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const ask = <T>(path: string, query: string): Promise<Answer<T>> =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const sent = request(`${url}/api/v1/${path}`, { agent, method: "POST", headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const body = Buffer.concat(chunks).toString();
          const answer = JSON.parse(body) as { status: string; data: T; error?: string };
          if (answer.status === "success") resolve({ data: answer.data });
          else resolve({ error: answer.error ?? `status ${response.statusCode}` });
        });
      });
      sent.on("error", reject);
      sent.end(`query=${encodeURIComponent(query)}`);
    });
  return {
    parse: (query) => ask("parse_query", query),
    format: (query) => ask("format_query", query),
    evaluate: (query) => ask("query", query),
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
