/**
 * The rules of the code base, each a function from the models of all files to its findings. A rule knows paths and
 * syntax, never a particular file: exceptions stand, counted and with a reason, in ledger.ts.
 */
import type { Place, SourceModel } from './model.ts';
import type { Ledger } from './ledger.ts';

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

type Rule = (models: readonly SourceModel[]) => readonly Finding[];

/** Folders from the bottom up: a file imports from its own layer and the ones before it. */
const layers = ['dsl', 'compiler', 'backends', 'tools', 'bench', 'test'];

function layerOf(path: string): number {
  return layers.indexOf(path.split('/')[0] ?? '');
}

function isIn(path: string, ...places: readonly string[]): boolean {
  return places.some((place) => (place.endsWith('.ts') ? path === place : path.startsWith(`${place}/`)));
}

function at(model: SourceModel, place: Place, message: string): Finding {
  return { file: model.path, line: place.line, message };
}

/** dsl <- compiler <- backends <- tools; nothing but tests imports tests. */
export const importDirection: Rule = (models) =>
  models.flatMap((model) =>
    model.imports
      .filter((i) => i.relative && layerOf(i.target) > layerOf(model.path))
      .map((i) => at(model, i, `imports ${i.target}: imports go one way, ${layers.join(' <- ')}`)),
  );

/** Of the front end the compiler sees its data, and the tree itself only where the tree is lowered. */
export const compilerSeesData: Rule = (models) =>
  models
    .filter((model) => isIn(model.path, 'compiler'))
    .flatMap((model) =>
      model.imports
        .filter((i) => i.relative && isIn(i.target, 'dsl'))
        .filter((i) => !isIn(i.target, 'dsl/span.ts', 'dsl/diagnostic.ts', 'dsl/types.ts', 'dsl/catalogue.ts', 'dsl/catalogue'))
        .filter((i) => !(isIn(model.path, 'compiler/spec') && isIn(i.target, 'dsl/ast.ts', 'dsl/program.ts')))
        .map((i) => at(model, i, `imports ${i.target}: the compiler sees spans, diagnostics, types and the catalogue, and the tree only in compiler/spec`)),
    );

/** A backend knows a machine, never attention. */
export const backendsSeeMachines: Rule = (models) =>
  models
    .filter((model) => isIn(model.path, 'backends'))
    .flatMap((model) =>
      model.imports
        .filter((i) => i.relative && !isIn(i.target, 'backends'))
        .filter(
          (i) =>
            !isIn(i.target, 'dsl/span.ts', 'dsl/diagnostic.ts', 'dsl/catalogue.ts', 'dsl/catalogue', 'compiler/target.ts', 'compiler/kernel', 'compiler/launch', 'compiler/expr') &&
            // Plans carry the parameters of the program as plain data.
            !(i.typeOnly && isIn(i.target, 'compiler/spec/ir.ts', 'compiler/tile/ir.ts')),
        )
        .map((i) => at(model, i, `imports ${i.target}: backends see kernel programs, host plans, expressions and the target record only`)),
    );

/** The definition of meaning shares no code with what it judges. */
export const denseStandsAlone: Rule = (models) =>
  models
    .filter((model) => isIn(model.path, 'compiler/interpreters/dense', 'compiler/interpreters/dense.ts'))
    .flatMap((model) =>
      model.imports
        .filter((i) => isIn(i.target, 'compiler/algebra', 'compiler/plan', 'compiler/tile', 'compiler/kernel', 'compiler/passes', 'compiler/expr/evaluate.ts', 'compiler/expr/build.ts', 'compiler/expr/arithmetic.ts'))
        .map((i) => at(model, i, `imports ${i.target}: the dense interpreter shares no code with the lowering`)),
    );

/** No file reaches itself through its imports. Each cycle is reported once. */
export const noCycles: Rule = (models) => {
  const byPath = new Map(models.map((m) => [m.path, m]));
  const done = new Set<string>();
  const found = new Map<string, Finding>();
  const walk = (model: SourceModel, trail: readonly string[]): void => {
    const start = trail.indexOf(model.path);
    if (start >= 0) {
      const cycle = trail.slice(start);
      const name = [...cycle].sort()[0] ?? model.path;
      found.set([...cycle].sort().join(' '), { file: name, line: 1, message: `import cycle: ${[...cycle, model.path].join(' -> ')}` });
      return;
    }
    if (done.has(model.path)) return;
    for (const i of model.imports) {
      const next = byPath.get(i.target);
      if (next !== undefined) walk(next, [...trail, model.path]);
    }
    done.add(model.path);
  };
  for (const model of models) walk(model, []);
  return [...found.values()];
};

/** Every relative import names a file that exists (with its `.ts`). */
export const importsResolve: Rule = (models) => {
  const known = new Set(models.map((m) => m.path));
  return models.flatMap((model) =>
    model.imports
      .filter((i) => i.relative && i.target.endsWith('.ts') && layerOf(i.target) >= 0 && !known.has(i.target))
      .map((i) => at(model, i, `imports ${i.target}, which does not exist`)),
  );
};

export const noAny: Rule = (models) => models.flatMap((m) => m.anys.map((p) => at(m, p, `any in \`${p.text}\``)));

/** `as` (but `as const`) only where the ledger counts it, and exactly as often as the ledger says. */
export function castsAreCounted(ledger: Ledger): Rule {
  return counted(ledger, (m) => m.casts, 'cast');
}

export function nonNullsAreCounted(ledger: Ledger): Rule {
  return counted(ledger, (m) => m.nonNulls, 'non-null assertion');
}

function counted(ledger: Ledger, placesOf: (model: SourceModel) => readonly Place[], what: string): Rule {
  return (models) => {
    const byPath = new Map(models.map((m) => [m.path, m]));
    const stale = Object.entries(ledger)
      .filter(([path, entry]) => (byPath.get(path) === undefined ? 0 : placesOf(byPath.get(path) ?? empty).length) < entry.count)
      .map(([path, entry]) => ({ file: path, line: 1, message: `the ledger counts ${entry.count} ${what}s, there are fewer: lower it` }));
    const over = models.flatMap((m) => {
      const places = placesOf(m);
      return places.length <= (ledger[m.path]?.count ?? 0) ? [] : places.map((p) => at(m, p, `${what} \`${p.text}\``));
    });
    return [...stale, ...over];
  };
}

const empty: SourceModel = {
  path: '', text: '', lines: 0, head: '', imports: [], anys: [], casts: [], nonNulls: [], literals: [], openDefaults: [], globals: [],
};

export const longestFile = 600;
export const longFile = 400;

/** Never above 600 lines; above 400 only with a reason in the ledger. */
export function filesAreShort(reasons: Ledger): Rule {
  return (models) => [
    ...models
      .filter((m) => m.lines > longestFile || (m.lines > longFile && reasons[m.path] === undefined))
      .map((m) => ({ file: m.path, line: m.lines, message: `${m.lines} lines: at most ${longFile}, or ${longestFile} with a reason in the ledger` })),
    ...Object.keys(reasons)
      .filter((path) => (models.find((m) => m.path === path)?.lines ?? 0) <= longFile)
      .map((path) => ({ file: path, line: 1, message: 'is listed as long in the ledger and is not' })),
  ];
}

/** A file says what it is for before anything else. */
export const headComments: Rule = (models) =>
  models
    .filter((m) => m.head.length < 40)
    .map((m) => ({ file: m.path, line: 1, message: 'starts without a comment that says what goes in, what comes out and what holds' }));

/** Names of methods and systems that the compiler must not know: a method is a program, not a feature. */
const papers = [
  'xattention', 'mminference', 'minference', 'flexprefill', 'snapkv', 'streamingllm', 'longformer', 'bigbird', 'sageattention', 'seerattention',
  'seedlm', 'ouromamba', 'mambaquant', 'flashattention', 'flash_attention', 'flexattention', 'nsa', 'moba', 'deepseek', 'quest', 'h2o', 'pyramidkv',
  'squarehead', 'vsparse', 'aphq', 'spinquant', 'quarot', 'log-linear-attention', 'loglinear', 'twilight', 'tidaldecode', 'duoattention', 'retrievalattention',
];

export const noPapers: Rule = (models) =>
  models
    .filter((m) => isIn(m.path, 'dsl', 'compiler', 'backends'))
    .flatMap((m) =>
      m.text.split('\n').flatMap((line, index) =>
        papers
          .filter((paper) => new RegExp(`(?<![a-z])${paper}(?![a-z])`, 'i').test(line))
          .map((paper) => ({ file: m.path, line: index + 1, message: `names ${paper}: methods live in examples/, the compiler knows none` })),
      ),
    );

/** Files that make kernel text. Runtimes drive devices and are judged by their tests. */
const emitters = (m: SourceModel): boolean => isIn(m.path, 'backends') && !/(^|\/)runtime(\/|\.ts$)/.test(m.path);

/**
 * Kernels are built from the typed program. A string may hold one token, one fixed call or one statement; several lines,
 * several statements, or a block around a hole are a template. `helpers.ts` of a language holds whole functions that no program shapes, with
 * instructions of the assembler among them; only holes make a template there.
 */
export const noKernelTemplates: Rule = (models) =>
  models.filter(emitters).flatMap((m) =>
    m.literals
      .filter((l) => {
        const whole = l.pieces.join('$');
        const hasHole = l.pieces.length > 1;
        const lines = whole.includes('\n') && /[;{}]/.test(whole);
        const blockWithHole = hasHole && /[{}]/.test(whole) && /;/.test(whole);
        const statements = !m.path.endsWith('/helpers.ts') && (whole.match(/;/g) ?? []).length > 1;
        return lines || blockWithHole || statements;
      })
      .map((l) => at(m, l, `kernel text written by hand: \`${l.text}\``)),
  );

/** Same input, same bytes out: no files, clocks, randomness or environment below the tools (device runtimes excepted). */
export const pureCore: Rule = (models) =>
  models
    .filter((m) => isIn(m.path, 'dsl', 'compiler') || emitters(m))
    .flatMap((m) => [
      ...m.imports
        .filter((i) => /^node:/.test(i.target))
        .map((i) => at(m, i, `imports ${i.target}: only tools and runtimes touch the machine`)),
      ...m.globals.map((g) => at(m, g, `uses \`${g.text}\`: the compiler is a function of its arguments`)),
    ]);

/** A switch over kinds names every kind, so that a new one breaks the build where it must be thought about. */
export function switchesAreClosed(ledger: Ledger): Rule {
  return counted(ledger, (m) => (isIn(m.path, 'dsl', 'compiler', 'backends') ? m.openDefaults : []), 'open default in a switch over kinds');
}

// Spelled in pieces, so that this file does not report itself.
const leftover = new RegExp(String.raw`\b(TO${''}DO|FIX${''}ME|XX${''}X|HA${''}CK)\b|\.(only|skip)\(\s*['"\x60]`);

export const noLeftovers: Rule = (models) =>
  models.flatMap((m) =>
    m.text.split('\n').flatMap((line, index) =>
      leftover.test(line)
        ? [{ file: m.path, line: index + 1, message: `left over: ${line.trim().slice(0, 80)}` }]
        : [],
    ),
  );

/** The levels: each IR folder is complete, and each level runs. */
const levels = [
  { folder: 'compiler/spec', interpreter: ['compiler/interpreters/dense'] },
  { folder: 'compiler/plan', interpreter: ['compiler/plan/coverage'] },
  { folder: 'compiler/tile', interpreter: ['compiler/interpreters/tile'] },
  { folder: 'compiler/kernel', interpreter: ['compiler/interpreters/lockstep'] },
];

export const levelsAreComplete: Rule = (models) => {
  const paths = models.map((m) => m.path);
  const has = (stem: string): boolean => paths.some((p) => p === `${stem}.ts` || p.startsWith(`${stem}/`));
  return levels.flatMap(({ folder, interpreter }) =>
    [...['ir', 'print', 'verify'].map((name) => `${folder}/${name}`), ...interpreter]
      .filter((stem) => !has(stem))
      .map((stem) => ({ file: folder, line: 1, message: `${stem}.ts is missing: every level has ir, print, verify and an interpreter` })),
  );
};

/** Names of files are kebab-case. */
export const kebabCase: Rule = (models) =>
  models
    .filter((m) => !/^[a-z0-9]+([.-][a-z0-9]+)*\.ts$/.test(m.path.split('/').at(-1) ?? ''))
    .map((m) => ({ file: m.path, line: 1, message: 'is not named in kebab-case' }));

/** Files of one example folder, by name. */
export interface ExampleFolder {
  readonly name: string;
  readonly files: readonly string[];
  readonly readme: string;
}

/**
 * An example is a program, a README with its picture and figures, and what the demo runs. Published selectors have reference vectors
 * (golden.ts) instead of a demo run: choosing on the interpreter takes longer than the demo may.
 */
export function examplesAreComplete(folders: readonly ExampleFolder[]): readonly Finding[] {
  return folders.flatMap(({ name, files, readme }) => {
    const folder = `examples/${name}`;
    const missing = [`${name}.fil`, 'README.md', ...(files.includes('golden.ts') ? [] : ['demo.json'])]
      .filter((file) => !files.includes(file))
      .map((file) => ({ file: folder, line: 1, message: `${file} is missing` }));
    const picture = /!\[[^\]]*\]\(([^)]+)\)/.exec(readme)?.[1];
    const pictured =
      picture !== undefined && files.includes(picture)
        ? []
        : [{ file: `${folder}/README.md`, line: 1, message: picture === undefined ? 'shows no picture' : `shows ${picture}, which does not exist` }];
    const figures = /\|\s*density\s*\|/.test(readme) && readme.includes('filigree explain')
      ? []
      : [{ file: `${folder}/README.md`, line: 1, message: 'shows no explain figures with the command that makes them' }];
    return [...missing, ...pictured, ...figures];
  });
}
