import { PALETTE, themed } from "./html-style.ts";

/**
 * A drawing as a file of its own: light or dark as its reader has it.
 *
 * @param body what is in it, in which everything that came from elsewhere has been escaped
 * @param style its rules of CSS, below `className`
 */
export function svgDocument(body: string, { className, width, height, style }: SvgFrame): string {
  const own = `${themed(PALETTE)} .mq { color-scheme: light dark; --ground: var(--paper); --text: var(--ink); background: var(--ground); font-family: system-ui, sans-serif; }`;
  return `<svg xmlns="http://www.w3.org/2000/svg" class="mq ${className}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img"><style>${own}${style}</style>\n${body}\n</svg>`;
}

/** What is around a drawing. */
export interface SvgFrame {
  readonly className: string;
  readonly width: number;
  readonly height: number;
  readonly style: string;
}
