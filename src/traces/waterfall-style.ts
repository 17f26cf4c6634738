/** The style of the waterfall's page. Everything is below one class, so that it can stand in a notebook's page too. */
export const WATERFALL_STYLE = `
.mq-trace { color-scheme: light dark; --ground: #fff; --text: #1b1f24; --quiet: #5c6570; --line: #dfe3e8; --hover: #f3f5f8;
  --fail: #c5221f; --fail-ground: #fdecea; --warn: #8a5a00; --critical: #1b1f24; --fill: 55% 66%; --edge: 45% 42%;
  background: var(--ground); color: var(--text); font: 13px/1.4 system-ui, sans-serif; padding: 20px 24px; }
@media (prefers-color-scheme: dark) { .mq-trace { --ground: #14171c; --text: #e4e7eb; --quiet: #9aa4b0; --line: #2c323b;
  --hover: #1d2229; --fail: #ff8a80; --fail-ground: #3a1c1b; --warn: #f0b95a; --critical: #fff; --fill: 38% 40%; --edge: 45% 62%; } }
.mq-trace h1 { font-size: 18px; font-weight: 600; margin: 0; overflow-wrap: anywhere; }
.mq-trace h2 { font-size: 13px; font-weight: 600; margin: 22px 0 6px; }
.mq-trace p { margin: 2px 0 0; color: var(--quiet); overflow-wrap: anywhere; }
.mq-trace code { font: 12px ui-monospace, monospace; }
.mq-trace ul { margin: 14px 0 0; padding: 8px 12px; list-style: none; border-left: 3px solid var(--fail); background: var(--fail-ground); }
.mq-trace ul.warnings { border-color: var(--warn); background: none; color: var(--warn); }
.mq-trace li { overflow-wrap: anywhere; }
.mq-trace h1, .mq-trace li, .mq-trace td, .mq-trace .key span { unicode-bidi: isolate; }
.mq-trace small { font-size: inherit; color: var(--quiet); }
.mq-trace .key { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 14px 0 6px; color: var(--quiet); }
.mq-trace .key span::before { content: ""; display: inline-block; width: 12px; height: 9px; margin-right: 6px; border-radius: 2px;
  background: hsl(var(--hue) var(--fill)); border: 1px solid hsl(var(--hue) var(--edge)); }
.mq-trace .key .path::before { height: 3px; border: 0; vertical-align: middle; background: var(--critical); }
.mq-trace .row { display: grid; grid-template-columns: minmax(180px, 36%) 76px 1fr; border-top: 1px solid var(--line); }
.mq-trace .row:hover { background: var(--hover); }
.mq-trace .axis, .mq-trace .axis:hover { border: 0; background: none; color: var(--quiet); font-variant-numeric: tabular-nums; }
.mq-trace .name { display: flex; align-items: center; min-width: 0; padding: 3px 10px 3px calc(var(--depth) * 14px); }
.mq-trace .name div { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; unicode-bidi: isolate; }
.mq-trace .name b { font-weight: 600; }
.mq-trace .name small { padding-left: 6px; }
.mq-trace .name div.note { flex: none; padding-left: 8px; color: var(--warn); }
.mq-trace .time { align-self: center; text-align: right; padding-right: 10px; white-space: nowrap; color: var(--quiet); font-variant-numeric: tabular-nums; }
.mq-trace .lane { position: relative; min-height: 26px; background: linear-gradient(90deg, var(--line) 1px, transparent 1px) 0 0 / 25% 100%;
  border-right: 1px solid var(--line); }
.mq-trace .axis .lane { background: none; border: 0; min-height: 20px; }
.mq-trace .lane > * { position: absolute; box-sizing: border-box; }
.mq-trace .axis .lane span { white-space: nowrap; }
.mq-trace .axis .lane span:not(:first-child) { transform: translateX(-50%); }
.mq-trace .axis .lane span:last-child { transform: translateX(-100%); }
.mq-trace i { top: 5px; height: 13px; min-width: 2px; border-radius: 2px; background: hsl(var(--hue) var(--fill)); border: 1px solid hsl(var(--hue) var(--edge)); }
.mq-trace .failed i { border: 2px solid var(--fail); }
.mq-trace .skewed i { border-style: dashed; opacity: .75; }
.mq-trace u { top: 20px; height: 3px; min-width: 1px; background: var(--critical); }
.mq-trace em { top: 3px; padding: 0 6px; font-style: normal; white-space: nowrap; color: var(--text); font-variant-numeric: tabular-nums; }
.mq-trace em.within { top: 4px; margin: 0 4px; border-radius: 2px; line-height: 15px; background: var(--ground); }
.mq-trace .failed em, .mq-trace .failed .time, .mq-trace .failed b, .mq-trace td.failed { color: var(--fail); }
.mq-trace .scroll { overflow-x: auto; }
.mq-trace table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.mq-trace th, .mq-trace td { text-align: left; padding: 3px 18px 3px 0; border-top: 1px solid var(--line); font-weight: inherit; white-space: nowrap; }
.mq-trace th { color: var(--quiet); border: 0; }
.mq-trace .number { text-align: right; }
`;
