/**
 * Names of a kernel program as identifiers of a language. In: the program, what the language keeps for itself. Out: a function from
 * IR names to identifiers. Holds: it is injective over all name spaces together, never gives a word of the vocabulary, and leaves a
 * name that is good as it is.
 */
import { CompilerBug } from '../dsl/diagnostic.ts';
import type { KernelProgram } from '../compiler/kernel/ir.ts';
import { walkStatements } from '../compiler/kernel/walk.ts';
import type { NameSpace } from './c-like.ts';

export interface Naming {
  readonly entry: string;
  readonly name: (space: NameSpace, name: string) => string;
  /** Of a member of the uniform block. */
  readonly member: (name: string) => string;
}

function sanitised(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9_]/g, '_').replace(/^_+(?=.)/, '').replace(/^(?=[0-9])/, 'n');
  return clean === '' || clean === '_' ? 'unnamed' : clean;
}

/** What a language and a module frame keep for themselves. */
export interface Vocabulary {
  readonly reserved: readonly string[];
  /** Names that a variable would hide: of builtins, helpers and the frame. */
  readonly taken: readonly string[];
  /** What stands before the point in the name of a uniform. */
  readonly uniformBlock: string;
}

/** Chooses an identifier for every name of the program; `wanted` is what the entry point would be called. */
export function chooseNames(program: KernelProgram, wanted: string, vocabulary: Vocabulary): Naming {
  const taken = new Set([...vocabulary.reserved, ...vocabulary.taken]);

  const fresh = (wanted: string, used: Set<string>): string => {
    const base = sanitised(wanted);
    let name = base;
    for (let i = 2; used.has(name); i += 1) name = base + '_' + String(i);
    used.add(name);
    return name;
  };
  const chosen = new Map<string, string>();
  const key = (space: NameSpace, name: string): string => [space, name].join(' ');
  const choose = (space: NameSpace, name: string): void => {
    if (!chosen.has(key(space, name))) chosen.set(key(space, name), fresh(name, taken));
  };

  const entry = fresh(wanted, taken);
  for (const s of program.storage) choose('storage', s.name);
  for (const s of program.shared) choose('shared', s.name);
  // Members of a struct live in a space of their own.
  const memberNames = new Set(vocabulary.reserved);
  const members = new Map(program.uniforms.map((u) => [u.name, fresh(u.name, memberNames)]));
  for (const [name, member] of members) chosen.set(key('value', name), [vocabulary.uniformBlock, member].join('.'));
  walkStatements(program.body, (stmt) => {
    switch (stmt.kind) {
      case 'let':
      case 'var':
        if (members.has(stmt.name)) throw new CompilerBug('print', `'${stmt.name}' is a uniform and a local name`);
        return choose('value', stmt.name);
      case 'for':
        if (members.has(stmt.index)) throw new CompilerBug('print', `'${stmt.index}' is a uniform and a loop index`);
        return choose('value', stmt.index);
      case 'array':
        return choose('array', stmt.name);
      case 'load_matrix':
      case 'load_words':
        return stmt.names.forEach((name) => choose('value', name));
      case 'assign':
      case 'assign_array':
      case 'store':
      case 'store_shared':
      case 'copy_async':
      case 'copy_commit':
      case 'copy_wait':
      case 'mma':
      case 'barrier':
      case 'if':
      case 'while':
      case 'comment':
        return;
    }
  });

  const found = (name: string | undefined, what: string): string => {
    if (name === undefined) throw new CompilerBug('print', `'${what}' is used but not declared in kernel '${program.name}'`);
    return name;
  };
  return {
    entry,
    name: (space, name) => found(chosen.get(key(space, name)), name),
    member: (name) => found(members.get(name), name),
  };
}
