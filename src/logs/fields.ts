/** The fields of an access log entry, as places in a parser's tables. */
export const FIELD = {
  startTime: 0,
  method: 1,
  path: 2,
  protocol: 3,
  code: 4,
  flags: 5,
  codeDetails: 6,
  terminationDetails: 7,
  transportFailure: 8,
  bytesReceived: 9,
  bytesSent: 10,
  duration: 11,
  serviceTime: 12,
  forwardedFor: 13,
  userAgent: 14,
  requestId: 15,
  authority: 16,
  upstreamHost: 17,
  cluster: 18,
  upstreamLocal: 19,
  downstreamLocal: 20,
  downstreamRemote: 21,
  serverName: 22,
  routeName: 23,
  grpcStatus: 24,
  traceId: 25,
  error: 26,
  direction: 27,
  sourceWorkload: 28,
  sourceNamespace: 29,
  sourceService: 30,
  sourcePrincipal: 31,
  sourceCluster: 32,
  destinationWorkload: 33,
  destinationNamespace: 34,
  destinationService: 35,
  destinationPrincipal: 36,
  destinationCluster: 37,
} as const;

/** One of {@link FIELD}. */
export type Field = (typeof FIELD)[keyof typeof FIELD];

/** How many fields there are. */
export const FIELD_COUNT = Object.keys(FIELD).length;

/**
 * What a line says, field by field, whatever its format.
 *
 * A field that the format lacks, or for which the proxy wrote `-`, `null` or nothing, is `undefined`.
 */
export interface LineFields {
  text(field: Field): string | undefined;
  /** The field as a number; `undefined` also where it is none. */
  number(field: Field): number | undefined;
  /** Epoch nanoseconds of the start of the request, and the same in milliseconds; `undefined` where it is no time. */
  startNs(): bigint | undefined;
  startMs(): number | undefined;
  /** What no field stands for, by the format's own name for it. */
  extra(): Readonly<Record<string, unknown>>;
}

/** The text unless it stands for "nothing". */
export const present = (text: string): string | undefined =>
  text.length > 1 || (text.length === 1 && text.charCodeAt(0) !== DASH) ? text : undefined;

const DASH = 45;

/** The number that all of the text from `start` to `end` writes in decimal digits, maybe with a fraction. */
export function decimal(text: string, start: number, end: number): number | undefined {
  const length = end - start;
  if (length === 0 || length > 9) return longDecimal(text, start, end);
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return longDecimal(text, start, end);
    value = (value * 10 + digit) | 0;
  }
  return value;
}

function longDecimal(text: string, start: number, end: number): number | undefined {
  const digits = text.slice(start, end);
  return /^\d+(?:\.\d+)?$/.test(digits) ? Number(digits) : undefined;
}
