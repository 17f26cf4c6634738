const LONG_NAMES = {
  DC: "DownstreamConnectionTermination",
  DF: "DnsResolutionFailed",
  DI: "DelayInjected",
  DO: "DropOverload",
  DPE: "DownstreamProtocolError",
  DR: "DownstreamRemoteReset",
  DT: "DurationTimeout",
  FI: "FaultInjected",
  IH: "InvalidEnvoyRequestHeaders",
  LH: "FailedLocalHealthCheck",
  LR: "LocalReset",
  NC: "NoClusterFound",
  NFCF: "NoFilterConfigFound",
  NR: "NoRouteFound",
  OM: "OverloadManagerTerminated",
  RFCF: "ResponseFromCacheFilter",
  RL: "RateLimited",
  RLSE: "RateLimitServiceError",
  SI: "StreamIdleTimeout",
  UAEX: "UnauthorizedExternalService",
  UC: "UpstreamConnectionTermination",
  UDO: "UnconditionalDropOverload",
  UF: "UpstreamConnectionFailure",
  UH: "NoHealthyUpstream",
  UMSDR: "UpstreamMaxStreamDurationReached",
  UO: "UpstreamOverflow",
  UPE: "UpstreamProtocolError",
  UR: "UpstreamRemoteReset",
  URX: "UpstreamRetryLimitExceeded",
  UT: "UpstreamRequestTimeout",
} as const;

/** What went wrong with a request, in Envoy's short names; a proxy may have flags of its own beside these. */
export type ResponseFlag = keyof typeof LONG_NAMES | (string & {});

const LONG: ReadonlyMap<string, string> = new Map(Object.entries(LONG_NAMES));
const SHORT: ReadonlyMap<string, ResponseFlag> = new Map(
  Object.entries(LONG_NAMES).map(([short, long]) => [long, short]),
);

/** `"UpstreamConnectionFailure"` for `"UF"`; `undefined` for a flag that is not Envoy's own. */
export const longName = (flag: ResponseFlag): string | undefined => LONG.get(flag);

/** Reads `"UF,URX"`: short names, long names turned into short ones, unknown ones as they are. */
export function responseFlags(text: string): readonly ResponseFlag[] {
  const names = text.split(",").map((name) => name.trim());
  return Object.freeze(names.filter((name) => name !== "" && name !== "-").map((name) => SHORT.get(name) ?? name));
}
