/**
 * The Zipkin collector of the mesh: hands the same bytes to every backend. `tsx collector.ts`
 *
 * `GET /counts` answers with `CollectorCounts`; what could not be handed on is written to stderr and counted as lost.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { CollectorCounts } from "./collector-counts.ts";
import { Forwarding } from "./forwarding.ts";
import { collectorPort, localAddress } from "./topology.ts";
import { spanReceivers } from "./tracing.ts";

/** Zipkin takes less than this to start, also on a busy machine. */
const forwarding = { mostWaitingBytes: 64 << 20, giveUpAfterMs: 45_000, requestsAtOnce: 4 };

const backends = spanReceivers.map((receiver) => new Forwarding(receiver, forwarding));
let takenSpans = 0;
let refusedRequests = 0;

const server = createServer((request, response) => {
  if (request.method === "POST" && request.url === "/api/v2/spans") void takeSpans(request, response);
  else if (request.url === "/counts") answer(response, 200, JSON.stringify(counts()));
  else answer(response, 404, `no ${request.method} ${request.url} here`);
});
// A proxy's pooled connection must never meet a server that has just closed it.
server.keepAliveTimeout = 0;
server.requestTimeout = 0;
server.headersTimeout = 0;
server.listen(collectorPort, localAddress);

async function takeSpans(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    // The sender went away in the middle, and counts it as failed itself.
    response.destroy();
    return;
  }
  const body = Buffer.concat(chunks);
  const spans = numberOfSpans(body);
  if (spans === undefined) return answer(response, 400, "not a JSON list of spans");
  if (!backends.every((each) => each.hasRoomFor(body))) {
    refusedRequests += 1;
    return answer(response, 503, "too many spans are waiting; send them again later");
  }
  takenSpans += spans;
  for (const each of backends) each.take({ body, items: spans, takenAtMs: performance.now() });
  answer(response, 202, "");
}

function numberOfSpans(body: Buffer): number | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString());
    return Array.isArray(parsed) ? parsed.length : undefined;
  } catch {
    return undefined;
  }
}

const counts = (): CollectorCounts => ({
  takenSpans,
  refusedRequests,
  backends: Object.fromEntries(backends.map((each) => [each.name, each.counts])),
});

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-length": Buffer.byteLength(body) });
  response.end(body);
}
