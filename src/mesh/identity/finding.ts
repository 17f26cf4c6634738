import { printValue } from "../../results/text.ts";
import type { IdentityEdge, IdentityPeer, SeenPrincipal } from "./edge.ts";
import { principalParts } from "./principal.ts";

/** Which identities are expected. */
export interface ExpectedIdentities {
  /** The trust domain that every caller must be of, or several. */
  readonly trustDomain?: string | readonly string[] | undefined;
  /** The service account of a workload, by `"workload.namespace"`. */
  readonly serviceAccounts?: Readonly<Record<string, string>> | undefined;
}

/**
 * What a person should look at.
 *
 * `plaintext`: calls without any identity. `trust-domain`, `service-account`: an identity that is not the expected one.
 * `namespace`: a certificate of another namespace than the workload's own. `shared-name`: one workload's name came with
 * several identities. `shared-identity`: several workloads have the same identity, so that no policy tells them apart.
 * `unproved`: calls of which no proxy knows whether they were secured.
 */
export interface IdentityFinding {
  readonly kind:
    | "namespace"
    | "plaintext"
    | "service-account"
    | "shared-identity"
    | "shared-name"
    | "trust-domain"
    | "unproved";
  /** The finding in words. */
  readonly message: string;
  /** The edges that show it. */
  readonly edges: readonly IdentityEdge[];
  /** The identities that it is about. */
  readonly principals: readonly string[];
  /** How often it was seen: requests and connections per second. */
  readonly rate: number;
}

/** The findings of all edges, the gravest kinds first and within one the most frequent. */
export function findingsOf(edges: readonly IdentityEdge[], expected: ExpectedIdentities): readonly IdentityFinding[] {
  return [
    ...sorted(edges.flatMap(plaintextOn)),
    ...sorted(edges.flatMap((edge) => unexpectedOn(edge, expected))),
    ...sorted(sharedNames(edges)),
    ...sorted(sharedIdentities(edges)),
    ...sorted(edges.flatMap(unprovedOn)),
  ];
}

const sorted = (findings: readonly IdentityFinding[]): readonly IdentityFinding[] =>
  [...findings].sort((a, b) => b.rate - a.rate);

function plaintextOn(edge: IdentityEdge): readonly IdentityFinding[] {
  const rate = edge.requests.plaintext + edge.connections.plaintext;
  if (rate === 0) return [];
  const what = rates(edge.requests.plaintext, edge.connections.plaintext);
  const message = `${callerOf(edge.from)} calls ${edge.to.id} in plaintext, ${what}: STRICT would turn it away`;
  return [{ kind: "plaintext", message, edges: [edge], principals: [], rate }];
}

function unprovedOn(edge: IdentityEdge): readonly IdentityFinding[] {
  const rate = edge.requests.unknown + edge.connections.unknown;
  if (rate === 0) return [];
  const what = rates(edge.requests.unknown, edge.connections.unknown);
  const message = `${edge.from.id} calls ${edge.to.id}, ${what}, and no proxy of the callee says how it was secured`;
  return [{ kind: "unproved", message, edges: [edge], principals: [], rate }];
}

function unexpectedOn(edge: IdentityEdge, expected: ExpectedIdentities): readonly IdentityFinding[] {
  return edge.principals.flatMap((seen) => {
    const parts = principalParts(seen.principal);
    if (parts === undefined) return [];
    const findings: IdentityFinding[] = [];
    const add = (kind: IdentityFinding["kind"], message: string) =>
      findings.push({ kind, message, edges: [edge], principals: [seen.principal], rate: rateOf(seen) });
    const domains = [expected.trustDomain ?? []].flat();
    if (domains.length > 0 && !domains.includes(parts.trustDomain)) {
      add("trust-domain", `${edge.from.id} calls ${edge.to.id} as ${seen.principal}, not of ${domains.join(" or ")}`);
    }
    const { namespace } = edge.from;
    if (namespace !== undefined && namespace !== parts.namespace) {
      add("namespace", `${edge.from.id} calls ${edge.to.id} as ${seen.principal}, whose namespace is not ${namespace}`);
    }
    const account = expected.serviceAccounts?.[edge.from.id];
    if (account !== undefined && account !== parts.serviceAccount) {
      add(
        "service-account",
        `${edge.from.id} calls ${edge.to.id} as ${seen.principal}, where the service account ${account} was expected`,
      );
    }
    return findings;
  });
}

function sharedNames(edges: readonly IdentityEdge[]): readonly IdentityFinding[] {
  return groups(edges, ({ from }) => (from.kind === "unknown" ? [] : [from.id])).flatMap(([name, calls]) => {
    const principals = [...new Set(calls.flatMap((edge) => edge.principals.map(({ principal }) => principal)))].sort();
    if (principals.length < 2) return [];
    const message = `the name ${name} came with ${principals.length} identities: ${principals.join(", ")}`;
    return [{ kind: "shared-name" as const, message, edges: calls, principals, rate: total(calls) }];
  });
}

function sharedIdentities(edges: readonly IdentityEdge[]): readonly IdentityFinding[] {
  return groups(edges, ({ principals }) => principals.map(({ principal }) => principal)).flatMap(
    ([principal, calls]) => {
      const names = [...new Set(calls.flatMap(({ from }) => (from.kind === "unknown" ? [] : [from.id])))].sort();
      if (names.length < 2) return [];
      const seen = calls.flatMap((edge) => edge.principals.filter((one) => one.principal === principal));
      const rate = seen.reduce((sum, one) => sum + rateOf(one), 0);
      const message = `${names.join(", ")} all call as ${principal}: no policy tells them apart`;
      return [{ kind: "shared-identity" as const, message, edges: calls, principals: [principal], rate }];
    },
  );
}

function groups(
  edges: readonly IdentityEdge[],
  keysOf: (edge: IdentityEdge) => readonly string[],
): readonly (readonly [string, readonly IdentityEdge[]])[] {
  const byKey = new Map<string, IdentityEdge[]>();
  for (const edge of edges) {
    for (const key of keysOf(edge)) {
      const known = byKey.get(key);
      if (known === undefined) byKey.set(key, [edge]);
      else known.push(edge);
    }
  }
  return [...byKey];
}

const rateOf = ({ requests, connections }: SeenPrincipal): number => requests + connections;

const total = (edges: readonly IdentityEdge[]): number =>
  edges.reduce((sum, { principals }) => sum + principals.reduce((part, seen) => part + rateOf(seen), 0), 0);

const callerOf = ({ kind, id }: IdentityPeer): string => (kind === "unknown" ? "a caller without a name" : id);

const rates = (requests: number, connections: number): string =>
  [
    ...(requests > 0 ? [printValue(requests, "req/s")] : []),
    ...(connections > 0 ? [printValue(connections, "conn/s")] : []),
  ].join(" and ");
