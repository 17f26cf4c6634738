import { themed } from "../../results/html-style.ts";

/** The style of a graph's drawing. Everything is below one class, so that it can stand in any page. */
export const GRAPH_STYLE = `${themed({ rim: ["#c9d0d8", "#39414c"], edge: ["#7b8794", "#8b96a3"] })}
.mq-graph text { font-size: 12px; fill: var(--text); unicode-bidi: isolate; }
.mq-graph text.quiet { font-size: 10px; fill: var(--quiet); }
.mq-graph rect { fill: var(--box); stroke: var(--rim); }
.mq-graph .outside rect, .mq-graph .external rect, .mq-graph .unknown rect { stroke-dasharray: 4 3; fill: none; }
.mq-graph .blackhole rect { stroke: var(--bad); }
.mq-graph .edge path { fill: none; stroke: var(--edge); stroke-width: 1.4; }
.mq-graph text.label { font-size: 10px; fill: var(--quiet); paint-order: stroke; stroke: var(--ground); stroke-width: 6px; stroke-linejoin: round; }
.mq-graph .edge.failing path { stroke: var(--bad); }
.mq-graph text.label.failing { fill: var(--bad); }
.mq-graph .edge.lost path { stroke-dasharray: 5 4; }
.mq-graph marker path { fill: var(--edge); stroke: none; }
.mq-graph marker.failing path { fill: var(--bad); }
`;
