/** What a backend's server is. */
export interface ServerDescription {
  /** Its make, such as `"Prometheus"` or `"OpenSearch"`. */
  readonly product: string;
  /** As the server itself writes it; `undefined` where it does not say. */
  readonly version: string | undefined;
  /** In which of its product's ways it is asked, such as `"thanos"` or `"v3"`; `"in-process"` where there is no server. */
  readonly dialect: string;
  /** The server's clock in epoch milliseconds, in whole seconds, where its answers tell it. */
  readonly clockMs?: number | undefined;
  /** What to set, where the driver was told of another server than this one is. */
  readonly remedy?: string | undefined;
}

/** The clock that the `date` header of an answer shows. */
export function clockIn(headers: Readonly<Record<string, string>>): number | undefined {
  const ms = Date.parse(headers.date ?? "");
  return Number.isNaN(ms) ? undefined : ms;
}
