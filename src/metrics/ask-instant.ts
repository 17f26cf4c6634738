import { print } from "../promql/index.ts";
import type { Meta } from "../results/meta.ts";
import type { AskOptions } from "../time.ts";
import { metaOf, timeOf } from "./answer.ts";
import type { InstantData } from "./backend.ts";
import { unlock } from "./formula.ts";
import { Allowance } from "./plan/allowance.ts";
import { remarked } from "./plan/window-remarks.ts";
import { backendOf, type Plan } from "./question.ts";

/** What a backend answered for an instant. */
interface InstantAnswer {
  readonly data: InstantData;
  /** The instant that it holds for. */
  readonly at: number;
  readonly meta: Meta;
}

/** Asks for an instant, or for now by the backend's clock; one deadline holds for all that this takes. */
export async function askInstant(
  { context, formula, grouping }: Pick<Plan, "context" | "formula" | "grouping">,
  atMs: number | undefined,
  options: AskOptions,
): Promise<InstantAnswer> {
  const backend = backendOf(context);
  const { rest } = new Allowance(options, backend.name);
  const expr = (await unlock(formula, atMs, rest)).build(grouping);
  const answer = remarked(await backend.instant(expr, atMs, rest()), expr, backend.scrapeIntervalMs);
  const meta = metaOf(backend.name, print(expr), answer, context.onPartial);
  return { data: answer.data, at: atMs ?? timeOf(answer.data) ?? context.now(), meta };
}
