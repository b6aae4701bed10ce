/** The diagnosis for a terminal: the verdict first, then the outline's sections, then the verdict again. */

import picocolors from 'picocolors';
import type { CauseResult, Diagnosis, Gap, Stopgap } from '../diagnose/diagnosis.ts';
import { inSentence, number, plural, sentenceCase } from '../format/wording.ts';
import { escapeDiagnosis } from './escape-diagnosis.ts';
import { completenessSentence, costAndEstimate, provisionalSentence, readingWords } from './log-and-cost.ts';
import { firstAnswers, outlineOf, type Section } from './outline.ts';
import {
  ADD_TRACES,
  explainedErrors,
  explainingWords,
  GAPS,
  knownLabel,
  ruledOutLines,
  runtimeSentence,
  settingsIntroduction,
  TRACE_ANSWERS,
} from './phrases.ts';
import { checklistLines } from './terminal-checklist.ts';
import { breakCommand, headingLines, labelledLines, type Page, verbatim, wrap } from './terminal-page.ts';
import { timelineLines } from './terminal-timeline.ts';
import { leadTitle, madeInFront, titleLine } from './verdict-words.ts';

interface TerminalOptions {
  /** Display columns, limited to 72 to 100. */
  columns: number;
  colour: boolean;
}

const NARROWEST = 72;
const WIDEST = 100;
const MAX_TRACES = 5;
const FEW_GAPS = 4;

const fixLines = (page: Page, { fix }: CauseResult, indent = ''): string[] => [
  ...labelledLines(page, 'Fix', fix.summary === '' ? [] : [fix.summary], indent),
  ...labelledLines(page, '', settingsIntroduction(fix), indent),
  ...(fix.settings ?? []).flatMap((text) => verbatim(text, `${indent}    `)),
  ...commandLines(page, fix.commands, indent),
  ...labelledLines(page, 'Note', [...(fix.notes ?? []), ...fix.sideEffects], indent),
  ...stopgapLines(page, fix.stopgap, indent),
];

const commandLines = (page: Page, commands: readonly string[], indent: string): string[] =>
  commands.flatMap((command) => verbatim(breakCommand(command, page.width - 8), `${indent}    `));

/** What helps until the fix is deployed, its side effects, and how to undo it. */
const stopgapLines = (page: Page, stopgap: Stopgap | undefined, indent: string): string[] =>
  stopgap === undefined
    ? []
    : [
        ...labelledLines(page, 'Stopgap', [stopgap.summary], indent),
        ...commandLines(page, stopgap.commands, indent),
        ...labelledLines(page, 'Note', stopgap.sideEffects, indent),
        ...labelledLines(page, 'Undo', [stopgap.undo], indent),
      ];

const evidenceLines = (page: Page, cause: CauseResult, indent = ''): string[] => [
  ...labelledLines(page, 'For', cause.for.length > 0 ? cause.for : ['nothing'], indent),
  ...labelledLines(page, 'Against', cause.against.length > 0 ? cause.against : ['nothing'], indent),
  ...labelledLines(page, 'Missing', cause.missing, indent),
];

/** What to do: directly below what broke, and again where a terminal ends. */
const answerLines = (page: Page, diagnosis: Diagnosis): string[] =>
  firstAnswers(diagnosis).flatMap(({ label, sentence }) => labelledLines(page, label, [sentence]));

/** Headline, verdict and triage: the minimum a reader needs. */
const topLines = (page: Page, diagnosis: Diagnosis): string[] => {
  const { verdict, triage } = diagnosis;
  const provisional = provisionalSentence(diagnosis);
  const tone =
    verdict.standing === 'none'
      ? page.paint.green
      : verdict.standing === 'undecided'
        ? page.paint.yellow
        : page.paint.red;
  return [
    ...wrap(titleLine(diagnosis), page.width).map(page.paint.bold),
    ...answerLines(page, diagnosis),
    ...wrap(verdict.summary, page.width).map(tone),
    ...(triage.requests === 0 || triage.summary === '' ? [] : wrap(triage.summary, page.width)),
    ...(provisional === null ? [] : wrap(provisional, page.width).map(page.paint.yellow)),
  ];
};

/** The candidates of an undecided verdict, each with its evidence and its fix. */
const candidateLines = (page: Page, causes: readonly CauseResult[], errors: number | null): string[] => [
  ...headingLines(page, causes.length > 1 ? 'Undecided between' : 'Possible'),
  ...causes.flatMap((cause) => [
    ...wrap(`${cause.title}, could explain ${explainedErrors(cause.explains, errors)}`, page.width, '  ', '    '),
    ...evidenceLines(page, cause, '    '),
    ...labelledLines(page, 'If so', cause.fix.summary === '' ? [] : [cause.fix.summary], '    '),
  ]),
];

/** The cause's evidence, and the runtimes that close idle connections at the measured value. */
const whyLines = (page: Page, cause: CauseResult, diagnosis: Diagnosis): string[] => {
  const runtime = runtimeSentence(cause, diagnosis);
  return [...evidenceLines(page, cause), ...(runtime === null ? [] : labelledLines(page, 'Runtime', [runtime]))];
};

/** How to look the errors up in the application's log; ends with an empty line. */
const traceLines = (page: Page, traces: NonNullable<Diagnosis['traces']>): string[] => {
  const { ids, grep, logsInsights, logFormat, meaning } = traces;
  const more = ids.length - MAX_TRACES;
  const copyable = (label: string, texts: readonly string[]): string[] =>
    texts.length === 0 ? [] : [page.paint.bold(label), ...texts.flatMap((text) => verbatim(text, '    '))];
  return [
    ...headingLines(page, "Look in the application's log for"),
    ...ids.slice(0, MAX_TRACES).flatMap((id) => verbatim(id, '    ')),
    ...(more > 0 ? [`    and ${number(more)} more (--json lists them)`] : []),
    ...TRACE_ANSWERS.flatMap(({ label, answer }) => {
      const [start = '', ...others] = wrap(`${label}: ${meaning[answer]}`, page.width, '', '  ');
      return [`${page.paint.bold(label)}${start.slice(label.length)}`, ...others];
    }),
    ...copyable('Shell', [grep]),
    ...copyable('CloudWatch Logs Insights', [logsInsights]),
    ...copyable(ADD_TRACES, logFormat),
    '',
  ];
};

/** The other causes that explain or may explain errors, each with its fix. */
const otherCauseLines = (page: Page, others: readonly CauseResult[], errors: number | null): string[] =>
  others.flatMap((cause) => [
    ...headingLines(page, `Also: ${inSentence(cause.title)} (${cause.standing}), ${explainingWords(cause, errors)}`),
    ...(cause.standing === 'possible'
      ? [...evidenceLines(page, cause), ...labelledLines(page, 'If so', [cause.fix.summary])]
      : [...fixLines(page, cause), ...evidenceLines(page, cause)]),
  ]);

/** Causes without a matching error: one line per reason, the rest in one sentence. */
const consideredLines = (page: Page, { ruledOut, untested, unmatched }: Section & { kind: 'considered' }): string[] => [
  ...headingLines(page, 'Other causes considered'),
  ...labelledLines(page, 'Ruled out', ruledOutLines(ruledOut)),
  ...labelledLines(
    page,
    'Untested',
    untested.map((cause) => `${cause.title}: ${cause.missing[0]}`),
  ),
  ...(unmatched.length > 0
    ? labelledLines(page, 'Not seen', [`${plural(unmatched.length, 'other cause')} (--json lists them)`])
    : []),
];

const gapLines = (page: Page, gaps: readonly Gap[]): string[] =>
  gaps.flatMap(({ sentence, iamStatement }, index) => [
    ...labelledLines(page, index === 0 ? GAPS : '', [sentence]),
    ...(iamStatement === null
      ? []
      : [...labelledLines(page, '', ['Allow it with']), ...verbatim(iamStatement, '    ')]),
  ]);

/** Lists a few gaps near the verdict; if there are many, only their number, with the list at the end. */
const fewGaps = (page: Page, gaps: readonly Gap[]): string[] =>
  gaps.length > FEW_GAPS
    ? labelledLines(page, GAPS, [`${number(gaps.length)} inputs are missing or incomplete; listed at the end`])
    : gapLines(page, gaps);

const manyGaps = (page: Page, gaps: readonly Gap[]): string[] =>
  gaps.length > FEW_GAPS ? ['', ...gapLines(page, gaps)] : [];

/** The lines of a section. The page's first lines already state the impact. */
function sectionLines(page: Page, section: Section, diagnosis: Diagnosis): string[] {
  const { verdict, traces, triage } = diagnosis;
  switch (section.kind) {
    case 'in-front':
      return [
        ...headingLines(page, section.finding.brief ?? 'Made in front of the load balancer'),
        ...labelledLines(page, 'Fix', section.finding.fix === null ? [] : [section.finding.fix]),
        ...(section.finding.settings ?? []).flatMap((text) => verbatim(text, '    ')),
      ];
    case 'cause':
      return headingLines(page, leadTitle(diagnosis, section.cause));
    case 'event':
      // The verdict above starts with the sentence.
      return section.revert === null
        ? []
        : ['', ...labelledLines(page, 'Change', ['To revert it:']), ...verbatim(section.revert, '    ')];
    case 'between':
      return candidateLines(page, section.causes, triage.errors);
    case 'known':
      return [
        '',
        ...labelledLines(
          page,
          knownLabel(diagnosis),
          section.sentences.filter((one) => one !== verdict.summary),
        ),
      ];
    case 'fix':
      return fixLines(page, section.cause);
    case 'next-step':
      // If trace IDs are the next step, they follow.
      return traces === null ? labelledLines(page, 'Next step', [section.sentence]) : [];
    case 'settles-rest':
      return labelledLines(page, 'Next step', [section.sentence]);
    case 'impact':
      return [];
    case 'why':
      return whyLines(page, section.cause, diagnosis);
    case 'traces':
      return traceLines(page, section.traces);
    case 'also':
      return labelledLines(
        page,
        'Also',
        section.parts
          .filter(({ cause }) => cause === null)
          .map(({ words, errors }) => `${sentenceCase(words)}: ${plural(errors, 'error')}.`),
      );
    case 'beside':
      return labelledLines(
        page,
        'Also seen',
        section.sentences.map((sentence) => `${sentenceCase(sentence)}.`),
      );
    case 'faults':
      return labelledLines(
        page,
        'Also found',
        section.findings.map(({ summary }) => summary),
      );
    case 'ruled-out':
      return labelledLines(page, 'Ruled out', ruledOutLines(section.causes));
    case 'unchecked':
      return fewGaps(page, section.gaps);
    case 'other-causes':
      return otherCauseLines(page, section.causes, triage.errors);
    case 'timeline':
      return timelineLines(page, diagnosis);
    case 'checklist':
      return checklistLines(page, section.steps);
    case 'considered':
      return consideredLines(page, section);
  }
}

/** How the log was read, and why. */
const readingLines = (page: Page, diagnosis: Diagnosis): string[] => {
  const words = readingWords(diagnosis);
  return words === null ? [] : labelledLines(page, 'Read', [words]);
};

/** A terminal shows the end first: completeness, cost, and the verdict again. */
const closingLines = (page: Page, diagnosis: Diagnosis): string[] => {
  const { verdict, causes, provisional } = diagnosis;
  const main = causes.find(({ id }) => id === verdict.cause);
  const inFront = madeInFront(diagnosis)?.brief;
  const words = [
    ...(inFront === undefined ? [] : [inFront]),
    main === undefined
      ? verdict.summary
      : inFront === undefined
        ? leadTitle(diagnosis, main)
        : inSentence(leadTitle(diagnosis, main)),
  ].join('; ');
  return [
    '',
    ...(provisional ? [] : labelledLines(page, 'Log', [completenessSentence(diagnosis)])),
    ...readingLines(page, diagnosis),
    ...labelledLines(page, 'Cost', [costAndEstimate(diagnosis)]),
    // One Athena query fills a screen.
    ...(diagnosis.cost.queries > 0
      ? labelledLines(page, 'Repeat', ['--markdown lists every query and call, to run them by hand'])
      : []),
    ...labelledLines(page, 'Verdict', [words]).map(page.paint.bold),
    ...answerLines(page, diagnosis),
  ];
};

/** Renders a page for the terminal, ending in a newline. Only copyable commands and searches may exceed `columns`. */
export const renderTerminal = (rawDiagnosis: Diagnosis, { columns, colour }: TerminalOptions): string => {
  const diagnosis = escapeDiagnosis(rawDiagnosis);
  const page: Page = { width: Math.max(NARROWEST, Math.min(WIDEST, columns)), paint: picocolors.createColors(colour) };
  return `${[
    ...topLines(page, diagnosis),
    ...outlineOf(diagnosis).flatMap((section) => sectionLines(page, section, diagnosis)),
    ...manyGaps(page, diagnosis.gapDetails),
    ...closingLines(page, diagnosis),
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')}\n`;
};
