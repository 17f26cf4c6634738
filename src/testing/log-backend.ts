import { QueryError } from "../errors.ts";
import { systemEnvironment } from "../http/environment.ts";
import type {
  EntriesOptions,
  FollowOptions,
  LogBackend,
  LogFilter,
  LogLine,
  LogMeasure,
  LogPage,
  LogQuery,
  LogSeries,
} from "../logs/backend.ts";
import { LineMeasure, SeriesOf } from "../logs/elasticsearch/measure.ts";
import { lineTest } from "../logs/line-filter.ts";
import type { ServerDescription } from "../results/server-description.ts";
import { type AskOptions, shown } from "../time.ts";
import { inProcess, SIMULATED } from "./description.ts";
import type { EmittedLine, LineWriter, Telemetry } from "./telemetry.ts";

/** Access logs from a simulation. */
export const telemetryLogs = (telemetry: Telemetry, now: () => number): LogBackend => new TelemetryLogs(telemetry, now);

const NAME = "simulation";
const PER_CALL = 1_000;

class TelemetryLogs implements LogBackend {
  readonly name = NAME;
  readonly #telemetry: Telemetry;
  readonly #now: () => number;

  constructor(telemetry: Telemetry, now: () => number) {
    this.#telemetry = telemetry;
    this.#now = now;
  }

  async *entries(query: LogQuery, { perCall = PER_CALL, signal }: EntriesOptions = {}): AsyncGenerator<LogPage> {
    const { limit = Number.POSITIVE_INFINITY } = query;
    if (!(Number.isInteger(perCall) && perCall > 0)) {
      throw new QueryError("config", `${NAME}: perCall ${shown(perCall)} is not a whole, positive number`);
    }
    if (!(limit > 0 && (Number.isInteger(limit) || limit === Number.POSITIVE_INFINITY))) {
      throw new QueryError("range", `${NAME}: limit ${shown(limit)} is not a whole, positive number`);
    }
    signal?.throwIfAborted();
    let page: LogLine[] = [];
    let left = limit;
    for (const line of this.#lines(query, query, signal)) {
      page.push(line);
      left--;
      if (page.length < perCall && left > 0) continue;
      yield pageOf(page);
      signal?.throwIfAborted();
      page = [];
      if (left === 0) return;
    }
    if (page.length > 0) yield pageOf(page);
  }

  async measure(question: LogMeasure, { signal }: AskOptions = {}): Promise<LogSeries> {
    const { fromMs, toMs, stepMs, windowMs, filter } = question;
    if (!(fromMs <= toMs)) throw new QueryError("range", `${NAME}: the measurement ends before it begins`);
    if (fromMs !== toMs && !(stepMs > 0)) {
      throw new QueryError("step", `${NAME}: a step of ${shown(stepMs)} ms is not positive`);
    }
    signal?.throwIfAborted();
    const measured = new LineMeasure(question);
    // A window begins after its first instant and ends with its last.
    const span = {
      fromNs: nanoseconds(fromMs - windowMs) + 1n,
      toNs: nanoseconds(toMs) + 1n,
      order: "forward",
    } as const;
    for (const line of this.#lines(filter, span, signal)) measured.add(line);
    const series = new SeriesOf();
    measured.take(series.take);
    return { series: series.series(), warnings: [], complete: true };
  }

  async *follow(filter: LogFilter, options: FollowOptions = {}): AsyncGenerator<LogPage> {
    const { signal = NEVER, everyMs = 2_000 } = options;
    let fromNs = options.fromNs ?? nanoseconds(this.#now());
    for (;;) {
      signal.throwIfAborted();
      // Nothing comes late here, so what was looked at is done.
      const toNs = nanoseconds(this.#now());
      if (toNs > fromNs) {
        yield* this.entries({ ...filter, fromNs, toNs, order: "forward" }, options);
        fromNs = toNs;
      }
      await systemEnvironment.sleep(everyMs, signal);
    }
  }

  describe(options?: AskOptions): Promise<ServerDescription> {
    return inProcess(SIMULATED, options);
  }

  *#lines(
    filter: LogFilter,
    { fromNs, toNs, order }: Pick<LogQuery, "fromNs" | "order" | "toNs">,
    signal: AbortSignal | undefined,
  ): Iterable<LogLine> {
    const isWriter = lineTest({ origin: filter.origin });
    const isWanted = lineTest({ origin: {}, lines: filter.lines, fields: filter.fields });
    const isOf = (writer: LineWriter): boolean => isWriter({ line: "", origin: originOf(writer) });
    for (const emitted of this.#telemetry.lines(fromNs, toNs, order, isOf)) {
      signal?.throwIfAborted();
      const line = lineOf(emitted);
      if (isWanted(line)) yield line;
    }
  }
}

const NEVER = new AbortController().signal;

const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms * 1000)) * 1000n;

const pageOf = (entries: readonly LogLine[]): LogPage => ({ entries, missing: [], warnings: [], complete: true });

const originOf = ({ namespace, pod, container, app }: LineWriter) => ({ namespace, pod, container, app });

function lineOf(emitted: EmittedLine): LogLine {
  const origin = originOf(emitted);
  return { timestampNs: emitted.timeNs, line: emitted.text, origin, labels: origin };
}
