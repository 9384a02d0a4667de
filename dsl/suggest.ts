/**
 * Nearest names for "did you mean": the candidates within a small edit distance of what was written, best first.
 */

/** Edits (insert, delete, replace, swap of neighbours) from `a` to `b`; stops counting above `limit`. */
export function editDistance(a: string, b: string, limit = Infinity): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let previous: number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row: number[] = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    if (Math.min(...row) > limit) return limit + 1;
    before = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}

/** Up to `most` candidates that `wrong` may have meant. Short words tolerate one edit, longer ones a third of their length. */
export function nearestNames(wrong: string, candidates: Iterable<string>, most = 2): readonly string[] {
  // Longer names are no slip of the hand; the cap keeps garbage input cheap.
  const word = wrong.slice(0, 64).toLowerCase();
  const limit = Math.max(1, Math.floor(word.length / 3));
  const found: { readonly name: string; readonly distance: number }[] = [];
  for (const name of new Set(candidates)) {
    const other = name.slice(0, 64).toLowerCase();
    const partial = word.length >= 3 && (other.startsWith(word) || other.endsWith(`.${word}`) || (other.length >= 3 && word.startsWith(other)));
    const distance = Math.min(editDistance(word, other, limit), partial ? limit : Infinity);
    // One letter names are too alike to guess among.
    if (distance <= limit && (word.length > 1 || distance === 0) && (distance < other.length || partial)) found.push({ name, distance });
  }
  found.sort((x, y) => x.distance - y.distance || (x.name < y.name ? -1 : 1));
  return found.slice(0, most).map((f) => f.name);
}
