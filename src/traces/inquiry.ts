import type { Inquiry } from "../http/client.ts";
import type { FoundTraces, SearchPage } from "./backend.ts";

/** A look-up of names, or of what is counted by them. */
export const listing = <T>(what: "dependencies" | "operations" | "services"): Inquiry<readonly T[]> => ({
  operation: "list",
  target: () => what,
  outcome: ({ length }) => ({ rows: length }),
});

export const SEARCH: Inquiry<SearchPage> = {
  operation: "search",
  target: () => "traces",
  outcome: ({ traces, complete, warnings }) => ({ rows: traces.length, complete, warnings: warnings.length }),
};

export const GET: Inquiry<FoundTraces> = {
  operation: "get",
  target: () => "traces",
  outcome: ({ traces }) => ({ rows: traces.length }),
};
