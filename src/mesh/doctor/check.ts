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
    return checked(signal, name, failedFinding(error));
  }
}

/** What an error of a backend is as a finding; any other error is thrown. */
export function failedFinding(error: unknown): Finding {
  if (!(error instanceof MeshQueryError)) throw error;
  const found = { code: error.code, retryable: error.retryable };
  return { status: "failed", message: error.message, remedy: remedyOf(error.code), found };
}

/** What to set where a backend gave no answer, or none that could be read. */
function remedyOf(code: string): string | undefined {
  switch (code) {
    case "dns":
    case "network":
    case "refused":
    case "reset":
      return "check the URL, and that it can be reached from here: from outside of the cluster by kubectl port-forward";
    case "tls":
      return "give the certificates to trust and to show: { tls: { ca, cert, key } }";
    case "unauthorized":
      return 'give credentials: { auth: { bearer: "…" } } or { auth: { basic: { username, password } } }, and the tenant where there are several';
    case "forbidden":
      return "let these credentials read, or give others: { auth }";
    case "content-type":
    case "not-found":
    case "redirect":
    case "shape":
    case "syntax":
      return "give the URL of its HTTP API, with the path before it if it has one";
    case "deadline":
      return "give it longer: mesh.doctor({ timeoutMs: 60_000 })";
    case "rate-limited":
      return "ask less at once: { concurrency }";
    case "internal":
    case "unavailable":
      return "look at the server's own log";
    default:
      return undefined;
  }
}
