/** The scripted traffic: a plan of calls that follows from the seed alone. */
import { deadlinePath, flakyPath, forbiddenPath, limitedPath } from "./http-policy.ts";
import { type Random, random } from "./random.ts";

export interface PlannedCall {
  readonly part: string;
  /** Calls of one variant give rise to the same series; the warm-up sends each variant. */
  readonly variant: string;
  readonly atMs: number;
  readonly from: "user" | "stranger" | "legacy";
  /** Service that the frontend calls for a user, or the others call themselves. */
  readonly to: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | number>>;
  readonly abortAfterMs?: number;
}

type Step = Omit<PlannedCall, "part" | "atMs">;

/** A part of the play by name, and the share of the play at which it begins and ends. */
export interface PlayedPart {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

interface Part extends PlayedPart {
  readonly perSecond: number;
  step(random: Random, index: number): Step;
}

/** The whole play in order of time. */
export function plan(seed: number, playMs: number): PlannedCall[] {
  const source = random(seed);
  const calls = parts.flatMap((part) => {
    const lengthMs = (part.to - part.from) * playMs;
    const count = Math.max(4, Math.round((lengthMs / 1000) * part.perSecond));
    const spacingMs = lengthMs / count;
    return Array.from({ length: count }, (_, index) => ({
      part: part.name,
      atMs: part.from * playMs + (index + source.next() * 0.8) * spacingMs,
      ...part.step(source, index),
    }));
  });
  return calls.sort((a, b) => a.atMs - b.atMs);
}

/** Each variant of the play often enough that every version behind a service answers it, a few at a time. */
export function warmUp(planned: readonly PlannedCall[]): PlannedCall[][] {
  const first = new Map<string, PlannedCall>();
  for (const call of planned) if (!first.has(call.variant)) first.set(call.variant, call);
  return [...first.values()].flatMap((call) => {
    const batch = Array.from({ length: call.to === "backend" ? 8 : 2 }, () => call);
    return call.variant.startsWith("backend:flaky") ? [batch, batch, batch] : [batch];
  });
}

// Envoy's buckets end at 10, 25, 50, 100, 250 and 500 ms. What the way adds is never negative, so each delay lies
// in the lower part of its bucket and a busy machine seldom moves a request to the next one.
const shortMs = 13;
const quickMs = [shortMs, 30] as const;
const slowMs = [65, 140, 320] as const;

const backend = (variant: string, path: string, query: PlannedCall["query"]): Step => ({
  variant: `backend:${variant}`,
  from: "user",
  to: "backend",
  path,
  query,
});

const grpc = (status: number, query: PlannedCall["query"]): Step => ({
  variant: `grpc:${status}`,
  from: "user",
  to: "recommender",
  path: "",
  query: { ...query, status },
});

const other = (from: PlannedCall["from"], to: string, path = "/work", query: PlannedCall["query"] = {}): Step => ({
  variant: `${from}:${to}`,
  from,
  to,
  path,
  query,
});

const grpcErrors = [2, 3, 4, 5, 7, 8, 12, 13, 14, 15] as const;

/** When the part of that name is played. */
export function partNamed(name: string): PlayedPart {
  const part = parts.find((each) => each.name === name);
  if (part === undefined) throw new Error(`scenario: no part "${name}"; there are ${parts.map((each) => each.name)}`);
  return part;
}

const parts: readonly Part[] = [
  {
    name: "steady",
    from: 0,
    to: 1,
    perSecond: 18,
    step: (source) =>
      backend("200", "/work", {
        ms: source.pick(quickMs),
        bytes: source.pick([120, 2048]),
        send: source.pick([0, 256]),
      }),
  },
  {
    name: "ratings",
    from: 0,
    to: 1,
    perSecond: 2,
    step: (source) => other("user", "ratings", "/ratings/7", { ms: source.pick(quickMs) }),
  },
  { name: "external", from: 0, to: 1, perSecond: 2, step: () => other("user", "external", "/quote", { ms: shortMs }) },
  {
    name: "grpc",
    from: 0,
    to: 1,
    perSecond: 4,
    step: (source) =>
      grpc(0, { ms: source.pick(quickMs), send: source.pick([10, 300]), bytes: source.pick([20, 900]) }),
  },
  {
    name: "tcp",
    from: 0,
    to: 1,
    perSecond: 2,
    step: (source) => other("user", "ledger", "", { send: source.between(8, 4000), bytes: source.between(1, 9000) }),
  },
  {
    name: "failures",
    from: 0.1,
    to: 0.25,
    perSecond: 8,
    step: (source) => {
      const code = source.pick([500, 502, 503]);
      return backend(String(code), "/work", { ms: shortMs, code });
    },
  },
  {
    name: "client-errors",
    from: 0.2,
    to: 0.35,
    perSecond: 6,
    step: (source) => {
      const code = source.pick([400, 403, 404, 429]);
      return backend(String(code), "/work", { ms: shortMs, code });
    },
  },
  {
    name: "slow",
    from: 0.3,
    to: 0.5,
    perSecond: 6,
    step: (source) => backend("200", "/work", { ms: source.pick(slowMs) }),
  },
  {
    name: "aborts",
    from: 0.35,
    to: 0.5,
    perSecond: 2,
    step: () => ({ ...backend("abort", "/work", { ms: 3000 }), abortAfterMs: 170 }),
  },
  {
    name: "retries",
    from: 0.45,
    to: 0.6,
    perSecond: 4,
    step: (_, index) => {
      const failures = 1 + (index % 3);
      return backend(`flaky:${failures}`, flakyPath, { ms: shortMs, failures });
    },
  },
  { name: "refused", from: 0.5, to: 0.62, perSecond: 3, step: () => other("user", "ghost", "/work") },
  { name: "no-route", from: 0.5, to: 0.62, perSecond: 1, step: () => other("user", "nowhere", "/work") },
  { name: "deadline", from: 0.55, to: 0.67, perSecond: 2, step: () => backend("deadline", deadlinePath, { ms: 3000 }) },
  {
    name: "grpc-errors",
    from: 0.4,
    to: 0.8,
    perSecond: 4,
    step: (_, index) => grpc(grpcErrors[index % grpcErrors.length] ?? 2, { ms: shortMs, send: 10 }),
  },
  { name: "denied", from: 0.6, to: 0.75, perSecond: 3, step: () => other("stranger", "backend") },
  { name: "forbidden", from: 0.6, to: 0.75, perSecond: 1, step: () => backend("forbidden", forbiddenPath, {}) },
  { name: "limited", from: 0.65, to: 0.8, perSecond: 12, step: () => backend("limited", limitedPath, { ms: shortMs }) },
  {
    name: "plaintext",
    from: 0.2,
    to: 0.9,
    perSecond: 2,
    step: () => other("legacy", "ratings", "/ratings/7", { ms: shortMs }),
  },
  { name: "plaintext-refused", from: 0.7, to: 0.8, perSecond: 2, step: () => other("legacy", "backend") },
  {
    name: "slow-version",
    from: 0.84,
    to: 0.98,
    perSecond: 8,
    step: () => backend("slow-v2", "/work", { ms: shortMs, "ms-v2": slowMs[2] }),
  },
  {
    name: "failing-path",
    from: 0.84,
    to: 0.98,
    perSecond: 3,
    step: () => ({
      ...other("user", "external", "/broken", { ms: shortMs, code: 500 }),
      variant: "external:500",
    }),
  },
];
