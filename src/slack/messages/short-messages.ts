/** Short messages: help, private replies, notes about alarms. */

import { STEP_TITLES } from '../../diagnose/checks/check.ts';
import type { Diagnosis, StepNumber } from '../../diagnose/diagnosis.ts';
import { list, number } from '../../format/wording.ts';
import { errorCountWords, verdictKind, verdictWords } from '../../render/outline.ts';
import { costSentence } from '../../render/phrases.ts';
import type { Episode } from '../../runs/episode.ts';
import type { Run } from '../../runs/run.ts';
import type { Message } from './message.ts';
import { buttonRow, detailButton } from './message-buttons.ts';
import { sanitize } from './redact-text.ts';
import {
  copyable,
  firstLines,
  line,
  type MessagePart,
  partsMessage,
  prose,
  proseLine,
  smallPrint,
  truncate,
} from './rich-text.ts';
import {
  durationWords,
  episodePartWords,
  momentWords,
  sanitizeState,
  type ThreadState,
  windowWords,
} from './thread-state.ts';

const EXAMPLE = '/alb502 my-alb last 15m';
const STEPS: readonly StepNumber[] = [1, 2, 3, 4, 5, 6];

/** How to ask, and what alb502 checks. */
export function helpMessage(): Message {
  return partsMessage([
    line({ bold: 'alb502 names the root cause of the 502, 503 and 504 of an Application Load Balancer.' }),
    copyable(
      [
        EXAMPLE,
        '/alb502 my-alb from 02:40 to 02:55 502 504',
        '/alb502                              a form to pick from',
        '@alb502 my-alb last 1h               in a thread',
      ].join('\n'),
    ),
    line(
      'Give a load balancer (name, part of a name, ARN or DNS name). Defaults: last 15 minutes, every 5xx of the load balancer and 502 to 504 of its targets. A time without a zone is in your own time zone, else UTC; 14:40 CET names one.',
    ),
    line({ bold: 'What is looked at' }),
    { bullets: STEPS.map((step) => [`${number(step)} ${STEP_TITLES[step]}`]) },
    line('alb502 only reads. It answers in a thread that everybody in the channel sees.'),
  ]);
}

/** What is wrong with a question, and a correct example. */
export function usageMessage(problem: string): Message {
  const sentence = truncate(sanitize(problem.trim()), 500);
  const hasExample = /such as|Try:/.test(sentence);
  return partsMessage([
    hasExample
      ? { line: prose(sentence) }
      : { line: [...prose(/[.!?]$/.test(sentence) ? sentence : `${sentence}.`), ' Such as ', { code: EXAMPLE }, '.'] },
  ]);
}

export const privateMessage = (sentence: string): Message => partsMessage([proseLine(sanitize(sentence))]);

/** Reply when the last alarm is OK: duration, errors, cause. It is edited if the episode changes later. */
export function episodeClosedMessage(rawState: ThreadState): Message {
  const { run, diagnosis, episode } = sanitizeState(rawState);
  if (episode !== null && episode.closedAt === null) return backInAlarmMessage(episode, run);
  const openFor =
    episode === null || episode.closedAt === null
      ? null
      : durationWords(Date.parse(episode.closedAt) - Date.parse(episode.openedAt));
  // INSUFFICIENT_DATA also ends ALARM, without showing recovery.
  const states = (['OK', 'INSUFFICIENT_DATA'] as const).flatMap((state) => {
    const names = (episode?.alarms ?? [])
      .filter((alarm) => alarm.state === state)
      .map(({ name }) => truncate(sanitize(name), 100));
    return names.length === 0 ? [] : `${list(names, 3)} ${state === 'OK' ? 'OK' : `in ${state}`}`;
  });
  const parts: MessagePart[] = [
    line(
      { bold: openFor === null ? 'Over' : `Over after ${openFor}` },
      episode?.closedAt == null ? '.' : `: ${list(states)} since ${momentWords(episode.closedAt, run.to)}.`,
    ),
    ...(diagnosis === null
      ? [line('There is no verdict.')]
      : [
          line(
            `${errorCountWords(diagnosis) ?? noErrorCountWords(diagnosis)}${episodePartWords(diagnosis.window, episode)}, `,
            `${windowWords(diagnosis.window.from, diagnosis.window.to, run.createdAt)}. Verdict: `,
            { bold: verdictWords(diagnosis) },
            diagnosis.provisional ? ', provisional until the log is complete.' : '.',
          ),
        ]),
  ];
  if (diagnosis === null) return partsMessage(parts);
  return partsMessage(parts, [
    ...smallPrint([costSentence(diagnosis)]),
    ...buttonRow(detailButton('Post-mortem as a file', 'post-mortem', { run: run.id })),
  ]);
}

/** For an end without a counted error: says which of log and metrics shows that, or that the count is unknown. */
function noErrorCountWords(diagnosis: Diagnosis): string {
  if (verdictKind(diagnosis) !== 'unread') return 'No errors';
  return diagnosis.completeness.errorsInMetrics === 0 ? 'No errors in CloudWatch' : 'How many errors is not known';
}

/** Replaces the reply about an end that did not last. */
function backInAlarmMessage({ alarms }: Episode, run: Run): Message {
  const inAlarm = alarms.filter(({ state }) => state === 'ALARM');
  const [since = run.to] = inAlarm.map(({ changedAt }) => changedAt).sort();
  const names = inAlarm.map(({ name }) => truncate(sanitize(name), 100));
  return partsMessage([
    line(
      { bold: 'In ALARM again' },
      `: ${list(names, 3)} since ${momentWords(since, run.to)}. It was over for a while.`,
    ),
    line('The first message of this thread says how it is now.'),
  ]);
}

/** Replaces the reply about an end that a later one followed. */
export const episodeReopenedMessage = (): Message =>
  partsMessage([line('It was over for a while, and then in ALARM again; a later reply says how that ended.')]);

/** `names-none`; `unknown`: what it is about could not be found out; or it is about so many that none is meant in particular. */
export type NoDiagnosisReason = 'names-none' | 'unknown' | { loadBalancers: number };

/** An alarm without a diagnosis: what was understood of it. */
export const unknownAlarmMessage = ({
  alarm,
  why,
  sentences,
}: {
  alarm: string;
  why: NoDiagnosisReason;
  sentences: string[];
}): Message =>
  partsMessage([
    noDiagnosisLine(truncate(sanitize(alarm), 255), why),
    ...(sentences.length === 0
      ? []
      : [
          {
            bullets: firstLines(
              sentences.map((one) => prose(truncate(sanitize(one), 400))),
              5,
            ),
          },
        ]),
    line('Ask about one by hand: ', { code: EXAMPLE }),
  ]);

function noDiagnosisLine(name: string, why: NoDiagnosisReason): MessagePart {
  const alarm = { bold: name };
  if (why === 'names-none') return line('The alarm ', alarm, ' names no load balancer, so nothing was diagnosed.');
  if (why === 'unknown')
    return line('Which load balancer the alarm ', alarm, ' is about is not known, so nothing was diagnosed.');
  const many = ` is about ${number(why.loadBalancers)} load balancers at once, so none of them was diagnosed.`;
  return line('The alarm ', alarm, many);
}
