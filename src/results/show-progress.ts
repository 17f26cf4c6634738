import type { OnProgress, Progress } from "./progress.ts";
import { type DenoKernel, denoKernel } from "./show.ts";
import { printLength } from "./text.ts";

/** Where progress is shown, where that is not for the machine to find out. */
export interface ShowProgressOptions {
  /** Given the line that is to be seen, in place of the one before; `""` at the end. It is then shown whoever watches. */
  readonly write?: ((line: string) => void) | undefined;
}

/** Work that is over by then shows nothing. */
const PATIENCE_MS = 300;
/** Nobody reads faster. */
const INTERVAL_MS = 100;

/**
 * A function for `onProgress` that shows how far long work has come to a person who watches, and to nobody else: a line
 * on standard error where that is a terminal, a line below the cell in a notebook of Deno's. In a pipe, in CI and in a
 * service it does nothing, so that it may stay in code that runs there too.
 *
 * Nothing is shown of work that takes less than a third of a second, and nothing is left of it when it has ended.
 *
 * @example
 * ```ts unrun: a month of a simulated mesh takes minutes
 * const mesh = createMesh({ metrics: prometheus("http://prometheus:9090"), onProgress: showProgress() });
 * await mesh.all().rate("5m").over({ last: "30d", step: "15s" });
 * // range ▕████████            ▏ 37 %  6 of 16 pieces, 6s left
 * ```
 */
export function showProgress({ write = watchedLine() }: ShowProgressOptions = {}): OnProgress {
  if (write === undefined) return () => {};
  const show = write;
  const works = new Map<Progress["what"], Work>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isShown = false;
  const draw = (): void => {
    timer = undefined;
    // Of works side by side the one that has most left is what is waited for.
    const [slowest] = [...works.values()].sort((a, b) => a.progress.ratio - b.progress.ratio);
    if (slowest === undefined) return;
    isShown = true;
    show(lineOf(slowest));
  };
  return (progress) => {
    const { what, ended } = progress;
    if (ended) works.delete(what);
    else works.set(what, { ...(works.get(what) ?? { first: progress, sinceMs: performance.now() }), progress });
    if (works.size > 0) {
      timer ??= setTimeout(draw, isShown ? INTERVAL_MS : PATIENCE_MS);
      // Whoever is done does not wait for a line to be drawn.
      timer.unref?.();
      return;
    }
    clearTimeout(timer);
    timer = undefined;
    if (isShown) show("");
    isShown = false;
  };
}

interface Work {
  readonly progress: Progress;
  /** What was told first, and when. */
  readonly first: Progress;
  readonly sinceMs: number;
}

const WIDTH = 20;

function lineOf({ progress, first, sinceMs }: Work): string {
  const { what, done, total, unit, ratio } = progress;
  const bar = "█".repeat(Math.round(WIDTH * ratio)).padEnd(WIDTH);
  const come =
    unit === "ms"
      ? `${printLength(done)} of ${printLength(total)}`
      : `${done} of ${total} ${unit}${total === 1 ? "" : "s"}`;
  const since = ratio - first.ratio;
  const leftMs = since > 0 ? ((performance.now() - sinceMs) / since) * (1 - ratio) : 0;
  const left = leftMs < 1000 ? "" : `, ${printLength(Math.round(leftMs / 1000) * 1000)} left`;
  return `${what} ▕${bar}▏ ${Math.floor(100 * ratio)} %  ${come}${left}`;
}

/** A line that a person sees at once and that can be taken back, where there is one. */
function watchedLine(): ((line: string) => void) | undefined {
  const kernel = denoKernel();
  if (kernel !== undefined) return cellLine(kernel.broadcast);
  const { stderr, env } = process;
  const isWatched = stderr.isTTY && env.TERM !== "dumb" && (env.CI ?? "") === "";
  // A line that is cut can be taken back; one that wraps cannot.
  return isWatched ? (line) => stderr.write(`\r\u001b[K${line.slice(0, (stderr.columns || 80) - 1)}`) : undefined;
}

let cellLines = 0;

/** A line below the cell that runs. */
function cellLine(broadcast: DenoKernel["broadcast"]): (line: string) => void {
  let displayId: string | undefined;
  let last: Promise<unknown> = Promise.resolve();
  return (line) => {
    const kind = displayId === undefined ? "display_data" : "update_display_data";
    displayId ??= `meshquery-progress-${++cellLines}`;
    const content = { data: { "text/plain": line }, metadata: {}, transient: { display_id: displayId } };
    // One after the other; a notebook that is gone needs no line.
    last = last.then(() => broadcast(kind, content)).catch(() => {});
    // The next work may be another cell's.
    if (line === "") displayId = undefined;
  };
}
