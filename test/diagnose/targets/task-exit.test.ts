/** Whether a task stopped at all. */
import { expect, it } from 'vitest';
import { taskExit } from '../../../src/diagnose/targets/task-exit.ts';

const TASK = 'arn:aws:ecs:eu-west-1:123456789012:task/main/8f3c';

it.each([
  ['one that runs', { lastStatus: 'RUNNING' }, null],
  ['one that runs, with an empty reason', { lastStatus: 'RUNNING', stoppedReason: '' }, null],
  ['one that stopped without a reason', { lastStatus: 'STOPPED', stoppedReason: '' }, 'unknown'],
  ['one that is stopping', { lastStatus: 'DEACTIVATING', stopCode: 'UserInitiated' }, 'stopped'],
])('%s', (_, task, kind) => {
  expect(taskExit({ taskArn: TASK, ...task })?.kind ?? null).toBe(kind);
});
