/** The message in the channel: what, where, when, how sure, edited through its life. Its first line is the notification. */

import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import { list, number, plural } from '../../format/wording.ts';
import { completenessSentence } from '../../render/phrases.ts';
import type { Episode } from '../../runs/episode.ts';
import type { Feedback, Run } from '../../runs/run.ts';
import type { Block, Message } from './message.ts';
import { actionButton, extraButton, overflow, priced, row } from './message-buttons.ts';
import { shown } from './redact-text.ts';
import { cut, type Line, line, type Part, richText, say, smallPrint, spoken } from './rich-text.ts';
import {
  amountWords,
  isUnseen,
  kindOf,
  lasting,
  MARK,
  momentWords,
  partWords,
  type Told,
  verdictWords,
  visibleTold,
  windowWords,
} from './thread-state.ts';

export function rootMessage(outside: Told): Message {
  const told = visibleTold(outside);
  const parts: Part[] = [...headline(told), ...body(told)];
  const below = [...episodeLines(told), ...asker(told), ...feedbackLines(told)];
  return {
    text: spoken([...parts, ...below.map((one): Part => ({ line: one }))]),
    blocks: [...richText(parts), ...smallPrint(...below), ...buttons(told)],
  };
}

const isUnderWay = ({ state }: Run): boolean => state === 'queued' || state === 'looking';
const hasFailed = ({ state }: Run): boolean => state === 'failed' || state === 'interrupted';

/** "🔴 shop-prod: Keep-alive race (likely) · 123 × 502 · 02:40–02:55 UTC · final". */
function headline(told: Told): Part[] {
  const { run, diagnosis, episode } = told;
  const name = cut(shown(run.loadBalancer.name), 80);
  const what = diagnosis === null ? name : `${name}: ${cut(verdictWords(diagnosis), 120)}`;
  const statuses = run.statuses.slice(0, 6).join(', ');
  // While another window is asked about, what stands here is still about the one before.
  const window = diagnosis?.window ?? run;
  const amount = `${(diagnosis === null ? null : amountWords(diagnosis)) ?? statuses}${partWords(window, episode)}`;
  const when = windowWords(window.from, window.to, run.createdAt);
  return [
    line(`${markOf(told)} `, { bold: what }, ` · ${[amount, when, sureness(run, diagnosis, episode)].join(' · ')}`),
  ];
}

function markOf({ run, diagnosis, episode }: Told): string {
  if (isUnderWay(run)) return '⏳';
  if (hasFailed(run)) return run.state === 'failed' ? '⚠️' : '⏸️';
  if (episode !== null && episode.closedAt !== null) return '⚪';
  return diagnosis === null ? '⏳' : MARK[kindOf(diagnosis)];
}

/** Of a window other than that of the answer which stands there. */
function asked({ from, to, createdAt }: Run, diagnosis: Diagnosis): string {
  const isSame =
    Date.parse(from) === Date.parse(diagnosis.window.from) && Date.parse(to) === Date.parse(diagnosis.window.to);
  return isSame ? '' : ` for ${windowWords(from, to, createdAt)}`;
}

/** How far it is, and how much it is to be trusted. */
function sureness(run: Run, diagnosis: Diagnosis | null, episode: Episode | null): string {
  const over =
    episode?.closedAt == null
      ? ''
      : `over after ${lasting(Date.parse(episode.closedAt) - Date.parse(episode.openedAt))}, `;
  switch (run.state) {
    case 'queued':
      return diagnosis === null ? 'queued' : `asking again soon${asked(run, diagnosis)}`;
    case 'looking':
      return diagnosis === null || run.asks === 0 ? 'looking…' : `asking again${asked(run, diagnosis)}…`;
    case 'provisional':
      return `${over}provisional${run.askAgainAt === null ? '' : `, asking again at ${momentWords(run.askAgainAt, run.to)}`}`;
    case 'final':
    case 'partial':
      return `${over}${run.state}`;
    case 'failed':
    case 'interrupted':
      return `${over}${run.state}${diagnosis === null ? '' : asked(run, diagnosis)}`;
  }
}

function body({ run, diagnosis }: Told): Part[] {
  return [...troubleParts(run, diagnosis), ...(diagnosis === null ? [] : verdictParts(run, diagnosis))];
}

function troubleParts(run: Run, diagnosis: Diagnosis | null): Part[] {
  const before = diagnosis === null ? '' : ' What was known before:';
  switch (run.state) {
    case 'queued':
      return diagnosis === null
        ? [line('Others are being diagnosed; this begins by itself when one of them is done.')]
        : [];
    case 'failed':
      return [say(shown(`${run.failure ?? 'There is no answer.'}${before}`))];
    case 'interrupted': {
      const next =
        run.askAgainAt === null ? 'Run it again to get one.' : 'It goes on by itself when alb502 is there again.';
      return [line(`alb502 was stopped before there was an answer. ${next}${before}`)];
    }
    default:
      return [];
  }
}

function verdictParts(run: Run, diagnosis: Diagnosis): Part[] {
  const { verdict, triage } = diagnosis;
  const soFar = run.state === 'looking' && run.asks === 0 ? 'So far: ' : '';
  return [
    say(`${soFar}${verdict.summary}`),
    // Without an entry the verdict says as much already.
    ...(triage.requests === null || triage.requests === 0 || triage.errors === 0 ? [] : [say(triage.summary)]),
    ...(run.state === 'provisional' ? provisionalParts(diagnosis) : []),
    ...(run.state === 'partial' ? partialParts(diagnosis) : []),
  ];
}

const provisionalParts = (diagnosis: Diagnosis): Part[] =>
  kindOf(diagnosis) === 'unread' ? [] : [line(`Provisional: ${completenessSentence(diagnosis)}.`)];

function partialParts({ triage, steps, gaps }: Diagnosis): Part[] {
  const unseen = steps.filter(isUnseen).map(({ step }) => String(step));
  const what = [
    ...(triage.requests === null ? ['the access log'] : []),
    ...(unseen.length > 0 ? [`${unseen.length === 1 ? 'step' : 'steps'} ${list(unseen, 6)}`] : []),
  ];
  const why = gaps.length > 0 ? `; ${plural(gaps.length, 'gap')} in all` : '';
  return [line(`Partial: could not look at ${what.join(' and ')}${why}.`)];
}

/** Since when, which alarms, how often. */
function episodeLines({ run, episode }: Told): Line[] {
  if (episode === null) return [];
  const { alarms, openedAt, closedAt, repeats } = episode;
  const names = list(
    alarms.map(
      ({ name, state }) => `${cut(shown(name), 100)}${alarms.length > 1 || closedAt !== null ? ` (${state})` : ''}`,
    ),
    4,
  );
  const times = repeats === 0 ? '' : ` · told ${repeats === 1 ? 'once' : `${number(repeats)} times`} more`;
  const until =
    closedAt === null
      ? ''
      : `, ${alarms.some(({ state }) => state === 'OK') ? 'OK' : 'no data'} at ${momentWords(closedAt, run.to)}`;
  return [
    [`${alarms.length === 1 ? 'Alarm' : 'Alarms'} ${names} · since ${momentWords(openedAt, run.to)}${until}${times}`],
  ];
}

/** Who asked, unless the alarm is named already; the run's id where somebody has to look for it in a log. */
function asker({ run, episode }: Told): Line[] {
  const { askedBy } = run;
  const id = hasFailed(run) ? [`Run ${run.id}`] : [];
  if (askedBy.kind === 'person') return [['Asked by ', { user: askedBy.user }, ...id.map((one) => ` · ${one}`)]];
  if (episode !== null) return id.map((one) => [one]);
  return [[[`Asked by the alarm ${cut(shown(askedBy.alarmName), 100)}`, ...id].join(' · ')]];
}

/** What people said of the verdict; the last few. */
function feedbackLines({ run, diagnosis }: Told): Line[] {
  const said = run.feedback
    .slice(-3)
    .map(
      (feedback): Line => [
        'Marked ',
        { bold: feedback.verdict },
        ' by ',
        { user: feedback.user },
        actual(feedback, diagnosis),
      ],
    );
  return said;
}

function actual({ cause, words }: Feedback, diagnosis: Diagnosis | null): string {
  const known = diagnosis?.causes.find(({ id }) => id === cause)?.title ?? cause;
  const what = [known === 'other' ? null : known, words].filter((part) => part !== null && part !== '').join('; ');
  return what === '' ? '' : `: it was ${cut(shown(what), 200)}`;
}

function buttons(told: Told): Block[] {
  const { run, diagnosis } = told;
  if (isUnderWay(run)) return [];
  if (hasFailed(run) || diagnosis === null)
    return row(actionButton('Run again', 'askAgain', { run: run.id, primary: true }));
  const confirm = priced(diagnosis.cost, 1);

  const kind = kindOf(diagnosis);
  const hasErrors = kind === 'found' || kind === 'undecided';
  const again = actionButton('Ask again', 'askAgain', { run: run.id, confirm, primary: kind === 'unread' });
  return row(
    ...(hasErrors
      ? [extraButton(kind === 'found' ? 'Fix' : 'How to decide', 'fix', { run: run.id, primary: true })]
      : []),
    ...(hasErrors
      ? [extraButton('Evidence', 'evidence', { run: run.id }), extraButton('Log lines', 'log-lines', { run: run.id })]
      : []),
    again,
    overflow(run.id, [
      ...(hasErrors
        ? ([
            ['By target', 'by-target'],
            ['By route', 'by-route'],
            ['Timeline', 'timeline'],
          ] as const)
        : []),
      ['Repeat by hand', 'repeat'],
      ['Post-mortem as a file', 'post-mortem'],
    ]),
  );
}
