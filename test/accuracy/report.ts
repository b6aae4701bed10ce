/** The score as Markdown: a table by family, and what is not as it should be below it. */
import { OUTCOMES, type Outcome } from './outcome.ts';
import type { ScoredIncident } from './run.ts';

export function reportOf(scored: ScoredIncident[]): string {
  const below = explanations(scored);
  return [tableOf(scored), ...(below.length > 0 ? ['', ...below] : [])].join('\n');
}

export function tableOf(scored: ScoredIncident[]): string {
  const titles = [...new Set(scored.map(({ family }) => family))];
  const rows = titles.map((title) =>
    rowOf(
      title,
      scored.filter(({ family }) => family === title),
    ),
  );
  return [
    `| Family | Incidents | ${OUTCOMES.map(title).join(' | ')} |`,
    `| - | - | ${OUTCOMES.map(() => '-').join(' | ')} |`,
    ...rows,
    rowOf('**all**', scored),
  ].join('\n');
}

const title = (outcome: Outcome) =>
  outcome
    .replace('undecided rightly', 'undecided where it should be')
    .replace('undecided needlessly', 'undecided where it need not be');

const rowOf = (title: string, scored: ScoredIncident[]) =>
  `| ${title} | ${scored.length} | ${OUTCOMES.map((outcome) => scored.filter((one) => one.outcome === outcome).length).join(' | ')} |`;

/** Each incident that is wrong or open without need: what was expected, what came, why. */
export function explanations(scored: ScoredIncident[]): string[] {
  return OUTCOMES.toReversed()
    .filter((outcome) => outcome === 'wrong' || outcome === 'undecided needlessly')
    .flatMap((outcome) =>
      scored
        .filter((one) => one.outcome === outcome)
        .map(
          ({ family, name, remarks, expected, shortfall }) =>
            `- ${title(outcome)}: ${family}, *${name}*. ${expected.why} Came: ${remarks.join('; ')}.${shortfall === undefined ? '' : ` ${shortfall}`}`,
        ),
    );
}
