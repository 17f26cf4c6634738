/** The style of the report's page. Everything is below one class, so that it can stand in a notebook's page too. */
export const EXPLANATION_STYLE = `
.mq-explain { color-scheme: light dark; --ground: #fff; --text: #1b1f24; --quiet: #5c6570; --line: #dfe3e8; --mark: #c5221f;
  background: var(--ground); color: var(--text); font: 14px/1.5 system-ui, sans-serif; padding: 20px 24px; max-width: 900px; }
@media (prefers-color-scheme: dark) { .mq-explain { --ground: #14171c; --text: #e4e7eb; --quiet: #9aa4b0; --line: #2c323b; --mark: #ff8a80; } }
.mq-explain h1 { font-size: 18px; font-weight: 600; margin: 0 0 12px; }
.mq-explain ol { padding-left: 22px; }
.mq-explain ol > li { margin: 0 0 12px; }
.mq-explain ol > li:first-child > b { color: var(--mark); }
.mq-explain ul { margin: 4px 0 0; padding-left: 18px; color: var(--quiet); font-size: 13px; }
.mq-explain li { overflow-wrap: anywhere; unicode-bidi: isolate; }
.mq-explain p { margin: 2px 0; color: var(--quiet); font-size: 13px; }
.mq-explain table { border-collapse: collapse; margin: 14px 0; font-variant-numeric: tabular-nums; }
.mq-explain th, .mq-explain td { padding: 3px 24px 3px 0; border-top: 1px solid var(--line); text-align: right; font-weight: inherit; }
.mq-explain th:first-child { text-align: left; color: var(--quiet); }
`;
