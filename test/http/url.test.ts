import { expect, test } from "vitest";
import { httpClient } from "../../src/http/client.ts";
import { encodeForm, parseBaseUrl, sameOriginTarget, urlBelow } from "../../src/http/url.ts";

const below = (base: string, path: string, query?: [string, string][]) =>
  urlBelow(parseBaseUrl(base, "prometheus"), path, query).href;

test.each([
  ["http://h:9090", "/api/v1/query", "http://h:9090/api/v1/query"],
  ["http://h:9090/", "/api/v1/query", "http://h:9090/api/v1/query"],
  ["http://h/prom", "/api/v1/query", "http://h/prom/api/v1/query"],
  ["http://h/prom/", "api/v1/query", "http://h/prom/api/v1/query"],
  ["https://h/a/b//", "/x", "https://h/a/b/x"],
  ["http://[::1]:9090/p", "/x", "http://[::1]:9090/p/x"],
  ["http://u:p@h/prom", "/x", "http://h/prom/x"],
  ["http://h", "/labels/a%2Fb%3Fc/values", "http://h/labels/a%2Fb%3Fc/values"],
])("below %s the path %s is %s", (base, path, url) => {
  expect(below(base, path)).toBe(url);
});

test.each(["..", "/..", "/api/../x", "/api/%2e%2E/x", "/api/.", "/a?b", "/a#b", "\\..\\x", "/a b"])(
  "the path %j is refused, since it would lead elsewhere",
  (path) => {
    expect(() => below("http://h/prom", path)).toThrow(expect.objectContaining({ code: "name" }));
  },
);

test("a query keeps its order, its repeated keys and every character", () => {
  const query: [string, string][] = [
    ["match[]", 'up{a="é&=+ #"}'],
    ["match[]", "b"],
    ["time", "0"],
  ];
  const url = new URL(below("http://h", "/x", query));
  expect([...url.searchParams]).toEqual(query);
  expect([...new URLSearchParams(encodeForm(query))]).toEqual(query);
});

test.each([
  [{ url: "http://prometheus" } as never, "prometheus: an object is not a URL"],
  [undefined as never, "prometheus: undefined is not a URL"],
  ["", "is not a URL"],
  ["prometheus", "is not a URL"],
  ["http://", "is not a URL"],
  ["localhost:9090", "is neither an http nor an https URL"],
  ["ftp://h", "is neither an http nor an https URL"],
  ["http://h/?a=b", "has a query"],
  ["http://h/?", "has a query"],
  ["http://h/#a", "has a fragment"],
  ["http://u%zz:p@h/", 'has a "%" before the @ that encodes nothing'],
])("the base URL %j is refused: it %s", (base, problem) => {
  expect(() => httpClient("prometheus", base)).toThrow(
    expect.objectContaining({ name: "QueryError", code: "config", message: expect.stringContaining(problem) }),
  );
});

test.each([
  "http://u:canary@h/?q",
  "u:canary@h:9090",
  "http://u:canary@h:notaport",
  "http://u:can%zzary@h",
  "ftp://u:canary@h",
])("the error about %s does not repeat the password", (base) => {
  const message = messageOf(() => httpClient("prometheus", base));
  expect(message).not.toContain("can");
  expect(message).toMatch(/"[a-z:/]*h/);
});

test("a client shows its base URL without user and password", () => {
  expect(httpClient("prometheus", "http://user:canary@h:9090/prom/").origin).toBe("http://h:9090/prom");
});

test.each([
  ["/moved", "http://h:1/moved"],
  ["next?x=1#frag", "http://h:1/a/next?x=1"],
  ["http://u:p@h:1/b", "http://h:1/b"],
])("a redirect to %s stays on the origin and leads to %s", (location, target) => {
  expect(sameOriginTarget(new URL("http://h:1/a/b"), location)?.href).toBe(target);
});

test.each(["http://h:2/", "https://h:1/", "//other/", "http://h.evil/", "javascript:alert(1)", "http://", undefined])(
  "a redirect to %s is not followed",
  (location) => {
    expect(sameOriginTarget(new URL("http://h:1/a/b"), location)).toBeUndefined();
  },
);

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}
