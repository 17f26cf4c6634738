/**
 * Node's REPL with a `mesh` in it, where a question that is a line's value is asked and shown:
 *
 *   npx tsx examples/repl.ts --prometheus http://localhost:9090
 *
 *   mesh> edge("frontend", "backend").success("5m")
 *   99.1 % …
 *   mesh> const rate = edge("frontend", "backend").rate("5m")    nothing is asked yet
 *   mesh> rate.over({ last: "6h" })
 *
 * Tab completes, Ctrl-C ends a question that takes too long, `_` is the last answer.
 */
import { once } from "node:events";
import { homedir } from "node:os";
import { join } from "node:path";
import { start, writer } from "node:repl";
import { inspect, parseArgs } from "node:util";
import * as meshquery from "meshquery";
import * as alerts from "meshquery/alerts";
import { BACKEND_FLAGS, meshFrom } from "./backends.ts";

const { values: given } = parseArgs({ options: { ...BACKEND_FLAGS } });

const mesh = meshFrom(given);
const repl = start({
  prompt: "mesh> ",
  preview: false,
  // What is wrong with a question is said in its message; a stack of the library helps nobody who asks.
  writer: (value) =>
    value instanceof meshquery.MeshQueryError ? `${value.name}: ${value.message}` : inspect(value, writer.options),
});
const names = {
  mesh,
  edge: mesh.edge.bind(mesh),
  service: mesh.service.bind(mesh),
  workload: mesh.workload.bind(mesh),
  ...meshquery,
  ...alerts,
};
for (const [name, value] of Object.entries(names)) {
  Object.defineProperty(repl.context, name, { value, configurable: true, enumerable: true, writable: true });
}
if (process.stdin.isTTY) repl.setupHistory(join(homedir(), ".meshquery_history"), () => {});

const evaluate = repl.eval;
/** The question under way; lines that come meanwhile, as from a pipe, wait for it. */
let asking: Promise<void> | undefined;
const run: typeof evaluate = (code, context, file, done) => {
  if (asking !== undefined) return void asking.then(() => run.call(repl, code, context, file, done));
  evaluate.call(repl, code, context, file, (error, value: unknown) => {
    if (error !== null || !isQuestion(value)) return done(error, value);
    const shown = answer(value).then(
      (result) => done(null, result),
      (reason: Error) => done(reason, undefined),
    );
    asking = shown.finally(() => {
      asking = undefined;
    });
  });
};
Object.assign(repl, { eval: run });

/** A question that was not asked yet, or an answer that is on its way. */
function isQuestion(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** What comes of a question, unless Ctrl-C gives it up before. */
async function answer(question: PromiseLike<unknown>): Promise<unknown> {
  const over = new AbortController();
  const givenUp = once(repl, "SIGINT", { signal: over.signal }).then(() => Promise.reject(new Error("given up")));
  try {
    return await Promise.race([question, givenUp]);
  } finally {
    over.abort();
  }
}
