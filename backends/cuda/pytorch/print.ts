/**
 * The Python package of a compiled attention. In: a host plan, the flags nvcc needs. Out: the text of `__init__.py` and `_native.py`: importing
 * the package registers a `torch.library` operator with a fake-tensor function, which gives out, lse and the stage tensors of the program. Holds: arguments are the program's parameters with their
 * defaults, checked by type, device and shape before anything is launched; nothing of this compiler is needed at run time.
 */
import { unreachable } from '../../../dsl/diagnostic.ts';
import type { Axis } from '../../../compiler/spec/ir.ts';
import { axisName } from '../../../compiler/launch/check-parameters.ts';
import type { HostPlan } from '../../../compiler/launch/plan.ts';
import { callFields, cIdentifier, storageWords, type BufferField, type CallField } from '../launcher/call.ts';
import type { HostNaming } from '../host-text.ts';
import { pythonExpression } from './expr.ts';
import { nativeLines } from './helpers.ts';

const taken = new Set(`False None True and as assert async await break class continue def del elif else except finally for from global if import in is
lambda nonlocal not or pass raise return try while with yield torch ctypes Tuple call out lse device`.split(/\s+/));

function pyName(name: string): string {
  return taken.has(name) || name.startsWith('_') ? [name, '_'].join('') : name;
}

/** Words inside a docstring. */
function docText(words: string): string {
  return words.replaceAll('\\', '\\\\').replaceAll('"""', "'''");
}

type Scalar = Extract<CallField, { kind: 'scalar' }>;

const scalarTypes = { int: 'int', float: 'float', bool: 'bool' } as const;
const elementTypes = { f32: 'torch.float32', f16: 'torch.float16', bf16: 'torch.bfloat16', int: 'torch.int32', bool: 'torch.bool' } as const;

/** Where the sizes of a launch come from, as Python, and an argument that lies on the device. */
interface Sources {
  readonly batch: string;
  readonly heads: string;
  readonly kv_heads: string;
  readonly n_q: string;
  readonly n_k: string;
  readonly anchor: string;
}

const ofAttention: Sources = { batch: 'q.shape[0]', heads: 'q.shape[1]', kv_heads: 'k.shape[1]', n_q: 'q.shape[2]', n_k: 'k.shape[2]', anchor: 'q' };

/** A chain has no q and k: its heads are fixed, its lengths are those of the first tensors that have such an axis (each stands for both). */
function sourcesOf(plan: HostPlan): Sources {
  if (plan.chain === undefined) return ofAttention;
  const tensors = callFields(plan).flatMap((f) => (f.kind === 'buffer' && f.tensor !== undefined ? [{ name: pyName(f.name), axes: f.tensor.axes }] : []));
  const extent = (kind: Axis['kind']): string | undefined =>
    tensors.flatMap(({ name, axes }) => axes.flatMap((a, i) => (a.kind === kind ? [[name, '.shape[', String(i), ']'].join('')] : [])))[0];
  const [queries, keys] = [extent('queries'), extent('keys')];
  return {
    batch: extent('batch') ?? '1', heads: String(plan.chain.heads), kv_heads: String(plan.chain.kvHeads),
    n_q: queries ?? keys ?? '1', n_k: keys ?? queries ?? '1', anchor: tensors[0]?.name ?? 'q',
  };
}

/** The extent of an axis as Python, a word in quotes where only the launcher knows it. */
function axisText(axis: Axis, plan: HostPlan): string {
  switch (axis.kind) {
    case 'batch':
    case 'heads':
    case 'kv_heads':
      return sourcesOf(plan)[axis.kind];
    case 'queries':
      return sourcesOf(plan).n_q;
    case 'keys':
      return sourcesOf(plan).n_k;
    case 'fixed':
      return String(axis.extent);
    case 'dim':
      return String(plan.dim);
    case 'blocks':
    case 'free':
    case 'counted':
      return JSON.stringify(axisName(axis));
    default:
      return unreachable(axis);
  }
}

function axesOf(plan: HostPlan, field: BufferField): string {
  const dim = String(plan.dim);
  if (field.tensor !== undefined) return ['(', field.tensor.axes.map((a) => [axisText(a, plan), ', '].join('')).join('').trimEnd(), ')'].join('');
  return field.name === 'q' ? ['("batch", "heads", "n_q", ', dim, ')'].join('') : ['(q.shape[0], "kv_heads", ', field.name === 'k' ? '"n_k"' : 'k.shape[2]', ', ', dim, ')'].join('');
}

function defaultText({ scalar, type }: Scalar, plan: HostPlan): string {
  const value = plan.scalars.find((s) => s.name === scalar)?.defaultValue;
  if (value === undefined) return '';
  return [' = ', type === 'bool' ? (value !== 0 ? 'True' : 'False') : type === 'float' ? (Number.isInteger(value) ? value.toFixed(1) : String(value)) : String(value)].join('');
}

function ctype(field: CallField): string {
  if (field.kind === 'buffer') return 'ctypes.c_void_p';
  return field.kind === 'scalar' && field.type === 'float' ? 'ctypes.c_float' : 'ctypes.c_int';
}

function argumentValue(plan: HostPlan, field: CallField): string {
  switch (field.kind) {
    case 'buffer':
      return [field.buffer.role === 'input' ? pyName(field.name) : field.name, '.data_ptr()'].join('');
    case 'size':
      return sourcesOf(plan)[field.name];
    case 'extent': {
      const at = plan.tensors.find((t) => t.name === field.tensor)?.axes.findIndex((a) => a.kind === 'free' && a.name === field.axis) ?? 0;
      const owner = callFields(plan).find((f) => f.kind === 'buffer' && f.tensor?.name === field.tensor)?.name ?? field.tensor;
      return [pyName(owner), '.shape[', String(at), ']'].join('');
    }
    case 'scalar':
      return pyName(field.name);
    default:
      return unreachable(field);
  }
}

/** A tensor that the operator makes: as the kernels write it, and as the caller gets it. */
interface Made {
  readonly local: string;
  readonly dtype: string;
  readonly shape: string;
  readonly given: string;
  readonly doc: string;
}

const ownDocs: ReadonlyMap<string, string> = new Map([
  ['out', 'as q; zeros where a row sees nothing'],
  ['lse', 'float32 [batch, heads, n_q], the natural log of the denominator'],
]);

function madeTensors(plan: HostPlan, fields: readonly CallField[]): readonly Made[] {
  const naming: HostNaming = (name) => {
    const variable = plan.variables.find((v) => v.name === name);
    if (variable !== undefined) return pythonExpression(variable.value, naming);
    if (name === 'dim') return String(plan.dim);
    const field = fields.find((f) => (f.kind === 'size' ? f.name : f.kind === 'scalar' ? f.scalar : f.kind === 'extent' ? [f.tensor, f.axis].join('.') : '') === name);
    return field === undefined ? undefined : argumentValue(plan, field);
  };
  return fields.flatMap((f) => {
    if (f.kind !== 'buffer' || f.buffer.role !== 'output') return [];
    const { element, extents } = f.buffer;
    // The kernels write a word for each bool.
    const stored = element === 'bool' ? 'int' : element;
    const shape = ['(', extents.map((e) => [pythonExpression(e, naming), ', '].join('')).join('').trimEnd(), ')'].join('');
    const name = plan.stages?.outputs.find((o) => o.buffer === f.buffer.name)?.name;
    return [{
      local: f.name,
      dtype: elementTypes[stored],
      shape,
      given: element === 'bool' ? [f.name, '.to(torch.bool)'].join('') : f.name,
      doc: ownDocs.get(f.name) ?? [elementTypes[element].replace('torch.', ''), plan.chain === undefined ? ', the stage tensor ' : ', the tensor ', name ?? f.name].join(''),
    }];
  });
}

/** The text of `__init__.py`. `flags`: what nvcc takes before the file to make the library. */
export function printPytorch(plan: HostPlan, flags: readonly string[]): string {
  const name = cIdentifier(plan.name);
  const fields = callFields(plan);
  const inputs = fields.flatMap((f) => (f.kind === 'buffer' && f.buffer.role === 'input' ? [f] : []));
  const scalars = fields.flatMap((f) => (f.kind === 'scalar' ? [f] : []));
  const required = scalars.filter((s) => defaultText(s, plan) === '');
  const optional = scalars.filter((s) => defaultText(s, plan) !== '');
  const tensorArguments = inputs.map((f) => [pyName(f.name), ': torch.Tensor'].join(''));
  const typed = scalars.map((s) => [pyName(s.name), ': ', scalarTypes[s.type]].join(''));
  const keyword = [...required, ...optional].map((s) => [pyName(s.name), ': ', scalarTypes[s.type], defaultText(s, plan)].join(''));
  const names = [...inputs, ...scalars].map((f) => pyName(f.name)).join(', ');
  const made = madeTensors(plan, fields);
  const makeAll = ['    ', made.map((m) => m.local).join(', '), made.length === 1 ? ',' : '', ' = _empty(', names, ')'].join('');
  const giveAll = ['    return ', made.map((m) => m.given).join(', ')].join('');
  const results = made.length === 1 ? 'torch.Tensor' : ['Tuple[', made.map(() => 'torch.Tensor').join(', '), ']'].join('');
  const { anchor } = sourcesOf(plan);
  const words = (f: CallField): string => docText(f.kind === 'scalar' || f.kind === 'buffer' ? f.doc : '');
  return [
    ['"""', docText([plan.name, ...plan.doc].join('\n\n')), ''].join(''),
    '',
    ['Head dimension ', String(plan.dim), ', ', storageWords(plan), '. Generated by filigree build: do not edit, generate it again.'].join(''),
    '"""',
    '',
    'import ctypes',
    'from typing import Tuple',
    '',
    'import torch',
    '',
    'from . import _native',
    '',
    ['__all__ = ["', pyName(name), '"]'].join(''),
    '',
    ['_dtype = ', elementTypes[plan.dtype]].join(''),
    ['_flags = [', flags.map((f) => JSON.stringify(f)).join(', '), ']'].join(''),
    '',
    '',
    'class _Call(ctypes.Structure):',
    '    _fields_ = [',
    ...fields.map((f) => ['        ("', f.name, '", ', ctype(f), '),'].join('')),
    '    ]',
    '',
    '',
    ['def _check(', inputs.map((f) => pyName(f.name)).join(', '), '):'].join(''),
    ...inputs.map((f) => {
      const dtype = f.tensor === undefined ? '_dtype' : elementTypes[f.tensor.element === 'float' ? 'f32' : f.tensor.element];
      return ['    _native.check("', f.name, '", ', pyName(f.name), ', ', dtype, ', ', axesOf(plan, f), ', ', anchor, '.device)'].join('');
    }),
    ...(plan.chain !== undefined ? [] : [
      '    if q.shape[1] % k.shape[1] != 0:',
      '        raise ValueError(f"q has {q.shape[1]} heads, which is no multiple of the {k.shape[1]} of k")',
    ]),
    '',
    '',
    ['def _empty(', names, '):'].join(''),
    '    return (',
    ...made.map((m) => ['        ', anchor, '.new_empty(', m.shape, ', dtype=', m.dtype, '),'].join('')),
    '    )',
    '',
    '',
    ['@torch.library.custom_op("filigree::', name, '", mutates_args=(), device_types="cuda")'].join(''),
    ['def _operator(', [...tensorArguments, ...typed].join(', '), ') -> ', results, ':'].join(''),
    ['    _check(', inputs.map((f) => pyName(f.name)).join(', '), ')'].join(''),
    ...inputs.map((f) => ['    ', pyName(f.name), ' = _native.stored(', pyName(f.name), ')'].join('')),
    makeAll,
    '    call = _Call(',
    ...fields.map((f) => ['        ', f.name, '=', argumentValue(plan, f), ','].join('')),
    '    )',
    ['    lib = _native.library("', name, '", _flags, _Call)'].join(''),
    // By their places in the struct, in which buffers come first.
    ['    tensors = [', fields.flatMap((f, i) => {
      if (f.kind !== 'buffer') return [];
      return [['(', String(i), ', "', f.name, '", ', f.buffer.role === 'input' ? pyName(f.name) : f.name, ')'].join('')];
    }).join(', '), ']'].join(''),
    ['    _native.launch(lib, "', name, '", call, tensors, ', anchor, '.device)'].join(''),
    giveAll,
    '',
    '',
    '@_operator.register_fake',
    ['def _(', names, '):'].join(''),
    ['    _check(', inputs.map((f) => pyName(f.name)).join(', '), ')'].join(''),
    makeAll,
    giveAll,
    '',
    '',
    ['def ', pyName(name), '(', [...tensorArguments, ...(keyword.length === 0 ? [] : ['*', ...keyword])].join(', '), ') -> ', results, ':'].join(''),
    ['    """', docText(plan.doc.join('\n    ')), ''].join(''),
    '',
    ...[...inputs, ...scalars].map((f) => ['    ', pyName(f.name), ': ', words(f)].join('')),
    '',
    '    Returns, in this order (forward only):',
    ...made.map((m) => ['    ', m.local, ': ', docText(m.doc)].join('')),
    '    """',
    ['    return _operator(', names, ')'].join(''),
    '',
  ].join('\n');
}

/** The text of `_native.py`. */
export function printNative(): string {
  return [...nativeLines, ''].join('\n');
}
