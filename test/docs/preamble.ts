import { type AccessLogEntry, createMesh, type Trace } from "../../src/index.ts";
import { simulatedMesh } from "../../src/testing/index.ts";

/** The present of every page. */
export const NOW = "2026-11-20T10:00:00Z";

/*
 * What code on a page may use without declaring it: the first lines of docs/get-started.md, and what a trace and a line
 * are there.
 */
export const mesh = createMesh(simulatedMesh({ seed: 7, now: NOW }).backends());
export const edge = mesh.edge("frontend", "backend");

const [crossing] = await edge.slowest({ last: "1h", limit: 1 });
const [line] = await edge.logs({ last: "15m", status: "5xx", limit: 1 });
if (crossing === undefined || line === undefined) throw new Error("the simulated mesh has neither traces nor lines");

export const trace: Trace = crossing.trace;
export const entry: AccessLogEntry = line;
