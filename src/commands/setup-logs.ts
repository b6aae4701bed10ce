/** `alb502 setup logs`: prints the commands that switch on the access log of a load balancer. */
import { placeInArn } from '../collect/access-log/log-place.ts';
import { type LogDestination, logSetupSteps, RETENTION_DAYS } from '../doctor/log-wiring.ts';
import { list } from '../format/wording.ts';
import { Problem } from '../problem.ts';
import { LOG_GROUP } from './log-group-name.ts';
import { printNotice } from './print-notice.ts';
import { readConfig } from './read-config.ts';

export interface SetupLogsOptions {
  bucket?: string;
  prefix?: string;
  vended?: true;
  logGroup?: string;
  days?: string;
  region?: string;
  profile?: string;
  config?: string;
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const PREFIX = /^[\w!.'()=-]+(?:\/[\w!.'()=-]+)*$/;
const STANDARD_DAYS = 30;

/**
 * Prints commands on stdout, and explanations on stderr. Throws Problem: exit 1 for an invalid name, exit 2 if a
 * required call to AWS fails.
 */
export async function setupLogs(nameOrArn: string, options: SetupLogsOptions): Promise<void> {
  const destination = destinationIn(options);
  const days = daysIn(options.days, destination);
  const { accounts, deadlines } = await readConfig(options.config);
  const arn = await arnOf(nameOrArn, accounts, options, deadlines.evidenceSeconds * 1000);
  const { partition, region, account, loadBalancer } = placeInArn(arn);
  const steps = logSetupSteps({ arn, partition, region, account, name: loadBalancer.name, destination, days });
  for (const { why, command } of steps) {
    printNotice(`${why}:`);
    process.stdout.write(`${command}\n`);
  }
  printNotice('Nothing was changed: run these commands in this order, with the rights to make what they make.');
  printNotice(
    destination.kind === 's3'
      ? 'Delivery costs nothing; the first file comes within five minutes of the first request.'
      : `Delivery is billed by the GB: alb502 doctor ${loadBalancer.name} compares what each place costs.`,
  );
}

function destinationIn({ bucket, prefix = '', vended, logGroup }: SetupLogsOptions): LogDestination {
  if ((bucket === undefined) === (logGroup === undefined))
    throw new Problem(
      'Where should the log go? Give --bucket my-logs for S3, or --log-group /aws/vendedlogs/alb for CloudWatch Logs.',
      1,
    );
  if (logGroup !== undefined) {
    if (LOG_GROUP.test(logGroup)) return { kind: 'log-group', name: logGroup };
    throw new Problem(`--log-group ${JSON.stringify(logGroup)} is not the name of a log group.`, 1);
  }
  if (bucket === undefined || !BUCKET.test(bucket))
    throw new Problem(`--bucket ${JSON.stringify(bucket)} is not the name of a bucket. Try: --bucket my-logs`, 1);
  const folder = prefix.replace(/^\/+|\/+$/g, '');
  if (folder !== '' && (!PREFIX.test(folder) || folder.includes('AWSLogs')))
    throw new Problem(
      `--prefix ${JSON.stringify(prefix)} cannot be used: letters, digits and slashes, without AWSLogs.`,
      1,
    );
  return { kind: vended ? 'vended-s3' : 's3', bucket, prefix: folder };
}

function daysIn(text: string | undefined, { kind }: LogDestination): number {
  const days = text === undefined ? STANDARD_DAYS : Number(text);
  if (!Number.isInteger(days) || days < 1)
    throw new Problem(`--days ${JSON.stringify(text)} is not a number of days.`, 1);
  if (kind === 'log-group' && !RETENTION_DAYS.includes(days))
    throw new Problem(
      `A log group cannot keep events for ${days} days. Choose from: ${list(RETENTION_DAYS.map(String), RETENTION_DAYS.length)}.`,
      1,
    );
  return days;
}

/** An ARN needs no call. */
async function arnOf(
  nameOrArn: string,
  accounts: Parameters<typeof import('../collect/aws/accounts-to-search.ts').openSessions>[1],
  place: Pick<SetupLogsOptions, 'region' | 'profile'>,
  deadline: number,
): Promise<string> {
  if (/^arn:[^:]+:elasticloadbalancing:[^:]+:[0-9]+:loadbalancer\/app\/[^/]+\/[^/]+$/.test(nameOrArn)) return nameOrArn;
  const [{ openSessions }, { findLive }] = await Promise.all([
    import('../collect/aws/accounts-to-search.ts'),
    import('../collect/aws/load-balancer.ts'),
  ]);
  const interruption = new AbortController();
  process.once('SIGINT', () => interruption.abort());
  const sessions = await openSessions(nameOrArn, accounts, place, { signal: interruption.signal, deadline });
  try {
    return (await findLive(nameOrArn, sessions)).arn;
  } finally {
    for (const session of sessions) session.close();
  }
}
