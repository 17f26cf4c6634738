const CHUNK = /\d+|\D+/g;

/**
 * Whether `a` comes before `b` where numbers within text count by their value: `node2` before `node10`.
 *
 * @see Prometheus, `sort_by_label`, which sorts so
 */
export function comesBefore(a: string, b: string): boolean {
  const left = a.match(CHUNK) ?? [];
  const right = b.match(CHUNK) ?? [];
  for (const [i, x] of left.entries()) {
    const y = right[i];
    if (y === undefined) return false;
    const m = wholeNumber(x);
    const n = wholeNumber(y);
    const isEqual = m !== undefined && n !== undefined ? m === n : x === y;
    if (!isEqual) return m !== undefined && n !== undefined ? m < n : x < y;
    // Where one ends with what they share, it is the first.
    if (i === left.length - 1) return true;
    if (i === right.length - 1) return false;
  }
  return false;
}

/** What fits into 64 bits. */
function wholeNumber(text: string): bigint | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const value = BigInt(text);
  return value < 2n ** 63n ? value : undefined;
}
