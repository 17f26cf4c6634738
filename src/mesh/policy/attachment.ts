import type { MeshSettings, RequestDestination } from "./request.ts";
import type { Attachment, ResourceName, TargetRef, WorkloadSelector } from "./resource.ts";
import { and, or, type Tristate, unknown } from "./tristate.ts";

const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

/**
 * Whether a policy is for the proxy before a destination: by its namespace, and by the labels it selects or the
 * resources it is attached to.
 *
 * @see Istio, ShouldAttachPolicy in pilot/pkg/model/policyattachment.go
 */
export function isAttached(
  { name: _, namespace }: ResourceName,
  { selector, targetRef, targetRefs = targetRef === undefined ? [] : [targetRef] }: Attachment,
  destination: RequestDestination,
  { rootNamespace }: MeshSettings,
): Tristate {
  const { proxy = "sidecar" } = destination;
  const [service, serviceNamespace = destination.namespace] = (destination.service ?? "").split(".");
  const isNear = namespace === rootNamespace || namespace === destination.namespace;
  if (proxy === "waypoint") {
    if (!isNear && namespace !== serviceNamespace) return false;
    return or(
      targetRefs.map((ref) => {
        if (isKind(ref, "", "Service") || isKind(ref, "networking.istio.io", "ServiceEntry")) {
          if (destination.service === undefined) return unknown("destination.service");
          return ref.name === service && namespace === serviceNamespace;
        }
        if (isKind(ref, "gateway.networking.k8s.io", "GatewayClass")) {
          return ref.name === "istio-waypoint" && namespace === rootNamespace;
        }
        return isGateway(ref, namespace, destination);
      }),
    );
  }
  if (!isNear) return false;
  if (targetRefs.length === 0) return isSelected(selector, destination);
  if (proxy !== "gateway") return false;
  return or(targetRefs.map((ref) => isGateway(ref, namespace, destination)));
}

function isGateway(ref: TargetRef, namespace: string, destination: RequestDestination): Tristate {
  if (!isKind(ref, "gateway.networking.k8s.io", "Gateway") || namespace !== destination.namespace) return false;
  return hasLabel(destination, GATEWAY_NAME, ref.name);
}

const isKind = ({ group = "", kind }: TargetRef, wanted: string, wantedKind: string): boolean =>
  (group === "core" ? "" : group) === wanted && kind === wantedKind;

/** Whether a workload has all the labels of a selector; one without labels selects all. */
export const isSelected = (selector: WorkloadSelector | undefined, destination: RequestDestination): Tristate =>
  and(Object.entries(selector?.matchLabels ?? {}).map(([name, value]) => hasLabel(destination, name, value)));

function hasLabel({ labels = {}, labelsComplete = true }: RequestDestination, name: string, value: string): Tristate {
  if (Object.hasOwn(labels, name)) return labels[name] === value;
  return labelsComplete ? false : unknown(`label ${name} of the destination`);
}
