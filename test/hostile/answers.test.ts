/** A stranger's text in any field of a folder's JSON is refused by name, or stays text in every output. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Collectors, collect } from '../../src/collect/collect.ts';
import type { Incident } from '../../src/collect/incident/incident.ts';
import {
  questionToRecording,
  readIncident,
  recordedCollectors,
} from '../../src/collect/incident/incident-collectors.ts';
import { Recording } from '../../src/collect/incident/incident-files.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import { diagnose } from '../../src/diagnose/diagnose.ts';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import type { AccessLog } from '../../src/evidence/access-log.ts';
import type { Collected } from '../../src/evidence/collected.ts';
import { Problem } from '../../src/problem.ts';
import { redactEvidence } from '../../src/redact/redact-evidence.ts';
import { incidentFolder } from '../support/incident/folder.ts';
import { HOSTILE_TEXTS } from '../support/incident/hostile.ts';
import { type JsonPlace, placesIn, withValue } from '../support/incident/json-places.ts';
import { faultsOf, recordedOutputs, textFaults } from '../support/incident/outputs.ts';
import { commandFaults, commandsOf } from '../support/shell/commands.ts';

const SCENARIOS = join(import.meta.dirname, '../scenarios');
const TEXTS = Object.values(HOSTILE_TEXTS);
const diagnoses: Diagnosis[] = [];

type Contents = Record<string, unknown>;

const contentsOf = (source: string): Contents =>
  Object.fromEntries(
    ['incident.json', ...globSync('{metrics,edge,aws/*}.json', { cwd: source }).sort()].map((name) => [
      name,
      JSON.parse(readFileSync(join(source, name), 'utf8')) as unknown,
    ]),
  );

/** Like `diagnoseRecording` for a folder with these files, but reuses the log that was read before. */
async function diagnosed(incident: Incident, recording: Recording, accessLog: Collected<AccessLog>) {
  const changed = { ...incident, recording };
  const question = questionToRecording(changed, { loadBalancer: null, window: null, statuses: null });
  const collectors: Collectors = {
    ...recordedCollectors(changed, question),
    accessLog: { source: accessLog.source, collect: () => accessLog },
  };
  const evidence = await collect(collectors);
  const findings = { question, evidence, diagnosis: diagnose(question, evidence) };
  const given = redactEvidence(evidence);
  return { findings, redacted: { question, evidence: given, diagnosis: diagnose(question, given) } };
}

/** The kind of place, ignoring list positions and ARNs as keys. */
const kindOf = (place: JsonPlace): string =>
  place
    .map((part) =>
      typeof part === 'object'
        ? `{${/[:/]/.test(part.key) ? '*' : part.key}}`
        : /^\d+$|[:/]/.test(String(part))
          ? '*'
          : part,
    )
    .join('.');

/** One place of each kind. */
const kindsIn = (content: unknown): Map<string, JsonPlace> =>
  new Map(
    placesIn(content)
      .reverse()
      .map((place) => [kindOf(place), place]),
  );

/** Incidents that together have every kind of file, and the files checked in each. */
const CASES: [string, RegExp][] = [
  ['002', /./],
  ['011', /function|alias/],
  ['030', /ecs|tags|deployments/],
  ['034', /instances|scaling|lookup/],
  ['039', /edge/],
];

describe.each(CASES)('%s', async (scenario, which) => {
  const source = join(SCENARIOS, globSync(`${scenario}-*`, { cwd: SCENARIOS })[0] ?? '');
  const incident = await readIncident(source);
  const { evidence, diagnosis } = await diagnoseRecording(incident, '');
  const ordinary = JSON.stringify(diagnosis);
  const contents = contentsOf(source);

  it.each(Object.keys(contents).filter((file) => which.test(file)))(
    'has every kind of text in every field of %s refused by name, or without any effect',
    { timeout: 120_000 },
    async (file) => {
      const faults: Record<string, string[]> = {};
      let allRefused = contents[file];
      let number = 0;
      for (const [kind, place] of kindsIn(contents[file])) {
        for (const text of [number, number + 3].map((at) => TEXTS[at % TEXTS.length] ?? '')) {
          number += 1;
          const changed = withValue(contents[file], place, text);
          const read = Recording.safeParse({ ...contents, [file]: changed });
          if (!read.success) {
            allRefused = withValue(allRefused, place, text);
            break;
          }
          const found = await faultsWith(read.data);
          if (found.length > 0) faults[kind] = found;
        }
      }
      expect(faults).toEqual({});
      if (allRefused === contents[file]) return;
      const folder = incidentFolder({ ...contents, [file]: allRefused });
      const refusal: unknown = await readIncident(folder).catch((error: unknown) => error);
      if (!(refusal instanceof Problem)) return expect.fail(`${file} was taken`);
      expect(refusal.message).toMatch(new RegExp(`^${file}: `));
      expect(textFaults('sentence', refusal.message)).toEqual([]);
    },
  );

  async function faultsWith(recording: Recording): Promise<string[]> {
    try {
      const { findings, redacted } = await diagnosed(incident, recording, evidence.accessLog);
      if (JSON.stringify(findings.diagnosis) === ordinary) return [];
      diagnoses.push(findings.diagnosis);
      return await faultsOf(findings, redacted, null);
    } catch (error) {
      if (error instanceof Problem) return textFaults('sentence', error.message);
      throw error;
    }
  }
});

it('is refused by name or has no effect with any kind of text in any answer of a recorded log', {
  timeout: 120_000,
}, async () => {
  const source = join(SCENARIOS, '012-target-generated');
  const found = await diagnoseRecording(await readIncident(source), '');
  const records = [...(await recordedOutputs(found))].flatMap(([key, body]): [string, unknown][] => {
    const file = /[/]incident[/](.*[.]json)$/.exec(key)?.[1];
    return file === undefined || file === 'feedback.json' ? [] : [[file, JSON.parse(body)]];
  });
  const contents = Object.fromEntries(records);
  const incident = await readIncident(incidentFolder(contents));
  const faults: Record<string, string[]> = {};
  let [number, shown] = [0, 0];
  for (const [kind, place] of kindsIn(contents['access-log.json'])) {
    const text = TEXTS[number++ % TEXTS.length] ?? '';
    const read = Recording.safeParse({
      ...contents,
      'access-log.json': withValue(contents['access-log.json'], place, text),
    });
    if (!read.success) continue;
    const changed = { ...incident, recording: read.data };
    try {
      const findings = await diagnoseRecording(changed, '');
      const redacted = await diagnoseRecording(changed, '', undefined, null, true);
      diagnoses.push(findings.diagnosis);
      shown += 1;
      const own = await faultsOf(findings, redacted, null);
      if (own.length > 0) faults[kind] = own;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      expect(textFaults('sentence', error.message)).toEqual([]);
    }
  }
  expect(shown).toBeGreaterThan(20);
  expect(faults).toEqual({});
});

/** Last, and in one shell, because starting it takes longest. */
afterAll(() => {
  const commands = [...new Set(diagnoses.flatMap(commandsOf))];
  expect(commands.length).toBeGreaterThan(50);
  expect(commandFaults(commands)).toEqual([]);
});
