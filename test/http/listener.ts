import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createSocketServer, type Server, type Socket } from "node:net";

/** A real server on a free port of 127.0.0.1, for what no mock of the network does. */
export interface Listener {
  readonly url: string;
  readonly port: number;
  /** Connections opened so far. */
  readonly opened: () => number;
  /** Connections open now. */
  readonly open: () => number;
  /** Resolves when no connection is open any more. */
  allClosed(): Promise<void>;
  close(): Promise<void>;
}

/** Answers over HTTP. */
export const answering = (handler: RequestListener): Promise<Listener> => listen(createServer(handler));

/** Does with the bare connection what it likes. */
export const accepting = (handler: (socket: Socket) => void): Promise<Listener> =>
  listen(
    createSocketServer((socket) => {
      handler(socket);
      // Who does not read does not learn that the other side has left.
      socket.resume();
    }),
  );

/** Starts `server`, whose connections are counted. */
export async function listen(server: Server, scheme = "http"): Promise<Listener> {
  const sockets = new Set<Socket>();
  let opened = 0;
  server.on("connection", (socket: Socket) => {
    opened++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    port,
    opened: () => opened,
    open: () => sockets.size,
    allClosed: async () => {
      while (sockets.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const listener = await accepting(() => {});
  await listener.close();
  return listener.port;
}
