/** No output of an incident with secrets in its requests contains them, in any format. */
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readIncident } from '../../src/collect/incident/incident-collectors.ts';
import { saveIncident } from '../../src/collect/incident/save.ts';
import { diagnoseRecording } from '../../src/commands/diagnose-command.ts';
import { renderJson } from '../../src/render/json.ts';
import { renderMarkdown } from '../../src/render/markdown.ts';
import { saveFindings } from '../../src/runs/run-incident.ts';
import { memoryStore } from '../support/alarms/process.ts';
import { temporaryFolder } from '../support/incident/folder.ts';
import { rewrittenIncident, writtenByClient } from '../support/incident/hostile.ts';
import { SECRETS } from '../support/incident/secrets.ts';

const TEXTS = Object.values(SECRETS);
const secretsIn = (text: string): string[] => TEXTS.filter((secret) => text.includes(secret));

/** Every file of a folder as text, unpacked. */
const contentsOf = (folder: string): string =>
  globSync('**/*', { cwd: folder })
    .filter((file) => statSync(join(folder, file)).isFile())
    .map((file) => {
      const bytes = readFileSync(join(folder, file));
      return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
    })
    .join('\n');

describe.each(['001', '003', '007', '012', '014'])('%s with a secret in every request', (scenario) => {
  const open = () =>
    readIncident(rewrittenIncident(scenario, (entry, at) => writtenByClient(entry, TEXTS[at % TEXTS.length] ?? '')));

  it('appears unchanged in the terminal, and without secrets in Markdown and redacted JSON', async () => {
    const incident = await open();
    const whole = await diagnoseRecording(incident, '');
    expect(secretsIn(renderJson(whole.diagnosis))).not.toEqual([]);
    const { diagnosis } = await diagnoseRecording(incident, '', undefined, null, true);
    expect(renderJson(diagnosis)).toContain('/users/:id/x');
    expect(secretsIn(renderJson(diagnosis) + renderMarkdown(diagnosis))).toEqual([]);
  });

  it('is saved without secrets', async () => {
    const incident = await open();
    const found = await diagnoseRecording(incident, '');
    const dir = join(temporaryFolder(), 'saved');
    await saveIncident(dir, { ...found, incident });
    expect(secretsIn(contentsOf(dir))).toEqual([]);
    // Requests that differed only in what is hidden are of one route now, so that routes are not compared.
    const { diagnosis } = await diagnoseRecording(await readIncident(dir), '');
    expect(diagnosis.triage.byStatus).toEqual(found.diagnosis.triage.byStatus);
    const counts = (one: typeof diagnosis) => one.signatures.map(({ id, count }) => [id, count]);
    expect(counts(diagnosis)).toEqual(counts(found.diagnosis));
  });

  it('is recorded without secrets', async () => {
    const found = await diagnoseRecording(await open(), '', undefined, null, true);
    const store = memoryStore();
    await saveFindings(store, '20261120t024012-5f3a9c1e', found);
    expect(store.objects.size).toBeGreaterThan(2);
    expect(secretsIn([...store.objects.values()].map(({ body }) => body).join('\n'))).toEqual([]);
  });
});
