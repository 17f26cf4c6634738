import { createMesh, label, prometheus } from "../../src/index.ts";

// An ordinary program and a slip in it: what an editor checks after every key. The budget and the hovers are read here.
const mesh = createMesh({ metrics: prometheus("http://prometheus:9090"), reporter: "auto" });
const edge = mesh.edge("frontend", { service: "backend", namespace: "shop" }).where({ request_protocol: "grpc" });

export const rate = edge.rate("5m");
export const byCode = rate.by("response_code");
export const byTeam = rate.by(label("team"), "response_code");
export const share = byCode.dividedBy(rate);
export const size = edge.responseBytes("5m").dividedBy(rate);
export const growth = rate.dividedBy(rate.offset("1d")).minus(1).times(100);

export const now = await rate;
export const codes = await byCode;
export const course = await byTeam.over({ last: "6h", points: 300 });
export const [first] = course;

// @ts-expect-error none of Istio's labels
rate.by("response_cod");
