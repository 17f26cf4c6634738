import { createServer, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { type Listener, listen } from "./listener.ts";

/** What a proxy saw of one request. */
export interface Proxied {
  readonly method: string;
  /** The host and port of a tunnel, or the whole URL. */
  readonly target: string;
  readonly headers: IncomingMessage["headers"];
}

/** A forward proxy on the loopback, which tunnels on CONNECT and passes on what it is given in clear. */
export interface ProxyServer extends Listener {
  readonly seen: readonly Proxied[];
}

interface ProxyOptions {
  /** `user:password` that it asks for. */
  readonly credentials?: string;
  /** Whether it answers no CONNECT. */
  readonly deaf?: boolean;
  /** What it says once it has made a tunnel. */
  readonly status?: string;
}

export async function proxyServer({
  credentials,
  deaf = false,
  status = "200 Connection Established",
}: ProxyOptions = {}) {
  const seen: Proxied[] = [];
  const isAllowed = ({ headers }: IncomingMessage) =>
    credentials === undefined || headers["proxy-authorization"] === `Basic ${btoa(credentials)}`;
  const note = ({ method = "", url = "", headers }: IncomingMessage) => seen.push({ method, target: url, headers });
  const server = createServer((incoming, response) => {
    note(incoming);
    if (!isAllowed(incoming))
      return void response.writeHead(407, { "proxy-authenticate": "Basic" }).end("who are you?");
    const { "proxy-authorization": _, ...headers } = incoming.headers;
    const onward = request(incoming.url ?? "", { method: incoming.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  });
  server.on("connect", (incoming, socket, head) => {
    note(incoming);
    if (deaf) return void socket.resume().on("end", () => socket.destroy());
    if (!isAllowed(incoming)) {
      return void socket.end("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n");
    }
    const [host = "", port = ""] = (incoming.url ?? "").split(":");
    const onward = connect(Number(port), host, () => {
      socket.write(`HTTP/1.1 ${status}\r\n\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  return { ...(await listen(server)), seen } satisfies ProxyServer;
}
