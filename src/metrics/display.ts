import { QueryError } from "../errors.ts";
import { bundleOf, DISPLAY, failureView, type MimeBundle, VEGA_LITE } from "../results/mime.ts";
import { plain } from "../results/text.ts";
import type { View } from "../results/view.ts";
import type { Question } from "./question.ts";

/**
 * A question as a notebook shows it: its answer now, and its course over the last hour. What of it fails is shown as what
 * failed.
 */
export async function displayQuestion<U extends string, L extends string>(
  question: Pick<Question<U, L>, "now" | "over">,
): Promise<MimeBundle> {
  const [now, hour] = await Promise.allSettled([question.now(), promised(() => question.over({ last: "1h" }))]);
  const course = hour.status === "fulfilled" ? hour.value : undefined;
  const views = [
    now.status === "fulfilled" ? now.value.toView() : failureView(now.reason),
    course === undefined ? failureView(hour.status === "rejected" ? hour.reason : undefined) : course.toView(),
  ] as const;
  return bundleOf(together(...views), undefined, course?.[DISPLAY]()[VEGA_LITE]);
}

/** A call that may throw at once, as a promise that fails. */
const promised = async <T>(call: () => PromiseLike<T>): Promise<T> => call();

/** Both as one, what is said of both said once. */
function together(now: View, hour: View): View {
  const failedAlike = JSON.stringify(now) === JSON.stringify(hour);
  const said = new Set(now.notes.map(({ text }) => text));
  return {
    parts: failedAlike ? now.parts : [...now.parts, { kind: "heading", text: "over the last hour" }, ...hour.parts],
    notes: [...now.notes, ...hour.notes.slice(now.notes.length > 0 ? 1 : 0).filter(({ text }) => !said.has(text))],
  };
}

/** A question that has not been asked, at the console: its text, and how to ask it. */
export function printQuestion(question: Pick<Question, "promql" | "unit">): string {
  const how = 'not asked yet: await it, or write .over({ last: "1h" })';
  try {
    return `${plain(question.promql)}\n  in ${question.unit}; ${how}`;
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return `${plain(error.message)}\n  in ${question.unit}; ${how}`;
  }
}
