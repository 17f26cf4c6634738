import { metaOf } from "../../metrics/answer.ts";
import type { MetricsBackend } from "../../metrics/backend.ts";
import type { Context } from "../../metrics/query.ts";
import { matcher, print, selector } from "../../promql/index.ts";
import { instant, text } from "../../results/column.ts";
import { labelValue } from "../../results/labels.ts";
import { qualityNotes } from "../../results/meta.ts";
import { Result, Table } from "../../results/result.ts";
import { printColumns } from "../../results/text-view.ts";
import { tablePart, type View } from "../../results/view.ts";
import { type AskOptions, formatInstant } from "../../time.ts";
import { known } from "../graph/node.ts";
import { type Certificate, readCertificates } from "./certificate.ts";

/** Certificates to look at beside those that metrics tell of. */
export type CertificateOptions = AskOptions & {
  /** PEM text: workloads' chains, roots, or both; such as what `istioctl proxy-config secret -o json` holds. */
  readonly pem?: string | undefined;
};

/** When a certificate of a proxy or of the control plane expires, as its metric tells. */
export interface CertificateExpiry {
  /** `"pod.namespace"` of the proxy, or `"istiod"`. */
  readonly holder: string;
  /** Whether it is a workload's own, an authority's, or the root of trust. */
  readonly kind: "authority" | "root" | "workload";
  readonly expiresMs: number;
}

/** What is known of a mesh's certificates. */
export class Certificates extends Result {
  /** By metrics, the first to expire first; none where the agents' metrics are not scraped. */
  readonly expiries: readonly CertificateExpiry[];
  /** By the PEM that was given, in its order. */
  readonly read: readonly Certificate[];
  /** The instant that expiry is judged by, in epoch milliseconds. */
  readonly atMs: number;
  readonly warnings: readonly string[];

  constructor(parts: Pick<Certificates, "atMs" | "expiries" | "read" | "warnings">) {
    super();
    this.expiries = Object.freeze([...parts.expiries].sort((a, b) => a.expiresMs - b.expiresMs));
    this.read = Object.freeze(parts.read);
    this.atMs = parts.atMs;
    this.warnings = Object.freeze(parts.warnings);
    Object.freeze(this);
  }

  /** The subjects of the roots that the given certificates lead to: more than one is a mesh of several trusts. */
  get roots(): readonly string[] {
    return [...new Set(this.read.flatMap(({ root }) => root ?? []))];
  }

  /** What expires within so many milliseconds, or has expired: by metrics and by PEM. */
  expiringWithin(ms: number): readonly (Certificate | CertificateExpiry)[] {
    return [...this.expiries, ...this.read].filter(({ expiresMs }) => expiresMs <= this.atMs + ms);
  }

  /** A row for each certificate, those of metrics first. */
  toTable(): Table {
    return Table.of(
      [
        text("holder"),
        text("kind"),
        text("expires", "people"),
        instant("expires", "programs"),
        text("issuer"),
        text("root of trust"),
      ],
      [
        ...this.expiries.map(({ holder, kind, expiresMs }) => [holder, kind, this.#when(expiresMs), expiresMs, "", ""]),
        ...this.read.map(({ subject, principals, isAuthority, expiresMs, issuer, root }) => [
          principals.join(", ") || subject,
          isAuthority ? "authority" : "workload",
          this.#when(expiresMs),
          expiresMs,
          issuer,
          root ?? "not among these",
        ]),
      ],
      (row) => (this.#isOver(row) ? "bad" : undefined),
    );
  }

  toView(): View {
    const notes = qualityNotes({ complete: true, warnings: this.warnings });
    return { parts: [tablePart(this.toTable())], notes };
  }

  /** The certificates as a table, those that have expired marked. */
  override toString(): string {
    return printColumns(this.toTable());
  }

  toJSON(): Pick<Certificates, "atMs" | "expiries" | "read" | "warnings"> {
    const { expiries, read, atMs, warnings } = this;
    return { expiries, read, atMs, warnings };
  }

  #isOver(row: number): boolean {
    const one = this.expiries[row] ?? this.read[row - this.expiries.length];
    return one !== undefined && one.expiresMs <= this.atMs;
  }

  #when(expiresMs: number): string {
    return `${formatInstant(expiresMs)}${expiresMs <= this.atMs ? " (expired)" : ""}`;
  }
}

/** The agents' metric says how many seconds are left; the control plane's, at which second it is over. */
const AGENTS = "istio_agent_cert_expiry_seconds";
const CONTROL_PLANE = {
  citadel_server_root_cert_expiry_timestamp: "root",
  citadel_server_cert_chain_expiry_timestamp: "authority",
} as const;

/** What metrics and a PEM tell of certificates, in one request. */
export async function askCertificates(
  { backend, now, onPartial }: Context,
  { pem, ...options }: CertificateOptions,
): Promise<Certificates> {
  const read = pem === undefined ? [] : readCertificates(pem);
  if (backend === undefined) return new Certificates({ expiries: [], read, atMs: now(), warnings: [] });
  const { expiries, warnings } = await told(backend, onPartial, options);
  return new Certificates({ expiries, read, atMs: now(), warnings });
}

async function told(
  backend: MetricsBackend,
  onPartial: Context["onPartial"],
  options: AskOptions,
): Promise<Pick<Certificates, "expiries" | "warnings">> {
  const names = [AGENTS, ...Object.keys(CONTROL_PLANE)].join("|");
  const expr = selector(undefined, [matcher("__name__", "=~", names)]);
  const answer = await backend.instant(expr, undefined, options);
  const { warnings } = metaOf(backend.name, print(expr), answer, onPartial);
  const { data } = answer;
  if (data.kind !== "vector") return { expiries: [], warnings };
  const expiries = data.labels.map((labels, i): CertificateExpiry => {
    const value = data.values[i] ?? Number.NaN;
    const name = labelValue(labels, "__name__");
    if (name === AGENTS) {
      const holder = [known(labels, "pod") ?? known(labels, "instance"), known(labels, "namespace")];
      return {
        holder: holder.filter((part) => part !== undefined).join(".") || "unknown",
        kind: labelValue(labels, "resource_name") === "ROOTCA" ? "root" : "workload",
        expiresMs: (data.timesMs[i] ?? Number.NaN) + value * 1000,
      };
    }
    const kind = Object.hasOwn(CONTROL_PLANE, name) ? CONTROL_PLANE[name as keyof typeof CONTROL_PLANE] : "authority";
    return { holder: "istiod", kind, expiresMs: value * 1000 };
  });
  return { expiries: expiries.filter(({ expiresMs }) => Number.isFinite(expiresMs)), warnings };
}
