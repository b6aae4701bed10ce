/**
 * The root message: what broke, the fix, the impact. It is edited over its life; its first line is the notification.
 */

import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import { isDefaultStatuses } from '../../evidence/statuses.ts';
import { alarmLink, bucketLink, loadBalancerLink, metricsLink } from '../../format/console-links.ts';
import { dayName, inSentence, number, plural } from '../../format/wording.ts';
import { windowIn } from '../../query/window.ts';
import { outlineOf, type Section } from '../../render/outline.ts';
import { dateOf, eventLabel, fitSentences, isStepUnknown, knownLabel, statusWords } from '../../render/phrases.ts';
import { amountWords, inFrontWords, verdictKind, verdictWords } from '../../render/verdict-words.ts';
import { type Feedback, hasFailed, isUnderWay, nextAttemptOf, type Run } from '../../runs/run.ts';
import { countedWords, watchedAlarm, watchedNextStep, watchedParts, watchedWords } from './alarm-words.ts';
import { asksAgainWords } from './asks-again.ts';
import type { Message, SlackBlock } from './message.ts';
import { actionButton, buttonRow, confirmCost, detailButton, overflowMenu } from './message-buttons.ts';
import { mutedLines, muteMenu } from './mute-messages.ts';
import { sanitize } from './redact-text.ts';
import {
  line,
  type MessagePart,
  messageText,
  prose,
  proseLine,
  richText,
  smallPrint,
  type TextLine,
  type TextPiece,
  truncate,
} from './rich-text.ts';
import {
  durationWords,
  episodePartWords,
  momentWords,
  STEP_NAMES,
  sanitizeState,
  type ThreadState,
  windowWords,
} from './thread-state.ts';

export function rootMessage(rawState: ThreadState): Message {
  const state = sanitizeState(rawState);
  const parts: MessagePart[] = [...headline(state), ...bodyParts(state)];
  const below = [...episodeLines(state), statusLine(state), ...mutedLines(state.run), ...feedbackLines(state)];
  return {
    text: messageText([...parts, ...below.map((one): MessagePart => ({ line: one }))]),
    blocks: [...richText(parts), ...smallPrint(...below), ...rootButtons(state)],
  };
}

/** "🔴 shop-prod: keep-alive race (likely) · 123 × 502, 1.4 % of requests · 02:40–02:55 UTC". */
function headline(state: ThreadState): MessagePart[] {
  const { run, diagnosis, episode } = state;
  const name = truncate(sanitize(run.loadBalancer.name), 80);
  const counted = diagnosis === null && isUnderWay(run) ? countedWords(run) : null;
  if (counted !== null)
    return [line(`${statusMark(state)} `, { bold: `${name}: ${counted}` }, `, ${workingWords(run)}`)];
  const watched = watchedAlarm(episode);
  if (diagnosis === null && isUnderWay(run) && watched !== null)
    return [
      line(`${statusMark(state)} `, { bold: `${name}: alarm on ${watchedWords(watched)}` }, `, ${workingWords(run)}`),
    ];
  const verdict =
    diagnosis === null
      ? workingWords(run)
      : isLogStillRead(run, diagnosis)
        ? 'reading the access log'
        : watched !== null && verdictKind(diagnosis) === 'none'
          ? `no 5xx, the alarm is on ${watchedWords(watched)}`
          : truncate(verdictWords(diagnosis), 120);
  const what = `${name}: ${verdict}`;
  // While a new window is being diagnosed, the message still shows the previous one.
  const window = diagnosis?.window ?? run;
  // "no 5xx" names what was asked about.
  const isNamed = diagnosis !== null && verdictKind(diagnosis) === 'none';
  const amount = (diagnosis === null ? null : amountWords(diagnosis)) ?? (isNamed ? null : askedWords(run));
  const part = episodePartWords(window, episode);
  const when = `${windowWords(window.from, window.to, window.to)}${zoneWords(run, window)}${amount === null ? part : ''}`;
  const progress = diagnosis === null || isLogStillRead(run, diagnosis) ? null : progressWords(state, diagnosis);
  return [
    line(
      `${statusMark(state)} `,
      { bold: what },
      ` · ${[...(amount === null ? [] : [`${amount}${part}`]), when, ...(progress === null ? [] : [progress])].join(' · ')}`,
    ),
  ];
}

/** "502, 5xx by the load balancer"; null for the default, which needs no words. */
const askedWords = ({ statuses }: Run): string | null =>
  isDefaultStatuses(statuses) ? null : statusWords(statuses.slice(0, 6));

/** " (03:40–03:55 Europe/Berlin)" for askers outside UTC. */
const zoneWords = ({ timeZone }: Run, { from, to }: { from: string; to: string }): string =>
  timeZone === undefined ? '' : ` (${windowIn(timeZone, { from: Date.parse(from), to: Date.parse(to) })})`;

const workingWords = ({ state }: Run): string =>
  ({
    queued: 'queued',
    running: 'diagnosing…',
    provisional: 'diagnosing…',
    final: 'no answer',
    partial: 'no answer',
    failed: 'diagnosis failed',
    interrupted: 'diagnosis interrupted',
  })[state];

/** Colour shows impact, words show certainty; colour never says anything alone. */
function statusMark({ run, diagnosis, episode }: ThreadState): string {
  if (isUnderWay(run)) return diagnosis === null && countedWords(run) !== null ? '🔴' : '⏳';
  if (hasFailed(run)) return run.state === 'failed' ? '⚠️' : '⏸️';
  if (episode !== null && episode.closedAt !== null) return '⚪';
  if (diagnosis === null) return '⏳';
  const isFiring = episode?.alarms.some(({ state }) => state === 'ALARM') ?? false;
  if (diagnosis.impact === 'none') return isFiring || verdictKind(diagnosis) === 'unread' ? '🟠' : '🟢';
  return verdictKind(diagnosis) === 'found' || diagnosis.impact === 'high' ? '🔴' : '🟠';
}

/** Names the window being diagnosed if it differs from the answer's. */
function otherWindowWords({ from, to, createdAt }: Run, diagnosis: Diagnosis): string {
  const isSame =
    Date.parse(from) === Date.parse(diagnosis.window.from) && Date.parse(to) === Date.parse(diagnosis.window.to);
  return isSame ? '' : ` for ${windowWords(from, to, createdAt)}`;
}

/** Progress of a run that already shows an answer; null when nothing is pending. */
function progressWords({ run, episode }: ThreadState, diagnosis: Diagnosis): string | null {
  if (run.state === 'queued') return `next check soon${otherWindowWords(run, diagnosis)}`;
  if (run.state === 'running')
    return run.attempts === 0 ? 'reading the access log' : `checking again${otherWindowWords(run, diagnosis)}…`;
  if (hasFailed(run)) return `last check ${run.state}${otherWindowWords(run, diagnosis)}`;
  if (episode?.closedAt == null) return null;
  return `over after ${durationWords(Date.parse(episode.closedAt) - Date.parse(episode.openedAt))}`;
}

function bodyParts({ run, diagnosis, episode }: ThreadState): MessagePart[] {
  const watched = watchedAlarm(episode);
  // For an alarm on another metric, say first what it watches.
  if (diagnosis !== null && watched !== null && verdictKind(diagnosis) === 'none')
    return [...watchedParts(watched), ...watchedNextStep(watched, diagnosis)];
  return [
    ...(watched === null ? [] : watchedParts(watched)),
    ...troubleParts(run, diagnosis),
    ...(diagnosis === null
      ? []
      : [
          ...outlineOf(diagnosis)
            .filter((section) => !isLogStillRead(run, diagnosis) || isKnownWithoutLog(section, diagnosis))
            .flatMap((section) => sectionParts(section, diagnosis, run)),
        ]),
  ];
}

/** An answer from configuration and metrics alone, while the log is being read for the first time. */
const isLogStillRead = (run: Run, { triage }: Diagnosis): boolean =>
  run.state === 'running' && run.attempts === 0 && triage.requests === null;

/**
 * Whether a section says something before the log is read: faults count, what to do about an unread log does not yet
 * apply.
 */
const isKnownWithoutLog = ({ kind }: Section, { steps }: Diagnosis): boolean =>
  kind === 'known' && steps.some(({ findings }) => findings.some(({ outcome }) => outcome === 'fail'));

function troubleParts(run: Run, diagnosis: Diagnosis | null): MessagePart[] {
  const before = diagnosis === null ? '' : ' The last answer:';
  switch (run.state) {
    case 'queued':
      return diagnosis === null ? [line('Queued behind other diagnoses; it will start on its own.')] : [];
    case 'failed':
      return [proseLine(sanitize(`${run.failure}${before}`))];
    case 'interrupted': {
      const next = run.nextAttemptAt === null ? 'Run it again to get an answer.' : 'It will resume automatically.';
      return [line(`alb502 restarted before it finished. ${next}${before}`)];
    }
    default:
      return [];
  }
}

const labelled = (label: string, ...pieces: TextLine): MessagePart => line({ bold: label }, '  ', ...pieces);

/** Cause, Fix, Impact: the first questions of a person woken at night. The rest is in the thread. */
function sectionParts(section: Section, diagnosis: Diagnosis, run: Run): MessagePart[] {
  switch (section.kind) {
    case 'in-front':
      return [labelled('Fix in CloudFront', ...prose(inFrontWords(section.finding)))];
    case 'cause': {
      const { sentence, errors } = section;
      return [
        labelled('Cause', ...prose(fitSentences(sentence)), ...(errors === null ? [] : [` Explains ${errors}.`])),
      ];
    }
    case 'event':
      return [labelled(eventLabel(section.event), ...prose(fitSentences(section.sentence)))];
    case 'between':
      return [labelled('Undecided between', section.causes.map(({ title }) => inSentence(title)).join(', '))];
    case 'known':
      return section.sentences.map((sentence, index) =>
        index === 0
          ? labelled(knownLabel(diagnosis), ...prose(fitSentences(sentence)))
          : line(...prose(fitSentences(sentence))),
      );
    case 'fix':
      return section.cause.fix.summary === ''
        ? []
        : [labelled('Fix', ...prose(fitSentences(section.cause.fix.summary)))];
    case 'next-step':
      return [labelled('Next step', ...nextStepPieces(section.sentence, diagnosis), ...asksAgainWords(diagnosis, run))];
    case 'impact':
      return [labelled('Impact', ...prose(section.sentence))];
    case 'faults':
      return verdictKind(diagnosis) === 'none'
        ? section.findings.slice(0, 1).map(({ summary }) => labelled('Also found', ...prose(fitSentences(summary))))
        : [];
    default:
      return [];
  }
}

/** The trace ID to look for; the thread explains each answer. */
function nextStepPieces(sentence: string, { traces }: Diagnosis): TextLine {
  const [id] = traces?.ids ?? [];
  if (traces === null || id === undefined) return prose(fitSentences(sentence));
  const more = traces.ids.length > 1 ? ` and ${number(traces.ids.length - 1)} more` : '';
  return [
    'look for ',
    { code: truncate(sanitize(id), 120) },
    `${more} in the application's log: the thread says what each result means.`,
  ];
}

/** "Also: worker timeout (11) · log complete, final · 18 Nov 2026 · load balancer · asked by @you". */
function statusLine({ run, diagnosis, episode }: ThreadState): TextLine {
  const { region, arn } = run.loadBalancer;
  const pieces: TextPiece[][] = [];
  if (diagnosis !== null) {
    const also = alsoWords(diagnosis);
    if (also !== '') pieces.push([also]);
    if (!isLogStillRead(run, diagnosis)) pieces.push([logWords(run, diagnosis)]);
  }
  const { from } = diagnosis?.window ?? run;
  if (dateOf(from) !== dateOf(run.createdAt)) pieces.push([dayName(Date.parse(from))]);
  const balancer = loadBalancerLink(region, arn);
  const metrics = metricsLink(region, arn);
  if (balancer !== null) pieces.push([{ href: balancer, label: 'load balancer' }]);
  if (metrics !== null) pieces.push([{ href: metrics, label: 'metrics' }]);
  const logs = run.logBucket === undefined ? null : bucketLink(region, run.logBucket);
  if (logs !== null) pieces.push([{ href: logs, label: 'log bucket' }]);
  // Not in the first post, where it would notify the asker; the verdict does that, and edits notify no one.
  const isFirstPost = isUnderWay(run) && diagnosis === null;
  if (run.askedBy.kind === 'person' && !isFirstPost) pieces.push(['asked by ', { user: run.askedBy.user }]);
  if (run.askedBy.kind === 'alert') pieces.push(['for the alert above']);
  if (run.askedBy.kind === 'alarm' && episode === null)
    pieces.push([`alarm ${truncate(sanitize(run.askedBy.alarmName), 100)}`]);
  if (hasFailed(run)) pieces.push([`run ${run.id}`]);
  return pieces.flatMap((one, index) => (index === 0 ? one : [' · ', ...one]));
}

/** The other parts and errors beside the question, in a few words each. */
function alsoWords(diagnosis: Diagnosis): string {
  const sections = outlineOf(diagnosis);
  const parts = sections.flatMap((section) =>
    section.kind === 'also'
      ? section.parts.slice(0, 2).map(({ words, errors }) => `${words} (${number(errors)})`)
      : section.kind === 'beside'
        ? section.sentences.slice(0, 2)
        : [],
  );
  return parts.length === 0 ? '' : `Also: ${parts.join(' · ')}`;
}

/** Completeness of the answer: "log complete, final", which logs are missing, what could not be checked. */
function logWords(run: Run, diagnosis: Diagnosis): string {
  const { completeness, steps, gapDetails } = diagnosis;
  const { errorsInLog, errorsInMetrics } = completeness;
  if (run.state === 'provisional') {
    const next = nextAttemptOf(run);
    return `provisional${next === null ? '' : `, next check ${momentWords(next, run.to)}`}`;
  }
  if (run.state === 'partial') {
    const isLogRead = diagnosis.triage.requests !== null;
    const incomplete = steps.filter(({ outcome }) => outcome === 'unknown');
    const unknown = incomplete.filter(isStepUnknown).map(({ step }) => inSentence(STEP_NAMES[step]));
    const named = isLogRead ? unknown : ['the access log', ...unknown];
    const gaps = gapDetails.length > 0 ? `${plural(gapDetails.length, 'input')} missing or incomplete` : '';
    // Names only if they are all.
    return isLogRead && unknown.length < incomplete.length
      ? `partial: ${gaps || `${number(incomplete.length)} of 6 steps incomplete`}`
      : `partial: could not check ${[...new Set(named)].join('; ')}${gaps && ` (${gaps})`}`;
  }
  const isComplete = errorsInLog !== null && errorsInMetrics !== null && errorsInLog >= errorsInMetrics;
  return isComplete ? 'log complete, final' : 'final';
}

/** Since when, which alarms, how often. */
function episodeLines({ run, episode }: ThreadState): TextLine[] {
  if (episode === null) return [];
  const { alarms, openedAt, closedAt } = episode;
  const { region } = run.loadBalancer;
  const shown = alarms.slice(0, 4).flatMap(({ name, state }, index): TextPiece[] => {
    const label = truncate(sanitize(name), 100);
    // A redacted name must not appear in a link either.
    const href = sanitize(name) === name ? alarmLink(region, name) : null;
    return [
      ...(index === 0 ? [] : [', ']),
      href === null ? label : { href, label },
      ...(alarms.length > 1 || closedAt !== null ? [` (${state})`] : []),
    ];
  });
  const more = alarms.length > 4 ? ` and ${number(alarms.length - 4)} more` : '';
  // A second alarm that joins has not fired again.
  const refired = alarms.reduce((sum, { times }) => sum + times - 1, 0);
  const again = refired === 0 ? '' : ` · re-fired ${refired === 1 ? 'once' : `${number(refired)} times`}`;
  const until =
    closedAt === null
      ? ''
      : `, ${alarms.some(({ state }) => state === 'OK') ? 'OK' : 'no data'} at ${momentWords(closedAt, run.to)}`;
  return [
    [
      alarms.length === 1 ? 'Alarm ' : 'Alarms ',
      ...shown,
      `${more} · since ${momentWords(openedAt, run.to)}${until}${again}`,
    ],
  ];
}

/** The latest feedback on the verdict. */
function feedbackLines({ run, diagnosis }: ThreadState): TextLine[] {
  return run.feedback
    .slice(-3)
    .map(
      (feedback): TextLine => [
        { user: feedback.user },
        feedback.verdict === 'right' ? ' confirmed this verdict' : ' marked this verdict wrong',
        actualCauseWords(feedback, diagnosis),
      ],
    );
}

function actualCauseWords({ cause, words }: Feedback, diagnosis: Diagnosis | null): string {
  const title = diagnosis?.causes.find(({ id }) => id === cause)?.title ?? cause;
  const parts = [
    ...(title === null || title === 'other' ? [] : [`it was ${sanitize(inSentence(title))}`]),
    ...(words === null || words === '' ? [] : [`"${truncate(sanitize(words), 200)}"`]),
  ];
  return parts.length === 0 ? '' : `: ${parts.join('; ')}`;
}

function rootButtons(state: ThreadState): SlackBlock[] {
  const { run, diagnosis } = state;
  if (isUnderWay(run)) return [];
  if (hasFailed(run) || diagnosis === null)
    return buttonRow(actionButton('Run again', 'askAgain', { run: run.id, primary: true }));
  const kind = verdictKind(diagnosis);
  const hasErrors = kind === 'found' || kind === 'undecided';
  return buttonRow(
    ...(hasErrors
      ? [
          detailButton(kind === 'found' ? 'Fix commands' : 'How to decide', 'fix', { run: run.id, primary: true }),
          detailButton('Evidence', 'evidence', { run: run.id }),
          detailButton('Log', 'log-lines', { run: run.id }),
        ]
      : [
          actionButton('Check again', 'askAgain', {
            run: run.id,
            confirm: confirmCost(diagnosis.cost, 1),
            primary: kind === 'unread',
          }),
        ]),
    overflowMenu(run.id, [
      ...(hasErrors
        ? ([
            ['Targets', 'by-target'],
            ['Routes', 'by-route'],
          ] as const)
        : []),
      ['All checks', 'all-steps'],
      ['Verify by hand', 'repeat'],
      ['Post-mortem', 'post-mortem'],
    ]),
    ...(run.askedBy.kind === 'alarm' ? [muteMenu(run.id)] : []),
  );
}
