/** The structure of src: which folder may import which, unique names, and no unused exports. */
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const list = (pattern: string) => globSync(pattern, { cwd: root }).sort();
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** AssemblyScript is no part of the program that runs in Node: what it exports, WebAssembly exports. */
const ASSEMBLY = 'src/collect/access-log/embedded/wasm/';

const sources = new Map(
  list('src/**/*.ts')
    .filter((file) => !file.startsWith(ASSEMBLY))
    .map((file) => [file, read(file)]),
);
const others = new Map([...list('{test,bench}/**/*.ts'), 'build.mjs'].map((file) => [file, read(file)]));

/** A folder or file of src imports only what is listed before it, types included. */
const ORDER = [
  'problem.ts',
  'format',
  'evidence',
  'query',
  'redact',
  'diagnose',
  'environment-names.ts',
  'config.ts',
  'render',
  'collect',
  'investigate',
  'runs',
  'doctor',
  'slack',
  'alarms',
  'metrics',
  'commands',
  'cli.ts',
];

const rankOf = (file: string): number => ORDER.indexOf(file.split('/')[1] ?? '');

function importsOf([file, code]: [string, string]): string[] {
  const paths = [...code.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, path = '']) => path);
  return paths.map((path) => normalize(join(dirname(file), path)));
}

const EXPORT = /^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm;

/** The exports that a file uses, as "file: name". Of a module that is loaded later, every word in the file may be one. */
function usedExports([file, code]: [string, string]): string[] {
  const at = (path: string) => normalize(join(dirname(file), path));
  const imported = [...code.matchAll(/(?:import|export)\s(?:type\s)?\{([^}]*)\}\s*from\s*'(\.[^']+)'/g)].flatMap(
    ([, names = '', path = '']) =>
      names.split(',').map(
        (name) =>
          `${at(path)}: ${name
            .trim()
            .replace(/^type /, '')
            .replace(/ as .*/, '')}`,
      ),
  );
  const wholes = [...code.matchAll(/(?:import\(|import \* as \w+ from )\s*'(\.[^']+)'/g)];
  const words = wholes.length === 0 ? [] : [...new Set(code.match(/\w+/g))];
  return [...imported, ...wholes.flatMap(([, path = '']) => words.map((word) => `${at(path)}: ${word}`))];
}

/** What more than one file has, with the files. */
function repeated(entries: readonly (readonly [string, string])[]): string[] {
  const files = Map.groupBy(entries, ([name]) => name);
  return [...files].flatMap(([name, all]) => {
    const where = [...new Set(all.map(([, file]) => file))];
    return where.length > 1 ? [`${name}: ${where.join(', ')}`] : [];
  });
}

describe('src', () => {
  it('imports downwards', () => {
    expect(list('src/*').filter((path) => rankOf(path) < 0)).toEqual([]);
    const upward = [...sources].flatMap((source) =>
      importsOf(source)
        .filter((target) => rankOf(target) > rankOf(source[0]))
        .map((target) => `${source[0]} -> ${target}`),
    );
    expect([...new Set(upward)]).toEqual([]);
  });

  it('has no import cycles, types included', () => {
    const imports = new Map([...sources].map((source) => [source[0], importsOf(source)]));
    const inCycles = [...sources.keys()].filter((file) => {
      const reached = new Set(imports.get(file));
      for (const each of reached) for (const target of imports.get(each) ?? []) reached.add(target);
      return reached.has(file);
    });
    expect(inCycles).toEqual([]);
  });

  it('shows the diagnosis, and reads no evidence to do so', () => {
    const showing = [...sources].filter(([file]) => /^src\/(render|slack\/messages)\//.test(file));
    expect(showing.length).toBeGreaterThan(40);
    const reading = showing.filter((source) =>
      importsOf(source).some((target) => target.endsWith('evidence/evidence.ts')),
    );
    expect(reading.map(([file]) => file)).toEqual([]);
  });

  it('has no file name twice', () => {
    const files = [...sources.keys()].filter((file) => basename(file) !== 'index.ts');
    expect(repeated(files.map((file) => [basename(file), file] as const))).toEqual([]);
  });

  it('exports no two types of one name', () => {
    const types = [...sources].flatMap(([file, code]) =>
      [...code.matchAll(/^export (?:abstract )?(?:type|interface|class) (\w+)/gm)].map(
        ([, name = '']) => [name, file] as const,
      ),
    );
    expect(repeated(types)).toEqual([]);
  });

  it('exports nothing that no other file imports', () => {
    const used = new Set([...sources, ...others].flatMap(usedExports));
    const unused = [...sources].flatMap(([file, code]) => {
      const names = [...code.matchAll(EXPORT)].map(([, name = '']) => name);
      return [...new Set(names)].map((name) => `${file}: ${name}`).filter((name) => !used.has(name));
    });
    expect(unused).toEqual([]);
  });
});
