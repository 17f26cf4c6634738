import { beforeAll, describe, expect, inject, it } from "vitest";
import { BackendError, createMesh, elasticsearch, type LogFilter, loki } from "../../../src/index.ts";
import { escapePattern } from "../../../src/logs/logql/quote.ts";
import { HOSTILE } from "./hostile-text.ts";
import { writeToLoki, writeToOpensearch } from "./log-load.ts";

const truth = inject("truth");

/** Loki takes no label with a byte order mark or some control characters, and a pod's name is never so long. */
const isLabelValue = (value: string): boolean =>
  value.length <= 1_000 && !["\u0001", "\ufeff"].some((one) => value.includes(one));

describe.each(["Loki", "OpenSearch"])("hostile values in %s", (name) => {
  const isLoki = name === "Loki";
  const own = `hostile-${name.toLowerCase()}-${truth.seed}-${Math.round(truth.measuredFromMs)}`;
  // Loki puts old lines away at once, and shows them again only later.
  const base = BigInt(Date.now() - 600_000) * 1_000_000n;
  const backend = isLoki
    ? loki(inject("lokiUrl"))
    : elasticsearch(inject("opensearchUrl"), { index: `logstash-${own}` });
  const span = { fromNs: base, toNs: base + 1_000_000_000n, order: "forward" } as const;
  const textOf = (i: number): string => `before ${HOSTILE[i]} after ${i}`;
  const jsonOf = (i: number): string => JSON.stringify({ path: HOSTILE[i], n: i });

  beforeAll(async () => {
    const lines = HOSTILE.flatMap((value, i) => {
      const ns = base + BigInt(i) * 1_000_000n;
      const pod = isLabelValue(value) ? value : "plain";
      return [textOf(i), jsonOf(i)].map((text, j) => ({ pod, ns: ns + BigInt(j), text }));
    });
    if (isLoki) await writeToLoki(inject("lokiUrl"), own, lines);
    else await writeToOpensearch(inject("opensearchUrl"), own, lines);
  });

  const linesOf = async (filter: Partial<LogFilter>): Promise<string[]> => {
    const found: string[] = [];
    for await (const page of backend.entries({ ...span, ...filter, origin: { namespace: own, ...filter.origin } })) {
      found.push(...page.entries.map(({ line }) => line));
    }
    return found;
  };

  it.each(HOSTILE.map((value, i) => [JSON.stringify(value).slice(0, 40), i] as const))(
    "find what has %s, there and back",
    async (_, i) => {
      const value = HOSTILE[i] ?? "";
      const holding = HOSTILE.flatMap((__, j) => [textOf(j), jsonOf(j)]).filter((line) => line.includes(value));
      expect(holding).toContain(textOf(i));
      expect((await linesOf({ lines: [{ text: value }] })).sort()).toEqual([...holding].sort());
      expect((await linesOf({ lines: [{ texts: [value, "never there"] }] })).sort()).toEqual([...holding].sort());
      expect((await linesOf({ lines: [{ pattern: escapePattern(value) }] })).sort()).toEqual([...holding].sort());
      expect(await linesOf({ lines: [{ text: value, not: true }] })).not.toContain(textOf(i));
      const byFields = Promise.all([
        linesOf({ fields: [{ field: "path", op: "=", value }] }),
        linesOf({ fields: [{ field: "n", op: "==", number: i }] }),
      ]);
      // Loki makes labels of fields, and cannot give back what it takes for none.
      if (isLoki && value.length <= 1_000 && !isLabelValue(value)) await expect(byFields).rejects.toThrow(BackendError);
      else expect(await byFields).toEqual([[jsonOf(i)], [jsonOf(i)]]);
      expect(await linesOf({ origin: { container: value } })).toEqual([]);
      if (!isLabelValue(value)) return;
      const pattern = escapePattern(value);
      expect(await linesOf({ fields: [{ field: "path", op: "=~", pattern }] })).toEqual([jsonOf(i)]);
      expect(await linesOf({ origin: { pod: value } })).toEqual([textOf(i), jsonOf(i)]);
      expect(await linesOf({ origin: { pod: { pattern } } })).toEqual([textOf(i), jsonOf(i)]);
    },
  );

  describe("in the fields of requests", () => {
    const namespace = `${own}-requests`;
    const fromMs = Number(base / 1_000_000n);
    const range = { from: fromMs - 1_000, to: fromMs + 60_000, order: "forward" } as const;
    const paths = HOSTILE.map((value) => `/${value}`);
    const requests = createMesh({
      logs: isLoki
        ? loki(inject("lokiUrl"))
        : elasticsearch(inject("opensearchUrl"), { index: `logstash-${namespace}` }),
    }).workload({ workload: "web", namespace });
    const entryOf = (value: string, i: number): string =>
      JSON.stringify({
        start_time: new Date(fromMs + i).toISOString(),
        method: value,
        path: `/${value}`,
        protocol: "HTTP/1.1",
        response_code: 200,
        response_flags: "-",
        request_id: value,
        user_agent: value,
        upstream_cluster: "inbound|8080||",
        requested_server_name: `outbound_.8080_._.web.${namespace}.svc.cluster.local`,
      });

    beforeAll(async () => {
      const lines = HOSTILE.map((value, i) => ({
        pod: "web-0",
        ns: base + BigInt(i) * 1_000_000n,
        text: entryOf(value, i),
      }));
      if (isLoki) await writeToLoki(inject("lokiUrl"), namespace, lines);
      else await writeToOpensearch(inject("opensearchUrl"), namespace, lines);
    });

    it("all come back as they were", async () => {
      const found = await requests.logs(range);
      expect(found.map(({ path }) => path)).toEqual(paths);
      expect(found.map(({ userAgent }) => userAgent)).toEqual(HOSTILE);
      expect(found.meta).toMatchObject({ complete: true, unparsed: { count: 0 } });
    });

    it.each(HOSTILE.map((value, i) => [JSON.stringify(value).slice(0, 40), i] as const))(
      "find the one of %s by its path, method and id",
      async (_, i) => {
        const value = HOSTILE[i] ?? "";
        const wanted = [paths[i]];
        for (const conditions of [{ path: `/${value}` }, { method: value }, { requestId: value }]) {
          expect((await requests.logs({ ...range, ...conditions })).map(({ path }) => path)).toEqual(wanted);
        }
      },
    );

    it("find nothing by conditions that no request fulfils", async () => {
      for (const value of HOSTILE) {
        const conditions = { path: `${value}/`, method: ["GET", value], requestId: "none" };
        expect(await requests.logs({ ...range, ...conditions })).toHaveLength(0);
      }
    });
  });
});
