/** `alb502 serve --check`: checks whether the bot would work, without starting it. */

import { rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { makeTemporaryFolder } from '../collect/temporary-folder.ts';
import { type Config, RUNS_FOLDER, type Secrets } from '../config.ts';
import { formatBytes } from '../format/amounts.ts';
import { plural } from '../format/wording.ts';
import { errorMessage, Problem } from '../problem.ts';
import { openStore } from '../runs/open-store.ts';
import { checkQueue } from './check-queue.ts';
import type { CheckResult } from './check-result.ts';
import { checkSlack } from './check-slack.ts';

const PROBE = 'checks/probe.json';
/** Bytes of access log that a diagnosis downloads before Athena becomes the better choice. */
const DOWNLOAD = 256_000_000;

/** Prints each result. Throws Problem (exit 2) when something is missing. */
export async function check(
  config: Config,
  secrets: Secrets,
  slackApiUrl = process.env.ALB502_SLACK_API_URL,
): Promise<void> {
  const results: (CheckResult | CheckResult[])[] = [
    {
      what: 'configuration',
      detail: `${plural(config.accounts.length, 'account')}, Slack by ${config.slack.mode}`,
      state: 'ok',
    },
    await checkSlack(config, secrets, slackApiUrl),
    await checkRunStore(config),
    await checkTemporarySpace(config),
    await checkAccounts(config),
    await checkLoadBalancers(config),
    ...checkAlarmRoutes(config),
    await checkQueue(config),
  ];
  const all = results.flat();
  const width = Math.max(...all.map(({ what }) => what.length));
  for (const { what, detail, state } of all)
    process.stdout.write(`${state.padEnd('missing'.length)}  ${what.padEnd(width)}  ${detail}\n`);
  const missing = all.filter(({ state }) => state === 'missing').length;
  if (missing > 0)
    throw new Problem(`${missing} of ${plural(all.length, 'check')} failed, so the bot would not work completely.`, 2);
}

/** Checks the temporary folder, to which every running diagnosis downloads access logs. */
async function checkTemporarySpace({ limits: { atOnce } }: Config): Promise<CheckResult> {
  const what = 'temporary space';
  try {
    await rm(await makeTemporaryFolder('alb502-check-'), { recursive: true });
    const { bavail, bsize } = await statfs(tmpdir());
    const free = bavail * bsize;
    const needed = atOnce * DOWNLOAD;
    const detail = `${tmpdir()}: ${formatBytes(free)} free`;
    if (free >= needed) return { what, detail, state: 'ok' };
    const wanted = `${plural(atOnce, 'diagnosis', 'diagnoses')} at once may need ${formatBytes(needed)}; enlarge it, or lower limits.atOnce`;
    return { what, detail: `${detail}; ${wanted}`, state: free < DOWNLOAD ? 'missing' : 'note' };
  } catch (error) {
    return { what, detail: errorMessage(error), state: 'missing' };
  }
}

/** Checks the bot's identity in each account: its own, or the role it assumes. */
async function checkAccounts({ accounts, deadlines }: Config): Promise<CheckResult[]> {
  const [{ openSessions }, { readIdentity }] = await Promise.all([
    import('../collect/aws/accounts-to-search.ts'),
    import('../collect/aws/identity.ts'),
  ]);
  const limits = { signal: new AbortController().signal, deadline: deadlines.evidenceSeconds * 1000 };
  const each = accounts.map(async (account): Promise<CheckResult> => {
    const what = 'account';
    try {
      const [session, ...others] = await openSessions(null, [account], {}, limits);
      for (const other of others) other.close();
      if (session === undefined) return { what, detail: `${account.name}: no region`, state: 'missing' };
      try {
        return { what, detail: `${account.name}: ${(await readIdentity(session)).arn}`, state: 'ok' };
      } finally {
        session.close();
      }
    } catch (error) {
      return { what, detail: `${account.name}: ${errorMessage(error)}`, state: 'missing' };
    }
  });
  return await Promise.all(each);
}

async function checkRunStore(config: Config): Promise<CheckResult> {
  const { folder, s3, retentionDays } = config.runs;
  const where = s3 === undefined ? `folder ${folder ?? RUNS_FOLDER}` : `s3://${s3.bucket}/${s3.prefix}`;
  try {
    const store = await openStore(config);
    await store.write(PROBE, '{}', 'any');
    await store.remove(PROBE);
    return { what: 'run records', detail: `${where}, kept ${retentionDays} days`, state: 'ok' };
  } catch (error) {
    return { what: 'run records', detail: `${where}: ${errorMessage(error)}`, state: 'missing' };
  }
}

/** Checks the credentials in each account and region; `doctor` checks the other permissions of a diagnosis. */
async function checkLoadBalancers(config: Config): Promise<CheckResult[]> {
  const { liveInvestigator } = await import('../investigate/live.ts');
  const investigator = liveInvestigator(config);
  await investigator.refresh();
  const failed = investigator
    .failures()
    .map(({ sentence }): CheckResult => ({ what: 'AWS', detail: sentence, state: 'missing' }));
  const loadBalancers = investigator.listLoadBalancers();
  const places = [...new Set(loadBalancers.map(({ account, region }) => `${account}, ${region}`))];
  const listed = places.map(
    (place): CheckResult => ({
      what: 'AWS',
      detail: `${place}: ${plural(loadBalancers.filter((one) => `${one.account}, ${one.region}` === place).length, 'load balancer')}`,
      state: 'ok',
    }),
  );
  if (failed.length + listed.length > 0) return [...failed, ...listed];
  return [{ what: 'AWS', detail: 'reachable; no load balancer found', state: 'ok' }];
}

/** Checks that alarms have a channel. */
function checkAlarmRoutes({ alarms: { sqs, sns, routes, defaultChannel } }: Config): CheckResult[] {
  if (sqs === undefined && sns === undefined) return [];
  const isRouted = defaultChannel !== undefined || routes.length > 0;
  const detail = isRouted
    ? `${plural(routes.length, 'route')}, ${defaultChannel === undefined ? 'no default channel' : `else ${defaultChannel}`}`
    : 'alarms.routes and alarms.defaultChannel are not set, so no alarm would be answered';
  return [{ what: 'alarms', detail, state: isRouted ? 'ok' : 'missing' }];
}
