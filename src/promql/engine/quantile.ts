/**
 * The quantile of `count` values at the front of `values`, which are sorted by this. NaN counts as the least of all.
 * Between two values it is their weighted mean.
 */
export function quantileOf(q: number, values: Float64Array, count: number): number {
  if (count === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const part = values.subarray(0, count).sort();
  let numbers = count;
  while (numbers > 0 && Number.isNaN(part[numbers - 1])) numbers--;
  const missing = count - numbers;
  // Sorting puts NaN behind all numbers.
  const at = (i: number): number => (i < missing ? Number.NaN : (part[i - missing] ?? Number.NaN));
  const rank = q * (count - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(count - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return weight === 0 ? at(lower) : at(lower) * (1 - weight) + at(upper) * weight;
}
