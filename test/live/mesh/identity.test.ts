import { beforeAll, describe, expect, inject, it } from "vitest";
import { createMesh, type Identity, prometheus } from "../../../src/index.ts";
import type { Flow } from "../../mesh/mesh.ts";
import { principalOf, workloadNamed } from "../../mesh/topology.ts";
import { countOf, requestsOf } from "./expected.ts";

const truth = inject("truth");
const mesh = createMesh({ metrics: prometheus(inject("prometheusUrl"), { scrapeInterval: "1s" }) });

/** The window lies in the quiet before and after the play, so that it holds all of it. */
const MARGIN_MS = 2000;
const span = { from: truth.measuredFromMs - MARGIN_MS, to: truth.measuredToMs + MARGIN_MS };
const seconds = (span.to - span.from) / 1000;

const received = requestsOf(truth.flows).filter(({ reporter }) => reporter === "destination");
const secured = (flows: readonly Flow[], security: Flow["security"]) =>
  countOf(flows.filter((flow) => flow.security === security));

describe("who really called whom", () => {
  let identity: Identity;

  beforeAll(async () => {
    identity = await mesh.all().identity({ ...span, expect: { trustDomain: "cluster.local" } });
  });

  const pairs = [...new Set(received.map(({ source, destination }) => `${source} ${destination}`))];

  it.each(pairs)("%s: each call with the certificate that its caller holds", (pair) => {
    const [source = "", destination = ""] = pair.split(" ");
    const flows = received.filter((flow) => flow.source === source && flow.destination === destination);
    const edge = identity.edges.find(({ from, to }) => from.name === source && to.name === destination);
    expect(edge).toBeDefined();
    const close = (rate: number | undefined, count: number) =>
      expect(Math.abs((rate ?? Number.NaN) * seconds - count)).toBeLessThanOrEqual(Math.max(0.5, count * 0.02));
    close(edge?.requests.mutualTls, secured(flows, "mutual_tls"));
    close(edge?.requests.plaintext, secured(flows, "none"));
    expect(edge?.requests.unknown).toBe(0);
    const principals = source === "unknown" ? [] : [principalOf(workloadNamed(source))];
    expect(edge?.principals.map(({ principal }) => principal)).toEqual(principals);
    if (source !== "unknown") {
      expect(edge?.answeredAs.map(({ principal }) => principal)).toEqual([principalOf(workloadNamed(destination))]);
    }
  });

  it("proves the TCP connections apart", () => {
    const edge = identity.edges.find(({ to }) => to.name === "ledger");
    expect(edge?.connections).toMatchObject({ share: 1, plaintext: 0 });
    expect(edge?.principals.map(({ principal }) => principal)).toEqual([principalOf(workloadNamed("frontend"))]);
  });

  it("finds the caller in plaintext, and what nobody can prove", () => {
    expect(identity.findings.map(({ kind, edges }) => `${kind} ${edges.map(({ to }) => to.name).join()}`)).toEqual(
      expect.arrayContaining(["plaintext ratings", "unproved external"]),
    );
    expect(identity.findings.some(({ kind }) => kind === "trust-domain" || kind === "namespace")).toBe(false);
  });

  it("lists what would break under STRICT, and nothing else", async () => {
    const { edges } = await mesh.plaintext(span);
    expect(edges.map(({ from, to }) => `${from.id} ${to.id}`)).toEqual(["unknown ratings.default"]);
  });
});
