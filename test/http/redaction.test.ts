import { expect, test } from "vitest";
import { Redactor, redactText, redactUrl } from "../../src/http/redaction.ts";

test.each([
  ["connect to http://me:canary@h:9/x failed", "connect to http://h:9/x failed"],
  ["Authorization: Basic canary==", "Authorization: REDACTED"],
  ['{"authorization":"Bearer canary1"}', '{"authorization":"REDACTED"}'],
  ["Cookie: a=canary; b=canary", "Cookie: REDACTED"],
  ["set-cookie=session=canary", "set-cookie=REDACTED"],
  ["token was Bearer canary.1234-x", "token was Bearer REDACTED"],
  ["GET /x?a=1&token=canary&b=2", "GET /x?a=1&token=REDACTED&b=2"],
  ["/x?X-Amz-Signature=canary&X-Amz-Date=canary", "/x?X-Amz-Signature=REDACTED&X-Amz-Date=REDACTED"],
])("the text %j is shown as %j", (text, redacted) => {
  expect(redactText(text)).toBe(redacted);
});

test.each([
  "Basic authentication is required",
  "Bearer authentication.",
  'sum(rate(istio_requests_total{response_code="500"}[5m]))',
  "GET /api/v1/targets?state=active&query=up",
  "mail me@example.com",
])("the text %j has nothing to hide", (text) => {
  expect(redactText(text)).toBe(text);
});

test.each([
  "token",
  "api_key",
  "apikey",
  "API-Key",
  "access_token",
  "sig",
  "signature",
  "X-Amz-Credential",
  "password",
])("the value of the query key %s is hidden in a URL", (key) => {
  expect(redactUrl(new URL(`http://u:canary@h/p?query=up&${key}=canary&x=1#canary`))).toBe(
    `http://h/p?query=up&${key}=REDACTED&x=1`,
  );
});

test("a secret key is known in any encoding", () => {
  expect(redactUrl(new URL("http://h/p?to%6ben=canary"))).toBe("http://h/p?token=REDACTED");
});

test("a URL without secrets keeps its encoding", () => {
  const url = "http://h/p?query=up%7Ba%3D%22b+c%22%7D&match[]=x";
  expect(redactUrl(new URL(url))).toBe(url);
});

test("the very credentials of a client are hidden in any text and encoding", () => {
  const redactor = new Redactor(['c@nary/ä"']);
  expect(redactor.text(`c@nary/ä" ${encodeURIComponent('c@nary/ä"')} ${JSON.stringify('c@nary/ä"')}`)).toBe(
    'REDACTED REDACTED "REDACTED"',
  );
});

test("a token is hidden from when it is learned, and the older ones with it", () => {
  const redactor = new Redactor([]);
  for (let i = 0; i < 5; i++) redactor.learn(`canary-${i}`);
  expect(redactor.text("canary-4 canary-0")).toBe("REDACTED REDACTED");
});

test("a token that goes on being used is hidden however many others come and go", () => {
  const redactor = new Redactor([]);
  for (let i = 0; i < 20; i++) {
    redactor.learn("canary");
    redactor.learn(`another-${i}`);
    expect(redactor.text("it said canary")).toBe("it said REDACTED");
  }
});

test("what is kept is hidden for good", () => {
  const redactor = new Redactor([]);
  redactor.keep("hooks/canary");
  for (let i = 0; i < 20; i++) redactor.learn(`another-${i}`);
  expect(redactor.url(new URL("http://h/hooks/canary"))).toBe("http://h/REDACTED");
});
