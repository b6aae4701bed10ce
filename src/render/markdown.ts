/** The diagnosis as Markdown, for a post-mortem: everything the terminal shows, plus the calls to repeat by hand. */

import type {
  CauseResult,
  CheckFinding,
  ChecklistStep,
  CheckOutcome,
  Diagnosis,
  Fact,
  Gap,
  Stopgap,
} from '../diagnose/diagnosis.ts';
import { number, outOf, percent, plural, sentenceCase } from '../format/wording.ts';
import { escapeDiagnosis } from './escape-diagnosis.ts';
import { completenessSentence, costAndEstimate, provisionalSentence, readingWords } from './log-and-cost.ts';
import { outlineOf, type Section } from './outline.ts';
import {
  ADD_TRACES,
  causeTitle,
  dateOf,
  factsWords,
  formatSeconds,
  GAPS,
  keepAliveSentence,
  knownLabel,
  mergeFindings,
  OUTCOME_MARK,
  OUTCOME_WORD,
  ruledOutLines,
  SIGNATURE_MEANING,
  settingsIntroduction,
  TRACE_ANSWERS,
  timeOfDay,
  windowSpan,
} from './phrases.ts';
import { sourcesOf } from './sources.ts';
import { buildTimeline } from './timeline.ts';
import { leadTitle, titleLine } from './verdict-words.ts';

/** Maximum rows of the timeline table; neighbouring minutes are merged. */
const MAX_ROWS = 60;

/**
 * Escapes prose so that nothing is markup: no table cell ends, nothing is HTML, a link, a mention or a reference.
 * GitHub finds mentions after it removes backslashes, so an empty comment splits those.
 */
export const markdownText = (text: string): string =>
  text
    .replace(/[\\`*[\]|~]/g, '\\$&')
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\_')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/\b(https?|ftp):\/\//gi, '$1:\\//')
    .replace(/\b(www)\./gi, '$1\\.')
    .replace(/[@#](?=\S)/g, '$&<!-- -->')
    .replace(/^(\s*)([-+#])(?=\s|$)/, '$1\\$2')
    .replace(/^(\s*\d+)([.)])(?=\s|$)/, '$1\\$2');

/** Text to copy, in a fence that none of its lines can close. */
const codeFence = (text: string): string[] => {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return [fence, ...text.split('\n'), fence, ''];
};

const bulletList = (sentences: readonly string[]): string[] =>
  sentences.length === 0 ? [] : [...sentences.map((sentence) => `- ${sentence}`), ''];

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  `| ${head.join(' | ')} |`,
  `| ${head.map(() => '-').join(' | ')} |`,
  ...rows.map((cells) => `| ${cells.join(' | ')} |`),
  '',
];

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`## ${title}`, '', ...lines];

const documentation = (reference: string): string[] =>
  /^https:\/\/[\w./#?=&%-]+$/.test(reference) ? [`[AWS documentation](${reference})`, ''] : [];

const countOrUnknown = (value: number | null): string => (value === null ? 'not known' : number(value));
const timeOrDash = (iso: string | null): string => (iso === null ? '–' : `${dateOf(iso)} ${timeOfDay(iso)} UTC`);

const errorRows = ({ ongoing, failingAtEnd = null, ...triage }: Diagnosis['triage'], { now }: Diagnosis['asked']) => {
  const yesOrNo = (isSo: boolean): string => (isSo ? 'yes' : 'no');
  const failing =
    ongoing === null && failingAtEnd !== null
      ? ['Failing at the end of the log', yesOrNo(failingAtEnd)]
      : ['Still failing', ongoing === null ? 'not known' : `${yesOrNo(ongoing)}, at ${timeOrDash(now)}`];
  return [
    ['First error', timeOrDash(triage.firstError)],
    ['Last error', timeOrDash(triage.lastError)],
    failing,
    ['Clients', countOrUnknown(triage.clients)],
    [
      'Succeeded on retry',
      triage.retriedOk === null || triage.errors === null ? 'not known' : outOf(triage.retriedOk, triage.errors),
    ],
  ];
};

const impactLines = (diagnosis: Diagnosis): string[] => {
  const { triage, window, asked } = diagnosis;
  const statuses = Object.entries(triage.byStatus).map(([status, amount]) => `${number(amount)} × ${status}`);
  const errors = [
    countOrUnknown(triage.errors),
    triage.errorRate === null ? '' : ` (${percent(triage.errorRate)})`,
    statuses.length === 0 ? '' : `: ${statuses.join(', ')}`,
  ];
  return [
    ...table(
      ['Impact', ''],
      [
        ['Window', windowSpan(window.from, window.to)],
        ['Requests', countOrUnknown(triage.requests)],
        ['Errors', errors.join('')],
        ...(triage.errors === 0 ? [] : errorRows(triage, asked)),
        ['Closed by the client (460)', number(triage.clientClosed)],
        ['Log', completenessSentence(diagnosis)],
      ],
    ),
    ...(triage.routes.length === 0
      ? []
      : table(
          ['Route', 'Errors', 'Requests', 'Share'],
          triage.routes.map(({ route, errors, requests }) => [
            route,
            number(errors),
            number(requests),
            requests === 0 ? '–' : percent(errors / requests),
          ]),
        )),
  ];
};

const timelineTable = (diagnosis: Diagnosis): string[] => {
  const barTimeline = buildTimeline(diagnosis.timeline, MAX_ROWS);
  const signatures = barTimeline?.rows.filter(({ label }) => label !== 'requests') ?? [];
  if (barTimeline === null || signatures.length === 0) return [];
  return [
    ...table(
      ['From (UTC)', ...barTimeline.rows.map(({ label }) => label)],
      [
        ...barTimeline.starts.map((start, index) => [
          timeOfDay(start),
          ...barTimeline.rows.map(({ values }) => number(values[index] ?? 0)),
        ]),
        ['**total**', ...barTimeline.rows.map(({ total }) => `**${number(total)}**`)],
      ],
    ),
    ...bulletList(
      signatures.map(({ label }) => (label === 'requests' ? label : `\`${label}\`: ${SIGNATURE_MEANING[label]}`)),
    ),
  ];
};

const evidenceLines = (cause: CauseResult): string[] => [
  ...labelledList('For', cause.for),
  ...labelledList('Against', cause.against),
  ...(cause.missing.length > 0 ? labelledList('Missing evidence', cause.missing) : []),
];

const labelledList = (label: string, sentences: readonly string[]): string[] =>
  sentences.length === 0 ? [`**${label}:** nothing`, ''] : [`**${label}**`, '', ...bulletList(sentences)];

const fixLines = ({ fix, reference }: CauseResult, label: string): string[] => {
  const notes = [...(fix.notes ?? []), ...fix.sideEffects];
  return [
    `**${label}** ${fix.summary}`,
    '',
    ...settingsIntroduction(fix).flatMap((text) => [text, '']),
    ...(fix.settings?.length ? codeFence(fix.settings.join('\n')) : []),
    ...(fix.commands.length > 0 ? codeFence(fix.commands.join('\n')) : []),
    ...(notes.length > 0 ? ['**Note**', '', ...bulletList(notes)] : []),
    ...stopgapLines(fix.stopgap),
    ...documentation(reference),
  ];
};

const stopgapLines = (stopgap: Stopgap | undefined): string[] =>
  stopgap === undefined
    ? []
    : [
        `**Stopgap:** ${stopgap.summary}`,
        '',
        ...codeFence(stopgap.commands.join('\n')),
        ...bulletList([...stopgap.sideEffects, `Undo: ${stopgap.undo}`]),
      ];

const causeLines = (cause: CauseResult): string[] =>
  cause.standing === 'possible'
    ? [...evidenceLines(cause), ...fixLines(cause, 'If so:')]
    : [...fixLines(cause, 'Fix:'), ...evidenceLines(cause)];

const keepAliveLines = (diagnosis: Diagnosis): string[] => {
  const sentence = keepAliveSentence(diagnosis);
  const runtimes = diagnosis.keepAlive?.runtimes ?? [];
  if (sentence === null) return [];
  return [
    `${sentence}.${runtimes.length > 0 ? ` ${formatSeconds(diagnosis.keepAlive?.measuredSeconds ?? 0)} is the default of ${runtimes.join(', ')}.` : ''}`,
    '',
  ];
};

const traceLines = (traces: NonNullable<Diagnosis['traces']>): string[] => [
  ...codeFence(traces.ids.join('\n')),
  ...bulletList([...TRACE_ANSWERS.map(({ label, answer }) => `${label}: ${traces.meaning[answer]}`)]),
  'In a shell:',
  '',
  ...codeFence(traces.grep),
  'In CloudWatch Logs Insights:',
  '',
  ...codeFence(traces.logsInsights),
  ...(traces.logFormat.length > 0 ? [`${ADD_TRACES}:`, '', ...traces.logFormat.flatMap(codeFence)] : []),
];

const factList = (facts: readonly Fact[]): string => (facts.length === 0 ? '' : ` (${factsWords(facts)})`);

const findingLines = ({ outcome, summary, facts, why, fix, reference }: CheckFinding): string[] => [
  `- ${OUTCOME_MARK[outcome]} ${summary}${factList(facts)}`,
  ...(outcome === 'fail' ? [`  - Why it matters: ${why}`] : []),
  ...(outcome === 'fail' && fix !== null ? [`  - Fix: ${fix}`] : []),
  ...(outcome === 'fail'
    ? documentation(reference)
        .filter(Boolean)
        .map((line) => `  - ${line}`)
    : []),
];

const checklistLines = (steps: readonly ChecklistStep[]): string[] => [
  `${(Object.keys(OUTCOME_MARK) as CheckOutcome[]).map((key) => `${OUTCOME_MARK[key]} ${OUTCOME_WORD[key]}`).join(', ')}`,
  '',
  ...steps.flatMap(({ step, title, outcome, findings }) => [
    `### ${OUTCOME_MARK[outcome]} ${step} ${title}`,
    '',
    ...mergeFindings(findings).flatMap(findingLines),
    '',
  ]),
];

const gapLines = (gaps: readonly Gap[]): string[] => [
  ...gaps.flatMap(({ sentence, iamStatement }) => [
    `- ${sentence}`,
    ...(iamStatement === null ? [] : ['', 'Allow it with', '', ...codeFence(iamStatement)]),
  ]),
  '',
];

/** Every call and query once, under the steps that use it. */
const sourceLines = (diagnosis: Diagnosis): string[] =>
  [...Map.groupBy(sourcesOf(diagnosis), ({ use }) => use)].flatMap(([use, own]) => [
    `${use}:`,
    '',
    ...own.flatMap(({ source }) => codeFence(source)),
  ]);

/** The lines of a section; the fix, and facts from the document's first lines, are with the cause. */
function sectionLines(part: Section, diagnosis: Diagnosis): string[] {
  const { verdict, traces, triage } = diagnosis;
  switch (part.kind) {
    case 'in-front':
      return section(part.finding.brief ?? 'Made in front of the load balancer', [
        ...(part.finding.fix === null ? [] : [`**Fix:** ${part.finding.fix}`, '']),
        ...(part.finding.settings ?? []).flatMap(codeFence),
      ]);
    case 'cause':
      return section(leadTitle(diagnosis, part.cause), causeLines(part.cause));
    case 'event':
      // The verdict above starts with the sentence.
      return part.revert === null ? [] : section('To take the change back', codeFence(part.revert));
    case 'between':
      return section(
        part.causes.length > 1 ? 'Undecided between' : 'Possible',
        part.causes.flatMap((cause) => [`### ${causeTitle(cause, triage.errors)}`, '', ...causeLines(cause)]),
      );
    case 'known':
      return section(knownLabel(diagnosis), bulletList(part.sentences.filter((one) => one !== verdict.summary)));
    case 'next-step':
      return traces === null ? section('Next step', [part.sentence, '']) : [];
    case 'settles-rest':
      return section('Next step for the undecided errors', [part.sentence, '']);
    case 'traces':
      return section("Next step: look in the application's log for", traceLines(part.traces));
    case 'also':
      return section(
        'Also',
        bulletList(part.parts.map(({ words, errors }) => `${sentenceCase(words)}: ${plural(errors, 'error')}`)),
      );
    case 'beside':
      return section('Beside these errors', bulletList(part.sentences.map(sentenceCase)));
    case 'faults':
      return section('Also found', bulletList(part.findings.map(({ summary }) => summary)));
    case 'ruled-out':
      return section('Ruled out', bulletList(ruledOutLines(part.causes)));
    case 'unchecked':
      return section(GAPS, gapLines(part.gaps));
    case 'other-causes':
      return part.causes.flatMap((cause) => section(causeTitle(cause, triage.errors), causeLines(cause)));
    case 'timeline':
      return [
        ...section('Timeline', timelineTable(diagnosis)),
        ...section('Keep-alive, measured', keepAliveLines(diagnosis)),
      ];
    case 'checklist':
      return section('Checklist', checklistLines(part.steps));
    case 'considered':
      return section('Other causes considered', [
        ...bulletList([
          ...ruledOutLines(part.ruledOut).map((line) => `Ruled out: ${line}`),
          ...part.untested.map((cause) => `Untested: ${cause.title}: ${cause.missing.join('; ')}`),
        ]),
      ]);
    case 'fix':
    case 'why':
    case 'impact':
      return [];
  }
}

/** Renders a document that starts with what happened and ends with the cost of the diagnosis; ends in a newline. */
export const renderMarkdown = (rawDiagnosis: Diagnosis): string => {
  const diagnosis = escapeDiagnosis(rawDiagnosis, markdownText);
  const provisional = provisionalSentence(diagnosis);
  const reading = readingWords(diagnosis);
  const lines = [
    `# ${titleLine(diagnosis)}`,
    '',
    `**${diagnosis.verdict.summary.trim()}**`,
    '',
    diagnosis.triage.summary,
    '',
    ...(provisional === null ? [] : [provisional, '']),
    ...impactLines(diagnosis),
    ...outlineOf(diagnosis).flatMap((part) => sectionLines(part, diagnosis)),
    ...section('Verify by hand', sourceLines(diagnosis)),
    ...section('Cost', [...(reading === null ? [] : [`Read ${reading}.`, '']), costAndEstimate(diagnosis)]),
  ];
  return `${lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()}\n`;
};
