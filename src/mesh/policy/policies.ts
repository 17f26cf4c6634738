import { QueryError } from "../../errors.ts";
import { text } from "../../results/column.ts";
import { qualityNotes } from "../../results/meta.ts";
import { INSPECT } from "../../results/mime.ts";
import { Result, Table } from "../../results/result.ts";
import { plain } from "../../results/text.ts";
import { linesPart, tablePart, type View } from "../../results/view.ts";
import { shown } from "../../time.ts";
import { type CheckOptions, type CheckSource, checkPolicies } from "./check.ts";
import type { PathNormalization } from "./path.ts";
import { type IgnoredResource, type PolicyInput, readPolicies } from "./read.ts";
import type { PolicyReport } from "./report.ts";
import type { MeshSettings, PolicyRequest } from "./request.ts";
import { type AnyResource, resourceText } from "./resource.ts";
import { Judge, type Verdict } from "./verdict.ts";
import { warningsOf } from "./warnings.ts";

/** How a mesh is configured, as far as policies depend on it. */
export interface PolicyOptions extends Partial<MeshSettings> {
  /** The namespace of resources that name none; `"default"`. */
  readonly namespace?: string | undefined;
}

/** Policies of Istio, as one set: what they leave open is open. */
export class Policies extends Result {
  readonly resources: readonly AnyResource[];
  /** What was given beside them and is of other kinds. */
  readonly ignored: readonly IgnoredResource[];
  /** What is allowed, and most likely not meant. */
  readonly warnings: readonly string[];
  readonly #judge: Judge;
  readonly #settings: MeshSettings;
  readonly #source: CheckSource;

  /** @throws {QueryError} `code: "policy"` that names every fault by file, document and path */
  constructor(source: CheckSource, input: PolicyInput, options: PolicyOptions = {}) {
    super();
    const { namespace = "default", ...settings } = settingsOf(options);
    const { resources, ignored } = readPolicies(input, namespace);
    this.resources = Object.freeze(resources);
    this.ignored = Object.freeze(ignored);
    this.warnings = Object.freeze(warningsOf(resources, settings));
    this.#judge = new Judge(resources, settings);
    this.#settings = settings;
    this.#source = source;
    Object.freeze(this);
  }

  /**
   * What Istio would do about a request under these policies, and which rule says so.
   *
   * What is left out of the request is not known: where the verdict depends on it, it is `"unknown"` and names it.
   *
   * @example
   * const policies = mesh.policies({ files: "policies/shop.yaml" });
   * policies.verdict({
   *   protocol: "http", security: "mutual_tls", method: "GET", path: "/admin",
   *   source: { principal: "cluster.local/ns/shop/sa/web" },
   *   destination: { namespace: "shop", labels: { app: "orders" }, port: 8080 },
   * }).decision // "denied"
   */
  verdict(request: PolicyRequest): Verdict {
    return this.#judge.verdict(request);
  }

  /**
   * Holds the policies against the traffic of a range: what they would newly deny or allow, what cannot be told, and
   * which rules and routes nothing uses.
   *
   * Identities and counts are the metrics', methods and paths those of access logs, where there are any. Two questions
   * go to the metrics; of the logs the latest `calls` are read.
   *
   * @throws {QueryError} `code: "config"` when the mesh has neither metrics nor logs, `"range"` for a range that is none
   * @example
   * const report = await mesh.policies({ files: "deny-admin.yaml" }).check({ last: "5m" });
   * for (const flow of report.newlyDenied) console.log(flow.source.principal, flow.path, flow.rate);
   */
  check(options: CheckOptions): Promise<PolicyReport> {
    return checkPolicies(this.#source, this.resources, this.#judge, this.#settings, options);
  }

  /** A row for each resource. */
  toTable(): Table {
    return Table.of(
      [text("kind"), text("name"), text("namespace"), text("origin")],
      this.resources.map(({ kind, name, namespace, origin }) => [kind, name, namespace, origin]),
    );
  }

  toView(): View {
    const count = { text: `${this.resources.length} policies`, tone: "strong" } as const;
    return {
      parts: [linesPart(count), tablePart(this.toTable())],
      notes: qualityNotes({ complete: true, warnings: this.warnings }),
    };
  }

  /** What was read, and what of it is most likely not meant. */
  override toString(): string {
    const names = this.resources.map((one) => `  ${resourceText(one)} (${one.origin})`);
    const warnings = this.warnings.map((warning) => `  warning: ${warning}`);
    return [`${this.resources.length} policies`, ...names, ...warnings].map(plain).join("\n");
  }

  override [INSPECT](): string {
    return this.toString();
  }

  toJSON(): Pick<Policies, "ignored" | "resources" | "warnings"> {
    const { resources, ignored, warnings } = this;
    return { resources, ignored, warnings };
  }
}

const OPTIONS: ReadonlySet<string> = new Set([
  "extensionProviders",
  "namespace",
  "pathNormalization",
  "rootNamespace",
  "trustDomain",
  "trustDomainAliases",
]);

function settingsOf(options: PolicyOptions): MeshSettings & { readonly namespace: string | undefined } {
  const unknown = Object.keys(options).find((name) => !OPTIONS.has(name));
  if (unknown !== undefined) {
    throw new QueryError("config", `policies: there is no option "${unknown}"; there are ${[...OPTIONS].join(", ")}`);
  }
  const { namespace, rootNamespace = "istio-system", trustDomain = "cluster.local", trustDomainAliases = [] } = options;
  const names = { namespace: namespace ?? "default", rootNamespace, trustDomain };
  for (const [name, value] of Object.entries(names)) {
    if (typeof value === "string" && value !== "") continue;
    throw new QueryError("config", `policies: ${name} is ${shown(value)}; write its name`);
  }
  const { extensionProviders, pathNormalization = "BASE" } = options;
  for (const [name, list, example] of [
    ["trustDomainAliases", trustDomainAliases, "old.example.org"],
    ["extensionProviders", extensionProviders ?? [], "opa"],
  ] as const) {
    if (Array.isArray(list) && list.every((one) => typeof one === "string" && one !== "")) continue;
    throw new QueryError("config", `policies: ${name} is a list of names, such as [${shown(example)}]`);
  }
  if (!NORMALIZATIONS.includes(pathNormalization)) {
    throw new QueryError(
      "config",
      `policies: pathNormalization is ${shown(pathNormalization)}; write one of ${NORMALIZATIONS.join(", ")}`,
    );
  }
  return { namespace, rootNamespace, trustDomain, trustDomainAliases, pathNormalization, extensionProviders };
}

const NORMALIZATIONS: readonly PathNormalization[] = ["BASE", "DECODE_AND_MERGE_SLASHES", "MERGE_SLASHES", "NONE"];
