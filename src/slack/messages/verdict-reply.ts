/** The verdict reply: fix, evidence, other errors, ruled out, could not check. A new post, so that it notifies. */

import type { types } from '@slack/bolt';
import type { CauseResult, CheckFinding, Diagnosis, Fix, Gap } from '../../diagnose/diagnosis.ts';
import { inSentence, number, plural } from '../../format/wording.ts';
import { completenessSentence, costSentence } from '../../render/log-and-cost.ts';
import { type OtherPart, outlineOf, type Section } from '../../render/outline.ts';
import {
  eventLabel,
  fitSentences,
  GAPS,
  knownLabel,
  runtimeSentence,
  settingsIntroduction,
  sortCauses,
  TRACE_ANSWERS,
} from '../../render/phrases.ts';
import { verdictKind, verdictWords } from '../../render/verdict-words.ts';
import type { Run } from '../../runs/run.ts';
import { asksAgainWords } from './asks-again.ts';
import type { Message, SlackBlock } from './message.ts';
import { actionButton, buttonRow, confirmCost, detailButton, overflowMenu } from './message-buttons.ts';
import {
  copyable,
  fitsMessage,
  labelledList,
  line,
  type MessagePart,
  messageText,
  prose,
  richText,
  smallPrint,
  type TextLine,
  type TextPiece,
  truncate,
} from './rich-text.ts';
import { sanitizeState, type ThreadState } from './thread-state.ts';

/** Longer commands are only behind the button: a cut command is a different command. */
const MAX_COMMAND = 700;
const MAX_COMMANDS = 2;
const MAX_REASONS = 3;
/** Characters of all reasons together. */
const MAX_REASON_TEXT = 260;
const MAX_TRACES = 3;
const MAX_RULED_OUT = 3;
const MAX_CANDIDATES = 4;
/** Characters of a fault that did not lead, and of its fix; "All checks" has the rest. */
const MAX_FAULT = 120;
/** Characters of `text`, which is read aloud or shown without blocks. */
const MAX_SPOKEN = 3000;
const IN_EVIDENCE = ' (press Evidence)';

/** User or group to mention: the asker, or whom the alarm's route names. */
type Mention = string | null;

export function verdictMessage(rawState: ThreadState, mention: Mention = null): Message {
  const { run, diagnosis } = sanitizeState(rawState);
  if (diagnosis === null) {
    const text = 'There is no verdict yet.';
    return { text, blocks: richText([line(text)]) };
  }
  const sections = outlineOf(diagnosis);
  const parts = [heading(diagnosis, mention), ...sections.flatMap((section) => sectionParts(section, diagnosis, run))];
  const unchecked = sections.flatMap((section) => (section.kind === 'unchecked' ? section.gaps : []));
  const below = [...smallPrint([completenessAndCost(diagnosis, run.took)]), ...verdictButtons(run.id, diagnosis)];
  const folded = uncheckedParts(unchecked);
  return {
    text: messageText([...parts, ...folded], MAX_SPOKEN),
    blocks: [...richText(parts, IN_EVIDENCE), ...container(unchecked.length, folded), ...below],
    plainBlocks: [
      ...richText(fitsMessage([...parts, ...folded]) ? [...parts, ...folded] : parts, IN_EVIDENCE),
      ...below,
    ],
  };
}

/** "shop-prod: keep-alive race (likely), 112 of 123 errors". */
function heading(diagnosis: Diagnosis, mention: Mention): MessagePart {
  const cause = outlineOf(diagnosis).find((section) => section.kind === 'cause');
  const errors = cause === undefined || cause.errors === null ? '' : `, ${cause.errors}`;
  const pieces: TextPiece[] = [{ bold: `${diagnosis.loadBalancer.name}: ${verdictWords(diagnosis)}${errors}` }];
  return line(...pieces, ...(mention === null ? [] : [' ', { user: mention }]));
}

function sectionParts(section: Section, diagnosis: Diagnosis, run: Run): MessagePart[] {
  switch (section.kind) {
    case 'in-front':
      // The root says what was made there.
      return section.finding.fix === null
        ? []
        : [line({ bold: 'Fix in CloudFront' }, '  ', ...prose(fitSentences(section.finding.fix)))];
    case 'fix':
      return fixParts(section.cause, 'Fix', ' (alb502 does not run it)');
    case 'why':
      return whyParts(section.cause, diagnosis);
    case 'event':
      // The root says what changed; this says how to revert it.
      if (section.event === 'change' && section.revert === null) return [];
      return [
        line({ bold: eventLabel(section.event) }, '  ', ...prose(section.sentence)),
        ...(section.revert === null ? [] : [line('To revert it (alb502 does not run it):'), copyable(section.revert)]),
      ];
    case 'between':
      return [
        ...traceParts(diagnosis),
        ...(section.causes.length > 2
          ? manyCandidatesParts(section.causes)
          : section.causes.flatMap((cause) => candidateParts(cause))),
      ];
    case 'next-step':
      // The next step is to search for the trace IDs.
      return diagnosis.traces === null
        ? [line({ bold: 'Next step' }, '  ', ...prose(section.sentence), ...asksAgainWords(diagnosis, run))]
        : [];
    case 'known':
      return section.sentences.length === 1
        ? section.sentences.map((sentence) => line({ bold: knownLabel(diagnosis) }, '  ', ...prose(sentence)))
        : labelledList(knownLabel(diagnosis), section.sentences, MAX_REASONS);
    case 'also':
      return section.parts.slice(0, 3).map(alsoPart);
    case 'beside':
      return [line({ bold: 'Also seen' }, '  ', ...prose(`${section.sentences.slice(0, 3).join('; ')}`))];
    case 'faults':
      return faultParts(section.findings, diagnosis);
    case 'ruled-out':
      return [
        line({ bold: 'Ruled out' }, '  ', ruledOutWords(section.causes, sortCauses(diagnosis).alsoRuledOut.length)),
      ];
    default:
      return [];
  }
}

/**
 * Faults besides the verdict. If the verdict is undecided, they are symptoms of it, and the most specific one says
 * most.
 */
function faultParts(findings: readonly CheckFinding[], diagnosis: Diagnosis): MessagePart[] {
  const isUndecided = verdictKind(diagnosis) === 'undecided';
  const ordered = isUndecided ? findings.toReversed() : findings;
  return labelledList('Also found', ordered.map(faultWords), isUndecided ? 1 : 2, ' (press All checks)');
}

const faultWords = ({ summary, fix }: CheckFinding): string =>
  fix === null ? fitSentences(summary) : `${fitSentences(summary, MAX_FAULT)} → ${fitSentences(fix, MAX_FAULT)}`;

/** The fix: summary, commands, notes and side effects. */
function fixParts({ fix }: CauseResult, label = 'Fix', note = ''): MessagePart[] {
  if (fix.summary === '') return [];
  const all = copyableTexts(fix);
  const most = fix.stopgap === undefined ? MAX_COMMANDS : 1;
  const shortCommands = all.filter((text) => text.length <= MAX_COMMAND).slice(0, most);
  const left = all.length - shortCommands.length;
  const remarks = [...(fix.notes ?? []), ...fix.sideEffects];
  const { settings = [] } = fix;
  const shownSettings = shortCommands.filter((text) => settings.includes(text)).length;
  // One of several settings is enough: which, depends on the platform.
  const isOneOfSettings = shownSettings === 1 && left > 0 && left === settings.length - shownSettings;
  const more = isOneOfSettings
    ? 'For other platforms, press Fix commands.'
    : `… and ${number(left)} more (press Fix commands)`;
  return [
    line({ bold: label }, `${note}  `, ...prose(fix.summary)),
    ...(shownSettings > 1 ? settingsIntroduction(fix).map((text) => line(text)) : []),
    ...shortCommands.map(copyable),
    ...(left > 0 ? [line({ italic: more })] : []),
    ...(remarks.length > 0 ? [{ bullets: remarks.slice(0, 2).map(prose) } satisfies MessagePart] : []),
    ...stopgapParts(fix),
  ];
}

/** What helps until the fix is deployed: with what it breaks and how to take it back, or not at all. */
export function stopgapParts({ stopgap }: Fix, longest = MAX_COMMAND): MessagePart[] {
  if (stopgap === undefined) return [];
  const { summary, commands, sideEffects, undo } = stopgap;
  return [
    line({ bold: 'Stopgap' }, '  ', ...prose(summary)),
    ...(commands.every((text) => text.length <= longest)
      ? commands.map(copyable)
      : [line({ italic: 'Press Fix commands for the command.' })]),
    { bullets: [...sideEffects.map(prose), [{ bold: 'Undo: ' }, ...prose(inSentence(undo))]] },
  ];
}

/** Settings and commands, each copied separately. */
export const copyableTexts = ({ commands, settings = [] }: Fix): string[] => [...settings, ...commands];

function whyParts(cause: CauseResult, diagnosis: Diagnosis): MessagePart[] {
  // Do not repeat what the root message says.
  const reasons = cause.for.slice(cause.forInSummary ?? 0);
  const shown = firstReasons(reasons);
  const runtime = runtimeSentence(cause, diagnosis) ?? [];
  return [
    ...whyList([...shown, runtime].flat(), reasons.length - shown.length),
    ...labelledList('Against', cause.against, 2, IN_EVIDENCE),
    ...labelledList('Missing evidence', cause.missing, 2, IN_EVIDENCE),
  ];
}

/** `left`: how many reasons are not among them. */
function whyList(reasons: readonly string[], left: number): MessagePart[] {
  if (reasons.length === 0) return [];
  const rest = left === 0 ? '' : `  (${number(left)} more: press Evidence)`;
  return [line({ bold: 'Why' }, rest), { bullets: reasons.map(prose) }];
}

/** The first reasons within MAX_REASON_TEXT, at least one. */
function firstReasons(reasons: readonly string[]): string[] {
  let left = MAX_REASON_TEXT;
  return reasons.slice(0, MAX_REASONS).filter((sentence, index) => {
    left -= sentence.length;
    return index === 0 || left >= 0;
  });
}

/**
 * Titles contain "and", so semicolons separate them. A cause that only has a better explanation is not named: without
 * its reason, its title may seem to contradict the verdict. `others`: ruled out as well, but unlike these errors.
 */
function ruledOutWords(causes: readonly CauseResult[], others: number): string {
  const titles = causes
    .filter(({ explainedBy }) => explainedBy === undefined)
    .slice(0, MAX_RULED_OUT)
    .map(({ title }) => inSentence(title));
  const more = causes.length - titles.length + others;
  if (titles.length === 0) return `${plural(more, 'cause')}${IN_EVIDENCE}`;
  return [...titles, ...(more > 0 ? [`${number(more)} more`] : [])].join('; ');
}

/** One of the two causes of an undecided verdict: its evidence, and what to do if it is the cause. */
const candidateParts = (cause: CauseResult): MessagePart[] => [
  line({ bold: cause.title }),
  {
    bullets: [
      ...cause.for.slice(0, 1).map((one) => prose(`For: ${one}`)),
      ...cause.against.slice(0, 1).map((one) => prose(`Against: ${one}`)),
      ...(cause.fix.summary === '' ? [] : [prose(`If so: ${inSentence(cause.fix.summary)}`)]),
    ],
  },
];

/** For three or more causes, only what to do about each; "Evidence" has the arguments for and against. */
const manyCandidatesParts = (causes: readonly CauseResult[]): MessagePart[] => [
  line({ bold: 'What to do, by cause' }, '  (for and against: press Evidence)'),
  {
    bullets: causes
      .slice(0, MAX_CANDIDATES)
      .map(({ title, fix }) => [{ bold: `${title}: ` }, ...prose(inSentence(fix.summary))]),
  },
];

/** "Also  worker timeout in the target, 11 errors. Fix: …". */
const alsoPart = ({ words, errors, cause }: OtherPart): MessagePart =>
  line(
    { bold: 'Also' },
    '  ',
    ...prose(
      `${words}, ${number(errors)} ${errors === 1 ? 'error' : 'errors'}.${cause === null || cause.fix.summary === '' ? '' : ` Fix: ${inSentence(cause.fix.summary)}`}`,
    ),
  );

/** What could not be checked and the IAM statements that allow it, folded. */
function uncheckedParts(gaps: readonly Gap[]): MessagePart[] {
  if (gaps.length === 0) return [];
  const statements = [...new Set(gaps.flatMap(({ iamStatement }) => iamStatement ?? []))];
  return [
    ...labelledList(
      GAPS,
      gaps.map(({ sentence }) => truncate(sentence, 300)),
      4,
      ' (press All checks)',
    ),
    ...(statements.length === 0 ? [] : [line('Allow it with'), copyable(statements.slice(0, 4).join(',\n'))]),
  ];
}

function container(count: number, parts: readonly MessagePart[]): SlackBlock[] {
  const children = richText(parts);
  if (children.length === 0) return [];
  const folded: types.ContainerBlock = {
    type: 'container',
    title: { type: 'plain_text', text: `${GAPS} (${count})`, emoji: false },
    is_collapsible: true,
    default_collapsed: true,
    child_blocks: children as types.ContainerBlock['child_blocks'],
  };
  return [folded];
}

/** What to look for in the application's log, and what each answer means. */
export function traceParts({ traces }: Diagnosis): MessagePart[] {
  if (traces === null || traces.ids.length === 0) return [];
  const { ids, meaning } = traces;
  const more = ids.length - MAX_TRACES;
  return [
    line(
      { bold: 'Next step' },
      '  ',
      `look in the application's log for ${ids.length === 1 ? 'this trace ID' : 'these trace IDs'}`,
    ),
    copyable(
      ids
        .slice(0, MAX_TRACES)
        .map((id) => truncate(id, 200))
        .join('\n'),
    ),
    ...(more > 0 ? [line({ italic: `… and ${number(more)} more, with the searches (press How to decide)` })] : []),
    {
      bullets: [
        ...TRACE_ANSWERS.map(({ label, answer }): TextLine => [{ bold: `${label}: ` }, ...prose(meaning[answer])]),
      ],
    },
  ];
}

/** Completeness and cost. No count if nothing was read or counted: "0 errors" would look healthy. */
function completenessAndCost(diagnosis: Diagnosis, took: ThreadState['run']['took']): string {
  const isUnknown = verdictKind(diagnosis) === 'unread' && diagnosis.completeness.errorsInMetrics === null;
  const time = took === undefined ? [] : [`${(took.milliseconds / 1000).toFixed(1)} s`];
  return [...(isUnknown ? [] : [completenessSentence(diagnosis)]), costSentence(diagnosis), ...time].join(' · ');
}

const isAnyPathKnown = ({ networkPaths }: Diagnosis): boolean =>
  networkPaths.some(
    ({ traffic, health }) => traffic.outcome !== 'unknown' || (health?.outcome ?? 'unknown') !== 'unknown',
  );

function verdictButtons(run: string, diagnosis: Diagnosis): SlackBlock[] {
  const kind = verdictKind(diagnosis);
  const hasErrors = kind === 'found' || kind === 'undecided';
  return buttonRow(
    ...(kind === 'unread'
      ? []
      : [actionButton('👍 Right', 'right', { run }), actionButton('👎 Wrong', 'wrong', { run })]),
    ...(hasErrors
      ? errorButtons(run, diagnosis)
      : [
          ...(kind === 'unread' && isAnyPathKnown(diagnosis) ? [detailButton('Network paths', 'path', { run })] : []),
          actionButton('Widen the window', 'widen', { run, confirm: confirmCost(diagnosis.cost, 3) }),
        ]),
  );
}

/** One row on a phone: the rarer ones are in the menu. What costs money asks first, which one option of a menu cannot. */
function errorButtons(run: string, diagnosis: Diagnosis): types.ActionsBlock['elements'] {
  const confirm = confirmCost(diagnosis.cost, 1);
  const chart = detailButton('Chart', 'timeline', { run });
  const paths = isAnyPathKnown(diagnosis) ? [['Network paths', 'path'] as const] : [];
  if (confirm === null) return [chart, overflowMenu(run, [...paths, ['Check again', 'ask-again']])];
  return [
    chart,
    ...paths.map(([label, detail]) => detailButton(label, detail, { run })),
    actionButton('Check again', 'askAgain', { run, confirm }),
  ];
}
