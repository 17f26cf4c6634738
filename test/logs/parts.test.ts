import { describe, expect, it } from "vitest";
import { parseAddress } from "../../src/logs/address.ts";
import { parseCluster, parseServerName } from "../../src/logs/cluster.ts";
import { rateLimit, rbacDenial } from "../../src/logs/denial.ts";
import { longName, responseFlags } from "../../src/logs/flags.ts";
import { rfc3339Ms, rfc3339Ns } from "../../src/logs/timestamp.ts";

describe("an address", () => {
  it.each([
    ["10.0.0.1:80", "10.0.0.1", 80, undefined],
    ["[2001:db8::1]:443", "2001:db8::1", 443, undefined],
    ["[2001:db8::1]", "2001:db8::1", undefined, undefined],
    ["2001:db8::1", "2001:db8::1", undefined, undefined],
    ["10.0.0.1", "10.0.0.1", undefined, undefined],
    ["10.0.0.1:0", "10.0.0.1", 0, undefined],
    [":0", undefined, 0, undefined],
    ["/run/app.sock", "/run/app.sock", undefined, undefined],
    ["tcp://10.0.0.1:80", "10.0.0.1", 80, undefined],
    ["envoy://connect_originate/10.0.0.1:8080", "10.0.0.1", 8080, "connect_originate"],
    ["envoy://connect_originate/[2001:db8::1]:8080", "2001:db8::1", 8080, "connect_originate"],
    ["envoy://internal_client_address/", undefined, undefined, "internal_client_address"],
    ["envoy://main_internal", undefined, undefined, "main_internal"],
    ["[broken", "[broken", undefined, undefined],
  ])("%s", (text, host, port, internalListener) => {
    expect(parseAddress(text)).toStrictEqual({ host, port, internalListener });
  });
});

describe("a cluster", () => {
  it.each([
    [
      "outbound|9080|v1|reviews.default.svc.cluster.local",
      "outbound",
      9080,
      "v1",
      "reviews.default.svc.cluster.local",
      false,
    ],
    ["inbound|9080||", "inbound", 9080, undefined, undefined, false],
    ["inbound-vip|8080|http|a.b.svc.cluster.local;", "inbound-vip", 8080, "http", "a.b.svc.cluster.local", false],
    ["outbound_.443_._.api.example.org", "outbound", 443, undefined, "api.example.org", true],
    ["outbound|80||[2001:db8::1]", "outbound", 80, undefined, "2001:db8::1", false],
    ["PassthroughCluster", "passthrough", undefined, undefined, undefined, false],
    ["BlackHoleCluster", "black-hole", undefined, undefined, undefined, false],
    ["InboundPassthroughClusterIpv4", "inbound", undefined, undefined, undefined, false],
    ["xds-grpc", "other", undefined, undefined, undefined, false],
    ["outbound|http||x", "other", undefined, undefined, undefined, false],
    ["sideways|80||x", "other", undefined, undefined, undefined, false],
    ["|||", "other", undefined, undefined, undefined, false],
  ])("%s", (name, direction, port, subset, host, passesTls) => {
    expect(parseCluster(name)).toStrictEqual({ direction, port, subset, host, passesTls, name });
  });
});

describe("a server name", () => {
  it.each([
    ["outbound_.9080_.v2_.reviews.default.svc.cluster.local", "reviews.default.svc.cluster.local", 9080, "v2"],
    ["outbound_.9080_._.reviews", "reviews", 9080, undefined],
    ["api.example.org", "api.example.org", undefined, undefined],
    ["outbound_.x_._.y", "outbound_.x_._.y", undefined, undefined],
    ["outbound_.80", "outbound_.80", undefined, undefined],
  ])("%s", (name, host, port, subset) => {
    expect(parseServerName(name)).toStrictEqual({ host, port, subset, name });
  });
});

describe("a response flag", () => {
  it("has Envoy's long name, and is read by either", () => {
    expect(longName("UF")).toBe("UpstreamConnectionFailure");
    expect(longName("constructor")).toBeUndefined();
    expect(responseFlags("UF, NoRouteFound,MINE")).toStrictEqual(["UF", "NR", "MINE"]);
  });
});

describe("a denial", () => {
  it.each([
    ["rbac_access_denied_matched_policy[ns[a]-policy[b-c]-rule[12]]", { namespace: "a", policy: "b-c", rule: 12 }],
    ["rbac_access_denied_matched_policy[none]", { namespace: undefined, policy: undefined, rule: undefined }],
    ["rbac_access_denied_matched_policy[my_policy]", { namespace: undefined, policy: "my_policy", rule: undefined }],
    ["rbac_access_denied_matched_policy[", { namespace: undefined, policy: undefined, rule: undefined }],
    ["via_upstream", undefined],
    [undefined, undefined],
  ])("%s names its policy", (details, expected) => {
    expect(rbacDenial(details)).toStrictEqual(expected);
  });

  it.each([
    ["local_rate_limited", [], "local"],
    ["local_rate_limited", ["RL"], "local"],
    ["request_rate_limited", ["RL"], "global"],
    ["rate_limiter_error", ["RLSE"], "service-error"],
    [undefined, ["RLSE"], "service-error"],
    [undefined, ["RL"], "unknown"],
    ["via_upstream", [], undefined],
  ])("%s with flags %j tells whose rate limit it was", (details, flags, expected) => {
    expect(rateLimit(flags, details)).toBe(expected);
  });
});

describe("a time", () => {
  it("is read as JavaScript reads it, in every month, leap year and zone", () => {
    for (let i = 0; i < 5_000; i++) {
      const text = new Date(-50_000_000_000_000 + i * 31_557_600_123).toISOString();
      expect(rfc3339Ms(text)).toBe(Date.parse(text));
      const zoned = text.replace("Z", i % 2 === 0 ? "+05:30" : "-08:00");
      expect(rfc3339Ms(zoned)).toBe(Date.parse(zoned));
      expect(rfc3339Ns(text)).toBe(BigInt(Date.parse(text)) * 1_000_000n);
    }
  });

  it.each([
    "2026-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-11-24T24:00:00Z",
    "2026-11-24",
    "",
    "2026-11-24T03:43:31",
    "2026-11-24T03:43:31.Z",
    "2026-11-24T03:43:31.1x0Z",
    "2026-1a-24T03:43:31.100Z",
  ])("%s is none", (text) => {
    expect(rfc3339Ms(text)).toBeNaN();
    expect(rfc3339Ns(text)).toBeUndefined();
  });

  it("keeps its nanoseconds", () => {
    expect(rfc3339Ns("1970-01-01T00:00:01.123456789Z")).toBe(1_123_456_789n);
  });
});
