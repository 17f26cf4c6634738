import { QueryError } from "../../errors.ts";
import type { OriginPart } from "../backend.ts";

/** How a field is indexed. */
export interface MappedField {
  /**
   * As the server names it: `"text"`, `"keyword"`, `"long"`, …; `"mixed"` where indices differ, `"opaque"` where it is
   * not indexed, or not by its exact value.
   */
  readonly type: string;
  /** Longer values of a keyword are not indexed. */
  readonly ignoreAbove: number | undefined;
  /** How it cuts text into words, or where in the text these were, is not known. */
  readonly analyzed: boolean;
  /** How many of the indices have it. */
  readonly indices: number;
}

/** Every field of an index pattern by its path, multi-fields included: `kubernetes.pod_name.keyword`. */
export type Mapping = ReadonlyMap<string, MappedField>;

/** Where documents keep what is known of a line. */
export interface LogFields {
  /** When the line was taken; `@timestamp`. */
  readonly time?: string | undefined;
  /** The line as it was written: `log` (fluentd, Fluent Bit) or `message` (Filebeat, ECS). */
  readonly line?: string | undefined;
  /**
   * Under which the fields of a JSON line are kept in place of it, as Fluent Bit's `Merge_Log_Key` has it; `""` where
   * they are at the top.
   */
  readonly merged?: string | undefined;
  readonly namespace?: string | undefined;
  readonly pod?: string | undefined;
  readonly container?: string | undefined;
  readonly app?: string | undefined;
}

/** The places that were found, or given. */
export interface Places {
  readonly time: string;
  readonly line: string | undefined;
  readonly merged: string | undefined;
  readonly origin: Readonly<Partial<Record<OriginPart, string>>>;
}

type JsonRecord = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is JsonRecord =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Reads the answer to `GET /index/_mapping`, all indices into one.
 *
 * @param settings the answer to {@link ANALYZERS} of the same indices; `undefined` where it may not be known
 */
export function readMapping(answer: unknown, settings: unknown): Mapping {
  const fields = new Map<string, MappedField>();
  for (const [name, index] of Object.entries(isRecord(answer) ? answer : {})) {
    const mappings = isRecord(index) ? index.mappings : undefined;
    if (isRecord(mappings)) collect(mappings.properties, "", { fields, standard: isStandard(settings, name) });
  }
  return fields;
}

/** Below an index: the analyzers of texts that name none. Only those that are not the standard one are there. */
export const ANALYZERS = "_settings/index.analysis.analyzer.default*";

function isStandard(settings: unknown, index: string): boolean {
  if (!isRecord(settings)) return false;
  const own = Object.hasOwn(settings, index) ? settings[index] : undefined;
  const [all] = ["settings", "index", "analysis", "analyzer"].reduce<readonly unknown[]>(
    ([at], step) => [isRecord(at) ? at[step] : undefined],
    [own],
  );
  return all === undefined;
}

interface Collected {
  readonly fields: Map<string, MappedField>;
  /** Whether texts that name no analyzer have the standard one. */
  readonly standard: boolean;
}

function collect(properties: unknown, prefix: string, into: Collected): void {
  const { fields, standard } = into;
  for (const [name, field] of Object.entries(isRecord(properties) ? properties : {})) {
    if (!isRecord(field)) continue;
    const path = `${prefix}${name}`;
    const { type, ignore_above: ignoreAbove, path: target } = field;
    if (typeof type === "string" && type !== "alias") {
      const own = {
        type: field.index === false || field.normalizer !== undefined ? "opaque" : type,
        ignoreAbove: typeof ignoreAbove === "number" ? ignoreAbove : undefined,
        analyzed: !isCutByWords(field, standard),
        indices: 1,
      };
      fields.set(path, merged(fields.get(path), own));
    } else if (typeof target === "string") {
      fields.set(path, merged(fields.get(path), { type: "alias", ignoreAbove: undefined, analyzed: true, indices: 1 }));
    }
    collect(field.properties, `${path}.`, into);
    collect(field.fields, `${path}.`, into);
  }
}

/** Whether a text is indexed as its words by the standard rules, each with its place. */
function isCutByWords(field: JsonRecord, standard: boolean): boolean {
  const { analyzer, search_analyzer: searching = analyzer, index_options: options = "positions" } = field;
  const known = (name: unknown) => (name === undefined ? standard : name === "standard");
  return known(analyzer) && known(searching) && (options === "positions" || options === "offsets");
}

/** Of indices that differ nothing is expected but what holds in all of them. */
function merged(known: MappedField | undefined, own: MappedField): MappedField {
  if (known === undefined) return own;
  const bounds = [known.ignoreAbove, own.ignoreAbove].filter((one) => one !== undefined);
  return {
    type: known.type === own.type ? own.type : "mixed",
    ignoreAbove: bounds.length === 0 ? undefined : Math.min(...bounds),
    analyzed: known.analyzed || own.analyzed,
    indices: known.indices + own.indices,
  };
}

const TIMES = ["@timestamp", "timestamp", "time", "observed_timestamp"];
const LINES = ["log", "message", "event.original", "body", "Body"];
const ORIGINS: Readonly<Record<OriginPart, readonly string[]>> = {
  namespace: [
    "kubernetes.namespace_name",
    "kubernetes.namespace",
    "resource.attributes.k8s.namespace.name",
    "k8s.namespace.name",
  ],
  pod: ["kubernetes.pod_name", "kubernetes.pod.name", "resource.attributes.k8s.pod.name", "k8s.pod.name"],
  container: [
    "kubernetes.container_name",
    "kubernetes.container.name",
    "container.name",
    "resource.attributes.k8s.container.name",
    "k8s.container.name",
  ],
  app: [
    "kubernetes.labels.app",
    "kubernetes.labels.app_kubernetes_io/name",
    "kubernetes.labels.app_kubernetes_io_name",
    "kubernetes.labels.app.kubernetes.io/name",
    "kubernetes.labels.k8s-app",
    "resource.attributes.service.name",
    "service.name",
  ],
};
/** Fields of Istio's JSON format that no shipper has by itself. */
const SIGNS = ["upstream_cluster", "response_flags", "requested_server_name"];

/**
 * Finds the places in a mapping, but for those that are given: those of fluentd, Fluent Bit, Filebeat, ECS and
 * OpenTelemetry.
 *
 * @throws {QueryError} `code: "config"` when there is no time or no line, saying what to set
 */
export function placesIn(mapping: Mapping, given: LogFields, index: string): Places {
  const paths = new Set([...mapping.keys()].flatMap((path) => prefixesOf(path)));
  const found = (candidates: readonly string[]) => candidates.find((path) => paths.has(path));
  const time = given.time ?? found(TIMES);
  const line = given.line ?? found(LINES);
  const merged = given.merged ?? mergedUnder([...paths]);
  if (time === undefined) throw missing("time", "@timestamp", index);
  if (line === undefined && merged === undefined) throw missing("line", "log", index);
  const origin: Partial<Record<OriginPart, string>> = {};
  for (const part of ["namespace", "pod", "container", "app"] as const) {
    const place = given[part] ?? found(ORIGINS[part]);
    if (place !== undefined) origin[part] = place;
  }
  return Object.freeze({ time, line, merged, origin });
}

/** `["a", "a.b"]` of `"a.b"`. */
const prefixesOf = (path: string): readonly string[] =>
  path.split(".").map((_, i, parts) => parts.slice(0, i + 1).join("."));

function mergedUnder(paths: readonly string[]): string | undefined {
  const place = paths.find((path) => SIGNS.some((sign) => path === sign || path.endsWith(`.${sign}`)));
  return place === undefined ? undefined : place.slice(0, Math.max(0, place.lastIndexOf(".")));
}

const missing = (what: string, example: string, index: string): QueryError =>
  new QueryError(
    "config",
    `elasticsearch: no field of ${JSON.stringify(index)} is known to hold a line's ${what}; ` +
      `name it: { fields: { ${what}: "${example}" } }`,
  );

/** No name of anything in Kubernetes is longer. */
export const LONGEST_NAME = 253;

/**
 * The path by which exact values of a field can be asked for in every index that has it; longer values than `longest` are
 * not there.
 */
export function keywordOf(
  mapping: Mapping,
  path: string,
): { readonly path: string; readonly longest: number } | undefined {
  const indices = mapping.get(path)?.indices;
  for (const candidate of [path, `${path}.keyword`, `${path}.raw`]) {
    const field = mapping.get(candidate);
    if (field === undefined || field.indices !== indices) continue;
    if (field.type === "keyword" || field.type === "constant_keyword") {
      return { path: candidate, longest: field.ignoreAbove ?? Number.POSITIVE_INFINITY };
    }
  }
  return undefined;
}

const NUMBERS: ReadonlySet<string> = new Set([
  "byte",
  "double",
  "float",
  "half_float",
  "integer",
  "long",
  "scaled_float",
  "short",
  "unsigned_long",
]);

/** Whether a field holds numbers in every index. */
export const isNumber = (mapping: Mapping, path: string): boolean => NUMBERS.has(mapping.get(path)?.type ?? "");
