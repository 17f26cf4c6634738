/** The style of the waterfall. Everything is below one class, so that it can stand in any page. */
export const WATERFALL_STYLE = `
.mq-trace small { font-size: inherit; color: var(--quiet); }
.mq-trace .key { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 14px 0 6px; color: var(--quiet); }
.mq-trace .key span { unicode-bidi: isolate; }
.mq-trace .key span::before { content: ""; display: inline-block; width: 12px; height: 9px; margin-right: 6px; border-radius: 2px;
  background: hsl(var(--hue) 48% 56%); }
.mq-trace .key .path::before { height: 3px; vertical-align: middle; background: var(--text); }
.mq-trace .row { display: grid; grid-template-columns: minmax(180px, 36%) 76px 1fr; border-top: 1px solid var(--line); }
.mq-trace .row:hover { background: var(--box); }
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
.mq-trace i { top: 5px; height: 13px; min-width: 2px; border-radius: 2px; background: hsl(var(--hue) 48% 56%); }
.mq-trace .failed i { border: 2px solid var(--bad); }
.mq-trace .skewed i { border: 1px dashed var(--text); opacity: .75; }
.mq-trace u { top: 20px; height: 3px; min-width: 1px; background: var(--text); }
.mq-trace em { top: 3px; padding: 0 6px; font-style: normal; white-space: nowrap; color: var(--text); font-variant-numeric: tabular-nums; }
.mq-trace em.within { top: 4px; margin: 0 4px; border-radius: 2px; line-height: 15px; background: var(--ground); }
.mq-trace .failed em, .mq-trace .failed .time, .mq-trace .failed b { color: var(--bad); }
`;
