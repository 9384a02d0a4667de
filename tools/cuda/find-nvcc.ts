/**
 * Where the CUDA compiler is. In: the environment. Out: the path of `nvcc`, or where it was looked for. CUDA_HOME and CUDA_PATH are asked
 * before PATH, as the toolkit's own tools do.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export type FoundNvcc = { readonly path: string } | { readonly looked: readonly string[] };

const program = process.platform === 'win32' ? 'nvcc.exe' : 'nvcc';

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

export function findNvcc(environment: NodeJS.ProcessEnv = process.env): FoundNvcc {
  const homes = (['CUDA_HOME', 'CUDA_PATH'] as const).flatMap((name) => {
    const home = environment[name];
    return home === undefined || home === '' ? [] : [{ said: `${name} (${home})`, path: join(home, 'bin', program) }];
  });
  const onPath = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '').map((folder) => join(folder, program));
  const path = [...homes.map((h) => h.path), ...onPath].find(isProgram);
  return path === undefined ? { looked: [...homes.map((h) => h.said), 'PATH'] } : { path };
}
