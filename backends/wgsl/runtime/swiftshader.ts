/**
 * The embedded software GPU: SwiftShader and the Vulkan loader that npm brings inside @sparticuz/chromium, made visible to
 * Dawn in this process. In: nothing. Out: what was set up. Holds: must run before the first import of `webgpu`; no environment
 * variable is needed before the process starts; parallel processes may extract at once (temporary name, then rename); drivers
 * chosen by the user (VK_DRIVER_FILES) are left in charge, and a GPU's driver comes before the embedded one.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** Files of a flat ustar archive: name and content. */
export function untar(tar: Buffer): readonly { readonly name: string; readonly data: Buffer }[] {
  const files: { name: string; data: Buffer }[] = [];
  for (let at = 0; at + 512 <= tar.length; ) {
    const name = tar.toString('utf8', at, at + 100).replace(/\0.*$/s, '');
    if (name === '') break;
    const size = Number.parseInt(tar.toString('utf8', at + 124, at + 136), 8);
    const kind = tar.toString('utf8', at + 156, at + 157);
    if (kind === '0' || kind === '\0') files.push({ name: name.replace(/^\.\//, ''), data: tar.subarray(at + 512, at + 512 + size) });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/** The `bin` folder of @sparticuz/chromium; undefined where the package is not installed. */
export function chromiumBin(): string | undefined {
  const require = createRequire(import.meta.url);
  for (const base of require.resolve.paths('@sparticuz/chromium') ?? []) {
    const bin = join(base, '@sparticuz', 'chromium', 'bin');
    if (existsSync(join(bin, 'swiftshader.tar.br'))) return bin;
  }
  return undefined;
}

/** A folder that may hold unpacked files: beside the packages, or the system's temporary folder where that is read-only. */
export function cacheRoot(bin: string): string {
  const beside = join(dirname(dirname(dirname(bin))), '.cache', 'filigree');
  try {
    mkdirSync(beside, { recursive: true });
    return beside;
  } catch {
    const uid = process.getuid === undefined ? 0 : process.getuid();
    const shared = join(tmpdir(), ['filigree-cache', String(uid)].join('-'));
    mkdirSync(shared, { recursive: true, mode: 0o700 });
    return shared;
  }
}

/** Makes `folder` with what `fill` puts into it, or leaves the one that is there. Never seen half full by others. */
export function fillOnce(folder: string, fill: (temporary: string) => void): void {
  if (existsSync(folder)) return;
  const temporary = [folder, String(process.pid), String(Date.now()), 'tmp'].join('.');
  mkdirSync(temporary, { recursive: true });
  try {
    fill(temporary);
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    // Another process was quicker.
    if (!existsSync(folder)) throw error;
  }
}

/** Where the loader and driver lie after unpacking; undefined where the package is missing or has no driver for this machine. */
export function unpackSwiftShader(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const bin = chromiumBin();
  if (bin === undefined) return undefined;
  const folder = join(cacheRoot(bin), 'swiftshader-147');
  fillOnce(folder, (temporary) => {
    for (const file of untar(brotliDecompressSync(readFileSync(join(bin, 'swiftshader.tar.br'))))) {
      if (/^(libvk_swiftshader\.so|libvulkan\.so\.1|vk_swiftshader_icd\.json)$/.test(file.name)) {
        writeFileSync(join(temporary, file.name), file.data, { mode: 0o755 });
      }
    }
  });
  return folder;
}

/** Vulkan drivers the machine itself has: manifest files in the loader's usual places. */
export function installedDrivers(): readonly string[] {
  const folders = ['/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/etc/vulkan/icd.d'];
  return folders.flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((f) => f.endsWith('.json'))
          .map((f) => join(folder, f))
      : [],
  );
}

export type DriverSetup =
  /** VK_DRIVER_FILES was set by the user. */
  | { readonly kind: 'user' }
  /** SwiftShader is available, beside the drivers of the machine. */
  | { readonly kind: 'embedded'; readonly folder: string; readonly others: readonly string[] }
  /** Nothing of ours for this platform: what the machine has must do (macOS, Windows, other processors). */
  | { readonly kind: 'machine'; readonly reason: string };

let done: DriverSetup | undefined;

/** RTLD_NODELETE keeps the loader mapped although Node rejects it as an addon. */
const keepMapped = 0x1000;

/** Sets the drivers up for this process, once. */
export function setUpDrivers(): DriverSetup {
  done ??= chooseDrivers();
  return done;
}

function chooseDrivers(): DriverSetup {
  if (process.platform !== 'linux') return { kind: 'machine', reason: 'the embedded driver is for Linux' };
  if (process.env['VK_DRIVER_FILES'] !== undefined || process.env['VK_ICD_FILENAMES'] !== undefined) {
    loadLoader(unpackSwiftShader());
    return { kind: 'user' };
  }
  const folder = unpackSwiftShader();
  if (folder === undefined) return { kind: 'machine', reason: '@sparticuz/chromium is not installed' };
  loadLoader(folder);
  return { kind: 'embedded', folder, others: installedDrivers() };
}

/** Whether a manifest is that of another driver without a GPU. One that cannot be read counts as a GPU's. */
export function isSoftwareDriver(manifest: string): boolean {
  try {
    return /libvulkan_lvp|swiftshader/i.test(readFileSync(manifest, 'utf8'));
  } catch {
    return false;
  }
}

/**
 * Which manifests the loader should read for the wanted adapter. Where nobody names one, GPUs come before the embedded driver, and
 * other software drivers are left out: they would not be used, and Dawn warns about their limits as soon as it sees them.
 */
export function driversFor(wanted: string | undefined, embedded: string, others: readonly string[]): readonly string[] {
  if (wanted === undefined) return [...others.filter((f) => !isSoftwareDriver(f)), embedded];
  return /swiftshader/i.test(wanted) ? [embedded] : [...others, embedded];
}

/** Sets the drivers up for an instance that is made next: the loader reads its list whenever Dawn makes one. */
export function showDrivers(wanted: string | undefined): DriverSetup {
  const setup = setUpDrivers();
  if (setup.kind === 'embedded') {
    const files = driversFor(wanted, join(setup.folder, 'vk_swiftshader_icd.json'), setup.others).join(':');
    process.env['VK_DRIVER_FILES'] = files;
    process.env['VK_ICD_FILENAMES'] = files;
  }
  return setup;
}

/** Dawn opens `libvulkan.so.1` by name; one that is already in the process is taken. */
function loadLoader(folder: string | undefined): void {
  if (folder === undefined || hasSystemLoader()) return;
  const flags = constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | keepMapped;
  try {
    process.dlopen({ exports: {} }, join(folder, 'libvulkan.so.1'), flags);
  } catch {
    // Node reports that the library "did not self-register"; it stays mapped, which is all that is wanted.
  }
}

function hasSystemLoader(): boolean {
  const folders = ['/usr/lib/x86_64-linux-gnu', '/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/local/lib'];
  return folders.some((f) => existsSync(join(f, 'libvulkan.so.1')));
}
