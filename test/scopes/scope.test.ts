import { describe, expect, test } from "vitest";
import { QueryError } from "../../src/errors.ts";
import { createMesh, type Mesh, type MeshOptions } from "../../src/mesh/mesh.ts";
import type { Peer } from "../../src/mesh/peer.ts";
import type { Traffic } from "../../src/mesh/traffic.ts";
import type { Where } from "../../src/mesh/where.ts";
import { label } from "../../src/results/labels.ts";

const mesh = createMesh();
/** What only a caller without types can pass. */
const untyped = (value: unknown) => value as never;
/** The conditions of a scope's rate, as its text has them. */
const conditionsOf = (scope: Traffic): string => /\{(.*)\}\[1m\]/.exec(scope.rate("1m").promql)?.[1] ?? "";

function refusalOf(attempt: () => unknown): { code: string; message: string } {
  try {
    attempt();
  } catch (error) {
    if (error instanceof QueryError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("nothing was refused");
}

function refuses(cases: readonly (readonly [string, string, (mesh: Mesh) => unknown])[]): void {
  test.each(cases)("%s: %s", (code, message, attempt) => {
    const refusal = refusalOf(() => attempt(mesh));
    expect(refusal.message).toContain(message);
    expect(refusal.code).toBe(code);
  });
}

const D = 'reporter="destination"';

describe("a scope selects", () => {
  test.each<[string, (mesh: Mesh) => Traffic, string]>([
    ["all", (m) => m.all(), D],
    ["an edge", (m) => m.edge("a", "b"), `${D},source_workload="a",destination_workload="b"`],
    [
      "an edge across namespaces",
      (m) => m.edge("a.x", "b.y"),
      `${D},source_workload="a",source_workload_namespace="x",destination_workload="b",destination_workload_namespace="y"`,
    ],
    [
      "a workload with a dot in its name",
      (m) => m.workload("a.b.c"),
      `${D},destination_workload="a.b",destination_workload_namespace="c"`,
    ],
    ["an edge from anyone", (m) => m.edge({}, "b"), `${D},destination_workload="b"`],
    ["an edge to anyone", (m) => m.edge("a", {}), `${D},source_workload="a"`],
    [
      "an edge to a service, whose namespace is the service's",
      (m) => m.edge("a", { service: "b", namespace: "y" }),
      `${D},source_workload="a",destination_service_name="b",destination_service_namespace="y"`,
    ],
    [
      "an edge to a workload behind a service, whose namespace is the workload's",
      (m) => m.edge("a", { workload: "b-v1", service: "b", namespace: "y" }),
      `${D},source_workload="a",destination_workload="b-v1",destination_service_name="b",destination_workload_namespace="y"`,
    ],
    [
      "a caller by its canonical service",
      (m) => m.edge({ service: "a", namespace: "x" }, "b"),
      `${D},source_canonical_service="a",source_workload_namespace="x",destination_workload="b"`,
    ],
    [
      "everything that can be known of a caller",
      (m) => m.edge({ workload: "a", app: "b", version: "c", cluster: "d", principal: "e" }, {}),
      `${D},source_workload="a",source_app="b",source_version="c",source_cluster="d",source_principal="e"`,
    ],
    [
      "everything that can be known of a callee",
      (m) => m.edge({}, { workload: "a", host: "h", app: "b", version: "c", cluster: "d", principal: "e" }),
      `${D},destination_workload="a",destination_service="h",destination_app="b",destination_version="c",destination_cluster="d",destination_principal="e"`,
    ],
    ["a service", (m) => m.service("b"), `${D},destination_service_name="b"`],
    [
      "a service of a namespace",
      (m) => m.service("b.y"),
      `${D},destination_service_name="b",destination_service_namespace="y"`,
    ],
    [
      "a service by its name in DNS",
      (m) => m.service("b.y.svc.cluster.local"),
      `${D},destination_service_name="b",destination_service_namespace="y"`,
    ],
    [
      "a service by its short name in DNS",
      (m) => m.service("b.y.svc"),
      `${D},destination_service_name="b",destination_service_namespace="y"`,
    ],
    [
      "a service by its name in DNS, as an object that agrees",
      (m) => m.service({ service: "b.y.svc.cluster.local", namespace: "y" }),
      `${D},destination_service_name="b",destination_service_namespace="y"`,
    ],
    ["a host", (m) => m.service({ host: "api.example.org" }), `${D},destination_service="api.example.org"`],
    ["a namespace, by where the workload is", (m) => m.namespace("y"), `${D},destination_workload_namespace="y"`],
    [
      "a namespace as callers report it, by where the service is",
      (m) => m.namespace("y").reportedBy("source"),
      'reporter="source",destination_service_namespace="y"',
    ],
    [
      "a workload's namespace as callers report it",
      (m) => m.workload("b.y").reportedBy("source"),
      'reporter="source",destination_workload="b",destination_workload_namespace="y"',
    ],
    [
      "a gateway, as it reports itself",
      (m) => m.gateway("in.istio-system"),
      'reporter="source",source_workload="in",source_workload_namespace="istio-system"',
    ],
    [
      "what a workload sends",
      (m) => m.workload("a.x").outbound,
      `${D},source_workload="a",source_workload_namespace="x"`,
    ],
    [
      "what a service's workloads send",
      (m) => m.service("a.x").outbound,
      `${D},source_canonical_service="a",source_workload_namespace="x"`,
    ],
    ["what a namespace sends", (m) => m.namespace("x").outbound, `${D},source_workload_namespace="x"`],
    ["what is sent to a workload", (m) => m.workload("a").inbound, `${D},destination_workload="a"`],
    ["there and back", (m) => m.workload("a").outbound.inbound, `${D},destination_workload="a"`],
    [
      "one direction of a gateway, whichever is asked for",
      (m) => m.gateway("g").inbound.outbound,
      'reporter="source",source_workload="g"',
    ],
    [
      "one version of the callee",
      (m) => m.edge("a", "b").version("v2"),
      `${D},source_workload="a",destination_workload="b",destination_version="v2"`,
    ],
    [
      "one version of a workload",
      (m) => m.workload("a").version("v2"),
      `${D},destination_workload="a",destination_version="v2"`,
    ],
    [
      "one version of a sender",
      (m) => m.workload("a").outbound.version("v2"),
      `${D},source_workload="a",source_version="v2"`,
    ],
    [
      "a version that is turned round",
      (m) => m.workload("a").version("v2").outbound,
      `${D},source_workload="a",source_version="v2"`,
    ],
    [
      "one version of a gateway",
      (m) => m.gateway("g").version("v2"),
      'reporter="source",source_workload="g",source_version="v2"',
    ],
    ["one cluster", (m) => m.service("b").cluster("eu"), `${D},destination_service_name="b",destination_cluster="eu"`],
    ["one cluster of all", (m) => m.all().cluster("eu"), `${D},destination_cluster="eu"`],
    ["another reporter", (m) => m.all().reportedBy("waypoint"), 'reporter="waypoint"'],
    ["the last reporter named", (m) => m.gateway("g").reportedBy("destination"), `${D},source_workload="g"`],
    [
      "conditions after the scope, in their order",
      (m) => m.workload("b").where({ request_protocol: "grpc" }).where({ response_flags: "-" }),
      `${D},destination_workload="b",request_protocol="grpc",response_flags="-"`,
    ],
    [
      "conditions whatever comes after them",
      (m) => m.workload("b").where({ request_protocol: "grpc" }).outbound.version("v2"),
      `${D},source_workload="b",source_version="v2",request_protocol="grpc"`,
    ],
    [
      "a hostile name as text",
      (m) => m.workload('x"} or vector(1) #'),
      `${D},destination_workload="x\\"} or vector(1) #"`,
    ],
  ])("%s", (_, scope, conditions) => {
    expect(conditionsOf(scope(mesh))).toBe(conditions);
  });

  test("the same whatever undefined fields a peer has", () => {
    const peer: Peer = { workload: "a", namespace: undefined, service: undefined, host: undefined };
    expect(conditionsOf(mesh.edge(peer, {}))).toBe(conditionsOf(mesh.edge("a", {})));
  });

  test("as the mesh says, where the scope does not", () => {
    expect(conditionsOf(createMesh({ reporter: "source" }).all())).toBe('reporter="source"');
    expect(conditionsOf(createMesh({ reporter: "waypoint" }).gateway("g"))).toBe(
      'reporter="source",source_workload="g"',
    );
  });
});

describe("a scope never changes", () => {
  test("by what is made of it", () => {
    const scope = mesh.workload("a");
    const before = scope.success("1m").promql;
    scope.where({ response_code: "200" });
    scope.version("v2");
    scope.cluster("eu");
    scope.reportedBy("source");
    scope.failures([{ response_code: "500" }]);
    expect(scope.outbound).not.toBe(scope);
    expect(scope.success("1m").promql).toBe(before);
    expect(Object.isFrozen(scope)).toBe(true);
  });

  test("by what was passed to it", () => {
    const codes = ["500"];
    const peer = { workload: "a" };
    const scope = mesh.workload(peer).where({ response_code: codes });
    const before = scope.rate("1m").promql;
    codes.push("501");
    peer.workload = "b";
    expect(scope.rate("1m").promql).toBe(before);
  });
});

describe("a scope that cannot be meant is refused", () => {
  refuses([
    ["scope", "edge: from: the name is empty; write the workload's name", (m) => m.edge("", "b")],
    ["scope", "edge: to: the name is empty", (m) => m.edge("a", "  ")],
    ["scope", "edge: neither end names anything; name one, or write mesh.all() for all traffic", (m) => m.edge({}, {})],
    ["scope", "edge: neither end names anything", (m) => m.edge({ workload: undefined }, {})],
    ["scope", 'edge: to: "a." is not "workload" and not "workload.namespace"', (m) => m.edge("a", "a.")],
    ["scope", 'edge: to: ".a" is not "workload"', (m) => m.edge("a", ".a")],
    [
      "scope",
      'edge: to: "b.y.svc.cluster.local" is a service\'s name; write { service: "b.y.svc.cluster.local" }',
      (m) => m.edge("a", "b.y.svc.cluster.local"),
    ],
    [
      "scope",
      'edge: to: undefined names no workload; write "workload" or { workload: "name" }',
      (m) => m.edge("a", untyped(undefined)),
    ],
    ["scope", "names no workload", (m) => m.edge(untyped(["a"]), "b")],
    ["scope", "names no workload", (m) => m.edge(untyped(null), "b")],
    [
      "scope",
      'edge: from: "name" is no part of a peer; there are app, cluster, host',
      (m) => m.edge(untyped({ name: "a" }), "b"),
    ],
    [
      "scope",
      "edge: from: workload is 1; write its name, or leave it out",
      (m) => m.edge(untyped({ workload: 1 }), "b"),
    ],
    ["scope", 'edge: from: workload is ""; write its name', (m) => m.edge({ workload: "" }, "b")],
    ["scope", "workload: it names nothing; name one, or write mesh.all()", (m) => m.workload({})],
    ["scope", "gateway: it names nothing; write its workload's name", (m) => m.gateway({})],
    ["scope", "service: the name is empty", (m) => m.service("")],
    ["scope", "namespace: the name is empty", (m) => m.namespace("")],
    [
      "scope",
      'service: "api.example.org" is not "service", "service.namespace" or "service.namespace.svc.cluster.local"; for a host outside the mesh write { host: "api.example.org" }',
      (m) => m.service("api.example.org"),
    ],
    ["scope", 'write { host: "10.0.0.1" }', (m) => m.service("10.0.0.1")],
    ["scope", 'service: "b." is not "service"', (m) => m.service("b.")],
    ["scope", 'service: ".y" is not "service"', (m) => m.service(".y")],
    ["scope", 'service: "b.y.svc." is not "service"', (m) => m.service("b.y.svc.")],
    [
      "scope",
      'service: the service is of namespace "y" and of "z"; write one',
      (m) => m.service({ service: "b.y", namespace: "z" }),
    ],
    // A host says nothing of a caller: these would have been everyone's traffic.
    ["scope", "edge: from: a host is what was called, not who calls", (m) => m.edge({ host: "api.example.org" }, "b")],
    ["scope", "gateway: a host is what was called, not who calls", (m) => m.gateway({ host: "api.example.org" })],
    [
      "scope",
      "outbound: a host is what was called, not who calls",
      (m) => m.service({ host: "api.example.org" }).outbound,
    ],
    ["scope", 'version: "" names nothing; write version("v2")', (m) => m.all().version("")],
    ["scope", "cluster: undefined names nothing", (m) => m.all().cluster(untyped(undefined))],
    [
      "reporter",
      'reportedBy: "both" is no reporter; write one of "auto", "destination", "source", "waypoint"',
      (m) => m.all().reportedBy(untyped("both")),
    ],
    ["string", "half a surrogate pair", (m) => m.workload("\ud800").rate("1m")],
  ]);
});

describe("a condition", () => {
  test.each<[string, Where, string]>([
    ["text", { response_code: "200" }, 'response_code="200"'],
    ["a number", { response_code: 200 }, 'response_code="200"'],
    ["text that looks like a pattern", { response_code: "5.." }, 'response_code="5.."'],
    ["a missing label", { grpc_response_status: "" }, 'grpc_response_status=""'],
    ["a pattern", { response_code: /5../ }, 'response_code=~"5.."'],
    ["a pattern in any case", { response_flags: /uf|uh/i }, 'response_flags=~"(?i)uf|uh"'],
    ["one of several", { response_code: [502, "503"] }, 'response_code=~"502|503"'],
    ["one of one", { response_code: ["a.b"] }, 'response_code="a.b"'],
    ["one of several, each as text", { response_code: ["a.b", "c|d", ""] }, 'response_code=~"a\\\\.b|c\\\\|d|"'],
    ["not text", { response_code: { not: "200" } }, 'response_code!="200"'],
    ["not a missing label", { grpc_response_status: { not: "" } }, 'grpc_response_status!=""'],
    ["no pattern", { response_code: { not: /2../ } }, 'response_code!~"2.."'],
    ["none of several", { response_code: { not: ["200", 404] } }, 'response_code!~"200|404"'],
    [
      "several at once",
      { response_code: "200", reporter_x: undefined, response_flags: "-" },
      'response_code="200",response_flags="-"',
    ],
    ["a label of one's own, far from any of Istio's", { team: "x" }, 'team="x"'],
    ["a name that needs quotes", { "k8s.pod": "x" }, '"k8s.pod"="x"'],
  ])("is %s", (_, conditions, text) => {
    expect(conditionsOf(mesh.all().where(conditions))).toBe(`${D},${text}`);
  });

  test("on a label of one's own may look like a slip", () => {
    expect(conditionsOf(mesh.all().where(label("response_kode"), /5../))).toBe(`${D},response_kode=~"5.."`);
    expect(conditionsOf(mesh.all().where(label("team"), { not: "x" }))).toBe(`${D},team!="x"`);
  });

  test("on nothing narrows nothing", () => {
    expect(conditionsOf(mesh.all().where({}))).toBe(D);
  });

  describe("that cannot be meant is refused", () => {
    const where = (conditions: unknown, condition?: unknown) => (m: Mesh) =>
      m.all().where(untyped(conditions), untyped(condition));
    refuses([
      [
        "label",
        'where: "response_cod" is not one of Istio\'s labels; did you mean "response_code"? Write label("response_cod") where it is your own',
        where({ response_cod: "200" }),
      ],
      ["label", 'did you mean "source_workload"?', where({ sourceWorkload: "a" })],
      ["label", 'did you mean "source_workload"?', where({ "source-workload": "a" })],
      ["label", 'did you mean "destination_workload"?', where({ Destination_Workload: "a" })],
      ["label", 'did you mean "grpc_response_status"?', where({ grpc_response_statu: "a" })],
      [
        "reporter",
        'where: the reporter is chosen by .reportedBy("source"), so that nothing counts twice',
        where({ reporter: "source" }),
      ],
      ["reporter", "the reporter is chosen by", where(label("reporter"), "source")],
      ["label", 'where: "le" belongs to the signal', where({ le: "100" })],
      ["label", 'where: "__name__" belongs to the signal', where({ __name__: "up" })],
      ["label", "a matcher needs a label name", where({ "": "x" })],
      ["scope", "where: response_code: null is no label value", where({ response_code: null })],
      ["scope", "where: response_code: NaN is no label value", where({ response_code: Number.NaN })],
      ["scope", "where: response_code: Infinity is no label value", where({ response_code: Number.POSITIVE_INFINITY })],
      ["scope", "where: response_code: true is no label value", where({ response_code: true })],
      ["scope", "where: response_code: an object is no label value", where({ response_code: {} })],
      ["scope", "where: response_code: undefined is no label value", where({ response_code: { not: undefined } })],
      ["scope", "where: response_code: /5../ is no label value", where({ response_code: [/5../] })],
      ["scope", "where: response_code: no value can be one of none", where({ response_code: [] })],
      ["scope", "where: team: undefined is no label value", where(label("team"))],
      ["scope", "are no conditions; write where({ request_protocol", where("response_code", "200")],
      ["scope", "are no conditions", where(null)],
      ["scope", "are no conditions", where(/5../)],
      ["scope", "are no conditions", where(["response_code"])],
      ["scope", "are no conditions", where(new Map([["response_code", "200"]]))],
      ["pattern", "where: response_code: /^5/ cannot be sent", where({ response_code: /^5/ })],
      ["string", "half a surrogate pair", where({ response_code: "\udc00" })],
    ]);
  });
});

describe("what failed", () => {
  const failed = (scope: Traffic): string[] =>
    [...scope.errors("1m").promql.matchAll(/rate\(istio_requests_total\{(.*?)\}\[1m\]\)/g)].map(([, conditions = ""]) =>
      conditions.replace(/^reporter="destination",?/, ""),
    );

  test("is by default no answer or 5xx over HTTP, and a server's status over gRPC", () => {
    expect(failed(mesh.all())).toEqual([
      'request_protocol!="grpc",response_code=~"0|5.."',
      'request_protocol="grpc",grpc_response_status=~"2|4|12|13|14|15"',
      'request_protocol="grpc",grpc_response_status="",response_code=~"0|5.."',
      "",
    ]);
  });

  test("is what the mesh says, and what a scope says before it", () => {
    const strict = createMesh({ failures: [{ response_code: /[45]../ }] });
    expect(failed(strict.all())).toEqual(['response_code=~"[45].."', ""]);
    expect(failed(strict.all().failures([{ response_code: 418 }, { response_flags: { not: "-" } }]))).toEqual([
      'response_code="418"',
      'response_flags!="-"',
      "",
    ]);
    expect(
      failed(
        strict
          .all()
          .failures([{ response_code: 418 }])
          .where({ team: "x" })
          .version("v1"),
      ),
    ).toEqual(['destination_version="v1",team="x",response_code="418"', 'destination_version="v1",team="x"']);
  });

  refuses([
    ["failures", "failures: an array is no rule; write a list of conditions such as", (m) => m.all().failures([])],
    ["failures", "failures: undefined is no rule", (m) => m.all().failures(untyped(undefined))],
    ["failures", "failures: an object is no rule", (m) => m.all().failures(untyped({ response_code: "500" }))],
    ["failures", "a set without conditions would call every request failed", (m) => m.all().failures([{}])],
    ["failures", "a set without conditions", (m) => m.all().failures([{ response_code: undefined }])],
    ["scope", "failures: null are no conditions", (m) => m.all().failures([untyped(null)])],
    ["label", 'failures: "respons_code" is not one of Istio\'s', (m) => m.all().failures([{ respons_code: "500" }])],
    ["reporter", "failures: the reporter is chosen by", (m) => m.all().failures([{ reporter: "source" }])],
    ["failures", "is no rule", () => createMesh({ failures: untyped("5xx") })],
  ]);
});

describe("a mesh of what cannot be one is refused", () => {
  const options = (value: unknown) => () => createMesh(value as MeshOptions);
  refuses([
    [
      "config",
      'createMesh: there is no option "metric"; there are accessLog, failures, histograms, logs, metrics, now, onPartial, onProgress, reporter',
      options({ metric: {} }),
    ],
    [
      "config",
      'createMesh: metrics is no backend; write metrics: prometheus("http://prometheus:9090")',
      options({ metrics: "http://x" }),
    ],
    ["config", "createMesh: metrics is no backend", options({ metrics: null })],
    ["config", "createMesh: metrics is no backend", options({ metrics: { instant: () => 1 } })],
    ["reporter", 'createMesh: reporter: "me" is no reporter', options({ reporter: "me" })],
    ["config", 'createMesh: onPartial is "throw" or "warn"', options({ onPartial: "ignore" })],
    ["config", "createMesh: now is a function that returns epoch milliseconds", options({ now: 5 })],
  ]);
});

describe("a signal that cannot be meant is refused", () => {
  refuses([
    ["window", 'rate: "5" is not a positive PromQL duration; write "5m" or "1h30m"', (m) => m.all().rate("5")],
    ["window", 'requests: "0s" is not a positive PromQL duration', (m) => m.all().requests("0s")],
    ["window", "errors: 300 is not", (m) => m.all().errors(untyped(300))],
    ["window", "success: undefined is not", (m) => m.all().success(untyped(undefined))],
    ["window", 'latency: "5min" is not', (m) => m.all().latency(0.5, "5min")],
    ["window", "meanLatency: ", (m) => m.all().meanLatency("")],
    ["window", "requestBytes: ", (m) => m.all().requestBytes("x")],
    ["window", "tcpSent: ", (m) => m.all().tcpSent("x")],
    ["window", "messagesSent: ", (m) => m.all().messagesSent("x")],
    ["quantile", "latency(99): a quantile is a number from 0 to 1; write 0.99", (m) => m.all().latency(99, "5m")],
    ["quantile", "latency(-0.5): a quantile is a number from 0 to 1", (m) => m.all().latency(-0.5, "5m")],
    ["quantile", "latency(NaN)", (m) => m.all().latency(Number.NaN, "5m")],
    ["quantile", 'latency("0.99")', (m) => m.all().latency(untyped("0.99"), "5m")],
    ["quantile", "latency(99)", (m) => m.all().reportedBy("auto").latency(99, "5m")],
    ["label", 'by: "" is no label name; write by("response_code")', (m) => m.all().rate("5m").by(untyped(""))],
    ["label", "by: undefined is no label name", (m) => m.all().rate("5m").by(untyped(undefined))],
    [
      "label",
      'by: "respons_code" is not one of Istio\'s labels',
      (m) => m.all().rate("5m").by(untyped("respons_code")),
    ],
    ["label", 'without: "respons_code" is not one of', (m) => m.all().rate("5m").without(untyped("respons_code"))],
    ["window", "offset: 5 is not a positive PromQL duration", (m) => m.all().rate("5m").offset(untyped(5))],
  ]);
});
