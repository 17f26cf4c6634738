import * as z from "zod/mini";
import { strictConfig } from "../http/config.ts";
import type { Instant } from "../time.ts";

const text = z.string("must be text").check(z.minLength(1, "must not be empty"));
/** A name as Kubernetes takes it. */
const name = z
  .string("must be text")
  .check(
    z.regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be a name of Kubernetes: small letters, digits and "-"'),
  );
const PART = { error: "must be a share from 0 to 1" };
const part = z.number(PART).check(z.gte(0, PART), z.lte(1, PART));
const POSITIVE = { error: "must be a number above 0" };
const positive = z.number(POSITIVE).check(z.positive(POSITIVE));
const SIZE = { error: "must be a whole number of bytes" };
const size = z.int(SIZE).check(z.gte(0, SIZE), z.lte(1e9, SIZE));
const PORT = { error: "must be a port, 1 to 65535" };
const LOGS = { error: 'must be "text" or "json"' };
const logs = z.optional(z.enum(["json", "text"], LOGS));
const instant = z.custom<Instant>((value) => value !== undefined, "must be an instant");
const flag = z.optional(z.boolean("must be true or false"));
const latency = z.optional(
  strictConfig({ p50: positive, p99: positive }).check(
    z.refine(({ p50, p99 }) => p99 >= p50, "must have a p99 that is no less than its p50"),
  ),
);
/** An object by keys of one form; a key of another is named with what is wrong with it. */
function keyed<K extends z.core.$ZodRecordKey, V extends z.core.$ZodType>(key: K, value: V, sentence: string) {
  return z.record(key, value, {
    error: (issue) => (issue.code === "invalid_key" ? issue.issues[0]?.message : sentence),
  });
}
const failures = z.optional(
  keyed(z.string().check(z.regex(/^\d{1,3}$/, "must be keyed by status")), part, "must be shares by status").check(
    z.refine((shares) => Object.values(shares).reduce((a, b) => a + b, 0) <= 1, "must be shares of 1 at most"),
  ),
);
const list = z.optional(z.array(text, "must be a list"));
const version = strictConfig({
  weight: z.optional(positive),
  workload: z.optional(name),
  latencyMs: latency,
  failures,
  logs,
  cluster: z.optional(text),
});
const service = strictConfig({
  namespace: z.optional(name),
  port: z.optional(z.int(PORT).check(z.gte(1, PORT), z.lte(65_535, PORT))),
  protocol: z.optional(
    z.enum(["grpc", "http", "tcp"], {
      error: 'must be "http", "grpc" or "tcp"',
    }),
  ),
  versions: z.optional(
    keyed(text, version, "must be versions by name").check(
      z.refine((versions) => Object.keys(versions).length > 0, "must have one version at least"),
    ),
  ),
  latencyMs: latency,
  failures,
  mtls: z.optional(
    z.enum(["permissive", "strict"], {
      error: 'must be "strict" or "permissive"',
    }),
  ),
  proxy: flag,
  allow: list,
  deny: list,
  logs,
  unreachable: flag,
  account: z.optional(name),
  cluster: z.optional(text),
  responseBytes: z.optional(size),
});
const client = strictConfig({
  kind: z.enum(["gateway", "outside", "sidecar"], {
    error: 'must be "gateway", "sidecar" or "outside"',
  }),
  namespace: z.optional(name),
  logs,
  cluster: z.optional(text),
});
const CALL = {
  to: name,
  path: z.optional(z.string("must be text").check(z.regex(/^\/[^\s"]*$/, 'must begin with "/" and have no spaces'))),
  method: z.optional(z.string("must be text").check(z.regex(/^[A-Z]+$/, "must be a method of HTTP"))),
  get calls() {
    return z.optional(z.array(call, "must be a list of calls"));
  },
  optional: flag,
  version: z.optional(text),
  failures,
  recovered: z.optional(part),
  exhausted: z.optional(part),
  timeouts: z.optional(part),
  timeoutMs: z.optional(positive),
  limited: z.optional(part),
  requestBytes: z.optional(size),
};
const call: z.ZodMiniType = z.lazy(() => strictConfig(CALL));
const TIMES = {
  from: z.optional(instant),
  to: z.optional(instant),
  daily: z.optional(text),
  for: z.optional(text),
};
const STATUS = { error: "must be a status" };
const incident = z
  .discriminatedUnion(
    "kind",
    [
      strictConfig({
        kind: z.literal("slow"),
        service: name,
        version: z.optional(text),
        factor: positive,
        ...TIMES,
      }),
      strictConfig({
        kind: z.literal("failing"),
        service: name,
        version: z.optional(text),
        path: z.optional(text),
        code: z.optional(z.int(STATUS).check(z.gte(1, STATUS), z.lte(599, STATUS))),
        share: z.optional(part),
        ...TIMES,
      }),
      strictConfig({
        kind: z.literal("unreachable"),
        service: name,
        share: z.optional(part),
        ...TIMES,
      }),
      strictConfig({
        kind: z.literal("limited"),
        service: name,
        path: z.optional(text),
        share: z.optional(part),
        ...TIMES,
      }),
      ...(["plaintext", "identity-lost"] as const).map((kind) =>
        strictConfig({
          kind: z.literal(kind),
          caller: name,
          service: name,
          share: z.optional(part),
          ...TIMES,
        }),
      ),
      strictConfig({
        kind: z.literal("denied"),
        caller: name,
        service: name,
        ...TIMES,
      }),
      strictConfig({
        kind: z.literal("surge"),
        caller: z.optional(name),
        factor: positive,
        ...TIMES,
      }),
    ],
    {
      error: "must have a kind: slow, failing, unreachable, limited, plaintext, identity-lost, denied or surge",
    },
  )
  .check(
    z.refine(
      ({ from, to, daily, for: length }) =>
        (from !== undefined && to !== undefined && daily === undefined && length === undefined) ||
        (from === undefined && to === undefined && daily !== undefined && length !== undefined),
      'must say when: { from, to }, or { daily: "13:20", for: "20m" }',
    ),
  );
const SEED = { error: "must be a whole number" };
/** What `simulatedMesh` takes, by its form alone. */
export const OPTIONS = strictConfig({
  seed: z.optional(z.int(SEED)),
  start: z.optional(instant),
  now: z.optional(z.custom<Instant | (() => number)>((value) => value !== undefined)),
  rhythm: z.optional(z.enum(["daily", "steady"], { error: 'must be "daily" or "steady"' })),
  scrapeInterval: z.optional(text),
  sampling: z.optional(part),
  cluster: z.optional(text),
  trustDomain: z.optional(text),
  services: z.optional(keyed(name, service, "must be services by name")),
  clients: z.optional(keyed(name, client, "must be clients by name")),
  flows: z.optional(
    z.array(
      strictConfig({
        ...CALL,
        from: name,
        perSecond: positive,
        aborted: z.optional(part),
      }),
      "must be a list of flows",
    ),
  ),
  incidents: z.optional(z.array(incident, "must be a list of incidents")),
});
