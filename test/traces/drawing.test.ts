import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { Trace } from "../../src/traces/trace.ts";
import { call, proxy, type SpanSketch, span, trace } from "./spans.ts";

const request: readonly SpanSketch[] = [
  proxy({
    id: "1",
    of: "gateway.istio-system",
    type: "router",
    kind: "client",
    to: "outbound|80||frontend.default.svc.cluster.local",
    operation: "frontend:80/*",
    ms: 1234,
    code: 503,
  }),
  proxy({
    id: "2",
    parent: "1",
    of: "frontend",
    kind: "server",
    to: "inbound|80||",
    operation: "frontend:80/*",
    at: -5,
    ms: 100,
    code: 503,
  }),
  ...call(["frontend", "ghost"], {
    id: "3",
    parent: "2",
    arrives: false,
    at: 5,
    ms: 0.42,
    code: 503,
    flags: "UF",
    operation: "ghost:80/*",
  }),
  { id: "4", parent: "2", service: "frontend", operation: "render", at: 50, ms: 20 },
  { id: "5", parent: "ff", service: "billing", operation: "charge", at: 60, ms: 30 },
];

describe("tree", () => {
  it("shows services, operations, durations and outcomes, and what is not as it should be", () => {
    expect(trace(...request).tree()).toBe(
      [
        "trace 00000000000000aa: 5 spans of 4 services, 1.24 s from 2027-01-15T07:59:59.995Z",
        "✗ gateway.istio-system  frontend:80/*  1.23 s  503",
        "└─ ✗ frontend.default  frontend:80/*  100 ms  503  (clock 5 ms behind)",
        "   ├─ ✗ frontend.default  ghost:80/*  0.42 ms  503 UF, no connection to the upstream",
        "   └─ frontend  render  20 ms",
        "billing  charge  30 ms  (parent 00000000000000ff is missing)",
      ].join("\n"),
    );
  });

  it("is what console.log shows, up to a hundred spans", () => {
    expect(inspect(trace(...request))).toBe(trace(...request).tree());
    const wide = trace(
      { id: "1" },
      ...Array.from({ length: 1_200 }, (_, i) => ({ id: `${i + 2}`, parent: "1", at: i })),
    );
    expect(inspect(wide).split("\n").at(-1)).toBe("… 1,101 more spans");
  });

  it("cannot move a terminal's cursor", () => {
    const hostile = trace({ id: "1", service: "a\u001b[2J\r\nb", operation: "\u0007\u009b31m" }).tree();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    expect(hostile.split("\n")[1]).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  it("of nothing says so", () => {
    expect(trace().tree()).toBe("trace 00000000000000aa: no spans");
  });
});

describe("toHTML", () => {
  const rows = (html: string) => html.split('<div class="row').slice(2);

  it("draws a bar for every span where and as long as it was", () => {
    const html = trace({ id: "1", ms: 100 }, { id: "2", parent: "1", at: 25, ms: 50 }).toHTML();
    expect(rows(html).map((row) => /<i style="([^"]*)"/.exec(row)?.[1])).toEqual([
      "left:0%;width:100%",
      "left:25%;width:50%",
    ]);
    expect(rows(html).map((row) => [...row.matchAll(/<u style="([^"]*)"/g)].map((mark) => mark[1]))).toEqual([
      ["left:0%;width:25%", "left:75%;width:25%"],
      ["left:25%;width:50%"],
    ]);
  });

  it("marks failures, clocks, orphans and first causes, and lists the hops", () => {
    const html = trace(...request).toHTML();
    expect(rows(html).map((row) => /^[^"]*/.exec(row)?.[0])).toEqual([" failed", " failed skewed", " failed", "", ""]);
    for (const text of [
      "✗ frontend → ghost: 503 UF",
      "clock 5 ms behind",
      "parent missing",
      "1 failure above followed",
      "<td>gateway → frontend",
      "never arrived",
    ]) {
      expect(html).toContain(text);
    }
  });

  it("has no script and loads nothing, whatever the names are", () => {
    const evil = `<script src="//x">'"&</script><img onerror=x>\u202e`;
    const html = new Trace(evil, [span({ id: "1", service: evil, operation: evil, error: true })], [evil]).toHTML();
    expect(html).not.toMatch(/<script|<img|<link|\bon[a-z]+\s*=\s*["']|url\(|@import/i);
    expect(html).not.toContain("\u202e\n");
    expect([...html.matchAll(/<([a-z0-9]+)/g)].map((tag) => tag[1])).not.toContain("script");
  });

  it("is light or dark as the reader has it", () => {
    expect(trace(...request).toHTML()).toContain("prefers-color-scheme: dark");
  });

  it("draws no more rows than a browser likes, and says how many more there are", () => {
    const html = trace(
      { id: "1" },
      ...Array.from({ length: 2_500 }, (_, i) => ({ id: `${i + 2}`, parent: "1", at: i })),
    ).toHTML();
    expect([rows(html).length, html.includes("… 501 more spans")]).toEqual([2_000, true]);
  });

  it("of nothing is a page too", () => {
    expect(trace().toHTML()).toContain("A trace without spans");
  });
});

describe("a waterfall", () => {
  const two = trace({ id: "1", ms: 100 }, { id: "2", parent: "1", at: 25, ms: 50, error: true });

  it("of text has a bar for every span where and as long as it was", () => {
    const [head, ...rows] = two.waterfall({ width: 20 }).split("\n");
    expect(head).toMatch(/^trace 0+aa: 2 spans of 1 service, 100 ms from /);
    expect(rows.map((row) => /│.*│/.exec(row)?.[0])).toEqual(["│████████████████████│", "│     ██████████     │"]);
    expect(rows[1]).toMatch(/^ {2}✗ .* 50 ms │/);
    expect(two.waterfall({ limit: 1 }).split("\n").at(-1)).toBe("… 1 more span");
  });

  it("as SVG has them too, and the critical path below", () => {
    const svg = two.toSVG();
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" class="mq mq-spans"/);
    expect(Array.from(svg.matchAll(/<rect class="bar[^>]* width="([\d.]+)"/g), ([, width]) => Number(width))).toEqual([
      560, 280,
    ]);
    expect(svg.match(/<rect class="critical"/g)).toHaveLength(3);
    const evil = new Trace("aa", [span({ id: "1", service: "<script>", operation: '"&\u202e' })]);
    expect(evil.toSVG()).toContain("&lt;script&gt; &quot;&amp;�");
    expect(evil.toSVG()).not.toContain("<script");
  });

  it("of nothing is empty", () => {
    expect(trace().waterfall()).toBe("trace 00000000000000aa: no spans");
    expect(trace().toSVG()).toMatch(/<\/svg>$/);
  });
});
