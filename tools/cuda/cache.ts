/**
 * Results of compilations, kept by content. In: everything that decides a result, as texts. Out: the stored bytes, or undefined. Holds: a
 * reader never sees half a file (writeAtomic), and a cache that cannot be read or written costs time, never a result.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { writeAtomic } from '../io/files.ts';

/** The user's cache folder for filigree, by the custom of the system. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { FILIGREE_CACHE: own, XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = environment;
  if (own !== undefined && own !== '') return own;
  if (xdg !== undefined && xdg !== '') return join(xdg, 'filigree');
  if (process.platform === 'win32' && local !== undefined) return join(local, 'filigree');
  return process.platform === 'darwin' ? join(homedir(), 'Library', 'Caches', 'filigree') : join(homedir(), '.cache', 'filigree');
}

export interface ContentCache {
  readonly get: (key: string) => Buffer | undefined;
  readonly put: (key: string, data: Uint8Array | string) => void;
}

/** The key of a result: lengths keep the parts apart. */
export function contentKey(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}

export function fileCache(folder: string): ContentCache {
  return {
    get: (key) => {
      try {
        return readFileSync(join(folder, key));
      } catch {
        return undefined;
      }
    },
    put: (key, data) => {
      try {
        writeAtomic(join(folder, key), data, []);
      } catch {
        // A full or read-only cache is no reason to fail.
      }
    },
  };
}
