import { checkOptions, type OptionNames } from "../../http/config.ts";
import type { Context } from "../../metrics/query.ts";
import { aggregate, binary, by, call, type Expr, type Matcher, matrix, number, selector } from "../../promql/index.ts";
import type { AskOptions, TimeSpan } from "../../time.ts";
import { METRICS } from "../istio.ts";
import { askWindow, joinMetas } from "../window.ts";
import { type ExpectedIdentities, findingsOf } from "./finding.ts";
import { foldIdentities } from "./fold.ts";
import { Identity } from "./identity.ts";

/** Over which time, and who is expected. */
export type IdentityOptions = TimeSpan & AskOptions & { readonly expect?: ExpectedIdentities | undefined };

const NAMES: OptionNames<IdentityOptions> = {
  ...{ last: true, from: true, to: true },
  ...{ expect: true, signal: true, timeoutMs: true },
};

const LABELS = [
  "reporter",
  "source_cluster",
  "source_workload_namespace",
  "source_workload",
  "source_principal",
  "destination_cluster",
  "destination_workload_namespace",
  "destination_workload",
  "destination_principal",
  "destination_service",
  "destination_service_name",
  "destination_service_namespace",
  "connection_security_policy",
] as const;

const COUNTERS = [METRICS.requests, METRICS.tcpOpened] as const;

/** Asks who called whom, by their certificates, in two requests. */
export async function askIdentity(
  context: Context,
  matchers: readonly Matcher[],
  options: IdentityOptions,
): Promise<Identity> {
  checkOptions(options, NAMES, "identity");
  const { fromMs, toMs, backend, answers, tookMs } = await askWindow(context, "identity", options, (windowMs) =>
    COUNTERS.map((metric) => rateOf(metric, matchers, windowMs)),
  );
  const [requests, connections] = answers;
  if (requests === undefined || connections === undefined)
    throw new RangeError("identity: each question has an answer");
  const edges = foldIdentities(requests.data, connections.data);
  return new Identity({
    edges,
    findings: findingsOf(edges, options.expect ?? {}),
    meta: { ...joinMetas(answers), fromMs, toMs, backend, tookMs },
  });
}

function rateOf(metric: string, matchers: readonly Matcher[], windowMs: number): Expr {
  const rate = call("rate", matrix(selector(metric, matchers), windowMs));
  return binary(">", aggregate("sum", rate, { grouping: by(...LABELS) }), number(0));
}
