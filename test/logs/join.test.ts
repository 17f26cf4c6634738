import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Call } from "../../src/logs/call.ts";
import { Joiner } from "../../src/logs/join.ts";
import { accessLogParser } from "../../src/logs/parser.ts";
import { linesOf, type Pod, type Sketch } from "../scopes/log-lines.ts";
import { entryOf } from "./entry.ts";

const web: Pod = { workload: "web", ip: "10.0.0.1" };
const shop: Pod = { workload: "shop", ip: "10.0.0.2", json: true };
const cart: Pod = { workload: "cart", ip: "10.0.0.3" };
const parse = accessLogParser();

interface Line {
  readonly entry: ReturnType<typeof entryOf>;
  readonly view: "client" | "server";
  readonly ms: number;
}

function linesIn(sketch: Sketch): Line[] {
  return linesOf(sketch).map(({ line, timestampNs }) => {
    const entry = entryOf(parse(line));
    return { entry, view: entry.side === "server" ? "server" : "client", ms: Number(timestampNs / 1_000_000n) };
  });
}

function joined(lines: readonly Line[]): Call[] {
  const joiner = new Joiner(Number.MAX_VALUE);
  for (const { entry, view, ms } of lines) joiner.add(entry, view, ms);
  expect(joiner.size).toBe(lines.length);
  const calls = joiner.rest();
  expect(joiner.size).toBe(0);
  return calls;
}

/** What tells the lines of a call from those of every other. */
const rawOf = (call: Call): string[] => call.entries().map(({ raw }) => raw);

describe("lines are joined into calls", () => {
  it("by request id and address pair", () => {
    const [call, ...others] = joined(
      linesIn({ from: web, to: "shop.default", ago: 0, ms: 9, attempts: [{ by: shop }] }),
    );
    expect(others).toEqual([]);
    expect(call?.client?.durationMs).toBe(9);
    expect(call?.server?.durationMs).toBe(7);
    expect(call?.attempts).toHaveLength(1);
    expect(call?.alone).toBeUndefined();
  });

  it("hop by hop, though every hop of a request has its id", () => {
    const front = linesIn({ from: web, to: "shop.default", id: "one", ago: 100, ms: 50, attempts: [{ by: shop }] });
    const back = linesIn({ from: shop, to: "cart.default", id: "one", ago: 90, ms: 20, attempts: [{ by: cart }] });
    const calls = joined([...back, ...front]);
    expect(calls.map(rawOf).sort()).toEqual(
      [
        [front[1]?.entry.raw, front[0]?.entry.raw],
        [back[1]?.entry.raw, back[0]?.entry.raw],
      ].sort(),
    );
  });

  it.each([
    { code: 404, flags: "NR", details: "route_not_found" },
    { code: 503, flags: "DO", details: "drop_overload" },
    { code: 503, flags: "UDO", details: "unconditional_drop_overload" },
    { code: 503, flags: "OM", details: "overload" },
  ])(
    "never of what was not sent ($flags) with the hop before it, though that came from elsewhere by its address",
    (how) => {
      const [server, client] = linesOf({
        from: web,
        to: "cart.default",
        id: "one",
        ago: 100,
        attempts: [{ by: cart }],
      });
      const lost = { routed: false, ...how };
      const [next] = linesOf({ from: cart, to: "nowhere.default", id: "one", ago: 99, ...lost });
      const forwarded = server?.line.replace(/10\.0\.0\.1:\d+ outbound_/, "192.0.2.2:0 outbound_") ?? "";
      expect(forwarded).not.toBe(server?.line);
      const joiner = new Joiner(Number.MAX_VALUE);
      joiner.add(entryOf(parse(next?.line ?? "")), "client", 98);
      joiner.add(entryOf(parse(client?.line ?? "")), "client", 100);
      joiner.add(entryOf(parse(forwarded)), "server", 99);
      expect(joiner.rest().map(rawOf).sort()).toEqual([[client?.line, forwarded], [next?.line]].sort());
    },
  );

  it("attempt by attempt: the callee's lines of one call are those tries, earliest first", () => {
    const lines = linesIn({
      from: web,
      to: "shop.default",
      ago: 0,
      ms: 100,
      attempts: [
        { by: shop, code: 503, ms: 10 },
        { by: cart, code: 503, ms: 10, afterMs: 30 },
        { by: shop, code: 200, ms: 10, afterMs: 70 },
      ],
    });
    const [call] = joined(lines.reverse());
    expect(call?.attempts.map(({ code }) => code)).toEqual([503, 503, 200]);
    expect(call?.code).toBe(200);
  });

  it("and a callee's line waits for none that called another service", () => {
    const lines = [
      ...linesIn({ from: web, to: "shop.default", id: "one", ago: 100, ms: 50 }),
      ...linesIn({ from: web, to: "cart.default", id: "one", ago: 90, client: false, attempts: [{ by: cart }] }),
    ];
    expect(joined(lines).map(({ alone }) => alone)).toEqual([
      { side: "client", reason: "not-sent" },
      { side: "server", reason: "not-found" },
    ]);
  });

  it("of connections by address pair alone", () => {
    const client =
      '[2026-11-24T05:14:42.670Z] "- - -" 0 - - - "-" 3880 2638 17 - "-" "-" "-" "-" "10.0.0.2:7070" outbound|7070||ledger.default.svc.cluster.local 10.0.0.1:55320 10.96.0.9:7070 10.0.0.1:4711 - -';
    const server =
      '[2026-11-24T05:14:42.674Z] "- - -" 0 - - - "-" 3880 2638 13 - "-" "-" "-" "-" "127.0.0.1:7070" inbound|7070|| 127.0.0.6:36516 10.0.0.2:7070 10.0.0.1:55320 outbound_.7070_._.ledger.default.svc.cluster.local -';
    const calls = joined([
      { entry: entryOf(parse(server)), view: "server", ms: 0 },
      { entry: entryOf(parse(client)), view: "client", ms: 1 },
      { entry: entryOf(parse(server.replace("10.0.0.1:55320", "10.0.0.1:55321"))), view: "server", ms: 2 },
    ]);
    expect(calls.map(({ attempts, client: one }) => [one?.durationMs, attempts.length])).toEqual([
      [17, 1],
      [undefined, 1],
    ]);
    expect(calls[0]?.isTcp).toBe(true);
  });

  it("whatever calls there were and in whatever order their lines come", () => {
    const pods = [web, shop, cart] as const;
    const names = ["web", "shop", "cart"] as const;
    const one = fc.record({
      from: fc.nat(2),
      to: fc.nat(2),
      id: fc.integer({ min: 1, max: 4 }),
      ago: fc.integer({ min: 0, max: 60_000 }),
      attempts: fc.nat(3),
      client: fc.boolean(),
    });
    const property = fc.property(
      fc.array(one, { minLength: 1, maxLength: 12 }),
      fc.infiniteStream(fc.nat()),
      (many, dice) => {
        // Two calls of one request and hop at one instant cannot be told apart when neither's address is the other's.
        const wanted: string[][] = [];
        const lines: Line[] = [];
        const taken = new Set<string>();
        for (const [i, { from, to, id, ago, attempts, client }] of many.entries()) {
          const hop = `${id} ${from} ${to}`;
          if (taken.has(hop) || (attempts === 0 && !client)) continue;
          taken.add(hop);
          const ms = 100;
          const written = linesIn({
            from: pods[from] ?? web,
            to: `${names[to]}.default`,
            id: `request-${id}`,
            // Requests of one id to one service would be retries of each other; they are hours apart here.
            ago: ago + i * 3_600_000,
            ms,
            attempts: Array.from({ length: attempts }, (_, nth) => ({
              by: pods[to] ?? web,
              ms: 10,
              afterMs: 1 + nth * 20,
            })),
            client,
          });
          lines.push(...written);
          const clients = written.filter(({ view }) => view === "client").map(({ entry }) => entry.raw);
          const servers = written.filter(({ view }) => view === "server").map(({ entry }) => entry.raw);
          if (client) wanted.push([...clients, ...servers]);
          else wanted.push(...servers.map((raw) => [raw]));
        }
        const shuffled = lines.map((line) => ({ line, at: dice.next().value ?? 0 })).sort((a, b) => a.at - b.at);
        expect(
          joined(shuffled.map(({ line }) => line))
            .map(rawOf)
            .sort(),
        ).toEqual(wanted.sort());
      },
    );
    fc.assert(property, { numRuns: 300, seed: 11 });
  });
});

describe("a call that waits", () => {
  const lines = linesIn({ from: web, to: "shop.default", ago: 0, attempts: [{ by: shop }] });
  const [server, client] = lines;

  it("is settled once no line of it is near, whichever way time goes", () => {
    if (server === undefined || client === undefined) throw new Error("two lines are needed");
    for (const sign of [1, -1]) {
      const joiner = new Joiner(1_000);
      joiner.add(server.entry, "server", 1_000 * sign);
      expect(joiner.settled(1_900 * sign)).toEqual([]);
      joiner.add(client.entry, "client", 1_900 * sign);
      expect(joiner.settled(2_500 * sign)).toEqual([]);
      const [call] = joiner.settled(2_901 * sign);
      expect(call?.entries()).toHaveLength(2);
      expect(joiner.size).toBe(0);
    }
  });
});

describe("lines of one id that are far apart", () => {
  it("are of different calls", () => {
    const joiner = new Joiner(1_000);
    const [server, client] = linesIn({ from: web, to: "shop.default", ago: 0, attempts: [{ by: shop }] });
    if (server === undefined || client === undefined) throw new Error("two lines are needed");
    joiner.add(server.entry, "server", 1_000);
    joiner.add(client.entry, "client", 2_001);
    expect(joiner.settled(2_001).map(({ alone }) => alone?.side)).toEqual(["server"]);
    expect(joiner.rest().map(({ alone }) => alone?.side)).toEqual(["client"]);
  });
});

describe("callers that send one id with all of their requests", () => {
  const COUNT = 5_000;
  const id = "the-same";
  const call = (i: number) =>
    linesIn({ from: web, to: "shop.default", id, ago: (COUNT - i) * 10, path: `/${i}`, attempts: [{ by: shop }] });

  it.each([1, -1])("have each call joined all the same, and let none wait for ever, going %i", (sign) => {
    const joiner = new Joiner(1_000);
    const calls: Call[] = [];
    let most = 0;
    for (let i = 0; i < COUNT; i++) {
      const lines = call(sign === 1 ? i : COUNT - 1 - i);
      for (const { entry, view, ms } of sign === 1 ? lines : lines.reverse()) joiner.add(entry, view, ms);
      if (i % 100 !== 0) continue;
      most = Math.max(most, joiner.size);
      calls.push(...joiner.settled(lines[0]?.ms ?? 0));
    }
    calls.push(...joiner.rest());
    // 100 calls a second, and a second until none can come.
    expect(most).toBeLessThan(1_300);
    expect(calls).toHaveLength(COUNT);
    const isWhole = ({ client, attempts }: Call) => attempts.length === 1 && client?.path === attempts[0]?.path;
    expect(calls.every(isWhole)).toBe(true);
  });
});

describe("a call", () => {
  it("needs a line", () => {
    expect(() => new Call(undefined, [])).toThrow(/at least one line/);
  });

  it.each<[string, { code: number; flags?: string; upstream?: string; cluster?: string }, string]>([
    ["could not connect", { code: 503, flags: "UF" }, "not-sent"],
    ["found no host", { code: 503, flags: "UH" }, "not-sent"],
    ["was answered by whom no line was found of", { code: 200, upstream: "10.0.0.2:9090" }, "not-found"],
    ["left the mesh", { code: 200, upstream: "93.184.216.34:443", cluster: "PassthroughCluster" }, "no-proxy"],
  ])(
    "whose caller %s says so",
    (_, { code, flags = "-", upstream = "-", cluster = "outbound|9090||shop.default.svc.cluster.local" }, reason) => {
      const line = `[2026-11-24T05:14:42.670Z] "GET / HTTP/1.1" ${code} ${flags} x - "-" 0 0 1 - "-" "curl" "id" "shop:9090" "${upstream}" ${cluster} - 10.96.0.9:9090 10.0.0.1:4711 - -`;
      expect(new Call(entryOf(parse(line)), []).alone).toEqual({ side: "client", reason });
    },
  );

  it("without a caller's line was made by whoever has no proxy where the handshake names no service", () => {
    const plain = joined(
      linesIn({ from: web, to: "shop.default", ago: 0, client: false, mtls: false, attempts: [{ by: shop }] }),
    );
    expect(plain[0]?.alone).toEqual({ side: "server", reason: "no-proxy" });
  });

  it("gives what the caller got, and the flags of both sides", () => {
    const [call] = joined(
      linesIn({
        from: web,
        to: "shop.default",
        ago: 0,
        ms: 300,
        code: 504,
        flags: "UT",
        attempts: [{ by: shop, code: 0, flags: "DC" }],
      }),
    );
    expect(call).toMatchObject({ code: 504, durationMs: 300, flags: ["UT", "DC"], method: "GET", path: "/work?x=1" });
    expect(call?.destination).toMatchObject({ service: "shop", namespace: "default", port: 9090 });
    expect(JSON.parse(JSON.stringify(call))).toMatchObject({
      code: 504,
      attempts: [{ code: 0 }],
      client: { code: 504 },
    });
  });
});
