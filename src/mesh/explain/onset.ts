/**
 * When a course left its earlier level for its later one: the first instant from which on it stays nearer to the later;
 * `undefined` where it never does, or always did.
 */
export function onsetOf(
  { timesMs, values }: { readonly timesMs: Float64Array; readonly values: Float64Array },
  before: number,
  after: number,
): number | undefined {
  const isLater = (value: number) => Math.abs(value - after) < Math.abs(value - before);
  let onset: number | undefined;
  let away = 0;
  for (let i = values.length - 1; i >= 0; i--) {
    if (isLater(values[i] as number)) {
      onset = timesMs[i];
      away = 0;
      // One scrape that missed is no end.
    } else if (++away > 1) break;
  }
  return onset === timesMs[0] ? undefined : onset;
}
