/** Plays the scenario against a running mesh: as its users, as the stranger's app and as the client without a proxy. */
import { writeFileSync } from "node:fs";
import { Agent } from "node:http";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { forwarded } from "./collector-counts.ts";
import { droppedSpans } from "./envoy-spans.ts";
import { beginTrace, sendHttp } from "./http-client.ts";
import { type Exchange, Journal, nowMs, readJournals } from "./journal.ts";
import { reportsOf } from "./report.ts";
import { type PlannedCall, plan, warmUp } from "./scenario.ts";
import { shipped } from "./shipper-counts.ts";
import { serviceNamed, workloadNamed } from "./topology.ts";
import { flowsOf, keyOf, type Truth, truthOf } from "./truth.ts";

export interface TrafficOptions {
  readonly seed: number;
  /** Length of the whole run, from the first call of the warm-up to the end of the last quiet gap; default 75. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
}

/** No traffic this long on either side of the play, so that every proxy is scraped while nothing moves. */
const quietMs = 5000;
/** What the warm-up and both gaps take. */
const overheadMs = 14_000;
const shortestMs = 10_000;

/** Which backends run beside Prometheus. */
export interface MeshParts {
  readonly tracing: boolean;
  readonly logging: boolean;
}

export async function playTraffic(
  directory: string,
  { tracing, logging }: MeshParts,
  options: TrafficOptions,
): Promise<Truth> {
  const { seed, seconds = 75, signal } = options;
  const playMs = seconds * 1000 - overheadMs;
  if (playMs < shortestMs) {
    throw new Error(
      `traffic: ${seconds} s leave too little to play; give at least ${(overheadMs + shortestMs) / 1000}`,
    );
  }
  const calls = plan(seed, playMs);
  const droppedBefore = tracing ? await droppedSpans() : 0;
  const driver = new Driver(directory, seed);
  try {
    for (const batch of warmUp(calls)) {
      signal?.throwIfAborted();
      await Promise.all(batch.map((each) => driver.send(each)));
    }
    await sleep(quietMs, undefined, { signal });
    const measuredFromMs = nowMs();
    await play(driver, calls, signal);
    const measuredToMs = nowMs();
    await sleep(quietMs, undefined, { signal });

    const exchanges = readJournals(path.join(directory, "journal"));
    const truth = truthOf(exchanges, { seed, measuredFromMs, measuredToMs, tracing, logging });
    requireWarm(
      truth,
      exchanges.filter((each) => each.startMs < measuredFromMs),
    );
    if (tracing) await requireEverySpan(droppedBefore, signal);
    if (logging) await shipped(path.join(directory, "logs"), signal);
    writeFileSync(path.join(directory, "truth.json"), `${JSON.stringify(truth)}\n`);
    return truth;
  } finally {
    driver.close();
  }
}

async function play(driver: Driver, calls: readonly PlannedCall[], signal: AbortSignal | undefined): Promise<void> {
  const startMs = performance.now();
  const pending: Promise<void>[] = [];
  try {
    for (const call of calls) {
      const waitMs = startMs + call.atMs - performance.now();
      if (waitMs > 1) await sleep(waitMs, undefined, { signal });
      pending.push(driver.send(call));
    }
  } finally {
    // Even when interrupted: each call belongs in the journal.
    await Promise.all(pending);
  }
}

/** `increase` does not see the first request of a series: one that begins within the play would be a lie. */
function requireWarm(truth: Truth, before: readonly Exchange[]): void {
  const warm = new Set(flowsOf(reportsOf(before)).map(keyOf));
  const cold = truth.flows.map(keyOf).filter((key) => !warm.has(key));
  if (cold.length > 0) {
    throw new Error(
      `traffic: the warm-up missed series of the play; run it again or widen warmUp:\n${cold.join("\n")}`,
    );
  }
}

/** Spans that were lost on the way would make liars of the backends. */
async function requireEverySpan(droppedBefore: number, signal: AbortSignal | undefined): Promise<void> {
  await forwarded(signal);
  const dropped = (await droppedSpans()) - droppedBefore;
  if (dropped > 0) throw new Error(`traffic: the proxies dropped ${dropped} reports of spans; start the mesh anew`);
}

class Driver {
  readonly #run: string;
  readonly #journals: Record<"istio-ingressgateway" | "stranger" | "legacy", Journal>;
  readonly #agents = { user: agent(), stranger: agent(), legacy: agent() };
  #sent = 0;

  constructor(directory: string, seed: number) {
    const journals = path.join(directory, "journal");
    this.#run = `${seed}-${Math.round(nowMs())}`;
    this.#journals = {
      "istio-ingressgateway": new Journal(journals, "istio-ingressgateway"),
      stranger: new Journal(journals, "stranger"),
      legacy: new Journal(journals, "legacy"),
    };
  }

  async send(planned: PlannedCall): Promise<void> {
    this.#sent += 1;
    const call = `${this.#run}-${this.#sent}`;
    const path = withQuery(planned.path, planned.query);
    if (planned.from === "user") return this.#sendAsUser(planned, call);
    const service = serviceNamed(planned.to);
    const direct = workloadNamed(planned.to).ports.inbound;
    await sendHttp({
      journal: this.#journals[planned.from],
      agent: this.#agents[planned.from],
      port: planned.from === "stranger" ? workloadNamed("stranger").ports.outbound : direct,
      service: service.name,
      authority: `${service.name}:${service.port}`,
      path,
      call,
      part: planned.part,
      ...(planned.from === "stranger" && { headers: beginTrace() }),
    });
  }

  close(): void {
    for (const each of Object.values(this.#agents)) each.destroy();
    for (const each of Object.values(this.#journals)) each.close();
  }

  async #sendAsUser(planned: PlannedCall, call: string): Promise<void> {
    const { send = 0, ...inner } = planned.query;
    const query = { to: planned.to, path: withQuery(planned.path, inner), ...planned.query, send };
    await sendHttp({
      journal: this.#journals["istio-ingressgateway"],
      agent: this.#agents.user,
      port: workloadNamed("istio-ingressgateway").ports.outbound,
      service: "frontend",
      authority: "shop.example.com",
      path: withQuery("/shop", query),
      call,
      part: planned.part,
      ...(planned.abortAfterMs !== undefined && { signal: AbortSignal.timeout(planned.abortAfterMs) }),
    });
  }
}

const agent = (): Agent => new Agent({ keepAlive: true });

function withQuery(target: string, query: PlannedCall["query"]): string {
  const text = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  return text === "" ? target : `${target}?${text}`;
}
