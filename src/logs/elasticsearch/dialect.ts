import type { HttpClient, HttpResponse } from "../../http/client.ts";
import { clockIn, type ServerDescription } from "../../results/server-description.ts";
import type { AskOptions } from "../../time.ts";
import { documentOf, failedShards, isRecord, type JsonRecord, refused } from "./answer.ts";
import type { PointInTime } from "./pages.ts";

/** Which of the two kept the same API: they differ in how a point in time is opened. */
export type Dialect = "elasticsearch" | "opensearch";

/** The ways to open a point in time, the likelier first. */
export async function dialectsOf(http: HttpClient, options: AskOptions): Promise<readonly Dialect[]> {
  const response = await http.send({ method: "GET", path: "/", idempotent: true, ...options });
  // Who may search need not be allowed to see what the server is.
  if (response.status !== 200) return response.status === 401 ? fail(response) : BOTH;
  const version = versionIn(response);
  return version === undefined ? BOTH : [dialectOf(version)];
}

/** What the answer to `/` says of the server; that it is one of the two where it says nothing. */
export function describedBy(response: HttpResponse): ServerDescription {
  const clockMs = clockIn(response.headers);
  const version = response.status === 200 ? versionIn(response) : undefined;
  if (version === undefined) {
    return { product: "Elasticsearch or OpenSearch", version: undefined, dialect: "elasticsearch", clockMs };
  }
  const dialect = dialectOf(version);
  const product = dialect === "opensearch" ? "OpenSearch" : "Elasticsearch";
  return { product, version: typeof version.number === "string" ? version.number : undefined, dialect, clockMs };
}

const dialectOf = ({ distribution }: JsonRecord): Dialect =>
  distribution === "opensearch" ? "opensearch" : "elasticsearch";

function versionIn({ body }: HttpResponse): JsonRecord | undefined {
  try {
    const document: unknown = JSON.parse(new TextDecoder().decode(body));
    return isRecord(document) && isRecord(document.version) ? document.version : {};
  } catch {
    return undefined;
  }
}

const BOTH: readonly Dialect[] = ["elasticsearch", "opensearch"];

const fail = (response: HttpResponse): never => {
  throw refused(response);
};

/** Opens a point in time; `undefined` where the server has none, or does not grant one. */
export async function openPoint(
  http: HttpClient,
  dialect: Dialect,
  index: string,
  options: AskOptions,
): Promise<PointInTime | undefined> {
  const path = dialect === "elasticsearch" ? `/${index}/_pit` : `/${index}/_search/point_in_time`;
  const query = [["keep_alive", "2m"]] as const;
  const response = await http.send({ method: "POST", path, query, idempotent: true, alone: true, ...options });
  if (response.status !== 200) {
    if (response.status === 401 || response.status >= 500 || response.status === 429) throw refused(response);
    return undefined;
  }
  const body = documentOf(response);
  const id = body.id ?? body.pit_id;
  if (typeof id !== "string") return undefined;
  const tieBreaker = dialect === "elasticsearch" ? "_shard_doc" : "_id";
  return { id, tieBreaker, warnings: failedShards(body) };
}

const CLOSE_MS = 5_000;

/** Gives a point in time back. The server forgets it by itself too, so that a failure is none of the reader's. */
export async function closePoint(http: HttpClient, dialect: Dialect, { id }: PointInTime): Promise<void> {
  const request =
    dialect === "elasticsearch"
      ? { path: "/_pit", json: { id } }
      : { path: "/_search/point_in_time", json: { pit_id: [id] } };
  try {
    await http.send({ method: "DELETE", ...request, idempotent: true, timeoutMs: CLOSE_MS });
  } catch {
    // It ends by itself.
  }
}
