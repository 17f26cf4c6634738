import { parseDuration } from "../../../time.ts";
import { Refusal } from "../exchange.ts";
import { goFloat, goInteger, goQuoted, rfc3339Ns } from "../go-text.ts";

/** One query over a span of time. */
export interface RangeQuestion {
  readonly query: string;
  /** Included. */
  readonly startNs: bigint;
  /** Excluded for lines, included for numbers. */
  readonly endNs: bigint;
  readonly stepNs: bigint;
  readonly limit: number;
  readonly order: "backward" | "forward";
}

const HOUR_NS = 3_600_000_000_000n;
const DEFAULT_LIMIT = 100;
const MOST_STEPS = 11_000n;

/** @see Loki, `pkg/loghttp/params.go` and `pkg/loghttp/query.go` */
export function rangeQuestion(form: URLSearchParams, nowNs: bigint): RangeQuestion {
  const { startNs, endNs } = spanIn(form, nowNs, HOUR_NS);
  if (endNs <= startNs) throw new Refusal(400, "end timestamp must not be before or equal to start time");
  const limit = limitIn(form);
  const order = orderIn(form);
  const stepNs = stepIn(form, startNs, endNs);
  if ((endNs - startNs) / stepNs > MOST_STEPS) {
    throw new Refusal(
      400,
      "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter",
    );
  }
  return { query: form.get("query") ?? "", startNs, endNs, stepNs, limit, order };
}

/** Both ends of a span, `lastNs` before its end where its start is not given. */
export function spanIn(
  form: URLSearchParams,
  nowNs: bigint,
  lastNs: bigint,
): { readonly startNs: bigint; readonly endNs: bigint } {
  const endNs = instantIn(form, "end", nowNs);
  const since = form.get("since") ?? "";
  const backNs = since === "" ? lastNs : durationNs(since, "since");
  return { startNs: instantIn(form, "start", (endNs < nowNs ? endNs : nowNs) - backNs), endNs };
}

/** A time: ten digits or fewer are seconds, more are nanoseconds; with a point seconds; or RFC 3339. */
export function instantIn(form: URLSearchParams, name: string, otherwise: bigint): bigint {
  const text = form.get(name) ?? "";
  if (text === "") return otherwise;
  const seconds = text.includes(".") ? goFloat(text) : undefined;
  if (seconds !== undefined && Number.isFinite(seconds)) return BigInt(Math.round(seconds * 1000)) * 1_000_000n;
  if (/^[+-]?\d{1,19}$/.test(text)) return text.length <= 10 ? BigInt(text) * 1_000_000_000n : BigInt(text);
  const ns = rfc3339Ns(text);
  if (ns !== undefined) return ns;
  throw new Refusal(
    400,
    `could not parse '${name}' parameter: strconv.ParseInt: parsing ${goQuoted(text)}: invalid syntax`,
  );
}

function limitIn(form: URLSearchParams): number {
  const text = form.get("limit") ?? "";
  if (text === "") return DEFAULT_LIMIT;
  const limit = goInteger(text);
  if (typeof limit === "string") throw new Refusal(400, limit);
  if (limit <= 0) throw new Refusal(400, "limit must be a positive value");
  return limit;
}

function orderIn(form: URLSearchParams): "backward" | "forward" {
  const text = form.get("direction") ?? "";
  const order = text === "" ? "backward" : text.toLowerCase();
  if (order === "backward" || order === "forward") return order;
  throw new Refusal(400, `invalid direction '${text}'`);
}

/** About 250 steps of whole seconds where none is given. */
function stepIn(form: URLSearchParams, startNs: bigint, endNs: bigint): bigint {
  const text = form.get("step") ?? "";
  if (text === "") {
    const seconds = (endNs - startNs) / 250_000_000_000n;
    return (seconds > 1n ? seconds : 1n) * 1_000_000_000n;
  }
  const ns = durationNs(text, "step");
  if (ns <= 0n) {
    throw new Refusal(400, "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  return ns;
}

function durationNs(text: string, name: string): bigint {
  const seconds = goFloat(text);
  if (seconds !== undefined && Math.abs(seconds) < 9e9) return BigInt(Math.trunc(seconds * 1e9));
  const ms = parseDuration(text);
  if (ms === undefined) throw new Refusal(400, `cannot parse ${goQuoted(text)} to a valid duration for ${name}`);
  return BigInt(ms) * 1_000_000n;
}
