import type { Context } from "@opentelemetry/api";
import type { Api } from "./listening.ts";

/** What the requests of one question have come to, kept in the question's context. */
export interface Tally {
  /** Requests that were sent again, after a failure or to where the server moved. */
  resends: number;
}

export const tallyKey = ({ createContextKey }: Api): symbol => createContextKey("meshquery: tally of a question");

/** The tally of the question under way, as far as a context manager carries it. */
export function tallyIn(context: Context, api: Api): Tally | undefined {
  // Nothing but a question sets it.
  return context.getValue(tallyKey(api)) as Tally | undefined;
}
