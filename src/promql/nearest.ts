/** The word that `written` was likely meant to be, `undefined` where none is near. */
export function nearest(written: string, words: Iterable<string>): string | undefined {
  const text = written.toLowerCase();
  let best: string | undefined;
  // A third of the letters may be wrong; with more the guess is rather a distraction.
  let least = Math.max(1, Math.floor(text.length / 3)) + 1;
  for (const word of words) {
    const edits = distance(text, word, least);
    if (edits < least) {
      least = edits;
      best = word;
    }
  }
  return best;
}

/** Letters to add, drop, replace or swap with the next, as far as they are fewer than `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let older: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min((last[j - 1] ?? 0) + (same ? 0 : 1), (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, (older[j - 2] ?? limit) + 1);
      row.push(edits);
    }
    older = last;
    last = row;
  }
  return last[b.length] ?? limit;
}
