/** What the access logs must say, reckoned from the same reports as the counters: one report, one line. */
import type { Exchange } from "./journal.ts";
import type { Report, ReportLabels } from "./report.ts";

export interface LoggedLine extends ReportLabels {
  /** Name of the driver's call behind it. */
  readonly call: string;
  /** Absent where nobody but proxies knows it: no app saw the request. */
  readonly requestId?: string;
  /** With its query; empty for TCP. */
  readonly path: string;
  readonly startMs: number;
  /** Between what the proxy's own duration lies. */
  readonly boundsMs: readonly [least: number, most: number];
  /** Body bytes that arrived and that went back, where the exchange ended as it should. */
  readonly bytes?: { readonly received: number; readonly sent: number };
}

/** In order of time. */
export function loggedLines(exchanges: readonly Exchange[], reports: readonly Report[]): LoggedLine[] {
  const ids = new Map(exchanges.flatMap(({ call, requestId }) => (requestId === undefined ? [] : [[call, requestId]])));
  return reports
    .map(({ labels, exchange, boundsMs }): LoggedLine => {
      const { call, path, startMs, ended, requestBytes: received, responseBytes: sent } = exchange;
      const requestId = labels.protocol === "tcp" ? undefined : ids.get(call);
      return {
        ...labels,
        call,
        ...(requestId !== undefined && { requestId }),
        path: labels.protocol === "tcp" ? "" : path,
        startMs,
        boundsMs,
        ...(ended === "complete" && { bytes: { received, sent } }),
      };
    })
    .sort((a, b) => a.startMs - b.startMs);
}
