/** Short messages: help, what only one person sees, and notes about alarms. */

import { STEP_TITLES } from '../../diagnose/checks/check.ts';
import type { Diagnosis, StepNumber } from '../../diagnose/diagnosis.ts';
import { list, number } from '../../format/wording.ts';
import { costSentence } from '../../render/phrases.ts';
import type { Episode } from '../../runs/episode.ts';
import type { Run } from '../../runs/run.ts';
import type { Message } from './message.ts';
import { extraButton, row } from './message-buttons.ts';
import { shown } from './redact-text.ts';
import { copy, cut, few, line, type Part, partsMessage, prose, say, smallPrint } from './rich-text.ts';
import {
  amountWords,
  kindOf,
  lasting,
  momentWords,
  partWords,
  type Told,
  verdictWords,
  visibleTold,
  windowWords,
} from './thread-state.ts';

const EXAMPLE = '/alb502 my-alb last 15m';
const STEPS: readonly StepNumber[] = [1, 2, 3, 4, 5, 6];

/** How to ask, and what is looked at. */
export function helpMessage(): Message {
  return partsMessage([
    line({ bold: 'alb502 names the root cause of the 502, 503 and 504 of an Application Load Balancer.' }),
    copy(
      [
        EXAMPLE,
        '/alb502 my-alb from 02:40 to 02:55 502 504',
        '/alb502                              a form to pick from',
        '@alb502 my-alb last 1h               in a thread',
      ].join('\n'),
    ),
    line(
      'The load balancer by its name or a part of it, its ARN or its DNS name; the window in UTC, the last 15 minutes if you name none; every 5xx unless you name statuses.',
    ),
    line({ bold: 'What is looked at' }),
    { bullets: STEPS.map((step) => [`${number(step)} ${STEP_TITLES[step]}`]) },
    line('alb502 only reads. It answers in a thread that everybody in the channel sees.'),
  ]);
}

/** What is wrong with a question, with one that is right. */
export function usageMessage(problem: string): Message {
  const sentence = cut(shown(problem.trim()), 500);
  const hasExample = sentence.includes('such as');
  return partsMessage([
    hasExample
      ? { line: prose(sentence) }
      : { line: [...prose(/[.!?]$/.test(sentence) ? sentence : `${sentence}.`), ' Such as ', { code: EXAMPLE }, '.'] },
  ]);
}

export const privateMessage = (sentence: string): Message => partsMessage([say(shown(sentence))]);

/** One reply when the last alarm is OK: how long, how many, why. It is edited to what has become of it since. */
export function episodeClosedMessage(outside: Told): Message {
  const { run, diagnosis, episode } = visibleTold(outside);
  if (episode !== null && episode.closedAt === null) return againMessage(episode, run);
  const lasted =
    episode === null || episode.closedAt === null
      ? null
      : lasting(Date.parse(episode.closedAt) - Date.parse(episode.openedAt));
  // Without data an alarm is out of ALARM too, and nothing is known to be well.
  const states = (['OK', 'INSUFFICIENT_DATA'] as const).flatMap((state) => {
    const names = (episode?.alarms ?? [])
      .filter((alarm) => alarm.state === state)
      .map(({ name }) => cut(shown(name), 100));
    return names.length === 0 ? [] : `${list(names, 3)} ${state === 'OK' ? 'OK' : `in ${state}`}`;
  });
  const parts: Part[] = [
    line(
      { bold: lasted === null ? 'Over' : `Over after ${lasted}` },
      episode?.closedAt == null ? '.' : `: ${list(states)} since ${momentWords(episode.closedAt, run.to)}.`,
    ),
    ...(diagnosis === null
      ? [line('There is no verdict.')]
      : [
          line(
            `${amountWords(diagnosis) ?? withoutAmount(diagnosis)}${partWords(diagnosis.window, episode)}, `,
            `${windowWords(diagnosis.window.from, diagnosis.window.to, run.createdAt)}. Verdict: `,
            { bold: verdictWords(diagnosis) },
            diagnosis.provisional ? ', provisional until the log is complete.' : '.',
          ),
        ]),
  ];
  if (diagnosis === null) return partsMessage(parts);
  return partsMessage(parts, [
    ...smallPrint([costSentence(diagnosis)]),
    ...row(extraButton('Post-mortem as a file', 'post-mortem', { run: run.id })),
  ]);
}

/** Where neither log nor metrics have an error; which is no news of what was not read. */
function withoutAmount(diagnosis: Diagnosis): string {
  if (kindOf(diagnosis) !== 'unread') return 'No errors';
  return diagnosis.completeness.errorsInMetrics === 0 ? 'No errors in CloudWatch' : 'How many errors is not known';
}

/** In place of an end that was none. */
function againMessage({ alarms }: Episode, run: Run): Message {
  const inAlarm = alarms.filter(({ state }) => state === 'ALARM');
  const [since = run.to] = inAlarm.map(({ changedAt }) => changedAt).sort();
  const names = inAlarm.map(({ name }) => cut(shown(name), 100));
  return partsMessage([
    line(
      { bold: 'In ALARM again' },
      `: ${list(names, 3)} since ${momentWords(since, run.to)}. It was over for a while.`,
    ),
    line('The first message of this thread says how it is now.'),
  ]);
}

/** In place of an end that another one has followed. */
export const episodeWentOnMessage = (): Message =>
  partsMessage([line('It was over for a while, and then in ALARM again; a later reply says how that ended.')]);

/** `names-none`; `unknown`: what it is about could not be found out; or it is about so many that none is meant in particular. */
export type Undiagnosed = 'names-none' | 'unknown' | { loadBalancers: number };

/** An alarm that nothing was diagnosed for: what was understood of it. */
export const unknownAlarmMessage = ({
  alarm,
  why,
  sentences,
}: {
  alarm: string;
  why: Undiagnosed;
  sentences: string[];
}): Message =>
  partsMessage([
    undiagnosed(cut(shown(alarm), 255), why),
    ...(sentences.length === 0
      ? []
      : [
          {
            bullets: few(
              sentences.map((one) => prose(cut(shown(one), 400))),
              5,
            ),
          },
        ]),
    line('Ask about one by hand: ', { code: EXAMPLE }),
  ]);

function undiagnosed(name: string, why: Undiagnosed): Part {
  const alarm = { bold: name };
  if (why === 'names-none') return line('The alarm ', alarm, ' names no load balancer, so nothing was diagnosed.');
  if (why === 'unknown')
    return line('Which load balancer the alarm ', alarm, ' is about is not known, so nothing was diagnosed.');
  const many = ` is about ${number(why.loadBalancers)} load balancers at once, so none of them was diagnosed.`;
  return line('The alarm ', alarm, many);
}
