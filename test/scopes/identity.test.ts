import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { createMesh } from "../../src/mesh/mesh.ts";
import { AT, recordingBackend, vectorData } from "../metrics/recording-backend.ts";

type Labels = Readonly<Record<string, string>>;

const sa = (name: string, domain = "cluster.local", namespace = "default") =>
  `spiffe://${domain}/ns/${namespace}/sa/${name}`;

const call = (from: string, to: string, more: Labels = {}): Labels => ({
  reporter: "destination",
  source_cluster: "one",
  source_workload: from,
  source_workload_namespace: from === "unknown" ? "unknown" : "default",
  source_principal: from === "unknown" ? "unknown" : sa(from),
  destination_cluster: "one",
  destination_workload: to,
  destination_workload_namespace: "default",
  destination_principal: sa(to),
  connection_security_policy: "mutual_tls",
  ...more,
});

type Row = readonly [Labels, number];

function meshOf(requests: readonly Row[], connections: readonly Row[] = []) {
  const backend = recordingBackend({
    instant: (promql) => vectorData(...(promql.includes("istio_requests_total") ? requests : connections)),
  });
  return { mesh: createMesh({ metrics: backend, now: () => AT }), backend };
}

const identityOf = (requests: readonly Row[], connections: readonly Row[] = []) =>
  meshOf(requests, connections).mesh.all().identity({ last: "1h" });

describe("an edge's identity", () => {
  test("is asked for in two requests, over the scope's own traffic whoever reports", async () => {
    const { mesh, backend } = meshOf([]);
    await mesh.edge("frontend", "backend").reportedBy("source").identity({ last: "1h" });
    expect(backend.asked).toHaveLength(2);
    expect(backend.asked[0]?.promql).toMatch(
      /^sum by \(reporter, .*\) \(rate\(istio_requests_total\{source_workload="frontend",destination_workload="backend"\}\[1h\]\)\) > 0$/,
    );
    expect(backend.asked[1]?.promql).toContain("istio_tcp_connections_opened_total{");
  });

  test("is who called by certificate, with the share under mutual TLS", async () => {
    const plain = { connection_security_policy: "none" };
    const identity = await identityOf([
      [call("frontend", "ratings"), 3],
      [call("unknown", "ratings", plain), 1],
    ]);
    expect(identity.requests).toEqual({ mutualTls: 3, plaintext: 1, unknown: 0, share: 0.75 });
    expect(identity.connections.share).toBeUndefined();
    expect(identity.plaintext.map(({ from, to }) => [from.id, to.id])).toEqual([["unknown", "ratings.default"]]);
    expect(identity.principals).toEqual([{ principal: sa("frontend"), requests: 3, connections: 0 }]);
    expect(identity.edges[0]?.answeredAs).toEqual([{ principal: sa("ratings"), requests: 3, connections: 0 }]);
  });

  test("is not what a caller's proxy does not know: that is neither plaintext nor counted beside the callee's", async () => {
    const caller = { reporter: "source", connection_security_policy: "unknown" };
    const identity = await identityOf([
      [call("frontend", "backend"), 3],
      [call("frontend", "backend", caller), 3],
      [call("frontend", "legacy", { ...caller, destination_principal: "unknown" }), 2],
    ]);
    expect(identity.edges.map(({ to, requests }) => [to.id, requests])).toEqual([
      ["backend.default", { mutualTls: 3, plaintext: 0, unknown: 0, share: 1 }],
      ["legacy.default", { mutualTls: 0, plaintext: 0, unknown: 2, share: undefined }],
    ]);
    expect(identity.requests.share).toBe(1);
    expect(identity.findings.map(({ kind }) => kind)).toEqual(["unproved"]);
  });

  test("of TCP is apart, and ztunnel's word counts at the source too", async () => {
    const tunnel = { reporter: "source", connection_security_policy: "mutual_tls" };
    const identity = await identityOf([], [[call("frontend", "ledger", tunnel), 2]]);
    expect(identity.connections).toEqual({ mutualTls: 2, plaintext: 0, unknown: 0, share: 1 });
    expect(identity.requests.share).toBeUndefined();
    expect(identity.principals).toEqual([{ principal: sa("frontend"), requests: 0, connections: 2 }]);
    const both = await identityOf(
      [],
      [
        [call("frontend", "ledger", tunnel), 2],
        [call("frontend", "ledger"), 2],
      ],
    );
    expect(both.connections.mutualTls).toBe(2);
    expect(both.principals).toEqual(identity.principals);
    expect(both.edges[0]?.answeredAs).toEqual([{ principal: sa("ledger"), requests: 0, connections: 2 }]);
  });
});

describe("the findings", () => {
  const found = async (rows: readonly Row[], expect_ = {}) => {
    const { mesh } = meshOf(rows);
    const { findings } = await mesh.all().identity({ last: "1h", expect: expect_ });
    return findings.map(({ kind, principals, rate }) => [kind, principals, rate]);
  };

  test("are none where all is as it should be", async () => {
    const expected = { trustDomain: "cluster.local", serviceAccounts: { "frontend.default": "frontend" } };
    expect(await found([[call("frontend", "backend"), 3]], expected)).toEqual([]);
  });

  test.each<[string, Labels, object]>([
    ["trust-domain", { source_principal: sa("frontend", "evil.local") }, { trustDomain: ["cluster.local", "b.local"] }],
    ["service-account", { source_principal: sa("other") }, { serviceAccounts: { "frontend.default": "frontend" } }],
    ["namespace", { source_principal: sa("frontend", "cluster.local", "elsewhere") }, {}],
  ])("are of kind %s for %j under %j", async (kind, labels, expected) => {
    const rows = await found([[call("frontend", "backend", labels), 3]], expected);
    expect(rows).toEqual([[kind, [labels.source_principal], 3]]);
  });

  test("tell one name of two identities, and one identity of two workloads", async () => {
    expect(
      await found([
        [call("frontend", "backend"), 3],
        [call("frontend", "ratings", { source_principal: sa("stranger") }), 1],
        [call("mole", "ratings", { source_principal: sa("frontend") }), 2],
      ]),
    ).toEqual([
      ["shared-name", [sa("frontend"), sa("stranger")], 4],
      ["shared-identity", [sa("frontend")], 5],
    ]);
  });

  test("come with plaintext first, in words that say what would happen", async () => {
    const { mesh } = meshOf([[call("unknown", "ratings", { connection_security_policy: "none" }), 2]]);
    const { findings } = await mesh.service("ratings").identity({ last: "1h" });
    expect(findings[0]?.message).toBe(
      "a caller without a name calls ratings.default in plaintext, 2 req/s: STRICT would turn it away",
    );
  });
});

test("plaintext asks for nothing else", async () => {
  const { mesh, backend } = meshOf([[call("unknown", "ratings", { connection_security_policy: "none" }), 2]]);
  const identity = await mesh.plaintext({ last: "1h" });
  expect(backend.asked[0]?.promql).toContain('istio_requests_total{connection_security_policy="none"}');
  expect(identity.edges).toHaveLength(1);
});

test("a report reads as a table with its findings below", async () => {
  const identity = await identityOf([
    [call("frontend", "backend"), 3],
    [call("unknown", "ratings", { connection_security_policy: "none" }), 1],
  ]);
  expect(inspect(identity)).toContain("  finding: a caller without a name calls ratings.default in plaintext");
  expect(String(identity).split("\n")).toEqual([
    "from              to               mutual TLS  plaintext  unknown  TCP mutual TLS  TCP plaintext  identities",
    "frontend.default  backend.default  3 req/s                                                        spiffe://cluster.local/ns/default/sa/frontend",
    "unknown           ratings.default              1 req/s",
  ]);
});

test.each([
  [{ last: "an hour" }, "identity: last"],
  [{ from: AT, to: AT }, "identity: the range is empty"],
])("%j is refused by name", async (span, text) => {
  const { mesh } = meshOf([]);
  await expect(mesh.all().identity(span)).rejects.toThrow(text);
});
