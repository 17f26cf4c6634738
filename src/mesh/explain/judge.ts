import { printValue } from "../../results/text.ts";
import {
  addDurations,
  countOf,
  type Durations,
  meanOf,
  noDurations,
  quantileOf,
  varianceOf,
} from "../graph/durations.ts";
import { known } from "../graph/node.ts";
import type { ExampleQuery, Figure, FindingKind, Suspicion } from "./finding.ts";
import {
  gatheringOf,
  isMeanChange,
  isRateChange,
  LEAST_REQUESTS,
  type ShareChange,
  shareChange,
} from "./significance.ts";
import { type KindOfRequest, type Side, VERSION_LABELS, type WindowView } from "./window-view.ts";

/** What metrics say has changed between two windows. */
export function suspicionsOf(before: WindowView, after: WindowView): readonly Suspicion[] {
  return [
    ...failures(before, after),
    ...turnedAway(before, after),
    ...slowness(before, after),
    ...certificates(before, after),
    ...volume(before, after),
    ...lasting(before, after),
  ];
}

/** What a request came to, as far as it is no plain success; each in one class. */
type Class = "client-errors" | "denied" | "errors" | "given-up" | "ok" | "rate-limited" | "unreachable";

function classOf(kind: KindOfRequest): Class {
  if (kind.flags.includes("RL") || kind.flags.includes("RLSE")) return "rate-limited";
  // A gateway that asks an authorizer turns requests away before anybody could be found.
  if (kind.flags.includes("UAEX")) return "denied";
  if (kind.lost) return "unreachable";
  if (kind.code === "403" || kind.grpcStatus === "7") return "denied";
  if (kind.flags.includes("DC")) return "given-up";
  if (kind.failed) return "errors";
  return /^4/.test(kind.code) ? "client-errors" : "ok";
}

const is = (wanted: Class) => (kind: KindOfRequest) => classOf(kind) === wanted;

function failures(before: WindowView, after: WindowView): readonly Suspicion[] {
  const change = shareChange(before, after, is("errors"));
  if (!change.isMore) return [];
  const examples = { errors: true };
  const outcomes = outcomesOf(after, is("errors"));
  const found: Suspicion[] = [];
  const gathered = [
    ["failing-version", "version", (kind: KindOfRequest) => kind.version, VERSION_LABELS],
    ["failing-caller", "caller", (kind: KindOfRequest) => kind.caller, CALLER_LABELS],
  ] as const;
  for (const [kind, what, partOf, labels] of gathered) {
    const place = gatheringOf(before, after, is("errors"), partOf);
    if (place === undefined) continue;
    const isThere = (one: KindOfRequest) => is("errors")(one) && partOf(one) === place.value;
    found.push({
      ...suspicion(kind, place.change, `requests fail where the ${what} is ${place.value}: ${outcomes}`),
      ...shownBy(after, isThere, labels),
      examples,
    });
  }
  found.push({
    ...suspicion("errors", change, `more requests fail: ${outcomes}`),
    ...shownBy(after, is("errors")),
    examples,
  });
  return found;
}

const CALLER_LABELS = ["source_workload", "source_workload_namespace"] as const;

const WORDS: Readonly<Record<"client-errors" | "denied" | "given-up" | "rate-limited" | "unreachable", string>> = {
  "client-errors": "more requests are refused as the caller's fault",
  denied: "more requests are denied",
  "given-up": "more callers go away before they are answered",
  "rate-limited": "requests meet a rate limit",
  unreachable: "requests find nobody",
};

const EXAMPLES: Readonly<Record<keyof typeof WORDS, ExampleQuery | undefined>> = {
  "client-errors": undefined,
  denied: { denied: true },
  "given-up": { flags: ["DC"] },
  "rate-limited": { rateLimited: true },
  unreachable: { errors: true },
};

/** Requests that did not fail by themselves. */
function turnedAway(before: WindowView, after: WindowView): readonly Suspicion[] {
  return (Object.keys(WORDS) as readonly (keyof typeof WORDS)[]).flatMap((kind) => {
    const change = shareChange(before, after, is(kind));
    if (!change.isMore) return [];
    const outcomes = outcomesOf(after, is(kind));
    const identities = [...new Set(after.kinds.filter(is(kind)).map(({ principal, caller }) => principal || caller))];
    const who = kind === "denied" && identities.length > 0 ? `, of ${identities.sort().join(", ")}` : "";
    const found = suspicion(kind, change, `${WORDS[kind]}: ${outcomes}${who}`);
    return [{ ...found, ...shownBy(after, is(kind)), examples: EXAMPLES[kind] }];
  });
}

const LASTING: Readonly<Partial<Record<Class, string>>> = {
  denied: "requests are denied",
  errors: "requests fail",
  "rate-limited": "requests meet a rate limit",
  unreachable: "requests find nobody",
};

/** What is no change, since it was as bad before. */
function lasting(before: WindowView, after: WindowView): readonly Suspicion[] {
  return (Object.keys(LASTING) as readonly Class[]).flatMap((kind) => {
    const change = shareChange(before, after, is(kind));
    if (!change.isLasting) return [];
    const message = `${LASTING[kind]} as they did before: ${outcomesOf(after, is(kind))}`;
    const examples = kind === "denied" || kind === "rate-limited" ? EXAMPLES[kind] : { errors: true };
    const found = suspicion("lasting", change, message);
    return [{ ...found, affected: change.after, ...shownBy(after, is(kind)), examples }];
  });
}

type Shown = Pick<Suspicion, "shows" | "side">;

function suspicion(kind: FindingKind, change: ShareChange, message: string): Omit<Suspicion, "examples" | keyof Shown> {
  const { shareBefore, shareAfter, before, after } = change;
  const share = `${shown(shareAfter)} of them, ${shareBefore === undefined ? "nothing to compare with" : `${shown(shareBefore)} before`}`;
  return {
    kind,
    message: `${message} (${share})`,
    affected: change.excess,
    figures: [
      { name: "share", unit: "ratio", before: shareBefore, after: shareAfter },
      { name: "rate", unit: "req/s", before, after },
    ],
  };
}

const shown = (share: number | undefined): string => printValue(share, "ratio");

/** The codes, statuses and flags of some requests, the most frequent first. */
function outcomesOf({ kinds }: WindowView, isMeant: (kind: KindOfRequest) => boolean): string {
  const rates = new Map<string, number>();
  for (const kind of kinds) {
    if (!isMeant(kind)) continue;
    const outcome = [kind.outcome, ...kind.flags].filter((part) => part !== "").join(" ");
    rates.set(outcome, (rates.get(outcome) ?? 0) + kind.rate);
  }
  const sorted = [...rates].sort(([, a], [, b]) => b - a).slice(0, 3);
  return sorted.map(([outcome, rate]) => `${outcome} at ${printValue(rate, "req/s")}`).join(", ");
}

/** What the most frequent of some requests are counted under, by which their course can be followed. */
function shownBy(
  { kinds }: WindowView,
  isMeant: (kind: KindOfRequest) => boolean,
  more: readonly string[] = [],
): Shown {
  const most = kinds
    .filter(isMeant)
    .reduce<KindOfRequest | undefined>((a, b) => (a !== undefined && a.rate >= b.rate ? a : b), undefined);
  if (most === undefined) return { shows: {}, side: "callee" };
  const { code, grpcStatus, flags, labels, side } = most;
  return {
    shows: {
      ...Object.fromEntries(more.flatMap((label) => [[label, known(labels, label)]]).filter(([, value]) => value)),
      response_code: code,
      ...(grpcStatus !== "" && { grpc_response_status: grpcStatus }),
      ...(flags.length > 0 && { response_flags: flags.join(",") }),
    },
    side,
  };
}

/** A mean that grew by this factor, and by this much, is slow. */
const SLOWER_RATIO = 1.5;
const SLOWER_MS = 5;
/** So many requests make a mean. */
const LEAST_MEASURED = 20;

function slowness(before: WindowView, after: WindowView): readonly Suspicion[] {
  const versions = [...after.durations].flatMap(([version, durations]) => {
    const slower = slowdown(before.durations.get(version), durations, before.seconds, after.seconds);
    return slower === undefined ? [] : [{ version, ...slower }];
  });
  const whole = slowdown(sumOf(before), sumOf(after), before.seconds, after.seconds);
  const slow = versions.filter(({ isSlower }) => isSlower);
  const isEverywhere = versions.filter(({ grew }) => grew).length === after.durations.size;
  const found: Suspicion[] = [];
  if (!isEverywhere) {
    for (const one of slow) {
      const message = `version ${one.version || "without a name"} got slower: ${spoken(one)}`;
      found.push({ kind: "slow-version", message, ...slowFacts(one), ...versionShown(after, one.version) });
    }
  }
  if (whole?.isSlower === true || (isEverywhere && slow.length > 0)) {
    const one = whole ?? slow[0];
    if (one !== undefined) {
      const message = `requests take longer: ${spoken(one)}`;
      found.push({ kind: "slower", message, ...slowFacts(one), shows: {}, side: sideOf(after) });
    }
  }
  return found;
}

function versionShown(after: WindowView, version: string): Shown {
  const kind = after.kinds.find((one) => one.version === version && !one.lost);
  const label = VERSION_LABELS.find((one) => known(kind?.labels ?? {}, one) !== undefined) ?? VERSION_LABELS[0];
  return { shows: { [label]: kind?.labels[label] ?? version }, side: kind?.side ?? sideOf(after) };
}

/** The side that counted most of a window's requests. */
function sideOf({ kinds }: WindowView): Side {
  const balance = kinds.reduce((sum, { side, rate }) => sum + (side === "callee" ? rate : -rate), 0);
  return balance < 0 ? "caller" : "callee";
}

interface Slowdown {
  readonly meanBefore: number | undefined;
  readonly meanAfter: number;
  readonly p99Before: number | undefined;
  readonly p99After: number | undefined;
  readonly rate: number;
  /** Whether the mean is much longer than it was. */
  readonly grew: boolean;
  /** Whether that is more than chance, too. */
  readonly isSlower: boolean;
}

function slowdown(
  before: Durations | undefined,
  after: Durations,
  secondsBefore: number,
  secondsAfter: number,
): Slowdown | undefined {
  const meanAfter = meanOf(after);
  const rate = countOf(after);
  if (meanAfter === undefined || rate * secondsAfter < LEAST_MEASURED) return undefined;
  const measured = before !== undefined && countOf(before) * secondsBefore >= LEAST_MEASURED;
  const meanBefore = measured ? meanOf(before) : undefined;
  const grew =
    meanBefore !== undefined && meanAfter >= SLOWER_RATIO * meanBefore && meanAfter - meanBefore >= SLOWER_MS;
  return {
    meanBefore,
    meanAfter,
    p99Before: measured ? quantileOf(before, 0.99) : undefined,
    p99After: quantileOf(after, 0.99),
    rate,
    grew,
    isSlower:
      grew &&
      before !== undefined &&
      meanBefore !== undefined &&
      isMeanChange(
        { mean: meanBefore, variance: varianceOf(before), count: countOf(before) * secondsBefore },
        { mean: meanAfter, variance: varianceOf(after), count: rate * secondsAfter },
      ),
  };
}

function sumOf({ durations }: WindowView): Durations {
  const sum = noDurations();
  for (const one of durations.values()) addDurations(sum, one);
  return sum;
}

const spoken = ({ meanBefore, meanAfter, p99Before, p99After }: Slowdown): string =>
  `${printValue(meanAfter, "ms")} in the mean, ${printValue(meanBefore, "ms")} before; 99 % within ${printValue(p99After, "ms")}, ${printValue(p99Before, "ms")} before`;

function slowFacts({
  meanBefore,
  meanAfter,
  p99Before,
  p99After,
  rate,
}: Slowdown): Pick<Suspicion, "affected" | "examples" | "figures"> {
  const figures: Figure[] = [
    { name: "mean", unit: "ms", before: meanBefore, after: meanAfter },
    { name: "p99", unit: "ms", before: p99Before, after: p99After },
  ];
  return { affected: rate, figures, examples: { slowerThan: `${Math.max(1, Math.floor(meanAfter))}ms` } };
}

/** What changed in how callers prove who they are, where their callees' proxies told of it in both windows. */
function certificates({ proved: before }: WindowView, { proved: after }: WindowView): readonly Suspicion[] {
  const found: Suspicion[] = [];
  const side = "callee";
  const plain = shareChange(before, after, ({ security }) => security === "none");
  if (plain.isMore) {
    const callers = [...new Set(after.kinds.filter(({ security }) => security === "none").map(({ caller }) => caller))];
    const message = `more requests come in plaintext, from ${callers.map((caller) => (caller === "unknown" ? "callers without a name" : caller)).join(", ")}`;
    const shows = { connection_security_policy: "none" };
    found.push({ ...suspicion("plaintext", plain, message), shows, side, examples: undefined });
  }
  for (const principal of new Set([...before.kinds, ...after.kinds].map((kind) => kind.principal))) {
    if (principal === "" || before.rate === 0 || after.rate === 0) continue;
    const forth = shareChange(before, after, (kind) => kind.principal === principal);
    const back = shareChange(after, before, (kind) => kind.principal === principal);
    const came = forth.isMore && forth.before === 0;
    const went = back.isMore && forth.after === 0;
    if (!came && !went) continue;
    const message = came ? `${principal} calls, and did not before` : `${principal} called before, and no longer does`;
    const base = suspicion("identity", forth, message);
    found.push({
      ...base,
      affected: came ? forth.after : forth.before,
      shows: { source_principal: principal },
      side,
      examples: undefined,
    });
  }
  return found;
}

/** Traffic that changed by this factor is another traffic. */
const MUCH = 2;
/** So many more requests than are sent arrive where calls are tried again. */
const MORE_TRIES = 1.1;

function volume(before: WindowView, after: WindowView): readonly Suspicion[] {
  const found: Suspicion[] = [];
  const side = sideOf(after.rate > 0 ? after : before);
  const figures: Figure[] = [{ name: "rate", unit: "req/s", before: before.rate, after: after.rate }];
  const [countBefore, countAfter] = [before.rate * before.seconds, after.rate * after.seconds];
  const grew = before.rate > 0 && after.rate >= MUCH * before.rate;
  const fell = after.rate <= before.rate / MUCH && before.rate > 0;
  if ((grew || fell) && isRateChange(countBefore, countAfter)) {
    const how = after.rate === 0 ? "ceased" : grew ? "grew" : "fell";
    const message = `the traffic ${how}: ${printValue(after.rate, "req/s")}, ${printValue(before.rate, "req/s")} before`;
    const affected = Math.abs(after.rate - before.rate);
    found.push({ kind: "traffic", message, affected, figures, shows: {}, side, examples: undefined });
  }
  const [triedBefore, triedAfter] = [before, after].map(({ passed }) =>
    passed.sent > 0 ? passed.received / passed.sent : undefined,
  );
  const again = after.passed.received - after.passed.sent;
  if (
    triedAfter !== undefined &&
    triedAfter > MORE_TRIES * Math.max(1, triedBefore ?? 1) &&
    again * after.seconds >= LEAST_REQUESTS
  ) {
    const message = `calls are tried again: ${triedAfter.toFixed(2)} requests arrive for each that is sent, ${triedBefore?.toFixed(2) ?? "nothing"} before`;
    const tries: Figure = { name: "tries", unit: "ratio", before: triedBefore, after: triedAfter };
    const examples = { errors: true };
    found.push({ kind: "retried", message, affected: again, figures: [tries], shows: {}, side: "callee", examples });
  }
  return found;
}

/** The scope's own figures in both windows. */
export function scopeFigures(before: WindowView, after: WindowView): readonly Figure[] {
  const figure = (name: string, unit: Figure["unit"], part: (view: WindowView) => number | undefined): Figure => ({
    name,
    unit,
    before: part(before),
    after: part(after),
  });
  const failed = ({ kinds }: WindowView) => kinds.reduce((sum, kind) => (kind.failed ? sum + kind.rate : sum), 0);
  return [
    figure("requests", "req/s", ({ rate }) => rate),
    figure("success", "ratio", (view) => (view.rate > 0 ? 1 - failed(view) / view.rate : undefined)),
    figure("mean latency", "ms", (view) => meanOf(sumOf(view))),
    figure("latency 50 %", "ms", (view) => quantileOf(sumOf(view), 0.5)),
    figure("latency 99 %", "ms", (view) => quantileOf(sumOf(view), 0.99)),
    figure("sent by callers", "req/s", ({ sent }) => sent),
    figure("received", "req/s", ({ received }) => received),
    figure("lost", "req/s", ({ kinds }) => kinds.reduce((sum, { lost, rate }) => (lost ? sum + rate : sum), 0)),
  ];
}
