/** A local Slack for one test: closed when the test is over, which fails when anything was sent that Slack would refuse. */
import { expect, onTestFinished } from 'vitest';
import { type LocalSlack, type Options, openLocalSlack } from './local-slack.ts';

/** `mayRefuse`: the test is about refusals, and looks at them itself. It has more patience than Slack: the machine may be busy with other tests. */
export async function localSlack({
  mayRefuse = false,
  ...options
}: Options & { mayRefuse?: boolean } = {}): Promise<LocalSlack> {
  const slack = await openLocalSlack({ ackWithin: 20_000, triggersLast: 20_000, ...options });
  onTestFinished(async () => {
    await slack.close();
    if (!mayRefuse) expect(slack.refusals, 'what Slack would refuse').toEqual([]);
  });
  return slack;
}
