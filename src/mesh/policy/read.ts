import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Document, parseAllDocuments } from "yaml";
import * as z from "zod/mini";
import { QueryError } from "../../errors.ts";
import { shown } from "../../time.ts";
import { type AnyResource, type ResourceKind, resourceText } from "./resource.ts";
import { KINDS, METADATA } from "./schema.ts";
import { faultsOf } from "./validation.ts";

/** A resource as plain data, such as Kubernetes' own clients give it. */
export type PolicyObject = object;

type Mapping = Readonly<Record<string, unknown>>;

/** Files with policies in YAML or JSON, by path or `file:` URL. */
export interface PolicyFiles {
  readonly files: URL | string | readonly (URL | string)[];
}

/** Policies as YAML text (several documents, and Kubernetes' lists, may be in one), as objects, or in files. */
export type PolicyInput = PolicyFiles | PolicyObject | string | readonly (PolicyObject | string)[];

/** A resource that was given and is of no kind that is read here. */
export interface IgnoredResource {
  readonly kind: string;
  readonly name: string;
  readonly origin: string;
}

/** What was read. */
export interface ReadResources {
  readonly resources: readonly AnyResource[];
  readonly ignored: readonly IgnoredResource[];
}

/** A document before it is known to be a resource. */
interface Found {
  readonly value: unknown;
  /** Where it was found, in words. */
  readonly origin: string;
}

/**
 * Reads and checks resources.
 *
 * @param namespace of resources that name none
 * @throws {QueryError} `code: "policy"` that names every fault by file, document and path
 */
export function readPolicies(input: PolicyInput, namespace: string): ReadResources {
  const resources: AnyResource[] = [];
  const ignored: IgnoredResource[] = [];
  const faults: string[] = [];
  for (const found of foundIn(input, faults)) readOne(found, namespace, { resources, ignored, faults });
  const seen = new Map<string, AnyResource>();
  for (const resource of resources) {
    const name = resourceText(resource);
    const first = seen.get(name);
    if (first !== undefined) faults.push(`${resource.origin}: ${name} was given before, in ${first.origin}`);
    seen.set(name, resource);
  }
  if (faults.length > 0) {
    const more = faults.length > MOST_FAULTS ? [`and ${faults.length - MOST_FAULTS} more`] : [];
    throw new QueryError("policy", `policies: ${[...faults.slice(0, MOST_FAULTS), ...more].join("\n  ")}`);
  }
  return { resources, ignored };
}

const MOST_FAULTS = 20;

function* foundIn(input: PolicyInput, faults: string[]): Generator<Found> {
  if (typeof input === "string") {
    yield* documentsOf(input, undefined, faults);
  } else if (isList<PolicyObject | PolicyFiles | string>(input)) {
    for (const [i, one] of input.entries()) {
      const at = `item ${i + 1}`;
      if (typeof one === "string") yield* documentsOf(one, at, faults);
      else yield* itemsOf({ value: one, origin: at });
    }
  } else if (typeof input === "object" && input !== null && "files" in input && !("kind" in input)) {
    const { files } = input as PolicyFiles;
    for (const file of isList(files) ? files : [files]) yield* fileDocuments(file, faults);
  } else {
    yield* itemsOf({ value: input, origin: "the object" });
  }
}

const isList = <T>(value: T | readonly T[]): value is readonly T[] => Array.isArray(value);

function* fileDocuments(file: URL | string, faults: string[]): Generator<Found> {
  let text: string;
  const name = file instanceof URL ? fileURLToPath(file) : file;
  try {
    text = readFileSync(name, "utf8");
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message.split(",", 1)[0]}` : "";
    throw new QueryError("policy", `policies: ${shown(name)} cannot be read${why}`, { cause });
  }
  yield* documentsOf(text, name, faults);
}

function* documentsOf(text: string, name: string | undefined, faults: string[]): Generator<Found> {
  if (name === undefined && /^[^\s:]+\.(ya?ml|json)$/.test(text.trim())) {
    throw new QueryError("policy", `policies: ${shown(text)} is a file's name; write { files: ${shown(text)} }`);
  }
  const documents = parseAllDocuments(text, { prettyErrors: true, strict: true });
  for (const [i, document] of documents.entries()) {
    const within = documents.length > 1 || name === undefined ? `document ${i + 1}` : undefined;
    const origin = [name, within].filter((part) => part !== undefined).join(", ");
    const [error] = document.errors;
    if (error !== undefined) {
      faults.push(`${origin}: is no YAML: ${error.message.split("\n", 1)[0]}`);
      continue;
    }
    const value = dataOf(document, origin);
    if (value !== null) yield* itemsOf({ value, origin });
  }
}

/** @throws {QueryError} for aliases that would grow without bound */
function dataOf(document: Document.Parsed, origin: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new QueryError("policy", `policies: ${origin}: has aliases that cannot be resolved`, { cause });
  }
}

/** The resource itself, or those of Kubernetes' `kind: List`. */
function* itemsOf({ value, origin }: Found): Generator<Found> {
  const { kind, items } = (typeof value === "object" && value !== null ? value : {}) as Mapping;
  if (typeof kind === "string" && kind.endsWith("List") && Array.isArray(items)) {
    for (const [i, item] of items.entries()) yield { value: item, origin: `${origin}, items[${i}]` };
  } else {
    yield { value, origin };
  }
}

interface Collected {
  readonly resources: AnyResource[];
  readonly ignored: IgnoredResource[];
  readonly faults: string[];
}

function readOne({ value, origin }: Found, namespace: string, { resources, ignored, faults }: Collected): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    faults.push(`${origin}: is ${shown(value)}, and no resource; write apiVersion, kind, metadata and spec`);
    return;
  }
  const { apiVersion, kind, metadata, spec = {}, status: _, ...rest } = withoutNulls(value) as Mapping;
  const group = typeof apiVersion === "string" ? apiVersion.split("/", 1)[0] : undefined;
  const known = typeof kind === "string" && Object.hasOwn(KINDS, kind) ? (kind as ResourceKind) : undefined;
  if (typeof kind !== "string" || typeof apiVersion !== "string") {
    faults.push(
      `${origin}: has no ${typeof kind === "string" ? "apiVersion" : "kind"}; write both as text; a file is named by { files }`,
    );
    return;
  }
  if (known === undefined || !KINDS[known].versions.some((version) => version.split("/", 1)[0] === group)) {
    const { name } = (metadata ?? {}) as Mapping;
    ignored.push(Object.freeze({ kind, name: typeof name === "string" ? name : "", origin }));
    return;
  }
  const { versions } = KINDS[known];
  const told = z.safeParse(METADATA, metadata);
  const name = told.success ? `${known} ${told.data.name}.${told.data.namespace ?? namespace}` : known;
  const fault = (path: readonly PropertyKey[], message: string) =>
    faults.push(`${origin}, ${name}: ${pathText(path)} ${message}`);
  if (!versions.some((version) => version === apiVersion)) {
    fault(["apiVersion"], `is ${shown(apiVersion)}; there are ${versions.join(", ")}`);
  }
  for (const key of Object.keys(rest)) fault([key], "is not known; a resource has apiVersion, kind, metadata and spec");
  if (!told.success) for (const issue of told.error.issues) fault(["metadata", ...issue.path], issue.message);
  const parsed = z.safeParse(KINDS[known].spec, spec);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const key = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
      fault(["spec", ...issue.path, ...key], issue.message);
    }
  }
  if (!told.success || !parsed.success) return;
  const resource = Object.freeze({
    kind: known,
    name: told.data.name,
    namespace: told.data.namespace ?? namespace,
    annotations: Object.freeze(told.data.annotations ?? {}),
    createdMs: epochMs(told.data.creationTimestamp),
    origin,
    spec: parsed.data,
  }) as AnyResource;
  for (const { path, message } of faultsOf(resource)) fault(["spec", ...path], message);
  resources.push(resource);
}

function epochMs(timestamp: Date | string | undefined): number | undefined {
  const ms = timestamp === undefined ? Number.NaN : new Date(timestamp).getTime();
  return Number.isNaN(ms) ? undefined : ms;
}

/** A field that is null is one that is left out, as Kubernetes has it; an item of a list is not. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  const kept = Object.entries(value).filter(([, one]) => one !== null);
  return Object.fromEntries(kept.map(([key, one]) => [key, withoutNulls(one)]));
}

/** `spec.rules[0].from`. */
const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((part, i) => {
      if (typeof part === "number") return `[${part}]`;
      const name = String(part);
      if (!/^[\w-]+$/.test(name)) return `[${shown(name)}]`;
      return i === 0 ? name : `.${name}`;
    })
    .join("");
