/**
 * What an interpreter of generated code finds wrong with it: faults of the program, never of the user's input. In: reports
 * while a program runs, a million a second if need be. Out: one entry for each (kind, statement, name), the first one in words,
 * with a count of the rest. A program without problems gives an empty list.
 */
import type { Origin } from '../../dsl/span.ts';

export type ProblemKind =
  /** The launch and the program do not fit: a missing value, a buffer too small, a grid that is no grid. */
  | 'launch'
  /** Outside a buffer, workgroup memory or a private array. */
  | 'outside'
  /** Two stores to one element within a run (tile programs), or of two lanes (kernel programs). */
  | 'store-twice'
  /** Read of an element that nothing has written. */
  | 'unwritten'
  /** Two lanes, one place, at least one write, nothing between them that orders them. */
  | 'race'
  /** A barrier that not every lane of the workgroup reaches together. */
  | 'divergent-barrier'
  /** A subgroup operation that not every lane reaches together. */
  | 'divergent-subgroup'
  /** Control flow declared uniform whose condition differs among lanes. */
  | 'not-uniform'
  /** A shuffle from a lane that does not take part, or from different lanes at once. */
  | 'shuffle'
  | 'division-by-zero'
  /** More steps than the budget; the run was given up. */
  | 'budget';

export interface Problem {
  readonly kind: ProblemKind;
  readonly message: string;
  /** The statement, on one line. */
  readonly place: string;
  readonly origin: Origin;
  /** How often it was seen. */
  readonly count: number;
}

export interface ProblemLog {
  /** `subject` (a buffer, a name, or '') and `statement` tell reports apart; texts are only made for the first of its kind. */
  readonly report: (kind: ProblemKind, statement: object, subject: string, origin: Origin, place: () => string, message: () => string) => void;
  readonly list: () => readonly Problem[];
}

/** An empty log. */
export function problemLog(): ProblemLog {
  const byStatement = new Map<object, Map<string, { first: Problem; count: number }>>();
  const order: { first: Problem; count: number }[] = [];
  return {
    report: (kind, statement, subject, origin, place, message) => {
      let entries = byStatement.get(statement);
      if (entries === undefined) {
        entries = new Map();
        byStatement.set(statement, entries);
      }
      const key = `${kind} ${subject}`;
      const known = entries.get(key);
      if (known !== undefined) {
        known.count += 1;
        return;
      }
      const entry = { first: { kind, message: message(), place: place(), origin, count: 1 }, count: 1 };
      entries.set(key, entry);
      order.push(entry);
    },
    list: () => order.map(({ first, count }) => ({ ...first, count })),
  };
}

/** One line for people: `race: lanes 1 and 2 ... (x3) in: store_shared ...`. */
export function printProblem(p: Problem): string {
  const times = p.count > 1 ? ` (${p.count} times)` : '';
  return `${p.kind}: ${p.message}${times} in: ${p.place}`;
}
