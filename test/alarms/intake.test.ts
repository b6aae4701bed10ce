/** Alarms over HTTPS: SNS gets an answer once they are recorded, and each gets its thread even if a process dies. */
import { sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, expect, it } from 'vitest';
import { Problem } from '../../src/problem.ts';
import type { Store } from '../../src/runs/store/store.ts';
import { type CertificateWithKey, certificate } from '../support/alarms/certificate.ts';
import { snsAlarm, TOPIC } from '../support/alarms/messages.ts';
import {
  ALARMS,
  clockAt,
  instantInvestigator,
  memoryStore,
  type Process,
  startProcess,
} from '../support/alarms/process.ts';
import { type FakePoster, fakePoster } from '../support/slack/recording-poster.ts';

const BEGUN = Date.parse('2026-11-20T02:44:00.000Z');
const MINUTE = 60_000;
const CERTIFICATE =
  'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-7ff5318490ec183fbaddaa2a969abfda.pem';

let investigator: Awaited<ReturnType<typeof instantInvestigator>>;
let genuine: CertificateWithKey;
beforeAll(async () => {
  investigator = await instantInvestigator();
  genuine = certificate('sns.amazonaws.com', BEGUN - 30 * 86_400_000, BEGUN + 300 * 86_400_000);
});

function notification(): string {
  const sent: Record<string, string> = {
    Message: JSON.stringify(snsAlarm({ at: BEGUN })),
    MessageId: '22c22222-eeee-56f5-0541-9827d55d7777',
    Timestamp: new Date(BEGUN + 1000).toISOString(),
    TopicArn: TOPIC,
    Type: 'Notification',
  };
  const text = Object.entries(sent).map(([name, value]) => `${name}\n${value}\n`);
  const Signature = sign('RSA-SHA256', Buffer.from(text.join('')), genuine.key).toString('base64');
  return JSON.stringify({ ...sent, SignatureVersion: '2', Signature, SigningCertURL: CERTIFICATE });
}

const parts = () => ({
  poster: fakePoster(),
  store: memoryStore(),
  investigator,
  clock: clockAt(BEGUN + 2000),
  alarms: { ...ALARMS, sns: { topics: [TOPIC] } },
  fetchText: async () => genuine.pem,
});
const roots = (paper: FakePoster) =>
  paper.messages.filter(({ target, runId }) => target.thread === null && runId !== null);

/** Posts to a process as SNS does; null where it dies before it answers. */
async function post({ alarms, died }: Process): Promise<number | null> {
  const [route] = alarms.routes;
  let hasAnswered = () => false;
  const server: Server = createServer((request, response) => {
    hasAnswered = () => response.writableEnded;
    void route?.handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const answer = fetch(`http://127.0.0.1:${port}${route?.path}`, { method: 'POST', body: notification() })
    .then(({ status }) => status)
    .catch(() => null);
  // It may answer in the moment it dies, or have answered, and that is still on its way.
  const dead = died
    .then(() => new Promise((resolve) => setTimeout(resolve, 20)))
    .then(() => (hasAnswered() ? answer : null));
  const status = await Promise.race([answer, dead]);
  server.closeAllConnections();
  server.close();
  return status;
}

it('is acknowledged once recorded, and gets its thread', async () => {
  const given = parts();
  const bot = startProcess({ ...given, owner: 'one' });
  expect(await post(bot)).toBe(200);
  await bot.idle();
  expect(roots(given.poster)).toHaveLength(1);
  // Sent again, for the answer was lost.
  expect(await post(bot)).toBe(200);
  await bot.idle();
  expect(roots(given.poster)).toHaveLength(1);
  expect([...given.store.objects.keys()].filter((key) => key.startsWith('alarms/intake/'))).toEqual([]);
});

it('is not accepted while the store is down', async () => {
  const given = parts();
  const refusing: Store = { ...given.store, write: async () => Promise.reject(new Problem('AccessDenied', 2)) };
  const bot = startProcess({ ...given, store: refusing, owner: 'one' });
  expect(await post(bot)).toBe(500);
  expect(given.poster.messages).toEqual([]);
});

it('is accepted at once while Slack is down, and gets its thread later', async () => {
  const given = parts();
  given.poster.isDown = true;
  const bot = startProcess({ ...given, owner: 'one' });
  const began = performance.now();
  expect(await post(bot)).toBe(200);
  expect(performance.now() - began).toBeLessThan(10_000);
  given.poster.isDown = false;
  await bot.idle();
  expect(roots(given.poster)).toHaveLength(1);
});

it('is retried with growing pauses, and given up after hours', async () => {
  const given = parts();
  let tries = 0;
  const listLoadBalancers = () => {
    tries += 1;
    throw new TypeError('nobody foresaw this');
  };
  const bot = startProcess({ ...given, investigator: { ...investigator, listLoadBalancers }, owner: 'one' });
  expect(await post(bot)).toBe(200);
  await bot.idle();
  expect(tries).toBe(1);
  for (let look = 0; look < 240; look++) {
    given.clock.at += MINUTE;
    await bot.alarms.resume();
    await bot.idle();
  }
  await bot.alarms.stop(0);
  expect(tries).toBeGreaterThan(10);
  expect(tries).toBeLessThan(25);
  const recorded = () => [...given.store.objects.keys()].filter((key) => key.startsWith('alarms/intake/'));
  expect(recorded()).toHaveLength(1);
  given.clock.at += 150 * MINUTE;
  await bot.alarms.resume();
  await bot.alarms.stop(0);
  expect(recorded()).toEqual([]);
  expect(bot.logged).toContainEqual(expect.objectContaining({ text: 'gave up on a recorded alarm' }));
});

it('gets its thread if recorded by an earlier version, which counted no attempts', async () => {
  const given = parts();
  given.poster.isDown = true;
  const one = startProcess({ ...given, owner: 'one' });
  expect(await post(one)).toBe(200);
  await one.alarms.stop(0);
  const [key = ''] = [...given.store.objects.keys()].filter((name) => name.startsWith('alarms/intake/'));
  const { body } = (await given.store.read(key)) ?? { body: '{}' };
  const { tries, ...earlier } = JSON.parse(body);
  expect(tries).toBe(1);
  await given.store.remove(key);
  await given.store.write(key, JSON.stringify(earlier), 'absent');
  given.poster.isDown = false;
  given.clock.at += 10 * MINUTE;
  const two = startProcess({ ...given, owner: 'two' });
  await two.alarms.resume();
  await two.idle();
  await two.alarms.stop(0);
  expect(two.logged).not.toContainEqual(expect.objectContaining({ text: 'a recorded alarm cannot be read' }));
  expect(await given.store.read(key)).toBeNull();
});

it.each(['before', 'after'] as const)(
  'opens one thread when killed %s any call, by the next process',
  { timeout: 120_000 },
  async (when) => {
    const whole = startProcess({ ...parts(), owner: 'one' });
    await post(whole);
    await whole.idle();
    const calls = whole.calls();
    expect(calls).toBeGreaterThan(20);
    const wrong: string[] = [];
    let resumed = 0;
    const all = Array.from({ length: calls }, (_, at) => at + 1);
    const some = async (): Promise<void> => {
      for (let call = all.shift(); call !== undefined; call = all.shift()) {
        const given = parts();
        const first = startProcess({ ...given, owner: 'first', diesAt: { call, when } });
        const status = await post(first);
        await Promise.race([first.idle(), first.died]);
        given.clock.at += 3 * MINUTE;
        const second = startProcess({ ...given, owner: 'second' });
        await second.threads.resume();
        await second.alarms.resume();
        await second.idle();
        // SNS was not answered, so it sends the same again.
        if (status === null) expect(await post(second)).toBe(200);
        else resumed += 1;
        await second.idle();
        given.clock.at += 2 * MINUTE;
        await second.alarms.resume();
        await second.idle();
        await Promise.all([second.alarms.stop(1000), second.threads.stop(1000)]);
        const threads = roots(given.poster).length;
        const left = [...given.store.objects.keys()].filter((key) => /^alarms\/(intake|busy)\//.test(key));
        const [run] = await second.runs.recent(1);
        if (threads !== 1 || left.length > 0 || run?.state !== 'final')
          wrong.push(`call ${call}, answered ${status}: ${threads} threads, ${left.join()} left, ${run?.state}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, some));
    expect(wrong).toEqual([]);
    // Most of it comes after the answer.
    expect(resumed).toBeGreaterThan(10);
  },
);
