/**
 * The trace of one compilation as files: every level as a numbered text, and an index that says what each is and how much changed from
 * the level before. In: levels in order, such as ['2-plan', text]. Out: file names with their texts.
 */
const meanings: Readonly<Record<string, string>> = {
  spec: 'the meaning: names resolved, masks inlined, constants filled in',
  plan: 'what is computed in which order: tables, passes, phases, and which tiles each walks',
  tile: 'loops, loads, dots and stores on whole tiles, free of lanes and memory spaces',
  kernel: 'what one lane does: layouts, workgroup memory, barriers, 32-bit indices',
  launch: 'the host plan: buffers, dispatches and their sizes as expressions of the launch',
  wgsl: 'the text that the driver compiles',
};

export function traceWriter(name: string, levels: readonly (readonly [string, string])[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const lines: string[] = [`# ${name}`, '', 'Every level of this compilation, from the meaning down to the text.', '', '| file | level | lines |', '|---|---|---|'];
  for (const [level, text] of levels) {
    const path = `${name}.${level}.${level.endsWith('wgsl') ? 'wgsl' : 'txt'}`;
    const kind = level.replace(/^.*-/, '');
    files.set(path, text.endsWith('\n') ? text : `${text}\n`);
    lines.push(`| [${path}](${path}) | ${meanings[kind] ?? kind} | ${text.split('\n').length} |`);
  }
  files.set(`${name}.index.md`, `${lines.join('\n')}\n`);
  return files;
}
