import type { DeclaredIncident } from "./declared.ts";
import type { Exchange, Span } from "./exchange.ts";
import { fewStrataOf, latencyUs, type Stratum, strataOf } from "./latency.ts";
import type { SimulatedCall, SimulatedFlow, SimulatedIncident } from "./options.ts";
import { type Ending, type PlannedCall, plansOf } from "./plan.ts";
import type { Topology } from "./topology.ts";
import { exchangesOf } from "./unfolding.ts";

/** Requests that are all alike: what calls there are, how each ends and about how long it takes. */
export interface RequestKind {
  /** The part of the flow's requests. */
  readonly share: number;
  /** The first is the request itself; each comes after the one that it is part of. */
  readonly exchanges: readonly Exchange[];
}

/** The kinds of a flow's requests while those incidents are, most of which change nothing. */
export function kindsOf(
  flow: SimulatedFlow,
  topology: Topology,
  incidents: readonly SimulatedIncident[],
): readonly RequestKind[] {
  const kinds: RequestKind[] = [];
  const caller = topology.callers.get(flow.from);
  if (caller === undefined) throw new Error(`simulatedMesh: ${flow.from} is not among the callers`);
  const scale = incidents.reduce((factor, one) => factor * surgeOf(one, flow), 1);
  for (const { planned, share } of plansOf(flow, caller, topology)) {
    for (const { at, ending, share: part } of endingsOf(planned, flow.aborted ?? 0, incidents)) {
      const calls = flattened(planned);
      const isUsual = ending.kind === "ok";
      const strata = isUsual ? strataOf(calls.length) : fewStrataOf(calls.length);
      for (const stratum of strata) {
        const exchanges = exchangesOf(planned, { at, ending }, (one) => own(one, calls, stratum, incidents));
        kinds.push({ share: scale * share * part * stratum.share, exchanges });
      }
    }
  }
  return kinds.filter((kind) => kind.share > 0);
}

const surgeOf = (incident: SimulatedIncident, flow: SimulatedFlow): number =>
  incident.kind === "surge" && (incident.caller === undefined || incident.caller === flow.from) ? incident.factor : 1;

/** Whether an incident can be seen in a flow. */
export function touches({ incident }: DeclaredIncident, flow: SimulatedFlow, topology: Topology): boolean {
  if (incident.kind === "surge") return surgeOf(incident, flow) !== 1;
  const goesTo = (call: SimulatedCall): boolean =>
    call.to === incident.service || (call.calls ?? []).some((one) => goesTo(one));
  return topology.services.has(incident.service) && goesTo(flow);
}

/** What answering takes beside the calls that it makes. */
function own(
  planned: PlannedCall,
  calls: readonly PlannedCall[],
  { deviations }: Stratum,
  incidents: readonly SimulatedIncident[],
): Span {
  const { chosen, service } = planned;
  if (chosen === undefined) return { fixed: 0, scaled: 0 };
  const factor = incidents.reduce((product, one) => {
    const isSlow =
      one.kind === "slow" &&
      one.service === service.name &&
      (one.version ?? chosen.version.name) === chosen.version.name;
    return isSlow ? product * one.factor : product;
  }, 1);
  return {
    fixed: 0,
    scaled: latencyUs(chosen.version.latencyMs, deviations[calls.indexOf(planned)] ?? 0, factor),
  };
}

const flattened = (planned: PlannedCall): readonly PlannedCall[] => [
  planned,
  ...planned.calls.flatMap((one) => flattened(one)),
];

interface EndingAt {
  readonly at: PlannedCall;
  readonly ending: Ending;
  readonly share: number;
}

/** The ways in which a request can end: all is well, or the first thing goes wrong at one of its calls. */
function endingsOf(
  planned: PlannedCall,
  aborted: number,
  incidents: readonly SimulatedIncident[],
): readonly EndingAt[] {
  const endings: EndingAt[] = [];
  let left = 1;
  const take = (at: PlannedCall, ending: Ending, share: number): void => {
    if (share > 0) endings.push({ at, ending, share: left * share });
  };
  const visit = (at: PlannedCall, isFirst: boolean): void => {
    const own = [
      ...(isFirst && aborted > 0 ? [{ ending: { kind: "aborted" } as const, share: aborted }] : []),
      ...endingsAt(at, incidents),
    ];
    // What is more than all is shared out.
    const sum = Math.max(
      1,
      own.reduce((total, { share }) => total + share, 0),
    );
    for (const { ending, share } of own) take(at, ending, share / sum);
    left *= 1 - own.reduce((total, { share }) => total + share / sum, 0);
    if (left > 1e-12) for (const one of at.calls) visit(one, false);
    else left = 0;
  };
  visit(planned, true);
  take(planned, { kind: "ok" }, 1);
  return endings;
}

/** What goes wrong with one call, and how often. */
function endingsAt(
  { call, caller, service, chosen, path }: PlannedCall,
  incidents: readonly SimulatedIncident[],
): readonly { readonly ending: Ending; readonly share: number }[] {
  const of = (incident: SimulatedIncident): boolean =>
    incident.kind !== "surge" &&
    incident.service === service.name &&
    (!("caller" in incident) || incident.caller === undefined || incident.caller === caller.name) &&
    (!("path" in incident) || incident.path === undefined || incident.path === path) &&
    (!("version" in incident) || incident.version === undefined || incident.version === chosen?.version.name);
  const active = incidents.filter(of);
  if (chosen === undefined) return [{ ending: { kind: "unreachable" }, share: 1 }];
  const { workload, version } = chosen;
  if (workload.proxy !== "none") {
    if (caller.proxy === "none" && service.mtls === "strict") return [{ ending: { kind: "refused" }, share: 1 }];
    const isAllowed =
      service.allow === undefined ||
      (caller.proxy !== "none" && [caller.name, caller.account].some((name) => service.allow?.includes(name)));
    const isDenied = !isAllowed || service.deny.includes(path) || active.some(({ kind }) => kind === "denied");
    if (isDenied && service.protocol !== "tcp") return [{ ending: { kind: "denied" }, share: 1 }];
  }
  const endings: { ending: Ending; share: number }[] = [];
  const isHttp = service.protocol === "http";
  const add = (ending: Ending, share: number | undefined): void => {
    if (share !== undefined && share > 0) endings.push({ ending, share });
  };
  for (const incident of active) {
    switch (incident.kind) {
      case "unreachable":
      case "plaintext":
      case "identity-lost":
        add({ kind: incident.kind }, incident.share ?? 1);
        break;
      case "limited":
        if (service.protocol !== "tcp") add({ kind: "limited" }, incident.share ?? 1);
        break;
      case "failing":
        add({ kind: "failed", status: incident.code ?? (isHttp ? 503 : 14) }, incident.share ?? 1);
        break;
      default:
        break;
    }
  }
  if (service.protocol === "tcp") return endings.filter(({ ending }) => ending.kind !== "failed");
  if (isHttp) {
    add({ kind: "recovered" }, call.recovered);
    add({ kind: "exhausted" }, call.exhausted);
  }
  add({ kind: "timed-out", afterMs: call.timeoutMs ?? 1_000 }, call.timeouts);
  add({ kind: "limited" }, call.limited);
  for (const [status, share] of Object.entries({
    ...version.failures,
    ...call.failures,
  })) {
    add({ kind: "failed", status: Number(status) }, share);
  }
  return endings;
}
