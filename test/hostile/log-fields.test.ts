/**
 * A stranger's text in any field of the access log stays text in every output, whether from a client or from a folder's
 * author.
 */
import { afterAll, expect, it } from 'vitest';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import type { Diagnosis } from '../../src/diagnose/diagnosis.ts';
import { HOSTILE_TEXTS, incidentWithLines, LOG_FIELDS, withField } from '../support/incident/hostile.ts';
import { faultsOf } from '../support/incident/outputs.ts';
import { commandFaults, commandsOf } from '../support/shell/commands.ts';

const TEXTS = Object.values(HOSTILE_TEXTS);
const diagnoses: Diagnosis[] = [];

/** Fields that are shown or counted by value; the others are not read, or only in their own format. */
const SHOWN = ['request_line', 'error_reason', 'target_group_arn', 'target'];

const cases = [
  ...[...LOG_FIELDS, 'a field to come'].map((name) => ['012', name] as const),
  ...SHOWN.map((name) => ['003', name] as const),
];

it.each(cases)('%s has no effect with any kind of text in %s', async (scenario, name) => {
  const index = LOG_FIELDS.includes(name) ? LOG_FIELDS.indexOf(name) : LOG_FIELDS.length;
  const folder = incidentWithLines(scenario, (line, number) =>
    number % 2 === 0 ? withField(line, index, TEXTS[(number / 2) % TEXTS.length] ?? '') : line,
  );
  const incident = await readIncident(folder);
  const found = await diagnoseRecording(incident, '');
  const redacted = await diagnoseRecording(incident, '', undefined, null, true);
  expect(await faultsOf(found, redacted, incident)).toEqual([]);
  diagnoses.push(found.diagnosis, redacted.diagnosis);
  if (scenario === '003') expect(JSON.stringify(found.diagnosis)).toMatch(/pwned|evil|script/);
});

/** After all of them: a shell takes longer to start than to be pasted into. */
afterAll(() => {
  const commands = [...new Set(diagnoses.flatMap(commandsOf))];
  expect(commands.length).toBeGreaterThan(20);
  expect(commandFaults(commands)).toEqual([]);
});
