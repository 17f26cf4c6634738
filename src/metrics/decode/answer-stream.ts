import { DecodeError } from "../../errors.ts";
import type { LabelSet } from "../../results/labels.ts";
import type { SeriesData } from "../backend.ts";
import { type DecodedAnswer, decodeAnswer, type Remarks, remarkReaders } from "./answer.ts";
import { copiedAnswer } from "./copied-answer.ts";
import type { AnswerContext } from "./decode-error.ts";
import { CLOSE_ARRAY, CLOSE_OBJECT, COLON, JsonScanner, OPEN_ARRAY, OPEN_OBJECT } from "./json-scanner.ts";
import { keepShapes } from "./kept-shapes.ts";
import { LabelReader } from "./labels.ts";
import { type Columns, SampleReader } from "./sample-reader.ts";
import { type HistogramSample, readHistogramSample } from "./samples.ts";

/** What is read next, and where everything before it is done with. */
type Step = "element" | "first" | "head" | "histogram" | "key" | "more" | "next" | "samples" | "tail" | "whole";

/** Longer than any head of an answer that is worth waiting for. */
const LONGEST_HEAD = 64 * 1024;
const NO_COLUMNS: Columns = { timesMs: new Float64Array(0), values: new Float64Array(0) };

/**
 * Decodes the answer to a range query while its bytes arrive: what is held is the columns that are read, and of the
 * bytes no more than begins a sample or a set of labels.
 *
 * It gives what {@link decodeAnswer} gives of all the bytes at once, errors included, with two differences that no
 * server's answer shows: a series of the wrong shape is an error at once, whatever follows it, and so is a second
 * `data`, `result` or `resultType` after the first was read. An answer that does not begin as a successful matrix does
 * (a failure, a vector) is kept and decoded at its end.
 */
export class AnswerStream {
  readonly #context: AnswerContext;
  readonly #scan: JsonScanner;
  readonly #labels: LabelReader;
  readonly #samples: SampleReader;
  readonly #series: SeriesData[] = [];
  /** Bytes that have come and are not yet looked at. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  /** Bytes that were looked at and are to be read again when more have come. */
  #unread = 0;
  #step: Step = "head";
  #remarks: Remarks = {};
  #metric: LabelSet | undefined;
  #columns: Columns | undefined;
  #histograms: HistogramSample[] | undefined;
  #answer: DecodedAnswer | undefined;
  /** The error after which nothing more is read. */
  #broken: DecodeError | undefined;

  constructor(context: AnswerContext) {
    keepShapes();
    this.#context = context;
    this.#scan = new JsonScanner(new Uint8Array(0), context);
    this.#labels = new LabelReader(this.#scan);
    this.#samples = new SampleReader(this.#scan);
  }

  /**
   * Takes the bytes that come next; they may not change afterwards.
   *
   * @throws {DecodeError} as soon as no further bytes could make an answer of them
   */
  push(bytes: Uint8Array): void {
    if (this.#broken !== undefined) throw this.#broken;
    if (bytes.length === 0) return;
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    // Reading again what is cut short pays once as much again has come, so that no byte is read often.
    if (this.#step !== "whole" && this.#pendingBytes >= this.#unread) this.#advance(false);
  }

  /**
   * The answer, after all bytes were taken. Who asks once more, since several share the question, has columns of its own.
   *
   * @throws {DecodeError} when they are not a whole answer
   */
  end(): DecodedAnswer {
    if (this.#answer !== undefined) return copiedAnswer(this.#answer);
    this.#answer = this.#end();
    return this.#answer;
  }

  #end(): DecodedAnswer {
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#step !== "whole") this.#advance(true);
    if (this.#step === "whole") return decodeAnswer(joined(this.#pending), this.#context);
    const { warnings, infos, isPartial } = this.#remarks;
    return {
      status: "success",
      data: { kind: "matrix", series: this.#series },
      warnings: warnings ?? [],
      infos: infos ?? [],
      partial: isPartial ?? false,
    };
  }

  #advance(last: boolean): void {
    const scan = this.#scan;
    const more = joined(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      scan.refill(more, last);
      this.#labels.forget();
      while (this.#read(last)) scan.mark = scan.at;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      if (this.#step === "head" && (last || error.code !== "truncated" || scan.bytes.length > LONGEST_HEAD)) {
        this.#keep();
      } else if (last || error.code !== "truncated") {
        this.#broken = error;
        throw error;
      }
    }
    this.#unread = scan.bytes.length - scan.mark;
  }

  /** Gives up reading on the way: all bytes, those that have come included, are decoded at the end. */
  #keep(): void {
    this.#step = "whole";
    this.#pending = [this.#scan.bytes];
  }

  /** Reads one step further; false where nothing is left to read, or what is left may be cut short. */
  #read(last: boolean): boolean {
    const scan = this.#scan;
    if (scan.at >= scan.safeEnd && this.#step !== "head") return false;
    switch (this.#step) {
      case "whole":
        return false;
      case "head":
        if (!this.#readHead()) {
          this.#keep();
          return false;
        }
        this.#step = "first";
        return true;
      case "first":
        scan.demand(OPEN_ARRAY, "an array of series");
        this.#step = scan.take(CLOSE_ARRAY) ? "tail" : "element";
        return true;
      case "element":
        scan.demand(OPEN_OBJECT, "a series");
        if (scan.take(CLOSE_OBJECT)) scan.fail("shape", 'a series needs "metric"');
        this.#step = "key";
        return true;
      case "key":
        this.#step = this.#readKey();
        return true;
      case "samples":
        if (!this.#samples.readOn()) return false;
        this.#columns = this.#samples.columns();
        this.#step = "more";
        return true;
      case "histogram":
        this.#readHistogram();
        return true;
      case "more":
        if (scan.more(CLOSE_OBJECT)) {
          this.#step = "key";
        } else {
          this.#finish();
          this.#step = "next";
        }
        return true;
      case "next":
        this.#step = scan.more(CLOSE_ARRAY) ? "element" : "tail";
        return true;
      case "tail":
        if (last) this.#readTail();
        return false;
    }
  }

  /** Reads up to the result; false where this is no matrix that can be read on the way. */
  #readHead(): boolean {
    const scan = this.#scan;
    const remarks: Remarks = {};
    let status = "";
    scan.demand(OPEN_OBJECT, "an answer");
    do {
      const key = scan.key();
      scan.expect(COLON);
      if (key === "status") status = scan.string("a status");
      else if (key !== "data") this.#readRemark(key, remarks);
      else {
        this.#remarks = remarks;
        return status === "success" && this.#readDataHead();
      }
    } while (scan.more(CLOSE_OBJECT));
    return false;
  }

  #readDataHead(): boolean {
    const scan = this.#scan;
    let resultType = "";
    scan.demand(OPEN_OBJECT, "data with a result type and a result");
    do {
      const key = scan.key();
      scan.expect(COLON);
      if (key === "resultType") resultType = scan.string("a result type");
      else if (key !== "result") scan.skip();
      else return resultType === "matrix" && scan.peek() === OPEN_ARRAY;
    } while (scan.more(CLOSE_OBJECT));
    return false;
  }

  #readKey(): Step {
    const scan = this.#scan;
    const key = scan.key();
    scan.expect(COLON);
    switch (key) {
      case "metric":
        this.#metric = scan.literal("null") ? {} : this.#labels.read();
        return "more";
      case "values":
        this.#columns = undefined;
        if (scan.literal("null")) return "more";
        if (this.#samples.open()) return "samples";
        this.#columns = NO_COLUMNS;
        return "more";
      case "histograms":
        this.#histograms = undefined;
        if (scan.literal("null")) return "more";
        scan.demand(OPEN_ARRAY, "an array of histograms");
        this.#histograms = [];
        return scan.take(CLOSE_ARRAY) ? "more" : "histogram";
      default:
        scan.skip();
        return "more";
    }
  }

  #readHistogram(): void {
    const scan = this.#scan;
    const start = scan.at;
    const sample = readHistogramSample(scan);
    const more = scan.more(CLOSE_ARRAY);
    const before = this.#histograms?.at(-1)?.timeMs ?? Number.NEGATIVE_INFINITY;
    if (sample.timeMs < before) scan.fail("shape", "a series' histograms must be in order of time", start);
    this.#histograms?.push(sample);
    if (!more) this.#step = "more";
  }

  #finish(): void {
    const labels = this.#metric;
    const columns = this.#columns;
    const histograms = this.#histograms;
    if (labels === undefined) this.#scan.fail("shape", 'a series needs "metric"');
    if (columns === undefined && histograms === undefined) {
      this.#scan.fail("shape", 'a series needs "values" or "histograms"');
    }
    this.#series.push({ labels, ...(columns ?? NO_COLUMNS), ...(histograms && { histograms }) });
    this.#metric = undefined;
    this.#columns = undefined;
    this.#histograms = undefined;
  }

  #readTail(): void {
    const scan = this.#scan;
    while (scan.more(CLOSE_OBJECT)) {
      this.#keyAfter("result", "resultType");
      scan.skip();
    }
    while (scan.more(CLOSE_OBJECT)) this.#readRemark(this.#keyAfter("data", "status"), this.#remarks);
    scan.end();
  }

  #keyAfter(...read: readonly string[]): string {
    const scan = this.#scan;
    const key = scan.key();
    if (read.includes(key)) scan.fail("shape", `"${key}" came twice`);
    scan.expect(COLON);
    return key;
  }

  #readRemark(key: string, remarks: Remarks): void {
    const scan = this.#scan;
    const readers = remarkReaders(scan);
    const name = key as keyof typeof readers;
    if (!Object.hasOwn(readers, key)) scan.skip();
    else if (scan.literal("null")) delete remarks[name];
    else Object.assign(remarks, { [name]: readers[name]() });
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : Buffer.concat(parts);
}
