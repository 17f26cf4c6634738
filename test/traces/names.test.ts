import { describe, expect, it } from "vitest";
import { proxyNode, workloadOfPod } from "../../src/traces/proxy-node.ts";
import { serviceOfHost, upstreamCluster } from "../../src/traces/upstream-cluster.ts";

describe("the workload of a pod", () => {
  it.each([
    ["sleep-688d8dd85f-4sxh6", "sleep", "a Deployment's"],
    ["waypoint-5b7c754ccb-55jwk", "waypoint", "a Deployment's"],
    ["bookinfo-gateway-istio-6754756766-pmxnn", "bookinfo-gateway-istio", "a hash of digits alone"],
    ["backend-v2-6c9f7d5b4-k2x9p", "backend-v2", "a Deployment of a version"],
    ["web-admin-6c9f7d5b4-k2x9p", "web-admin", "a Deployment whose name begins with another's"],
    ["fluentd-k2x9p", "fluentd", "a DaemonSet's or a Job's"],
    ["db-0", "db", "a StatefulSet's"],
    ["kafka-broker-12", "kafka-broker", "a StatefulSet's with two digits"],
    ["report-28927440-k2x9p", "report", "a CronJob's, timed in minutes"],
    ["report-1732420800-k2x9p", "report", "a CronJob's, timed in seconds"],
    ["productpage-v1-2365421123-g4x2c", "productpage-v1", "an old ReplicaSet's"],
    ["web-admin", "web-admin", "no generated part"],
    ["sleep", "sleep", "no parts"],
    ["api-v2", "api-v2", "a version is no ordinal"],
    ["my.vm.example", "my.vm.example", "a machine outside the cluster"],
  ])("%s: %s (%s)", (pod, workload) => {
    expect(workloadOfPod(pod)).toBe(workload);
  });
});

describe("node_id", () => {
  it.each([
    [
      "sidecar~10.22.5.60~sleep-688d8dd85f-4sxh6.sample~sample.svc.cluster.local",
      { type: "sidecar", address: "10.22.5.60", pod: "sleep-688d8dd85f-4sxh6", namespace: "sample", workload: "sleep" },
    ],
    [
      "router~2406:da24:8:c202::5~istio-ingressgateway-6c9f7d5b4-k2x9p.istio-system~istio-system.svc.cluster.local",
      {
        type: "router",
        address: "2406:da24:8:c202::5",
        pod: "istio-ingressgateway-6c9f7d5b4-k2x9p",
        namespace: "istio-system",
        workload: "istio-ingressgateway",
      },
    ],
    [
      "sidecar~10.0.0.1~my.vm.prod~prod.svc.cluster.local",
      { type: "sidecar", address: "10.0.0.1", pod: "my.vm", namespace: "prod", workload: "my.vm" },
    ],
    ["sidecar~~vm~domain", { type: "sidecar", address: undefined, pod: "vm", namespace: undefined, workload: "vm" }],
  ])("%s", (nodeId, node) => {
    expect(proxyNode(nodeId)).toEqual(node);
  });

  it.each(["", "~~~", "frontend-7d9f", "sidecar~10.0.0.1", "sidecar~10.0.0.1~~x"])("%j is none", (nodeId) => {
    expect(proxyNode(nodeId)).toBeUndefined();
  });
});

describe("upstream_cluster", () => {
  const none = { port: undefined, subset: undefined, host: undefined };
  it.each([
    [
      "outbound|9080|v1|reviews.default.svc.cluster.local",
      { direction: "outbound", port: 9080, subset: "v1", host: "reviews.default.svc.cluster.local" },
    ],
    [
      "outbound|9080||reviews.default.svc.cluster.local;",
      { direction: "outbound", port: 9080, subset: undefined, host: "reviews.default.svc.cluster.local" },
    ],
    ["outbound|5000|v2|helloworld", { direction: "outbound", port: 5000, subset: "v2", host: "helloworld" }],
    ["outbound|443||API.example.org", { direction: "outbound", port: 443, subset: undefined, host: "api.example.org" }],
    ["outbound|80||[2001:db8::1]", { direction: "outbound", port: 80, subset: undefined, host: "2001:db8::1" }],
    ["outbound|80||2001:db8::1", { direction: "outbound", port: 80, subset: undefined, host: "2001:db8::1" }],
    [
      "outbound_.8000_._.httpbin.default.svc.cluster.local",
      { direction: "outbound", port: 8000, subset: undefined, host: "httpbin.default.svc.cluster.local" },
    ],
    [
      "outbound_.9080_.v2_.reviews.default.svc.cluster.local",
      { direction: "outbound", port: 9080, subset: "v2", host: "reviews.default.svc.cluster.local" },
    ],
    ["inbound|9080||", { direction: "inbound", port: 9080, subset: undefined, host: undefined }],
    [
      "inbound|9080|http|reviews.default.svc.cluster.local",
      { direction: "inbound", port: 9080, subset: "http", host: "reviews.default.svc.cluster.local" },
    ],
    [
      "inbound-vip|9080|http|reviews.default.svc.cluster.local",
      { direction: "inbound-vip", port: 9080, subset: "http", host: "reviews.default.svc.cluster.local" },
    ],
    ["PassthroughCluster", { direction: "passthrough", ...none }],
    ["BlackHoleCluster", { direction: "black-hole", ...none }],
    ["InboundPassthroughCluster", { direction: "inbound", ...none }],
    ["InboundPassthroughClusterIpv4", { direction: "inbound", ...none }],
    ["xds-grpc", { direction: "other", ...none }],
    ["outbound|many||x", { direction: "other", ...none }],
    ["outbound|1|2", { direction: "other", ...none }],
    ["", { direction: "other", ...none }],
  ])("%s", (name, cluster) => {
    expect(upstreamCluster(name)).toEqual(cluster);
  });
});

describe("the service of a host", () => {
  it.each([
    ["reviews.default.svc.cluster.local", { service: "reviews", namespace: "default" }],
    ["reviews.default.svc", { service: "reviews", namespace: "default" }],
    ["reviews", { service: "reviews", namespace: undefined }],
    ["api.example.org", undefined],
    ["svc.example.org", undefined],
    ["10.0.0.1", undefined],
    ["2001:db8::1", undefined],
    ["80", undefined],
    ["", undefined],
  ])("%s", (host, service) => {
    expect(serviceOfHost(host)).toEqual(service);
  });
});
