import { expect, it } from 'vitest';
import { renderCauseTable, renderCheckTable } from '../../src/render/documentation-tables.ts';

const reference =
  'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html';

it('has a row for each check, by step', () => {
  const table = renderCheckTable([
    { id: 'health', step: 6, question: 'Were the targets healthy?', reference },
    { id: 'made-by', step: 1, question: 'By the load balancer | or by the target?', reference },
    { id: 'logging', step: 1, question: 'Is logging on?', reference },
  ]);
  expect(table).toBe(
    [
      '| Step | Check | Question |',
      '| - | - | - |',
      `| 1 Access log: who failed, and how | [made-by](${reference}) | By the load balancer \\| or by the target? |`,
      `| 1 Access log: who failed, and how | [logging](${reference}) | Is logging on? |`,
      `| 6 Targets, deployments, capacity | [health](${reference}) | Were the targets healthy? |`,
      '',
    ].join('\n'),
  );
});

it('has a row for each cause, in order', () => {
  const explanation = 'The target closes an idle connection while a request is on its way.';
  expect(renderCauseTable([{ id: 'keep-alive-race', title: 'Keep-alive race', explanation, reference }])).toBe(
    `| Cause | What it is |\n| - | - |\n| [Keep-alive race](${reference}) \`keep-alive-race\` | ${explanation} |\n`,
  );
});
