import type { TestProject } from "vitest/node";
import { meshUp, type Truth } from "../../mesh/mesh.ts";

declare module "vitest" {
  export interface ProvidedContext {
    prometheusUrl: string;
    jaegerUrl: string;
    zipkinUrl: string;
    lokiUrl: string;
    opensearchUrl: string;
    truth: Truth;
  }
}

/**
 * Long enough that the scrape missing at either end of the window stays below the 2 % that answers may be off:
 * PromQL's `rate` extrapolates over it.
 */
const SECONDS = 150;

/** Starts the mesh, plays the scenario once for every file, and ends the mesh when all are done. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const say = (step: string, tookMs: number) => console.log(`${(tookMs / 1000).toFixed(1).padStart(6)} s  ${step}`);
  const mesh = await meshUp({ onStep: say, onSlow: (what) => console.log(`          ${what}`) });
  try {
    const startMs = performance.now();
    const truth = await mesh.traffic({ seed: 7, seconds: SECONDS });
    say(
      `play ${truth.flows.reduce((sum, flow) => sum + flow.count, 0)} reports of traffic`,
      performance.now() - startMs,
    );
    project.provide("prometheusUrl", mesh.prometheusUrl);
    project.provide("jaegerUrl", mesh.jaegerUrl);
    project.provide("zipkinUrl", mesh.zipkinUrl);
    project.provide("lokiUrl", mesh.lokiUrl);
    project.provide("opensearchUrl", mesh.opensearchUrl);
    project.provide("truth", truth);
  } catch (error) {
    await mesh.down();
    throw error;
  }
  return () => mesh.down();
}
