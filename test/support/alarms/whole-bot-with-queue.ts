/** The whole bot with SNS and SQS of another maker (fauxqs), a local Slack, and recorded incidents for load balancers. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FauxqsServer, startFauxqs } from 'fauxqs';
import { onTestFinished, vi } from 'vitest';
import { type Bot, startBot } from '../../../src/commands/serve.ts';
import { parseConfig } from '../../../src/config.ts';
import { type WritableBucket, writableBucket } from '../s3/run-store-server.ts';
import type { LocalSlack, Message, Options } from '../slack/local-slack.ts';
import { localSlack } from '../slack/local-slack-for-test.ts';
import { REGION } from './messages.ts';

const SCENARIOS = join(import.meta.dirname, '../../scenarios');
/** Of the first recorded incident. */
export const SHOP = 'app/shop-prod/4f2a9c1e7b3d5068';

export interface AlarmBot {
  slack: LocalSlack;
  aws: FauxqsServer;
  /** Where runs, leases and episodes are, when not in a folder. */
  bucket: WritableBucket | null;
  queueUrl: string;
  log: Record<string, unknown>[];
  /** Another bot on the same records and queue. */
  another(): Promise<Bot>;
  bot: Bot;
}

export interface AlarmBotOptions {
  slack?: Options & { mayRefuse?: boolean };
  /** Receives until a message goes to the dead-letter queue. */
  receives?: number;
  alarms?: Record<string, unknown>;
  /** Further settings. */
  more?: object;
  /** Runs, leases and episodes in S3 instead of a folder. */
  inS3?: boolean;
}

/** Runs until the test is over. */
export async function startAlarmBot({
  slack: options = {},
  receives = 3,
  alarms = {},
  more = {},
  inS3 = false,
}: AlarmBotOptions = {}): Promise<AlarmBot> {
  const slack = await localSlack({ channels: ['alerts', 'shop'], ...options });
  const aws = await startFauxqs({ port: 0, logger: false });
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAIOSFODNN7EXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_REGION', REGION);
  vi.stubEnv('AWS_ENDPOINT_URL', aws.address);
  const bucket = inS3 ? await writableBucket() : null;
  if (bucket !== null) vi.stubEnv('AWS_ENDPOINT_URL_S3', bucket.endpoint);
  aws.createQueue('alarms-dead', { region: REGION });
  const deadLetterTargetArn = `arn:aws:sqs:${REGION}:000000000000:alarms-dead`;
  aws.createQueue('alarms', {
    region: REGION,
    attributes: {
      VisibilityTimeout: '2',
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: receives }),
    },
  });
  aws.createTopic('alarms', { region: REGION });
  aws.subscribe({ topic: 'alarms', queue: 'alarms', region: REGION });
  const queueUrl = `${aws.address}/000000000000/alarms`;
  const folder = await mkdtemp(join(tmpdir(), 'alb502-alarms-'));
  const idOf = (name: string): string =>
    [...slack.workspace.channels.values()].find((one) => one.name === name)?.id ?? '';
  const config = parseConfig(
    {
      healthPort: 0,
      ...more,
      runs: bucket === null ? { folder } : { s3: { bucket: bucket.name, prefix: 'alb502/', region: REGION } },
      slack: { mode: 'socket', port: 0 },
      alarms: {
        sqs: { queueUrl, region: REGION },
        routes: [{ loadBalancer: 'shop-*', channel: idOf('shop') }],
        defaultChannel: idOf('alerts'),
        ...alarms,
      },
    },
    {},
    'the configuration of the test',
  );
  const log: Record<string, unknown>[] = [];
  const secrets = { botToken: slack.botToken, appToken: slack.appToken, signingSecret: slack.signingSecret };
  const bots: Bot[] = [];
  const another = async (): Promise<Bot> => {
    const bot = await startBot(config, secrets, [SCENARIOS], {
      slackApiUrl: slack.apiUrl,
      pace: 0,
      stream: { write: (line) => log.push(JSON.parse(line)) },
    });
    bots.push(bot);
    return bot;
  };
  onTestFinished(async () => {
    await Promise.all(bots.map((bot) => bot.stop()));
    await aws.stop();
    vi.unstubAllEnvs();
    await rm(folder, { recursive: true, force: true });
  });
  return { slack, aws, bucket, queueUrl, log, another, bot: await another() };
}

/** The root messages of the bot in a channel. */
export const rootsOf = (slack: LocalSlack, channel: string): Message[] =>
  slack.roots(channel).filter(({ user }) => user === slack.workspace.bot.user);
