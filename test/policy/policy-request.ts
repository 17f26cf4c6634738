/** What a generated request is to the library: all of it known. */
import type { PolicyRequest } from "../../src/mesh/policy/request.ts";
import { DESTINATION_IP, type GeneratedDestination, type GeneratedRequest, IDENTITIES, TCP_PORT } from "./generated.ts";

export function policyRequest(sent: GeneratedRequest, destination: GeneratedDestination): PolicyRequest {
  const { port, identity, method, path, host, headers, ip, clientIp, serverName } = sent;
  return {
    protocol: port === TCP_PORT ? "tcp" : "http",
    security: identity === undefined ? "none" : "mutual_tls",
    source: { principal: identity === undefined ? null : IDENTITIES[identity], ip, remoteIp: clientIp },
    destination: { ...destination, port, ip: DESTINATION_IP },
    method,
    path,
    host,
    headers: { "x-team": headers["x-team"] ?? null, "user-agent": headers["user-agent"] ?? null },
    serverName: identity === undefined ? null : (serverName ?? null),
    claims: null,
  };
}
