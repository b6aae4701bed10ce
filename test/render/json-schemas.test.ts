/** The published JSON Schemas match the code, and accept and refuse the same. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { DiagnosisSchema } from '../../src/diagnose/diagnosis-schema.ts';
import { ENVIRONMENT_NAMES, WITHOUT_ENVIRONMENT_NAME } from '../../src/environment-names.ts';
import { settingsOf } from '../../src/render/configuration-table.ts';
import { configurationSchema, diagnosisSchema } from '../../src/render/json-schemas.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const readJson = (file: string): unknown => JSON.parse(read(file));
const ajv = new Ajv2020({ allErrors: true });
const configuration = ajv.compile(configurationSchema());
const diagnosis = ajv.compile(diagnosisSchema());

it.each([
  ['configuration', configurationSchema],
  ['diagnosis', diagnosisSchema],
])('schema/%s.schema.json matches the code (--update=all rewrites it)', async (name, schema) => {
  const text = `${JSON.stringify(schema(), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(join(root, `schema/${name}.schema.json`));
});

describe('the schema of the configuration', () => {
  const isTaken = (content: unknown): boolean => {
    try {
      parseConfig(content, {}, 'alb502.json');
      return true;
    } catch {
      return false;
    }
  };

  it.each([
    ['nothing', {}],
    ['the address of its schema', { $schema: './schema/configuration.schema.json', maxUsd: 2 }],
    ['the example', readJson('docs/alb502.example.json')],
    ['a route with a mention', { alarms: { routes: [{ channel: 'C0123456789', mention: 'U0123456789' }] } }],
  ])('accepts %s, as alb502 does', (_, content) => {
    expect([isTaken(content), configuration(content)]).toEqual([true, true]);
  });

  it.each([
    ['a setting that does not exist', { colour: true }],
    ['a misspelt setting', { athena: { workgroup: 'primary' } }],
    ['a channel by its name', { alarms: { defaultChannel: '#alerts' } }],
    ['an account without a name', { accounts: [{ regions: ['eu-west-1'] }] }],
    ['a negative price', { maxUsd: -1 }],
    ['a port that is too large', { healthPort: 70_000 }],
    ['text for a number', { limits: { atOnce: 'four' } }],
    ['a queue without an address', { alarms: { sqs: {} } }],
  ])('refuses %s, as alb502 does', (_, content) => {
    expect([isTaken(content), configuration(content)]).toEqual([false, false]);
  });

  it('describes every setting, and its variable or why it has none', () => {
    const settings = settingsOf(configurationSchema());
    expect(settings.filter(({ description }) => !/^[A-Z`].*\.$/.test(description))).toEqual([]);
    const paths = settings.filter(({ path }) => !path.includes('[]')).map(({ path }) => path);
    const named = Object.values(ENVIRONMENT_NAMES).map(({ path }) => path.join('.'));
    expect([...named, ...Object.keys(WITHOUT_ENVIRONMENT_NAME)].sort()).toEqual(paths.sort());
  });
});

describe('the schema of the diagnosis', () => {
  it.each(globSync('test/scenarios/0*/diagnosis.json', { cwd: root }).sort())('takes %s', (file) => {
    diagnosis(readJson(file));
    expect(diagnosis.errors).toBeNull();
  });

  it.each([
    ['another version', { schema: 2 }],
    ['a standing that does not exist', { verdict: { cause: null, standing: 'sure', between: [], explains: 0 } }],
    ['a missing field', { gaps: undefined }],
    ['five steps', { steps: [] }],
  ])('refuses %s, as zod does', (_, change) => {
    const [first = ''] = globSync('test/scenarios/0*/diagnosis.json', { cwd: root }).sort();
    const changed: unknown = JSON.parse(JSON.stringify({ ...Object(readJson(first)), ...change }));
    expect([diagnosis(changed), DiagnosisSchema.safeParse(changed).success]).toEqual([false, false]);
  });

  it('accepts a field that was added later', () => {
    const [first = ''] = globSync('test/scenarios/0*/diagnosis.json', { cwd: root }).sort();
    expect(diagnosis({ ...Object(readJson(first)), owner: 'shop' })).toBe(true);
  });
});
