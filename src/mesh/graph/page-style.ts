/** The style of the graph's page. Everything is below one class, so that it can stand in a notebook's page too. */
export const GRAPH_STYLE = `
.mq-graph { color-scheme: light dark; --ground: #fff; --text: #1b1f24; --quiet: #5c6570; --line: #c9d0d8; --box: #eef3fb; --edge: #7b8794;
  --fail: #c5221f; --warn: #8a5a00; background: var(--ground); color: var(--text); font: 13px/1.4 system-ui, sans-serif; padding: 20px 24px; }
@media (prefers-color-scheme: dark) { .mq-graph { --ground: #14171c; --text: #e4e7eb; --quiet: #9aa4b0; --line: #39414c; --box: #1f2733;
  --edge: #8b96a3; --fail: #ff8a80; --warn: #f0b95a; } }
.mq-graph h1 { font-size: 18px; font-weight: 600; margin: 0; }
.mq-graph p { margin: 2px 0 0; color: var(--quiet); }
.mq-graph p.warning { color: var(--warn); }
.mq-graph .scroll { overflow-x: auto; margin-top: 14px; }
.mq-graph svg text { font-size: 12px; fill: var(--text); unicode-bidi: isolate; }
.mq-graph svg .quiet { font-size: 10px; fill: var(--quiet); }
.mq-graph rect { fill: var(--box); stroke: var(--line); }
.mq-graph .outside rect, .mq-graph .external rect, .mq-graph .unknown rect { stroke-dasharray: 4 3; fill: none; }
.mq-graph .blackhole rect { stroke: var(--fail); }
.mq-graph .edge path { fill: none; stroke: var(--edge); stroke-width: 1.4; }
.mq-graph .edge text { font-size: 10px; fill: var(--quiet); paint-order: stroke; stroke: var(--ground); stroke-width: 3px; }
.mq-graph .failing path { stroke: var(--fail); }
.mq-graph .failing text { fill: var(--fail); }
.mq-graph .lost path { stroke-dasharray: 5 4; }
.mq-graph marker path { fill: var(--edge); stroke: none; }
.mq-graph table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.mq-graph th, .mq-graph td { text-align: left; padding: 3px 18px 3px 0; border-top: 1px solid var(--line); font-weight: inherit; white-space: nowrap; unicode-bidi: isolate; }
.mq-graph th { color: var(--quiet); border: 0; }
.mq-graph .number { text-align: right; }
.mq-graph tr.failing td:nth-child(4) { color: var(--fail); }
`;
