/** All apps of the mesh in one process: `tsx apps.ts <journal directory>`. */
import { Agent } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { GrpcClient, startGrpcApp } from "./grpc-app.ts";
import { type Asked, type Handler, type Reply, startHttpApp } from "./http-app.ts";
import { forwardedHeaders, sendHttp } from "./http-client.ts";
import { Journal } from "./journal.ts";
import { sendTcp, startTcpApp } from "./tcp-app.ts";
import { serviceNamed, type Workload, workloadNamed, workloads } from "./topology.ts";

const [journalDirectory] = process.argv.slice(2);
if (journalDirectory === undefined) throw new Error("apps: give the journal directory as the only argument");

const attempts = attemptCounter();
for (const workload of workloads.filter((each) => each.serves !== undefined && each.name !== "frontend")) {
  const journal = new Journal(journalDirectory, workload.name);
  const { protocol } = serviceNamed(workload.serves ?? workload.name);
  if (protocol === "grpc") await startGrpcApp(workload, journal);
  else if (protocol === "tcp") await startTcpApp(workload, journal);
  else await startHttpApp(workload, journal, leaf(workload));
}
// The frontend comes last: once it answers, everything does.
const frontend = workloadNamed("frontend");
const frontendJournal = new Journal(journalDirectory, "frontend");
await startHttpApp(frontend, frontendJournal, callOn(frontendJournal));

/**
 * Answers by itself: `ms`, `code`, `bytes`, and `failures`: how many attempts at one call fail first; `ms-v2` is what
 * version v2 takes instead.
 */
function leaf({ version }: Workload): Handler {
  return async ({ query, call, signal }: Asked): Promise<Reply> => {
    await sleep(Number(query.get(`ms-${version}`) ?? query.get("ms") ?? 0), undefined, { signal });
    const failing = Number(query.get("failures") ?? 0) >= attempts(call);
    return { code: failing ? 503 : Number(query.get("code") ?? 200), bytes: Number(query.get("bytes") ?? 2) };
  };
}

/** Calls `to` through the proxy and answers with what came back. */
function callOn(journal: Journal): Handler {
  const agent = new Agent({ keepAlive: true });
  const { outbound, outboundTcp } = frontend.ports;
  const grpc = new GrpcClient(journal, outbound);
  return async ({ query, headers, call, signal }: Asked): Promise<Reply> => {
    const to = query.get("to");
    if (to === null) return { code: 200, bytes: 2 };
    const number = (name: string): number => Number(query.get(name) ?? 0);
    const forwarded = forwardedHeaders(headers);
    if (to === "ledger") {
      await sendTcp({
        journal,
        port: outboundTcp,
        service: to,
        call,
        sendBytes: number("send"),
        bytes: number("bytes"),
      });
      return { code: 200, bytes: 2 };
    }
    if (to === "recommender") {
      const status = await grpc.send({
        service: to,
        authority: "recommender:9555",
        call,
        headers: forwarded,
        ms: number("ms"),
        status: number("status"),
        sendBytes: number("send"),
        bytes: number("bytes"),
      });
      return { code: status === undefined ? 502 : 200, bytes: 2 };
    }
    const answer = await sendHttp({
      journal,
      agent,
      port: outbound,
      service: to,
      authority: to === "nowhere" ? "nowhere.example:80" : `${to}:${serviceNamed(to).port}`,
      path: query.get("path") ?? "/",
      call,
      headers: forwarded,
      sendBytes: number("send"),
      signal,
    });
    if (signal.aborted) throw new Error("the caller has gone");
    return { code: answer.code === 0 ? 502 : answer.code, bytes: 2 };
  };
}

/** Counts the attempts at each call, from 1; a retry is the same call again, perhaps at another version. */
function attemptCounter(): (call: string) => number {
  const counts = new Map<string, number>();
  return (call) => {
    const count = (counts.get(call) ?? 0) + 1;
    counts.set(call, count);
    return count;
  };
}
