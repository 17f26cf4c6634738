import { createHash } from "node:crypto";
import { type HttpOptions, httpClient } from "../http/client.ts";
import { refusal } from "../http/refusal.ts";
import { type Duration, durationMs, formatInstant } from "../time.ts";
import type { AlertEvidence, EvidenceOptions } from "./evidence.ts";
import type { AlertChange } from "./notification.ts";

/** What a sink is told: an alert that began to fire or was resolved, as of an evaluation. */
export interface AlertNotification extends AlertChange {
  /** The evaluation at which it is told. */
  readonly asOfMs: number;
  /** How often the rule is evaluated. */
  readonly everyMs: number;
  /** What the scope's signals say about its time: asked for when this is called, and not before. */
  evidence(options?: EvidenceOptions): Promise<AlertEvidence>;
}

/** Where notifications go. */
export interface AlertSink {
  /** By which the store remembers what it has acknowledged; the same one after a restart. */
  readonly name: string;
  /** How many notifications one `send` takes; they are acknowledged together. */
  readonly mostAtOnce: number;
  /** For a receiver that forgets what it is not told again: how often. */
  readonly resendMs?: number | undefined;
  /** Resolves where the receiver has them; anything thrown means that they are told again. */
  send(notifications: readonly AlertNotification[], options: { readonly signal: AbortSignal }): Promise<void>;
}

/** How an Alertmanager is told. */
export interface AlertmanagerOptions extends HttpOptions {
  /** How often it is told again what still fires; `"1m"` when left out, as Prometheus does. */
  readonly resendDelay?: Duration | undefined;
}

/**
 * Prometheus's Alertmanager, by its API v2: told what fires and what is resolved, again and again as it wants it.
 *
 * A firing alert ends, for it, four intervals after the evaluation unless it is told again, so that one whose watcher is
 * gone goes away by itself.
 *
 * @param url with the path where it is below one: `"http://alertmanager:9093"`
 * @throws {QueryError} `code: "config"` for options that cannot be meant
 * @see Prometheus, `rules/alerting.go`, `needsSending` and `ValidUntil`
 * @example
 * const failing = alert("BackendFailing", mesh.service("backend").success("5m").below("99%")).for("10m");
 * const watched = failing.watch({ every: "30s", sinks: [alertmanager("http://alertmanager:9093")] });
 * process.once("SIGTERM", () => watched.stop());
 */
export function alertmanager(url: string, { resendDelay = "1m", ...http }: AlertmanagerOptions = {}): AlertSink {
  const client = httpClient("alertmanager", url, http);
  const resendMs = durationMs(resendDelay, "alertmanager: resendDelay");
  return Object.freeze({
    name: `alertmanager ${client.origin}`,
    mostAtOnce: 64,
    resendMs,
    send: async (notifications: readonly AlertNotification[], { signal }: { readonly signal: AbortSignal }) => {
      const json = notifications.map(({ labels, annotations, firedAtMs, resolvedAtMs, asOfMs, everyMs }) => ({
        labels,
        annotations,
        startsAt: formatInstant(firedAtMs),
        endsAt: formatInstant(resolvedAtMs ?? asOfMs + 4 * Math.max(everyMs, resendMs)),
      }));
      const response = await client.send({ method: "POST", path: "/api/v2/alerts", json, idempotent: true, signal });
      if (response.status !== 200) throw refusal(response, { backend: "alertmanager" });
    },
  });
}

/**
 * Any HTTP receiver: each notification is POSTed once as JSON, with its id as `idempotency-key` too, until an answer
 * from 200 to 299 acknowledges it. The path may be a secret, as chat rooms have it: no error, log or span shows it, and
 * a store keeps a fingerprint of it.
 *
 * @throws {QueryError} `code: "config"` for options that cannot be meant
 * @example
 * webhook("https://pager.example/hooks/mesh", { auth: { bearer: () => process.env.PAGER_TOKEN ?? "" } })
 */
export function webhook(url: string, options: HttpOptions = {}): AlertSink {
  const whole = URL.canParse(url) ? new URL(url) : undefined;
  const path = whole?.pathname ?? "/";
  if (whole !== undefined) whole.pathname = "/";
  const client = httpClient("webhook", whole?.href ?? url, options);
  return Object.freeze({
    name: `webhook ${client.origin} ${createHash("sha256").update(path).digest("hex").slice(0, 12)}`,
    mostAtOnce: 1,
    send: async (notifications: readonly AlertNotification[], { signal }: { readonly signal: AbortSignal }) => {
      for (const { id, state, rule, labels, annotations, value, because, ...times } of notifications) {
        const json = {
          id,
          state,
          rule,
          labels,
          annotations,
          value: Number.isFinite(value) ? value : String(value),
          activeAt: formatInstant(times.activeAtMs),
          firedAt: formatInstant(times.firedAtMs),
          ...(times.resolvedAtMs === undefined ? {} : { resolvedAt: formatInstant(times.resolvedAtMs), because }),
        };
        const headers = { "idempotency-key": id };
        const to = { method: "POST", path, isSecretPath: true } as const;
        const response = await client.send({ ...to, json, headers, idempotent: true, signal });
        if (response.status < 200 || response.status > 299) throw refusal(response, { backend: "webhook" });
      }
    },
  });
}
