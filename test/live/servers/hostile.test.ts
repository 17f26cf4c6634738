import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMesh, type Mesh, prometheus } from "../../../src/index.ts";
import { type SinglePrometheus, singlePrometheus } from "../single-prometheus.ts";

/** Workload names that try to end the string, the braces or the query, and some that are merely hard to carry. */
const HOSTILE: readonly string[] = [
  '"',
  "\\",
  '\\"',
  '"}',
  '"} or istio_requests_total{reporter="destination',
  '",destination_workload=~".*',
  "'",
  "`",
  "\n",
  "a\nb",
  "\r\n",
  "\t",
  "{{}}",
  "}",
  "[5m]",
  "# a comment",
  "$1",
  "$" + "{x}",
  ".*",
  "a|b",
  "(?i)backend",
  "%22%7D",
  "+Inf",
  "\u0000",
  "\u0001\u007f",
  "\u0080\u009f",
  "\ufffd",
  "\u2028\u2029",
  "\ufeffbom",
  "é",
  "e\u0301",
  "日本語",
  "😀",
  "👩‍👩‍👧",
  "\u202eright to left",
  " backend",
  "backend ",
  "ba\u200bckend",
  "x".repeat(10_240),
  '"}\n😀\\'.repeat(1000),
];
const MATE = "backend";
const AT_MS = Date.UTC(2026, 0, 2, 12);

const quoted = (text: string) => text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");

/** Every name with a rate of its own: the i-th has i + 1 requests per second. */
function samplesOf(names: readonly string[]): string {
  const lines = ["# TYPE istio_requests counter"];
  for (const [i, name] of names.entries()) {
    for (let second = -600; second <= 0; second += 15) {
      const labels = `reporter="destination",source_workload="frontend",destination_workload="${quoted(name)}"`;
      lines.push(`istio_requests_total{${labels}} ${(second + 600) * (i + 1)} ${AT_MS / 1000 + second}`);
    }
  }
  return `${lines.join("\n")}\n# EOF\n`;
}

describe("names that would be syntax", () => {
  const names = [MATE, ...HOSTILE];
  let server: SinglePrometheus;
  let mesh: Mesh;

  beforeAll(async () => {
    server = await singlePrometheus({ samples: samplesOf(names) });
    mesh = createMesh({ metrics: prometheus(server.url) });
  });
  afterAll(() => server?.stop());

  it.each(names.map((name, i) => [JSON.stringify(name).slice(0, 40), name, i + 1] as const))(
    "selects exactly the series of %s, there and back",
    async (_, name, rate) => {
      const answer = await mesh.edge("frontend", { workload: name }).rate("5m").by("destination_workload").at(AT_MS);
      expect(answer.labels).toEqual([{ destination_workload: name }]);
      expect(answer.values[0]).toBeCloseTo(rate, 9);
    },
  );

  it.each(names.map((name) => [JSON.stringify(name).slice(0, 40), name] as const))(
    "leaves out exactly the series of %s when it is excluded",
    async (_, name) => {
      const others = mesh.edge("frontend", {}).where({ destination_workload: { not: name } });
      const answer = await others.rate("5m").by("destination_workload").at(AT_MS);
      expect(answer.labels.map((labels) => labels.destination_workload).sort()).toEqual(
        names.filter((other) => other !== name).sort(),
      );
    },
  );

  it("selects exactly the series of a list, whatever is in it", async () => {
    for (let i = 0; i < names.length; i += 3) {
      const wanted = names.slice(i, i + 3);
      const answer = await mesh
        .edge("frontend", {})
        .where({ destination_workload: wanted })
        .rate("5m")
        .by("destination_workload")
        .at(AT_MS);
      expect(answer.labels.map((labels) => labels.destination_workload).sort()).toEqual([...wanted].sort());
    }
  });

  it("selects nothing for 1,000 names that no workload has", async () => {
    const pieces = fc.constantFrom(...HOSTILE.filter((name) => name.length < 100), "backend", "=", "~", ",", "!");
    const unknown = fc
      .array(fc.oneof(pieces, fc.string({ unit: "grapheme" })), { minLength: 2, maxLength: 6 })
      .map((parts) => parts.join(""))
      .filter((name) => name !== "" && name.isWellFormed() && !names.includes(name));
    await fc.assert(
      fc.asyncProperty(unknown, async (name) => {
        const { value } = await mesh.edge("frontend", { workload: name }).rate("5m").at(AT_MS);
        expect(value).toBeUndefined();
      }),
      { seed: 4, numRuns: 1000 },
    );
  });
});
