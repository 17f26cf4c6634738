/**
 * Watches a service and tells a chat room through a webhook such as Slack's, with the evidence:
 *
 *   SLACK_WEBHOOK_URL=https://hooks.slack.com/services/… npx tsx examples/webhook-alert.ts --service backend --state /var/lib/alerts
 *
 * Without that variable, which is a secret, messages are printed. A simulated mesh plays `--hours 0.5` of its time at once.
 */
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createMesh } from "meshquery";
import {
  type AlertNotification,
  type AlertSink,
  alert,
  fileStore,
  memoryStore,
  text,
  valueAs,
  type WatchClock,
} from "meshquery/alerts";
import { simulatedMesh } from "meshquery/testing";
import { BACKEND_FLAGS, namedBackends } from "./backends.ts";

const { values: given } = parseArgs({
  options: {
    ...BACKEND_FLAGS,
    service: { type: "string", default: "backend" },
    below: { type: "string", default: "97%" },
    state: { type: "string" },
    hours: { type: "string", default: "0.5" },
  },
});
const room = process.env.SLACK_WEBHOOK_URL || undefined;

const backends = namedBackends(given);
/** How long evidence may take to come. A simulated mesh makes it then and there, on whatever machine. */
const PATIENCE_MS = backends === undefined ? 60_000 : 10_000;
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
const { clock, ...asked } = backends === undefined ? simulatedTime() : { clock: undefined, ...backends };
const mesh = createMesh(asked);
const service = mesh.service(given.service);

const failing = alert("ServiceFailing", service.success("2m").below(given.below as `${number}%`))
  .for("2m")
  .keepFiringFor("2m")
  .minTraffic(1)
  .severity("page")
  .annotations({ summary: text`${given.service}: only ${valueAs("percentage")} of the requests succeed` });

const chat: AlertSink = {
  name: "chat",
  mostAtOnce: 1,
  // What throws here is told again, until the room has taken it.
  send: async (notifications, { signal }) => {
    for (const one of notifications) await post({ text: await message(one, signal) }, signal);
  },
};

await failing.watch({
  every: "30s",
  sinks: [chat],
  scope: service,
  // Across restarts nobody is told twice, and what fires goes on firing.
  store: given.state === undefined ? memoryStore() : fileStore(given.state),
  deliverWithinMs: PATIENCE_MS + 20_000,
  onError: ({ stage, error }) => console.error(`${stage}: ${error instanceof Error ? error.message : error}`),
  signal: stop.signal,
  ...(clock && { clock }),
}).done;

async function message(one: AlertNotification, signal: AbortSignal): Promise<string> {
  const at = new Date(one.resolvedAtMs ?? one.firedAtMs).toISOString();
  if (one.state === "resolved") return `:white_check_mark: *${one.rule}* is resolved (${one.because}), ${at}`;
  const { explanation, traces, entries, missing } = await one.evidence({ signal, timeoutMs: PATIENCE_MS, examples: 2 });
  const findings = (explanation?.findings ?? []).slice(0, 3).map((finding) => `• ${mrkdwn(finding.message)}`);
  const trace = traces?.[0];
  const line = entries?.[0];
  return [
    `:rotating_light: *${one.rule}* fires, ${at}`,
    mrkdwn(one.annotations.summary ?? ""),
    ...findings,
    ...(trace === undefined ? [] : [`trace \`${trace.id}\`, ${trace.durationMs.toFixed(0)} ms`]),
    ...(line === undefined ? [] : [`\`${mrkdwn(line.raw.slice(0, 200)).replaceAll("`", "'")}\``]),
    ...missing.map(({ part }) => `_${part} could not be asked_`),
  ].join("\n");
}

/** Names come from the network: none of them may become a link or a mention. */
function mrkdwn(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

async function post(body: { readonly text: string }, signal: AbortSignal): Promise<void> {
  if (room === undefined) return console.log(`${body.text}\n`);
  const headers = { "content-type": "application/json" };
  const response = await fetch(room, { method: "POST", headers, body: JSON.stringify(body), signal });
  // The URL is the secret, so no error of ours shows it.
  if (!response.ok) throw new Error(`the chat room answered ${response.status}`);
}

/** A simulated mesh whose clock runs as fast as the watcher does, and stops it in the end. */
function simulatedTime() {
  const began = Date.parse(given.at ?? "2026-11-20T13:00:00Z");
  const endMs = began + 3_600_000 * Number(given.hours);
  let nowMs = began;
  const clock: WatchClock = {
    now: () => nowMs,
    sleep: async (ms, signal) => {
      await wait(0, undefined, { signal });
      nowMs += ms;
      if (nowMs > endMs) stop.abort();
    },
  };
  return { ...simulatedMesh({ seed: Number(given.seed ?? 7), now: () => nowMs }).backends(), clock };
}
