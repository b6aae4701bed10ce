/** "Mute" in the thread of an alarm, in the whole bot with its queue. */
import { afterEach, expect, it, vi } from 'vitest';
import { event } from '../../support/alarms/messages.ts';
import { type AlarmBot, rootsOf, SHOP, startAlarmBot } from '../../support/alarms/whole-bot-with-queue.ts';

const REGION = 'eu-west-1';
const BEGUN = Date.parse('2026-11-18T02:45:00Z');
const HOUR = 3_600_000;

afterEach(() => {
  vi.unstubAllEnvs();
});

const send = ({ aws }: AlarmBot, at: number, state: 'ALARM' | 'OK' = 'ALARM') =>
  aws.sendMessage('alarms', JSON.stringify(event({ at, loadBalancer: SHOP, state })), { region: REGION });

it('mutes the load balancer, names the person, and can be undone by anyone', async () => {
  const whole = await startAlarmBot();
  const { slack } = whole;
  send(whole, BEGUN);
  await slack.until(() => slack.whatIsShown('shop').includes('Mute'), 'an answered thread');
  const [root] = rootsOf(slack, 'shop');
  if (root === undefined) throw new Error('no root message');
  const said = (words: string) =>
    slack.until(() => slack.thread('shop', root.ts).find(({ text }) => text.includes(words)), words);

  // While it is asked again, the message has no buttons.
  const press = async (label: string, by: string): Promise<void> => {
    const current = await slack.until(
      () => rootsOf(slack, 'shop').find(({ ts, blocks }) => ts === root.ts && JSON.stringify(blocks).includes(label)),
      label,
    );
    await slack.press(current, label, by);
  };

  await press('Mute this load balancer', 'ada');
  const muted = await said('Muted all alarms on shop-prod until');
  expect(muted.text).toMatch(
    /^Muted all alarms on shop-prod until \d{4}-\d\d-\d\d \d\d:\d\d UTC: no new thread until then\.$/m,
  );

  const rootText = () => rootsOf(slack, 'shop').find(({ ts }) => ts === root.ts)?.text ?? '';
  await slack.until(() => /<@U0ADA> muted all alarms on shop-prod until/.test(rootText()), 'the root that says so');
  await slack.openHome('ben');
  const home = await slack.until(() => slack.home('ben'), 'a home');
  expect(JSON.stringify(home.content)).toMatch(/all alarms on shop-prod · muted by .*U0ADA.* until \d{4}-/);

  send(whole, BEGUN + HOUR, 'OK');
  send(whole, BEGUN + 3 * HOUR);
  await slack.until(() => whole.log.some(({ msg }) => msg === 'no thread: muted'), 'an alarm that waits');
  expect(rootsOf(slack, 'shop')).toHaveLength(1);

  await press('Unmute', 'ben');
  await said('Unmuted shop-prod: alarms open threads again.');
  await slack.until(() => !rootText().includes('muted'), 'the root without it');
  await slack.until(() => rootsOf(slack, 'shop').length === 2, 'the thread of what still fires');
  await press('Unmute', 'ada');
  const told = await slack.until(() => slack.privateOf('ada').at(-1) ?? null, 'an answer');
  expect(told.text).toContain('Nothing of this thread is muted.');
});

it('undone for one alarm stays on for the other alarms of the load balancer', async () => {
  const whole = await startAlarmBot();
  const { slack, aws } = whole;
  const rootText = (index: number) => rootsOf(slack, 'shop')[index]?.text ?? '';
  const alarm = (name: string, at: number, state: 'ALARM' | 'OK') =>
    aws.sendMessage('alarms', JSON.stringify(event({ name, at, loadBalancer: SHOP, state })), { region: REGION });
  const press = async (index: number, label: string): Promise<void> => {
    const root = await slack.until(() => {
      const message = rootsOf(slack, 'shop')[index];
      return JSON.stringify(message?.blocks ?? []).includes(label) ? message : null;
    }, label);
    await slack.press(root, label, 'ada');
  };

  for (const [index, name] of ['shop-502', 'shop-504'].entries()) {
    const begun = BEGUN + index * 0.75 * HOUR;
    alarm(name, begun, 'ALARM');
    await press(index, 'Mute only these alarms');
    await slack.until(() => rootText(index).includes('muted these alarms until'), `${name} muted`);
    alarm(name, begun + 0.1 * HOUR, 'OK');
  }
  await press(0, 'Unmute');
  await slack.until(() => !rootText(0).includes('muted'), 'the first root without it');
  const first = rootsOf(slack, 'shop')[0]?.ts ?? '';
  await slack.until(() => slack.thread('shop', first).some(({ text }) => text.includes('Unmuted shop-502')), 'a reply');
  expect(rootText(1)).toContain('muted these alarms until');
});
