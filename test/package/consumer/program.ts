import { createMesh, label, type Matrix, prometheus, type Sample, show, type Table, type Vector } from "meshquery";
import { type AlertRule, alert } from "meshquery/alerts";
import { type Expr, memoryStorage, print, selector } from "meshquery/promql";
import { seriesMetrics } from "meshquery/testing";

const mesh = createMesh({ metrics: prometheus("http://prometheus:9090") });
const rate = mesh
  .edge("frontend", "backend")
  .where({ response_code: { not: /5../ } })
  .rate("5m");

export async function answers(): Promise<
  [Sample<"req/s">, Vector<"response_code" | "team", "req/s">, Matrix<never, "req/s">]
> {
  return [await rate, await rate.by("response_code", label("team")), await rate.over({ last: "6h" })];
}

export const own = createMesh({ metrics: seriesMetrics(memoryStorage()) });
export const rule: AlertRule<"req/s", never> = alert("Busy", rate.above(40)).for("5m");
export const expr: Expr = selector("up");
export const text: string = print(expr);
export const share: "ratio" = rate.dividedBy(rate.offset("1d")).unit;

export const table: Promise<Table> = rate.now().then((sample) => sample.toTable());
export const bytes: Promise<Uint8Array> = Promise.resolve(rate.over({ last: "6h" })).then((one) => one.toArrow());
export const lines: Promise<string> = Promise.resolve(mesh.all().traces({ last: "5m" })).then((one) =>
  one.toMarkdown(),
);
export const shown: Promise<void> = show(rate);

// @ts-expect-error none of Istio's labels
rate.by("response_cod");
