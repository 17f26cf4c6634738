import { number, text } from "../../results/column.ts";
import { qualityNotes } from "../../results/meta.ts";
import { Result, Table } from "../../results/result.ts";
import { printColumns } from "../../results/text-view.ts";
import { tablePart, type View } from "../../results/view.ts";
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

/** An {@link Identity} as plain data. */
export interface IdentityJson extends Omit<IdentityParts, "findings"> {
  readonly requests: Security;
  readonly connections: Security;
  readonly findings: readonly (Omit<IdentityFinding, "edges"> & {
    readonly edges: readonly { readonly from: string; readonly to: string }[];
  })[];
}

/** Who really called whom: the identities that certificates proved, and what was not proved. */
export class Identity extends Result implements IdentityParts {
  readonly edges: readonly IdentityEdge[];
  /** All requests and all TCP connections of the scope. */
  readonly requests: Security;
  readonly connections: Security;
  /** What a person should look at: plaintext, unexpected identities, shared names; the most frequent first. */
  readonly findings: readonly IdentityFinding[];
  readonly meta: IdentityMeta;

  constructor({ edges, findings, meta }: IdentityParts) {
    super();
    this.edges = Object.freeze(edges);
    this.requests = sumOf(edges.map((edge) => edge.requests));
    this.connections = sumOf(edges.map((edge) => edge.connections));
    this.findings = Object.freeze(findings);
    this.meta = Object.freeze(meta);
    Object.freeze(this);
  }

  /** The edges with calls in plaintext: what would break under STRICT. */
  get plaintext(): readonly IdentityEdge[] {
    return this.edges.filter((edge) => plaintextOf(edge) > 0);
  }

  /** Every caller's identity over all edges, the most frequent first. */
  get principals(): readonly SeenPrincipal[] {
    return joined(this.edges.flatMap(({ principals }) => principals));
  }

  /** A row for each edge. */
  toTable(): Table {
    const rates = (name: string, unit: string, only?: "programs") => ({ ...number(name, unit, only), zero: "" });
    return Table.of(
      [
        text("from"),
        text("to"),
        ...["mutual TLS", "plaintext", "unknown"].map((name) => rates(name, "req/s")),
        ...["TCP mutual TLS", "TCP plaintext"].map((name) => rates(name, "conn/s")),
        rates("TCP unknown", "conn/s", "programs"),
        text("identities"),
      ],
      this.edges.map(({ from, to, requests, connections, principals }) => [
        from.id,
        to.id,
        ...[requests, connections].flatMap(({ mutualTls, plaintext, unknown }) => [mutualTls, plaintext, unknown]),
        principals.map(({ principal }) => principal).join(", "),
      ]),
      (row) => (plaintextOf(this.edges[row]) > 0 ? "warn" : undefined),
    );
  }

  toView(): View {
    const { meta, findings } = this;
    return {
      parts: [tablePart(this.toTable())],
      notes: [
        ...findings.map(({ message }) => ({ text: `finding: ${message}`, tone: "bad" }) as const),
        { text: `from ${formatInstant(meta.fromMs)} to ${formatInstant(meta.toMs)}, from ${meta.backend}` },
        ...qualityNotes({ ...meta, infos: [] }),
      ],
    };
  }

  /** The edges as a table. */
  override toString(): string {
    return printColumns(this.toTable());
  }

  /** All of it as plain data; findings name their edges by both ends. */
  toJSON(): IdentityJson {
    const { edges, requests, connections, findings, meta } = this;
    const named = findings.map((finding) => ({
      ...finding,
      edges: finding.edges.map(({ from, to }) => ({ from: from.id, to: to.id })),
    }));
    return { edges, requests, connections, findings: named, meta };
  }
}

const plaintextOf = (edge: IdentityEdge | undefined): number =>
  (edge?.requests.plaintext ?? 0) + (edge?.connections.plaintext ?? 0);

function sumOf(parts: readonly Security[]): Security {
  const sum = (part: (one: Security) => number) => parts.reduce((total, one) => total + part(one), 0);
  return securityOf(
    sum(({ mutualTls }) => mutualTls),
    sum(({ plaintext }) => plaintext),
    sum(({ unknown }) => unknown),
  );
}
