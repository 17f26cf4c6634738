/**
 * Lets a canary pass or not, as a step of a pipeline:
 *
 *   npx tsx examples/canary-gate.ts --service backend --baseline v1 --canary v2 --window 15m
 *
 * Exit code 0: the canary does as well as the baseline. 1: it does worse. 2: that cannot be told, for want of traffic or
 * of a whole answer; a pipeline should then wait, not go on.
 */
import { parseArgs } from "node:util";
import { MeshQueryError } from "meshquery";
import { BACKEND_FLAGS, meshFrom } from "./backends.ts";

const { values: given } = parseArgs({
  options: {
    ...BACKEND_FLAGS,
    service: { type: "string", default: "backend" },
    baseline: { type: "string", default: "v1" },
    canary: { type: "string", default: "v2" },
    window: { type: "string", default: "15m" },
    requests: { type: "string", default: "200" },
  },
});
/** Fewer requests than this, of either version, prove nothing. */
const leastRequests = Number(given.requests);
/** How much more of the canary's requests may fail. */
const MORE_FAILURES = 0.005;
/** How much longer they may take. */
const SLOWER = 1.5;

interface Figures {
  readonly requests: number;
  /** The share of them that failed. */
  readonly failed: number | undefined;
  readonly p50: number | undefined;
  readonly p99: number | undefined;
}

try {
  process.exitCode = await gate();
} catch (error) {
  console.error(error instanceof MeshQueryError ? error.message : error);
  process.exitCode = 2;
}

async function gate(): Promise<0 | 1 | 2> {
  const service = meshFrom(given).service(given.service);
  const requests = await service.requests(given.window).by("destination_version");
  // All at the same instant, so that the figures are of the same requests.
  const at = requests.at;
  const [success, p50, p99] = await Promise.all([
    service.success(given.window).by("destination_version").at(at),
    service.latency(0.5, given.window).by("destination_version").at(at),
    service.latency(0.99, given.window).by("destination_version").at(at),
  ]);
  const figuresOf = (destination_version: string): Figures => {
    const succeeded = success.get({ destination_version })?.value;
    return {
      requests: requests.get({ destination_version })?.value ?? 0,
      failed: succeeded === undefined ? undefined : 1 - succeeded,
      p50: p50.get({ destination_version })?.value,
      p99: p99.get({ destination_version })?.value,
    };
  };
  const baseline = figuresOf(given.baseline);
  const canary = figuresOf(given.canary);
  console.log(
    `${given.service}: ${given.canary} against ${given.baseline}, ${given.window} to ${new Date(at).toISOString()}`,
  );
  const row = (name: string, ...cells: string[]) =>
    console.log([name.padEnd(10), ...cells.map((cell) => cell.padStart(12))].join(""));
  const both = [baseline, canary];
  row("", given.baseline, given.canary);
  row("requests", ...both.map((one) => one.requests.toFixed(0)));
  row("failed", ...both.map((one) => percent(one.failed)));
  row("p50", ...both.map((one) => duration(one.p50)));
  row("p99", ...both.map((one) => duration(one.p99)));

  const unclear = [
    ...[requests, success, p50, p99].flatMap(({ meta }) => (meta.complete ? [] : meta.warnings)),
    ...Object.entries({ [given.baseline]: baseline, [given.canary]: canary }).flatMap(([version, one]) =>
      one.requests < leastRequests
        ? `${version} had ${one.requests.toFixed(0)} requests of at least ${leastRequests}`
        : [],
    ),
  ];
  if (unclear.length > 0) return verdict("cannot be told", unclear, 2);
  const worse = [
    ...(failsMore(canary, baseline)
      ? [`${percent(canary.failed)} of the requests fail, not ${percent(baseline.failed)}`]
      : []),
    ...slower("p50", canary.p50, baseline.p50),
    ...slower("p99", canary.p99, baseline.p99),
  ];
  return worse.length > 0 ? verdict(`${given.canary} is worse`, worse, 1) : verdict(`${given.canary} may go on`, [], 0);
}

function verdict<C extends number>(text: string, reasons: readonly string[], code: C): C {
  console.log([text, ...new Set(reasons)].join("\n  "));
  return code;
}

/** More than is allowed, and more than chance explains: beyond 99 of 100 draws if both versions were alike. */
function failsMore(canary: Figures, baseline: Figures): boolean {
  if (canary.failed === undefined || baseline.failed === undefined) return false;
  const difference = canary.failed - baseline.failed;
  const failures = canary.requests * canary.failed + baseline.requests * baseline.failed;
  const pooled = failures / (canary.requests + baseline.requests);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / canary.requests + 1 / baseline.requests));
  return difference > MORE_FAILURES && difference > 2.33 * deviation;
}

function slower(name: string, canary: number | undefined, baseline: number | undefined): string[] {
  if (canary === undefined || baseline === undefined || canary <= baseline * SLOWER) return [];
  return [`${name} is ${duration(canary)}, not ${duration(baseline)}`];
}

function percent(share: number | undefined): string {
  return share === undefined ? "no data" : `${(100 * share).toFixed(2)} %`;
}

function duration(ms: number | undefined): string {
  return ms === undefined ? "no data" : `${ms.toFixed(0)} ms`;
}
