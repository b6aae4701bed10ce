/** The score as Markdown: a table by family, and what is not as it should be below it. */
import { OUTCOMES, type Outcome } from './outcome.ts';
import type { ScoredIncident } from './run.ts';

export function reportOf(scored: ScoredIncident[]): string {
  const below = explanations(scored);
  return [tableOf(scored), ...(below.length > 0 ? ['', ...below] : [])].join('\n');
}

/** docs/accuracy.md. */
export const accuracyPage = (scored: ScoredIncident[]): string => `# Accuracy

Incidents whose cause is known because they were made, each diagnosed as the command does it. Every one is judged a second time with
ordinary noise beside it (500s of the application on one route, 404s, clients that give up, slow reports): the verdict must not change.
This page is written by \`npx vitest run test/accuracy/accuracy.test.ts --update=all\`; \`npm run score\` prints the table. Incidents from
public reports and older captures are in [known-incidents.md](known-incidents.md).

The captures of real servers were not made by the simulator. The lab (\`npm run lab\`) runs servers with their own defaults behind a proxy
that behaves like the load balancer ([assumptions.md](assumptions.md)), and records the cause of each failed request from the wire and
from the application.

- **right**: the verdict is the true cause with its true share, everything counted is exact, nothing untrue is claimed or ruled out.
- **undecided where it should be**: the evidence cannot tell, and the verdict names the causes between which it stays open.
- **undecided where it need not be**: the evidence would tell; below the table is why it is left open.
- **wrong**: a false count, claim or rule-out.
- **first lines would end it**: the verdict is the true cause or leads with its event, its sentence names the target, target group,
  route, function, rule or security group, and the cause has a fix.

${reportOf(scored)}
`;

function tableOf(scored: ScoredIncident[]): string {
  const titles = [...new Set(scored.map(({ family }) => family))];
  const rows = titles.map((title) =>
    rowOf(
      title,
      scored.filter(({ family }) => family === title),
    ),
  );
  return [
    `| Family | Incidents | ${OUTCOMES.map(title).join(' | ')} | first lines would end it |`,
    `| - | - | ${OUTCOMES.map(() => '-').join(' | ')} | - |`,
    ...rows,
    rowOf('**all**', scored),
  ].join('\n');
}

const title = (outcome: Outcome) =>
  outcome
    .replace('undecided rightly', 'undecided where it should be')
    .replace('undecided needlessly', 'undecided where it need not be');

function rowOf(family: string, scored: ScoredIncident[]): string {
  const counts = OUTCOMES.map((outcome) => scored.filter((one) => one.outcome === outcome).length);
  const endable = scored.filter(({ ended }) => ended !== null);
  const ended = endable.length === 0 ? '–' : `${endable.filter(({ ended: yes }) => yes).length} of ${endable.length}`;
  return `| ${family} | ${scored.length} | ${counts.join(' | ')} | ${ended} |`;
}

/** Each incident that is wrong or open without need: what was expected, what came, why. */
function explanations(scored: ScoredIncident[]): string[] {
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
