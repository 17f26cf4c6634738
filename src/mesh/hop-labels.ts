import { QueryError } from "../errors.ts";
import type { Matcher } from "../promql/index.ts";
import type { Hop, HopEnd } from "../traces/hop.ts";

/**
 * The labels that Istio's metrics would give a hop, as far as its spans show them. A label that they do not show reads
 * as `""`, as a missing label does.
 */
export function hopLabels(hop: Hop): Readonly<Record<string, string>> {
  const { source, destination } = hop;
  return {
    ...endLabels("source", source),
    ...endLabels("destination", destination),
    destination_service: destination.host ?? "",
    destination_service_name: destination.host?.split(".", 1)[0] ?? destination.service ?? "",
    request_protocol: hop.protocol ?? "",
    response_code: hop.code === undefined ? "" : String(hop.code),
    grpc_response_status: hop.grpcStatus === undefined ? "" : String(hop.grpcStatus),
    response_flags: hop.flags.length === 0 ? "-" : hop.flags.join(","),
    connection_security_policy: hop.mtls === undefined ? "unknown" : hop.mtls ? "mutual_tls" : "none",
  };
}

function endLabels(side: "destination" | "source", end: HopEnd): Record<string, string> {
  return {
    [`${side}_workload`]: end.workload ?? "unknown",
    [`${side}_workload_namespace`]: end.namespace ?? "unknown",
    [`${side}_canonical_service`]: end.service ?? "",
    [`${side}_app`]: end.app ?? "",
    [`${side}_version`]: end.version ?? "",
    [`${side}_cluster`]: end.cluster ?? "",
    [`${side}_principal`]: end.principal ?? "",
  };
}

/** A test of labels, compiled once. */
export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

/**
 * A test that a hop's labels hold all matchers, by PromQL's meaning of them.
 *
 * @throws {QueryError} `code: "label"` for a label that no trace shows
 */
export function labelTest(matchers: readonly Matcher[]): LabelTest {
  const tests = matchers.map(testOf);
  return (labels) => tests.every((holds) => holds(labels));
}

const SHOWN: ReadonlySet<string> = new Set(
  Object.keys(hopLabels({ source: {}, destination: {}, flags: [] } as unknown as Hop)),
);

function testOf({ label, op, value }: Matcher): LabelTest {
  if (!SHOWN.has(label)) {
    throw new QueryError("label", `traces: no trace shows the label ${label}; leave that condition to the metrics`);
  }
  const wanted = op === "=" || op === "=~";
  if (op === "=" || op === "!=") return (labels) => ((labels[label] ?? "") === value) === wanted;
  const pattern = javascriptOf(value);
  return (labels) => pattern.test(labels[label] ?? "") === wanted;
}

/** The JavaScript pattern of an RE2 text that was itself made from one, for the whole value. */
function javascriptOf(re2: string): RegExp {
  const [, flags = "", source = ""] = /^(?:\(\?([is]+)\))?([\s\S]*)$/.exec(re2) ?? [];
  const text = source.replaceAll("(?P<", "(?<").replace(/\\x\{([0-9a-f]+)\}/gi, "\\u{$1}");
  return new RegExp(`^(?:${text})$`, `${[...new Set(`${flags}s`)].join("")}u`);
}
