import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AccessLogEntry } from "../../src/logs/entry.ts";
import { ISTIO_FORMAT } from "../../src/logs/istio-format.ts";
import { scanIstioLine } from "../../src/logs/istio-scan.ts";
import { accessLogParser, detectFormat, parseLines } from "../../src/logs/parser.ts";
import { compileFormat, strictScan } from "../../src/logs/text-format.ts";
import { textLayout } from "../../src/logs/text-layout.ts";
import { entryOf } from "../logs/entry.ts";
import { LINES } from "../logs/lines.ts";

const SEED = 20261124;
const TIMEOUT_MS = 120_000;
const parse = accessLogParser();

/** What a proxy knew when it wrote a line; `null` is what it did not know. */
interface Facts {
  readonly time: number;
  readonly method: string | null;
  readonly path: string | null;
  readonly protocol: string | null;
  readonly code: number;
  readonly flags: readonly string[];
  readonly details: string | null;
  readonly termination: string | null;
  readonly failure: string | null;
  readonly received: number;
  readonly sent: number;
  readonly duration: number;
  readonly serviceTime: number | null;
  readonly forwardedFor: readonly string[];
  readonly userAgent: string | null;
  readonly requestId: string | null;
  readonly authority: string | null;
  readonly upstreamHost: string | null;
  readonly cluster: string | null;
  readonly upstreamLocal: string | null;
  readonly downstreamLocal: string | null;
  readonly downstreamRemote: string | null;
  readonly serverName: string | null;
  readonly route: string | null;
}

const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null, freq: 4 });
const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}[a-z0-9]$/);
const ip = fc.oneof(
  fc.ipV4(),
  fc.ipV6().map((text) => `[${text}]`),
);
const address = fc.tuple(ip, fc.nat(65_535)).map(([host, port]) => `${host}:${port}`);
const host = fc.tuple(word, word).map(([service, namespace]) => `${service}.${namespace}.svc.cluster.local`);
const cluster = fc.oneof(
  fc
    .tuple(fc.constantFrom("outbound", "inbound-vip"), fc.nat(65_535), fc.constantFrom("", "v1"), host)
    .map((parts) => parts.join("|")),
  fc.nat(65_535).map((port) => `inbound|${port}||`),
  fc.constantFrom("PassthroughCluster", "BlackHoleCluster", "InboundPassthroughCluster"),
);
const count = fc.oneof(fc.nat(1_000), fc.nat(Number.MAX_SAFE_INTEGER));

const facts: fc.Arbitrary<Facts> = fc.record({
  time: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  method: orNull(fc.constantFrom("GET", "POST", "DELETE", "PROPFIND")),
  path: orNull(fc.stringMatching(/^\/[\w%&=?.:/,;+-]{0,40}$/)),
  protocol: orNull(fc.constantFrom("HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3")),
  code: fc.constantFrom(0, 200, 404, 503),
  flags: fc.uniqueArray(fc.constantFrom("UF", "URX", "NR", "DC", "XYZ"), { maxLength: 3 }),
  details: orNull(
    fc.constantFrom(
      "via_upstream",
      "response_timeout",
      "upstream_reset{overflow|a:_b}",
      "old{connection failure,TLS error: 2}",
    ),
  ),
  termination: orNull(fc.constant("rbac_access_denied_matched_policy[none]")),
  failure: orNull(fc.constantFrom("delayed_connect_error:_111", "TLS error: 268436501:SSL routines")),
  received: count,
  sent: count,
  duration: count,
  serviceTime: orNull(fc.nat(100_000)),
  forwardedFor: fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 3 }),
  userAgent: orNull(fc.stringMatching(/^[A-Za-z][\w ()./;:,+-]{0,40}$/)),
  requestId: orNull(fc.uuid()),
  authority: orNull(fc.tuple(word, fc.nat(65_535)).map(([name, port]) => `${name}:${port}`)),
  upstreamHost: orNull(
    fc.oneof(
      address,
      address.map((text) => `envoy://connect_originate/${text}`),
    ),
  ),
  cluster: orNull(cluster),
  upstreamLocal: orNull(address),
  downstreamLocal: orNull(address),
  downstreamRemote: orNull(address),
  serverName: orNull(
    fc.oneof(
      host,
      fc.tuple(fc.nat(65_535), host).map(([port, name]) => `outbound_.${port}_._.${name}`),
    ),
  ),
  route: orNull(word),
});

type Written = string | number | null;

/** By operator what Envoy writes; JSON's key of it where Istio has one. */
const OPERATORS: Readonly<Record<string, { readonly key: string; readonly of: (facts: Facts) => Written }>> = {
  START_TIME: { key: "start_time", of: ({ time }) => new Date(time).toISOString() },
  "REQ(:METHOD)": { key: "method", of: ({ method }) => method },
  "REQ(X-ENVOY-ORIGINAL-PATH?:PATH)": { key: "path", of: ({ path }) => path },
  PROTOCOL: { key: "protocol", of: ({ protocol }) => protocol },
  RESPONSE_CODE: { key: "response_code", of: ({ code }) => code },
  RESPONSE_FLAGS: { key: "response_flags", of: ({ flags }) => flags.join(",") || "-" },
  RESPONSE_CODE_DETAILS: { key: "response_code_details", of: ({ details }) => details },
  CONNECTION_TERMINATION_DETAILS: { key: "connection_termination_details", of: ({ termination }) => termination },
  UPSTREAM_TRANSPORT_FAILURE_REASON: { key: "upstream_transport_failure_reason", of: ({ failure }) => failure },
  BYTES_RECEIVED: { key: "bytes_received", of: ({ received }) => received },
  BYTES_SENT: { key: "bytes_sent", of: ({ sent }) => sent },
  DURATION: { key: "duration", of: ({ duration }) => duration },
  "RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)": {
    key: "upstream_service_time",
    of: ({ serviceTime }) => (serviceTime === null ? null : String(serviceTime)),
  },
  "REQ(X-FORWARDED-FOR)": { key: "x_forwarded_for", of: ({ forwardedFor }) => forwardedFor.join(",") || null },
  "REQ(USER-AGENT)": { key: "user_agent", of: ({ userAgent }) => userAgent },
  "REQ(X-REQUEST-ID)": { key: "request_id", of: ({ requestId }) => requestId },
  "REQ(:AUTHORITY)": { key: "authority", of: ({ authority }) => authority },
  UPSTREAM_HOST: { key: "upstream_host", of: ({ upstreamHost }) => upstreamHost },
  UPSTREAM_CLUSTER_RAW: { key: "upstream_cluster", of: ({ cluster }) => cluster },
  UPSTREAM_LOCAL_ADDRESS: { key: "upstream_local_address", of: ({ upstreamLocal }) => upstreamLocal },
  DOWNSTREAM_LOCAL_ADDRESS: { key: "downstream_local_address", of: ({ downstreamLocal }) => downstreamLocal },
  DOWNSTREAM_REMOTE_ADDRESS: { key: "downstream_remote_address", of: ({ downstreamRemote }) => downstreamRemote },
  REQUESTED_SERVER_NAME: { key: "requested_server_name", of: ({ serverName }) => serverName },
  ROUTE_NAME: { key: "route_name", of: ({ route }) => route },
};
const NAMES = Object.keys(OPERATORS);

const written = (name: string, of: Facts): Written => OPERATORS[name]?.of(of) ?? null;

/** A line as Envoy writes it: each operator's value as it is, `-` for nothing. */
const asText = (format: string, of: Facts): string =>
  format.replace(/%([A-Z_]+(?:\([^)]*\))?)%/g, (_, name: string) => String(written(name, of) ?? "-")).trimEnd();

const asJson = (of: Facts, names: readonly string[], old: boolean, omitEmpty: boolean): string => {
  const entries = names.flatMap((name): (readonly [string, Written])[] => {
    const value = written(name, of);
    if (value === null && omitEmpty) return [];
    return [[OPERATORS[name]?.key ?? "", old ? String(value ?? "-") : value]];
  });
  return JSON.stringify(Object.fromEntries(entries));
};

/** By operator the field that holds it, as text. */
const FIELDS: Readonly<Record<string, (entry: AccessLogEntry) => unknown>> = {
  START_TIME: ({ timeMs }) => (timeMs === undefined ? undefined : new Date(timeMs).toISOString()),
  "REQ(:METHOD)": ({ method }) => method,
  "REQ(X-ENVOY-ORIGINAL-PATH?:PATH)": ({ path }) => path,
  PROTOCOL: ({ protocol }) => protocol,
  RESPONSE_CODE: ({ code, isTcp }) => (isTcp && code === undefined ? 0 : code),
  RESPONSE_FLAGS: ({ flags }) => flags.join(",") || "-",
  RESPONSE_CODE_DETAILS: ({ responseCodeDetails }) => responseCodeDetails,
  CONNECTION_TERMINATION_DETAILS: ({ connectionTerminationDetails }) => connectionTerminationDetails,
  UPSTREAM_TRANSPORT_FAILURE_REASON: ({ transportFailureReason }) => transportFailureReason,
  BYTES_RECEIVED: ({ bytesReceived }) => bytesReceived,
  BYTES_SENT: ({ bytesSent }) => bytesSent,
  DURATION: ({ durationMs }) => durationMs,
  "RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)": ({ upstreamServiceTimeMs: ms }) => (ms === undefined ? undefined : String(ms)),
  "REQ(X-FORWARDED-FOR)": ({ forwardedFor }) => forwardedFor.join(",") || undefined,
  "REQ(USER-AGENT)": ({ userAgent }) => userAgent,
  "REQ(X-REQUEST-ID)": ({ requestId }) => requestId,
  "REQ(:AUTHORITY)": ({ authority }) => authority,
  UPSTREAM_HOST: ({ upstreamHost }) => addressText(upstreamHost),
  UPSTREAM_CLUSTER_RAW: ({ cluster }) => cluster?.name,
  UPSTREAM_LOCAL_ADDRESS: ({ upstreamLocal }) => addressText(upstreamLocal),
  DOWNSTREAM_LOCAL_ADDRESS: ({ downstreamLocal }) => addressText(downstreamLocal),
  DOWNSTREAM_REMOTE_ADDRESS: ({ downstreamRemote }) => addressText(downstreamRemote),
  REQUESTED_SERVER_NAME: ({ serverName }) => serverName?.name,
  ROUTE_NAME: ({ routeName }) => routeName,
};

function addressText(address: AccessLogEntry["upstreamHost"]): string | undefined {
  if (address === undefined) return undefined;
  const { host = "", port, internalListener } = address;
  const text = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return internalListener === undefined ? text : `envoy://${internalListener}/${text}`;
}

const expected = (names: readonly string[], of: Facts) => names.map((name) => [name, written(name, of) ?? undefined]);
const found = (names: readonly string[], entry: AccessLogEntry) => names.map((name) => [name, FIELDS[name]?.(entry)]);

const assert = <T extends [unknown, ...unknown[]]>(property: fc.IProperty<T>, numRuns: number) =>
  fc.assert(property, { seed: SEED, numRuns });

describe("a line of generated facts", () => {
  it(
    "reads back as them from Istio's text",
    () => {
      assert(
        fc.property(facts, (of) => {
          const entry = entryOf(parse(asText(ISTIO_FORMAT, of)));
          expect(entry.suspicious).toBeUndefined();
          expect(found(NAMES, entry)).toStrictEqual(expected(NAMES, of));
        }),
        5_000,
      );
    },
    TIMEOUT_MS,
  );

  it(
    "reads back as them from JSON, old or new, with its keys in any order, empty ones left out or not",
    () => {
      const names = fc.shuffledSubarray(NAMES, { minLength: NAMES.length });
      assert(
        fc.property(facts, names, fc.boolean(), fc.boolean(), (of, order, old, omitEmpty) => {
          const entry = entryOf(parse(asJson(of, order, old, omitEmpty)));
          expect(entry.suspicious).toBeUndefined();
          expect(found(NAMES, entry)).toStrictEqual(expected(NAMES, of));
        }),
        3_000,
      );
    },
    TIMEOUT_MS,
  );

  it(
    "reads back as them from any custom format that quotes what callers choose",
    () => {
      const names = fc.shuffledSubarray(NAMES, { minLength: 1 });
      const free = ["REQ(USER-AGENT)", "UPSTREAM_TRANSPORT_FAILURE_REASON"];
      assert(
        fc.property(facts, names, fc.constantFrom(" ", '" "', " | "), (of, chosen, between) => {
          const alone = (name: string) => (between !== '" "' && free.includes(name) ? `"%${name}%"` : `%${name}%`);
          const joined = chosen.map(alone).join(between);
          const format = between === '" "' ? `"${joined}"\n` : `${joined}\n`;
          const line = asText(format, of);
          const entry = entryOf(compileFormat(format)(line));
          const read = found(chosen, entry);
          if (entry.suspicious === undefined) expect(read).toStrictEqual(expected(chosen, of));
          // With a bar between its fields nothing in the values above can be taken for another field.
          if (between !== " ") expect(entry.suspicious).toBeUndefined();
        }),
        3_000,
      );
    },
    TIMEOUT_MS,
  );
});

const FORGED = Object.values(LINES).filter((line) => line.startsWith("["));
const FRAGMENTS = [
  '"',
  '" "',
  '" ',
  ' "',
  " ",
  "- ",
  '"-" ',
  "\\",
  '\\"',
  "[",
  "]",
  "%",
  "{",
  "}",
  "é",
  "𝄞",
  "\t",
  "200",
  ' HTTP/1.1" 200 - via_upstream - "-" 0 0 0 0 "',
  "outbound|80||evil.ns.svc.cluster.local ",
  ...FORGED,
];
const hostile = fc
  .array(
    fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ maxLength: 6 }), fc.string({ unit: "binary", maxLength: 4 })),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => parts.join(""))
  .filter((text) => !/[\r\n]/.test(text) && text !== "-" && text !== "");

describe("a caller who chooses what a header says", () => {
  const others = (...own: readonly string[]) => NAMES.filter((name) => !own.includes(name));

  it(
    "changes no other field by the user agent, and is marked wherever the line reads in two ways",
    () => {
      let marked = 0;
      assert(
        fc.property(facts, hostile, (of, text) => {
          const entry = entryOf(parse(asText(ISTIO_FORMAT, { ...of, userAgent: text })));
          if (entry.suspicious !== undefined) marked++;
          else expect(entry.userAgent).toBe(text);
          expect(found(others("REQ(USER-AGENT)"), entry)).toStrictEqual(expected(others("REQ(USER-AGENT)"), of));
        }),
        10_000,
      );
      // neither half of the claim is empty
      expect(marked).toBeGreaterThan(1_000);
      expect(marked).toBeLessThan(9_000);
    },
    TIMEOUT_MS,
  );

  it.each(["path", "requestId", "authority", "serverName"] as const)(
    "is never believed to have written another field by the %s",
    (own) => {
      assert(
        fc.property(facts, hostile, (of, text) => {
          const forged = { ...of, [own]: text };
          const entry = parse(asText(ISTIO_FORMAT, forged));
          if (entry.kind === "unparsed" || entry.suspicious !== undefined) return;
          expect(found(NAMES, entry)).toStrictEqual(expected(NAMES, forged));
        }),
        5_000,
      );
    },
    TIMEOUT_MS,
  );

  it(
    "changes nothing at all in JSON",
    () => {
      assert(
        fc.property(facts, hostile, hostile, (of, userAgent, path) => {
          const forged = { ...of, userAgent, path };
          const entry = entryOf(parse(asJson(forged, NAMES, false, false)));
          expect(entry.suspicious).toBeUndefined();
          expect(found(NAMES, entry)).toStrictEqual(expected(NAMES, forged));
        }),
        2_000,
      );
    },
    TIMEOUT_MS,
  );
});

describe("the parsers", () => {
  const anyLine = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc
      .array(
        fc.constantFrom(
          ...FRAGMENTS,
          "src.addr=",
          "access connection complete ",
          "stdout F ",
          '{"log":"',
          '":',
          "2026-11-24T10:00:00Z ",
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join("")),
    fc
      .tuple(fc.constantFrom<string>(...Object.values(LINES)), fc.nat(), fc.nat(), hostile)
      .map(([line, a, b, text]) => {
        const at = a % line.length;
        return line.slice(0, at) + text + line.slice(at + (b % 20));
      }),
  );

  it(
    "throw at no text, nor does any field of what they make of it",
    () => {
      const custom = accessLogParser({ formats: ["%REQ(A)%|%REQ(B)%;%START_TIME(%s)%", { a: { b: "%DURATION%" } }] });
      assert(
        fc.property(anyLine, (line) => {
          for (const entry of [parse(line), custom(line), ...parseLines([line, line])]) JSON.stringify(entry);
          detectFormat(line);
        }),
        10_000,
      );
    },
    TIMEOUT_MS,
  );

  it(
    "scan Istio's format by hand as its compiled form does",
    () => {
      const compiled = strictScan(textLayout(ISTIO_FORMAT));
      assert(
        fc.property(
          fc.oneof(
            anyLine,
            facts.map((of) => asText(ISTIO_FORMAT, of)),
          ),
          (line) => {
            expect(scanIstioLine(line)).toStrictEqual(compiled(line));
          },
        ),
        10_000,
      );
    },
    TIMEOUT_MS,
  );

  // In time that grew with the square of its length a single line of these would take longer than all of them may.
  it(
    "take time in proportion to the line, whatever is in it",
    () => {
      const custom = compileFormat("%REQ(A)%|%REQ(B)%;%REQ(C)% %RESPONSE_CODE_DETAILS% %REQ(D)%");
      const patterns = [
        '" "',
        " ",
        '"',
        "{",
        "}",
        "} ",
        "|",
        ";",
        "[",
        "\\",
        'a="',
        "a=b ",
        "1",
        '" 200 - a - "-" 0 0 0 0 "',
      ];
      for (const pattern of patterns) {
        const body = pattern.repeat(Math.ceil(500_000 / pattern.length));
        for (const head of [
          "",
          "[",
          LINES.client.slice(0, 90),
          "info access connection complete src.addr=",
          "2026-11-24T10:00:00Z stdout F ",
        ]) {
          for (const read of [parse, custom]) {
            expect(JSON.stringify(read(`${head}${body}`)).length, `${head}${pattern}…`).toBeGreaterThan(0);
          }
        }
      }
    },
    TIMEOUT_MS,
  );
});
