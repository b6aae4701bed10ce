/** The diagnosis as a person reads it in a terminal: the verdict first, then what supports it, then everything that was looked at. */
import picocolors from 'picocolors';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import type { CauseResult, CheckFinding, ChecklistStep, CheckOutcome, Diagnosis, Gap } from '../diagnose/diagnosis.ts';
import { escapeDiagnosis } from '../format/escape-control-characters.ts';
import { number } from '../format/wording.ts';
import {
  causeTitle,
  completenessSentence,
  costAndEstimate,
  explainedErrors,
  factsNotInSentence,
  factValue,
  formatSeconds,
  headline,
  OUTCOME_MARK,
  OUTCOME_WORD,
  provisionalSentence,
  readingWords,
  ruledOutLines,
  SIGNATURE_MEANING,
  sortCauses,
  timeOfDay,
} from './phrases.ts';
import { buildTimeline, type Timeline, type TimelineRow } from './timeline.ts';

export interface TerminalOptions {
  /** Display columns; what is narrower than 72 or wider than 100 is taken as that. */
  columns: number;
  colour: boolean;
}

/** What the small functions need to know about the page they write on. */
interface Page {
  width: number;
  paint: ReturnType<typeof picocolors.createColors>;
}

/** Width of the column that holds "For", "Ruled out", "Unchecked". */
const LABEL = 11;
const NARROWEST = 72;
const WIDEST = 100;
const MAX_BARS = 30;
const MAX_TRACES = 5;
const FEW_GAPS = 4;

/** A number stays with its unit: "60" and "s" never end up on two lines. */
const NUMBER_AND_UNIT = /(\d) (?=(?:s|ms|min|%|[kMGT]?B|UTC)(?![\p{L}\d]))/gu;
const NO_BREAK_SPACE = '\u00a0';

/** A count stays with what it counts: "13 × 502". */
const COUNT_OF = /(\d) × /g;

/** A command of the AWS CLI in a sentence: its options, each with a value and more of the form Key=Value. */
const COMMAND = /\baws [a-z0-9-]+ [a-z0-9-]+(?: --[a-z0-9-]+(?: [^\s,;-][^\s;]*(?: [^\s=,;]+=[^\s;]*)*)?)+/g;

/** Names that are copied: ARNs, places in S3 and log files. Longer than any of them is something else. */
const COPYABLE = /(?:^|[\s("'`])(?:arn:aws[a-z-]*:|s3:\/\/|(?:[\w!.*'()-]+\/){0,9}AWSLogs\/)\S{1,500}(?:\s|$)/;

/**
 * Lines of at most `width` columns; the first starts with `first`, the others with `rest`. What is copied is not broken, and has a line of
 * its own where it is too long.
 */
const wrap = (text: string, width: number, first = '', rest = first): string[] => {
  const room = Math.max(16, width - Math.max(stringWidth(first), stringWidth(rest)));
  const unbreakable = text
    .replace(NUMBER_AND_UNIT, `$1${NO_BREAK_SPACE}`)
    .replace(COUNT_OF, `$1${NO_BREAK_SPACE}×${NO_BREAK_SPACE}`)
    .replace(COMMAND, (command) => command.replaceAll(' ', NO_BREAK_SPACE));
  const isCopyable = (words: string): boolean => COPYABLE.test(words) || words.includes(`aws${NO_BREAK_SPACE}`);
  const breakLines = (words: string): string[] => wrapAnsi(words, room, { hard: true }).split('\n');
  const lines = isCopyable(unbreakable)
    ? wrapAnsi(unbreakable, room, { hard: false })
        .split('\n')
        .flatMap((line) => (isCopyable(line) ? [line] : breakLines(line)))
    : breakLines(unbreakable);
  return lines.map((line, index) => `${index === 0 ? first : rest}${line.replaceAll(NO_BREAK_SPACE, ' ')}`.trimEnd());
};

/** A label in its column and its sentences beside it, each with a hanging indent. */
const labelledLines = (page: Page, label: string, sentences: readonly string[], indent = ''): string[] =>
  sentences.flatMap((sentence, index) => {
    const hanging = `${indent}${' '.repeat(LABEL)}`;
    const [start = '', ...others] = wrap(sentence, page.width, hanging, `${hanging}  `);
    if (index > 0) return [start, ...others];
    return [`${indent}${page.paint.bold(label.padEnd(LABEL))}${start.slice(hanging.length)}`.trimEnd(), ...others];
  });

/** Text to copy: whole lines, whatever their length. */
const verbatim = (text: string, indent: string): string[] =>
  text.split('\n').map((line) => `${indent}${line}`.trimEnd());

/** A long AWS command on several lines, one option each, still one command. Quoted text is left alone. */
const breakCommand = (command: string, width: number): string =>
  /^aws [^"\n\\]+$/.test(command) && command.length > width
    ? command.replace(/'[^']*'| (?=--)/g, (part) => (part === ' ' ? ' \\\n  ' : part))
    : command;

const headingLines = (page: Page, text: string, aside = ''): string[] => {
  const lines = wrap(aside === '' ? text : `${text}  ${aside}`, page.width);
  return ['', ...lines.map(page.paint.bold)];
};

const fixLines = (page: Page, { fix }: CauseResult, indent = ''): string[] => [
  ...labelledLines(page, 'Fix', [fix.summary], indent),
  ...(fix.settings ?? []).flatMap((text) => verbatim(text, `${indent}    `)),
  ...fix.commands.flatMap((command) => verbatim(breakCommand(command, page.width - 8), `${indent}    `)),
  ...labelledLines(page, 'Note', [...(fix.notes ?? []), ...fix.sideEffects], indent),
];

const evidenceLines = (page: Page, cause: CauseResult, indent = ''): string[] => [
  ...labelledLines(page, 'For', cause.for.length > 0 ? cause.for : ['–'], indent),
  ...labelledLines(page, 'Against', cause.against.length > 0 ? cause.against : ['–'], indent),
  ...labelledLines(page, 'Unknown', cause.missing, indent),
];

/** Headline, verdict and triage: what a person must know when nothing else is read. */
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
    ...wrap(headline(diagnosis), page.width).map(page.paint.bold),
    ...wrap(verdict.summary, page.width).map(tone),
    ...wrap(triage.summary, page.width),
    ...(provisional === null ? [] : wrap(provisional, page.width).map(page.paint.yellow)),
  ];
};

/** What would settle it; left to the section on the application's log when that is what it names. */
const decideLines = (page: Page, { verdict, traces }: Diagnosis): string[] =>
  verdict.decidedBy === null || traces?.ids.some((id) => verdict.decidedBy?.includes(id))
    ? []
    : labelledLines(page, 'Decide by', [verdict.decidedBy]);

/** The cause that was found, with its evidence and its fix. */
const mainCauseLines = (page: Page, cause: CauseResult, diagnosis: Diagnosis): string[] => {
  const runtimes = cause.id === 'keep-alive-race' ? (diagnosis.keepAlive?.runtimes ?? []) : [];
  return [
    ...headingLines(page, causeTitle(cause, diagnosis.triage.errors)),
    ...evidenceLines(page, cause),
    ...(runtimes.length > 0 ? labelledLines(page, 'Runtime', [`${runtimes.join(', ')} by default`]) : []),
    ...fixLines(page, cause),
    ...decideLines(page, diagnosis),
  ];
};

/** What it could be, and what would tell. */
const undecidedLines = (page: Page, diagnosis: Diagnosis, between: readonly CauseResult[]): string[] => {
  const { verdict, triage } = diagnosis;
  if (between.length === 0 && verdict.decidedBy === null) return [];
  return [
    ...(between.length > 1
      ? headingLines(page, 'What it could be')
      : between.length > 0
        ? headingLines(page, 'Possible')
        : ['']),
    ...between.flatMap((cause) => [
      ...wrap(
        `${cause.title}, could explain ${explainedErrors(cause.explains, triage.errors)}`,
        page.width,
        '  ',
        '    ',
      ),
      ...evidenceLines(page, cause, '    '),
      ...labelledLines(page, 'If it is', [cause.fix.summary], '    '),
    ]),
    ...decideLines(page, diagnosis),
  ];
};

/** How to look the errors up in the application's log. */
const traceLines = (page: Page, { traces }: Diagnosis): string[] => {
  if (traces === null) return [];
  const { ids, grep, logsInsights, logFormat, meaning } = traces;
  const more = ids.length - MAX_TRACES;
  const copyable = (label: string, texts: readonly string[]): string[] =>
    texts.length === 0 ? [] : [page.paint.bold(label), ...texts.flatMap((text) => verbatim(text, '    '))];
  return [
    ...headingLines(page, "What the application's log says decides; look there for"),
    ...ids.slice(0, MAX_TRACES).flatMap((id) => verbatim(id, '    ')),
    ...(more > 0 ? [`    and ${number(more)} more (--json lists them)`] : []),
    ...labelledLines(page, 'Not there', [meaning.absent]),
    ...labelledLines(page, 'Started', [meaning.started]),
    ...labelledLines(page, 'Finished', [meaning.finished]),
    ...copyable('Shell', [grep]),
    ...copyable('CloudWatch Logs Insights', [logsInsights]),
    ...copyable('To log the trace id where it is not logged yet', logFormat),
  ];
};

/** Columns left for bars beside the label, the total and the peak of the widest row. */
const roomForBars = (page: Page, { rows }: Timeline): number => {
  const labels = Math.max(...rows.map(({ label }) => label.length));
  const totals = Math.max(...rows.map(({ total }) => number(total).length));
  return page.width - labels - 2 * totals - '      '.length - '  peak  at 00:00:00'.length;
};

const barLines = (page: Page, barTimeline: Timeline, room: number): string[] => {
  const { rows, from, to, barSeconds } = barTimeline;
  const labels = Math.max(...rows.map(({ label }) => label.length));
  const totals = Math.max(...rows.map(({ total }) => number(total).length));
  const amount = rows[0]?.values.length ?? 1;
  const thick = amount * 2 <= room ? 2 : 1;
  const line = ({ label, total, bars, peak }: TimelineRow): string =>
    `  ${label.padEnd(labels)}  ${number(total).padStart(totals)}  ${bars.replace(/./gu, (bar) => bar.repeat(thick))}` +
    (peak === null ? '' : `  peak ${number(peak.count)} at ${timeOfDay(peak.from)}`);
  const ends = `${timeOfDay(from)}${' '.repeat(Math.max(1, amount * thick - 16))}${timeOfDay(to)}`;
  const each = barSeconds % 60 === 0 ? `${barSeconds / 60} min` : formatSeconds(barSeconds);
  return [
    ...headingLines(page, `Errors over time, UTC, ${each} a bar, each row to its own peak`),
    ...rows.flatMap((row) => [
      line(row),
      ...(row.label === 'requests' ? [] : wrap(SIGNATURE_MEANING[row.label], page.width, '    ').map(page.paint.dim)),
    ]),
    page.paint.dim(`${' '.repeat(labels + totals + 6)}${ends}`),
  ];
};

/** Nothing for a single error: its time is in the triage. */
const timelineLines = (page: Page, diagnosis: Diagnosis): string[] => {
  const whole = buildTimeline(diagnosis.timeline, 1);
  const errors = whole?.rows.reduce((sum, { label, total }) => (label === 'requests' ? sum : sum + total), 0) ?? 0;
  if (whole === null || errors < 2) return [];
  const room = Math.max(8, Math.min(MAX_BARS, roomForBars(page, whole)));
  const barTimeline = buildTimeline(diagnosis.timeline, room);
  return barTimeline === null ? [] : barLines(page, barTimeline, room);
};

const paintMark = (page: Page, outcome: CheckOutcome): string => {
  const paint = {
    pass: page.paint.green,
    fail: page.paint.red,
    unknown: page.paint.yellow,
    'not-applicable': page.paint.dim,
  };
  return paint[outcome](OUTCOME_MARK[outcome]);
};

/** One finding; a failed one says more: the facts its sentence leaves out, and what to do. */
const findingLines = (page: Page, { outcome, summary, facts, fix }: CheckFinding): string[] => {
  const [start = '', ...others] = wrap(summary, page.width, '      ');
  const detail =
    outcome === 'fail'
      ? factsNotInSentence(facts, summary)
          .map((fact) => `${fact.label}: ${factValue(fact)}`)
          .join(' · ')
      : '';
  return [
    `    ${paintMark(page, outcome)} ${start.trimStart()}`,
    ...others,
    ...(detail === '' ? [] : wrap(detail, page.width, '      ').map(page.paint.dim)),
    ...(outcome === 'fail' && fix !== null ? wrap(fix, page.width, '      → ', '        ') : []),
  ];
};

/** Checks of which one and the same is to be said are one line, where the first of them stands. */
const mergeFindings = (findings: readonly CheckFinding[]): CheckFinding[] =>
  findings.flatMap((finding, index) => {
    const isSame = ({ outcome, summary }: CheckFinding) => outcome === finding.outcome && summary === finding.summary;
    const checks = findings.filter(isSame).length;
    if (checks === 1 || finding.outcome === 'fail') return [finding];
    return findings.findIndex(isSame) < index ? [] : [{ ...finding, summary: withCheckCount(finding.summary, checks) }];
  });

const withCheckCount = (summary: string, checks: number): string =>
  `${summary.replace(/\.$/, '')} (${number(checks)} checks).`;

const stepLines = (page: Page, { step, title, outcome, findings }: ChecklistStep): string[] => [
  `${paintMark(page, outcome)} ${page.paint.bold(`${step} ${title}`)}`,
  ...mergeFindings(findings).flatMap((finding) => findingLines(page, finding)),
];

const checklistLines = (page: Page, { steps }: Diagnosis): string[] => {
  const present = new Set(steps.flatMap((step) => [step.outcome, ...step.findings.map(({ outcome }) => outcome)]));
  const legend = (Object.keys(OUTCOME_MARK) as CheckOutcome[])
    .filter((outcome) => present.has(outcome))
    .map((outcome) => `${OUTCOME_MARK[outcome]} ${OUTCOME_WORD[outcome]}`)
    .join('  ');
  return steps.length === 0
    ? []
    : [...headingLines(page, 'Checklist', `(${legend})`), ...steps.flatMap((step) => stepLines(page, step))];
};

/** The other causes that may have a part in it, each with its own fix. */
const otherCauseLines = (page: Page, others: readonly CauseResult[], errors: number | null): string[] =>
  others.flatMap((cause) => [
    ...headingLines(page, `Also: ${causeTitle(cause, errors)}`),
    ...evidenceLines(page, cause),
    ...(cause.standing === 'possible' ? labelledLines(page, 'If it is', [cause.fix.summary]) : fixLines(page, cause)),
  ]);

/** Everything else that was considered, one line each, and the rest in one sentence. */
const consideredLines = (page: Page, diagnosis: Diagnosis): string[] => {
  const { alsoRuledOut, unjudged, unmatched } = sortCauses(diagnosis);
  const lines = [
    ...labelledLines(page, 'Ruled out', ruledOutLines(alsoRuledOut)),
    ...labelledLines(
      page,
      'Not judged',
      unjudged.map((cause) => `${cause.title}: ${cause.missing[0]}`),
    ),
    ...(unmatched.length > 0
      ? labelledLines(page, 'No error', [
          `looks like one of the other ${number(unmatched.length)} causes (--json lists them)`,
        ])
      : []),
  ];
  return (diagnosis.triage.errors ?? 0) === 0 ? [] : [...headingLines(page, 'Other causes considered'), ...lines];
};

const gapLines = (page: Page, gaps: readonly Gap[]): string[] =>
  gaps.flatMap(({ sentence, iamStatement }, index) => [
    ...labelledLines(page, index === 0 ? 'Unchecked' : '', [sentence]),
    ...(iamStatement === null
      ? []
      : [...labelledLines(page, '', ['Allow it with']), ...verbatim(iamStatement, '    ')]),
  ]);

/** Near the verdict while they are few; else only how many, and all of them at the end. */
const fewGaps = (page: Page, { gapDetails }: Diagnosis): string[] =>
  gapDetails.length > FEW_GAPS
    ? labelledLines(page, 'Unchecked', [`${number(gapDetails.length)} things could not be checked; listed at the end`])
    : gapLines(page, gapDetails);

const manyGaps = (page: Page, { gapDetails }: Diagnosis): string[] =>
  gapDetails.length > FEW_GAPS ? ['', ...gapLines(page, gapDetails)] : [];

/** By what the log was read, and why. */
const readingLines = (page: Page, diagnosis: Diagnosis): string[] => {
  const words = readingWords(diagnosis);
  return words === null ? [] : labelledLines(page, 'Read', [words]);
};

/** The end is what a terminal shows first: how complete, how much, and the verdict once more. */
const closingLines = (page: Page, diagnosis: Diagnosis, main: CauseResult | null): string[] => [
  '',
  ...(diagnosis.provisional ? [] : labelledLines(page, 'Log', [completenessSentence(diagnosis)])),
  ...readingLines(page, diagnosis),
  ...labelledLines(page, 'Cost', [costAndEstimate(diagnosis)]),
  ...labelledLines(page, 'Verdict', [
    main === null ? diagnosis.verdict.summary : causeTitle(main, diagnosis.triage.errors),
  ]).map(page.paint.bold),
];

/** A page for the terminal, ending in a newline. Only commands and searches to copy may be wider than `columns`. */
export const renderTerminal = (rawDiagnosis: Diagnosis, { columns, colour }: TerminalOptions): string => {
  const diagnosis = escapeDiagnosis(rawDiagnosis);
  const page: Page = { width: Math.max(NARROWEST, Math.min(WIDEST, columns)), paint: picocolors.createColors(colour) };
  const { main, between, others, lookAlikes } = sortCauses(diagnosis);
  return `${[
    ...topLines(page, diagnosis),
    ...(main === null ? undecidedLines(page, diagnosis, between) : mainCauseLines(page, main, diagnosis)),
    ...labelledLines(page, 'Ruled out', ruledOutLines(lookAlikes)),
    ...fewGaps(page, diagnosis),
    ...traceLines(page, diagnosis),
    ...otherCauseLines(page, others, diagnosis.triage.errors),
    ...timelineLines(page, diagnosis),
    ...checklistLines(page, diagnosis),
    ...consideredLines(page, diagnosis),
    ...manyGaps(page, diagnosis),
    ...closingLines(page, diagnosis, main),
  ].join('\n')}\n`;
};
