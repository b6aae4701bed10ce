/** Every command of every incident, pasted into common shells, keeps its words, whatever text strangers wrote. */
import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readIncident } from '../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../src/commands/diagnose-command.ts';
import type { Diagnosis } from '../src/diagnose/diagnosis.ts';
import { Problem } from '../src/problem.ts';
import { temporaryFolder } from './support/incident/folder.ts';
import { rewrittenIncident, writtenByClient } from './support/incident/hostile.ts';
import { commandsOf } from './support/shell/commands.ts';
import { paste, shellsHere } from './support/shell/paste.ts';

const SCENARIOS = join(import.meta.dirname, 'scenarios');
const NAMES = globSync('0*', { cwd: SCENARIOS }).sort();
const SHELLS = ['bash', 'zsh'] as const;

/** Each ends a different kind of quote, and leaves a file where it ran. */
const INJECTIONS = [
  "';touch pwned;'",
  '$(touch pwned)',
  '`touch pwned`',
  '";touch pwned;"',
  "x'$(touch pwned)'x",
  '\n touch pwned \n',
  '# touch pwned',
  '|tee pwned',
  '>pwned',
  '&touch pwned&',
  '--cli-input-json file:///etc/passwd',
];

const diagnosed = async (folder: string): Promise<Diagnosis> =>
  (await diagnoseRecording(await readIncident(folder), '')).diagnosis;

/** Programs and how many words each gets. */
const shapeOf = (calls: string[][][]): string[] =>
  calls.flat().map(([program, ...args]) => `${program} ${args.length}`);

describe.each(SHELLS)('in %s', (shell) => {
  const isHere = shellsHere.includes(shell);

  it.skipIf(!isHere)(`no command of a recorded incident has a comment or an open word (needs ${shell})`, async () => {
    const each = await Promise.all(NAMES.map((name) => diagnosed(join(SCENARIOS, name))));
    const commands = [...new Set(each.flatMap(commandsOf))];
    expect(commands.length).toBeGreaterThan(50);
    const { calls, filesCreated } = paste(shell, commands);
    const silent = commands.filter((_, at) => (calls[at] ?? []).length === 0);
    expect(silent).toEqual([]);
    expect(calls.flat(2).filter((word) => word === '#' || word.startsWith('# '))).toEqual([]);
    expect(filesCreated).toEqual([]);
  });

  it.skipIf(!isHere).each(['001', '003', '004', '012', '014', '017'])(
    `%s with commands in every field of its requests gives the commands it gave without (needs ${shell})`,
    async (scenario) => {
      const texts = INJECTIONS.map((text) => text.replaceAll('\n', ' '));
      const hostile = await diagnosed(
        rewrittenIncident(scenario, (entry, at) => writtenByClient(entry, texts[at % texts.length] ?? '')),
      );
      const commands = commandsOf(hostile);
      const { calls, filesCreated } = paste(shell, commands);
      expect(filesCreated).toEqual([]);
      expect(calls.flat(2).filter((word) => word.includes('pwned'))).toEqual([]);
      expect(calls.every((call) => call.length > 0)).toBe(true);
    },
  );
});

/** Every text in a file of a folder, by its place in it. */
function* textsIn(value: unknown, place: (string | number)[] = []): Generator<(string | number)[]> {
  if (typeof value === 'string') yield place;
  else if (value !== null && typeof value === 'object')
    for (const [key, inner] of Object.entries(value)) yield* textsIn(inner, [...place, key]);
}

function withText(value: unknown, [key, ...rest]: (string | number)[], text: string): unknown {
  if (key === undefined) return text;
  if (Array.isArray(value))
    return value.map((item, at) => (String(at) === String(key) ? withText(item, rest, text) : item));
  return { ...(value as object), [key]: withText((value as Record<string, unknown>)[key], rest, text) };
}

/** The kind of place, ignoring list positions and ARNs as keys. */
const kindOf = (file: string, place: (string | number)[]): string =>
  `${file} ${place.map((part) => (/^\d+$|[:/]/.test(String(part)) ? '*' : part)).join('.')}`;

describe('a folder of a stranger', () => {
  it('has every kind of text of its files refused by name, or harmless in a shell', async () => {
    const source = join(SCENARIOS, NAMES.find((name) => name.startsWith('002')) ?? '');
    const kinds = new Map<string, { file: string; place: (string | number)[] }>();
    for (const file of ['incident.json', ...globSync('aws/*.json', { cwd: source }).sort()]) {
      const content: unknown = JSON.parse(readFileSync(join(source, file), 'utf8'));
      for (const place of textsIn(content)) {
        const kind = kindOf(file, place);
        if (!kinds.has(kind)) kinds.set(kind, { file, place });
      }
    }
    expect(kinds.size).toBeGreaterThan(60);
    const commands: string[] = [];
    let refused = 0;
    let number = 0;
    for (const { file, place } of kinds.values()) {
      const text = INJECTIONS[number++ % INJECTIONS.length] ?? '';
      const folder = join(temporaryFolder(), 'incident');
      mkdirSync(folder);
      cpSync(source, folder, { recursive: true, filter: (path) => !path.endsWith('.gz') });
      const content: unknown = JSON.parse(readFileSync(join(source, file), 'utf8'));
      writeFileSync(join(folder, file), JSON.stringify(withText(content, place, text)));
      try {
        commands.push(...commandsOf(await diagnosed(folder)));
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        expect(error.message).toMatch(/^[^\p{Cc}]+$/u);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(20);
    const distinct = [...new Set(commands)];
    for (const shell of shellsHere) {
      const { calls, filesCreated } = paste(shell, distinct);
      expect(filesCreated).toEqual([]);
      expect(distinct.filter((_, at) => shapeOf([calls[at] ?? []]).length === 0)).toEqual([]);
      expect(calls.flat(2).filter((word) => word === 'touch' || word === '--cli-input-json')).toEqual([]);
    }
  });
});
