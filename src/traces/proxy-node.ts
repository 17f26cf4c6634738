/** A proxy as it names itself in `node_id`. */
export interface ProxyNode {
  /** `sidecar`, `router` (a gateway) or `waypoint`; others may come. */
  readonly type: string;
  readonly address: string | undefined;
  readonly pod: string;
  readonly namespace: string | undefined;
  readonly workload: string;
}

/**
 * Reads `sidecar~10.22.5.60~sleep-688d8dd85f-4sxh6.sample~sample.svc.cluster.local`; `undefined` of anything else.
 *
 * @see Istio, `Proxy.ServiceNode` in pilot/pkg/model/context.go
 */
export function proxyNode(nodeId: string): ProxyNode | undefined {
  const [type, address, name, domain] = nodeId.split("~");
  if (type === undefined || type === "" || name === undefined || name === "" || domain === undefined) return undefined;
  // A pod's name may have dots, a namespace's has none.
  const dot = name.lastIndexOf(".");
  const pod = dot <= 0 ? name : name.slice(0, dot);
  return Object.freeze({
    type,
    address: address === "" ? undefined : address,
    pod,
    namespace: dot <= 0 || dot === name.length - 1 ? undefined : name.slice(dot + 1),
    workload: workloadOfPod(pod),
  });
}

/**
 * The workload that a pod belongs to, by the names that Kubernetes makes: `web` of `web-6c9f7d5b4-k2x9p` (Deployment),
 * `web-k2x9p` (DaemonSet, Job) and `web-0` (StatefulSet), and a CronJob's name without the time of its Job, as Istio
 * has it.
 *
 * The digits and letters of those suffixes are few (no vowels, no 0, 1 and 3; a ReplicaSet's hash has ten of them), so
 * that a name such as `web-admin` stays whole.
 *
 * @see Kubernetes, `SafeEncodeString` in k8s.io/apimachinery/pkg/util/rand
 * @see Istio, `GetDeployMetaFromPod` in pkg/kube/util.go
 */
export function workloadOfPod(pod: string): string {
  for (const form of [REPLICA_SET, SCHEDULED, GENERATED, ORDINAL]) {
    const workload = form.exec(pod)?.[1];
    if (workload !== undefined) return workload;
  }
  return pod;
}

const REPLICA_SET = /^(.+)-[4-9bcdf]{6,10}-[a-z0-9]{5}$/;
const SCHEDULED = /^(.+)-\d{8,10}-[24-9b-df-hj-np-tv-xz]{5}$/;
const GENERATED = /^(.+)-[24-9b-df-hj-np-tv-xz]{5}$/;
const ORDINAL = /^(.+)-\d+$/;
