/** The evidence collected from an account equals the recorded incident that the account was made from. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHANGES_BEFORE } from '../../../src/collect/cli-commands.ts';
import { collect } from '../../../src/collect/collect.ts';
import { readIncident, recordedCollectors } from '../../../src/collect/incident/incident-collectors.ts';
import { recordedEvidence } from '../../../src/collect/incident/read-evidence.ts';
import { saveIncident } from '../../../src/collect/incident/save.ts';
import { diagnoseRecording } from '../../../src/commands/diagnose-command.ts';
import { diagnose } from '../../../src/diagnose/diagnose.ts';
import { epochOf } from '../../../src/evidence/aws.ts';
import type { Collected } from '../../../src/evidence/collected.ts';
import type { EvidenceName } from '../../../src/evidence/evidence.ts';
import { iso } from '../../../src/format/wording.ts';
import { redactEvidence } from '../../../src/redact/redact-evidence.ts';
import { renderJson } from '../../../src/render/json.ts';
import { collectLive, incidentFolder } from '../../support/aws/live-run.ts';
import { filesOf, openAccount } from '../../support/aws/recorded-account.ts';
import { temporaryFolder } from '../../support/incident/folder.ts';

const INCIDENTS = ['001', '002', '003', '008', '009', '010', '011', '016', '017'];

describe.each(INCIDENTS)('the account of incident %s', (number) => {
  it('gives the recorded evidence, with the same commands', async () => {
    await openAccount(filesOf(incidentFolder(number)));
    const { incident, question, evidence } = await collectLive(number);
    const { metrics, changes, ...expected } = recordedEvidence(incident.recording, question);
    for (const [name, one] of Object.entries(expected)) {
      if (one.status === 'collected') expect([name, evidence[name as EvidenceName]]).toEqual([name, one]);
    }
    const since = question.from - CHANGES_BEFORE;
    const recent = answerIn(changes).filter(({ EventTime }) => epochOf(String(EventTime)) >= since);
    // The command of a recorded incident also finds the older changes in it.
    const source = changes.source.replace(/--start-time \S+/, `--start-time ${iso(since).replace('.000', '')}`);
    expect(evidence.changes).toMatchObject({ source, value: recent });
    expect(evidence.metrics.source).toBe(metrics.source);
    expect(answerIn(evidence.metrics)).toEqual(expect.arrayContaining(answerIn(metrics).map(withinLive)));
  });

  it('gives the same verdict', async () => {
    await openAccount(filesOf(incidentFolder(number)));
    const { incident, question, evidence } = await collectLive(number);
    const recorded = diagnose(question, await collect(recordedCollectors(incident, question)));
    const { verdict } = diagnose(question, evidence);
    expect(verdict).toEqual(recorded.verdict);
  });

  it('is saved and diagnosed the same again', async () => {
    await openAccount(filesOf(incidentFolder(number)));
    const { question, evidence } = await collectLive(number);
    const dir = join(temporaryFolder(), 'saved');
    await saveIncident(dir, { question, evidence, incident: null });
    const again = await diagnoseRecording(await readIncident(dir), '');
    expect(again.question).toEqual(question);
    // What is saved is redacted: requests that differ only in what that hides are of one route.
    expect(renderJson(again.diagnosis)).toBe(renderJson(diagnose(question, redactEvidence(evidence))));
  });
});

const answerIn = <T>(one: Collected<T>): T => {
  if (one.status === 'unavailable') throw new Error(one.reason);
  return one.value;
};

/** A recorded series as it is asked live: times with milliseconds. */
const withinLive = (series: { Timestamps: string[] }) => ({
  ...series,
  Timestamps: series.Timestamps.map((time) => new Date(time).toISOString()),
});
