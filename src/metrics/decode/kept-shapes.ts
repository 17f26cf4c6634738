import { JsonScanner } from "./json-scanner.ts";
import { LabelReader } from "./labels.ts";
import { SampleReader } from "./sample-reader.ts";

let kept: readonly object[] | undefined;

/**
 * Keeps one of each object that a decoder works with, from the first answer on.
 *
 * V8 throws compiled code away with the last object of a shape that it knows. Without these, a full collection between
 * two answers would leave the second to the interpreter again, which takes several times as long.
 */
export function keepShapes(): void {
  if (kept !== undefined) return;
  const scan = new JsonScanner(new Uint8Array(0), { backend: "", query: "" });
  kept = [scan, new LabelReader(scan), new SampleReader(scan)];
}
