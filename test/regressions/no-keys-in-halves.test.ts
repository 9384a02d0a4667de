/**
 * A mask without pairs compiles for machines with matrix units: its one pass visits no key, so no query is loaded either. (It was
 * loaded, and the 16-byte view that matrix operands have knows no elementwise loads.)
 */
import { expect, test } from 'vitest';
import { sm80 } from '../../backends/targets.ts';
import { compileSpec } from '../../compiler/pipeline.ts';
import { compileSource } from '../../compiler/spec/from-source.ts';

test.each(['none', '(none & all) - all'])('mask %s compiles in f16 for matrix units', (mask) => {
  const spec = compileSource({ file: 'm.fil', text: `attention a {\n  mask ${mask}\n}\n` }, () => undefined, 'a');
  expect(spec.ok).toBe(true);
  if (!spec.ok) return;
  const compiled = compileSpec(spec.value, { target: sm80, dim: 64, dtype: 'f16' });
  expect(compiled.ok).toBe(true);
});
