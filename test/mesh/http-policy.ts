/** What VirtualServices and policies would set: routes by path prefix, authorization and the local rate limit. */
import { outboundName } from "./envoy-cluster.ts";
import type { Json } from "./json.ts";
import { hostOf, type Service, trustDomain, type Workload } from "./topology.ts";

const typeUrl = "type.googleapis.com/envoy.extensions.filters.http";

/** Calls under this path to `backend` pass the limiter of its v1 only. */
export const limitedPath = "/limited";
/** Calls under this path are forbidden to everybody, and routed to v1. */
export const forbiddenPath = "/admin";
/** Calls under this path are tried up to three times while the answer is a 5xx. */
export const flakyPath = "/flaky";
/** Calls under this path are cut off by the caller's proxy after `deadlineMs`. */
export const deadlinePath = "/deadline";
export const deadlineMs = 300;
export const attemptsOfFlaky = 3;

/** Tokens of the limiter: `burst` at first, and as many again each second. */
export const limiterBurst = 5;

export function routesTo(caller: Workload, service: Service): Json[] {
  const decorator = { operation: `${hostOf(service)}:${service.port}/*` };
  const route = (prefix: string, cluster: string, extra: { readonly [key: string]: Json } = {}): Json => ({
    name: prefix === "/" ? "default" : prefix.slice(1),
    match: { prefix },
    route: { cluster, timeout: "0s", ...extra },
    decorator,
  });
  const all = outboundName(service);
  if (service.name !== "backend") return [route("/", all)];
  const first = outboundName(service, "v1");
  // A denied call never reaches an app that could say which version it was: the stranger is held to v1.
  if (caller.name === "stranger") return [route("/", first)];
  return [
    route(limitedPath, first),
    route(forbiddenPath, first),
    route(flakyPath, all, { retry_policy: { retry_on: "5xx", num_retries: attemptsOfFlaky - 1 } }),
    route(deadlinePath, all, { timeout: `${deadlineMs / 1000}s` }),
    route("/", all),
  ];
}

export function inboundHttpFilters(workload: Workload): Json[] {
  const filters: Json[] = [];
  if (workload.serves === "backend") filters.push(denial);
  if (workload.allowedServiceAccounts.length > 0) filters.push(authorization(workload));
  if (workload.serves === "backend") filters.push(rateLimit);
  return filters;
}

/** Istio puts DENY policies before ALLOW policies. Only this kind names itself in the log: no ALLOW matched is "none". */
const denial: Json = {
  name: "envoy.filters.http.rbac",
  typed_config: {
    "@type": `${typeUrl}.rbac.v3.RBAC`,
    rules: {
      action: "DENY",
      policies: {
        "ns[default]-policy[backend-deny-admin]-rule[0]": {
          permissions: [{ url_path: { path: { prefix: forbiddenPath } } }],
          principals: [{ any: true }],
        },
      },
    },
  },
};

const authorization = (workload: Workload): Json => ({
  name: "envoy.filters.http.rbac",
  typed_config: {
    "@type": `${typeUrl}.rbac.v3.RBAC`,
    rules: {
      action: "ALLOW",
      policies: {
        "ns[default]-policy[backend-allow-frontend]-rule[0]": {
          permissions: [{ any: true }],
          principals: workload.allowedServiceAccounts.map((account) => ({
            authenticated: { principal_name: { exact: `spiffe://${trustDomain}/ns/default/sa/${account}` } },
          })),
        },
      },
    },
  },
});

const always: Json = { default_value: { numerator: 100, denominator: "HUNDRED" } };

/** Without a bucket of its own the filter limits nothing: `limitedRoute` gives it one. */
const rateLimit: Json = {
  name: "envoy.filters.http.local_ratelimit",
  typed_config: {
    "@type": `${typeUrl}.local_ratelimit.v3.LocalRateLimit`,
    stat_prefix: "http_local_rate_limiter",
  },
};

/** Switches the limiter on for one route. */
export const limitedRoute: { readonly [key: string]: Json } = {
  typed_per_filter_config: {
    "envoy.filters.http.local_ratelimit": {
      "@type": `${typeUrl}.local_ratelimit.v3.LocalRateLimit`,
      stat_prefix: "http_local_rate_limiter",
      token_bucket: { max_tokens: limiterBurst, tokens_per_fill: limiterBurst, fill_interval: "1s" },
      filter_enabled: always,
      filter_enforced: always,
    },
  },
};
