/**
 * Which argument of a call goes to which parameter: positional ones in order, then named ones, then defaults. Used by the
 * checker, which reports what does not fit, and by the lowering, which meets only calls that do.
 */
import type { Arg, Param } from './ast.ts';

export interface Matching {
  /** Arguments by the name of their parameter. */
  readonly given: ReadonlyMap<string, Arg>;
  /** Parameters that no argument goes to and that have no default. */
  readonly missing: readonly Param[];
  readonly problems: readonly Problem[];
}

export type Problem =
  | { readonly kind: 'too-many'; readonly arg: Arg }
  | { readonly kind: 'unknown-name'; readonly arg: Arg; readonly name: string }
  | { readonly kind: 'twice'; readonly arg: Arg; readonly name: string }
  | { readonly kind: 'positional-after-named'; readonly arg: Arg };

export function matchArguments(params: readonly Param[], args: readonly Arg[]): Matching {
  const given = new Map<string, Arg>();
  const problems: Problem[] = [];
  let named = false;
  args.forEach((arg, i) => {
    if (arg.name === undefined) {
      const param = params[i];
      if (named) problems.push({ kind: 'positional-after-named', arg });
      else if (param === undefined) problems.push({ kind: 'too-many', arg });
      else given.set(param.name.name, arg);
      return;
    }
    named = true;
    const { name } = arg.name;
    if (!params.some((p) => p.name.name === name)) problems.push({ kind: 'unknown-name', arg, name });
    else if (given.has(name)) problems.push({ kind: 'twice', arg, name });
    else given.set(name, arg);
  });
  const missing = params.filter((p) => p.defaultValue === undefined && !given.has(p.name.name));
  return { given, missing, problems };
}
