import { isSelected } from "./attachment.ts";
import type { MeshSettings, RequestDestination } from "./request.ts";
import type { MutualTls, MutualTlsMode, PeerAuthentication } from "./resource.ts";

/** What a destination's port takes, and what says so; `undefined` where nothing does and Istio's default holds. */
export interface PortMode {
  readonly mode: MutualTlsMode;
  readonly policy: PeerAuthentication | undefined;
  /** Whether the policy says it of this port alone. */
  readonly ofPort: boolean;
}

/** The modes that a port may have by what is known of it: one where that is enough. */
export interface PossibleModes {
  readonly modes: readonly PortMode[];
  readonly missing: readonly string[];
}

/**
 * The mode of mutual TLS at a destination's port: the workload's own policy's, else its namespace's, else the mesh's,
 * else PERMISSIVE. Of several in one scope the oldest holds.
 *
 * @param sorted by {@link oldestFirst}
 * @see Istio, ComposePeerAuthentication in pilot/pkg/security/authn/policy_applier.go
 */
export function possibleModes(
  sorted: readonly PeerAuthentication[],
  destination: RequestDestination,
  { rootNamespace }: MeshSettings,
): PossibleModes {
  const { namespace, proxy } = destination;
  // A gateway's own servers say what they take, and a waypoint is reached through the mesh alone.
  if (proxy === "gateway" || proxy === "waypoint") return { modes: [DEFAULT], missing: [] };
  const wide = (one: PeerAuthentication) => Object.keys(one.spec.selector?.matchLabels ?? {}).length === 0;
  const ofMesh = sorted.find((one) => wide(one) && one.namespace === rootNamespace);
  const ofNamespace = sorted.find((one) => wide(one) && one.namespace === namespace && namespace !== rootNamespace);
  const base = inherited(ofNamespace, inherited(ofMesh, DEFAULT));
  const found: PortMode[] = [];
  const missing = new Set<string>();
  let isCertain = false;
  // A policy with a selector holds for workloads of its own namespace only, and in the root namespace for none.
  for (const policy of sorted) {
    if (wide(policy) || policy.namespace !== namespace || namespace === rootNamespace) continue;
    const selected = isSelected(policy.spec.selector, destination);
    if (selected === false) continue;
    if (selected !== true) for (const name of selected.missing) missing.add(name);
    found.push(...workloadModes(policy, base, destination.port, missing));
    isCertain = selected === true;
    if (isCertain) break;
  }
  if (!isCertain) found.push(base);
  const modes = found.filter((one, i) => found.findIndex(({ mode }) => mode === one.mode) === i);
  return { modes, missing: modes.length === 1 ? [] : [...missing] };
}

const NEVER = Number.MAX_SAFE_INTEGER;
const DEFAULT: PortMode = Object.freeze({ mode: "PERMISSIVE", policy: undefined, ofPort: false });

/** What the mode of a policy is, or what it has from above. */
function inherited(
  policy: PeerAuthentication | undefined,
  above: PortMode,
  mtls: MutualTls | undefined = policy?.spec.mtls,
): PortMode {
  const { mode = "UNSET" } = mtls ?? {};
  return policy === undefined || mode === "UNSET" ? above : { mode, policy, ofPort: false };
}

/** The modes of a workload's own policy: one where the port is known, or does not matter. */
function workloadModes(
  policy: PeerAuthentication,
  base: PortMode,
  port: number | undefined,
  missing: Set<string>,
): PortMode[] {
  const own = inherited(policy, base);
  const ports = Object.entries(policy.spec.portLevelMtls ?? {});
  const at = (mtls: MutualTls): PortMode => {
    const { mode = "UNSET" } = mtls;
    return mode === "UNSET" ? own : { mode, policy, ofPort: true };
  };
  if (ports.length === 0) return [own];
  if (port !== undefined)
    return [
      ports.map(([name, mtls]) => (Number(name) === port ? at(mtls) : undefined)).find((one) => one !== undefined) ??
        own,
    ];
  missing.add("destination.port");
  return [own, ...ports.map(([, mtls]) => at(mtls))];
}

/** In the order in which they count: the oldest first, what was never applied last, of one age by their names. */
export const oldestFirst = (policies: readonly PeerAuthentication[]): readonly PeerAuthentication[] =>
  [...policies].sort(byAge);

function byAge(a: PeerAuthentication, b: PeerAuthentication): number {
  const [first = NEVER, second = NEVER] = [a.createdMs, b.createdMs];
  if (first !== second) return first - second;
  const [one, other] = [`${a.name}.${a.namespace}`, `${b.name}.${b.namespace}`];
  return one < other ? -1 : one > other ? 1 : 0;
}
