import { afterAll, beforeAll, expect, it } from "vitest";
import { createMesh, label, type Mesh, type Prometheus, prometheus, promql } from "../../../src/index.ts";
import { aggregate, by, matcher, parse, print, selector } from "../../../src/promql/index.ts";
import { latestPrometheus } from "../../mesh/latest-prometheus.ts";
import { type SinglePrometheus, singlePrometheus } from "../single-prometheus.ts";

/** Names that only Prometheus 3 takes, and some that could end the quotes that they stand in. */
const NAMES: readonly string[] = [
  "host.name",
  "k8s.io/name",
  "größe",
  "日本語",
  "😀",
  "with space",
  'quo"ted',
  "back\\slash",
  "line\nbreak",
  "brace}",
  "1st",
  "U__looks_escaped",
  "sum",
  "by",
  'ends.with="x',
];
const METRIC = "shop.requests größe";
const AT_MS = Date.UTC(2026, 0, 2, 12);

const quoted = (text: string): string =>
  `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;

let server: SinglePrometheus;
let client: Prometheus;
let mesh: Mesh;

beforeAll(async () => {
  const lines = NAMES.map(
    (name, i) => `{${quoted(METRIC)},${quoted(name)}=${quoted(`value of ${name}`)}} ${i} ${AT_MS / 1000}`,
  );
  server = await singlePrometheus({
    programs: await latestPrometheus({ onSlow: console.log }),
    samples: `${lines.join("\n")}\n# EOF\n`,
  });
  client = prometheus(server.url);
  mesh = createMesh({ metrics: client });
}, 1_800_000);
afterAll(() => server?.stop());

const over = { from: AT_MS - 60_000, to: AT_MS + 60_000 };

it("labels of any name are listed, with their values", async () => {
  const listed = (await client.labels({ match: selector(METRIC), over })).data;
  expect([...listed].sort()).toEqual(["__name__", ...NAMES].sort());
  expect((await client.labelValues("__name__", { over })).data).toEqual([METRIC]);
  for (const name of NAMES) {
    expect((await client.labelValues(name, { over })).data).toEqual([`value of ${name}`]);
  }
});

it("series are found by a label of any name, and come with it", async () => {
  for (const [i, name] of NAMES.entries()) {
    const value = `value of ${name}`;
    const one = selector(METRIC, [matcher(name, "=", value)]);
    expect((await client.series(one, { over })).data).toEqual([{ __name__: METRIC, [name]: value }]);
    const { data } = await client.instant(one, AT_MS);
    expect(data).toMatchObject({ labels: [{ __name__: METRIC, [name]: value }], values: Float64Array.of(i) });
    expect((await client.range(one, { startMs: AT_MS, endMs: AT_MS, stepMs: 1000 })).data.series[0]?.labels).toEqual({
      __name__: METRIC,
      [name]: value,
    });
    // What is printed is what the server reads, and prints in its own way.
    expect(print(parse((await client.format(one)).data))).toBe(print(one));
  }
});

it("values are grouped by a label of any name, and a pattern of it selects", async () => {
  for (const [i, name] of NAMES.entries()) {
    const grouped = aggregate("sum", selector(METRIC, [matcher(name, "!=", "")]), { grouping: by(name) });
    const vector = await mesh.promql(grouped).at(AT_MS);
    expect(vector.get({ [name]: `value of ${name}` })?.value).toBe(i);
    expect(
      (await mesh.promql(promql`sum by (${name}) (${selector(METRIC)} > ${i - 1} < ${i + 1})`).at(AT_MS)).labels,
    ).toEqual([{ [name]: `value of ${name}` }]);
    const pattern = selector(METRIC, [matcher(name, "=~", "value of .+(\\n.*)?")]);
    expect((await mesh.promql(pattern).at(AT_MS)).values).toEqual(Float64Array.of(i));
    // A scope says it in its own words.
    const query = mesh.all().where(label(name), "x").rate("5m").by(label(name));
    expect((await query.at(AT_MS)).length).toBe(0);
  }
});
