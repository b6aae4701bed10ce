/** The checklist: one line per step and finding; a fault adds its numbers and the fix. */
import type { CheckFinding, ChecklistStep, CheckOutcome } from '../diagnose/diagnosis.ts';
import { factsWords, mergeFindings, OUTCOME_MARK, OUTCOME_WORD } from './phrases.ts';
import { headingLines, type Page, wrap } from './terminal-page.ts';

const paintMark = (page: Page, outcome: CheckOutcome): string => {
  const paint = {
    pass: page.paint.green,
    fail: page.paint.red,
    unknown: page.paint.yellow,
    'not-applicable': page.paint.dim,
  };
  return paint[outcome](OUTCOME_MARK[outcome]);
};

/** One finding; a failed one adds its numbers and the fix. */
const findingLines = (page: Page, { outcome, summary, facts, fix }: CheckFinding): string[] => {
  const [start = '', ...others] = wrap(summary, page.width, '      ');
  const detail = outcome === 'fail' ? factsWords(facts) : '';
  return [
    `    ${paintMark(page, outcome)} ${start.trimStart()}`,
    ...others,
    ...(detail === '' ? [] : wrap(detail, page.width, '      ').map(page.paint.dim)),
    ...(outcome === 'fail' && fix !== null ? wrap(fix, page.width, '      → ', '        ') : []),
  ];
};

const stepLines = (page: Page, { step, title, outcome, findings }: ChecklistStep): string[] => [
  `${paintMark(page, outcome)} ${page.paint.bold(`${step} ${title}`)}`,
  ...mergeFindings(findings).flatMap((finding) => findingLines(page, finding)),
];

export const checklistLines = (page: Page, steps: readonly ChecklistStep[]): string[] => {
  const present = new Set(steps.flatMap((step) => [step.outcome, ...step.findings.map(({ outcome }) => outcome)]));
  const legend = (Object.keys(OUTCOME_MARK) as CheckOutcome[])
    .filter((outcome) => present.has(outcome))
    .map((outcome) => `${OUTCOME_MARK[outcome]} ${OUTCOME_WORD[outcome]}`)
    .join('  ');
  return [
    ...headingLines(page, 'Checklist'),
    ...wrap(legend, page.width).map(page.paint.dim),
    ...steps.flatMap((step) => stepLines(page, step)),
  ];
};
