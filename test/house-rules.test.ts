/** The rules of the house, executable: who may do I/O, what makes a check or a cause complete, and that the documentation says what is there. */

import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { CAUSE_IDS, causes } from '../src/diagnose/causes/index.ts';
import { STEP_TITLES } from '../src/diagnose/checks/check.ts';
import { checklist } from '../src/diagnose/checks/index.ts';
import type { Diagnosis } from '../src/diagnose/diagnosis.ts';
import { renderConfigurationTable } from '../src/render/configuration-table.ts';
import { renderCauseTable, renderCheckTable } from '../src/render/documentation-tables.ts';
import { configurationSchema } from '../src/render/json-schemas.ts';

const root = join(import.meta.dirname, '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const list = (pattern: string) => globSync(pattern, { cwd: root }).sort();
const sources = list('src/**/*.ts');

/** Entries and what stands at the edge: the only places for files, sockets, processes, AWS and DuckDB. */
const EDGE = [/^src\/(collect|doctor|runs|slack|alarms|metrics|commands|investigate)\//, /^src\/cli\.ts$/];
const isEdge = (file: string) => EDGE.some((pattern) => pattern.test(file));
const middle = sources.filter((file) => !isEdge(file));

/** Packages that compute and do nothing else. */
const PURE_PACKAGES = ['ipaddr.js', 'picocolors', 'string-width', 'wrap-ansi', 'zod'];

/** What depends on the moment, the machine or its settings. */
const IMPURE = {
  'reads the clock': /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bperformance\.|\bhrtime\b/,
  'is random': /\bMath\.random\b|\bcrypto\.|\brandomUUID\b/,
  'reads the environment':
    /\bprocess\.(env|argv|cwd|platform|versions?|std(in|out|err)|memoryUsage|pid)\b|\bimport\.meta\b/,
  'reaches out': /\bfetch\(|\bset(Timeout|Interval|Immediate)\(|\bconsole\./,
  'depends on the locale': /\.localeCompare\(|\.toLocale\w+\(\s*\)|\bIntl\.\w+\(\s*\)/,
  'depends on the time zone': /\.(get|set)(Hours|Minutes|Day|Date|Month|FullYear|TimezoneOffset)\(/,
};

const withoutComments = (code: string) => code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

/** What each file of the middle imports, types aside; other files as paths from the root. */
const { inputs } = buildSync({
  absWorkingDir: root,
  entryPoints: middle,
  outdir: 'unused',
  bundle: true,
  format: 'esm',
  platform: 'node',
  packages: 'external',
  metafile: true,
  write: false,
}).metafile;

describe('I/O stays at the edge', () => {
  it('knows the middle', () => {
    expect(middle).toEqual(
      expect.arrayContaining(['src/diagnose/diagnose.ts', 'src/diagnose/signature.ts', 'src/diagnose/traffic.ts']),
    );
  });

  it.each(middle)('%s imports only pure modules', (file) => {
    const impure = (inputs[file]?.imports ?? [])
      .map(({ path }) => path)
      .filter((path) => (path.startsWith('src/') ? isEdge(path) : !PURE_PACKAGES.includes(path)));
    expect(impure).toEqual([]);
  });

  it.each(middle)('%s gives the same answer anywhere and at any time', (file) => {
    const code = withoutComments(read(file));
    const found = Object.entries(IMPURE).filter(([, pattern]) => pattern.test(code));
    expect(found.map(([what]) => what)).toEqual([]);
  });
});

/** Tests that are about one thing say so in their file name or quote its id. */
function isTested(folder: 'checks' | 'causes', id: string): boolean {
  if (existsSync(join(root, `test/diagnose/${folder}/${id}.test.ts`))) return true;
  return list(`test/diagnose/${folder}/*.test.ts`).some((file) => read(file).includes(`'${id}'`));
}

/** The names of the files that define one of a kind. */
const filesWith = (folder: string, definition: string) =>
  list(`${folder}/*.ts`)
    .filter((file) => new RegExp(`(=|default) ${definition}\\(`).test(read(file)))
    .map((file) => basename(file, '.ts'))
    .sort();

const SENTENCE = /^[A-Z0-9"`][\s\S]*[.]$/;
const AWS_PAGE = /^https:\/\/docs\.aws\.amazon\.com\/\S+$/;

describe('the checklist', () => {
  it('lists every file of src/diagnose/checks once', () => {
    expect(checklist.map(({ id }) => id).sort()).toEqual(filesWith('src/diagnose/checks', 'defineCheck'));
  });

  it('goes through the six steps in order', () => {
    const steps = checklist.map(({ step }) => step);
    expect(steps).toEqual([...steps].sort());
    expect([...new Set(steps)].map(String)).toEqual(Object.keys(STEP_TITLES));
  });

  it.each(checklist.map((check) => [check.id, check] as const))(
    '%s asks, explains, advises and is tested',
    (id, check) => {
      expect(check.question).toMatch(/^[A-Z][\s\S]*\?$/);
      expect(check.why).toMatch(SENTENCE);
      expect(check.fix).toMatch(SENTENCE);
      expect(check.reference).toMatch(AWS_PAGE);
      expect(isTested('checks', id), `a test of ${id} in test/diagnose/checks`).toBe(true);
    },
  );
});

describe('the causes', () => {
  it('are those of the contract, in its order, one a file', () => {
    expect(causes.map(({ id }) => id)).toEqual(CAUSE_IDS);
    expect(filesWith('src/diagnose/causes', 'defineCause')).toEqual([...CAUSE_IDS].sort());
  });

  it.each(causes.map((cause) => [cause.id, cause] as const))(
    '%s is named, explained, referenced and tested',
    (id, cause) => {
      expect(cause.title).not.toBe('');
      expect(cause.explanation).toMatch(SENTENCE);
      expect(cause.reference).toMatch(AWS_PAGE);
      expect(isTested('causes', id), `a test of ${id} in test/diagnose/causes`).toBe(true);
    },
  );
});

describe('the documentation', () => {
  it.each([
    ['README.md', 'demo', beginningOfTheDemo],
    ['docs/incidents.md', 'incidents', recordedIncidents],
    ['docs/checks.md', 'checklist', () => renderCheckTable(checklist)],
    ['docs/causes.md', 'causes', () => renderCauseTable(causes)],
    ['docs/configuration.md', 'settings', () => renderConfigurationTable(configurationSchema())],
  ])('%s shows the %s as they are (--update=all rewrites it)', async (file, section, content) => {
    await expect(between(read(file), section, content())).toMatchFileSnapshot(join(root, file));
  });

  it.each(list('{*.md,docs/*.md}'))('%s links to files that exist', (file) => {
    const links = [...read(file).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map((match) => match[1] ?? '');
    expect(links.filter((link) => !existsSync(join(root, dirname(file), link)))).toEqual([]);
  });

  it('explains every field of the diagnosis', () => {
    const page = read('docs/diagnosis-json.md');
    const words = new Set(page.match(/\w+/g));
    const fields = list('test/scenarios/0*/diagnosis.json').flatMap((file) => fieldsOf(JSON.parse(read(file))));
    expect([...new Set(fields)].filter((field) => !words.has(field))).toEqual([]);
  });

  it('shows in the README what docs/bench.md measured', () => {
    const rows = (file: string) =>
      [...read(file).matchAll(/^[|] (?:ordinary|heavy) .*$/gm)].map(([row]) =>
        row.split('|').map((cell) => cell.trim()),
      );
    const measured = rows('docs/bench.md').map(([, log, lines, size, diagnosis, , , , cpu = '', wall]) => [
      log,
      lines,
      size,
      diagnosis,
      wall,
      cpu.split(' ')[0],
    ]);
    expect(rows('README.md').map((cells) => cells.slice(1, -1))).toEqual(measured);
    expect(measured).not.toEqual([]);
  });

  it('fits the README on 200 lines', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(200);
  });
});

/** Names of all fields, at any depth; keys that are data, such as statuses and signatures, aside. */
function fieldsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldsOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    ['byStatus', 'bySignature', 'targetMade'].includes(key) ? [key] : [key, ...fieldsOf(inner)],
  );
}

/** The thread of the first recorded incident down to the evidence of its first cause. */
function beginningOfTheDemo(): string {
  const [first] = list('test/scenarios/0*/thread.txt');
  if (first === undefined) throw new Error('There is no thread.txt beside a recorded incident.');
  const [beginning = ''] = read(first).split(/^(Ruled out|Also:|Errors over time)/m);
  return `\`\`\`text\n${beginning.trim()}\n\`\`\``;
}

/** One row for each recorded incident: its name and what it is diagnosed as. */
function recordedIncidents(): string {
  const rows = list('test/scenarios/0*/diagnosis.json').map((file) => {
    const { verdict, causes } = JSON.parse(read(file)) as Diagnosis;
    const title = (id: string | null) => causes.find((cause) => cause.id === id)?.title ?? '';
    const between = verdict.between.map(title).join('; ') || 'nothing to judge by';
    const said = {
      confirmed: title(verdict.cause),
      likely: title(verdict.cause),
      undecided: between,
      none: 'No errors',
    };
    const folder = dirname(file);
    return `| [${basename(folder)}](../${folder}) | ${said[verdict.standing]} | ${verdict.standing} |`;
  });
  return ['| Incident | Diagnosis | Standing |', '| - | - | - |', ...rows].join('\n');
}

/** Replaces the text between two markers. */
function between(text: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const [before = '', rest = ''] = text.split(start);
  const [, after = ''] = rest.split(end);
  return `${before}${start}\n${content.trim()}\n${end}${after}`;
}

describe('names and leftovers', () => {
  it('names no file after nothing in particular', () => {
    const vague = /(^|[-.])(utils?|helpers?|managers?|services?|misc|common)([-.]|$)/;
    expect([...sources, ...list('{test,bench}/**/*.ts')].filter((file) => vague.test(basename(file)))).toEqual([]);
  });

  it.each([
    ['work put off', /\b(TODO|FIXME|XXX|HACK)\b/],
    ['a type check evaded', /\bas unknown as\b|:\s*any\b|<any>|@ts-(ignore|nocheck)/],
  ])('leaves no %s in src', (_, pattern) => {
    expect(sources.filter((file) => pattern.test(read(file)))).toEqual([]);
  });

  it('keeps registry addresses out of the lock file', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved":|https?:\/\/[^"]*\.tgz/);
  });
});
