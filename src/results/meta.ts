/** Where a result comes from, and how far it can be trusted. */
export interface Meta {
  /** The backend that answered, such as `"prometheus"`. */
  readonly backend: string;
  /** The query text as it was sent. */
  readonly promql: string;
  /** False when something is known to be missing; `warnings` then says what. */
  readonly complete: boolean;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** From the question to the decoded answer, in milliseconds. */
  readonly tookMs: number;
}
