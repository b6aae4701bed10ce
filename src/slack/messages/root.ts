/** The message in the channel: what, where, when, how sure, edited through its life. Its first line is the notification. */

import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import { list, number, plural } from '../../format/wording.ts';
import { completenessSentence } from '../../render/phrases.ts';
import type { Episode } from '../../runs/episode.ts';
import { type Feedback, hasFailed, isUnderWay, type Run } from '../../runs/run.ts';
import type { Message, SlackBlock } from './message.ts';
import { actionButton, buttonRow, confirmCost, detailButton, overflowMenu } from './message-buttons.ts';
import { sanitize } from './redact-text.ts';
import {
  line,
  type MessagePart,
  messageText,
  proseLine,
  richText,
  smallPrint,
  type TextLine,
  truncate,
} from './rich-text.ts';
import {
  durationWords,
  episodePartWords,
  errorCountWords,
  isStepUnknown,
  momentWords,
  sanitizeState,
  type ThreadState,
  VERDICT_MARK,
  verdictKind,
  verdictWords,
  windowWords,
} from './thread-state.ts';

export function rootMessage(rawState: ThreadState): Message {
  const state = sanitizeState(rawState);
  const parts: MessagePart[] = [...headline(state), ...bodyParts(state)];
  const below = [...episodeLines(state), ...askerLines(state), ...feedbackLines(state)];
  return {
    text: messageText([...parts, ...below.map((one): MessagePart => ({ line: one }))]),
    blocks: [...richText(parts), ...smallPrint(...below), ...rootButtons(state)],
  };
}

/** "🔴 shop-prod: Keep-alive race (likely) · 123 × 502 · 02:40–02:55 UTC · final". */
function headline(state: ThreadState): MessagePart[] {
  const { run, diagnosis, episode } = state;
  const name = truncate(sanitize(run.loadBalancer.name), 80);
  const what = diagnosis === null ? name : `${name}: ${truncate(verdictWords(diagnosis), 120)}`;
  const statuses = run.statuses.slice(0, 6).join(', ');
  // While another window is asked about, what stands here is still about the one before.
  const window = diagnosis?.window ?? run;
  const amount = `${(diagnosis === null ? null : errorCountWords(diagnosis)) ?? statuses}${episodePartWords(window, episode)}`;
  const when = windowWords(window.from, window.to, run.createdAt);
  return [
    line(
      `${statusMark(state)} `,
      { bold: what },
      ` · ${[amount, when, statusWords(run, diagnosis, episode)].join(' · ')}`,
    ),
  ];
}

function statusMark({ run, diagnosis, episode }: ThreadState): string {
  if (isUnderWay(run)) return '⏳';
  if (hasFailed(run)) return run.state === 'failed' ? '⚠️' : '⏸️';
  if (episode !== null && episode.closedAt !== null) return '⚪';
  return diagnosis === null ? '⏳' : VERDICT_MARK[verdictKind(diagnosis)];
}

/** Of a window other than that of the answer which stands there. */
function otherWindowWords({ from, to, createdAt }: Run, diagnosis: Diagnosis): string {
  const isSame =
    Date.parse(from) === Date.parse(diagnosis.window.from) && Date.parse(to) === Date.parse(diagnosis.window.to);
  return isSame ? '' : ` for ${windowWords(from, to, createdAt)}`;
}

/** How far it is, and how much it is to be trusted. */
function statusWords(run: Run, diagnosis: Diagnosis | null, episode: Episode | null): string {
  const overWords =
    episode?.closedAt == null
      ? ''
      : `over after ${durationWords(Date.parse(episode.closedAt) - Date.parse(episode.openedAt))}, `;
  switch (run.state) {
    case 'queued':
      return diagnosis === null ? 'queued' : `asking again soon${otherWindowWords(run, diagnosis)}`;
    case 'running':
      return diagnosis === null || run.attempts === 0 ? 'looking…' : `asking again${otherWindowWords(run, diagnosis)}…`;
    case 'provisional':
      return `${overWords}provisional${run.nextAttemptAt === null ? '' : `, asking again at ${momentWords(run.nextAttemptAt, run.to)}`}`;
    case 'final':
    case 'partial':
      return `${overWords}${run.state}`;
    case 'failed':
    case 'interrupted':
      return `${overWords}${run.state}${diagnosis === null ? '' : otherWindowWords(run, diagnosis)}`;
  }
}

function bodyParts({ run, diagnosis }: ThreadState): MessagePart[] {
  return [...troubleParts(run, diagnosis), ...(diagnosis === null ? [] : verdictParts(run, diagnosis))];
}

function troubleParts(run: Run, diagnosis: Diagnosis | null): MessagePart[] {
  const before = diagnosis === null ? '' : ' What was known before:';
  switch (run.state) {
    case 'queued':
      return diagnosis === null
        ? [line('Others are being diagnosed; this begins by itself when one of them is done.')]
        : [];
    case 'failed':
      return [proseLine(sanitize(`${run.failure}${before}`))];
    case 'interrupted': {
      const next =
        run.nextAttemptAt === null ? 'Run it again to get one.' : 'It goes on by itself when alb502 is there again.';
      return [line(`alb502 was stopped before there was an answer. ${next}${before}`)];
    }
    default:
      return [];
  }
}

function verdictParts(run: Run, diagnosis: Diagnosis): MessagePart[] {
  const { verdict, triage } = diagnosis;
  const soFar = run.state === 'running' && run.attempts === 0 ? 'So far: ' : '';
  return [
    proseLine(`${soFar}${verdict.summary}`),
    // Without an entry the verdict says as much already.
    ...(triage.requests === null || triage.requests === 0 || triage.errors === 0 ? [] : [proseLine(triage.summary)]),
    ...(run.state === 'provisional' ? provisionalParts(diagnosis) : []),
    ...(run.state === 'partial' ? partialParts(diagnosis) : []),
  ];
}

const provisionalParts = (diagnosis: Diagnosis): MessagePart[] =>
  verdictKind(diagnosis) === 'unread' ? [] : [line(`Provisional: ${completenessSentence(diagnosis)}.`)];

function partialParts({ triage, steps, gaps }: Diagnosis): MessagePart[] {
  const unseen = steps.filter(isStepUnknown).map(({ step }) => String(step));
  const what = [
    ...(triage.requests === null ? ['the access log'] : []),
    ...(unseen.length > 0 ? [`${unseen.length === 1 ? 'step' : 'steps'} ${list(unseen, 6)}`] : []),
  ];
  const why = gaps.length > 0 ? `; ${plural(gaps.length, 'gap')} in all` : '';
  return [line(`Partial: could not look at ${what.join(' and ')}${why}.`)];
}

/** Since when, which alarms, how often. */
function episodeLines({ run, episode }: ThreadState): TextLine[] {
  if (episode === null) return [];
  const { alarms, openedAt, closedAt, repeats } = episode;
  const names = list(
    alarms.map(
      ({ name, state }) =>
        `${truncate(sanitize(name), 100)}${alarms.length > 1 || closedAt !== null ? ` (${state})` : ''}`,
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
function askerLines({ run, episode }: ThreadState): TextLine[] {
  const { askedBy } = run;
  const id = hasFailed(run) ? [`Run ${run.id}`] : [];
  if (askedBy.kind === 'person') return [['Asked by ', { user: askedBy.user }, ...id.map((one) => ` · ${one}`)]];
  if (episode !== null) return id.map((one) => [one]);
  return [[[`Asked by the alarm ${truncate(sanitize(askedBy.alarmName), 100)}`, ...id].join(' · ')]];
}

/** What people said of the verdict; the last few. */
function feedbackLines({ run, diagnosis }: ThreadState): TextLine[] {
  const lines = run.feedback
    .slice(-3)
    .map(
      (feedback): TextLine => [
        'Marked ',
        { bold: feedback.verdict },
        ' by ',
        { user: feedback.user },
        actualCauseWords(feedback, diagnosis),
      ],
    );
  return lines;
}

function actualCauseWords({ cause, words }: Feedback, diagnosis: Diagnosis | null): string {
  const title = diagnosis?.causes.find(({ id }) => id === cause)?.title ?? cause;
  const what = [title === 'other' ? null : title, words].filter((part) => part !== null && part !== '').join('; ');
  return what === '' ? '' : `: it was ${truncate(sanitize(what), 200)}`;
}

function rootButtons(state: ThreadState): SlackBlock[] {
  const { run, diagnosis } = state;
  if (isUnderWay(run)) return [];
  if (hasFailed(run) || diagnosis === null)
    return buttonRow(actionButton('Run again', 'askAgain', { run: run.id, primary: true }));
  const confirm = confirmCost(diagnosis.cost, 1);

  const kind = verdictKind(diagnosis);
  const hasErrors = kind === 'found' || kind === 'undecided';
  const askAgainButton = actionButton('Ask again', 'askAgain', { run: run.id, confirm, primary: kind === 'unread' });
  return buttonRow(
    ...(hasErrors
      ? [detailButton(kind === 'found' ? 'Fix' : 'How to decide', 'fix', { run: run.id, primary: true })]
      : []),
    ...(hasErrors
      ? [detailButton('Evidence', 'evidence', { run: run.id }), detailButton('Log lines', 'log-lines', { run: run.id })]
      : []),
    askAgainButton,
    overflowMenu(run.id, [
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
