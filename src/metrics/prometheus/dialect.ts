import * as z from "zod/mini";
import { QueryError, unreachable } from "../../errors.ts";
import { parseConfig, strictConfig } from "../../http/config.ts";
import { isHeaderValue } from "../../http/header.ts";
import { type Duration, durationMs, shown } from "../../time.ts";
import { NAME } from "./failure.ts";
import { type Field, type Selected, selectorText } from "./fields.ts";

/** Whose dialect of the API a server speaks. */
export type DialectKind = "cortex" | "mimir" | "prometheus" | "thanos" | "victoria-metrics";

/** A dialect with what only its servers can be told. */
export type Dialect = CortexDialect | MimirDialect | PrometheusDialect | ThanosDialect | VictoriaMetricsDialect;

/** Prometheus itself. */
export interface PrometheusDialect {
  readonly kind: "prometheus";
}

/** A querier of Thanos. */
export interface ThanosDialect {
  readonly kind: "thanos";
  /** Whose data, as the header `THANOS-TENANT`. */
  readonly tenant?: string | undefined;
  /** Whether series that differ in their replica alone become one; as the querier is set when left out. */
  readonly deduplicate?: boolean | undefined;
  /** The labels that tell replicas apart, in place of the querier's. */
  readonly replicaLabels?: readonly string[] | undefined;
  /** Whether a store that does not answer leaves the rest as the answer; `false` makes it an error. */
  readonly partialResponse?: boolean | undefined;
  /** The coarsest downsampling that may be read: `"0s"` for raw samples alone, `"5m"`, `"1h"`, or `"auto"` by the step. */
  readonly maxSourceResolution?: Duration | "auto" | undefined;
  /** Which engine evaluates the query. */
  readonly engine?: "prometheus" | "thanos" | undefined;
  /**
   * For how long a store that was there and is gone makes answers incomplete; `"1h"` when left out. A querier itself
   * forgets it within minutes.
   */
  readonly rememberStores?: Duration | undefined;
}

interface TenantDialect {
  /** Whose data, as the header `X-Scope-OrgID`; a list where the server federates tenants. */
  readonly tenant?: string | readonly string[] | undefined;
  /** Leaves the server's cache of results aside. */
  readonly noCache?: boolean | undefined;
}

/** Grafana Mimir. */
export interface MimirDialect extends TenantDialect {
  readonly kind: "mimir";
}

/** Cortex. */
export interface CortexDialect extends TenantDialect {
  readonly kind: "cortex";
}

/** VictoriaMetrics, alone or as a cluster's select. */
export interface VictoriaMetricsDialect {
  readonly kind: "victoria-metrics";
  /** Labels that every series read must have, whatever the query says. */
  readonly extraLabels?: Readonly<Record<string, string>> | undefined;
  /** Selectors of which every series read must fulfil one. */
  readonly extraFilters?: readonly Selected[] | undefined;
  /** Leaves the server's cache of results aside. */
  readonly noCache?: boolean | undefined;
  /** Whether a storage node that does not answer leaves the rest as the answer; `false` makes it an error. */
  readonly partialResponse?: boolean | undefined;
}

/** Which parameters an endpoint takes beside its own: those of an evaluation, those of a look-up, or none. */
export type Endpoint = "catalog" | "none" | "query";

/** A dialect that was checked, as what it adds to requests. */
export interface Manner {
  readonly kind: DialectKind;
  readonly headers: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<Endpoint, readonly Field[]>>;
  readonly rememberStoresMs?: number | undefined;
}

/** Whose data is asked for, where the server keeps that of several. */
export const tenantOf = ({ headers }: Manner): string | undefined =>
  headers["x-scope-orgid"] ?? headers["thanos-tenant"];

/**
 * Checks a dialect; its name alone is the dialect without options.
 *
 * @throws {QueryError} `code: "config"` that names the option
 */
export function mannerOf(given: Dialect | DialectKind): Manner {
  const dialect = read(typeof given === "string" ? { kind: given } : given);
  switch (dialect.kind) {
    case "prometheus":
      return manner(dialect.kind);
    case "thanos":
      return thanosManner(dialect);
    case "mimir":
    case "cortex":
      return tenantManner(dialect);
    case "victoria-metrics":
      return victoriaManner(dialect);
    default:
      return unreachable(dialect);
  }
}

function manner(
  kind: DialectKind,
  headers: Readonly<Record<string, string>> = {},
  fields: { readonly query?: readonly Field[]; readonly catalog?: readonly Field[] } = {},
): Manner {
  const { query = [], catalog = [] } = fields;
  return Object.freeze({ kind, headers, fields: { query, catalog, none: [] } });
}

/** @see Thanos, `pkg/api/query/v1.go` */
function thanosManner(dialect: ThanosDialect): Manner {
  const {
    kind,
    tenant,
    deduplicate,
    replicaLabels = [],
    partialResponse,
    maxSourceResolution,
    engine,
    rememberStores,
  } = dialect;
  if (maxSourceResolution !== undefined && maxSourceResolution !== "auto" && maxSourceResolution !== "0s") {
    durationMs(maxSourceResolution, `${NAME}: dialect.maxSourceResolution`, "step");
  }
  const partial = optional("partial_response", partialResponse);
  const replicas = replicaLabels.map((label): Field => ["replicaLabels[]", label]);
  const query = [
    ...optional("dedup", deduplicate),
    ...replicas,
    ...partial,
    ...optional("max_source_resolution", maxSourceResolution),
    ...optional("engine", engine),
  ];
  const headers = tenant === undefined ? {} : { "thanos-tenant": tenant };
  const rememberStoresMs =
    rememberStores === undefined ? undefined : durationMs(rememberStores, `${NAME}: dialect.rememberStores`, "range");
  return { ...manner(kind, headers, { query, catalog: partial }), rememberStoresMs };
}

/** @see Grafana Mimir, "HTTP API"; Cortex, "Authentication and authorisation" */
function tenantManner({ kind, tenant, noCache }: CortexDialect | MimirDialect): Manner {
  const list = typeof tenant === "string" ? [tenant] : (tenant ?? []);
  return manner(kind, {
    ...(list.length === 0 ? {} : { "x-scope-orgid": list.join("|") }),
    ...(noCache === true ? { "cache-control": "no-store" } : {}),
  });
}

/** @see VictoriaMetrics, "Prometheus querying API enhancements" */
function victoriaManner(dialect: VictoriaMetricsDialect): Manner {
  const { kind, extraLabels = {}, extraFilters = [], noCache, partialResponse } = dialect;
  const everywhere = [
    ...Object.entries(extraLabels).map(([name, value]): Field => ["extra_label", `${name}=${value}`]),
    ...extraFilters.map((one): Field => ["extra_filters[]", selectorText(one, `${NAME}: dialect.extraFilters`)]),
    ...(partialResponse === false ? [["deny_partial_response", "1"] as const] : []),
  ];
  const query: readonly Field[] = [...everywhere, ...(noCache === true ? [["nocache", "1"] as const] : [])];
  return manner(kind, {}, { query, catalog: everywhere });
}

const optional = (name: string, value: boolean | string | undefined): readonly Field[] =>
  value === undefined ? [] : [[name, String(value)]];

const text = z.string({ error: "must be text" }).check(z.minLength(1, { error: "must not be empty" }));
const flag = z.optional(z.boolean({ error: "must be true or false" }));
const header = text.check(z.refine(isHeaderValue, { error: "must have no line break and no control character" }));
// The header lists tenants between bars, so that one with a bar in it would be two.
const tenant = header.check(z.refine((one) => !one.includes("|"), { error: 'must not hold "|"; write a list' }));
const texts = z.array(text, { error: "must be a list of texts" });
const engine = z.literal(["prometheus", "thanos"], { error: 'must be "prometheus" or "thanos"' });

const tenantShape = {
  tenant: z.optional(z.union([tenant, z.array(tenant)], { error: 'must be text without "|", or a list of such' })),
  noCache: flag,
};
const SCHEMAS = {
  prometheus: strictConfig({ kind: z.literal("prometheus") }),
  thanos: strictConfig({
    kind: z.literal("thanos"),
    tenant: z.optional(header),
    deduplicate: flag,
    replicaLabels: z.optional(texts),
    partialResponse: flag,
    maxSourceResolution: z.optional(text),
    engine: z.optional(engine),
    rememberStores: z.optional(text),
  }),
  mimir: strictConfig({ kind: z.literal("mimir"), ...tenantShape }),
  cortex: strictConfig({ kind: z.literal("cortex"), ...tenantShape }),
  "victoria-metrics": strictConfig({
    kind: z.literal("victoria-metrics"),
    extraLabels: z.optional(
      z.record(z.string(), z.string({ error: "must be text" }), { error: "must be an object of names and values" }),
    ),
    extraFilters: z.optional(z.array(z.custom<Selected>(), { error: "must be a list of selectors" })),
    noCache: flag,
    partialResponse: flag,
  }),
} as const;

function read(given: Dialect): Dialect {
  const kind: unknown = given?.kind;
  if (typeof kind !== "string" || !Object.hasOwn(SCHEMAS, kind)) {
    const kinds = Object.keys(SCHEMAS).map((one) => JSON.stringify(one));
    throw new QueryError(
      "config",
      `${NAME}: dialect ${shown(kind ?? given)} is not known; there are ${kinds.join(", ")}`,
    );
  }
  return parseConfig(SCHEMAS[kind as DialectKind], given, `${NAME}: dialect`);
}
