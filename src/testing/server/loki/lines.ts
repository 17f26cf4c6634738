import type { EmittedLine, LineWriter, Telemetry } from "../../telemetry.ts";
import { streamKey } from "./pipeline.ts";

/** The lines of a span as Loki keeps them: the same text of one stream and instant once. */
export function* linesOf(
  telemetry: Telemetry,
  fromNs: bigint,
  toNs: bigint,
  order: "backward" | "forward",
  isOf?: (writer: LineWriter) => boolean,
): Generator<EmittedLine> {
  const atOnce = new Set<string>();
  let lastNs: bigint | undefined;
  for (const line of telemetry.lines(fromNs, toNs, order, isOf)) {
    if (line.timeNs !== lastNs) atOnce.clear();
    lastNs = line.timeNs;
    const key = `${streamKey(line)}\n${line.text}`;
    if (atOnce.has(key)) continue;
    atOnce.add(key);
    yield line;
  }
}
