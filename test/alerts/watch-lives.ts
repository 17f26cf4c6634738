/** Watchers that are killed at chosen points, over a store and a receiver that outlive them. */
import { type AlertSink, alert, logLines, memoryStore } from "../../src/alerts/index.ts";
import type { LogBackend, LogMeasure } from "../../src/index.ts";
import type { Random } from "../mesh/random.ts";

export const EVERY_MS = 10_000;
export const BEGIN_MS = Date.UTC(2026, 10, 20, 13, 30);
const SINKS = ["pager", "chat"] as const;

/** What the outside of all lives of one watcher saw. */
export interface World {
  nowMs: number;
  /** Every text that the store took. */
  readonly saves: Saved[];
  /** Everything that a receiver took, in order. */
  readonly taken: Taken[];
  /** What a receiver was told although the store knew that it had acknowledged it. */
  readonly toldAgain: Taken[];
  kills: number;
  points: number;
}

interface Saved {
  readonly evaluatedAtMs: number;
  readonly alerts: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly state: string;
    readonly firedAtMs?: number;
  }[];
  readonly outbox: readonly { readonly change: { readonly id: string }; readonly waiting: readonly string[] }[];
}

export interface Taken {
  readonly sink: string;
  readonly id: string;
  /** The alert, when it fired, and what it became. */
  readonly change: string;
  /** The life of the watcher that told it, and by which call of any sink. */
  readonly life: number;
  readonly call: number;
}

export interface Schedule {
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** The values of an evaluation's series; `undefined` where the query fails. */
  readonly valuesAt: (atMs: number) => ReadonlyMap<string, number> | undefined;
  /** At which point each life ends; the one after the last goes on to the end. */
  readonly kills: readonly number[];
  /** How long nobody watches after each. */
  readonly pausesMs: readonly number[];
  readonly evaluations: number;
  readonly random: Random;
  readonly sinkFails: number;
  readonly storeFails: number;
}

/** Runs all lives of a schedule; in its last evaluations nothing fails, so that what waits can be told. */
export async function lived(schedule: Schedule): Promise<World> {
  const world: World = { nowMs: BEGIN_MS, saves: [], taken: [], toldAgain: [], kills: 0, points: 0 };
  const store = memoryStore();
  const acknowledged = new Set<string>();
  const waited = new Set<string>();
  const endMs = BEGIN_MS + schedule.evaluations * EVERY_MS;
  const { random } = schedule;
  let calls = 0;
  const calm = () => world.nowMs > endMs - 5 * EVERY_MS;
  const fails = (share: number) => !calm() && random.next() < share;
  for (let life = 0; life <= schedule.kills.length; life++) {
    const killAt = schedule.kills[life] ?? Number.POSITIVE_INFINITY;
    let points = 0;
    let isDead = false;
    let die: () => void = () => undefined;
    const death = new Promise<void>((resolve) => {
      die = () => {
        isDead = true;
        resolve();
      };
    });
    /** A point at which the process may end: nothing after it happens then. */
    const point = async (): Promise<void> => {
      world.points++;
      if (!isDead && ++points === killAt) {
        world.kills++;
        die();
      }
      if (isDead) await new Promise<never>(() => undefined);
    };
    const sink = (name: string): AlertSink => ({
      name,
      mostAtOnce: name === "chat" ? 3 : 1,
      send: async (notifications) => {
        await point();
        if (fails(schedule.sinkFails)) throw new Error("not now");
        const call = ++calls;
        for (const { id, labels, firedAtMs, state } of notifications) {
          const taken = { sink: name, id, change: `${labels.app} ${firedAtMs} ${state}`, life, call };
          if (acknowledged.has(`${name} ${id}`)) world.toldAgain.push(taken);
          world.taken.push(taken);
        }
        await point();
      },
    });
    const watched = {
      load: async (name: string) => {
        await point();
        return store.load(name);
      },
      save: async (name: string, text: string) => {
        await point();
        if (fails(schedule.storeFails)) throw new Error("disk full");
        await store.save(name, text);
        const saved = JSON.parse(text) as Saved;
        world.saves.push(saved);
        const waiting = new Set(
          saved.outbox.flatMap(({ change, waiting }) => waiting.map((at) => `${at} ${change.id}`)),
        );
        for (const one of waited) if (!waiting.has(one)) acknowledged.add(one);
        for (const one of waiting) waited.add(one);
        await point();
      },
    };
    const logs = {
      measure: async ({ toMs }: LogMeasure) => {
        await point();
        const values = schedule.valuesAt(toMs);
        if (values === undefined) throw new Error("no answer");
        const series = Array.from(values, ([app, value]) => ({
          labels: { app },
          timesMs: Float64Array.of(toMs),
          values: Float64Array.of(value),
        }));
        return { series, warnings: [], complete: true };
      },
    } as unknown as LogBackend;
    const filter = { origin: { namespace: "shop" } };
    const rule = alert("Noisy", logLines(filter, { window: "1m", by: [{ origin: "app" }] }).above(0))
      .for(`${schedule.forMs}ms`)
      .keepFiringFor(`${schedule.keepFiringForMs}ms`);
    const running = rule.watch({
      every: `${EVERY_MS}ms`,
      sinks: SINKS.map(sink),
      store: watched,
      logs,
      clock: {
        now: () => world.nowMs,
        sleep: async (ms) => {
          await point();
          if (world.nowMs + ms > endMs) {
            die();
            await new Promise<never>(() => undefined);
          }
          world.nowMs += ms;
        },
      },
    });
    running.done.catch(die);
    await death;
    world.nowMs += schedule.pausesMs[life] ?? 0;
  }
  return world;
}

/** What had to be told to each sink, by the states that the store took. */
export function due({ saves }: World): string[] {
  const changes = saves.flatMap(({ alerts }) =>
    alerts.flatMap(({ labels, state, firedAtMs }) => {
      if (firedAtMs === undefined) return [];
      const fired = `${labels.app} ${firedAtMs} firing`;
      return state === "resolved" ? [fired, `${labels.app} ${firedAtMs} resolved`] : [fired];
    }),
  );
  return [...new Set(changes)].sort().flatMap((change) => SINKS.map((sink) => `${sink} ${change}`));
}

/** What each sink was told, once however often. */
export const told = ({ taken }: World): string[] =>
  [...new Set(taken.map(({ sink, change }) => `${change}\n${sink}`))].sort().map((text) => {
    const [change = "", sink = ""] = text.split("\n");
    return `${sink} ${change}`;
  });

/**
 * What was told twice though nothing called for it: by one life, or by a later one although the sink was called again in
 * the earlier life, which waits for the store to know of the acknowledgement.
 */
export function needless({ taken }: World): Taken[] {
  const last = new Map(taken.map(({ sink, life, call }) => [`${sink} ${life}`, call]));
  const before = new Map<string, Taken>();
  return taken.filter((one) => {
    const key = `${one.sink} ${one.id}`;
    const known = before.get(key);
    before.set(key, one);
    return known !== undefined && (known.life === one.life || known.call !== last.get(`${known.sink} ${known.life}`));
  });
}
