/** A telemetry by hand: a few traces and lines at fixed instants. */
import { memoryStorage } from "../../src/promql/index.ts";
import type { EmittedLine, EmittedSpan, EmittedTrace, Telemetry } from "../../src/testing/telemetry.ts";

/** The instant that everything below is told from. */
export const START = Date.parse("2026-11-24T10:00:00Z");

const span = (id: number, parent: number | undefined, service: string, more: Partial<EmittedSpan>): EmittedSpan => ({
  id: hex(id, 16),
  parentId: parent === undefined ? undefined : hex(parent, 16),
  kind: "server",
  service,
  operation: "backend.default.svc.cluster.local:9090/*",
  startUs: START * 1000,
  durationUs: 5_000,
  address: "10.0.0.1",
  tags: {},
  ...more,
});

const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, "0");

/** A trace that begins `ms` after the start: the frontend calls the backend. */
const traceAt = (n: number, ms: number, tags: Readonly<Record<string, string>> = {}): EmittedTrace => {
  const startUs = (START + ms) * 1000;
  return {
    id: hex(n, 32),
    spans: [
      span(16 * n, undefined, "frontend.default", { kind: "client", startUs, durationUs: 9_000 }),
      span(16 * n + 1, 16 * n, "backend.default", { startUs: startUs + 500, tags }),
    ],
  };
};

const TRACES = [
  traceAt(1, 0, { "http.status_code": "200" }),
  traceAt(2, 1_000, { "http.status_code": "503", error: "true" }),
  traceAt(3, 2_000, { "http.status_code": "200" }),
];

const line = (ms: number, pod: string, text: string): EmittedLine => ({
  timeNs: BigInt(START + ms) * 1_000_000n,
  namespace: "default",
  pod,
  container: "istio-proxy",
  app: pod,
  text,
});

const LINES = [
  line(0, "frontend", '{"response_code":200,"duration":9}'),
  line(0, "backend", '{"response_code":200,"duration":5}'),
  line(1_000, "backend", '{"response_code":503,"duration":7}'),
  line(2_000, "backend", "[text] 200"),
  line(3_000, "frontend", '{"response_code":503,"duration":11}'),
];

export const byHand: Telemetry = {
  series: memoryStorage(),
  traces: (fromMs, toMs) =>
    TRACES.filter(({ spans: [first] }) => {
      const ms = (first?.startUs ?? 0) / 1000;
      return ms >= fromMs && ms <= toMs;
    }),
  trace: (id) => TRACES.find((trace) => trace.id === id),
  lines: (fromNs, toNs, order, isOf = () => true) => {
    const found = LINES.filter((one) => one.timeNs >= fromNs && one.timeNs < toNs && isOf(one));
    return order === "forward" ? found : found.reverse();
  },
};
