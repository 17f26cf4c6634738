import type { AccessLogEntry } from "../../src/logs/entry.ts";
import { istioTextParser } from "../../src/logs/istio-format.ts";
import { parseIstioJson } from "../../src/logs/json-format.ts";
import type { LineParser } from "../../src/logs/text-format.ts";
import { median } from "./median.ts";

/** One way to read the same lines; times are medians. */
export interface AccessLogRow {
  readonly way: string;
  readonly nsPerLine: number;
  /** How many times longer than this library's parser of the format it takes. */
  readonly ratio: number;
}

/** What is read of every line, by each way. */
type Read = (line: string) => number;

/** One anchored expression for Istio's text format; each of its parts ends where the next character cannot be its own. */
const ISTIO = new RegExp(
  '^\\[(?<startTime>[^\\]]*)\\] "(?<method>\\S+) (?<path>\\S+) (?<protocol>[^"\\s]+)" (?<code>\\d+) (?<flags>\\S+) ' +
    '(?<details>\\S+) (?<termination>\\S+) "(?<failure>[^"]*)" (?<received>\\d+) (?<sent>\\d+) (?<duration>\\d+) ' +
    '(?<serviceTime>\\S+) "(?<forwardedFor>[^"]*)" "(?<userAgent>[^"]*)" "(?<requestId>[^"]*)" "(?<authority>[^"]*)" ' +
    '"(?<upstreamHost>[^"]*)" (?<cluster>\\S+) (?<upstreamLocal>\\S+) (?<downstreamLocal>\\S+) ' +
    "(?<downstreamRemote>\\S+) (?<serverName>\\S+) (?<route>\\S+)$",
);

const withParser =
  (parse: LineParser): Read =>
  (line) => {
    const entry = parse(line);
    if (entry.kind === "unparsed") throw new Error(entry.reason);
    return touched(entry);
  };

const touched = (entry: AccessLogEntry): number =>
  (entry.timeMs ?? 0) +
  (entry.code ?? 0) +
  (entry.durationMs ?? 0) +
  entry.flags.length +
  (entry.method?.length ?? 0) +
  (entry.path?.length ?? 0) +
  (entry.cluster?.host?.length ?? 0) +
  (entry.requestId?.length ?? 0);

interface Wire {
  readonly start_time: string;
  readonly response_code: number;
  readonly duration: number;
  readonly response_flags: string;
  readonly method: string;
  readonly path: string;
  readonly upstream_cluster: string;
  readonly request_id: string;
}

const byHand = (time: string, code: number, duration: number, flags: string, texts: number, cluster: string): number =>
  Date.parse(time) +
  code +
  duration +
  (flags === "-" ? 0 : flags.split(",").length) +
  texts +
  (cluster.split("|")[3]?.length ?? 0);

const parseText = istioTextParser();

/** What is done with each line: parsed only, or parsed and eight of its fields read and converted. */
export type AccessLogTask =
  | "JSON, eight fields read"
  | "JSON, parsed only"
  | "text, eight fields read"
  | "text, parsed only";

const ways: Readonly<Record<AccessLogTask, Readonly<Record<string, Read>>>> = {
  "text, parsed only": {
    meshquery: (line) => {
      const entry = parseText(line);
      if (entry.kind === "unparsed") throw new Error(entry.reason);
      return line.length;
    },
    "one regular expression": (line) => {
      const found = ISTIO.exec(line)?.groups;
      if (found === undefined) throw new Error(line);
      return line.length;
    },
  },
  "text, eight fields read": {
    meshquery: withParser(parseText),
    "one regular expression": (line) => {
      const found = ISTIO.exec(line)?.groups;
      if (found === undefined) throw new Error(line);
      const {
        startTime = "",
        method = "",
        path = "",
        code,
        flags = "",
        duration,
        cluster = "",
        requestId = "",
      } = found;
      const texts = method.length + path.length + requestId.length;
      return byHand(startTime, Number(code), Number(duration), flags, texts, cluster);
    },
  },
  "JSON, parsed only": {
    meshquery: (line) => {
      const entry = parseIstioJson(line);
      if (entry.kind === "unparsed") throw new Error(entry.reason);
      return line.length;
    },
    "JSON.parse": (line) => {
      if (JSON.parse(line) === null) throw new Error(line);
      return line.length;
    },
  },
  "JSON, eight fields read": {
    meshquery: withParser(parseIstioJson),
    "JSON.parse, nothing converted": (line) => {
      const wire = JSON.parse(line) as Wire;
      const texts = wire.method.length + wire.path.length + wire.request_id.length;
      const converted = wire.start_time.length + wire.response_flags.length + wire.upstream_cluster.length;
      return wire.response_code + wire.duration + texts + converted;
    },
    "JSON.parse, the same converted": (line) => {
      const wire = JSON.parse(line) as Wire;
      const texts = wire.method.length + wire.path.length + wire.request_id.length;
      const { start_time, response_code, duration, response_flags, upstream_cluster } = wire;
      return byHand(start_time, response_code, duration, response_flags, texts, upstream_cluster);
    },
  },
};

/** Reads a million lines in every way, in turns of ten thousand. */
export function benchAccessLog(task: AccessLogTask, lines = 1_000_000, turn = 10_000): AccessLogRow[] {
  const times = Object.entries(ways[task]).map(([way, read]) => ({ way, read, ns: [] as number[], sum: 0 }));
  const turns = Math.ceil(lines / turn);
  const line = LINES[task.startsWith("JSON") ? "JSON" : "text"];
  for (let t = -3; t < turns; t++) {
    const batch = Array.from({ length: turn }, (_, i) => line(Math.max(t, 0) * turn + i));
    // Who comes first finds the lines in no cache; so each does in its turn.
    const first = (t + 3) % times.length;
    for (const time of [...times.slice(first), ...times.slice(0, first)]) {
      const start = performance.now();
      let sum = 0;
      for (const line of batch) sum += time.read(line);
      const took = performance.now() - start;
      if (t < 0) continue;
      time.ns.push((took * 1e6) / turn);
      time.sum += sum;
    }
  }
  const sums = new Set(times.filter(({ way }) => !way.includes("nothing")).map(({ sum }) => sum));
  if (sums.size !== 1) throw new Error(`the ways do not read the same: ${[...sums].join(", ")}`);
  const floor = median(times[0]?.ns ?? []);
  return times.map(({ way, ns }) => ({ way, nsPerLine: median(ns), ratio: median(ns) / floor }));
}

interface Sample {
  readonly time: string;
  readonly path: string;
  readonly code: number;
  readonly flags: string;
  readonly duration: number;
  readonly requestId: string;
  readonly host: string;
}

function sample(i: number): Sample {
  const failed = i % 19 === 0;
  const id = (i * 2_654_435_761) % 2 ** 32;
  return {
    time: new Date(1_790_000_000_000 + i * 37).toISOString(),
    path: `/api/v1/products/${i % 9973}?page=${i % 7}`,
    code: failed ? 503 : 200,
    flags: failed ? "UF,URX" : "-",
    duration: (i * 7919) % 1_009,
    requestId: `${id.toString(16).padStart(8, "0")}-6d84-929d-98bd-${id.toString(16).padStart(12, "0")}`,
    host: `backend-${i % 53}.shop.svc.cluster.local`,
  };
}

/** Each text is made flat, as one read from a file or an answer is. */
const flat = (text: string): string => Buffer.from(text).toString("latin1");

const LINES: Readonly<Record<"JSON" | "text", (i: number) => string>> = {
  text: (i) => {
    const { time, path, code, flags, duration, requestId, host } = sample(i);
    return flat(
      `[${time}] "GET ${path} HTTP/1.1" ${code} ${flags} via_upstream - "-" 0 ${i % 4096} ${duration} ${duration} "-" ` +
        `"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36" "${requestId}" "backend:8000" "10.44.1.27:80" ` +
        `outbound|8000||${host} 10.44.1.23:37652 10.0.45.184:8000 10.44.1.23:46520 - default`,
    );
  },
  JSON: (i) => {
    const { time, path, code, flags, duration, requestId, host } = sample(i);
    return flat(
      JSON.stringify({
        authority: "backend:8000",
        bytes_received: 0,
        bytes_sent: i % 4096,
        connection_termination_details: null,
        downstream_local_address: "10.0.45.184:8000",
        downstream_remote_address: "10.44.1.23:46520",
        duration,
        method: "GET",
        path,
        protocol: "HTTP/1.1",
        request_id: requestId,
        requested_server_name: null,
        response_code: code,
        response_code_details: "via_upstream",
        response_flags: flags,
        route_name: "default",
        start_time: time,
        upstream_cluster: `outbound|8000||${host}`,
        upstream_host: "10.44.1.27:80",
        upstream_local_address: "10.44.1.23:37652",
        upstream_service_time: String(duration),
        upstream_transport_failure_reason: null,
        user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        x_forwarded_for: null,
      }),
    );
  },
};

export const ACCESS_LOG_TASKS = Object.keys(ways) as readonly AccessLogTask[];
