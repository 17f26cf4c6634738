import type { AsyncLocalStorage } from "node:async_hooks";
import type { Agent, AgentOptions } from "node:https";
import type { ConnectionOptions } from "node:tls";
import { onAbort } from "./abort.ts";
import { TUNNEL_REFUSED } from "./failure.ts";
import type { HttpProxy } from "./proxy.ts";

/** Connections through a proxy that are kept and reused like any others; the other side's TLS begins within the tunnel. */
export interface Tunnel {
  readonly agent: Agent;
  /** Runs what sends a request, so that its abort also ends a tunnel that is still being made for it. */
  within<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T>;
}

type Callback = (error: Error | null, socket?: unknown) => void;

/**
 * An agent whose connections are tunnels of an HTTP CONNECT.
 *
 * @param options of the connections to the other side, its authorities and a client's certificate included
 * @see RFC 9110, 9.3.6
 */
export async function tunnel(proxy: HttpProxy, options: AgentOptions): Promise<Tunnel> {
  const [http, https, tls, { AsyncLocalStorage }] = await Promise.all([
    import("node:http"),
    import("node:https"),
    import("node:tls"),
    import("node:async_hooks"),
  ]);
  const asking: AsyncLocalStorage<AbortSignal> = new AsyncLocalStorage();
  const { host, port, authorization } = proxy;
  const headers = authorization === undefined ? {} : { "proxy-authorization": authorization };

  const createConnection = (to: ConnectionOptions, callback: Callback): void => {
    const target = `${to.host?.includes(":") ? `[${to.host}]` : to.host}:${to.port}`;
    const { request } = proxy.secure ? https : http;
    const asked = request({
      ...{ host, port, method: "CONNECT", path: target, agent: false },
      headers: { ...headers, host: target },
    });
    const signal = asking.getStore();
    const forget = signal && onAbort(signal, () => asked.destroy());
    asked.once("error", (error) => {
      forget?.();
      callback(error);
    });
    asked.once("connect", (answer, socket) => {
      forget?.();
      const { statusCode = 0 } = answer;
      if (statusCode >= 200 && statusCode < 300) return callback(null, tls.connect({ ...to, socket }));
      socket.destroy();
      const said = `${statusCode} ${answer.statusMessage ?? ""}`.trim();
      return callback(Object.assign(new Error(said), { code: TUNNEL_REFUSED }));
    });
    asked.end();
  };
  const agent = Object.assign(new https.Agent(options), { createConnection });
  return { agent, within: (signal, task) => asking.run(signal, task) };
}
