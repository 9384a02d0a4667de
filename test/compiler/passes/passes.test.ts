/** Barriers, dead code, inlining, branches and chains of assignments on small kernels written by hand. */
import { describe, expect, it } from 'vitest';
import { bin, f32, i32, lane, pick, refer } from '../../../compiler/kernel/build.ts';
import type { KernelExpr, KernelProgram, KernelStmt } from '../../../compiler/kernel/ir.ts';
import { printKernel } from '../../../compiler/kernel/print.ts';
import { chainAssignments } from '../../../compiler/passes/chain-assignments.ts';
import { flattenBranches } from '../../../compiler/passes/flatten-branches.ts';
import { placeBarriers } from '../../../compiler/passes/place-barriers.ts';
import { simplifyKernel } from '../../../compiler/passes/simplify.ts';
import { originOf } from '../../../dsl/span.ts';

const origin = originOf({ file: 'test.fil', start: 0, end: 1 });
const letOf = (name: string, value: KernelExpr): KernelStmt => ({ kind: 'let', name, type: value.type, value, origin });
const varOf = (name: string, value: KernelExpr): KernelStmt => ({ kind: 'var', name, type: value.type, value, origin });
const set = (name: string, value: KernelExpr): KernelStmt => ({ kind: 'assign', name, value, origin });
const put = (shared: string, index: KernelExpr, value: KernelExpr): KernelStmt => ({ kind: 'store_shared', shared, index, value, origin });
const get = (shared: string, index: KernelExpr): KernelExpr => ({ kind: 'load_shared', type: 'f32', shared, index });
const loop = (body: readonly KernelStmt[], uniform = true): KernelStmt => ({ kind: 'for', index: 'turn', from: i32(0), to: i32(4), step: 1, uniform, body, origin });
const when = (cond: KernelExpr, then: readonly KernelStmt[], uniform: boolean): KernelStmt => ({ kind: 'if', cond, uniform, then, otherwise: [], origin });
const out = (value: KernelExpr): KernelStmt => ({ kind: 'store', storage: 'out', index: lane, value, origin });
const f = (name: string): KernelExpr => refer(name, 'f32');

function kernel(body: readonly KernelStmt[]): KernelProgram {
  return {
    name: 'k', summary: '', workgroupSize: 4, storage: [{ name: 'out', buffer: 'out', element: 'f32', access: 'write' }], uniforms: [],
    shared: [{ name: 'a', element: 'f32', length: 4 }, { name: 'b', element: 'f32', length: 4 }], body, origin,
  };
}

/** The printed body, one statement a line. */
function lines(k: KernelProgram): readonly string[] {
  const all = printKernel(k).trimEnd().split('\n');
  return all.slice(all.findIndex((l) => l.includes('shared b')) + 1).map((l) => l.slice(2)).filter((l) => l !== '');
}

function barriers(body: readonly KernelStmt[], own: readonly string[] = []): readonly string[] {
  return lines(placeBarriers(kernel(body), new Set(own))).map((l) => (/barrier/.test(l) ? `${l.slice(0, l.length - l.trimStart().length)}barrier` : l));
}

describe('barriers', () => {
  it('stand between a write and a read by other lanes', () => {
    expect(barriers([put('a', lane, f32(1)), out(get('a', i32(0)))]).filter((l) => l === 'barrier').length).toBe(1);
  });
  it('stand between a read and the next write', () => {
    const placed = barriers([put('a', lane, f32(1)), letOf('x', get('a', i32(0))), put('a', lane, f32(2)), out(get('a', i32(1)))]);
    expect(placed.filter((l) => l === 'barrier').length).toBe(3);
  });
  it('are shared by memories that are exchanged together', () => {
    const placed = barriers([put('a', lane, f32(1)), put('b', lane, f32(2)), out(bin('add', get('a', i32(0)), get('b', i32(0))))]);
    expect(placed.filter((l) => l === 'barrier').length).toBe(1);
  });
  it('keep the end of a turn from the start of the next', () => {
    const placed = barriers([varOf('s', f32(0)), loop([put('a', lane, f32(1)), set('s', bin('add', f('s'), get('a', i32(0))))]), out(f('s'))]);
    expect(placed.filter((l) => l.trim() === 'barrier').length).toBe(2);
    expect(placed.filter((l) => l === '  barrier').length).toBe(2);
  });
  it('are not needed in a loop that exchanges two memories in turn, apart from one each', () => {
    const placed = barriers([varOf('s', f32(0)), loop([
      put('a', lane, f32(1)), set('s', bin('add', f('s'), get('a', i32(0)))),
      put('b', lane, f('s')), set('s', bin('add', f('s'), get('b', i32(0)))),
    ]), out(f('s'))]);
    expect(placed.filter((l) => l.trim() === 'barrier').length).toBe(2);
  });
  it('stand before a branch that not all lanes take, never inside', () => {
    const placed = barriers([put('a', lane, f32(1)), when(bin('lt', lane, i32(1)), [put('b', i32(0), get('a', i32(3)))], false), out(get('b', i32(0)))]);
    expect(placed.filter((l) => l.trim() === 'barrier')).toEqual(['barrier', 'barrier']);
  });
  it('remember both ways of a branch that all lanes take', () => {
    const placed = barriers([when(refer('all', 'bool'), [put('a', lane, f32(1))], true), out(get('a', i32(0)))]);
    expect(placed.filter((l) => l === 'barrier').length).toBe(1);
  });
  it('are not placed for memory of which each lane has its own part', () => {
    expect(barriers([put('a', lane, f32(1)), out(get('a', lane))], ['a', 'b']).some((l) => l.trim() === 'barrier')).toBe(false);
  });
  it('are refused where lanes would exchange data inside a branch that not all take', () => {
    expect(() => barriers([when(bin('lt', lane, i32(2)), [put('a', lane, f32(1)), out(get('a', i32(0)))], false)])).toThrow(/not all of them/);
  });
});

describe('simplification', () => {
  const simple = (body: readonly KernelStmt[]): readonly string[] => lines(simplifyKernel(kernel(body)));
  it('removes what nothing reads, and branches that do nothing', () => {
    expect(simple([letOf('x', f32(1)), letOf('y', bin('add', f('x'), f32(2))), varOf('v', f32(0)), set('v', f('y')), when(refer('c', 'bool'), [set('v', f32(3))], true), out(f32(5))]).length).toBe(1);
  });
  it('puts a value that is used once in its place', () => {
    expect(simple([letOf('x', bin('add', f('p'), f32(1))), out(bin('mul', f('x'), f32(2)))]).length).toBe(1);
  });
  it('does not move a value past a write of what it reads', () => {
    const printed = simple([varOf('v', f('p')), letOf('x', bin('add', f('v'), f32(1))), set('v', f32(0)), out(bin('mul', f('x'), f('v')))]);
    expect(printed.findIndex((l) => l.startsWith('let x'))).toBeLessThan(printed.findIndex((l) => l.startsWith('v =')));
    expect(printed.length).toBe(4);
  });
  it('does not move a read of workgroup memory past a write of it', () => {
    const printed = simple([letOf('x', get('a', i32(0))), put('a', lane, f32(1)), out(f('x'))]);
    expect(printed[0]).toMatch(/^let x/);
  });
  it('does not move a value into a loop', () => {
    const printed = simple([varOf('s', f32(0)), letOf('x', bin('mul', f('p'), f('p'))), loop([set('s', bin('add', f('s'), f('x')))]), out(f('s'))]);
    expect(printed.some((l) => l.startsWith('let x'))).toBe(true);
  });
});

describe('chains of assignments', () => {
  const chained = (body: readonly KernelStmt[]): readonly string[] => lines(chainAssignments(kernel(body)));
  const more = (name: string, by: string): KernelStmt => set(name, bin('add', f(name), f(by)));
  it('become one', () => {
    expect(chained([varOf('s', f32(0)), more('s', 'p'), more('s', 'q'), out(f('s'))]).length).toBe(3);
  });
  it('are broken by a read', () => {
    expect(chained([varOf('s', f32(0)), more('s', 'p'), out(f('s')), more('s', 'q'), out(f('s'))]).length).toBe(5);
  });
  it('are broken by a write of what they read', () => {
    const printed = chained([varOf('p', f32(1)), varOf('s', f32(0)), more('s', 'p'), set('p', f32(2)), more('s', 'p'), out(f('s'))]);
    expect(printed.length).toBe(6);
  });
  it('are broken where the variable is used twice', () => {
    expect(chained([varOf('s', f32(0)), more('s', 'p'), more('s', 's'), out(f('s'))]).length).toBe(4);
  });
  it('end before a loop that reads the variable', () => {
    const printed = chained([varOf('s', f32(0)), more('s', 'p'), loop([more('s', 'q')]), out(f('s'))]);
    expect(printed.findIndex((l) => l.includes('s + p'))).toBeLessThan(printed.findIndex((l) => l.includes('for')));
  });
  it('stay short', () => {
    const many = Array.from({ length: 12 }, () => more('s', 'p'));
    expect(chained([varOf('s', f32(0)), ...many, out(f('s'))]).length).toBe(5);
  });
});

describe('branches on machines that mask both sides', () => {
  const n = refer('n', 'i32');
  const above = (limit: number): KernelExpr => bin('gt', n, i32(limit));
  const floor = (name: string, cond: KernelExpr): KernelStmt => set(name, pick(cond, f(name), f32(-1)));
  const start = [varOf('n', lane), varOf('x', f32(1)), varOf('y', f32(2))];
  const flat = (body: readonly KernelStmt[]): readonly string[] => lines(flattenBranches(kernel([...start, ...body, out(bin('add', f('x'), f('y')))])));
  const assigned = (found: readonly string[], name: string): number => found.filter((l) => l.startsWith(`${name} = `)).length;

  it('are straight text where they only compute and assign, and keep the old value', () => {
    const found = flat([{ kind: 'if', cond: above(1), uniform: true, then: [letOf('z', f32(3)), set('x', f('z'))], otherwise: [set('x', f32(4))], origin }]);
    expect(found.some((l) => /^(uniform )?if /.test(l))).toBe(false);
    expect(found.filter((l) => l.startsWith('x = ')).every((l) => l.includes('side_1'))).toBe(true);
    expect(assigned(found, 'x')).toBe(2);
  });
  it('stay where they store or loop', () => {
    const found = flat([when(above(1), [out(f32(1))], true), when(above(2), [loop([set('x', f32(1))])], true)]);
    expect(found.filter((l) => /^(uniform )?if /.test(l)).length).toBe(2);
  });
  it('join floors of one variable that follow each other', () => {
    const found = flat([when(above(1), [floor('x', above(2))], true), when(above(3), [floor('y', above(4)), floor('x', above(5))], true)]);
    expect([assigned(found, 'x'), assigned(found, 'y')]).toEqual([1, 1]);
  });
  it('do not move a floor past a read of its variable, or a write of what its condition reads', () => {
    expect(assigned(flat([floor('x', above(1)), set('y', f('x')), floor('x', above(2))]), 'x')).toBe(2);
    expect(assigned(flat([floor('x', above(1)), set('n', i32(7)), floor('x', above(2))]), 'x')).toBe(2);
    expect(assigned(flat([floor('x', above(1)), floor('y', bin('gt', f('x'), f32(0))), floor('x', above(2)), floor('y', above(3))]), 'x')).toBe(2);
  });
});
