import type { Attempt, Exchange, Outcome, Span, Timing } from "./exchange.ts";
import { fixedUs, plus } from "./exchange.ts";
import type { Ending, PlannedCall } from "./plan.ts";

/** What happens at one call of a request; everywhere else all is well, as far as that is possible. */
export interface Happening {
  readonly at: PlannedCall;
  readonly ending: Ending;
}

/** What the network takes each way, and a proxy that answers by itself. */
const WAY = fixedUs(350);
const PROXY = fixedUs(240);
const CONNECT = fixedUs(900);
const BACK_OFF = fixedUs(25_000);
/** The part of an answer's own time that is over before it calls on. */
const BEFORE_CALLS = 0.4;
/** The part of the time which an answer takes that somebody waits who then leaves. */
const PATIENCE = 0.6;

/** The exchanges of a request, by what happens and by how long each call's own part takes. */
export function exchangesOf(
  planned: PlannedCall,
  happening: Happening,
  own: (planned: PlannedCall) => Span,
): readonly Exchange[] {
  return new Unfolding(happening, own).all(planned);
}

type Draft = { -readonly [K in keyof Exchange]: Exchange[K] };

/** How a call went for whoever made it. */
interface Made {
  readonly exchange: Draft;
  readonly length: Span;
  /** What its caller answers then, where it cannot go on. */
  readonly fails: Outcome | undefined;
}

class Unfolding {
  readonly #happening: Happening;
  readonly #own: (planned: PlannedCall) => Span;
  readonly #exchanges: Draft[] = [];

  constructor(happening: Happening, own: (planned: PlannedCall) => Span) {
    this.#happening = happening;
    this.#own = own;
  }

  all(planned: PlannedCall): readonly Exchange[] {
    const { at, ending } = this.#happening;
    if (ending.kind === "aborted" && at === planned) this.#abandoned(planned, undefined, fixedUs(0), undefined);
    else this.#call(planned, undefined, fixedUs(0));
    return this.#exchanges.map((one) => Object.freeze(one));
  }

  #call(planned: PlannedCall, parent: Draft | undefined, start: Span): Made {
    const { at, ending } = this.#happening;
    const kind: Ending = at === planned ? ending : { kind: "ok" };
    const { service } = planned;
    const exchange = draftOf(planned, parent, kind);
    this.#exchanges.push(exchange);
    const arrived = plus(start, WAY);
    const done = (outcome: Outcome, length: Span, attempts: readonly Attempt[], fails?: Outcome): Made => {
      exchange.outcome = outcome;
      exchange.timing = { start, length };
      exchange.attempts = attempts;
      return { exchange, length, fails };
    };
    /** An answer that comes at once from the called proxy or, of an app, after its own part. */
    const answered = (atCallee: Outcome, atCaller: Outcome, took: Span): Made => {
      const attempt = { outcome: atCallee, start: arrived, length: took };
      return done(atCaller, plus(plus(WAY, took), WAY), [attempt], atCaller);
    };
    switch (kind.kind) {
      case "refused":
        return done(closed, CONNECT, [], closed);
      case "unreachable": {
        const outcome = service.protocol === "tcp" ? { ...tcp, flags: "UF" } : unreachable;
        return done(outcome, CONNECT, [], outcome);
      }
      case "denied":
        return answered(denied(planned), { ...proxied(403), ...grpc(planned, 7) }, PROXY);
      case "limited":
        return answered(limited(planned), { ...proxied(429), ...grpc(planned, 8) }, PROXY);
      case "failed": {
        const isGrpc = service.protocol === "grpc";
        const outcome = isGrpc ? { ...proxied(200), grpcStatus: kind.status } : proxied(kind.status);
        return answered(outcome, outcome, this.#own(planned));
      }
      case "timed-out": {
        const length = fixedUs(kind.afterMs * 1000);
        const outcome = { ...proxied(504), flags: "UT", details: "response_timeout", ...grpc(planned, 4) };
        const attempt = { outcome: gone, start: arrived, length: plus(length, fixedUs(-200)) };
        return done(outcome, length, [attempt], outcome);
      }
      case "exhausted": {
        const took = this.#own(planned);
        const each = plus(plus(took, fixedUs(700)), BACK_OFF);
        const attempts = [0, 1, 2].map((turn) => ({
          outcome: proxied(503),
          start: plus(arrived, times(each, turn)),
          length: took,
        }));
        const outcome = { ...proxied(503), flags: "URX" };
        return done(outcome, plus(plus(plus(times(each, 2), took), WAY), WAY), attempts, outcome);
      }
      case "recovered": {
        const took = this.#own(planned);
        const first = { outcome: proxied(503), start: arrived, length: took };
        const again = plus(plus(plus(arrived, took), fixedUs(700)), BACK_OFF);
        const second = this.#answer(planned, exchange, again);
        const length = plus(plus(plus(plus(took, fixedUs(700)), BACK_OFF), second.length), plus(WAY, WAY));
        return done(second.outcome, length, [first, second], failureOf(second.outcome));
      }
      default: {
        const attempt = this.#answer(planned, exchange, arrived);
        return done(attempt.outcome, plus(plus(WAY, attempt.length), WAY), [attempt], failureOf(attempt.outcome));
      }
    }
  }

  /** An app's answer, with the calls that it takes. */
  #answer(planned: PlannedCall, exchange: Draft, start: Span): Attempt {
    const own = this.#own(planned);
    let length = times(own, BEFORE_CALLS);
    for (const call of planned.calls) {
      const made = this.#call(call, exchange, plus(start, length));
      length = plus(length, made.length);
      if (made.fails === undefined || call.call.optional === true) continue;
      return { outcome: passedOn(planned, made.fails), start, length: plus(length, PROXY) };
    }
    return { outcome: well(planned), start, length: plus(length, times(own, 1 - BEFORE_CALLS)) };
  }

  /** A request that nobody waits for to its end: every call under way is given up, one after the other. */
  #abandoned(planned: PlannedCall, parent: Draft | undefined, start: Span, within: Span | undefined): void {
    const exchange = draftOf(planned, parent, { kind: "ok" });
    this.#exchanges.push(exchange);
    const isOver = planned.service.protocol === "tcp";
    const length = within ?? times(this.#whole(planned), PATIENCE);
    const atCallee = plus(length, fixedUs(-300));
    exchange.outcome = isOver ? tcp : gone;
    exchange.timing = { start, length };
    exchange.attempts = [{ outcome: exchange.outcome, start: plus(start, WAY), length: atCallee }];
    const [first] = planned.calls;
    if (first === undefined || isOver) return;
    const before = times(this.#own(planned), BEFORE_CALLS * PATIENCE);
    const left = plus(atCallee, times(plus(before, fixedUs(400)), -1));
    this.#abandoned(first, exchange, plus(plus(start, WAY), before), left);
  }

  /** What a request would take if nothing went wrong. */
  #whole(planned: PlannedCall): Span {
    const calls = planned.calls.map((one) => this.#whole(one));
    return calls.reduce(plus, plus(plus(this.#own(planned), fixedUs(3_000)), plus(WAY, WAY)));
  }
}

const times = ({ fixed, scaled }: Span, factor: number): Span => ({ fixed: fixed * factor, scaled: scaled * factor });

function draftOf(planned: PlannedCall, parent: Draft | undefined, { kind }: Ending): Draft {
  const { call, caller, service, chosen, path } = planned;
  const isGrpc = service.protocol === "grpc";
  const callee = kind === "unreachable" ? undefined : chosen?.workload;
  const isBypassed = kind === "plaintext";
  const hasProxies = caller.proxy !== "none" && callee !== undefined && callee.proxy !== "none";
  const isTcp = service.protocol === "tcp";
  return {
    caller,
    service,
    callee,
    method: isGrpc ? "POST" : (call.method ?? "GET"),
    path,
    isMutual: hasProxies && !isBypassed && kind !== "identity-lost",
    isBypassed,
    isRefused: kind === "refused",
    subset: call.version,
    outcome: gone,
    timing: NO_TIME,
    attempts: [],
    requestBytes: call.requestBytes ?? (isGrpc ? 120 : isTcp ? 600 : 0),
    responseBytes: service.responseBytes,
    parent,
  };
}

const NO_TIME: Timing = { start: fixedUs(0), length: fixedUs(0) };

const proxied = (code: number): Outcome => ({ code, grpcStatus: undefined, flags: "-", details: "via_upstream" });
const tcp: Outcome = { code: 0, grpcStatus: undefined, flags: "-", details: "-" };
const gone: Outcome = { code: 0, grpcStatus: undefined, flags: "DC", details: "downstream_remote_disconnect" };
const closed: Outcome = { code: 0, grpcStatus: undefined, flags: "NR", details: "filter_chain_not_found" };
const unreachable: Outcome = {
  code: 503,
  grpcStatus: undefined,
  flags: "UF",
  details:
    "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}",
};

const grpc = ({ service }: PlannedCall, status: number): Partial<Outcome> =>
  service.protocol === "grpc" ? { code: 200, grpcStatus: status } : {};

function denied(planned: PlannedCall): Outcome {
  const { service, path } = planned;
  const policy = service.deny.includes(path)
    ? `ns[${service.namespace}]-policy[${service.name}-deny${path.replaceAll(/\W+/g, "-")}]-rule[0]`
    : "none";
  return { ...proxied(403), ...grpc(planned, 7), details: `rbac_access_denied_matched_policy[${policy}]` };
}

const limited = (planned: PlannedCall): Outcome => ({
  ...proxied(429),
  ...grpc(planned, 8),
  flags: "RL",
  details: "local_rate_limited",
});

function well({ service }: PlannedCall): Outcome {
  if (service.protocol === "tcp") return tcp;
  return service.protocol === "grpc" ? { ...proxied(200), grpcStatus: 0 } : proxied(200);
}

/** What an app answers whose own call failed: a refusal is passed on, a failure is a bad gateway. */
function passedOn({ service }: PlannedCall, { code, grpcStatus }: Outcome): Outcome {
  if (service.protocol === "grpc") return { ...proxied(200), grpcStatus: 14 };
  const isRefusal = grpcStatus === undefined && code >= 400 && code < 500;
  return proxied(isRefusal ? code : code === 504 ? 504 : 502);
}

const failureOf = (outcome: Outcome): Outcome | undefined => {
  const { code, grpcStatus, details } = outcome;
  if (grpcStatus !== undefined ? grpcStatus === 0 : code >= 200 && code < 400) return undefined;
  return details === "-" ? undefined : outcome;
};
