/**
 * The Zipkin collector of the mesh: hands the same bytes to every backend. `tsx collector.ts`
 *
 * `GET /counts` answers with `CollectorCounts`; what could not be handed on is written to stderr and counted as lost.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { BackendCounts, CollectorCounts } from "./collector-counts.ts";
import { collectorPort, localAddress } from "./topology.ts";
import { spanReceivers } from "./tracing.ts";

/** More than this may not wait for one backend. */
const mostWaitingBytes = 64 << 20;
/** Longer than Zipkin takes to start on a busy machine. */
const giveUpAfterMs = 45_000;
const requestsAtOnce = 4;

interface Batch {
  readonly body: Buffer;
  readonly spans: number;
  readonly takenAtMs: number;
}

class Backend {
  readonly name: string;
  readonly #url: string;
  readonly #queue: Batch[] = [];
  #waitingBytes = 0;
  #sending = 0;
  #counts = { forwardedSpans: 0, waitingSpans: 0, retries: 0, lostSpans: 0 };

  constructor(name: string, url: string) {
    this.name = name;
    this.#url = url;
  }

  get counts(): BackendCounts {
    return { ...this.#counts };
  }

  hasRoomFor(body: Buffer): boolean {
    return this.#waitingBytes + body.length <= mostWaitingBytes;
  }

  take(batch: Batch): void {
    this.#queue.push(batch);
    this.#waitingBytes += batch.body.length;
    this.#counts.waitingSpans += batch.spans;
    if (this.#sending < requestsAtOnce) void this.#send();
  }

  async #send(): Promise<void> {
    this.#sending += 1;
    for (let batch = this.#queue.shift(); batch !== undefined; batch = this.#queue.shift()) {
      const failure = await this.#forward(batch);
      this.#waitingBytes -= batch.body.length;
      this.#counts.waitingSpans -= batch.spans;
      if (failure === undefined) {
        this.#counts.forwardedSpans += batch.spans;
      } else {
        this.#counts.lostSpans += batch.spans;
        process.stderr.write(`${new Date().toISOString()} ${this.name} lost ${batch.spans} spans: ${failure}\n`);
      }
    }
    this.#sending -= 1;
  }

  /** Why the batch could not be handed on; undefined when it was. */
  async #forward({ body, takenAtMs }: Batch): Promise<string | undefined> {
    for (let pauseMs = 50; ; pauseMs = Math.min(2000, pauseMs * 2)) {
      const failure = await this.#post(body);
      if (failure === undefined) return undefined;
      if (failure.final || performance.now() - takenAtMs > giveUpAfterMs) return failure.why;
      this.#counts.retries += 1;
      await sleep(pauseMs);
    }
  }

  async #post(body: Buffer): Promise<{ why: string; final: boolean } | undefined> {
    try {
      const response = await fetch(this.#url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: new Uint8Array(body),
        signal: AbortSignal.timeout(10_000),
      });
      const answer = await response.text();
      if (response.ok) return undefined;
      // What a backend does not understand now it will not understand later.
      const final = response.status >= 400 && response.status < 500 && response.status !== 429;
      return { why: `${this.#url} answered ${response.status} ${answer.slice(0, 300)}`, final };
    } catch (error) {
      const { message, cause } = error as Error;
      return { why: `${this.#url}: ${cause instanceof Error ? cause.message : message}`, final: false };
    }
  }
}

const backends = spanReceivers.map(({ name, url }) => new Backend(name, url));
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
  for (const each of backends) each.take({ body, spans, takenAtMs: performance.now() });
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
