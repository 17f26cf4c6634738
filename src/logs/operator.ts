import { QueryError } from "../errors.ts";
import { FIELD, type Field } from "./fields.ts";
import { compileTimeFormat, type TimeFormat } from "./timestamp.ts";

/**
 * What a value may look like.
 *
 * `number`: digits. `token`: made by the proxy, without white space or quotes. `protocol`: one of those that begins
 * `HTTP/`. `details`: a token that may hold spaces between braces, as older proxies wrote them. `time`: one of those
 * in a known format. `any`: what callers or operators choose, quotes and spaces included.
 */
export type Shape = "any" | "details" | "number" | "protocol" | "time" | "token";

/** A command operator of an Envoy format, such as `%REQ(:METHOD)%`. */
export interface Operator {
  /** The text between the percent signs. */
  readonly text: string;
  /** What it fills; `undefined` when no field stands for it. */
  readonly field: Field | undefined;
  readonly shape: Shape;
  /** Of two operators for one field the one with the lower rank fills it. */
  readonly rank: number;
  readonly time: TimeFormat | undefined;
  /** The argument of `%START_TIME(…)%`. */
  readonly timeFormat: string | undefined;
}

/** A format string as literals and operators by turns: one more literal than operators, empty ones included. */
export interface FormatParts {
  readonly literals: readonly string[];
  readonly operators: readonly Operator[];
}

const OPERATOR = /%([A-Z][A-Z0-9_]*)(?:\((.*?)\))?(?::(\d+))?%/y;

/**
 * Takes an Envoy format string apart; any operator is tolerated, `%%` is a percent sign.
 *
 * @throws {QueryError} `code: "config"` when a percent sign begins no operator
 */
export function formatParts(format: string): FormatParts {
  const literals: string[] = [];
  const operators: Operator[] = [];
  let literal = "";
  for (let i = 0; i < format.length; i++) {
    if (format.charAt(i) !== "%") {
      literal += format.charAt(i);
      continue;
    }
    if (format.charAt(i + 1) === "%") {
      literal += "%";
      i++;
      continue;
    }
    OPERATOR.lastIndex = i;
    const match = OPERATOR.exec(format);
    if (match === null) {
      const shown = JSON.stringify(format.slice(i, i + 20));
      throw new QueryError("config", `log format: ${shown} is no command operator; write "%%" for a percent sign`);
    }
    literals.push(literal);
    literal = "";
    operators.push(operatorOf(match[0].slice(1, -1), match[1] ?? "", match[2]));
    i += match[0].length - 1;
  }
  literals.push(literal.replace(/\r?\n$/, ""));
  return { literals, operators };
}

type Known = readonly [field: Field | undefined, shape: Shape, rank?: number];

const PLAIN: Readonly<Record<string, Known>> = {
  BYTES_RECEIVED: [FIELD.bytesReceived, "number"],
  BYTES_SENT: [FIELD.bytesSent, "number"],
  CONNECTION_TERMINATION_DETAILS: [FIELD.terminationDetails, "details"],
  DOWNSTREAM_LOCAL_ADDRESS: [FIELD.downstreamLocal, "token"],
  DOWNSTREAM_LOCAL_URI_SAN: [FIELD.destinationPrincipal, "token", 1],
  DOWNSTREAM_PEER_URI_SAN: [FIELD.sourcePrincipal, "any"],
  DOWNSTREAM_REMOTE_ADDRESS: [FIELD.downstreamRemote, "token"],
  DURATION: [FIELD.duration, "number"],
  GRPC_STATUS: [FIELD.grpcStatus, "token", 1],
  GRPC_STATUS_NUMBER: [FIELD.grpcStatus, "number"],
  PATH: [FIELD.path, "any", 1],
  PROTOCOL: [FIELD.protocol, "protocol"],
  REQUESTED_SERVER_NAME: [FIELD.serverName, "any"],
  RESPONSE_CODE: [FIELD.code, "number"],
  RESPONSE_CODE_DETAILS: [FIELD.codeDetails, "details"],
  RESPONSE_FLAGS: [FIELD.flags, "token"],
  RESPONSE_FLAGS_LONG: [FIELD.flags, "token", 1],
  ROUTE_NAME: [FIELD.routeName, "any"],
  TRACE_ID: [FIELD.traceId, "token"],
  UPSTREAM_CLUSTER: [FIELD.cluster, "token", 1],
  UPSTREAM_CLUSTER_RAW: [FIELD.cluster, "token"],
  UPSTREAM_HOST: [FIELD.upstreamHost, "token"],
  UPSTREAM_LOCAL_ADDRESS: [FIELD.upstreamLocal, "token"],
  UPSTREAM_LOCAL_URI_SAN: [FIELD.sourcePrincipal, "token", 1],
  UPSTREAM_PEER_URI_SAN: [FIELD.destinationPrincipal, "any"],
  UPSTREAM_REMOTE_ADDRESS: [FIELD.upstreamHost, "token", 1],
  UPSTREAM_TRANSPORT_FAILURE_REASON: [FIELD.transportFailure, "any"],
};

const REQUEST_HEADERS: Readonly<Record<string, Known>> = {
  ":AUTHORITY": [FIELD.authority, "any"],
  ":METHOD": [FIELD.method, "token"],
  ":PATH": [FIELD.path, "any", 1],
  HOST: [FIELD.authority, "any", 1],
  TRACEPARENT: [FIELD.traceId, "any", 1],
  "USER-AGENT": [FIELD.userAgent, "any"],
  "X-B3-TRACEID": [FIELD.traceId, "any", 2],
  "X-ENVOY-ORIGINAL-PATH": [FIELD.path, "any"],
  "X-FORWARDED-FOR": [FIELD.forwardedFor, "any"],
  "X-REQUEST-ID": [FIELD.requestId, "any"],
};

const PEER_FIELDS: Readonly<Record<string, readonly [source: Field, destination: Field]>> = {
  cluster: [FIELD.sourceCluster, FIELD.destinationCluster],
  namespace: [FIELD.sourceNamespace, FIELD.destinationNamespace],
  service: [FIELD.sourceService, FIELD.destinationService],
  workload: [FIELD.sourceWorkload, FIELD.destinationWorkload],
};

function operatorOf(text: string, name: string, argument: string | undefined): Operator {
  if (name === "START_TIME" || name === "START_TIME_LOCAL") {
    const timeFormat = argument === "" ? undefined : argument;
    // A local time without its zone is no instant.
    const time =
      timeFormat === undefined || (name === "START_TIME_LOCAL" && !/%E?z|%s/.test(timeFormat))
        ? undefined
        : compileTimeFormat(timeFormat);
    const known = time !== undefined || (timeFormat === undefined && name === "START_TIME");
    return Object.freeze({
      text,
      field: known ? FIELD.startTime : undefined,
      shape: "time",
      rank: 0,
      time,
      timeFormat,
    });
  }
  const [field, shape, rank = 0] = knownOf(name, argument) ?? [undefined, "any"];
  return Object.freeze({ text, field, shape, rank, time: undefined, timeFormat: undefined });
}

function knownOf(name: string, argument = ""): Known | undefined {
  const [header = ""] = argument.toUpperCase().split("?");
  switch (name) {
    case "REQ":
      return own(REQUEST_HEADERS, header);
    case "REQ_WITHOUT_QUERY":
      return own(REQUEST_HEADERS, header)?.[0] === FIELD.path ? [FIELD.path, "any", 2] : undefined;
    case "RESP":
      if (header === "X-ENVOY-UPSTREAM-SERVICE-TIME") return [FIELD.serviceTime, "number"];
      return header === "GRPC-STATUS" ? [FIELD.grpcStatus, "any", 3] : undefined;
    case "TRAILER":
      return header === "GRPC-STATUS" ? [FIELD.grpcStatus, "any", 2] : undefined;
    case "FILTER_STATE": {
      const [, side, part = ""] = /^(downstream_peer|upstream_peer):FIELD:([a-z]+)$/.exec(argument) ?? [];
      const field = own(PEER_FIELDS, part)?.[side === "downstream_peer" ? 0 : 1];
      return field === undefined ? undefined : [field, "any"];
    }
    default:
      return own(PLAIN, name);
  }
}

const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined;

/** Which operators fill which field: the first of the lowest rank; every other one is left to `extra`. */
export function filledBy(operators: readonly Operator[]): ReadonlyMap<Field, number> {
  const best = new Map<Field, number>();
  for (const [i, { field, rank }] of operators.entries()) {
    if (field === undefined) continue;
    const other = best.get(field);
    if (other === undefined || rank < (operators[other]?.rank ?? 0)) best.set(field, i);
  }
  return best;
}
