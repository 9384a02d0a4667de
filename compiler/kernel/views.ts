/**
 * Chooses what element a binding has for each buffer: by fours where rows are whole fours and the program walks along them, single
 * elements otherwise; f16 and bf16 without hardware support as packed words. Refuses what no view can carry: packed stores that would share a
 * word between two rows.
 */
import { sharedWords } from '../../dsl/catalogue/index.ts';
import { bad, good, type Checked, type Diagnostic } from '../../dsl/diagnostic.ts';
import type { Schedule } from '../schedule.ts';
import type { TargetRecord } from '../target.ts';
import type { BufferDecl, TileProgram } from '../tile/ir.ts';
import type { BufferView } from './access.ts';
import { allStatements, fixedRow, storesRows } from './analyse-tiles.ts';
import type { StorageElement } from './ir.ts';

function walksRows(program: TileProgram, decl: BufferDecl): boolean {
  let walked = false;
  for (const s of allStatements(program.body)) {
    if (s.kind === 'load' && s.buffer === decl.name && s.tile.cols > 1) walked = true;
    if (s.kind === 'store' && s.buffer === decl.name) {
      if (!storesRows(decl, s)) return false;
      walked = true;
    }
  }
  return walked;
}

/** Whether the buffer is read by loads alone, whose tiles matrix operations take. */
function isMatrix(program: TileProgram, decl: BufferDecl): boolean {
  return decl.access === 'read' && [...allStatements(program.body)].some((s) => s.kind === 'load' && s.buffer === decl.name);
}

function viewOf(program: TileProgram, decl: BufferDecl, target: TargetRecord, fragments: boolean): StorageElement | undefined {
  if (decl.element === 'int' || decl.element === 'bool') return 'i32';
  const row = fixedRow(decl);
  const rows = walksRows(program, decl);
  // Matrix operations take rows of 16 bytes, and give pairs of columns.
  if (fragments && isMatrix(program, decl)) return 'vec4u';
  if (fragments && rows) return decl.element === 'f32' ? 'f32' : 'u32';
  const byFours = rows && row !== undefined && row % 4 === 0;
  if (decl.element === 'f32') return byFours ? 'vec4f' : 'f32';
  if (decl.element === 'f16' && target.f16) return byFours ? 'vec4h' : 'f16';
  if (byFours) return 'vec2u';
  if (decl.element === 'bf16' && target.bf16 === true) return 'bf16';
  return decl.access === 'read' || (rows && row !== undefined && row % 2 === 0) ? 'u32' : undefined;
}

export function chooseViews(program: TileProgram, target: TargetRecord, schedule: Schedule): Checked<readonly BufferView[]> {
  const views: BufferView[] = [];
  const refused: Diagnostic[] = [];
  for (const decl of program.buffers) {
    const element = viewOf(program, decl, target, schedule.layout === 'fragments');
    if (element === undefined) refused.push(sharedWords(program.origin.span, { buffer: decl.name, element: decl.element, row: fixedRow(decl) }));
    else views.push({ decl, storage: decl.name, element });
  }
  return refused.length > 0 ? bad(refused) : good(views);
}
