import type { EmittedSpan, EmittedTrace } from "../../telemetry.ts";
import { Refusal, type Route, refusing, type ServerReply, textReply } from "../exchange.ts";
import { goDuration, goDurationProblem, goJson, goQuoted } from "../go-text.ts";
import { hasFailed } from "../recent-traces.ts";
import { byService, type JaegerStore, shortId, storedTags } from "./store.ts";

/** The API that Jaeger's own user interface was written for, which Jaeger 2.21 has no more. */
export function legacyRoutes(store: JaegerStore): readonly Route[] {
  const get = (path: RegExp, answer: Route["answer"]): Route => ({ methods: ["GET"], path, answer });
  const routes = [
    get(/^\/api\/services$/, () => listed(store.services())),
    get(/^\/api\/operations$/, ({ query }) => {
      const service = query.get("service") ?? "";
      if (service === "") throw new Refusal(400, "parameter 'service' is required");
      return listed(store.operations(service, query.get("spanKind") ?? ""));
    }),
    get(/^\/api\/services\/([^/]+)\/operations$/, (_, service = "") =>
      listed([...new Set(store.operations(service, "").map(({ name }) => name))]),
    ),
    get(/^\/api\/traces$/, ({ query }) => searched(store, query)),
    get(/^\/api\/traces\/([^/]+)$/, (_, id = "") => {
      const trace = store.trace(checkedId(id));
      if (trace === undefined) throw new Refusal(404, NOT_FOUND);
      return envelope({ data: [uiTrace(trace)] });
    }),
    get(/^\/api\/dependencies$/, ({ query }) => dependencies(store, query)),
  ];
  return refusing(routes, refused);
}

const NOT_FOUND = "trace not found";

interface Envelope {
  readonly data: readonly unknown[] | null;
  readonly total?: number;
  readonly errors?: readonly { readonly code?: number; readonly msg: string; readonly traceID?: string }[] | null;
}

const textOf = ({ data, total = 0, errors = null }: Envelope): string =>
  goJson({ data, total, limit: 0, offset: 0, errors });

const envelope = (answer: Envelope): ServerReply => ({
  status: 200,
  contentType: "application/json",
  body: textOf(answer),
});

const listed = (data: readonly unknown[]): ServerReply => envelope({ data, total: data.length });

/** JSON that calls itself text, as Go's `http.Error` has it. */
const refused = ({ status, message }: Refusal): ServerReply =>
  textReply(status, textOf({ data: null, errors: [{ code: status, msg: message }] }));

const DEFAULT_LIMIT = 100;
const DEFAULT_LOOKBACK_US = 48 * 3_600_000_000;

function searched(store: JaegerStore, query: URLSearchParams): ServerReply {
  const service = query.get("service") ?? "";
  const nowUs = store.nowMs * 1000;
  const search = {
    service,
    operation: query.get("operation") ?? "",
    fromUs: whole(query, "start", nowUs - DEFAULT_LOOKBACK_US),
    toUs: whole(query, "end", nowUs),
    tags: tagsIn(query),
    depth: limitIn(query),
    leastNs: durationIn(query, "minDuration"),
    mostNs: durationIn(query, "maxDuration"),
  };
  const ids = query.getAll("traceID").map((id) => checkedId(id, "cannot parse traceID param: "));
  if (ids.length > 0) return together(store, ids);
  if (service === "") throw new Refusal(400, "parameter 'service' is required");
  const { leastNs, mostNs } = search;
  if (leastNs !== 0 && mostNs !== 0 && mostNs < leastNs) {
    throw new Refusal(400, "'maxDuration' should be greater than 'minDuration'");
  }
  const found = store.search(search);
  if (found === undefined) throw new Refusal(500, NO_DEPTH);
  return envelope({ data: found.map(uiTrace) });
}

export const NO_DEPTH = "search depth must be greater than 0 and less than max traces";

/** Those that there are, and an error for each other one, under a status that says yes. */
function together(store: JaegerStore, ids: readonly string[]): ServerReply {
  const found = ids.map((id) => ({ id, trace: store.trace(id) }));
  const missing = found.filter(({ trace }) => trace === undefined);
  const errors = missing.map(({ id }) => ({ msg: NOT_FOUND, traceID: shortId(id.toLowerCase().padStart(32, "0")) }));
  return envelope({
    data: found.flatMap(({ trace }) => (trace === undefined ? [] : [uiTrace(trace)])),
    errors: errors.length === 0 ? null : errors,
  });
}

function dependencies(store: JaegerStore, query: URLSearchParams): ServerReply {
  const endMs = whole(query, "endTs", Math.floor(store.nowMs));
  const lookbackMs = whole(query, "lookback", 24 * 3_600_000);
  const service = query.get("service") ?? "";
  const links = store
    .links(endMs - lookbackMs, endMs)
    .filter(({ parent, child }) => service === "" || parent === service || child === service);
  return envelope({ data: links.map(({ parent, child, calls }) => ({ parent, child, callCount: calls })) });
}

function checkedId(id: string, before = ""): string {
  const problem = idProblem(id);
  if (problem !== undefined) throw new Refusal(400, before + problem);
  return id;
}

/** What is wrong with an id, which may have up to 32 digits. */
export function idProblem(id: string): string | undefined {
  if (id.length > 32) return `TraceID cannot be longer than 32 hex characters: ${id}`;
  return /^[0-9a-f]+$/i.test(id) ? undefined : `strconv.ParseUint: parsing ${goQuoted(id)}: invalid syntax`;
}

const cannotParse = (name: string, reason: string): Refusal =>
  new Refusal(400, `unable to parse param '${name}': ${reason}`);

function whole(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name) ?? "";
  if (text === "") return otherwise;
  if (!/^[+-]?\d{1,19}$/.test(text)) {
    throw cannotParse(name, `strconv.ParseInt: parsing ${goQuoted(text)}: invalid syntax`);
  }
  return Number(text);
}

function limitIn(query: URLSearchParams): number {
  const text = query.get("limit") ?? "";
  if (text === "") return DEFAULT_LIMIT;
  if (!/^[+-]?\d+$/.test(text)) {
    throw new Refusal(400, `strconv.ParseInt: parsing ${goQuoted(text)}: invalid syntax`);
  }
  if (Math.abs(Number(text)) >= 2 ** 31) {
    throw new Refusal(400, `strconv.ParseInt: parsing ${goQuoted(text)}: value out of range`);
  }
  return Number(text);
}

function durationIn(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? "";
  if (text === "") return 0;
  const ns = goDuration(text);
  if (ns === undefined) throw cannotParse(name, goDurationProblem(text));
  return ns;
}

function tagsIn(query: URLSearchParams): Readonly<Record<string, string>> {
  const tags: [string, string][] = query.getAll("tag").map((tag) => {
    const colon = tag.indexOf(":");
    if (colon < 0) throw new Refusal(400, `malformed 'tag' parameter, expecting key:value, received: ${tag}`);
    return [tag.slice(0, colon), tag.slice(colon + 1)];
  });
  for (const text of query.getAll("tags")) {
    const map = textsIn(text);
    if (typeof map === "string") {
      throw new Refusal(400, `malformed 'tags' parameter, cannot unmarshal JSON: ${map}`);
    }
    tags.push(...map);
  }
  return Object.fromEntries(tags);
}

/** The pairs of an object of texts; what Go says of anything else. */
export function textsIn(text: string): readonly [string, string][] | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "invalid character in JSON";
  }
  if (value === null) return [];
  if (typeof value !== "object" || Array.isArray(value)) {
    return "json: cannot unmarshal into Go value of type map[string]string";
  }
  const pairs = Object.entries(value);
  const wrong = pairs.find(([, one]) => typeof one !== "string");
  return wrong === undefined
    ? (pairs as [string, string][])
    : `json: cannot unmarshal ${typeof wrong[1]} into Go value of type string`;
}

/** @see jaegertracing/jaeger, `internal/uimodel/model.go` */
function uiTrace(trace: EmittedTrace) {
  const { id, spans } = trace;
  const traceID = shortId(id);
  const processes = new Map(Array.from(byService(trace).keys(), (service, i) => [service, `p${i + 1}`]));
  return {
    traceID,
    spans: spans.map((span) => ({
      traceID,
      spanID: span.id,
      operationName: span.operation,
      references: span.parentId === undefined ? [] : [{ refType: "CHILD_OF", traceID, spanID: span.parentId }],
      startTime: span.startUs,
      duration: span.durationUs,
      tags: tagsOf(span),
      logs: [],
      processID: processes.get(span.service),
      warnings: null,
    })),
    processes: Object.fromEntries(
      Array.from(processes, ([service, process]) => [process, { serviceName: service, tags: [] }]),
    ),
    warnings: null,
  };
}

/** By their keys' order, what this form has no field for among them. */
function tagsOf(span: EmittedSpan) {
  const texts: (readonly [string, string])[] = [...storedTags(span), ["span.kind", span.kind]];
  if (hasFailed(span)) texts.push(["otel.status_code", "ERROR"]);
  const tags: { readonly key: string; readonly type: string; readonly value: boolean | string }[] = texts.map(
    ([key, value]) => ({ key, type: "string", value }),
  );
  if (hasFailed(span)) tags.push({ key: "error", type: "bool", value: true });
  return tags.sort((a, b) => (a.key < b.key ? -1 : 1));
}
