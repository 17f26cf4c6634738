/** Colours by name: in the light, and in the dark. */
export type Palette = Readonly<Record<string, readonly [light: string, dark: string]>>;

/**
 * Colours as CSS's variables: by the colour scheme of where they stand, which a notebook's theme decides; in browsers
 * that know no `light-dark()` by what their reader prefers.
 */
export function themed(palette: Palette): string {
  const block = (value: (light: string, dark: string) => string): string =>
    `.mq { ${Object.entries(palette)
      .map(([name, [light, dark]]) => `--${name}: ${value(light, dark)};`)
      .join(" ")} }`;
  return `
${block((light) => light)}
@media (prefers-color-scheme: dark) { ${block((_, dark) => dark)} }
@supports (color: light-dark(#000, #fff)) { ${block((light, dark) => `light-dark(${light}, ${dark})`)} }`;
}

/** The colours that everything has. */
export const PALETTE: Palette = {
  paper: ["#fff", "#14171c"],
  ink: ["#1b1f24", "#e4e7eb"],
  quiet: ["#5c6570", "#9aa4b0"],
  line: ["#dfe3e8", "#2f3640"],
  box: ["#eff3f8", "#1f2630"],
  bad: ["#c5221f", "#ff8a80"],
  warn: ["#8a5a00", "#f0b95a"],
  good: ["#1b7a3d", "#6fcf8a"],
};

/**
 * The style that all pages share. Everything is below one class, so that a part can stand in a notebook: there the
 * ground and the ink are those of Jupyter's theme, or of VS Code's. Where it names the class twice it must outweigh
 * Jupyter's rule that sets every cell to the right.
 */
export const STYLE = `${themed(PALETTE)}
.mq { color-scheme: light dark;
  --ground: var(--jp-layout-color0, var(--vscode-editor-background, var(--paper)));
  --text: var(--jp-content-font-color1, var(--vscode-editor-foreground, var(--ink)));
  background: var(--ground); color: var(--text); font: 13px/1.45 system-ui, sans-serif; padding: 12px 16px; text-align: left; }
.mq-page { margin: 0; }
.mq-page > .mq { padding: 20px 24px; min-height: 100vh; box-sizing: border-box; }
[data-jp-theme-light="true"] .mq, .vscode-light .mq { color-scheme: light; }
[data-jp-theme-light="false"] .mq, .vscode-dark .mq, .vscode-high-contrast .mq { color-scheme: dark; }
.mq h1, .mq h2, .mq h3 { color: inherit; font-weight: 600; line-height: 1.3; margin: 0 0 6px; overflow-wrap: anywhere; unicode-bidi: isolate; }
.mq h1 { font-size: 18px; } .mq h2 { font-size: 15px; margin-top: 18px; } .mq h3 { font-size: 14px; margin-top: 16px; }
.mq > h1 { font-size: 21px; margin-bottom: 16px; } .mq > h1 ~ section > h2:first-child { font-size: 17px; margin-top: 0; }
.mq section + section { border-top: 1px solid var(--line); margin-top: 24px; padding-top: 20px; }
.mq p { margin: 2px 0; overflow-wrap: anywhere; unicode-bidi: isolate; }
.mq .strong { font-weight: 600; font-size: 15px; }
.mq .quiet, .mq .notes p { color: var(--quiet); }
.mq .notes { margin-top: 10px; font-size: 12px; }
.mq .bad, .mq .notes p.bad { color: var(--bad); }
.mq .warn, .mq .notes p.warn { color: var(--warn); }
.mq .good { color: var(--good); }
.mq ol, .mq ul { margin: 8px 0; padding-left: 22px; }
.mq li { margin: 0 0 6px; overflow-wrap: anywhere; unicode-bidi: isolate; }
.mq li ul { margin: 3px 0 0; padding-left: 16px; color: var(--quiet); font-size: 12px; }
.mq li ul li { margin: 0; }
.mq pre { background: var(--box); color: var(--text); border-radius: 5px; padding: 8px 10px; margin: 8px 0; font-size: 12px; white-space: pre-wrap; overflow-wrap: anywhere; }
.mq .scroll { overflow-x: auto; margin: 8px 0; }
.mq table { border-collapse: collapse; border: 0; margin: 0; font-size: 13px; font-variant-numeric: tabular-nums; }
.mq table tr { background: none; }
.mq.mq table th, .mq.mq table td { text-align: left; vertical-align: middle; padding: 3px 18px 3px 0; border: 0; border-top: 1px solid var(--line); font-weight: inherit; white-space: nowrap; unicode-bidi: isolate; }
.mq table td.long { white-space: normal; min-width: 24em; overflow-wrap: anywhere; }
.mq table th { color: var(--quiet); border-top: 0; font-size: 12px; }
.mq.mq table .n { text-align: right; }
.mq svg { max-width: 100%; }
.mq .trend { max-width: none; }
.mq .trend path { fill: none; stroke: var(--quiet); stroke-width: 1.3; stroke-linecap: round; stroke-linejoin: round; }
`;
