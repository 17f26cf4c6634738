const NAMES = [
  "ok",
  "canceled",
  "unknown",
  "invalidargument",
  "deadlineexceeded",
  "notfound",
  "alreadyexists",
  "permissiondenied",
  "resourceexhausted",
  "failedprecondition",
  "aborted",
  "outofrange",
  "unimplemented",
  "internal",
  "unavailable",
  "dataloss",
  "unauthenticated",
];

/** The number of a gRPC status that is written as a number, `DeadlineExceeded` or `DEADLINE_EXCEEDED`. */
export function grpcStatusNumber(text: string): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const name = text.replaceAll("_", "").toLowerCase();
  const at = NAMES.indexOf(name === "cancelled" ? "canceled" : name);
  return at === -1 ? undefined : at;
}
