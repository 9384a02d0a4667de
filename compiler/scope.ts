/**
 * Names in nested blocks. A block sees the names of the blocks around it; its own end with it. Mutable while one walk over a
 * program declares names in order, so that long blocks of short statements stay cheap.
 */
export interface NameScope<T> {
  readonly get: (name: string) => T | undefined;
  /** Declares a name in this block; it hides one of the same name further out. */
  readonly declare: (name: string, value: T) => void;
  /** A block within this one. */
  readonly inner: () => NameScope<T>;
}

/** A block with these names to begin with. */
export function nameScope<T>(names: Iterable<readonly [string, T]> = [], outer?: NameScope<T>): NameScope<T> {
  const own = new Map<string, T>(names);
  const scope: NameScope<T> = {
    get: (name) => (own.has(name) ? own.get(name) : outer?.get(name)),
    declare: (name, value) => void own.set(name, value),
    inner: () => nameScope<T>([], scope),
  };
  return scope;
}
