import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A server on the loopback that answers every question wrongly, in the way that the first part of the path names. */
export interface FaultyServer {
  readonly url: string;
  readonly tlsUrl: string;
  close(): void;
}

const EMPTY = '{"status":"success","data":{"resultType":"vector","result":[]}}';

const json = (response: ServerResponse, status: number, body: string): void => {
  response.writeHead(status, { "content-type": "application/json" }).end(body);
};

const failure = (errorType: string, error: string): string => JSON.stringify({ status: "error", errorType, error });

const ANSWERS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  "bad-query": (response) => json(response, 400, failure("bad_data", 'invalid parameter "query": unknown function')),
  execution: (response) => json(response, 422, failure("execution", "query processing would load too many samples")),
  timeout: (response) => json(response, 503, failure("timeout", "query timed out in expression evaluation")),
  canceled: (response) => json(response, 503, failure("canceled", "query was canceled")),
  starting: (response) => response.writeHead(503, { "content-type": "text/plain" }).end("Service Unavailable"),
  busy: (response) => response.writeHead(429, { "content-type": "text/plain", "retry-after": "30" }).end("too many"),
  locked: (response) => response.writeHead(401, { "content-type": "text/plain" }).end("Unauthorized"),
  forbidden: (response) => response.writeHead(403, { "content-type": "text/plain" }).end("Forbidden"),
  elsewhere: (response) => response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found"),
  moved: (response) => response.writeHead(302, { location: "https://login.example/?next=prometheus" }).end(),
  broken: (response) => json(response, 500, failure("internal", "opening storage failed")),
  teapot: (response) => response.writeHead(418, { "content-type": "text/plain" }).end("I'm a teapot"),
  login: (response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>Please log in</html>"),
  other: (response) => json(response, 200, '{"hits":{"total":0}}'),
  garbled: (response) => json(response, 200, '{"status":"success","data":{"resultType":"vector","result":[}}'),
  cut: (response) => json(response, 200, EMPTY.slice(0, 40)),
  partial: (response) => json(response, 200, EMPTY.replace("{", '{"warnings":["store 10.0.0.7 is unreachable"],')),
  gone: (response) => response.destroy(),
  silent: () => {},
};

/** Starts it. */
export async function startFaultyServer(): Promise<FaultyServer> {
  const server = createServer((request, response) => {
    request.resume();
    const [, way = ""] = request.url?.split("/") ?? [];
    const answer = ANSWERS[way];
    if (answer === undefined) json(response, 200, EMPTY);
    else answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    tlsUrl: `https://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
