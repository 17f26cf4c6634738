import fc from "fast-check";
import { expect, inject, it } from "vitest";
import { BackendError, createMesh, type IstioLabel, label, prometheus } from "../../../src/index.ts";
import { ISTIO_LABELS } from "../../../src/mesh/istio.ts";
import type { Traffic } from "../../../src/mesh/traffic.ts";
import type { Query } from "../../../src/metrics/query.ts";

const truth = inject("truth");
const mesh = createMesh({ metrics: prometheus(inject("prometheusUrl"), { scrapeInterval: "1s", concurrency: 4 }) });

type AnyQuery = Query<string, string, IstioLabel>;

/** Text that people could have as a name, and text that tries to be more. */
const text = fc
  .oneof(
    fc.constantFrom("backend", "frontend", "default", "v1", "v2", "ratings", "unknown", "grpc", "http", "503"),
    fc.constantFrom('"', "\\", "\n", '"}', '"} or up{a="', "{", "}", "😀", "\u0000", "\ufffd", "`", "'", "a|b.*"),
    fc.string({ unit: "grapheme", minLength: 1 }),
    fc.string({ unit: "binary", minLength: 1 }).filter((value) => value.isWellFormed()),
    fc.constant('"}\\\n😀'.repeat(1500)),
  )
  .filter((value) => value.trim() !== "");
const pattern = fc.constantFrom(/5../, /a.*b/s, /(?:x|y)+z?/i, /\d{2,3}/, /[^"\\]*/, /^ba(?<n>c)kend$/, /\p{L}+\/\{/u);
const condition = fc.oneof(
  text,
  pattern,
  fc.integer({ min: 0, max: 599 }),
  fc.array(text, { minLength: 1, maxLength: 3 }),
  text.map((not) => ({ not })),
  pattern.map((not) => ({ not })),
);
const istioLabel = fc.constantFrom(...ISTIO_LABELS.filter((name) => name !== "reporter"));
const duration = fc.constantFrom("1s", "5s", "1m", "90s", "5m", "1h30m", "1d", "2w", "1y", "1500ms");

const caller = fc.oneof(
  text.map((workload) => ({ workload })),
  fc.constantFrom("frontend", "backend", "backend.default", "ratings"),
  fc.constantFrom({ service: "backend" }, { service: "backend.default.svc.cluster.local" }),
  fc.record({ namespace: text, app: text, version: text, cluster: text, principal: text }),
);
const peer = fc.oneof(
  caller,
  text.map((host) => ({ host })),
);
/** Scopes that have traffic, so that half of the sentences have an answer as well. */
const known: fc.Arbitrary<Traffic> = fc.constantFrom<Traffic>(
  mesh.all(),
  mesh.edge("frontend", "backend"),
  mesh.edge("frontend", { service: "backend" }).reportedBy("source"),
  mesh.workload("frontend").outbound,
  mesh.service("recommender"),
  mesh.namespace("default"),
  mesh.gateway("istio-ingressgateway"),
);
const hostile: fc.Arbitrary<Traffic> = fc.oneof(
  fc.tuple(caller, peer).map(([from, to]) => mesh.edge(from, to)),
  peer.map((one) => mesh.workload(one)),
  caller.map((one) => mesh.workload(one).outbound),
  text.map((service) => mesh.service({ service: service.replaceAll(".", "-") })),
  text.map((name) => mesh.namespace(name)),
  text.map((name) => mesh.namespace(name).outbound.reportedBy("source")),
  caller.map((one) => mesh.gateway(one)),
  fc.constant(mesh.all()),
);
const refinement: fc.Arbitrary<(traffic: Traffic) => Traffic> = fc.oneof(
  fc.tuple(istioLabel, condition).map(
    ([name, value]) =>
      (t: Traffic) =>
        t.where({ [name]: value }),
  ),
  fc.tuple(text, condition).map(
    ([name, value]) =>
      (t: Traffic) =>
        t.where(label(labelNameOf(name)), value),
  ),
  fc.constantFrom("source", "destination", "waypoint", "auto").map((r) => (t: Traffic) => t.reportedBy(r)),
  text.map((version) => (t: Traffic) => t.version(version)),
  text.map((cluster) => (t: Traffic) => t.cluster(cluster)),
  fc.tuple(istioLabel, condition).map(
    ([name, value]) =>
      (t: Traffic) =>
        t.failures([{ [name]: value }, { response_code: /5../ }]),
  ),
);
/** Prometheus 2 takes names of the classic alphabet only. */
const labelNameOf = (name: string): string => `x${name.replace(/[^a-z0-9_]/gi, "_").slice(0, 50)}`;

const signal: fc.Arbitrary<(traffic: Traffic, window: string) => AnyQuery> = fc.oneof(
  fc
    .constantFrom(
      "rate",
      "requests",
      "errors",
      "success",
      "meanLatency",
      "requestBytes",
      "responseBytes",
      "tcpSent",
      "tcpReceived",
      "tcpOpened",
      "tcpClosed",
      "messagesSent",
      "messagesReceived",
    )
    .map((name) => (t: Traffic, window: string) => t[name](window) as unknown as AnyQuery),
  fc
    .double({ min: 0, max: 1, noNaN: true })
    .map((q) => (t: Traffic, window: string) => t.latency(q, window) as unknown as AnyQuery),
);
const single: fc.Arbitrary<AnyQuery> = fc
  .tuple(
    fc.oneof(
      fc.tuple(known, fc.constant([])),
      fc.tuple(fc.oneof(known, hostile), fc.array(refinement, { minLength: 1, maxLength: 3 })),
    ),
    signal,
    duration,
  )
  .map(([[start, refinements], ask, window]) =>
    ask(
      refinements.reduce((traffic, refine) => refine(traffic), start),
      window,
    ),
  );

type Step = (query: AnyQuery) => AnyQuery;
const ratio = (above: AnyQuery, below: AnyQuery) => above.dividedBy(below) as unknown as AnyQuery;
const finite = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => n !== 0);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.uniqueArray(istioLabel, { maxLength: 3 }).map(
    (labels): Step =>
      (q) =>
        q.by(...labels),
  ),
  fc.uniqueArray(istioLabel, { maxLength: 3 }).map(
    (labels): Step =>
      (q) =>
        q.without(...labels),
  ),
  duration.map(
    (ago): Step =>
      (q) =>
        q.offset(ago),
  ),
  finite.map(
    (n): Step =>
      (q) =>
        q.plus(n),
  ),
  finite.map(
    (n): Step =>
      (q) =>
        q.minus(n),
  ),
  finite.map(
    (n): Step =>
      (q) =>
        q.times(n),
  ),
  finite.map(
    (n): Step =>
      (q) =>
        q.dividedBy(n),
  ),
  fc.constant<Step>((q) => q.dividedBy(q.offset("1d")) as unknown as AnyQuery),
  fc.constant<Step>((q) => q.minus(q.offset("1h"))),
  single.map(
    (other): Step =>
      (q) =>
        ratio(q.by("response_code"), other),
  ),
  single.map(
    (other): Step =>
      (q) =>
        ratio(q.by() as AnyQuery, other.by("response_code")),
  ),
  single.map(
    (other): Step =>
      (q) =>
        ratio(q.by("response_code", "response_flags"), other.by("response_flags")),
  ),
  single.map(
    (other): Step =>
      (q) =>
        ratio(q.without("source_app"), other.without("source_app")),
  ),
);
const chain = fc
  .tuple(single, fc.array(step, { maxLength: 3 }))
  .map(([start, steps]) => steps.reduce((query, next) => next(query), start));

it("prints, for 2,500 random sentences, text that the server takes and answers", async () => {
  let asked = 0;
  let answered = 0;
  await inParallel(fc.sample(chain, { seed: 11, numRuns: 2500 }), 4, async (query) => {
    asked++;
    try {
      const answer = await query.at(truth.measuredToMs);
      if ("value" in answer ? answer.value !== undefined : answer.length > 0) answered++;
    } catch (error) {
      // The sentence was understood; that two different mixes of labels do not match one to one is its own meaning.
      const understood = error instanceof BackendError && error.code === "execution";
      if (!understood) throw error;
      expect(error.message).toMatch(/matching not allowed|duplicate series|unique on one side/);
    }
  });
  expect(asked).toBe(2500);
  expect(answered).toBeGreaterThan(300);
});

async function inParallel<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async () => {
    for (let item = rest.pop(); item !== undefined; item = rest.pop()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
