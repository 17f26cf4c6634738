import { BackendError, DecodeError, MeshQueryError } from "../../errors.ts";
import type { HttpClient, HttpResponse } from "../../http/client.ts";
import type { DialectKind } from "./dialect.ts";
import { readEnvelope } from "./envelope.ts";
import { BuildData, buildInfoOf } from "./server.ts";
import { StoresData } from "./thanos-stores.ts";

/** Longer than this nobody waits to learn whose dialect it is. */
const PATIENCE_MS = 5_000;
/** A server that could not say is asked again after so long. */
const RETRY_MS = 60_000;

/** What is known of a server by its own words. */
export interface KnownServer {
  readonly kind: DialectKind;
  /** As it writes them; `undefined` where it does not. */
  readonly application?: string | undefined;
  readonly version?: string | undefined;
}

/** Finds out once whose dialect a server speaks. */
export class Detection {
  readonly #http: HttpClient;
  readonly #passedMs: () => number;
  #found: Promise<KnownServer | undefined> | undefined;
  #againAtMs = Number.POSITIVE_INFINITY;

  constructor(http: HttpClient, passedMs: () => number) {
    this.#http = http;
    this.#passedMs = passedMs;
  }

  /** What the server says that it is; `undefined` where it could not be asked. Looked for on behalf of all who ask. */
  server(): Promise<KnownServer | undefined> {
    if (this.#found === undefined || this.#passedMs() >= this.#againAtMs) {
      this.#againAtMs = Number.POSITIVE_INFINITY;
      this.#found = this.#look();
    }
    return this.#found;
  }

  async #look(): Promise<KnownServer | undefined> {
    try {
      const response = await this.#get("/api/v1/status/buildinfo");
      if (response.headers["x-server-hostname"] !== undefined) return { kind: "victoria-metrics" };
      if (response.status === 404) return { kind: "prometheus" };
      const { application, version } = buildInfoOf(readEnvelope(response, BuildData, "the build")).data;
      return { kind: await this.#kindOf(application ?? "", version ?? "0."), application, version };
    } catch (error) {
      if (!(error instanceof MeshQueryError)) throw error;
      this.#againAtMs = this.#passedMs() + RETRY_MS;
      return undefined;
    }
  }

  async #kindOf(application: string, version: string): Promise<DialectKind> {
    if (/mimir/i.test(application)) return "mimir";
    if (/cortex/i.test(application)) return "cortex";
    // Thanos has not reached version 1; builds by hand have no version at all.
    if (!version.startsWith("0.")) return "prometheus";
    return listsStores(await this.#get("/api/v1/stores")) ? "thanos" : "prometheus";
  }

  #get(path: string) {
    // One try: who asks waits for it, and it is asked again later.
    const request = { method: "GET", path, accept: "application/json", idempotent: false } as const;
    return this.#http.send({ ...request, timeoutMs: PATIENCE_MS });
  }
}

/** @throws {BackendError} where it does not say: one that is starting is no reason to take it for another for good */
function listsStores(response: HttpResponse): boolean {
  try {
    readEnvelope(response, StoresData, "the stores");
    return true;
  } catch (error) {
    if (error instanceof DecodeError || (error instanceof BackendError && error.code === "not-found")) return false;
    throw error;
  }
}
