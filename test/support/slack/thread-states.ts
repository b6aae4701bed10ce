/** Runs and episodes around a diagnosis, as input for threads; incidents with their evidence. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readIncident } from '../../../src/collect/incident/incident-collectors.ts';
import { diagnoseRecording } from '../../../src/commands/diagnose-command.ts';
import type { Diagnosis } from '../../../src/diagnose/diagnosis.ts';
import type { Episode } from '../../../src/runs/episode.ts';
import { newRun, type Run } from '../../../src/runs/run.ts';
import { runStateOf, type ThreadState } from '../../../src/slack/messages/index.ts';
import type { FileMessage, Message } from '../../../src/slack/messages/message.ts';
import { changedRun, type RunChanges } from '../runs/changed-run.ts';
import { refusalsOf } from './block-kit.ts';

const scenarios = join(import.meta.dirname, '../../scenarios');
const folderOf = (name: string): string => join(scenarios, name);

/** The diagnosis as it is kept beside a recorded incident. */
export const recordedDiagnosis = (name: string): Diagnosis =>
  JSON.parse(readFileSync(join(folderOf(name), 'diagnosis.json'), 'utf8')) as Diagnosis;

/** The same with the evidence it was drawn from. */
export const investigateRecorded = async (name: string) => diagnoseRecording(await readIncident(folderOf(name)), '');

/** A person's run that has asked once; the day after, times are of another day. */
export function runOf(diagnosis: Pick<Diagnosis, 'loadBalancer' | 'window' | 'asked'>, more: RunChanges = {}): Run {
  const { loadBalancer, window, asked } = diagnosis;
  const run = newRun({
    askedBy: { kind: 'person', user: 'U0ALICE', team: 'T0ACME' },
    question: {
      loadBalancer: { ...loadBalancer, account: 'prod', region: 'eu-west-1' },
      from: Date.parse(window.from),
      to: Date.parse(window.to),
      statuses: asked.statuses,
    },
    channel: 'C0ALERTS',
    parentTs: null,
    now: Date.parse(window.to) + 60_000,
  });
  return changedRun(run, { id: '20261120t025600-5f3a9c1e', ...more });
}

/** State of a thread with a diagnosis; `more` changes its run. */
export const threadStateOf = (
  diagnosis: Diagnosis,
  more: RunChanges = {},
  episode: Episode | null = null,
): ThreadState => ({
  run: runOf(diagnosis, { state: runStateOf(diagnosis), attempts: 1, ...more }),
  diagnosis,
  episode,
});

export const byAlarm: Pick<Run, 'askedBy'> = {
  askedBy: { kind: 'alarm', alarmName: 'shop-prod-5xx', episode: 'e1' },
};

const ALARM: Episode['alarms'][number] = {
  arn: 'arn:aws:cloudwatch:eu-west-1:111122223333:alarm:shop-prod-5xx',
  name: 'shop-prod-5xx',
  state: 'ALARM',
  changedAt: '2026-11-20T02:44:00.000Z',
  reason: 'Threshold Crossed: 3 datapoints were greater than the threshold (5.0).',
  times: 1,
};

export const episodeOf = (more: Partial<Episode> = {}): Episode => ({
  schema: 1,
  id: 'e1',
  loadBalancer: 'arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop-prod/50dc6c495c0c9188',
  openedAt: '2026-11-20T02:44:00.000Z',
  closedAt: null,
  alarms: [ALARM],
  repeats: 0,
  run: '20261120t025600-5f3a9c1e',
  ...more,
});

export const alarm = (more: Partial<Episode['alarms'][number]>): Episode['alarms'][number] => ({ ...ALARM, ...more });

/** What Slack would refuse of the message, of the one to fall back to, and of the text alone. */
export function blockKitErrors({ text, blocks, plainBlocks }: Message): string[] {
  return [
    ...refusalsOf({ text, blocks }, 'message'),
    ...(plainBlocks === undefined ? [] : refusalsOf({ text, blocks: plainBlocks }, 'message')),
  ];
}

export function asMessage(answer: Message | FileMessage): Message {
  if ('filename' in answer) return expect.fail(`a file: ${answer.filename}`);
  return answer;
}

export function asFile(answer: Message | FileMessage): FileMessage {
  if (!('filename' in answer)) return expect.fail(`a message: ${answer.text}`);
  return answer;
}
