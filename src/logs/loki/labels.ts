import * as z from "zod/mini";
import { QueryError } from "../../errors.ts";
import { parseConfig, strictConfig } from "../../http/config.ts";
import { shown } from "../../time.ts";
import type { LogLine, OriginPart } from "../backend.ts";
import { isLabel } from "../logql/quote.ts";

/** What a label is called in Loki; `{ metadata }` where it may be kept beside each line instead of by stream. */
export type LabelPlace = string | { readonly metadata: string };

/** What Loki calls the parts of a line's origin. */
export type LokiLabels = Readonly<Partial<Record<OriginPart, LabelPlace>>>;

/** The collectors whose labels are known. */
export type LabelPreset = "alloy" | "otel" | "promtail";

const KUBERNETES: Readonly<Record<OriginPart, LabelPlace>> = Object.freeze({
  namespace: "namespace",
  pod: "pod",
  container: "container",
  app: "app",
});

const PRESETS: Readonly<Record<LabelPreset, Readonly<Record<OriginPart, LabelPlace>>>> = Object.freeze({
  promtail: KUBERNETES,
  alloy: KUBERNETES,
  otel: Object.freeze({
    namespace: "k8s_namespace_name",
    // A label of streams by default at first, of lines in later versions of Loki.
    pod: Object.freeze({ metadata: "k8s_pod_name" }),
    container: "k8s_container_name",
    app: "service_name",
  }),
});

const PLACE = z.union([z.string(), strictConfig({ metadata: z.string() })], {
  error: "must be the name of a label, or { metadata: name }",
});
const LABELS = strictConfig({
  namespace: z.optional(PLACE),
  pod: z.optional(PLACE),
  container: z.optional(PLACE),
  app: z.optional(PLACE),
});

/** Where Loki keeps the parts of an origin. */
export class OriginLabels {
  readonly #places: Readonly<Record<OriginPart, LabelPlace>>;

  /** @throws {QueryError} `code: "config"` */
  constructor(labels: LabelPreset | LokiLabels = "promtail") {
    if (typeof labels === "string") {
      if (!Object.hasOwn(PRESETS, labels)) {
        const known = Object.keys(PRESETS).map((name) => JSON.stringify(name));
        throw new QueryError("config", `loki: labels ${shown(labels)} is not known; there are ${known.join(", ")}`);
      }
      this.#places = PRESETS[labels];
      return;
    }
    const read = parseConfig(LABELS, labels, "loki: labels");
    this.#places = Object.freeze({ ...KUBERNETES, ...defined(read) });
    for (const part of PARTS) {
      if (isLabel(this.name(part))) continue;
      throw new QueryError(
        "config",
        `loki: labels.${part} ${shown(this.name(part))} is no name that LogQL has for a label`,
      );
    }
  }

  name(part: OriginPart): string {
    const place = this.#places[part];
    return typeof place === "string" ? place : place.metadata;
  }

  /** Whether streams are told apart by it, so that it can select them. */
  isOfStream(part: OriginPart): boolean {
    return typeof this.#places[part] === "string";
  }

  /** The origin that labels and metadata tell. */
  originOf(labels: Readonly<Record<string, string>>, metadata?: Readonly<Record<string, string>>): LogLine["origin"] {
    const origin: Partial<Record<OriginPart, string>> = {};
    for (const part of PARTS) {
      const name = this.name(part);
      const value = ownLabel(labels, name) ?? ownLabel(metadata, name);
      if (value !== undefined) origin[part] = value;
    }
    return Object.freeze(origin);
  }
}

/** The parts of an origin. */
export const PARTS: readonly OriginPart[] = ["namespace", "pod", "container", "app"];

const ownLabel = (labels: Readonly<Record<string, string>> | undefined, name: string): string | undefined =>
  labels !== undefined && Object.hasOwn(labels, name) ? labels[name] : undefined;

const defined = (labels: z.output<typeof LABELS>): LokiLabels =>
  Object.fromEntries(Object.entries(labels).filter(([, place]) => place !== undefined));
