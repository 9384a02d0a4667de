/**
 * A headless Chromium with WebGPU from npm alone. In: nothing. Out: a browser, or the reason why it cannot start. Holds: works
 * as root and on a machine without NSS (the libraries lie in the package too); unpacked once into the cache; parallel
 * processes may unpack at once.
 */
import { chmodSync, existsSync, readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { chromium, type Browser } from 'playwright-core';
import { cacheRoot, chromiumBin, fillOnce, untar } from '../../backends/wgsl/runtime/swiftshader.ts';

function unpackInto(folder: string, archive: string): void {
  for (const { name, data } of untar(brotliDecompressSync(readFileSync(archive)))) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), data, { mode: 0o755 });
  }
}

/** The browser's program, its software driver beside it. */
function unpackChromium(bin: string): string {
  const folder = join(cacheRoot(bin), 'chromium-147');
  fillOnce(folder, (temporary) => {
    const program = join(temporary, 'chromium');
    writeFileSync(program, brotliDecompressSync(readFileSync(join(bin, 'chromium.br'))));
    chmodSync(program, 0o755);
    unpackInto(temporary, join(bin, 'swiftshader.tar.br'));
  });
  return join(folder, 'chromium');
}

/** NSS and its friends, for machines that have no browser libraries. */
function unpackLibraries(bin: string): string {
  const folder = join(cacheRoot(bin), 'browser-libraries-147');
  fillOnce(folder, (temporary) => unpackInto(temporary, join(bin, 'al2023.tar.br')));
  return join(folder, 'lib');
}

const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic'];

function launch(program: string, libraries: string | undefined): Promise<Browser> {
  const root = process.getuid !== undefined && process.getuid() === 0;
  const inherited = Object.fromEntries(Object.entries(process.env).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])));
  // The browser brings its own driver and loader; those of this process are not for it.
  delete inherited['VK_DRIVER_FILES'];
  delete inherited['VK_ICD_FILENAMES'];
  const path = [libraries, inherited['LD_LIBRARY_PATH']].filter((p) => p !== undefined && p !== '').join(':');
  return chromium.launch({
    executablePath: program,
    headless: true,
    args: ['--enable-unsafe-webgpu', ...(root ? ['--no-sandbox'] : []), ...quiet],
    env: path === '' ? inherited : { ...inherited, LD_LIBRARY_PATH: path },
  });
}

/** Starts Chromium; a string says why there is none. */
export async function startChromium(): Promise<Browser | string> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the packaged Chromium is for Linux on x64';
  const bin = chromiumBin();
  if (bin === undefined) return '@sparticuz/chromium is not installed';
  const program = unpackChromium(bin);
  const system = ['/usr/lib/x86_64-linux-gnu', '/lib/x86_64-linux-gnu', '/usr/lib64'].some((f) => existsSync(join(f, 'libnss3.so')));
  const attempts = system ? [undefined, unpackLibraries] : [unpackLibraries, undefined];
  let reason = '';
  for (const libraries of attempts) {
    try {
      return await launch(program, libraries?.(bin));
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  return ['Chromium does not start: ', reason].join('');
}
