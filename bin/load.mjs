// Loads a part of the package in one piece. The sources are TypeScript in some hundred files; going through a loader hook for each
// takes seconds, so they are bundled once into a cache folder (about half a second, again after any change) and run
// from there without a loader. Where no cache can be written, or the bundler is missing, the hook of tsx is used.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folders = ['dsl', 'compiler', 'backends', 'tools', 'test/support'];

// Name in the bundle -> source.
const entries = {
  cli: 'tools/cli.ts',
  'random-spec': 'test/support/random-spec.ts',
  'reference-worker': 'tools/demo/reference-worker.ts',
  'methods-worker': 'tools/methods/methods-worker.ts',
};

// Loaded from node_modules when they are needed: native, huge, or used by few commands.
const external = ['webgpu', '@sparticuz/chromium', 'ts-morph', 'typescript', 'fast-check', 'playwright-core', 'esbuild', 'onnxruntime-node'];

/** A key that changes with any source file, this file, Node and the package. */
function stateKey() {
  const hash = createHash('sha256').update(process.version).update(root);
  const visit = (folder) => {
    for (const item of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, item.name);
      if (item.isDirectory()) visit(path);
      else if (item.name.endsWith('.ts')) {
        const { mtimeMs, size } = statSync(path);
        hash.update(`${path} ${mtimeMs} ${size}\n`);
      }
    }
  };
  for (const folder of folders) if (existsSync(join(root, folder))) visit(join(root, folder));
  hash.update(readFileSync(join(root, 'package.json'))).update(readFileSync(fileURLToPath(import.meta.url)));
  return hash.digest('hex').slice(0, 20);
}

function cacheFolders() {
  return [join(root, 'node_modules', '.cache', 'filigree'), join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'filigree', 'bundles')];
}

/** Keeps the meaning of import.meta.url: the place of the source, not of the bundle. */
const keepPlaces = {
  name: 'keep-places',
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, (args) => {
      const text = readFileSync(args.path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      return { contents: text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(args.path).href)), loader: 'ts' };
    });
  },
};

async function makeBundle(folder, key) {
  const { build } = await import('esbuild');
  mkdirSync(folder, { recursive: true });
  const temporary = join(folder, `${key}.${process.pid}.part`);
  await build({
    entryPoints: Object.fromEntries(Object.entries(entries).map(([name, source]) => [name, join(root, source)]).filter(([, path]) => existsSync(path))),
    outdir: temporary,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    legalComments: 'none',
    logLevel: 'silent',
    external,
    plugins: [keepPlaces],
    // Packages that are CommonJS inside ask for `require`.
    banner: { js: `import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(${JSON.stringify(import.meta.url)});` },
  });
  const target = join(folder, key);
  try {
    renameSync(temporary, target);
  } catch {
    // Another process was quicker.
    rmSync(temporary, { recursive: true, force: true });
  }
  for (const old of readdirSync(folder)) {
    if (old === key || old.endsWith('.part')) continue;
    // Running processes may still load chunks of the last state: only states of some time ago go.
    if (Date.now() - statSync(join(folder, old)).mtimeMs > 3600000) rmSync(join(folder, old), { recursive: true, force: true });
  }
  return target;
}

async function bundleFolder() {
  const key = stateKey();
  for (const folder of cacheFolders()) if (existsSync(join(folder, key, 'cli.mjs'))) return join(folder, key);
  for (const folder of cacheFolders()) {
    try {
      return await makeBundle(folder, key);
    } catch {
      // Not writable, or a source does not parse: the hook will say what is wrong.
    }
  }
  return undefined;
}

/** Imports one of the entries. */
export async function load(name) {
  const folder = process.env.FILIGREE_NO_BUNDLE === undefined ? await bundleFolder() : undefined;
  if (folder !== undefined) return import(pathToFileURL(join(folder, `${name}.mjs`)).href);
  const { register } = await import('tsx/esm/api');
  register();
  return import(pathToFileURL(join(root, entries[name])).href);
}
