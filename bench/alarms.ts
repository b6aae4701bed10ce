/**
 * Measures the time from an alarm in the queue to its thread in Slack: SNS and SQS of fauxqs with 150 ms added to every
 * call, a local Slack that is as slow, and a diagnosis that takes one second. Run records are kept in a folder, then in
 * a store where every call takes 150 ms, like S3.
 *
 *     node bench/alarms.ts [--rounds 20] [--latency 150]
 *
 * Sends one alarm at a time, then 50 at once on as many load balancers, over ten channels.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type FauxqsServer, startFauxqs } from 'fauxqs';
import { type AlarmProcessor, openAlarmProcessor } from '../src/alarms/alarms.ts';
import { parseConfig } from '../src/config.ts';
import { openLimits } from '../src/runs/limits.ts';
import { openStore } from '../src/runs/open-store.ts';
import { openRunStore } from '../src/runs/runs.ts';
import type { Store } from '../src/runs/store/store.ts';
import { openPoster } from '../src/slack/delivery/post.ts';
import { openLog } from '../src/slack/slack-log.ts';
import { openSlackThreads } from '../src/slack/thread/slack-threads.ts';
import { REGION, resourceOf, snsAlarm } from '../test/support/alarms/messages.ts';
import { instantInvestigator, memoryStore } from '../test/support/alarms/process.ts';
import { type LocalSlack, openLocalSlack } from '../test/support/slack/local-slack.ts';
import { percentile } from './measured.ts';

// Ignore options of the other benchmarks.
const { values } = parseArgs({
  strict: false,
  options: { rounds: { type: 'string', default: '20' }, latency: { type: 'string', default: '150' } },
});
const rounds = Number(values.rounds);
const latency = Number(values.latency);
const AT_ONCE = 50;
const CHANNELS = Array.from({ length: 10 }, (_, number) => `alerts-${number}`);
const DIAGNOSIS = 1000;

process.env.AWS_ACCESS_KEY_ID = 'AKIAIOSFODNN7EXAMPLE';
process.env.AWS_SECRET_ACCESS_KEY = 'secret';
process.env.AWS_REGION = REGION;

/** Delays each answer by this many milliseconds. */
async function delayed(address: string): Promise<{ address: string; close(): void }> {
  const { hostname, port } = new URL(address);
  const server = createServer((incoming, response) => {
    const { method, url, headers } = incoming;
    const forwarded = request({ hostname, port, method, path: url, headers }, async (answer) => {
      const parts: Buffer[] = [];
      for await (const part of answer) parts.push(part as Buffer);
      await pause(latency);
      if (response.destroyed) return;
      response.writeHead(answer.statusCode ?? 500, answer.headers).end(Buffer.concat(parts));
    });
    forwarded.on('error', () => response.destroy());
    response.on('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Delays every call, like a call to AWS. */
const far = (store: Store): Store => ({
  read: (...given) => pause(latency).then(() => store.read(...given)),
  write: (...given) => pause(latency).then(() => store.write(...given)),
  list: (...given) => pause(latency).then(() => store.list(...given)),
  remove: (...given) => pause(latency).then(() => store.remove(...given)),
});

interface Bench {
  aws: FauxqsServer;
  slack: LocalSlack;
  alarms: AlarmProcessor;
}

async function withBot(isFar: boolean, work: (bench: Bench) => Promise<void>): Promise<void> {
  const aws = await startFauxqs({ port: 0, logger: false });
  const proxy = await delayed(aws.address);
  aws.createQueue('alarms', { region: REGION });
  aws.createTopic('alarms', { region: REGION });
  aws.subscribe({ topic: 'alarms', queue: 'alarms', region: REGION });
  const slack = await openLocalSlack({ channels: CHANNELS, latency });
  const folder = await mkdtemp(join(tmpdir(), 'alb502-bench-'));
  const idOf = (name: string): string =>
    [...slack.workspace.channels.values()].find((one) => one.name === name)?.id ?? '';
  const config = parseConfig(
    {
      runs: { folder },
      alarms: {
        sqs: { queueUrl: `${proxy.address}/000000000000/alarms`, region: REGION },
        routes: CHANNELS.map((name, number) => ({ loadBalancer: `*-${number}`, channel: idOf(name) })),
        defaultChannel: idOf('alerts-0'),
      },
    },
    {},
    'the configuration of the benchmark',
  );
  const log = openLog('error', { write: (line) => void process.stderr.write(line) });
  const store = isFar ? far(memoryStore()) : await openStore(config);
  const runs = openRunStore(store, { retentionDays: 30 });
  const poster = openPoster({ token: slack.botToken, clientOptions: { slackApiUrl: slack.apiUrl }, log });
  const stub = await instantInvestigator();
  const investigator = {
    ...stub,
    investigate: async (...asked: Parameters<typeof stub.investigate>) => {
      await pause(DIAGNOSIS);
      return stub.investigate(...asked);
    },
  };
  const threads = openSlackThreads({
    runs,
    poster,
    investigator,
    limits: openLimits(config.limits),
    episodeOf: async ({ askedBy }) => (askedBy.kind === 'alarm' ? alarms.episode(askedBy.episode) : null),
    owner: 'bench',
    log,
    now: Date.now,
  });
  const alarms = openAlarmProcessor({ config, store, runs, threads, poster, investigator, log, mostThreads: 1000 });
  await alarms.start();
  // Wait until the first receives are running.
  await pause(2 * latency);
  await work({ aws, slack, alarms });
  await Promise.all([alarms.stop(10_000), threads.stop(1000)]);
  await poster.close();
  await slack.close();
  proxy.close();
  await aws.stop();
  await rm(folder, { recursive: true, force: true });
}

let made = 0;

/** Milliseconds from each publish to its root message. */
async function threadsOf({ aws, slack }: Bench, count: number): Promise<number[]> {
  const names = Array.from({ length: count }, () => {
    made += 1;
    return `lb${made}-${made % CHANNELS.length}`;
  });
  const begun = new Map<string, number>();
  for (const name of names) {
    begun.set(name, performance.now());
    aws.publish(
      'alarms',
      JSON.stringify(snsAlarm({ name: `${name}-502`, at: Date.now(), loadBalancer: resourceOf(name) })),
      {
        region: REGION,
      },
    );
  }
  const took = new Map<string, number>();
  await slack.until(
    () => {
      for (const name of names) {
        if (took.has(name)) continue;
        const channel = `alerts-${name.split('-')[1]}`;
        if (slack.roots(channel).some(({ text }) => text.includes(name)))
          took.set(name, performance.now() - (begun.get(name) ?? 0));
      }
      return took.size === names.length;
    },
    'the threads',
    120_000,
  );
  return [...took.values()];
}

function say(what: string, times: readonly number[]): void {
  const shown = [percentile(times, 0.5), percentile(times, 0.99)].map((ms) => `${(ms / 1000).toFixed(2)} s`);
  process.stdout.write(`${what.padEnd(58)} p50 ${shown[0]}   p99 ${shown[1]}   (${times.length})\n`);
}

process.stdout.write(
  `\nAlarm visible in the queue to thread in Slack, ${latency} ms for every call of AWS and of Slack\n`,
);
for (const isFar of [false, true]) {
  const where = isFar ? 'run records as far away' : 'run records in a folder';
  await withBot(isFar, async (bench) => {
    const single: number[] = [];
    for (let round = 0; round < rounds; round++) {
      single.push(...(await threadsOf(bench, 1)));
      await bench.alarms.idle();
    }
    say(`1 alarm, ${where}`, single);
    say(`${AT_ONCE} alarms at once, ${where}`, await threadsOf(bench, AT_ONCE));
  });
}
