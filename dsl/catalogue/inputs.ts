/**
 * FIL05xx: what comes from outside the source: files, tensors, sizes and settings. Reported by the launch check, the lowering
 * (names and `const` values) and the tools.
 */
import { nearestNames } from '../suggest.ts';
import { alternatives, didYouMean, entry } from './entry.ts';

export const sizeOutOfRange = entry<{ readonly name: string; readonly value: number; readonly least: number; readonly most: number }>({
  code: 'FIL0501',
  title: 'Size out of range',
  explanation: 'n_q and n_k reach 2^24, dim 256; every size is a whole number of at least 1.',
  wrong: 'filigree mask a.fil --name a --n-q 0 --n-k 64 --out a.png',
  right: 'filigree mask a.fil --name a --n-q 64 --n-k 64 --out a.png',
  say: ({ name, value, least, most }) => ({ message: `size ${name} is ${value}, but must be a whole number from ${least} to ${most}` }),
});

export const headsNotMultiple = entry<{ readonly heads: number; readonly kvHeads: number }>({
  code: 'FIL0502',
  title: 'Heads do not divide',
  explanation: 'Each key-value head serves the same number of query heads.',
  wrong: 'q with 6 heads, k and v with 4',
  right: 'q with 8 heads, k and v with 4',
  say: ({ heads, kvHeads }) => ({ message: `heads is ${heads}, which is no multiple of kv_heads ${kvHeads}` }),
});

export const missingValue = entry<{ readonly name: string; readonly type: string; readonly isConst?: boolean }>({
  code: 'FIL0503',
  title: 'Parameter without a value',
  explanation: 'A parameter without a default needs a value: `--set name=value` on the command line.',
  wrong: 'filigree run a.fil --name a --in qkv.safetensors --out o.safetensors',
  right: 'filigree run a.fil --name a --in qkv.safetensors --out o.safetensors --set window=256',
  say: ({ name, type, isConst }) => ({
    message: `parameter \`${name}\` has no value`,
    label: `${isConst === true ? 'const ' : ''}${type} without a default`,
    help: `give it one with \`--set ${name}=...\``,
  }),
});

export const badValue = entry<{ readonly name: string; readonly text: string; readonly wanted: string }>({
  code: 'FIL0504',
  title: 'Value that does not fit its parameter',
  explanation: 'An `int` is a whole number within +-2^30, a `float` a finite number of single precision, a `bool` `true` or `false`.',
  wrong: '--set window=many',
  right: '--set window=256',
  say: ({ name, text, wanted }) => ({ message: `parameter \`${name}\` is ${text}, but must be ${wanted}` }),
});

export const unknownParameter = entry<{ readonly owner: string; readonly name: string; readonly candidates: readonly string[] }>({
  code: 'FIL0505',
  title: 'Unknown parameter',
  explanation: 'A value was given for a parameter that the declaration does not have.',
  wrong: '--set windw=256',
  right: '--set window=256',
  say: ({ owner, name, candidates }) => ({
    message: `\`${owner}\` has no parameter \`${name}\``,
    label: candidates.length === 0 ? 'has no parameters' : `has ${candidates.map((c) => `\`${c}\``).join(', ')}`,
    help: didYouMean(nearestNames(name, candidates)),
  }),
});

export const missingTensor = entry<{ readonly name: string; readonly wanted: string; readonly file?: string; readonly candidates?: readonly string[] }>({
  code: 'FIL0506',
  title: 'Missing tensor',
  explanation: 'Inputs `q`, `k`, `v` and every tensor parameter are looked up by name.',
  wrong: 'a file with q and k only',
  right: 'a file with q, k and v',
  say: ({ name, wanted, file, candidates = [] }) => ({
    message: `tensor \`${name}\` is missing${file === undefined ? '' : ` in ${file}`}`,
    label: wanted,
    help: didYouMean(nearestNames(name, candidates)) ?? (candidates.length === 0 ? undefined : `there are ${alternatives(candidates.slice(0, 12), 'and')}`),
  }),
});

export const wrongRank = entry<{ readonly name: string; readonly given: number; readonly wanted: number; readonly type: string }>({
  code: 'FIL0507',
  title: 'Wrong number of axes',
  explanation: 'A tensor has as many axes as its declaration.',
  wrong: 'window of shape [2, 8] for `window: int[heads]`',
  right: 'window of shape [8] for `window: int[heads]`',
  say: ({ name, given, wanted, type }) => ({ message: `tensor \`${name}\` has ${given === 1 ? '1 axis' : `${given} axes`}, but ${wanted} are declared`, label: type }),
});

export const wrongShape = entry<{ readonly name: string; readonly axis: string; readonly given: number; readonly wanted: number }>({
  code: 'FIL0508',
  title: 'Wrong extent',
  explanation: 'The extents of a tensor follow from its axes and the sizes of the launch.',
  wrong: 'document of shape [100] for `document: int[keys]` with n_k = 128',
  right: 'document of shape [128] for `document: int[keys]` with n_k = 128',
  say: ({ name, axis, given, wanted }) => ({ message: `axis \`${axis}\` of tensor \`${name}\` has ${given} entries, but this launch needs ${wanted}`, label: `axis ${axis}` }),
});

export const wrongDataLength = entry<{ readonly name: string; readonly given: number; readonly extents: readonly number[] }>({
  code: 'FIL0509',
  title: 'Wrong number of elements',
  explanation: 'The data of a tensor has one element per entry of its shape.',
  wrong: '7 elements for shape [2, 4]',
  right: '8 elements for shape [2, 4]',
  say: ({ name, given, extents }) => ({ message: `tensor \`${name}\` has ${given} elements, but ${extents.join(' x ')} are needed` }),
});

export const wrongElementType = entry<{ readonly name: string; readonly found: string; readonly wanted: string }>({
  code: 'FIL0510',
  title: 'Wrong element type',
  explanation: 'An `int` tensor is I32, a `float` tensor F32, a `bool` tensor U8 or BOOL with 0 and 1; q, k and v are F32 or F16.',
  wrong: 'document as F32 for `document: int[keys]`',
  right: 'document as I32 for `document: int[keys]`',
  say: ({ name, found, wanted }) => ({ message: `tensor \`${name}\` holds ${found}, but must hold ${wanted}` }),
});

export const requirementNotMet = entry<{ readonly message: string }>({
  code: 'FIL0511',
  title: 'A requirement of the program is not met',
  explanation: 'The program needs this to be true of a launch, for example that a divisor is at least 1.',
  wrong: '--set stride=0 for `q mod stride`',
  right: '--set stride=2 for `q mod stride`',
  say: ({ message }) => ({ message, label: 'required here' }),
});

export const unknownDeclaration = entry<{ readonly name: string; readonly file: string; readonly candidates: readonly string[] }>({
  code: 'FIL0512',
  title: 'Unknown declaration',
  explanation: 'The file declares no mask or attention of this name.',
  wrong: 'filigree explain causal.fil --name casual',
  right: 'filigree explain causal.fil --name causal',
  say: ({ name, file, candidates }) => ({
    message: `${file} declares no mask or attention \`${name}\``,
    help: didYouMean(nearestNames(name, candidates)) ?? (candidates.length === 0 ? 'it declares nothing' : `it declares ${candidates.map((c) => `\`${c}\``).join(', ')}`),
  }),
});

export const fileNotReadable = entry<{ readonly path: string; readonly reason: string }>({
  code: 'FIL0513',
  title: 'File not readable',
  explanation: 'The file does not exist or may not be read.',
  wrong: 'filigree check casual.fil',
  right: 'filigree check causal.fil',
  say: ({ path, reason }) => ({ message: `cannot read ${path}: ${reason}` }),
});

export const notSafetensors = entry<{ readonly path: string; readonly reason: string }>({
  code: 'FIL0514',
  title: 'Not a safetensors file',
  explanation: 'Tensors are read from safetensors files: 8 bytes of header length, a JSON header, the data.',
  wrong: '--in picture.png',
  right: '--in qkv.safetensors',
  say: ({ path, reason }) => ({ message: `${path} is not a safetensors file: ${reason}` }),
});

export const outputIsInput = entry<{ readonly path: string }>({
  code: 'FIL0515',
  title: 'Output would overwrite an input',
  explanation: 'Outputs are never written over a file that the same command reads.',
  wrong: '--in qkv.safetensors --out qkv.safetensors',
  right: '--in qkv.safetensors --out result.safetensors',
  say: ({ path }) => ({ message: `the output ${path} is also an input`, help: 'choose another name with `--out`' }),
});

export const attentionNotChosen = entry<{ readonly name: string; readonly chain: string }>({
  code: 'FIL0516',
  title: 'No attention chosen',
  explanation: 'A chain with a parameter of the type `attention` is compiled for one attention: `--with name=FILE.fil` or `--with name=FILE.fil:ATTENTION`.',
  wrong: 'filigree run lm.fil --name lm --in x.safetensors --out y.safetensors',
  right: 'filigree run lm.fil --name lm --with attend=window.fil --in x.safetensors --out y.safetensors',
  say: ({ name, chain }) => ({ message: `chain \`${chain}\` needs an attention for \`${name}\``, label: 'stands for an attention', help: `choose one: --with ${name}=FILE.fil:NAME` }),
});

export const chosenClash = entry<{ readonly name: string; readonly chain: string; readonly attention: string }>({
  code: 'FIL0517',
  title: 'Parameter of the chosen attention has a taken name',
  explanation: 'Parameters of a chosen attention that the chain does not give become parameters of the chain, under their own names; those names must be free.',
  wrong: 'filigree run lm.fil --name lm --with attend=other.fil   # other.fil has a parameter `token`, as lm has',
  right: 'filigree run lm.fil --name lm --with attend=window.fil',
  say: ({ name, chain, attention }) => ({ message: `attention \`${attention}\` and chain \`${chain}\` both have a parameter \`${name}\``, label: 'the name is taken', help: 'rename one of them, or give the argument in the chain' }),
});

export const storedOtherwise = entry<{ readonly callee: string; readonly parameter: string; readonly wanted: string; readonly value: string; readonly found: string }>({
  code: 'FIL0518',
  title: 'Tensor that would be rounded unasked',
  explanation: 'q, k, v and out of an attention are stored in the type that is compiled for (`--dtype`). Between the parts of a chain tensors are copied into another storage where that changes no number; what must be rounded is rounded by the stage that makes it.',
  wrong: 'q[h, i, d] = x[i, h * dim + d]        // compiled with --dtype f16',
  right: 'q[h, i, d]: f16 = x[i, h * dim + d]   // compiled with --dtype f16',
  say: ({ callee, parameter, wanted, value, found }) => {
    const tensor = value.replace(/^.*\./, '');
    const round = `${tensor}[..]: ${wanted} = ..`;
    return {
      message: `\`${callee}\` reads \`${parameter}\` as ${wanted}, but \`${value}\` holds numbers of ${found}`,
      label: `\`${parameter}\` is ${value}`,
      help: `write \`${round}\` ${tensor === value ? 'in a stage before' : 'where it is made'}, or compile with \`--dtype ${found}\``,
    };
  },
});

export const inputsEntries = [
  sizeOutOfRange, headsNotMultiple, missingValue, badValue, unknownParameter, missingTensor, wrongRank, wrongShape, wrongDataLength,
  wrongElementType, requirementNotMet, unknownDeclaration, fileNotReadable, notSafetensors, outputIsInput, attentionNotChosen, chosenClash,
  storedOtherwise,
];
