import { describe, expect, test } from "vitest";
import { newTally, type Tally } from "../../../src/mesh/graph/figures.ts";
import type { FoldedEdge, FoldedNode } from "../../../src/mesh/graph/fold.ts";
import { Graph } from "../../../src/mesh/graph/graph.ts";
import type { GraphNodeKind, NodeName } from "../../../src/mesh/graph/node.ts";
import { readCsv } from "../../results/csv.ts";
import { checkVegaLite } from "../../results/vega-lite.ts";

const FROM = Date.UTC(2026, 10, 20, 9);

const node = (id: string, kind: GraphNodeKind = "workload", more: Partial<FoldedNode & NodeName> = {}): FoldedNode => ({
  id,
  inMesh: more.inMesh,
  name: { kind, name: id, namespace: undefined, cluster: undefined, version: undefined, ...more },
});

const edge = (from: string, to: string, part: Partial<Tally>): FoldedEdge => ({
  from,
  to,
  tally: { ...newTally(), ...part },
});

const graphOf = (nodes: readonly FoldedNode[], edges: readonly FoldedEdge[]): Graph =>
  new Graph(
    { nodes, edges, notes: [] },
    {
      fromMs: FROM,
      toMs: FROM + 600_000,
      backend: "prometheus",
      groupBy: "workload",
      promql: ["a", "b", "c"],
      requests: 3,
      complete: false,
      warnings: ["a store did not answer"],
      infos: [],
      tookMs: 12,
    },
  );

const HOSTILE = '<b>"a"|#1;\n</b>\\';

const shop = graphOf(
  [node("gateway", "gateway"), node("front"), node("ghost", "service"), node("ledger"), node(HOSTILE, "external")],
  [
    edge("gateway", "front", { rate: 10, codes: new Map([["200", 10]]), secure: 10 }),
    edge("front", "ghost", { rate: 2, errors: 2, lost: 2, flags: new Map([["UF", 2]]) }),
    edge("front", "ledger", { opened: 1, tcpSent: 100, tcpReceived: 20, secureConnections: 1 }),
    edge("front", HOSTILE, { rate: 1, errors: 0.5 }),
  ],
);

describe("a graph reads", () => {
  test("as a table in a terminal", () => {
    expect(shop.toString().split("\n")).toEqual([
      "from     to                rate      success  p50      p99      TCP in  TCP out  mTLS",
      'front    <b>"a"|#1;�</b>\\  1 req/s   50 %     no data  no data',
      "front    ghost             2 req/s   0 %      no data  no data                          100 % never arrived, UF 2 req/s",
      "front    ledger                                                 20 B/s  100 B/s  100 %",
      "gateway  front             10 req/s  100 %    no data  no data                   100 %",
      "  5 nodes and 4 edges from 2026-11-20T09:00:00Z to 2026-11-20T09:10:00Z, in 3 requests",
      "  incomplete: part of the data is missing",
      "  warning: a store did not answer",
    ]);
  });

  test("as a flowchart of Mermaid, whatever its names hold", () => {
    expect(shop.toMermaid()).toBe(
      [
        "flowchart LR",
        '  n0>"#60;b#62;#34;a#34;|#35;1;�#60;/b#62;#92;"]',
        '  n1["front"]',
        '  n2[/"gateway"\\]',
        '  n3(["ghost"])',
        '  n4["ledger"]',
        '  n1 -->|"1 req/s, 50 % ok"| n0',
        '  n1 -.->|"2 req/s, 0 % ok"| n3',
        '  n1 -->|"120 B/s TCP"| n4',
        '  n2 -->|"10 req/s"| n1',
        "  linkStyle 0,1 stroke:#c5221f",
      ].join("\n"),
    );
  });

  test("as a digraph of Graphviz", () => {
    expect(shop.toDOT().split("\n")).toEqual([
      "digraph mesh {",
      "  rankdir=LR;",
      '  "<b>\\"a\\"|#1;�</b>\\\\" [shape=cds];',
      '  "front" [shape=box];',
      '  "gateway" [shape=trapezium];',
      '  "ghost" [shape=ellipse];',
      '  "ledger" [shape=box];',
      '  "front" -> "<b>\\"a\\"|#1;�</b>\\\\" [label="1 req/s, 50 % ok", color=red];',
      '  "front" -> "ghost" [label="2 req/s, 0 % ok", color=red, style=dashed];',
      '  "front" -> "ledger" [label="120 B/s TCP"];',
      '  "gateway" -> "front" [label="10 req/s"];',
      "}",
    ]);
  });

  test("as plain data, in which what is not known is left out", () => {
    const json = JSON.parse(JSON.stringify(shop));
    expect(json).toMatchObject({ version: 1, groupBy: "workload", from: "2026-11-20T09:00:00Z", complete: false });
    expect(json.nodes[1]).toEqual({ id: "front", kind: "workload", name: "front" });
    expect(json.edges[1]).toEqual({
      from: "front",
      to: "ghost",
      rate: 2,
      errors: 2,
      lost: 2,
      grpc: 0,
      success: 0,
      codes: {},
      grpcStatuses: {},
      flags: { UF: 2 },
      mutualTls: {},
      messages: { sent: 0, received: 0 },
      bytes: { request: 0, response: 0 },
    });
  });

  test("as a page, in which names are text", () => {
    const page = shop.toHTML();
    expect(page).not.toContain("<b>");
    expect(page).toContain("&lt;b&gt;&quot;a&quot;|#1;");
    expect(page).toContain("part of the data is missing");
    expect(page.match(/<g class="edge/g)).toHaveLength(4);
    expect(page.match(/<g class="node/g)).toHaveLength(5);
    expect(page).toContain('<g class="edge failing lost">');
  });

  test("as a drawing of its own, in which names are text", () => {
    const svg = shop.toSVG();
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" class="mq mq-graph"/);
    expect(svg.match(/<g class="node/g)).toHaveLength(5);
    expect(svg).toContain("&lt;b&gt;&quot;a&quot;|#1;");
    expect(svg).not.toContain("<b>");
  });

  test("as Vega-Lite, with its figures", () => {
    checkVegaLite(shop.toVegaLite());
    checkVegaLite(graphOf([], []).toVegaLite());
    expect(JSON.stringify(shop.toVegaLite())).toContain(
      '"from":"front","to":"ghost","text":"2 req/s, 0 % ok","rate":2,"errors":2,"success":0',
    );
  });

  test("as CSV with a row for each edge, and as Markdown with a flowchart", () => {
    const [head, first] = readCsv(shop.toCSV());
    expect(head).toEqual([
      "from",
      "to",
      "rate (req/s)",
      "errors (req/s)",
      "lost (req/s)",
      "success (ratio)",
      "p50 (ms)",
      "p99 (ms)",
      "TCP in (B/s)",
      "TCP out (B/s)",
      "mTLS (ratio)",
    ]);
    expect(first).toEqual(["front", HOSTILE, "1", "0.5", "0", "0.5", "", "", "", "", ""]);
    expect(shop.toMarkdown()).toContain("```mermaid\nflowchart LR\n");
  });

  test("as a page without a drawing where there is too much to draw", () => {
    const many = Array.from({ length: 200 }, (_, i) => `w${i}`);
    const page = graphOf(
      many.map((id) => node(id)),
      many.slice(1).map((id) => edge("w0", id, { rate: 1 })),
    ).toHTML();
    expect(page).not.toContain("<svg");
    expect(page.match(/<tr/g)).toHaveLength(200);
  });

  test("as a page when calls go round", () => {
    const round = graphOf(
      [node("a"), node("b"), node("c")],
      [
        edge("a", "b", { rate: 1 }),
        edge("b", "c", { rate: 1 }),
        edge("c", "a", { rate: 1 }),
        edge("b", "b", { rate: 1 }),
      ],
    );
    expect(round.toHTML().match(/<g class="edge/g)).toHaveLength(4);
    expect(round.paths("a", "c")).toHaveLength(1);
  });
});
