import { createServer } from "node:https";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HttpOptions, httpClient } from "../../src/http/client.ts";
import { type Certificate, selfSigned } from "./certificate.ts";
import { answering, type Listener, listen } from "./listener.ts";

const get = { method: "GET", path: "/x", idempotent: true } as const;
let certificate: Certificate;
let client: Certificate;
let server: Listener;
let strict: Listener;

beforeAll(async () => {
  certificate = selfSigned("prometheus.test");
  client = selfSigned("client.test");
  server = await listen(
    createServer(certificate, (_, response) => response.end("ok")),
    "https",
  );
  strict = await listen(
    createServer({ ...certificate, ca: client.cert, requestCert: true, maxVersion: "TLSv1.2" }, (_, response) =>
      response.end("ok"),
    ),
    "https",
  );
});
afterAll(() => Promise.all([server.close(), strict.close()]));

const ask = (url: string, tls?: HttpOptions["tls"]) => httpClient("prometheus", url, tls && { tls }).send(get);

test("a certificate nobody vouches for is refused at once, and the message names tls.ca", async () => {
  const before = server.opened();
  await expect(ask(server.url)).rejects.toMatchObject({
    name: "TransportError",
    code: "tls",
    retryable: false,
    message: expect.stringMatching(/self-signed.*tls\.ca/),
  });
  expect(server.opened() - before).toBe(1);
});

test("a certificate given as tls.ca is trusted for the name given as tls.serverName", async () => {
  const tls = { ca: certificate.cert, serverName: "prometheus.test" };
  await expect(ask(server.url, tls)).resolves.toMatchObject({ status: 200 });
  await expect(ask(server.url, { ...tls, ca: Buffer.from(certificate.cert) })).resolves.toMatchObject({ status: 200 });
});

test("a certificate for another name is refused, and the message names tls.serverName", async () => {
  await expect(ask(server.url, { ca: certificate.cert })).rejects.toMatchObject({
    code: "tls",
    message: expect.stringMatching(/another name.*127\.0\.0\.1.*tls\.serverName/),
  });
});

test("tls.insecure accepts any certificate", async () => {
  await expect(ask(server.url, { insecure: true })).resolves.toMatchObject({ status: 200 });
});

test("a client's certificate is sent, and asked for where it is missing", async () => {
  const tls = { ca: certificate.cert, serverName: "prometheus.test" };
  await expect(ask(strict.url, { ...tls, ...client })).resolves.toMatchObject({ status: 200 });
  await expect(ask(strict.url, tls)).rejects.toMatchObject({
    code: "tls",
    message: expect.stringMatching(/tls\.cert/),
  });
});

test("PEM that is none is named, without its content", async () => {
  await expect(ask(server.url, { cert: "canary", key: "canary" })).rejects.toMatchObject({
    code: "tls",
    message: expect.stringMatching(/^(?!.*canary).*PEM.*tls\.cert, tls\.key/),
  });
});

test("http to a server that speaks TLS asks whether https was meant", async () => {
  await expect(ask(server.url.replace("https", "http"))).rejects.toMatchObject({
    code: "reset",
    message: expect.stringContaining("https://"),
  });
});

test("https to a server that speaks plain HTTP says to write http", async () => {
  const plain = await answering((_, response) => response.end("ok"));
  await expect(ask(plain.url.replace("http", "https"))).rejects.toMatchObject({
    code: "tls",
    message: expect.stringContaining("write http://"),
  });
  await plain.close();
});
