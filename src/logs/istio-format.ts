import { unparsed } from "./entry.ts";
import { scanIstioLine } from "./istio-scan.ts";
import { type LineParser, textPlan, withoutLineEnd } from "./text-format.ts";

const REQUEST =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ';
const DETAILS = "%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% ";
const MIXER = '"%DYNAMIC_METADATA(istio.mixer:status)%" ';
const TRANSPORT = '"%UPSTREAM_TRANSPORT_FAILURE_REASON%" ';
const COUNTS = "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% ";
const HEADERS =
  '"%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"';
const ENDS =
  " %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME%";
const ROUTE = " %ROUTE_NAME%";

/** Istio's text format, as sidecars, gateways and waypoints write it since Istio 1.9. */
export const ISTIO_FORMAT = `${REQUEST}${DETAILS}${TRANSPORT}${COUNTS}${HEADERS}${ENDS}${ROUTE}\n`;

/** Envoy's own format, for a proxy that is told of no other. */
export const ENVOY_FORMAT = `${REQUEST}${COUNTS}${HEADERS}\n`;

const ERAS = [
  ISTIO_FORMAT,
  // 1.6 to 1.8
  `${REQUEST}${TRANSPORT}${COUNTS}${HEADERS}${ENDS}${ROUTE}\n`,
  // 1.3 to 1.5: what Mixer said
  `${REQUEST}${MIXER}${TRANSPORT}${COUNTS}${HEADERS}${ENDS}${ROUTE}\n`,
  // up to 1.2: no route
  `${REQUEST}${MIXER}${TRANSPORT}${COUNTS}${HEADERS}${ENDS}\n`,
  `${REQUEST}${MIXER}${COUNTS}${HEADERS}${ENDS}\n`,
  ENVOY_FORMAT,
];

/** Reads Istio's text format of any version, and Envoy's own. No line is of two of these formats. */
export function istioTextParser(): LineParser {
  const plans = ERAS.map((format) => textPlan(format, format === ISTIO_FORMAT ? scanIstioLine : undefined));
  let [latest] = plans;
  return (line) => {
    const text = withoutLineEnd(line);
    const entry = latest?.strictly(text);
    if (entry !== undefined) return entry;
    for (const plan of plans) {
      const strict = plan === latest ? undefined : plan.strictly(text);
      if (strict === undefined) continue;
      latest = plan;
      return strict;
    }
    if (text.charCodeAt(0) !== 91) return unparsed(text, "it does not begin with a time in brackets");
    const readings = plans.map((plan) => plan.leniently(text));
    const plausible = readings.filter((reading) => reading.kind === "entry");
    const sure = plausible.find(({ suspicious }) => suspicious === undefined);
    return sure ?? plausible[0] ?? readings[0] ?? unparsed(text, "it is of no known format");
  };
}
