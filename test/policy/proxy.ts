/** One Envoy that stands before many workloads at once, each behind a listener with the policies that hold for it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { connect as connectTls } from "node:tls";
import { identityOf, issueCertificates, rootCertificate } from "../mesh/certificates.ts";
import { install } from "../mesh/install.ts";
import type { Json, JsonObject } from "../mesh/json.ts";
import { start, stop, until } from "../mesh/processes.ts";
import { DESTINATION_IP, type GeneratedRequest, IDENTITIES, type Setting, TCP_PORT } from "./generated.ts";
import { customFilters, MATCHED_CUSTOM, portMode, rbacFilters } from "./translation.ts";

/** What came back: an answer of the app, or a refusal with Envoy's own words, or no connection at all. */
export type Outcome =
  /** `custom`: the rule by which a provider was asked. */
  | { readonly kind: "answered"; readonly path: string; readonly custom?: string | undefined }
  | { readonly kind: "closed" }
  | { readonly kind: "refused"; readonly details: string };

export interface PolicyProxy {
  /** Sends a request to the workload of a setting, by its place. */
  send(setting: number, request: GeneratedRequest): Promise<Outcome>;
  stop(): Promise<void>;
}

const typeUrl = "type.googleapis.com/envoy";
const PORTS = [7070, 8080, 9000] as const;

/** @param authorizer the port of who answers for every provider, over HTTP */
export async function startProxy(settings: readonly Setting[], authorizer = 0): Promise<PolicyProxy> {
  const { envoy } = await install({ tracing: false, logging: false });
  const directory = mkdtempSync(path.join(tmpdir(), "meshquery-policy-"));
  const at = (name: string) => path.join(directory, name);
  await issueCertificates(directory, { ...IDENTITIES, server: "spiffe://cluster.local/ns/shop/sa/orders" });
  const config = {
    admin: { address: address(0) },
    static_resources: {
      listeners: settings.map((setting, i) => listener(`${i}`, setting, directory)),
      clusters: [
        {
          name: AUTHORIZER,
          load_assignment: {
            cluster_name: AUTHORIZER,
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(authorizer) } }] }],
          },
        },
      ],
    },
  };
  writeFileSync(at("envoy.json"), JSON.stringify(config));
  const args = [
    "-c",
    at("envoy.json"),
    "--use-dynamic-base-id",
    "--concurrency",
    "1",
    "--admin-address-path",
    at("admin"),
  ];
  const started = await start("envoy", envoy, [...args, "--log-level", "warning"], at("output.txt"));
  const end = async () => {
    await stop([started]);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const ports = new Map<string, number>();
    await until("Envoy to listen", 60_000, async () => {
      const answer = await fetch(`http://${readFileSync(at("admin"), "utf8")}/listeners?format=json`);
      const { listener_statuses: all = [] } = (await answer.json()) as ListenerStatuses;
      for (const { name, local_address } of all) ports.set(name, local_address.socket_address.port_value);
      return ports.size === settings.length;
    });
    return {
      stop: end,
      send: (i, request) => send(ports.get(`${i}`) ?? 0, settings[i] as Setting, request, directory),
    };
  } catch (cause) {
    const output = readFileSync(at("output.txt"), "utf8");
    await end();
    throw new Error(`Envoy did not start: ${output.slice(-2000)}`, { cause });
  }
}

interface ListenerStatuses {
  readonly listener_statuses?: readonly {
    readonly name: string;
    readonly local_address: { readonly socket_address: { readonly port_value: number } };
  }[];
}

const address = (port: number): JsonObject => ({ socket_address: { address: "127.0.0.1", port_value: port } });

function listener(name: string, setting: Setting, directory: string): Json {
  return {
    name,
    address: address(0),
    listener_filters: [
      {
        // Gives the connection the workload's address and port, which only the policies look at.
        name: "envoy.filters.listener.proxy_protocol",
        typed_config: { "@type": `${typeUrl}.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol` },
      },
      {
        name: "envoy.filters.listener.tls_inspector",
        typed_config: { "@type": `${typeUrl}.extensions.filters.listener.tls_inspector.v3.TlsInspector` },
      },
    ],
    filter_chains: PORTS.flatMap((port) => chains(setting, port, directory)),
  };
}

function chains(setting: Setting, port: number, directory: string): Json[] {
  const mode = portMode(setting, port);
  const filters = port === TCP_PORT ? tcpFilters(setting) : httpFilters(setting);
  const chain = (transport: "raw_buffer" | "tls"): Json => ({
    filter_chain_match: { destination_port: port, transport_protocol: transport },
    filters,
    ...(transport === "tls" && { transport_socket: mutualTls(directory) }),
  });
  return [...(mode === "DISABLE" ? [] : [chain("tls")]), ...(mode === "STRICT" ? [] : [chain("raw_buffer")])];
}

const AUTHORIZER = "authorizer";
/** A provider that is asked over HTTP, and sees the header that says what it is to answer. */
const ASKING: JsonObject = {
  transport_api_version: "V3",
  http_service: { server_uri: { uri: "http://authorizer", cluster: AUTHORIZER, timeout: "10s" } },
  allowed_headers: { patterns: [{ exact: "x-grant" }] },
};

function httpFilters(setting: Setting): Json[] {
  const { pathNormalization } = setting;
  const filter = (kind: "ext_authz" | "rbac", type: "ExtAuthz" | "RBAC", config: JsonObject): Json => ({
    name: `envoy.filters.http.${kind}`,
    typed_config: { "@type": `${typeUrl}.extensions.filters.http.${kind}.v3.${type}`, ...config },
  });
  return [
    {
      name: "envoy.filters.network.http_connection_manager",
      typed_config: {
        "@type": `${typeUrl}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
        stat_prefix: "inbound",
        normalize_path: pathNormalization !== "NONE",
        merge_slashes: pathNormalization.endsWith("MERGE_SLASHES"),
        path_with_escaped_slashes_action: pathNormalization.startsWith("DECODE")
          ? "UNESCAPE_AND_FORWARD"
          : "KEEP_UNCHANGED",
        local_reply_config: { body_format: { text_format_source: { inline_string: "%RESPONSE_CODE_DETAILS%" } } },
        route_config: {
          response_headers_to_add: [
            { header: { key: "x-path", value: "%REQ(:PATH)%" } },
            { header: { key: "x-custom", value: `%DYNAMIC_METADATA(envoy.filters.http.rbac:${MATCHED_CUSTOM})%` } },
          ],
          virtual_hosts: [
            {
              name: "app",
              domains: ["*"],
              routes: [{ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: "app" } } }],
            },
          ],
        },
        http_filters: [
          ...customFilters(setting, ASKING).map(({ ext_authz, rbac }) =>
            ext_authz === undefined
              ? filter("rbac", "RBAC", rbac as JsonObject)
              : filter("ext_authz", "ExtAuthz", ext_authz as JsonObject),
          ),
          ...rbacFilters(setting, false).map((rules) => filter("rbac", "RBAC", { rules })),
          {
            name: "envoy.filters.http.router",
            typed_config: { "@type": `${typeUrl}.extensions.filters.http.router.v3.Router` },
          },
        ],
      },
    },
  ];
}

function tcpFilters(setting: Setting): Json[] {
  return [
    ...rbacFilters(setting, true).map((rules) => ({
      name: "envoy.filters.network.rbac",
      typed_config: { "@type": `${typeUrl}.extensions.filters.network.rbac.v3.RBAC`, stat_prefix: "tcp", rules },
    })),
    {
      name: "envoy.filters.network.echo",
      typed_config: { "@type": `${typeUrl}.extensions.filters.network.echo.v3.Echo` },
    },
  ];
}

function mutualTls(directory: string): Json {
  const own = identityOf(directory, "server");
  return {
    name: "envoy.transport_sockets.tls",
    typed_config: {
      "@type": `${typeUrl}.extensions.transport_sockets.tls.v3.DownstreamTlsContext`,
      require_client_certificate: true,
      common_tls_context: {
        tls_certificates: [{ certificate_chain: { filename: own.certificate }, private_key: { filename: own.key } }],
        validation_context: { trusted_ca: { filename: rootCertificate(directory) } },
      },
    },
  };
}

const PATIENCE_MS = 10_000;
/** Long enough that Envoy sees that it is no TLS. */
const PING = "ping from a caller";

function send(port: number, setting: Setting, request: GeneratedRequest, directory: string): Promise<Outcome> {
  const { identity, ip, clientIp, port: workloadPort, serverName } = request;
  const isTcp = workloadPort === TCP_PORT;
  // As a sidecar does by itself: no mutual TLS where the callee's port takes none.
  const isSecured = identity !== undefined && portMode(setting, workloadPort) !== "DISABLE";
  return new Promise((resolve, reject) => {
    const plain = connect({ host: "127.0.0.1", port, localAddress: ip });
    let received = "";
    const finish = () => {
      plain.destroy();
      resolve(outcomeOf(received, isTcp));
    };
    const use = (socket: NodeJS.ReadWriteStream) => {
      socket.on("data", (chunk: Buffer) => {
        received += chunk.toString("latin1");
        if (isTcp || isWhole(received)) finish();
      });
      socket.write(isTcp ? PING : requestText(request));
    };
    plain.setTimeout(PATIENCE_MS, () => {
      plain.destroy();
      reject(new Error(`no outcome within ${PATIENCE_MS} ms: ${JSON.stringify(request)}`));
    });
    plain.on("error", finish);
    plain.on("close", finish);
    plain.once("connect", () => {
      plain.write(`PROXY TCP4 ${clientIp} ${DESTINATION_IP} 51000 ${workloadPort}\r\n`);
      if (!isSecured) return use(plain);
      const { certificate, key } = identityOf(directory, identity);
      const secure = connectTls({
        socket: plain,
        cert: readFileSync(certificate),
        key: readFileSync(key),
        ca: readFileSync(rootCertificate(directory)),
        checkServerIdentity: () => undefined,
        ...(serverName !== undefined && { servername: serverName }),
      });
      secure.on("error", finish);
      secure.once("secureConnect", () => use(secure));
    });
  });
}

function requestText({ method, path: target, host, headers }: GeneratedRequest): string {
  const lines = Object.entries({ host, connection: "close", "content-length": "0", ...headers });
  return `${method} ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/** Envoy keeps a connection open for a while after its answer. */
function isWhole(received: string): boolean {
  const length = /^content-length: (\d+)\r$/im.exec(received)?.[1];
  const end = received.indexOf("\r\n\r\n");
  return length !== undefined && end !== -1 && received.length >= end + 4 + Number(length);
}

function outcomeOf(received: string, isTcp: boolean): Outcome {
  if (isTcp) return received === PING ? { kind: "answered", path: "" } : { kind: "closed" };
  const status = /^HTTP\/1\.1 (\d{3})/.exec(received)?.[1];
  if (status === undefined) return { kind: "closed" };
  const [head = "", body = ""] = received.split("\r\n\r\n");
  if (status === "200") {
    const header = (name: string) => new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1]?.trim();
    return { kind: "answered", path: header("x-path") ?? "", custom: header("x-custom") };
  }
  if (status === "403") return { kind: "refused", details: body };
  throw new Error(`an answer that no policy gives: ${received}`);
}
