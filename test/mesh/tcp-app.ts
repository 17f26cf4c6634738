/** A TCP ledger: the client says in 8 bytes how much it sends in all and how much it wants back. */
import { connect, createServer, type Server } from "node:net";
import { silenceMs } from "./http-client.ts";
import { type Ending, type Journal, nowMs } from "./journal.ts";
import { localAddress, type Workload } from "./topology.ts";

const headerBytes = 8;

/** Calls carry no name over TCP: a connection is known by its sizes and its time. */
export async function startTcpApp(workload: Workload, journal: Journal): Promise<Server> {
  const server = createServer((socket) => {
    const startMs = nowMs();
    let received = 0;
    let header = Buffer.alloc(0);
    let responseBytes = 0;
    socket.on("data", (chunk) => {
      received += chunk.length;
      if (header.length < headerBytes) header = Buffer.concat([header, chunk]).subarray(0, headerBytes);
      if (header.length === headerBytes && received === header.readUInt32BE(0)) {
        responseBytes = header.readUInt32BE(4);
        socket.end(Buffer.alloc(responseBytes, "l"));
      }
    });
    socket.on("error", () => {});
    socket.on("close", (hadError) => {
      journal.append({
        side: "received",
        service: workload.serves ?? workload.name,
        protocol: "tcp",
        call: "",
        path: "",
        startMs,
        endMs: nowMs(),
        ended: hadError ? "broken" : "complete",
        code: 0,
        requestBytes: received,
        responseBytes,
        servedBy: `${workload.name}/${workload.version}`,
      });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(workload.ports.app, localAddress, resolve);
  });
  return server;
}

export interface TcpCall {
  readonly journal: Journal;
  readonly port: number;
  readonly service: string;
  readonly call: string;
  readonly sendBytes: number;
  readonly bytes: number;
}

/** Never rejects: resolves to how many bytes came back. */
export function sendTcp(options: TcpCall): Promise<number> {
  const startMs = nowMs();
  const request = Buffer.alloc(Math.max(headerBytes, options.sendBytes), "l");
  request.writeUInt32BE(request.length, 0);
  request.writeUInt32BE(options.bytes, 4);
  return new Promise((resolve) => {
    const socket = connect({ host: localAddress, port: options.port });
    let responseBytes = 0;
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.on("connect", () => socket.write(request));
    socket.on("data", (chunk) => {
      responseBytes += chunk.length;
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      const ended: Ending = responseBytes === options.bytes ? "complete" : "broken";
      options.journal.append({
        side: "sent",
        service: options.service,
        protocol: "tcp",
        call: options.call,
        path: "",
        startMs,
        endMs: nowMs(),
        ended,
        code: 0,
        requestBytes: request.length,
        responseBytes,
      });
      resolve(responseBytes);
    });
  });
}
