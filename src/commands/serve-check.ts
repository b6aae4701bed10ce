/** `alb502 serve --check`: whether the bot would work, without starting it. */
import { WebClient } from '@slack/web-api';
import { type Config, RUNS_FOLDER, type Secrets } from '../config.ts';
import { Problem } from '../problem.ts';
import { openStore, slackCodeOf } from './serve.ts';

/** One thing that was looked at: what it is like, or what is missing. */
interface Looked {
  what: string;
  said: string;
  isOk: boolean;
}

/** Of manifest.yml; what each is for, so that whoever misses one knows what does not work. */
const SCOPES = {
  commands: 'the command and the shortcuts',
  'chat:write': 'every answer',
  'files:write': 'post-mortems as files',
  'app_mentions:read': 'mentions in threads',
} as const;

const PROBE = 'checks/probe.json';

/** Prints each thing with what it is like. Throws Problem (exit 2) when something is missing. */
export async function check(
  config: Config,
  secrets: Secrets,
  slackApiUrl = process.env.ALB502_SLACK_API_URL,
): Promise<void> {
  const options = {
    retryConfig: { retries: 1, minTimeout: 250, maxTimeout: 1000 },
    timeout: 10_000,
    logger: SILENT,
    ...(slackApiUrl ? { slackApiUrl } : {}),
  };
  const looks: (Looked | Looked[])[] = [
    { what: 'configuration', said: `${config.accounts.length} account(s), Slack by ${config.slack.mode}`, isOk: true },
    await botToken(new WebClient(secrets.botToken, options), config),
    ...(config.slack.mode === 'socket' ? [await appToken(new WebClient(secrets.appToken ?? '', options))] : []),
    await runStore(config),
    await loadBalancers(config),
    ...alarms(config),
  ];
  const all = looks.flat();
  const width = Math.max(...all.map(({ what }) => what.length));
  for (const { what, said, isOk } of all)
    process.stdout.write(`${isOk ? 'ok     ' : 'missing'}  ${what.padEnd(width)}  ${said}\n`);
  const missing = all.filter(({ isOk }) => !isOk).length;
  if (missing > 0) throw new Problem(`${missing} of ${all.length} are missing: the bot would not work in full.`, 2);
}

/** What goes wrong is the answer here. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel: () => LEVEL, setName() {} };
const LEVEL = 'error' as Parameters<
  NonNullable<NonNullable<ConstructorParameters<typeof WebClient>[1]>['logger']>['setLevel']
>[0];

async function botToken(slack: WebClient, { slack: { allow } }: Config): Promise<Looked[]> {
  const what = 'bot token';
  try {
    const { user = '', team = '', team_id: id = '', response_metadata } = await slack.auth.test();
    const given = response_metadata?.scopes ?? [];
    const needed = {
      ...SCOPES,
      ...(allow.userGroups.length > 0 ? { 'usergroups:read': 'slack.allow.userGroups' } : {}),
    };
    const lacking = Object.entries(needed).filter(([scope]) => given.length > 0 && !given.includes(scope));
    const scopes = lacking.map(([scope, use]) => ({ what: 'scope', said: `${scope}, for ${use}`, isOk: false }));
    return [{ what, said: `@${user} in ${team} (${id})`, isOk: true }, ...scopes];
  } catch (error) {
    return [{ what, said: refusal(error, 'SLACK_BOT_TOKEN'), isOk: false }];
  }
}

async function appToken(slack: WebClient): Promise<Looked> {
  const what = 'app-level token';
  try {
    // What it answers with is an invitation that nobody follows, and that ends by itself.
    await slack.apps.connections.open();
    return { what, said: 'may open a socket', isOk: true };
  } catch (error) {
    return { what, said: refusal(error, 'SLACK_APP_TOKEN'), isOk: false };
  }
}

const refusal = (error: unknown, variable: string): string =>
  `${variable}: ${slackCodeOf(error) ?? (error instanceof Error ? error.message : String(error))}`;

async function runStore(config: Config): Promise<Looked> {
  const { folder, s3, retentionDays } = config.runs;
  const where = s3 === undefined ? `folder ${folder ?? RUNS_FOLDER}` : `s3://${s3.bucket}/${s3.prefix}`;
  try {
    const store = await openStore(config);
    await store.write(PROBE, '{}', 'any');
    await store.remove(PROBE);
    return { what: 'run records', said: `${where}, kept ${retentionDays} days`, isOk: true };
  } catch (error) {
    return { what: 'run records', said: `${where}: ${error instanceof Error ? error.message : error}`, isOk: false };
  }
}

/** Whether the credentials work, in each account and region; what else a diagnosis needs is what `doctor` looks at. */
async function loadBalancers(config: Config): Promise<Looked[]> {
  const { liveInvestigator } = await import('../investigate/live.ts');
  const investigator = liveInvestigator(config);
  await investigator.refresh();
  const failed = investigator.failures().map((said) => ({ what: 'AWS', said, isOk: false }));
  const known = investigator.known();
  const places = [...new Set(known.map(({ account, region }) => `${account}, ${region}`))];
  const seen = places.map((place) => ({
    what: 'AWS',
    said: `${place}: ${known.filter((one) => `${one.account}, ${one.region}` === place).length} load balancer(s)`,
    isOk: true,
  }));
  if (failed.length + seen.length > 0) return [...failed, ...seen];
  return [{ what: 'AWS', said: 'answers, and has no load balancer', isOk: true }];
}

/** Alarms that would have nowhere to go. */
function alarms({ alarms: { sqs, sns, routes, defaultChannel } }: Config): Looked[] {
  if (sqs === undefined && sns === undefined) return [];
  const isRouted = defaultChannel !== undefined || routes.length > 0;
  const said = isRouted
    ? `${routes.length} route(s), ${defaultChannel === undefined ? 'no default channel' : `else ${defaultChannel}`}`
    : 'alarms.routes and alarms.defaultChannel are empty: no alarm would be answered';
  return [{ what: 'alarms', said, isOk: isRouted }];
}
