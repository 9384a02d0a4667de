/**
 * What the READMEs of the examples show is what the compiler says today: figures and pictures are made again and compared.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { selectorFigures, selectorPicture, selectors, markOf } from '../../examples/selectors.ts';
import { exampleFolders, exampleJobs, figuresOf, pictureOf, readmePath, withFigures } from '../../examples/update-readmes.ts';

const jobs = exampleJobs();
const hint = 'run npx tsx examples/update-readmes.ts and look at what changed';

test('every example has a first run', () => {
  expect(jobs.map((job) => job.folder)).toEqual([...exampleFolders()].sort());
});

describe.each(jobs.map((job) => [job.folder, job] as const))('%s', (folder, job) => {
  test('its README shows the figures of today', async () => {
    const readme = readFileSync(readmePath(folder), 'utf8');
    expect(withFigures(readme, await figuresOf(job)), hint).toBe(readme);
  });

  test('its picture is the mask of today', () => {
    expect(readFileSync(readmePath(folder).replace('README.md', `${folder}.svg`), 'utf8') === pictureOf(job), hint).toBe(true);
  });
});

describe.each(selectors.map((s) => [`${s.folder}/${s.program}`, s] as const))('%s', (_, s) => {
  test('its README shows what it chooses today', async () => {
    const readme = readFileSync(readmePath(s.folder), 'utf8');
    expect(withFigures(readme, await selectorFigures(s), markOf(s)), hint).toBe(readme);
  }, 60_000);

  test('its picture is the choice of today', async () => {
    expect(readFileSync(readmePath(s.folder).replace('README.md', `${s.program}.svg`), 'utf8') === (await selectorPicture(s)), hint).toBe(true);
  }, 60_000);
});
