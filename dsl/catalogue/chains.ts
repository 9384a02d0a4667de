/**
 * FIL045x: chains, their sizes, uses and parameters that stand for an attention. Reported by the checker and by the lowering of chains.
 */
import { nearestNames } from '../suggest.ts';
import { didYouMean, entry, type Nothing } from './entry.ts';

export const chainUsed = entry<{ readonly name: string }>({
  code: 'FIL0450',
  title: 'A chain is no part of others',
  explanation: 'A chain is a whole program: it uses stages and attentions, and nothing uses it. What two chains share is a stage.',
  wrong: 'stage one(x: float[keys]) {\n  index j in keys\n  y[j] = x[j]\n}\nchain c(x: float[keys]) {\n  stage a = one(x)\n  output a.y\n}\nmask m = c',
  right: 'stage one(x: float[keys]) {\n  index j in keys\n  y[j] = x[j]\n}\nchain c(x: float[keys]) {\n  stage a = one(x)\n  output a.y\n}',
  say: ({ name }) => ({ message: `\`${name}\` is a chain, which nothing else can use`, label: 'a chain' }),
});

export const attentionParameter = entry<{ readonly reason: string }>({
  code: 'FIL0451',
  title: 'Parameter that stands for an attention',
  explanation: 'Only a chain has parameters of the type `attention`. Which attention it is, is said when the chain is compiled, so it has no default, and it is used by `attention x = name(...)` alone.',
  wrong: 'mask m(a: attention) = causal',
  right: 'chain c(a: attention, p: float[heads, queries, dim], x: float[kv_heads, keys, dim]) {\n  attention y = a(q = p, k = x, v = x)\n  output y.out\n}',
  say: ({ reason }) => ({ message: `a parameter of the type \`attention\` ${reason}`, label: 'stands for an attention' }),
});

export const attentionExpected = entry<{ readonly name: string; readonly found: string; readonly candidates: Iterable<string> }>({
  code: 'FIL0452',
  title: 'Attention expected',
  explanation: '`attention x = name(...)` in a chain uses an attention of this file or of an import, or a parameter of the type `attention`; its results are `x.out`, `x.lse` and the tensors that it gives back.',
  wrong: 'mask near = band(0 .. 4)\nchain c(p: float[heads, queries, dim], x: float[kv_heads, keys, dim]) {\n  attention y = near(q = p, k = x, v = x)\n  output y.out\n}',
  right: 'attention near { mask band(0 .. 4) }\nchain c(p: float[heads, queries, dim], x: float[kv_heads, keys, dim]) {\n  attention y = near(q = p, k = x, v = x)\n  output y.out\n}',
  say: ({ name, found, candidates }) => ({ message: `\`${name}\` is ${found}`, label: 'not fit here', help: didYouMean(nearestNames(name, candidates)) }),
});

export const inputExpected = entry<{ readonly callee: string; readonly name: string; readonly wanted: string; readonly found: string }>({
  code: 'FIL0453',
  title: 'Query, key and value of a use',
  explanation: 'In a chain nothing is given by itself: an attention is told its `q` [batch, heads, queries, dim], `k` and `v` [batch, kv_heads, keys, dim] by these names, and so is a stage that reads them.',
  wrong: 'attention near { mask band(0 .. 4) }\nchain c(p: float[heads, queries, dim]) {\n  attention y = near(q = p)\n  output y.out\n}',
  right: 'attention near { mask band(0 .. 4) }\nchain c(p: float[heads, queries, dim], x: float[kv_heads, keys, dim]) {\n  attention y = near(q = p, k = x, v = x)\n  output y.out\n}',
  say: ({ callee, name, wanted, found }) => ({ message: `\`${callee}\` needs \`${name}\`, a tensor ${wanted}, but ${found}`, label: `\`${name}\` does not fit`, help: `write \`${name} = tensor\`` }),
});

export const namedOnly = entry<{ readonly callee: string }>({
  code: 'FIL0454',
  title: 'Argument without a name',
  explanation: 'What attention a parameter stands for is not known while the chain is written, so it is offered its arguments by name: those that it has no parameter for are left out.',
  wrong: 'chain c(a: attention, p: float[heads, queries, dim], x: float[kv_heads, keys, dim]) {\n  attention y = a(4, q = p, k = x, v = x)\n  output y.out\n}',
  right: 'chain c(a: attention, p: float[heads, queries, dim], x: float[kv_heads, keys, dim]) {\n  attention y = a(q = p, k = x, v = x, window = 4)\n  output y.out\n}',
  say: ({ callee }) => ({ message: `arguments of \`${callee}\` need names`, label: 'has no name', help: '`name = value`' }),
});

export const badSizes = entry<{ readonly reason: string }>({
  code: 'FIL0455',
  title: 'Sizes of a chain',
  explanation: '`sizes heads = .., kv_heads = .., dim = ..` fixes, once and above all uses, what a chain cannot take from q, k and v: ints known when the chain is compiled. `heads` and `dim` are 1 if they are not given, `kv_heads` is then `heads`.',
  wrong: 'stage twice(x: float[heads, keys]) {\n  index j in keys\n  y[h, j] = 2 * x[h, j]\n}\nchain c(x: float[heads, keys]) {\n  sizes n_q = 4\n  stage t = twice(x)\n  output t.y\n}',
  right: 'stage twice(x: float[heads, keys]) {\n  index j in keys\n  y[h, j] = 2 * x[h, j]\n}\nchain c(x: float[heads, keys]) {\n  sizes heads = 4\n  stage t = twice(x)\n  output t.y\n}',
  say: ({ reason }) => ({ message: reason, label: 'sizes' }),
});

export const missingOutput = entry<{ readonly name: string }>({
  code: 'FIL0456',
  title: 'Chain without output',
  explanation: 'A chain says with `output x.y` which tensors the caller gets; all others stay on the device.',
  wrong: 'stage twice(x: float[keys]) {\n  index j in keys\n  y[j] = 2 * x[j]\n}\nchain c(x: float[keys]) {\n  stage t = twice(x)\n}',
  right: 'stage twice(x: float[keys]) {\n  index j in keys\n  y[j] = 2 * x[j]\n}\nchain c(x: float[keys]) {\n  stage t = twice(x)\n  output t.y\n}',
  say: ({ name }) => ({ message: `chain \`${name}\` gives nothing back`, label: 'no `output`', help: 'add `output name.tensor`' }),
});

export const notOutput = entry<Nothing>({
  code: 'FIL0457',
  title: 'Output of a chain',
  explanation: 'A chain gives back tensors that its uses made, as `name.tensor`; parameters are known to the caller already.',
  wrong: 'stage twice(x: float[keys]) {\n  index j in keys\n  y[j] = 2 * x[j]\n}\nchain c(x: float[keys]) {\n  stage t = twice(x)\n  output x\n}',
  right: 'stage twice(x: float[keys]) {\n  index j in keys\n  y[j] = 2 * x[j]\n}\nchain c(x: float[keys]) {\n  stage t = twice(x)\n  output t.y\n}',
  say: () => ({ message: 'this is no tensor that a use has made', label: 'cannot be given back' }),
});

export const chainsEntries = [
  chainUsed, attentionParameter, attentionExpected, inputExpected, namedOnly, badSizes, missingOutput, notOutput,
];
