import { QueryError } from "../../errors.ts";
import { checkOptions, type OptionNames } from "../../http/config.ts";
import type { Context } from "../../metrics/query.ts";
import { escapePattern, type Matcher, seriesTest } from "../../promql/index.ts";
import type { OnProgress } from "../../results/progress.ts";
import { type AskOptions, type Duration, durationMs, shown, type TimeSpan } from "../../time.ts";
import { askWindow, joinMetas, type WindowAnswers } from "../window.ts";
import { type FoldRules, fold } from "./fold.ts";
import { Graph } from "./graph.ts";
import type { GraphGrouping } from "./node.ts";
import type { GraphMeta } from "./part.ts";
import { durationsOf, type GraphSelection, namespaceMatchers, requestsOf, volumesOf } from "./questions.ts";

/** Which graph is wanted. */
export type GraphOptions = TimeSpan &
  AskOptions & {
    /** Only traffic of which either end is in one of these namespaces; all traffic when left out. */
    readonly namespaces?: readonly string[] | undefined;
    /** What the nodes stand for; `"workload"` when left out. */
    readonly groupBy?: GraphGrouping | undefined;
    /** The same length of time so much earlier, to compare with: `"1d"` is yesterday. */
    readonly against?: Duration | undefined;
    /** Called after each answer, of three questions or, with `against`, of six. */
    readonly onProgress?: OnProgress | undefined;
  };

const NAMES: OptionNames<GraphOptions> = {
  ...{ last: true, from: true, to: true },
  ...{ namespaces: true, groupBy: true, against: true, onProgress: true, signal: true, timeoutMs: true },
};

/** What a graph is made with. */
export interface GraphSource {
  readonly context: Context;
  /** Sets of matchers; a failed request has all of any one of them. */
  readonly failures: readonly (readonly Matcher[])[];
}

const GROUPINGS: readonly GraphGrouping[] = ["app", "service", "version", "workload"];

const QUESTIONS = [requestsOf, durationsOf, volumesOf] as const;

/** Asks for the whole graph: three questions for each window, however large the mesh is. */
export async function askGraph({ context, failures }: GraphSource, options: GraphOptions): Promise<Graph> {
  checkOptions(options, NAMES, "graph");
  const { groupBy = "workload", against } = options;
  if (!GROUPINGS.includes(groupBy)) {
    throw new QueryError("grouping", `graph: groupBy ${shown(groupBy)} is none of ${GROUPINGS.map(shown).join(", ")}`);
  }
  const againstMs = against === undefined ? undefined : durationMs(against, "graph: against", "range");
  const namespaces = namespacesOf(options.namespaces);
  const failureLabels = failures.flatMap((set) => set.map(({ label }) => label));
  const asked = await askWindow(context, "graph", options, (windowMs) =>
    [0, ...(againstMs === undefined ? [] : [againstMs])].flatMap((offsetMs) =>
      QUESTIONS.map((question) => question({ windowMs, namespaces, failureLabels, offsetMs })),
    ),
  );
  const rules = rulesOf(groupBy, failures);
  const before = againstMs === undefined ? undefined : graphFrom(asked, rules, againstMs, undefined);
  return graphFrom(asked, rules, 0, before);
}

/** The graph of the window asked for, or of that so much earlier. */
function graphFrom(asked: WindowAnswers, rules: FoldRules, offsetMs: number, before: Graph | undefined): Graph {
  const answers = asked.answers.slice(offsetMs === 0 ? 0 : QUESTIONS.length).slice(0, QUESTIONS.length);
  const [requests, durations, volumes] = answers.map(({ data }) => data);
  if (requests === undefined || durations === undefined || volumes === undefined) {
    throw new RangeError("graph: each question has an answer");
  }
  const folded = fold({ requests, durations, volumes }, rules);
  const joined = joinMetas(answers);
  const meta: GraphMeta = {
    ...joined,
    infos: [...joined.infos, ...folded.notes],
    fromMs: asked.fromMs - offsetMs,
    toMs: asked.toMs - offsetMs,
    backend: asked.backend,
    groupBy: rules.grouping,
    requests: answers.length + (before?.meta.requests ?? 0),
    tookMs: asked.tookMs,
  };
  return new Graph(folded, meta, before);
}

function rulesOf(grouping: GraphGrouping, failures: GraphSource["failures"]): FoldRules {
  const tests = failures.map((set) => seriesTest(set));
  return { grouping, hasFailed: (labels) => tests.some((test) => test(labels)) };
}

function namespacesOf(names: readonly string[] | undefined): GraphSelection["namespaces"] {
  if (names === undefined) return [];
  if (!Array.isArray(names) || names.length === 0 || names.some((name) => typeof name !== "string" || name === "")) {
    throw new QueryError("scope", 'graph: namespaces is a list of names such as ["default"]; leave it out for all');
  }
  const [only] = names;
  if (names.length === 1 && only !== undefined) return namespaceMatchers({ op: "=", value: only });
  return namespaceMatchers({ op: "=~", value: names.map(escapePattern).join("|") });
}
