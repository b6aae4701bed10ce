import type { View } from '@slack/web-api';
import type { Episode } from '../alarms/episode.ts';
import type { Diagnosis, StepNumber } from '../diagnosis.ts';
import type { EvidenceSet } from '../evidence.ts';
import type { Run } from '../runs/run.ts';
import type { Work } from '../work.ts';
import { headline } from './phrases.ts';
import type { ExtraId } from './slack/actions.ts';
import type { FileMessage, Message } from './slack/message.ts';

export interface Told {
  run: Run;
  diagnosis: Diagnosis | null;
  episode: Episode | null;
}
const plain = (text: string): Message => ({
  text,
  blocks: [{ type: 'section', text: { type: 'plain_text', text: text.slice(0, 2900) } }],
});
export const stateOf = (d: Diagnosis): 'provisional' | 'final' | 'partial' =>
  d.provisional
    ? 'provisional'
    : d.triage.requests === null ||
        d.steps.some((s) => s.outcome === 'unknown' && s.findings.every((f) => f.outcome === 'unknown'))
      ? 'partial'
      : 'final';
export const rootMessage = ({ run, diagnosis }: Told): Message =>
  plain(`${run.loadBalancer.name} ${run.state} ${diagnosis ? headline(diagnosis) + diagnosis.verdict.summary : ''}`);
export const checklistMessage = ({ run }: Told, work: Work | null): Message =>
  plain(`checklist ${run.id} ${work === null ? 'ended' : Object.keys(work.ended).length}`);
export const verdictMessage = ({ diagnosis }: Told): Message => plain(diagnosis?.verdict.summary ?? '');
export const stepMessages = ({ diagnosis }: Told): Partial<Record<StepNumber, Message>> =>
  Object.fromEntries(
    (diagnosis?.steps ?? [])
      .filter((s) => s.outcome === 'fail')
      .map((s) => [s.step, plain(s.findings.map((f) => f.summary).join('\n'))]),
  );
export const changedMessage = ({ diagnosis }: Told, before: Diagnosis): Message | null =>
  diagnosis && diagnosis.verdict.summary !== before.verdict.summary ? plain(diagnosis.verdict.summary) : null;
export const extraAnswer = (extra: ExtraId, { run }: Told, _evidence: EvidenceSet): Message | FileMessage =>
  plain(`${extra} ${run.id}`);
export const helpMessage = (): Message => plain('help');
export const usageMessage = (problem: string): Message => plain(problem);
export const privateMessage = (sentence: string): Message => plain(sentence);
export const formView = (_: object): View => ({
  type: 'modal',
  title: { type: 'plain_text', text: 'alb502' },
  blocks: [],
});
export const wrongView = (_: string): View => ({
  type: 'modal',
  title: { type: 'plain_text', text: 'alb502' },
  blocks: [],
});
export const homeView = (_: object): View => ({ type: 'home', blocks: [] });
export const episodeClosedMessage = (_: Told): Message => plain('closed');
export const unknownAlarmMessage = ({ alarm }: { alarm: string; sentences: string[] }): Message => plain(alarm);
