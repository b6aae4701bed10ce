/** A bot that runs for months: what an alarm leaves in memory. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { envelope, snsAlarm } from '../support/alarms/messages.ts';
import { clockAt, instantInvestigator, memoryStore, startProcess } from '../support/alarms/process.ts';
import { fakePoster } from '../support/slack/recording-poster.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** KiB. */
async function heap(): Promise<number> {
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return process.memoryUsage().heapUsed / 1024;
}

it('frees the memory of a completed alarm', async () => {
  const at = Date.parse('2026-11-20T02:44:00.000Z');
  const investigator = await instantInvestigator();
  const parts = { store: memoryStore(), poster: fakePoster(), investigator, clock: clockAt(at), owner: 'one' };
  const { alarms, logged } = startProcess(parts);
  const { Trigger, ...other } = snsAlarm({ at });
  const elsewhere = envelope({ ...other, Trigger: { ...Trigger, Namespace: 'AWS/EC2', Dimensions: [] } });
  const told = async (count: number): Promise<number> => {
    for (let number = 0; number < count; number++) await alarms.handle(elsewhere);
    logged.length = 0;
    return heap();
  };
  // What is made once is made by then.
  const before = await told(2000);
  expect((await told(10_000)) - before).toBeLessThan(1024);
});
