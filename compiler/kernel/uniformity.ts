/**
 * Which names of a kernel hold the same value in all lanes of a workgroup, by syntax alone, as a WGSL compiler sees it. In: a program.
 * Out: a test for expressions. What differs starts at lane numbers, workgroup memory, written storage and subgroup results, and spreads
 * through values, and through assignments under conditions that differ.
 */
import { unreachable } from '../../dsl/diagnostic.ts';
import type { KernelExpr, KernelProgram, KernelStmt } from './ir.ts';
import { subexpressions } from './walk.ts';

export interface Uniformity {
  /** Whether all lanes get the same value. */
  readonly uniform: (e: KernelExpr) => boolean;
}

interface Facts {
  readonly writable: ReadonlySet<string>;
  /** Variables and arrays that differ among lanes; grows until nothing changes. */
  readonly differing: Set<string>;
}

function uniform(f: Facts, e: KernelExpr): boolean {
  switch (e.kind) {
    case 'literal':
      return true;
    case 'ref':
      return !f.differing.has(e.name);
    case 'builtin':
      return e.name !== 'lane' && e.name !== 'subgroup_lane';
    case 'load':
      return !f.writable.has(e.storage) && uniform(f, e.index);
    case 'load_array':
      return !f.differing.has(e.array) && uniform(f, e.index);
    case 'load_shared':
    case 'shuffle':
    case 'shuffle_xor':
    case 'subgroup':
      return false;
    case 'unary':
    case 'binary':
    case 'fma':
    case 'select':
    case 'vec4':
    case 'extract':
      return subexpressions(e).every((x) => uniform(f, x));
    default:
      return unreachable(e);
  }
}

/** One pass over the statements; `together`: all lanes are here. */
function spread(f: Facts, body: readonly KernelStmt[], together: boolean): void {
  const differs = (name: string, values: readonly KernelExpr[]): void => {
    if (!together || !values.every((v) => uniform(f, v))) f.differing.add(name);
  };
  for (const s of body) {
    switch (s.kind) {
      case 'let':
      case 'var':
        // A new name is seen only where it was made: by the same lanes.
        if (!uniform(f, s.value)) f.differing.add(s.name);
        break;
      case 'array':
        if (!uniform(f, s.value)) f.differing.add(s.name);
        break;
      case 'assign':
        differs(s.name, [s.value]);
        break;
      case 'assign_array':
        differs(s.array, [s.index, s.value]);
        break;
      case 'if': {
        const same = together && uniform(f, s.cond);
        spread(f, s.then, same);
        spread(f, s.otherwise, same);
        break;
      }
      case 'for': {
        const bounds = uniform(f, s.from) && uniform(f, s.to);
        if (!bounds) f.differing.add(s.index);
        spread(f, s.body, together && bounds);
        break;
      }
      case 'while':
        spread(f, s.body, together && uniform(f, s.cond));
        break;
      case 'load_matrix':
      case 'load_words':
        s.names.forEach((n) => f.differing.add(n));
        break;
      case 'mma':
        s.sums.forEach((n) => f.differing.add(n));
        break;
      case 'store':
      case 'store_shared':
      case 'copy_async':
      case 'copy_commit':
      case 'copy_wait':
      case 'barrier':
      case 'comment':
        break;
      default:
        return unreachable(s);
    }
  }
}

/** Analyses a program. A name that is declared in several blocks is uniform only if it is in all of them. */
export function uniformityOf(program: KernelProgram): Uniformity {
  const f: Facts = { writable: new Set(program.storage.filter((s) => s.access === 'write').map((s) => s.name)), differing: new Set() };
  for (let before = -1; before !== f.differing.size; ) {
    before = f.differing.size;
    spread(f, program.body, true);
  }
  return { uniform: (e) => uniform(f, e) };
}
