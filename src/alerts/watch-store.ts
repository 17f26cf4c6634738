import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import path from "node:path";
import * as z from "zod/mini";
import { DecodeError, TimeoutError } from "../errors.ts";
import { startDeadline } from "../http/deadline.ts";
import { shown } from "../time.ts";
import type { AlertChange } from "./notification.ts";
import { type AlertSpec, printedTexts } from "./spec.ts";
import { type AlertInstance, type AlertInstances, alertKey } from "./state.ts";

/** Where watchers keep their state across restarts: one text for each rule, by its name and labels. */
export interface WatchStore {
  /** The text that was saved last under this name; `undefined` where there is none. */
  load(name: string): Promise<string | undefined>;
  /** Keeps the text in place of the one before: whole, or not at all. */
  save(name: string, text: string): Promise<void>;
}

/** A change with the names of the sinks that have not acknowledged it. */
export interface Pending {
  readonly change: AlertChange;
  readonly waiting: readonly string[];
}

/** All that a watcher knows. */
export interface WatchState {
  /** The last evaluation that did not fail. */
  readonly evaluatedAtMs: number | undefined;
  readonly alerts: AlertInstances;
  readonly outbox: readonly Pending[];
}

/** A store that lasts as long as the process, and may be shared by watchers one after the other. */
export function memoryStore(): WatchStore {
  const texts = new Map<string, string>();
  return Object.freeze({
    load: async (name: string) => texts.get(name),
    save: async (name: string, text: string) => void texts.set(name, text),
  });
}

/**
 * A store of files, one for each rule, in a directory that is made when it is needed. A file is replaced as a whole, so
 * that a crash leaves the old text or the new one.
 *
 * Two watchers of one rule must not share a directory.
 */
export function fileStore(directory: string): WatchStore {
  const fileOf = (name: string) => path.join(directory, `${encodeURIComponent(name)}.json`);
  return Object.freeze({
    load: async (name: string) => {
      try {
        return await readFile(fileOf(name), "utf8");
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw error;
      }
    },
    save: async (name: string, text: string) => {
      const file = fileOf(name);
      await mkdir(directory, { recursive: true });
      const written = await open(`${file}.new`, "w", 0o600);
      try {
        await written.writeFile(text);
        await written.sync();
      } finally {
        await written.close();
      }
      await rename(`${file}.new`, file);
      await syncDirectory(directory);
    },
  });
}

/** A renaming outlasts a power cut only then; systems that let no directory be opened see to it themselves. */
async function syncDirectory(directory: string): Promise<void> {
  const opened = await open(directory, "r").catch(() => undefined);
  try {
    await opened?.sync();
  } catch {
    // Some file systems know no such call. The file is in its place all the same.
  } finally {
    await opened?.close();
  }
}

/** Under which name a rule's state is kept: as in Prometheus, rules of one name are told apart by their labels. */
export function stateName({ name, labels }: AlertSpec): string {
  const texts = Object.entries(printedTexts(labels));
  if (texts.length === 0) return name;
  const sorted = JSON.stringify(texts.sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${name} ${createHash("sha256").update(sorted).digest("hex").slice(0, 12)}`;
}

/** A rule's place in a store: one call after the other, none of which is waited for without end. */
export class StatePlace {
  readonly #store: WatchStore;
  readonly #name: string;
  readonly #withinMs: number;
  #free: Promise<void> = Promise.resolve();

  constructor(store: WatchStore, name: string, withinMs: number) {
    this.#store = store;
    this.#name = name;
    this.#withinMs = withinMs;
  }

  /**
   * The state that was saved last; `undefined` where there is none.
   *
   * @throws {DecodeError} for a text that no watcher has saved, {TimeoutError} for a store that does not answer
   */
  async load(): Promise<WatchState | undefined> {
    const text = await this.#within(this.#store.load(this.#name));
    return text === undefined ? undefined : readState(this.#name, text);
  }

  /**
   * Saves the state that there is when the calls before have ended, so that an older one never takes a newer one's place.
   *
   * @throws {TimeoutError} where the store takes too long: nothing is saved then, or by a call that hangs and ends later
   */
  async save(state: () => WatchState): Promise<void> {
    let wanted: typeof state | undefined = state;
    const saved = this.#free.then(async () => {
      if (wanted !== undefined) await this.#store.save(this.#name, printState(wanted()));
    });
    this.#free = saved.catch(() => undefined);
    try {
      await this.#within(saved);
    } finally {
      wanted = undefined;
    }
  }

  async #within<T>(answer: Promise<T>): Promise<T> {
    const timeoutMs = this.#withinMs;
    const deadline = startDeadline(timeoutMs, undefined);
    try {
      return await deadline.until(answer);
    } catch (error) {
      if (!deadline.expired) throw error;
      throw new TimeoutError(`watch: the store did not answer within ${timeoutMs} ms`, { timeoutMs });
    } finally {
      deadline.close();
    }
  }
}

const texts = z.record(z.string(), z.string());
const time = z.optional(z.number());
const alertShape = z.object({
  labels: texts,
  annotations: texts,
  value: z.string(),
  state: z.enum(["firing", "pending", "resolved"]),
  activeAtMs: z.number(),
  firedAtMs: time,
  resolvedAtMs: time,
  keptSinceMs: time,
});
const changeShape = z.object({
  id: z.string(),
  state: z.enum(["firing", "resolved"]),
  rule: z.string(),
  labels: texts,
  annotations: texts,
  value: z.string(),
  activeAtMs: z.number(),
  firedAtMs: z.number(),
  resolvedAtMs: time,
  because: z.optional(z.enum(["missing", "recovered", "unknown"])),
});
const stateShape = z.object({
  version: z.literal(1),
  evaluatedAtMs: time,
  alerts: z.array(alertShape),
  outbox: z.array(z.object({ change: changeShape, waiting: z.array(z.string()) })),
});

/** The state as a text; values as text too, since JSON has no infinity. */
export function printState({ evaluatedAtMs, alerts, outbox }: WatchState): string {
  const plain = <T extends { readonly value: number }>(one: T) => ({ ...one, value: String(one.value) });
  return JSON.stringify({
    version: 1,
    evaluatedAtMs,
    alerts: Array.from(alerts.values(), plain),
    outbox: outbox.map(({ change, waiting }) => ({ change: plain(change), waiting })),
  });
}

/**
 * Reads what {@link printState} wrote.
 *
 * @throws {DecodeError} for any other text: forgetting what fires would lose a notification
 */
export function readState(name: string, text: string): WatchState {
  const fail = (code: "shape" | "syntax", problem: string, cause?: unknown) =>
    new DecodeError(
      code,
      `watch: what the store holds for ${shown(name)} ${problem}; remove it to begin anew, without knowing what fires`,
      { cause },
    );
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw fail("syntax", "is no JSON", cause);
  }
  const read = stateShape.safeParse(json);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw fail("shape", `is no state of a watcher: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  const { evaluatedAtMs, alerts, outbox } = read.data;
  const entries = alerts.map((alert): [string, AlertInstance] => [
    alertKey(alert.labels),
    {
      ...alert,
      value: Number(alert.value),
      firedAtMs: alert.firedAtMs,
      resolvedAtMs: alert.resolvedAtMs,
      keptSinceMs: alert.keptSinceMs,
    },
  ]);
  return {
    evaluatedAtMs,
    alerts: new Map(entries),
    outbox: outbox.map(({ change, waiting }) => ({
      change: {
        ...change,
        value: Number(change.value),
        resolvedAtMs: change.resolvedAtMs,
        because: change.because,
      },
      waiting,
    })),
  };
}
