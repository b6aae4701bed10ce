/** The diagnosis as a person reads it in a terminal: the verdict first, then what supports it, then everything that was looked at. */
import picocolors from 'picocolors';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import type { Diagnosis, Finding, JudgedCause, Outcome, Step } from '../diagnose/diagnosis.ts';
import { visibleDiagnosis } from '../format/escape-control-characters.ts';
import { number } from '../format/wording.ts';
import {
  causeTitle,
  clock,
  completenessSentence,
  costAndEstimate,
  duration,
  explained,
  factValue,
  headline,
  OUTCOME_MARK,
  OUTCOME_WORD,
  provisionalSentence,
  readingWords,
  ruledOutLines,
  SIGNATURE_MEANING,
  sortCauses,
  unsaid,
} from './phrases.ts';
import { type Timeline, type TimelineRow, timeline } from './timeline.ts';

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

/** Width of the column that holds "For", "Ruled out", "Not seen". */
const LABEL = 11;
const NARROWEST = 72;
const WIDEST = 100;
const MOST_BARS = 30;
const MOST_TRACES = 5;
const FEW_GAPS = 4;

/** A number stays with its unit: "60" and "s" never end up on two lines. */
const NUMBER_AND_UNIT = /(\d) (?=(?:s|ms|min|%|[kMGT]?B|UTC)(?![\p{L}\d]))/gu;
const KEPT = '\u00a0';

/** A count stays with what it counts: "13 × 502". */
const COUNT_OF = /(\d) × /g;

/** A command of the AWS CLI in a sentence: its options, each with a value and more of the form Key=Value. */
const COMMAND = /\baws [a-z0-9-]+ [a-z0-9-]+(?: --[a-z0-9-]+(?: [^\s,;-][^\s;]*(?: [^\s=,;]+=[^\s;]*)*)?)+/g;

/** Names that are copied: ARNs, places in S3 and log files. Longer than any of them is something else. */
const COPIED = /(?:^|[\s("'`])(?:arn:aws[a-z-]*:|s3:\/\/|(?:[\w!.*'()-]+\/){0,9}AWSLogs\/)\S{1,500}(?:\s|$)/;

/**
 * Lines of at most `width` columns; the first starts with `first`, the others with `rest`. What is copied is not broken, and has a line of
 * its own where it is too long.
 */
const wrap = (text: string, width: number, first = '', rest = first): string[] => {
  const room = Math.max(16, width - Math.max(stringWidth(first), stringWidth(rest)));
  const kept = text
    .replace(NUMBER_AND_UNIT, `$1${KEPT}`)
    .replace(COUNT_OF, `$1${KEPT}×${KEPT}`)
    .replace(COMMAND, (command) => command.replaceAll(' ', KEPT));
  const isCopied = (words: string): boolean => COPIED.test(words) || words.includes(`aws${KEPT}`);
  const broken = (words: string): string[] => wrapAnsi(words, room, { hard: true }).split('\n');
  const lines = isCopied(kept)
    ? wrapAnsi(kept, room, { hard: false })
        .split('\n')
        .flatMap((line) => (isCopied(line) ? [line] : broken(line)))
    : broken(kept);
  return lines.map((line, index) => `${index === 0 ? first : rest}${line.replaceAll(KEPT, ' ')}`.trimEnd());
};

/** A label in its column and its sentences beside it, each with a hanging indent. */
const labelled = (page: Page, label: string, sentences: readonly string[], indent = ''): string[] =>
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
const continued = (command: string, width: number): string =>
  /^aws [^'"\n\\]+$/.test(command) && command.length > width ? command.replace(/ (?=--)/g, ' \\\n  ') : command;

const heading = (page: Page, text: string, aside = ''): string[] => {
  const lines = wrap(aside === '' ? text : `${text}  ${aside}`, page.width);
  return ['', ...lines.map(page.paint.bold)];
};

const fixLines = (page: Page, { fix }: JudgedCause, indent = ''): string[] => [
  ...labelled(page, 'Fix', [fix.summary], indent),
  ...fix.commands.flatMap((command) => verbatim(continued(command, page.width - 8), `${indent}    `)),
  ...(fix.sideEffects.length > 0 ? labelled(page, 'Note', fix.sideEffects, indent) : []),
];

const evidenceLines = (page: Page, cause: JudgedCause, indent = ''): string[] => [
  ...labelled(page, 'For', cause.for.length > 0 ? cause.for : ['–'], indent),
  ...labelled(page, 'Against', cause.against.length > 0 ? cause.against : ['–'], indent),
  ...labelled(page, 'Unknown', cause.missing, indent),
];

/** Headline, verdict and triage: what a person must know when nothing else is read. */
const top = (page: Page, diagnosis: Diagnosis): string[] => {
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
    : labelled(page, 'Decide by', [verdict.decidedBy]);

/** The cause that was found, with its evidence and its fix. */
const found = (page: Page, cause: JudgedCause, diagnosis: Diagnosis): string[] => {
  const runtimes = cause.id === 'keep-alive-race' ? (diagnosis.keepAlive?.runtimes ?? []) : [];
  return [
    ...heading(page, causeTitle(cause, diagnosis.triage.errors)),
    ...evidenceLines(page, cause),
    ...(runtimes.length > 0 ? labelled(page, 'Runtime', [`${runtimes.join(', ')} by default`]) : []),
    ...fixLines(page, cause),
    ...decideLines(page, diagnosis),
  ];
};

/** What it could be, and what would tell. */
const undecided = (page: Page, diagnosis: Diagnosis, between: readonly JudgedCause[]): string[] => {
  const { verdict, triage } = diagnosis;
  if (between.length === 0 && verdict.decidedBy === null) return [];
  return [
    ...(between.length > 1 ? heading(page, 'What it could be') : between.length > 0 ? heading(page, 'Possible') : ['']),
    ...between.flatMap((cause) => [
      ...wrap(`${cause.title}, could explain ${explained(cause.explains, triage.errors)}`, page.width, '  ', '    '),
      ...evidenceLines(page, cause, '    '),
      ...labelled(page, 'If it is', [cause.fix.summary], '    '),
    ]),
    ...decideLines(page, diagnosis),
  ];
};

/** How to look the errors up in the application's log. */
const traceLines = (page: Page, { traces }: Diagnosis): string[] => {
  if (traces === null) return [];
  const { ids, grep, logsInsights, logFormat, meaning } = traces;
  const more = ids.length - MOST_TRACES;
  const copyable = (label: string, texts: readonly string[]): string[] =>
    texts.length === 0 ? [] : [page.paint.bold(label), ...texts.flatMap((text) => verbatim(text, '    '))];
  return [
    ...heading(page, "What the application's log says decides; look there for"),
    ...ids.slice(0, MOST_TRACES).flatMap((id) => verbatim(id, '    ')),
    ...(more > 0 ? [`    and ${number(more)} more (--json lists them)`] : []),
    ...labelled(page, 'Not there', [meaning.absent]),
    ...labelled(page, 'Started', [meaning.started]),
    ...labelled(page, 'Finished', [meaning.finished]),
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

const barLines = (page: Page, drawn: Timeline, room: number): string[] => {
  const { rows, from, to, barSeconds } = drawn;
  const labels = Math.max(...rows.map(({ label }) => label.length));
  const totals = Math.max(...rows.map(({ total }) => number(total).length));
  const amount = rows[0]?.values.length ?? 1;
  const thick = amount * 2 <= room ? 2 : 1;
  const line = ({ label, total, bars, peak }: TimelineRow): string =>
    `  ${label.padEnd(labels)}  ${number(total).padStart(totals)}  ${bars.replace(/./gu, (bar) => bar.repeat(thick))}` +
    (peak === null ? '' : `  peak ${number(peak.count)} at ${clock(peak.from)}`);
  const ends = `${clock(from)}${' '.repeat(Math.max(1, amount * thick - 16))}${clock(to)}`;
  const each = barSeconds % 60 === 0 ? `${barSeconds / 60} min` : duration(barSeconds);
  return [
    ...heading(page, `Errors over time, UTC, ${each} a bar, each row to its own peak`),
    ...rows.flatMap((row) => [
      line(row),
      ...(row.label === 'requests' ? [] : wrap(SIGNATURE_MEANING[row.label], page.width, '    ').map(page.paint.dim)),
    ]),
    page.paint.dim(`${' '.repeat(labels + totals + 6)}${ends}`),
  ];
};

/** Nothing for a single error: its time is in the triage. */
const chart = (page: Page, diagnosis: Diagnosis): string[] => {
  const whole = timeline(diagnosis.timeline, 1);
  const errors = whole?.rows.reduce((sum, { label, total }) => (label === 'requests' ? sum : sum + total), 0) ?? 0;
  if (whole === null || errors < 2) return [];
  const room = Math.max(8, Math.min(MOST_BARS, roomForBars(page, whole)));
  const drawn = timeline(diagnosis.timeline, room);
  return drawn === null ? [] : barLines(page, drawn, room);
};

const marked = (page: Page, outcome: Outcome): string => {
  const paint = {
    pass: page.paint.green,
    fail: page.paint.red,
    unknown: page.paint.yellow,
    'not-applicable': page.paint.dim,
  };
  return paint[outcome](OUTCOME_MARK[outcome]);
};

/** One finding; a failed one says more: the facts its sentence leaves out, and what to do. */
const findingLines = (page: Page, { outcome, summary, facts, fix }: Finding): string[] => {
  const [start = '', ...others] = wrap(summary, page.width, '      ');
  const detail =
    outcome === 'fail'
      ? unsaid(facts, summary)
          .map((fact) => `${fact.label}: ${factValue(fact)}`)
          .join(' · ')
      : '';
  return [
    `    ${marked(page, outcome)} ${start.trimStart()}`,
    ...others,
    ...(detail === '' ? [] : wrap(detail, page.width, '      ').map(page.paint.dim)),
    ...(outcome === 'fail' && fix !== null ? wrap(fix, page.width, '      → ', '        ') : []),
  ];
};

/** What keeps a whole check from looking. */
const NOT_LOOKED = /^Could not look: /;

/** Checks of which one and the same is to be said are one line, where the first of them stands. */
const joined = (findings: readonly Finding[]): Finding[] =>
  findings.flatMap((finding, index) => {
    const isSame = ({ outcome, summary }: Finding) => outcome === finding.outcome && summary === finding.summary;
    const checks = findings.filter(isSame).length;
    if (checks === 1 || finding.outcome === 'fail') return [finding];
    return findings.findIndex(isSame) < index ? [] : [{ ...finding, summary: counted(finding.summary, checks) }];
  });

const counted = (summary: string, checks: number): string =>
  NOT_LOOKED.test(summary)
    ? summary.replace(NOT_LOOKED, `Could not look (${number(checks)} checks): `)
    : `${summary.replace(/\.$/, '')} (${number(checks)} checks).`;

const stepLines = (page: Page, { step, title, outcome, findings }: Step): string[] => [
  `${marked(page, outcome)} ${page.paint.bold(`${step} ${title}`)}`,
  ...joined(findings).flatMap((finding) => findingLines(page, finding)),
];

const checklist = (page: Page, { steps }: Diagnosis): string[] => {
  const present = new Set(steps.flatMap((step) => [step.outcome, ...step.findings.map(({ outcome }) => outcome)]));
  const legend = (Object.keys(OUTCOME_MARK) as Outcome[])
    .filter((outcome) => present.has(outcome))
    .map((outcome) => `${OUTCOME_MARK[outcome]} ${OUTCOME_WORD[outcome]}`)
    .join('  ');
  return steps.length === 0
    ? []
    : [...heading(page, 'Checklist', `(${legend})`), ...steps.flatMap((step) => stepLines(page, step))];
};

/** The other causes that may have a part in it, each with its own fix. */
const otherCauses = (page: Page, others: readonly JudgedCause[], errors: number | null): string[] =>
  others.flatMap((cause) => [
    ...heading(page, `Also: ${causeTitle(cause, errors)}`),
    ...evidenceLines(page, cause),
    ...(cause.standing === 'possible' ? labelled(page, 'If it is', [cause.fix.summary]) : fixLines(page, cause)),
  ]);

/** Everything else that was considered, one line each, and the rest in one sentence. */
const considered = (page: Page, diagnosis: Diagnosis): string[] => {
  const { alsoRuledOut, notSeen, noError } = sortCauses(diagnosis);
  const lines = [
    ...labelled(page, 'Ruled out', ruledOutLines(alsoRuledOut)),
    ...labelled(
      page,
      'Not judged',
      notSeen.map((cause) => `${cause.title}: ${cause.missing[0]}`),
    ),
    ...(noError.length > 0
      ? labelled(page, 'No error', [`looks like one of the other ${number(noError.length)} causes (--json lists them)`])
      : []),
  ];
  return (diagnosis.triage.errors ?? 0) === 0 ? [] : [...heading(page, 'Other causes considered'), ...lines];
};

/** A policy statement to copy stays on one line of its own. */
const POLICY = /^(.*?)\s*(\{"Effect".*\})$/;

const gapLines = (page: Page, gaps: readonly string[]): string[] =>
  gaps.flatMap((gap, index) => {
    const [, sentence = gap, policy] = POLICY.exec(gap) ?? [];
    return [
      ...labelled(page, index === 0 ? 'Not seen' : '', [sentence]),
      ...(policy === undefined ? [] : verbatim(policy, '    ')),
    ];
  });

/** Near the verdict while they are few; else only how many, and all of them at the end. */
const fewGaps = (page: Page, { gaps }: Diagnosis): string[] =>
  gaps.length > FEW_GAPS
    ? labelled(page, 'Not seen', [`${number(gaps.length)} things could not be looked at; they are listed at the end`])
    : gapLines(page, gaps);

const manyGaps = (page: Page, { gaps }: Diagnosis): string[] =>
  gaps.length > FEW_GAPS ? ['', ...gapLines(page, gaps)] : [];

/** By what the log was read, and why. */
const readingLines = (page: Page, diagnosis: Diagnosis): string[] => {
  const words = readingWords(diagnosis);
  return words === null ? [] : labelled(page, 'Read', [words]);
};

/** The end is what a terminal shows first: how complete, how much, and the verdict once more. */
const closing = (page: Page, diagnosis: Diagnosis, main: JudgedCause | null): string[] => [
  '',
  ...(diagnosis.provisional ? [] : labelled(page, 'Log', [completenessSentence(diagnosis)])),
  ...readingLines(page, diagnosis),
  ...labelled(page, 'Cost', [costAndEstimate(diagnosis)]),
  ...labelled(page, 'Verdict', [
    main === null ? diagnosis.verdict.summary : causeTitle(main, diagnosis.triage.errors),
  ]).map(page.paint.bold),
];

/** A page for the terminal, ending in a newline. Only commands and searches to copy may be wider than `columns`. */
export const renderTerminal = (outside: Diagnosis, { columns, colour }: TerminalOptions): string => {
  const diagnosis = visibleDiagnosis(outside);
  const page: Page = { width: Math.max(NARROWEST, Math.min(WIDEST, columns)), paint: picocolors.createColors(colour) };
  const { main, between, others, lookAlikes } = sortCauses(diagnosis);
  return `${[
    ...top(page, diagnosis),
    ...(main === null ? undecided(page, diagnosis, between) : found(page, main, diagnosis)),
    ...labelled(page, 'Ruled out', ruledOutLines(lookAlikes)),
    ...fewGaps(page, diagnosis),
    ...traceLines(page, diagnosis),
    ...otherCauses(page, others, diagnosis.triage.errors),
    ...chart(page, diagnosis),
    ...checklist(page, diagnosis),
    ...considered(page, diagnosis),
    ...manyGaps(page, diagnosis),
    ...closing(page, diagnosis, main),
  ].join('\n')}\n`;
};
