import type { LogLine } from "../../logs/backend.ts";
import type { AskOptions } from "../../time.ts";
import type { LogSource } from "../log-scope.ts";
import { type Check, checked, type Finding, looked } from "./check.ts";

const MINUTES = 15;
const MOST = 200;

/** Looks at the backend of access logs: is it there, are lines in it, and can they be read? */
export async function logsChecks(
  source: LogSource | undefined,
  now: () => number,
  options: AskOptions,
): Promise<readonly Check[]> {
  if (source === undefined) {
    return [
      checked("logs", "reachable", {
        status: "skipped",
        message: "the mesh has no backend for logs",
        remedy: 'createMesh({ logs: loki("http://loki:3100") })',
      }),
    ];
  }
  let lines: readonly LogLine[] = [];
  const reachable = await looked("logs", "reachable", async () => {
    lines = await latest(source, now(), options);
    return { status: "ok", message: "it answers" };
  });
  if (reachable.status === "failed") return [reachable];
  const found = checked("logs", "lines", linesFinding(lines, source));
  if (lines.length === 0) return [reachable, found];
  return [
    reachable,
    found,
    checked("logs", "format", formatFinding(lines, source)),
    checked("logs", "labels", labelsFinding(lines)),
  ];
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
