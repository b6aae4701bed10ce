/** Alarms through SNS and SQS to a thread in Slack, all of it real but the clouds. */
import { SQSClient } from '@aws-sdk/client-sqs';
import { type FauxqsServer, startFauxqs } from 'fauxqs';
import type { Logger } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { MessageOutcome } from '../../src/alarms/message-outcome.ts';
import { openSqs } from '../../src/alarms/sqs.ts';
import { type AlarmFields, event, snsAlarm } from '../support/alarms/messages.ts';
import { type AlarmBot, rootsOf, SHOP, startAlarmBot } from '../support/alarms/whole-bot-with-queue.ts';
import { eventually } from '../support/eventually.ts';

const MINUTE = 60_000;
/** Within the first recorded incident. */
const BEGUN = Date.parse('2026-11-18T02:44:00.000Z');
const REGION = 'eu-west-1';

const publish = ({ aws }: AlarmBot, told: Partial<AlarmFields>) =>
  aws.publish('alarms', JSON.stringify(snsAlarm({ at: Date.now() - 2 * MINUTE, loadBalancer: SHOP, ...told })), {
    region: REGION,
  });
const left = ({ aws }: AlarmBot, queue = 'alarms') => {
  const inspected = aws.inspectQueue(queue);
  if (inspected === undefined) throw new Error(`there is no queue ${queue}`);
  const { messages } = inspected;
  return messages.ready.length + messages.inflight.length + messages.delayed.length;
};
const empty = (whole: AlarmBot) => eventually(() => expect(left(whole)).toBe(0));

describe('an alarm in the queue', () => {
  it('becomes a thread in its channel, and its end a reply; messages are deleted', async () => {
    const whole = await startAlarmBot();
    const { slack } = whole;
    publish(whole, { at: BEGUN });
    await slack.until(() => rootsOf(slack, 'shop').length === 1, 'the thread');
    await empty(whole);
    const [root] = rootsOf(slack, 'shop');
    const replies = () => slack.thread('shop', root?.ts ?? '');
    await slack.until(() => replies().some(({ text }) => /keep-alive race \(likely\)/.test(text)), 'the verdict');
    publish(whole, { state: 'OK', at: BEGUN + 8 * MINUTE });
    await slack.until(() => replies().some(({ text }) => /Over after 8 min/.test(text)), 'the reply');
    await empty(whole);
    await slack.silence(500);
    expect(replies().filter(({ text }) => /Over after 8 min/.test(text))).toHaveLength(1);
    expect(slack.whatIsShown('shop')).toContain('over after 8 min');
    expect(rootsOf(slack, 'shop')).toHaveLength(1);
    expect(rootsOf(slack, 'alerts')).toHaveLength(0);
  });

  it('may come from EventBridge; unrelated messages are deleted', async () => {
    const whole = await startAlarmBot();
    const { slack, aws } = whole;
    aws.sendMessage(
      'alarms',
      JSON.stringify({ source: 'aws.ec2', 'detail-type': 'EC2 Instance State-change', detail: {} }),
      { region: REGION },
    );
    aws.sendMessage('alarms', JSON.stringify(event({ at: Date.now() - MINUTE, loadBalancer: SHOP })), {
      region: REGION,
    });
    await slack.until(() => rootsOf(slack, 'shop').length === 1, 'the thread');
    await empty(whole);
    expect(whole.log.filter(({ msg }) => msg === 'a message was ignored')).toHaveLength(1);
  });

  it('opens one thread when delivered a hundred times to two bots', async () => {
    const whole = await startAlarmBot();
    const { slack, aws } = whole;
    await whole.another();
    const body = JSON.stringify(event({ at: Date.now() - MINUTE, loadBalancer: SHOP }));
    for (let time = 0; time < 100; time++) aws.sendMessage('alarms', body, { region: REGION });
    await slack.until(() => rootsOf(slack, 'shop').length === 1, 'the thread');
    await empty(whole);
    await slack.silence(1500);
    expect(rootsOf(slack, 'shop')).toHaveLength(1);
    expect(left(whole, 'alarms-dead')).toBe(0);
  });
});

describe('an outage', () => {
  it('receives nothing twice while Slack is down, and opens the threads later', async () => {
    const whole = await startAlarmBot({ receives: 1 });
    const { slack } = whole;
    let isDown = true;
    slack.fail('chat.postMessage', { status: 503 }, { times: 10_000, when: () => isDown });
    publish(whole, {});
    await eventually(() => expect(whole.log.some(({ dependency }) => dependency === 'slack')).toBe(true));
    publish(whole, { name: 'shop-504' });
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(left(whole)).toBe(2);
    isDown = false;
    await slack.until(() => rootsOf(slack, 'shop').length === 1, 'the thread', 40_000);
    await empty(whole);
    expect(left(whole, 'alarms-dead')).toBe(0);
    await slack.silence(500);
    expect(rootsOf(slack, 'shop')).toHaveLength(1);
  });

  it('leaves the alarm to the next bot if this one stops meanwhile', async () => {
    const whole = await startAlarmBot();
    const { slack } = whole;
    let isDown = true;
    slack.fail('chat.postMessage', { status: 503 }, { times: 10_000, when: () => isDown });
    publish(whole, {});
    await eventually(() => expect(whole.log.some(({ dependency }) => dependency === 'slack')).toBe(true));
    const began = Date.now();
    await whole.bot.stop();
    expect(Date.now() - began).toBeLessThan(15_000);
    expect(left(whole)).toBe(1);
    isDown = false;
    await whole.another();
    await slack.until(() => rootsOf(slack, 'shop').length === 1, 'the thread', 40_000);
    await slack.silence(500);
    expect(rootsOf(slack, 'shop')).toHaveLength(1);
  });
});

describe('replicas that share S3', () => {
  it('open one thread for an alarm that both receive', async () => {
    const whole = await startAlarmBot({ inS3: true });
    const { slack, aws } = whole;
    await whole.another();
    const names = ['a', 'b', 'c', 'd'];
    const bodies = names.map((name, at) => JSON.stringify(event({ name, at: BEGUN + at * 1000, loadBalancer: SHOP })));
    for (let time = 0; time < 5; time++) for (const body of bodies) aws.sendMessage('alarms', body, { region: REGION });
    await slack.until(() => rootsOf(slack, 'shop').length === 1, 'the thread');
    await empty(whole);
    await slack.silence(1000);
    expect(rootsOf(slack, 'shop')).toHaveLength(1);
    expect(rootsOf(slack, 'alerts')).toHaveLength(0);
    for (const name of names) publish(whole, { name, state: 'OK', at: BEGUN + 8 * MINUTE });
    const [root] = rootsOf(slack, 'shop');
    const over = () => slack.thread('shop', root?.ts ?? '').filter(({ text }) => /Over after 8 min/.test(text));
    await slack.until(() => over().length > 0, 'the reply', 60_000);
    await empty(whole);
    await slack.silence(1000);
    expect(over()).toHaveLength(1);
  });

  it('wait while S3 refuses writes, then open the thread', async () => {
    const whole = await startAlarmBot({ inS3: true, receives: 1 });
    const { slack, bucket } = whole;
    bucket?.denied.add('PUT');
    publish(whole, { at: BEGUN });
    await eventually(() => expect(whole.log.some(({ dependency }) => dependency === 'store')).toBe(true));
    expect(left(whole)).toBe(1);
    bucket?.denied.delete('PUT');
    await slack.until(() => rootsOf(slack, 'shop').length === 1, 'the thread', 40_000);
    await empty(whole);
    expect(left(whole, 'alarms-dead')).toBe(0);
  });
});

describe('the queue itself', () => {
  const VISIBLE_AGAIN = 2;
  const log = { info() {}, warn() {}, error: (fields: object, text: string) => void logged.push({ ...fields, text }) };
  const logged: object[] = [];

  async function queue(
    handle: (body: string, received?: number) => Promise<MessageOutcome>,
    { receives = 2, consumers = 4, visibleAgain = VISIBLE_AGAIN } = {},
  ) {
    logged.length = 0;
    const aws = await startFauxqs({ port: 0, logger: false });
    aws.createQueue('dead', { region: REGION });
    const deadLetterTargetArn = `arn:aws:sqs:${REGION}:000000000000:dead`;
    aws.createQueue('alarms', {
      region: REGION,
      attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: receives }) },
    });
    const client = new SQSClient({
      endpoint: aws.address,
      region: REGION,
      credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'secret' },
    });
    const opened = openSqs({
      queueUrl: `${aws.address}/000000000000/alarms`,
      region: REGION,
      handle,
      isDown: () => false,
      log: log as unknown as Pick<Logger, 'info' | 'warn' | 'error'>,
      sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
      client,
      visibilitySeconds: visibleAgain,
      consumers,
    });
    await opened.start();
    onTestFinished(async () => {
      await opened.stop(1000, () => {});
      client.destroy();
      await aws.stop();
    });
    return { aws, stop: opened.stop };
  }
  const deleted = (aws: FauxqsServer) => {
    const { ready = [], inflight = [] } = aws.inspectQueue('alarms')?.messages ?? {};
    return ready.length + inflight.length === 0;
  };

  it('leaves invalid messages to the dead-letter queue, with the reason each time', async () => {
    const { aws } = await queue(async () => ({ outcome: 'poison', why: 'it is not JSON' }));
    aws.sendMessage('alarms', 'hello', { region: REGION });
    await eventually(() => expect(aws.inspectQueue('dead')?.messages.ready).toHaveLength(1));
    expect(logged).toMatchObject([
      { why: 'it is not JSON', received: '1' },
      { why: 'it is not JSON', received: '2' },
    ]);
  });

  it('keeps failed messages, with reason and number of receives, and deletes the others', async () => {
    const seen: [string, number][] = [];
    const { aws } = await queue(async (body: string, received = 0) => {
      seen.push([body, received]);
      return body === 'broken'
        ? { outcome: 'failed', why: 'nobody foresaw this' }
        : { outcome: 'handled', transition: [] };
    });
    for (const body of ['one', 'broken', 'two']) aws.sendMessage('alarms', body, { region: REGION });
    await eventually(() => {
      const { ready = [], inflight = [] } = aws.inspectQueue('alarms')?.messages ?? {};
      expect([...ready, ...inflight]).toHaveLength(1);
      expect(logged).toHaveLength(1);
    });
    expect(seen.sort()).toEqual([
      ['broken', 1],
      ['one', 1],
      ['two', 1],
    ]);
    expect(logged).toMatchObject([
      {
        text: 'a message stays in the queue',
        received: '1',
        err: { message: expect.stringContaining('nobody foresaw') },
      },
    ]);
  });

  it('hides a message from others while it is handled', async () => {
    let handled = 0;
    // Renewed every two seconds: one of them may be late.
    const visibleAgain = 6;
    const { aws } = await queue(
      async () => {
        handled += 1;
        await new Promise((resolve) => setTimeout(resolve, 1.5 * visibleAgain * 1000));
        return { outcome: 'handled', transition: [] };
      },
      { receives: 1, visibleAgain },
    );
    aws.sendMessage('alarms', 'slow', { region: REGION });
    await eventually(() => expect(handled).toBe(1));
    await eventually(() => expect(deleted(aws)).toBe(true));
    expect(handled).toBe(1);
    expect(aws.inspectQueue('dead')?.messages.ready).toHaveLength(0);
  });

  it('returns its messages at once when stopped', async () => {
    const given = Promise.withResolvers<void>();
    let isInHand = false;
    const { aws, stop } = await queue(
      async () => {
        isInHand = true;
        await given.promise;
        return { outcome: 'again', why: 'stopping' };
      },
      // Not visible again by itself before the test is over.
      { consumers: 1, visibleAgain: 600 },
    );
    aws.sendMessage('alarms', 'held', { region: REGION });
    await eventually(() => expect(isInHand).toBe(true));
    // Half of it is for what ends by itself, which this does not.
    await stop(8000, given.resolve);
    expect(aws.inspectQueue('alarms')?.messages.ready).toHaveLength(1);
  });
});
