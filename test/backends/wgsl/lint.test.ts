import { expect, it } from 'vitest';
import { lintWgsl } from '../../../backends/wgsl/lint.ts';

const rules = (code: string): readonly (readonly [number, string])[] => lintWgsl(code).map((f) => [f.line, f.rule]);

it('finds a variable without a value, wherever it is declared', () => {
  expect(rules('fn f() {\n  for (var i: i32 = 0; i < 8; i++) {\n    var a: vec4f;\n    a.x += 1.0;\n  }\n}')).toEqual([[3, 'var-without-value']]);
  expect(rules('var<private> state: u32;')).toEqual([[1, 'var-without-value']]);
  expect(rules('  var a: array<f32, 2>; if (x == y) { }')).toEqual([[1, 'var-without-value']]);
});
it('accepts values on the same or on a later line, and memory that has none', () => {
  expect(rules('var a: f32 = 0.0f;\nvar b: array<f32, 2> =\n  array<f32, 2>(0.0f, 0.0f);\nvar c = 1;')).toEqual([]);
  expect(rules('var<workgroup> s: array<f32, 64>;\n@group(0) @binding(0) var<storage, read> q: array<f32>;\n@group(0) @binding(1) var<uniform> u: U;')).toEqual([]);
});
it('finds short-circuit operators, but not in comments', () => {
  expect(rules('if (a && b) { }\nlet c = a || b;\n// a && b\nlet d = a & b; // or ||')).toEqual([[1, 'short-circuit'], [2, 'short-circuit']]);
});
