/** Whether failing targets share a revision, service or zone more often than by chance. */
import { expect, it } from 'vitest';
import { ownerConcentrations } from '../../../src/diagnose/patterns/owner-concentration.ts';
import { targetOwners } from '../../../src/diagnose/targets/target-owners.ts';
import { readTraffic } from '../../../src/diagnose/traffic.ts';
import { failed, logOf, question, target } from '../../support/traffic/traffic-builder.ts';

const address = (index: number): string => `10.0.1.${index + 1}`;

/** `count` targets, of which the first `fresh` run revision 48 and the rest 47; those of `failing` have ten errors each. */
function found(count: number, fresh: number, failing: readonly number[]) {
  const indices = Array.from({ length: count }, (_, index) => index);
  const tasks = indices.map((index) => ({
    taskArn: `arn:aws:ecs:eu-west-1:123456789012:task/main/task${index}`,
    taskDefinitionArn: `arn:aws:ecs:eu-west-1:123456789012:task-definition/feed-api:${index < fresh ? 48 : 47}`,
    group: 'service:feed-api',
    startedAt: '2026-11-20T01:00:00Z',
    attachments: [{ details: [{ name: 'privateIPv4Address', value: address(index) }] }],
  }));
  const errors = failing.flatMap((index) =>
    Array.from({ length: 10 }, (_, at) =>
      failed('closed-before-response', 60 + at * 20 + index, { target: `${address(index)}:8080` }),
    ),
  );
  const log = logOf(errors, {
    targets: indices.map((index) => target(`${address(index)}:8080`, { failures: failing.includes(index) ? 10 : 0 })),
  });
  return ownerConcentrations(readTraffic(log, question, () => null, targetOwners({ tasks })));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

it.each([
  ['all of a new revision fail and nothing else', 20, 5, upTo(5), ['revision feed-api:48: 5 of 5, 5 of 20']],
  ['most that fail are of the new revision', 40, 8, [...upTo(8), 30], ['revision feed-api:48: 8 of 9, 8 of 40']],
  ['two of four targets are new and fail, which chance may give', 4, 2, upTo(2), []],
  ['targets of both revisions fail alike', 20, 10, [0, 5, 9, 10, 14, 19], []],
  ['every target fails', 20, 5, upTo(20), []],
  ['all have one revision', 20, 20, upTo(5), []],
])('%s', (_, count, fresh, failing, expected) => {
  const told = found(count, fresh, failing).map(
    (one) => `${one.dimension} ${one.name}: ${one.failingWithIt} of ${one.failing}, ${one.withIt} of ${one.targets}`,
  );
  expect(told).toEqual(expected);
});
