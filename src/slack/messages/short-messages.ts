/** Short messages: help, private replies, notes about alarms. */

import { STEP_NUMBERS, STEP_TITLES } from '../../diagnose/checks/check.ts';
import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import { list, number } from '../../format/wording.ts';
import { costSentence } from '../../render/log-and-cost.ts';
import { errorCountWords, verdictKind, verdictWords } from '../../render/verdict-words.ts';
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
/** Characters; the sentence quotes typed text. */
const MAX_SENTENCE = 500;

/** How to ask, and what alb502 checks. */
export function helpMessage(): Message {
  return partsMessage([
    line({ bold: 'alb502 finds the root cause of 502, 503 and 504 errors of an Application Load Balancer.' }),
    copyable(
      [
        EXAMPLE,
        '/alb502 my-alb from 02:40 to 02:55 502 504',
        '/alb502                              a form to pick from',
        '@alb502 my-alb last 1h               in a thread',
      ].join('\n'),
    ),
    {
      bullets: [
        ['Load balancer: its name, a part of its name, its ARN or its DNS name.'],
        [
          'Window: the last 15 minutes by default. Times are in your own time zone if Slack shares it, else in UTC; 14:40 CET names one.',
        ],
        [
          'Errors: every 5xx the load balancer sent and 502 to 504 from its targets by default; 502 504 asks for these alone.',
        ],
      ],
    },
    line({ bold: 'What it checks' }),
    { bullets: STEP_NUMBERS.map((step) => [`${number(step)} ${STEP_TITLES[step]}`]) },
    line('alb502 only reads. It answers in a thread that everyone in the channel can see.'),
  ]);
}

/** A message for one person: what is wrong and what to type, or where the answer is. */
export const privateMessage = (sentence: string): Message =>
  partsMessage([proseLine(truncate(sanitize(sentence.trim()), MAX_SENTENCE))]);

export const THREAD_GONE = 'The thread of this diagnosis is gone. Run it again where you want the answer.';

export const RESTARTING = 'alb502 is restarting. Try again in a minute.';
export const SOMETHING_BROKE = "Something broke; alb502's log says what. Try again in a minute.";

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
      ? [line('No verdict was reached.')]
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
  return diagnosis.completeness.errorsInMetrics === 0 ? 'No errors in CloudWatch' : 'The number of errors is unknown';
}

/** Replaces the reply about an end that did not last. */
function backInAlarmMessage({ alarms }: Episode, run: Run): Message {
  const inAlarm = alarms.filter(({ state }) => state === 'ALARM');
  const [since = run.to] = inAlarm.map(({ changedAt }) => changedAt).sort();
  const names = inAlarm.map(({ name }) => truncate(sanitize(name), 100));
  return partsMessage([
    line({ bold: 'Back in ALARM' }, `: ${list(names, 3)} since ${momentWords(since, run.to)}, after clearing.`),
    line('The first message of this thread shows the current state.'),
  ]);
}

/** Replaces the reply about an end if a later one followed. */
export const episodeReopenedMessage = (): Message =>
  partsMessage([line('Recovered, then went back into ALARM. A later reply says how it ended.')]);

/**
 * `names-none`: it names no load balancer. `unknown`: the lookup failed. Otherwise it names too many to choose from.
 */
type NoDiagnosisReason = 'names-none' | 'unknown' | { loadBalancers: number };

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
    line('To diagnose one: ', { code: EXAMPLE }),
  ]);

function noDiagnosisLine(name: string, why: NoDiagnosisReason): MessagePart {
  const alarm = { bold: name };
  if (why === 'names-none') return line('Alarm ', alarm, ' names no load balancer, so nothing was diagnosed.');
  if (why === 'unknown')
    return line('Could not tell which load balancer alarm ', alarm, ' is for, so nothing was diagnosed.');
  return line('Alarm ', alarm, ` covers ${number(why.loadBalancers)} load balancers, so none was diagnosed.`);
}
