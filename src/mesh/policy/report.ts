import { INSPECT } from "../../results/mime.ts";
import { Result, type Table } from "../../results/result.ts";
import { plain } from "../../results/text.ts";
import { linesPart, type View } from "../../results/view.ts";
import type { FlowChange, PolicyFlow } from "./flow.ts";
import {
  type CheckMeta,
  flowsTable,
  metaNotes,
  routeLines,
  ruleItems,
  sectionLines,
  sectionParts,
  summaryLines,
} from "./report-view.ts";
import type { RouteCheck } from "./routes.ts";
import type { BroadRule, RuleUse } from "./rule-use.ts";

/** What a set of policies would mean for the traffic of a range. */
export class PolicyReport extends Result implements Iterable<PolicyFlow> {
  /** Every flow with its verdict, the most frequent first. */
  readonly flows: readonly PolicyFlow[];
  readonly rules: readonly RuleUse[];
  readonly broadRules: readonly BroadRule[];
  readonly routes: RouteCheck;
  readonly meta: CheckMeta;

  constructor(parts: {
    readonly flows: readonly PolicyFlow[];
    readonly rules: readonly RuleUse[];
    readonly broadRules: readonly BroadRule[];
    readonly routes: RouteCheck;
    readonly meta: CheckMeta;
  }) {
    super();
    this.flows = Object.freeze([...parts.flows]);
    this.rules = Object.freeze([...parts.rules]);
    this.broadRules = Object.freeze([...parts.broadRules]);
    this.routes = parts.routes;
    this.meta = Object.freeze(parts.meta);
    Object.freeze(this);
  }

  /** What passes now and would be denied. */
  get newlyDenied(): readonly PolicyFlow[] {
    return this.#changed("newly-denied");
  }

  /** What is denied now and would pass. */
  get newlyAllowed(): readonly PolicyFlow[] {
    return this.#changed("newly-allowed");
  }

  /** What is denied now, and would be still. */
  get stillDenied(): readonly PolicyFlow[] {
    return this.#changed("still-denied");
  }

  /** What cannot be told: its verdict (`verdict.missing` says why), or what is done about it now. */
  get unknown(): readonly PolicyFlow[] {
    return this.#changed("unknown");
  }

  /** Rules that no request of the range matched, nor may have matched. */
  get unusedRules(): readonly RuleUse[] {
    return this.rules.filter(({ requests, untold }) => requests === 0 && untold === 0);
  }

  /** Its flows, the most frequent first. */
  [Symbol.iterator](): Iterator<PolicyFlow> {
    return this.flows[Symbol.iterator]();
  }

  /** A row for each flow. */
  toTable(): Table {
    return flowsTable(this.flows);
  }

  toView(): View {
    const rules = ruleItems(this.unusedRules, this.broadRules);
    const routes = routeLines(this.routes);
    const items = [...rules, ...routes.map((line) => ({ text: line }))];
    return {
      parts: [
        ...sectionParts("newly denied", this.newlyDenied),
        ...sectionParts("newly allowed", this.newlyAllowed),
        ...sectionParts("cannot be told", this.unknown),
        ...sectionParts("still denied", this.stillDenied),
        linesPart(...summaryLines("still allowed", this.#changed("still-allowed")).map((line) => ({ text: line }))),
        ...(items.length === 0 ? [] : [{ kind: "heading", text: "Rules and routes" } as const]),
        { kind: "list", items },
      ],
      notes: metaNotes(this.meta),
    };
  }

  /** What would change, what cannot be told, and which rules and routes nothing uses. */
  override toString(): string {
    const rules = ruleItems(this.unusedRules, this.broadRules);
    return [
      ...sectionLines("newly denied", this.newlyDenied),
      ...sectionLines("newly allowed", this.newlyAllowed),
      ...sectionLines("cannot be told", this.unknown),
      ...sectionLines("still denied", this.stillDenied),
      ...summaryLines("still allowed", this.#changed("still-allowed")),
      ...rules.flatMap(({ text, details = [] }) => [text, ...details.map((line) => `  ${line}`)]).map(plain),
      ...routeLines(this.routes).map(plain),
      ...metaNotes(this.meta).map(({ text }) => `  ${plain(text)}`),
    ].join("\n");
  }

  override [INSPECT](): string {
    return this.toString();
  }

  /** All of it as plain data. */
  toJSON(): Readonly<Record<string, unknown>> {
    const { flows, rules, broadRules, routes, meta } = this;
    return { flows, rules, broadRules, routes, meta };
  }

  #changed(change: FlowChange): readonly PolicyFlow[] {
    return this.flows.filter((flow) => flow.change === change);
  }
}
