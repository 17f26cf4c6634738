import { createServer } from "node:https";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type HttpOptions, httpClient } from "../../src/http/client.ts";
import { proxyTo } from "../../src/http/proxy.ts";
import { parseBaseUrl } from "../../src/http/url.ts";
import { type Certificate, selfSigned } from "./certificate.ts";
import { answering, freePort, type Listener, listen } from "./listener.ts";
import { type ProxyServer, proxyServer } from "./proxy-server.ts";

const get = { method: "GET", path: "/x", query: [["query", "up"]], idempotent: true } as const;
const SECRET = "s3cret-t0ken";
const seen: Record<string, string | string[] | undefined>[] = [];
let certificate: Certificate;
let client: Certificate;
let secure: Listener;
let plain: Listener;
let proxy: ProxyServer;

beforeAll(async () => {
  [certificate, client] = [selfSigned("prometheus.test"), selfSigned("client.test")];
  secure = await listen(
    createServer({ ...certificate, ca: client.cert, requestCert: true }, (request, response) => {
      seen.push(request.headers);
      response.end("secure");
    }),
    "https",
  );
  plain = await answering((request, response) => {
    seen.push(request.headers);
    response.end("plain");
  });
});
afterAll(() => Promise.all([secure.close(), plain.close()]));

beforeEach(async () => {
  seen.length = 0;
  proxy = await proxyServer({ credentials: "ann:p@ss" });
  for (const name of ["http_proxy", "https_proxy", "no_proxy", "all_proxy"]) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toUpperCase(), undefined);
  }
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await proxy.close();
});

const url = (credentials = "ann:p%40ss") => proxy.url.replace("://", `://${credentials}@`);
const tls = () => ({ ca: certificate.cert, serverName: "prometheus.test", ...client });

async function ask(target: Listener, options: HttpOptions = {}): Promise<string> {
  const answer = await httpClient("prometheus", target.url, {
    retries: 0,
    auth: { bearer: SECRET },
    ...(target === secure ? { tls: tls() } : {}),
    ...options,
  }).send(get);
  return `${answer.status} ${new TextDecoder().decode(answer.body)}`;
}

describe.each<[string, () => HttpOptions]>([
  ["named by the option", () => ({ proxy: url() })],
  [
    "named by the environment",
    () => {
      vi.stubEnv("HTTPS_PROXY", url());
      vi.stubEnv("HTTP_PROXY", url());
      return {};
    },
  ],
])("a proxy %s", (_, options) => {
  test("tunnels https, with own authorities and a client's certificate, and sees nothing but the host", async () => {
    expect(await ask(secure, options())).toBe("200 secure");
    expect(proxy.seen.map(({ method, target }) => [method, target])).toEqual([["CONNECT", `127.0.0.1:${secure.port}`]]);
    expect(JSON.stringify(proxy.seen)).not.toContain(SECRET);
    expect(seen[0]).toMatchObject({ authorization: `Bearer ${SECRET}` });
    expect(seen[0]).not.toHaveProperty("proxy-authorization");
  });

  test("passes on http", async () => {
    expect(await ask(plain, options())).toBe("200 plain");
    expect(proxy.seen.map(({ method, target }) => [method, target])).toEqual([["GET", `${plain.url}/x?query=up`]]);
    expect(seen[0]).not.toHaveProperty("proxy-authorization");
  });
});

test.each([
  ["the option false", {}, { proxy: false }],
  ["NO_PROXY", { NO_PROXY: "example.org,127.0.0.1" }, {}],
  ["NO_PROXY for all", { NO_PROXY: "*" }, {}],
] as const)("no proxy is asked where %s says so", async (_, environment, options) => {
  vi.stubEnv("HTTPS_PROXY", url());
  vi.stubEnv("HTTP_PROXY", url());
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  expect(await ask(secure, options)).toBe("200 secure");
  expect(await ask(plain, options)).toBe("200 plain");
  expect(proxy.seen).toEqual([]);
});

test("a tunnel does not make any certificate good", async () => {
  await expect(ask(secure, { proxy: url(), tls: { ...client, serverName: "prometheus.test" } })).rejects.toMatchObject({
    code: "tls",
    message: expect.stringContaining("tls.ca"),
  });
});

test("a proxy that wants to know who asks says so, and nothing secret is told", async () => {
  for (const target of [secure, plain]) {
    const outcome = await ask(target, { proxy: url("ann:wr0ng-s3cret") }).catch((error: unknown) => error);
    expect(String(outcome)).toContain("407");
    expect(JSON.stringify([String(outcome), outcome])).not.toMatch(/wr0ng-s3cret|s3cret-t0ken/);
  }
  expect(seen).toEqual([]);
});

test("a proxy that is not there is told from a server that is not", async () => {
  const gone = `http://ann:wr0ng-s3cret@127.0.0.1:${await freePort()}`;
  for (const target of [secure, plain]) {
    const error = await ask(target, { proxy: gone }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "TransportError", code: "refused", message: expect.stringMatching(/proxy/) });
    expect(JSON.stringify([String(error), error])).not.toMatch(/wr0ng-s3cret/);
  }
});

test("who gives up while the tunnel is being made leaves no connection behind", async () => {
  const deaf = await proxyServer({ deaf: true });
  const controller = new AbortController();
  const asked = httpClient("prometheus", secure.url, { proxy: deaf.url, tls: tls() }).send({
    ...get,
    signal: controller.signal,
  });
  while (deaf.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  controller.abort("enough");
  await expect(asked).rejects.toBe("enough");
  await deaf.allClosed();
  await deaf.close();
});

test.each(["proxy:3128", "socks5://proxy", "http://ann:50%@proxy:3128", "", 1, true])(
  "a proxy %j cannot be meant",
  (proxy) => {
    expect(() => httpClient("prometheus", "http://x", { proxy } as HttpOptions)).toThrow(
      /^prometheus: proxy must be a URL such as "http:\/\/proxy:3128", or false for no proxy$/,
    );
  },
);

test("a tunnel is made whichever status of success says so", async () => {
  const made = await proxyServer({ status: "201 Created" });
  expect(await ask(secure, { proxy: made.url })).toBe("200 secure");
  await made.close();
});

test("tunnels are kept and reused", async () => {
  const asking = httpClient("prometheus", secure.url, { proxy: url(), tls: tls() });
  for (let i = 0; i < 5; i++) await asking.send({ ...get, query: [["query", String(i)]] });
  expect(proxy.seen).toHaveLength(1);
});

describe("the environment", () => {
  const base = (text: string) => parseBaseUrl(text, "prometheus");
  test.each<[string, string, Record<string, string>, string | undefined]>([
    ["names none", "http://a.test", {}, undefined],
    ["names one in capitals", "http://a.test", { HTTP_PROXY: "http://p:1" }, "http://p:1"],
    ["names one for the other scheme", "https://a.test", { HTTP_PROXY: "http://p:1" }, undefined],
    ["names one for all", "https://a.test", { all_proxy: "https://p" }, "https://p"],
    ["names one without a scheme", "http://a.test", { http_proxy: "p:1" }, "http://p:1"],
    ["exempts the host", "http://a.test", { http_proxy: "p:1", no_proxy: "b.test, a.test" }, undefined],
    ["exempts the domain", "http://x.a.test", { http_proxy: "p:1", no_proxy: ".a.test" }, undefined],
    ["exempts the domain with a star", "http://x.a.test", { http_proxy: "p:1", no_proxy: "*.a.test" }, undefined],
    [
      "exempts a domain that only ends alike",
      "http://xa.test",
      { http_proxy: "p:1", no_proxy: "a.test" },
      "http://p:1",
    ],
    ["exempts the port", "http://a.test:9090", { http_proxy: "p:1", no_proxy: "a.test:9090" }, undefined],
    ["exempts another port", "http://a.test:9091", { http_proxy: "p:1", no_proxy: "a.test:9090" }, "http://p:1"],
    ["exempts a network", "http://10.1.2.3", { http_proxy: "p:1", no_proxy: "a.test,10.0.0.0/8" }, undefined],
    ["exempts another network", "http://11.1.2.3", { http_proxy: "p:1", no_proxy: "10.0.0.0/8" }, "http://p:1"],
    ["exempts an IPv6 network", "http://[fd00::7]:9090", { http_proxy: "p:1", no_proxy: "fd00::/8" }, undefined],
    [
      "exempts networks, which hold no name",
      "http://a.test",
      { http_proxy: "p:1", no_proxy: "0.0.0.0/0" },
      "http://p:1",
    ],
    [
      "exempts what is no network",
      "http://10.1.2.3",
      { http_proxy: "p:1", no_proxy: "10.0.0.0/99,10/8" },
      "http://p:1",
    ],
    ["exempts an IPv6 address", "http://[::1]:9090", { http_proxy: "p:1", no_proxy: "[::1]" }, undefined],
  ])("that %s", (_, target, variables, shown) => {
    expect(proxyTo(base(target), undefined, variables)?.shown).toBe(shown);
  });

  test.each([
    [
      "ALL_PROXY",
      "socks5://u:canary@p:1080",
      /^https:\/\/a\.test: .* ALL_PROXY names a proxy that speaks socks5; set it to/,
    ],
    ["HTTPS_PROXY", "http://u:canary@p:port", /HTTPS_PROXY holds no URL of a proxy; set it to .* \{ proxy: false \}/],
    ["HTTPS_PROXY", "u:50%canary@p:3128", /HTTPS_PROXY holds no URL of a proxy/],
  ])("that has %s=%s is told so, and nothing secret of it", async (name, value, message) => {
    vi.stubEnv(name, value);
    const error = await httpClient("prometheus", "https://a.test")
      .send(get)
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "QueryError", code: "config", message: expect.stringMatching(message) });
    expect(String(error)).not.toContain("canary");
  });
});
