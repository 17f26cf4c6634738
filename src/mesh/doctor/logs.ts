import type { LogLine } from "../../logs/backend.ts";
import type { AccessLogEntry } from "../../logs/entry.ts";
import type { AskOptions } from "../../time.ts";
import type { LogSource } from "../log-scope.ts";
import { type Check, checked, type Finding } from "./check.ts";
import { arrive, describer } from "./server.ts";

const MINUTES = 15;
const MOST = 200;

/** What was found of access logs, and the ids of requests in them. */
export interface LogsFound {
  readonly checks: readonly Check[];
  readonly requestIds: readonly string[];
}

/** Looks at the backend of access logs: is it there, are lines in it, and can they be read? */
export async function logsChecks(
  source: LogSource | undefined,
  now: () => number,
  options: AskOptions,
): Promise<LogsFound> {
  if (source === undefined) {
    const message = "the mesh has no backend for logs";
    const remedy = 'createMesh({ logs: loki("http://loki:3100") })';
    return { checks: [checked("logs", "reachable", { status: "skipped", message, remedy })], requestIds: [] };
  }
  const { backend } = source.reader;
  let lines: readonly LogLine[] = [];
  const { answers, checks } = await arrive({
    signal: "logs",
    ask: async () => {
      lines = await latest(source, now(), options);
      return { status: "ok", message: "it answers" };
    },
    describe: describer(backend, options),
    now,
  });
  if (!answers) return { checks, requestIds: [] };
  const found = checked("logs", "lines", linesFinding(lines, source));
  if (lines.length === 0) return { checks: [...checks, found], requestIds: [] };
  const entries = lines.map(({ line }) => source.reader.parse(line)).filter((one) => one.kind === "entry");
  const requestIds = entries.flatMap(({ requestId }) => requestId ?? []);
  const rest = [
    checked("logs", "format", formatFinding(lines, source)),
    checked("logs", "labels", labelsFinding(lines)),
    ...(entries.length === 0 ? [] : [checked("logs", "request ids", idsFinding(entries, requestIds))]),
  ];
  return { checks: [...checks, found, ...rest], requestIds };
}

async function latest(
  { reader, container }: LogSource,
  nowMs: number,
  options: AskOptions,
): Promise<readonly LogLine[]> {
  const toNs = BigInt(Math.round(nowMs)) * 1_000_000n;
  const fromNs = toNs - BigInt(MINUTES) * 60_000_000_000n;
  const origin = container === false ? {} : { container };
  const lines: LogLine[] = [];
  for await (const page of reader.backend.entries({ origin, fromNs, toNs, order: "backward", limit: MOST }, options)) {
    lines.push(...page.entries);
    if (lines.length >= MOST) break;
  }
  return lines;
}

function linesFinding(lines: readonly LogLine[], { container }: LogSource): Finding {
  const found = { lines: lines.length };
  if (lines.length > 0) return { status: "ok", message: `there are lines of the last ${MINUTES} minutes`, found };
  const where = container === false ? "" : ` of the container ${container}`;
  const remedy =
    "set meshConfig.accessLogFile: /dev/stdout or a Telemetry resource with accessLogging, and ship the proxies' logs; where they are kept under another name, createMesh({ accessLog: { container } })";
  return { status: "warning", message: `there is no line${where} of the last ${MINUTES} minutes`, remedy, found };
}

function formatFinding(lines: readonly LogLine[], { reader }: LogSource): Finding {
  const unread = lines.filter(({ line }) => reader.parse(line).kind === "unparsed");
  const found = { lines: lines.length, unparsed: unread.length, example: unread[0]?.line };
  if (unread.length === 0) return { status: "ok", message: "every line can be read", found };
  const message = `${unread.length} of ${lines.length} lines are in no known format`;
  const remedy = "give the mesh's own: createMesh({ accessLog: { formats: [meshConfig.accessLogFormat] } })";
  return { status: unread.length === lines.length ? "failed" : "warning", message, remedy, found };
}

function labelsFinding(lines: readonly LogLine[]): Finding {
  const parts = ["namespace", "pod"] as const;
  const missing = parts.filter((part) => lines.every(({ origin }) => origin[part] === undefined));
  const found = { missing };
  if (missing.length === 0) return { status: "ok", message: "lines tell whose they are", found };
  const remedy = "name the labels under which they are kept: loki(url, { labels }) or elasticsearch(url, { fields })";
  return { status: "warning", message: `no line tells its ${missing.join(" or ")}`, remedy, found };
}

function idsFinding(entries: readonly AccessLogEntry[], ids: readonly string[]): Finding {
  const requests = entries.filter(({ isTcp }) => !isTcp).length;
  const found = {
    requests,
    withId: ids.length,
    withTraceId: entries.filter(({ traceId }) => traceId !== undefined).length,
  };
  if (requests === 0 || ids.length > 0) {
    return {
      status: "ok",
      message: `${ids.length} of ${requests} lines have their request's id, by which both sides' are joined`,
      found,
    };
  }
  const remedy = "write %REQ(X-REQUEST-ID)% into meshConfig.accessLogFormat, and %TRACE_ID% beside it";
  return {
    status: "warning",
    message: "no request has an id: lines of both sides, and traces, cannot be joined",
    remedy,
    found,
  };
}
