import { describe, expect, it } from "vitest";
import { brokenPropagation } from "../../src/traces/propagation.ts";
import { call, proxy, type SpanSketch, trace } from "./spans.ts";

const inTrace = (traceId: string, ...sketches: readonly SpanSketch[]) =>
  trace(...sketches.map((sketch) => ({ ...sketch, traceId })));
const id = (requestId: string) => ({ "guid:x-request-id": requestId });
const answered = (traceId: string, requestId: string, at = 0) =>
  inTrace(traceId, ...call(["gateway", "frontend"], { id: "1", at, ms: 50, tags: id(requestId) }));
const began = (traceId: string, requestId: string, at: number, ms = 10) =>
  inTrace(traceId, ...call(["frontend", "backend"], { id: "2", at, ms, tags: id(requestId) }));
const whole = (traceId: string, at = 0) =>
  inTrace(
    traceId,
    proxy({ id: "1", of: "frontend", kind: "server", to: "inbound|80||", at, ms: 50 }),
    ...call(["frontend", "backend"], { id: "2", parent: "1", at: at + 5, ms: 10 }),
  );

describe("brokenPropagation", () => {
  it("accuses nobody where traces go on", () => {
    expect(brokenPropagation([whole("a"), whole("b", 100)])).toEqual([]);
  });

  it("accuses nobody who only answers, or only calls", () => {
    expect(brokenPropagation([answered("a", "r1")])).toEqual([]);
    expect(brokenPropagation([began("b", "r1", 5)])).toEqual([]);
  });

  it("joins by the request id", () => {
    // The gateway's sidecar began the first trace too, but answered nothing.
    expect(brokenPropagation([answered("a", "r1"), began("b", "r1", 900)])).toEqual([
      {
        workload: "frontend",
        namespace: "default",
        evidence: [{ inboundTraceId: "a", outboundTraceId: "b", requestId: "r1" }],
        inbound: 1,
        broken: 1,
        began: 1,
        share: 1,
      },
    ]);
  });

  it("joins by the moment where the request id is lost too", () => {
    expect(brokenPropagation([answered("a", "r1"), began("b", "r2", 10)])).toMatchObject([
      {
        workload: "frontend",
        evidence: [{ inboundTraceId: "a", outboundTraceId: "b", requestId: undefined }],
        broken: 1,
      },
    ]);
  });

  it("does not join what was not wholly within", () => {
    expect(brokenPropagation([answered("a", "r1"), began("b", "r2", 45), began("c", "r3", -20)])).toEqual([]);
  });

  it("joins with the request that began last, and counts a request once", () => {
    const found = brokenPropagation([
      answered("a", "r1", 0),
      answered("b", "r2", 5),
      began("c", "r3", 12),
      began("d", "r4", 24),
    ]);
    expect(found).toMatchObject([
      { evidence: [{ inboundTraceId: "b", outboundTraceId: "c" }], inbound: 2, broken: 1, began: 2, share: 0.5 },
    ]);
  });

  it("gives the share of all requests that were answered", () => {
    const fine = Array.from({ length: 9 }, (_, i) => whole(`w${i}`, 1_000 + 100 * i));
    expect(brokenPropagation([...fine, answered("a", "r1"), began("b", "r1", 5)])).toMatchObject([
      { inbound: 10, broken: 1, share: 0.1 },
    ]);
  });

  it("does not accuse a gateway, which begins traces by right, nor an orphan, whose parent is missing", () => {
    const gateway = inTrace(
      "b",
      proxy({ id: "2", of: "frontend", type: "router", kind: "client", to: "outbound|80||x", at: 5, tags: id("r1") }),
    );
    const orphan = inTrace("c", ...call(["frontend", "backend"], { id: "2", parent: "99", at: 5, tags: id("r1") }));
    expect(brokenPropagation([answered("a", "r1"), gateway, orphan])).toEqual([]);
  });

  it("holds to the pod: another of the same workload explains nothing", () => {
    const other = inTrace(
      "b",
      proxy({ id: "2", of: "frontend", ip: "10.9.9.9", kind: "client", to: "outbound|80||x", at: 5, tags: id("r2") }),
    );
    expect(brokenPropagation([answered("a", "r1"), other])).toEqual([]);
  });
});
