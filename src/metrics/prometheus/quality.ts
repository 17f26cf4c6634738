import { TimeoutError } from "../../errors.ts";
import { startDeadline } from "../../http/deadline.ts";
import type { AskOptions } from "../../time.ts";
import type { Answer } from "../backend.ts";
import type { Detection, KnownServer } from "./detection.ts";
import type { DialectKind, Manner } from "./dialect.ts";
import { NAME } from "./failure.ts";
import type { StoreReport, ThanosStores } from "./thanos-stores.ts";

/** Knows of answers what they do not say of themselves. */
export class Quality {
  readonly #detection: Detection;
  readonly #stores: ThanosStores;
  readonly #timeoutMs: number;
  #kind: DialectKind | undefined;

  /**
   * @param manner that of the dialect, where one was named
   * @param timeoutMs the deadline of a question that names none
   */
  constructor(detection: Detection, stores: ThanosStores, manner: Manner | undefined, timeoutMs: number) {
    this.#detection = detection;
    this.#stores = stores;
    this.#kind = manner?.kind;
    this.#timeoutMs = timeoutMs;
  }

  /** Whether the server may speak that dialect, as far as is known without asking. */
  mayBe(kind: DialectKind): boolean {
    return this.#kind === undefined || this.#kind === kind;
  }

  /**
   * The dialect that was named, or that the server turned out to speak.
   *
   * @throws {TimeoutError} where that took longer
   */
  async kind({ signal, timeoutMs = this.#timeoutMs }: AskOptions): Promise<DialectKind> {
    const kind = this.#kind ?? (await patiently(this.#detected(), timeoutMs, signal));
    if (kind !== undefined) return kind;
    throw new TimeoutError(
      `${NAME}: the server did not say within ${timeoutMs} ms whose dialect it speaks; raise timeoutMs, or name it: { dialect: "thanos" }`,
      { backend: NAME, timeoutMs },
    );
  }

  /** The dialect; that of Prometheus itself where nothing says otherwise, which is not remembered. */
  async #detected(): Promise<DialectKind> {
    const known = await this.#detection.server();
    this.#kind ??= known?.kind;
    return known?.kind ?? "prometheus";
  }

  /** What the server says that it is, asked once; `undefined` where that took longer. */
  async server({ signal, timeoutMs = this.#timeoutMs }: AskOptions): Promise<KnownServer | undefined> {
    return patiently(this.#detection.server(), timeoutMs, signal);
  }

  /** Looks at the stores while a querier answers, where it is known to be one. */
  look(): Promise<StoreReport> | undefined {
    return this.#isQuerier() ? this.#stores.missing() : undefined;
  }

  /**
   * The answer with what is known of its completeness, within what is left of the question's deadline.
   *
   * The first answer of a server waits for the name of its dialect.
   */
  async of<T>(
    answer: Answer<T>,
    { signal, timeoutMs = this.#timeoutMs }: AskOptions,
    looked?: Promise<StoreReport>,
  ): Promise<Answer<T>> {
    if (this.#kind !== undefined && this.#kind !== "thanos") return answer;
    const leftMs = Math.max(1, timeoutMs - answer.tookMs);
    const report = (await patiently(this.#report(looked), leftMs, signal)) ?? (this.#isQuerier() ? LATE : undefined);
    if (report === undefined) return answer;
    const { missing, unknown } = report;
    return {
      ...answer,
      warnings: [...answer.warnings, ...missing],
      infos: unknown === undefined ? answer.infos : [...answer.infos, unknown],
      complete: answer.complete && missing.length === 0,
    };
  }

  async #report(looked: Promise<StoreReport> | undefined): Promise<StoreReport | undefined> {
    if ((this.#kind ?? (await this.#detected())) !== "thanos") return undefined;
    return looked ?? this.#stores.missing();
  }

  #isQuerier(): boolean {
    return this.#kind === "thanos";
  }
}

const LATE: StoreReport = Object.freeze({
  missing: [],
  unknown: "whether all stores are there is not known: the question's time was over before they were looked at",
});

/** The outcome, or `undefined` when it takes longer. */
async function patiently<T>(
  promise: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  const deadline = startDeadline(timeoutMs, signal);
  try {
    return await deadline.until(promise);
  } catch (error) {
    if (deadline.expired) return undefined;
    throw error;
  } finally {
    deadline.close();
  }
}
