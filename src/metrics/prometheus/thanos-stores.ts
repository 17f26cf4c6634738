import * as z from "zod/mini";
import { MeshQueryError } from "../../errors.ts";
import type { AskOptions } from "../../time.ts";
import type { Connection } from "./connection.ts";
import { readEnvelope } from "./envelope.ts";
import { Texts } from "./fields.ts";

/** A look at the stores is believed for so long. */
const BELIEVED_MS = 2_000;
const REMEMBER_MS = 3_600_000;
/** Longer than this no answer is held up by it. */
const PATIENCE_MS = 5_000;

/** What a querier's stores say of its answers. */
export interface StoreReport {
  /** One sentence for each store that was there and is gone, or does not answer. */
  readonly missing: readonly string[];
  /** Why it could not be looked. */
  readonly unknown: string | undefined;
}

/** The data of `/api/v1/stores`: stores by what they are, such as `"sidecar"`. */
export const StoresData = z.record(
  z.string(),
  z.nullish(
    z.array(
      z.object({
        name: z.string(),
        labelSets: z.nullish(z.array(Texts)),
        lastError: z.nullish(z.unknown()),
      }),
    ),
  ),
);
type StoreSets = z.infer<typeof StoresData>;

/** What is remembered of stores of one kind with the same labels, which stand in for each other. */
interface Peers {
  /** How many there were at most. */
  readonly expected: number;
  /** When that many were last there, in the milliseconds of `passedMs`. */
  readonly wholeAtMs: number;
}

/**
 * Remembers the stores of a Thanos querier.
 *
 * A querier drops a store that is gone from its set, and then answers with what is left and without any warning; that
 * one was there is only known to who has seen it. Stores are known by their kind and labels, since one that was started
 * anew elsewhere has another address.
 */
export class ThanosStores {
  readonly #connection: Connection;
  readonly #rememberMs: number;
  readonly #passedMs: () => number;
  readonly #known = new Map<string, Peers>();
  #report: { readonly atMs: number; readonly report: Promise<StoreReport> } | undefined;

  /**
   * @param rememberMs for how long a store that is gone is missed; an hour when left out
   * @param passedMs milliseconds since any one instant
   */
  constructor(connection: Connection, rememberMs: number | undefined, passedMs: () => number) {
    this.#connection = connection;
    this.#rememberMs = rememberMs ?? REMEMBER_MS;
    this.#passedMs = passedMs;
  }

  /** Which stores are missing now, as far as is known; never an error. */
  missing(): Promise<StoreReport> {
    const atMs = this.#passedMs();
    if (this.#report === undefined || atMs - this.#report.atMs >= BELIEVED_MS) {
      this.#report = { atMs, report: this.#look({ timeoutMs: PATIENCE_MS }) };
    }
    return this.#report.report;
  }

  async #look(options: AskOptions): Promise<StoreReport> {
    try {
      const response = await this.#connection.get("/api/v1/stores", [], "none", options);
      return { missing: this.#compare(readEnvelope(response, StoresData, "the stores").data), unknown: undefined };
    } catch (error) {
      if (!(error instanceof MeshQueryError)) throw error;
      return { missing: [], unknown: `whether all stores are there is not known: ${error.message}` };
    }
  }

  #compare(sets: StoreSets): readonly string[] {
    const nowMs = this.#passedMs();
    const groups = groupsOf(sets);
    for (const [title, { kind, total, healthy }] of groups) {
      const known = this.#known.get(title);
      // One that listens twice is a store that was started anew; only gateways share their labels on purpose.
      const expected = known?.expected ?? (kind === "store" ? total : 1);
      if (healthy >= expected) this.#known.set(title, { expected: healthy, wholeAtMs: nowMs });
      else if (known === undefined) this.#known.set(title, { expected, wholeAtMs: nowMs });
    }
    const missing: string[] = [];
    for (const [title, { expected, wholeAtMs }] of this.#known) {
      const { healthy = 0, faults = [] } = groups.get(title) ?? {};
      if (healthy >= expected) continue;
      if (faults.length === 0 && nowMs - wholeAtMs > this.#rememberMs) {
        this.#known.delete(title);
        continue;
      }
      const count = expected === 1 ? "" : `${expected - healthy} of ${expected}: `;
      missing.push(`${title} is gone: ${count}${faults.join("; ") || "the querier no longer lists it"}`);
    }
    return missing;
  }
}

interface StoreGroup {
  readonly kind: string;
  total: number;
  healthy: number;
  readonly faults: string[];
}

function groupsOf(sets: StoreSets): ReadonlyMap<string, StoreGroup> {
  const groups = new Map<string, StoreGroup>();
  for (const [kind, stores] of Object.entries(sets)) {
    for (const { name, labelSets, lastError } of stores ?? []) {
      const labels = (labelSets ?? []).map(labelText).sort().join(" ");
      const title = `the ${kind === "store" ? "gateway" : `${kind} store`} ${labels || name}`;
      const group = groups.get(title) ?? { kind, total: 0, healthy: 0, faults: [] };
      groups.set(title, group);
      group.total++;
      if (isFault(lastError)) group.faults.push(`${name} does not answer (${faultText(lastError)})`);
      else group.healthy++;
    }
  }
  return groups;
}

const labelText = (labels: Readonly<Record<string, string>>): string =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .sort()
    .join(",")}}`;

const isFault = (lastError: unknown): boolean => lastError !== undefined && lastError !== null && lastError !== "";
const faultText = (lastError: unknown): string =>
  typeof lastError === "string" ? lastError : JSON.stringify(lastError);
