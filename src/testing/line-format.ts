/** What a line says, under the names that Istio's JSON format gives it; what is missing is nothing. */
export interface LineFields {
  readonly start_time: string;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
  readonly protocol?: string | undefined;
  readonly response_code: string;
  readonly response_flags: string;
  readonly response_code_details?: string | undefined;
  readonly upstream_transport_failure_reason?: string | undefined;
  readonly bytes_received: string;
  readonly bytes_sent: string;
  readonly duration: string;
  readonly upstream_service_time?: string | undefined;
  readonly x_forwarded_for?: string | undefined;
  readonly user_agent?: string | undefined;
  readonly request_id?: string | undefined;
  readonly authority?: string | undefined;
  readonly upstream_host?: string | undefined;
  readonly upstream_cluster?: string | undefined;
  readonly upstream_local_address?: string | undefined;
  readonly downstream_local_address?: string | undefined;
  readonly downstream_remote_address?: string | undefined;
  readonly requested_server_name?: string | undefined;
  readonly route_name?: string | undefined;
}

/**
 * A line of an access log as Istio writes it when nothing else is configured: in its text format or as JSON.
 *
 * @see Istio, "Default access log format"
 */
export const lineText = (fields: LineFields, format: "json" | "text"): string =>
  format === "json" ? jsonOf(fields) : textOf(fields);

function textOf(fields: LineFields): string {
  const bare = (value: string | undefined): string => value ?? "-";
  const quoted = (value: string | undefined): string => `"${value ?? "-"}"`;
  return [
    `[${fields.start_time}]`,
    `"${bare(fields.method)} ${bare(fields.path)} ${bare(fields.protocol)}"`,
    fields.response_code,
    fields.response_flags,
    bare(fields.response_code_details),
    "-",
    quoted(fields.upstream_transport_failure_reason),
    fields.bytes_received,
    fields.bytes_sent,
    fields.duration,
    bare(fields.upstream_service_time),
    quoted(fields.x_forwarded_for),
    quoted(fields.user_agent),
    quoted(fields.request_id),
    quoted(fields.authority),
    quoted(fields.upstream_host),
    bare(fields.upstream_cluster),
    bare(fields.upstream_local_address),
    bare(fields.downstream_local_address),
    bare(fields.downstream_remote_address),
    bare(fields.requested_server_name),
    bare(fields.route_name),
  ].join(" ");
}

const NAMES = [
  "authority",
  "bytes_received",
  "bytes_sent",
  "connection_termination_details",
  "downstream_local_address",
  "downstream_remote_address",
  "duration",
  "method",
  "path",
  "protocol",
  "request_id",
  "requested_server_name",
  "response_code",
  "response_code_details",
  "response_flags",
  "route_name",
  "start_time",
  "upstream_cluster",
  "upstream_host",
  "upstream_local_address",
  "upstream_service_time",
  "upstream_transport_failure_reason",
  "user_agent",
  "x_forwarded_for",
] as const;
const NUMBERS: ReadonlySet<string> = new Set(["bytes_received", "bytes_sent", "duration", "response_code"]);

/** With the fields in the order of their names, as Envoy writes them. */
function jsonOf(fields: LineFields): string {
  const members = NAMES.map((name) => {
    const value = name === "connection_termination_details" ? undefined : fields[name];
    return `"${name}":${value === undefined ? "null" : NUMBERS.has(name) ? value : `"${escaped(value)}"`}`;
  });
  return `{${members.join(",")}}`;
}

const escaped = (text: string): string => text.replace(/["\\]/g, "\\$&");
