/** How far long work has come. */
export interface Progress {
  /** What is under way: a question about a range, and so a back-test; a search; or the questions of a report. */
  readonly what: "check" | "explain" | "graph" | "identity" | "logs" | "range" | "traces";
  /** How much of `total` is done. */
  readonly done: number;
  readonly total: number;
  /** What is counted: the pieces of a range, milliseconds of the time that is searched, or questions. */
  readonly unit: "ms" | "piece" | "question";
  /** `done` by `total`, from 0 to 1. */
  readonly ratio: number;
  /** Whether nothing more will be told of this work: it is done, has failed or was given up. */
  readonly ended: boolean;
}

/** Told how far work has come, and once with `ended` at its end, however it ends; see `showProgress()`. */
export type OnProgress<P extends Progress = Progress> = (progress: P) => void;

/** Tells of one work; a work of which something was told ends with one that has `ended`. */
export class Teller<P extends Progress> {
  readonly #tell: OnProgress<P> | undefined;
  #last: P | undefined;

  constructor(tell: OnProgress<P> | undefined) {
    this.#tell = tell;
  }

  tell(progress: P): void {
    if (this.#tell === undefined) return;
    this.#last = progress;
    this.#tell(progress);
  }

  /** Tells once more what was told last, unless that was the end already. */
  end(): void {
    const last = this.#last;
    if (last !== undefined && !last.ended) this.tell({ ...last, ended: true });
  }
}
