import { plain, printTable, printValue } from "../../results/text.ts";
import type { ResolvedSpan } from "../../time.ts";
import { formatInstant } from "../../time.ts";
import { type IdentityEdge, joined, type Security, type SeenPrincipal, securityOf } from "./edge.ts";
import type { IdentityFinding } from "./finding.ts";

/** Where an identity report comes from, and how far it can be trusted. */
export interface IdentityMeta extends ResolvedSpan {
  readonly backend: string;
  readonly promql: readonly string[];
  readonly complete: boolean;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly tookMs: number;
}

/** What {@link Identity} is a shell over. */
export interface IdentityParts {
  readonly edges: readonly IdentityEdge[];
  readonly findings: readonly IdentityFinding[];
  readonly meta: IdentityMeta;
}

/** Who really called whom: the identities that certificates proved, and what was not proved. */
export class Identity implements IdentityParts {
  readonly edges: readonly IdentityEdge[];
  /** All requests and all TCP connections of the scope. */
  readonly requests: Security;
  readonly connections: Security;
  /** What a person should look at: plaintext, unexpected identities, shared names; the most frequent first. */
  readonly findings: readonly IdentityFinding[];
  readonly meta: IdentityMeta;

  constructor({ edges, findings, meta }: IdentityParts) {
    this.edges = Object.freeze(edges);
    this.requests = sumOf(edges.map((edge) => edge.requests));
    this.connections = sumOf(edges.map((edge) => edge.connections));
    this.findings = Object.freeze(findings);
    this.meta = Object.freeze(meta);
    Object.freeze(this);
  }

  /** The edges with calls in plaintext: what would break under STRICT. */
  get plaintext(): readonly IdentityEdge[] {
    return this.edges.filter(({ requests, connections }) => requests.plaintext + connections.plaintext > 0);
  }

  /** Every caller's identity over all edges, the most frequent first. */
  get principals(): readonly SeenPrincipal[] {
    return joined(this.edges.flatMap(({ principals }) => principals));
  }

  toString(): string {
    const rows = this.edges.map((edge) => [
      edge.from.id,
      edge.to.id,
      ...[edge.requests.mutualTls, edge.requests.plaintext, edge.requests.unknown].map((rate) => cell(rate, "req/s")),
      ...[edge.connections.mutualTls, edge.connections.plaintext].map((rate) => cell(rate, "conn/s")),
      edge.principals.map(({ principal }) => principal).join(", "),
    ]);
    const headings = [
      "from",
      "to",
      "mutual TLS",
      "plaintext",
      "unknown",
      "TCP mutual TLS",
      "TCP plaintext",
      "identities",
    ];
    return printTable(headings, rows);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const { meta, findings } = this;
    const lines = [
      ...findings.map(({ message }) => `  finding: ${message}`),
      `  from ${formatInstant(meta.fromMs)} to ${formatInstant(meta.toMs)}, from ${meta.backend}`,
      ...(meta.complete ? [] : ["  incomplete: part of the data is missing"]),
      ...meta.warnings.map((warning) => `  warning: ${warning}`),
    ];
    return [this.toString(), ...lines.map(plain)].join("\n");
  }
}

const cell = (rate: number, unit: string): string => (rate > 0 ? printValue(rate, unit) : "");

function sumOf(parts: readonly Security[]): Security {
  const sum = (part: (one: Security) => number) => parts.reduce((total, one) => total + part(one), 0);
  return securityOf(
    sum(({ mutualTls }) => mutualTls),
    sum(({ plaintext }) => plaintext),
    sum(({ unknown }) => unknown),
  );
}
