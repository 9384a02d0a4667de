/**
 * Mutated sources: good programs with bytes and tokens changed, to see that no text makes the front end throw or hang. In: a
 * number of runs, a seed, programs to start from. Out: how far the mutants came, and those on which something threw. Pure: the same
 * seed gives the same mutants. The step after checking is a parameter, since the lowering lies above this folder.
 */
import { hasErrors } from './collect.ts';
import { formatSource } from './format-source.ts';
import { readProgram } from './program.ts';
import type { Program } from './program.ts';
import { endOf, tokenize } from './tokens.ts';

export interface FuzzFailure {
  readonly source: string;
  readonly error: string;
}

export interface FuzzReport {
  readonly runs: number;
  /** Mutants without syntax errors, and without any error. */
  readonly parsed: number;
  readonly checked: number;
  readonly failures: readonly FuzzFailure[];
}

/** Uniform integers below a bound, from a seed (mulberry32). */
export type Random = (below: number) => number;

export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** Programs that use every construct once; mutants of richer corpora are better, these are always there. */
export const seedPrograms: readonly string[] = [
  'import wide, near as close from "./other.fil"\n\n/// A doc.\nmask a(w: int tokens = 64, list: int[heads, n]) =\n  causal & (band(0 .. w) | keys(list)) - close(3)\n\nmask c = wide(w = 8)\n',
  'attention t(const step: int = 4, doc: int[batch, keys], table: bool[heads, queries / step, keys / 64], logits: float[heads]) {\n  mask causal & segments(doc) & tiles(table)\n  scale 0.125\n  score s => 20.0 * tanh(s / 20.0) - float(q - k) * 0.5\n  sink logits\n  schedule { query_tile = 64, key_tile = step * 8, splits = 2 }\n}\n',
  'mask p(tree: int[queries, depth], kind: int[keys], r: int) =\n  ~{ (i, j) => any t in 0 .. depth: tree[i, t] == j & kind[j] != r }\n  | { (q, k) => let d = q - k; if d mod 4 == 0 then abs(d) < max(r, 3) else bit_and(q div 2, 0xff) == clamp(k, 0, 7) }\n',
  'mask m(which: int[heads], on: bool) =\n  per head choose which { 0 => slashes(which_list(on)), -1 => levels(1 .. 5), else => none }\n\nmask which_list(on: bool) = if on then all else queries(0 .. n_k - n_q) // note\n',
  '/// Tiles.\nstage best(const block: int tokens = 16, n: int, tau: float[heads]) {\n  let half = block div 2\n  index A in queries / block\n  index B in keys / block\n  index c in dim\n  pooled[h, A, c]: f16 = mean i in 0 .. half where A * block + i < n_q: q[first_q + A * block + i, c]\n  s[h, A, B] = dot(pooled[h, A], k[B * block]) * rsqrt(dim)\n  p[h, A, B] = softmax B where B <= A: s[h, A, B]\n  keep[h, A, B] = B == 0 | (top(n) B: p[h, A, B]) | (top_mass(tau[h]) B where B > 0: p[h, A, B])\n  last[h, A] = nth(1) B where keep[h, A, B]: p[h, A, B]\n}\n\nattention gated(const block: int tokens = 16, n: int = 2, tau: float[heads]) {\n  stage sel = best(block, n, tau)\n  mask causal & tiles(sel.keep)\n  output sel.keep, sel.p\n}\n',
  'stage runs(x: float[heads, items], const rounds: int = 2) {\n  index i in items\n  index j in keys\n  index g in kv_heads\n  w[h, i] = exp(min(x[h, i], 4))\n  repeat rounds {\n    w[h, i] = w[h, i] / (sum t in 0 .. 4: w[h, t])\n  }\n  run[h, j] = if k[j, 0] > 0 then run[h, j - 1] + 1 else 0\n  all_in[g] = all j: v[g, j, 0] < 9\n  before[h, i] = (mass i: w[h, i]) + float(rank h, i: w[h, i]) + (cumsum i: w[h, i])\n  list[h, i] = argmax j where run[h, j] > i: v[j, 0]\n}\n\nstage both(x: float[heads, items]) {\n  stage r = runs(x, 3)\n  y[h] = r.run[h, n_k - 1]\n}\n\nattention counted(x: float[heads, items]) {\n  stage b2 = both(x)\n  stage r = runs(x)\n  mask keys(r.list) | band(0 .. b2.y)\n}\n',
  `stage start(token: int[queries], table: float[16, 8]) {
  index i in queries
  index c in 0 .. 8
  out[i, c] = table[token[i], c]
}
stage heads_of(layer: int, x: float[queries, 8], w: float[2, 8, 8]) {
  index i in queries
  index j in keys
  index g in kv_heads
  index c in dim
  q1[h, i, c] = dot(x[i], w[layer, h * dim + c])
  k1[g, j, c] = x[j, g * dim + c]
}
stage add(x: float[queries, 8], o: float[heads, queries, dim]) {
  index i in queries
  index c in 0 .. 8
  out[i, c] = x[i, c] + o[c div dim, i, c mod dim]
}
attention near(window: int = 4) { mask causal & band(0 .. window) }
chain model(attend: attention, token: int[batch, queries], table: float[16, 8], w: float[2, 8, 8]) {
  sizes heads = 2, kv_heads = 1, dim = 4
  let rounds = 2
  stage x = start(token, table)
  repeat layer in 0 .. rounds {
    stage p = heads_of(layer, x.out, w)
    attention a = attend(q = p.q1, k = p.k1, v = p.k1, layer = layer)
    attention n = near(q = p.q1, k = p.k1, v = p.k1, window = layer + 1)
    stage x = add(x.out, a.out)
    stage x = add(x.out, n.out)
  }
  output x.out, a.lse
}`,
];

const other = 'mask wide(w: int = 4) = band(-w .. w + 1)\nmask near(r: int) = { (q, k) => level(q, k) <= r & popcount(q) != shl(1, k) }\n';

const alphabet = ['(', ')', '{', '}', '[', ']', ',', '.', '..', ':', ';', '=', '=>', '==', '<', '&', '|', '-', '~', '*', '/', '//', '///', '"', '0', '9', '0x', '1e9', '_', 'q', 'k', 'n', ' ', '\n', '\t', '\r', '\0', 'é', '\u{1f600}', '\ud800', '\u2028', '#', '!', '%', '@', '\\', '`', '$'];

function pick<T>(list: readonly T[], random: Random, otherwise: T): T {
  return list[random(list.length)] ?? otherwise;
}

/** Ranges of the tokens of a text. */
function ranges(text: string): readonly (readonly [number, number])[] {
  return tokenize(text).tokens.map((t) => [t.startOffset, endOf(t)] as const);
}

function replace(text: string, [from, to]: readonly [number, number], by: string): string {
  return text.slice(0, from) + by + text.slice(to);
}

function mutateOnce(text: string, corpus: readonly string[], random: Random): string {
  const at = random(text.length + 1);
  const tokens = ranges(text);
  const none = [at, at] as const;
  const one = pick(tokens, random, none);
  const two = pick(tokens, random, none);
  const image = text.slice(one[0], one[1]);
  switch (random(10)) {
    case 0:
      return replace(text, [at, at + 1], '');
    case 1:
      return replace(text, [at, at], pick(alphabet, random, ' '));
    case 2:
      return replace(text, [at, at + 1], pick(alphabet, random, ' '));
    case 3:
      return replace(text, one, '');
    case 4:
      return replace(text, one, `${image} ${image}`);
    case 5: {
      const [first, second] = one[0] <= two[0] ? [one, two] : [two, one];
      if (first[1] > second[0]) return text;
      const swapped = replace(text, second, text.slice(first[0], first[1]));
      return replace(swapped, first, text.slice(second[0], second[1]));
    }
    case 6: {
      const source = pick(corpus, random, text);
      const from = pick(ranges(source), random, [0, 0] as const);
      return replace(text, one, source.slice(from[0], from[1]));
    }
    case 7:
      return text.slice(0, at);
    case 8: {
      // The same piece many times: nesting, long chains, long lists.
      const piece = text.slice(Math.min(one[0], two[0]), Math.max(one[1], two[1])).slice(0, 40);
      return replace(text, [at, at], `${piece} `.repeat(1 + random(random(8) === 0 ? 400 : 12)));
    }
    default: {
      const source = pick(corpus, random, text);
      const start = random(source.length);
      return replace(text, [at, at], source.slice(start, start + random(80)));
    }
  }
}

/** A mutant: one to six changes to a program of the corpus. */
export function mutant(corpus: readonly string[], random: Random): string {
  let text = pick(corpus, random, '');
  for (let n = 1 + random(1 + random(6)); n > 0; n -= 1) text = mutateOnce(text, corpus, random);
  return text;
}

/** Puts `runs` mutants through parser, loader, checker and formatter, and those without errors through `next`. */
export function fuzzSources(
  runs: number,
  seed: number,
  next: (program: Program) => void = () => undefined,
  corpus: readonly string[] = seedPrograms,
): FuzzReport {
  const random = randomOf(seed);
  const failures: FuzzFailure[] = [];
  let parsed = 0;
  let checked = 0;
  for (let run = 0; run < runs; run += 1) {
    const source = mutant(corpus, random);
    try {
      const { program, diagnostics } = readProgram('main.fil', (path) => (path === 'main.fil' ? source : path === 'other.fil' ? other : undefined));
      const formatted = formatSource(source);
      if (formatted.ok) {
        parsed += 1;
        const again = formatSource(formatted.value);
        if (!again.ok || again.value !== formatted.value) throw new Error('formatting twice differs');
      } else if (formatted.diagnostics.some((d) => d.kind === 'bug')) {
        throw new Error('the formatter would change the program');
      }
      if (!hasErrors(diagnostics)) {
        checked += 1;
        next(program);
      }
    } catch (error) {
      failures.push({ source, error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
    }
  }
  return { runs, parsed, checked, failures };
}
