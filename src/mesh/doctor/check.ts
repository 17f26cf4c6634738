import { MeshQueryError } from "../../errors.ts";

/** Of what a check is. */
export type Signal = "logs" | "metrics" | "traces";

/**
 * What one check found. `ok`: as it should be. `warning`: it works, and some answers will be less than they could be.
 * `failed`: questions of this signal cannot be answered. `skipped`: it could not be looked at, since something before it
 * failed or the mesh has no such backend.
 */
export type CheckStatus = "failed" | "ok" | "skipped" | "warning";

/** One thing that was looked at. */
export interface Check {
  readonly signal: Signal;
  /** What was looked at, such as `"reachable"` or `"reporters"`: the same in every version. */
  readonly name: string;
  readonly status: CheckStatus;
  /** What was found, in words. */
  readonly message: string;
  /** What to set, where something is to be done. */
  readonly remedy: string | undefined;
  /** What was found, as data. */
  readonly found: Readonly<Record<string, unknown>>;
}

/** The parts of a {@link Check} that its maker says. */
export type Finding = Pick<Check, "message" | "status"> & Partial<Pick<Check, "found" | "remedy">>;

export const checked = (signal: Signal, name: string, finding: Finding): Check =>
  Object.freeze({ remedy: undefined, found: {}, ...finding, signal, name });

/** The check that a question makes; a refusal or a silence of the backend is what was found. */
export async function looked(signal: Signal, name: string, look: () => Promise<Finding>): Promise<Check> {
  try {
    return checked(signal, name, await look());
  } catch (error) {
    if (!(error instanceof MeshQueryError)) throw error;
    const found = { code: error.code, retryable: error.retryable };
    return checked(signal, name, { status: "failed", message: error.message, found });
  }
}
