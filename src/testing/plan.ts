import type { SimulatedCall } from "./options.ts";
import type { Service, Topology, Workload } from "./topology.ts";

/** How one call ends, as far as that is its own doing. */
export type Ending =
  | { readonly kind: "aborted" | "denied" | "exhausted" | "limited" | "ok" | "recovered" | "refused" | "unreachable" }
  | { readonly kind: "failed"; readonly status: number }
  | { readonly kind: "timed-out"; readonly afterMs: number }
  | { readonly kind: "identity-lost" | "plaintext" };

/** A call of a flow with who is called, before anything of it is decided. */
export interface PlannedCall {
  readonly call: SimulatedCall;
  readonly caller: Workload;
  readonly service: Service;
  /** Who is called; `undefined` where there is nobody. */
  readonly chosen: Service["workloads"][number] | undefined;
  readonly path: string;
  readonly calls: readonly PlannedCall[];
}

/** Every choice of versions along a call, with its share. */
export function plansOf(
  call: SimulatedCall,
  caller: Workload,
  topology: Topology,
): readonly { readonly planned: PlannedCall; readonly share: number }[] {
  const service = topology.services.get(call.to);
  if (service === undefined) throw new Error(`simulatedMesh: ${call.to} is not among the services`);
  const path = call.path ?? (service.protocol === "grpc" ? `/${service.name}.Service/Call` : "/");
  const candidates = service.workloads.filter(({ version }) => version.name === (call.version ?? version.name));
  if (candidates.length === 0) {
    return [{ planned: { call, caller, service, chosen: undefined, path, calls: [] }, share: 1 }];
  }
  const total = candidates.reduce((sum, { version }) => sum + version.weight, 0);
  return candidates.flatMap((chosen) => {
    const combinations = (call.calls ?? []).reduce<readonly { calls: readonly PlannedCall[]; share: number }[]>(
      (before, one) =>
        before.flatMap(({ calls, share }) =>
          plansOf(one, chosen.workload, topology).map((next) => ({
            calls: [...calls, next.planned],
            share: share * next.share,
          })),
        ),
      [{ calls: [], share: 1 }],
    );
    return combinations.map(({ calls, share }) => ({
      planned: { call, caller, service, chosen, path, calls },
      share: (share * chosen.version.weight) / total,
    }));
  });
}
