/** `alb502 serve --check`: whether the bot would work, without starting it. */
import { WebClient } from '@slack/web-api';
import { type Config, RUNS_FOLDER, type Secrets } from '../config.ts';
import { errorMessage, Problem } from '../problem.ts';
import { openStore, slackErrorCode } from './serve.ts';

/** One thing that was looked at: what it is like, or what is missing. */
interface CheckResult {
  what: string;
  detail: string;
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
  const results: (CheckResult | CheckResult[])[] = [
    {
      what: 'configuration',
      detail: `${config.accounts.length} account(s), Slack by ${config.slack.mode}`,
      isOk: true,
    },
    await checkBotToken(new WebClient(secrets.botToken, options), config),
    ...(config.slack.mode === 'socket' ? [await checkAppToken(new WebClient(secrets.appToken ?? '', options))] : []),
    await checkRunStore(config),
    await checkLoadBalancers(config),
    ...checkAlarmRoutes(config),
  ];
  const all = results.flat();
  const width = Math.max(...all.map(({ what }) => what.length));
  for (const { what, detail, isOk } of all)
    process.stdout.write(`${isOk ? 'ok     ' : 'missing'}  ${what.padEnd(width)}  ${detail}\n`);
  const missing = all.filter(({ isOk }) => !isOk).length;
  if (missing > 0)
    throw new Problem(`${missing} of ${all.length} are missing, so the bot would not work completely.`, 2);
}

/** What goes wrong is the answer here. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel: () => LEVEL, setName() {} };
const LEVEL = 'error' as Parameters<
  NonNullable<NonNullable<ConstructorParameters<typeof WebClient>[1]>['logger']>['setLevel']
>[0];

async function checkBotToken(slack: WebClient, { slack: { allow } }: Config): Promise<CheckResult[]> {
  const what = 'bot token';
  try {
    const { user = '', team = '', team_id: id = '', response_metadata } = await slack.auth.test();
    const granted = response_metadata?.scopes ?? [];
    const needed = {
      ...SCOPES,
      ...(allow.userGroups.length > 0 ? { 'usergroups:read': 'slack.allow.userGroups' } : {}),
    };
    const missingScopes = Object.entries(needed).filter(([scope]) => granted.length > 0 && !granted.includes(scope));
    const scopes = missingScopes.map(([scope, use]) => ({
      what: 'scope',
      detail: `${scope}, for ${use}`,
      isOk: false,
    }));
    return [{ what, detail: `@${user} in ${team} (${id})`, isOk: true }, ...scopes];
  } catch (error) {
    return [{ what, detail: slackErrorText(error, 'SLACK_BOT_TOKEN'), isOk: false }];
  }
}

async function checkAppToken(slack: WebClient): Promise<CheckResult> {
  const what = 'app-level token';
  try {
    // What it answers with is an invitation that nobody follows, and that ends by itself.
    await slack.apps.connections.open();
    return { what, detail: 'may open a socket', isOk: true };
  } catch (error) {
    return { what, detail: slackErrorText(error, 'SLACK_APP_TOKEN'), isOk: false };
  }
}

const slackErrorText = (error: unknown, variable: string): string =>
  `${variable}: ${slackErrorCode(error) ?? errorMessage(error)}`;

async function checkRunStore(config: Config): Promise<CheckResult> {
  const { folder, s3, retentionDays } = config.runs;
  const where = s3 === undefined ? `folder ${folder ?? RUNS_FOLDER}` : `s3://${s3.bucket}/${s3.prefix}`;
  try {
    const store = await openStore(config);
    await store.write(PROBE, '{}', 'any');
    await store.remove(PROBE);
    return { what: 'run records', detail: `${where}, kept ${retentionDays} days`, isOk: true };
  } catch (error) {
    return { what: 'run records', detail: `${where}: ${errorMessage(error)}`, isOk: false };
  }
}

/** Whether the credentials work, in each account and region; what else a diagnosis needs is what `doctor` looks at. */
async function checkLoadBalancers(config: Config): Promise<CheckResult[]> {
  const { liveInvestigator } = await import('../investigate/live.ts');
  const investigator = liveInvestigator(config);
  await investigator.refresh();
  const failed = investigator.failures().map((detail) => ({ what: 'AWS', detail, isOk: false }));
  const loadBalancers = investigator.listLoadBalancers();
  const places = [...new Set(loadBalancers.map(({ account, region }) => `${account}, ${region}`))];
  const listed = places.map((place) => ({
    what: 'AWS',
    detail: `${place}: ${loadBalancers.filter((one) => `${one.account}, ${one.region}` === place).length} load balancer(s)`,
    isOk: true,
  }));
  if (failed.length + listed.length > 0) return [...failed, ...listed];
  return [{ what: 'AWS', detail: 'reachable; no load balancer found', isOk: true }];
}

/** Alarms that would have nowhere to go. */
function checkAlarmRoutes({ alarms: { sqs, sns, routes, defaultChannel } }: Config): CheckResult[] {
  if (sqs === undefined && sns === undefined) return [];
  const isRouted = defaultChannel !== undefined || routes.length > 0;
  const detail = isRouted
    ? `${routes.length} route(s), ${defaultChannel === undefined ? 'no default channel' : `else ${defaultChannel}`}`
    : 'alarms.routes and alarms.defaultChannel are not set, so no alarm would be answered';
  return [{ what: 'alarms', detail, isOk: isRouted }];
}
