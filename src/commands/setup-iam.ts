/**
 * `alb502 setup iam`: prints the IAM policy of the bot, or of its role in another account, with known names filled in.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account, Config } from '../config.ts';
import { type PlaceOfLogs, type PolicyStatement, type PolicySubject, policyBlocks } from '../doctor/policy-blocks.ts';
import { command } from '../format/command.ts';
import { list } from '../format/wording.ts';
import { errorMessage, Problem } from '../problem.ts';
import { LOG_GROUP } from './log-group-name.ts';
import { packageRoot } from './package-root.ts';
import { printNotice } from './print-notice.ts';
import { isStoredInAws, readConfig } from './read-config.ts';

export interface SetupIamOptions {
  account?: string;
  logBucket?: string[];
  logGroup?: string[];
  cloudfrontLogBucket?: string[];
  cloudfrontLogGroup?: string[];
  logKey?: string;
  resultsKey?: string;
  athena?: true;
  lakeFormation?: true;
  region?: string;
  profile?: string;
  config?: string;
}

/** File names of the package's policies. */
const POLICY_FILE = /^iam-policy(-[a-z0-9-]+)?\.json$/;
/** A bucket, optionally with the prefix of log keys. */
const PLACE = /^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w!.'()=/-]*))?$/;
/** ID of a KMS key, alone or in its ARN. */
const KEY = /^(?:arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/)?((?:mrk-)?[0-9a-f-]{32,36})$/;

/** How the user fills in each name. */
const FILLED_BY: Readonly<Record<string, string>> = {
  'ALARM-QUEUE': 'alarms.sqs.queueUrl names no queue of AWS; write its name',
  'LOG-BUCKET': 'name the buckets of access logs with --log-bucket',
  'LOG-PREFIX': 'how the keys of the log begin, such as AWSLogs/',
  'RESULTS-PREFIX': 'how the keys of results begin; leave it out for all',
  'RESULTS-BUCKET': 'set athena.outputLocation, or write the bucket in which the workgroup keeps its results',
};

/**
 * Prints the policy on stdout, and its contents and omissions on stderr. Throws Problem (exit 1) for an invalid name.
 */
export async function setupIam(options: SetupIamOptions): Promise<void> {
  const config = await readConfig(options.config);
  const account = accountNamed(config, options.account);
  const isRole = account?.roleArn !== undefined;
  const reads = isRole || config.accounts.some(({ roleArn }) => roleArn === undefined);
  const readAccounts = isRole ? [account] : config.accounts.filter(({ roleArn }) => roleArn === undefined);
  const logGroups = namesIn(options.logGroup ?? [], LOG_GROUP, '--log-group');
  const edgeLogPlaces = (options.cloudfrontLogBucket ?? []).map((text) => placeIn(text, '--cloudfront-log-bucket'));
  const edgeLogGroups = namesIn(options.cloudfrontLogGroup ?? [], LOG_GROUP, '--cloudfront-log-group');
  const [logKey, resultsKey] = [keyIn(options.logKey, '--log-key'), keyIn(options.resultsKey, '--results-key')];
  const found = reads ? await findLogPlaces(readAccounts, config, options) : { places: [], region: null };
  const { table, outputLocation, workGroup, database } = config.athena;
  const configAddress = options.config ?? process.env.ALB502_CONFIG ?? '';
  const subject: PolicySubject = {
    who: isRole ? 'role' : 'bot',
    reads,
    region: found.region,
    config,
    logPlaces: found.places,
    logGroups,
    edgeLogPlaces,
    edgeLogGroups,
    logKey,
    resultsKey,
    usesLakeFormation: options.lakeFormation === true,
    usesAthena:
      options.athena === true ||
      table !== undefined ||
      outputLocation !== undefined ||
      workGroup !== 'primary' ||
      database !== 'default',
    configAddress: isStoredInAws(configAddress) ? configAddress : null,
  };
  const { blocks, leftOut } = policyBlocks(await readStatements(), subject);
  const Statement = blocks.flatMap(({ statements }) => statements);
  process.stdout.write(`${JSON.stringify({ Version: '2012-10-17', Statement }, null, 2)}\n`);
  for (const { feature, statements, unknown } of blocks) {
    printNotice(`For ${feature}: ${list(statements.map(({ Sid }) => Sid))}.`);
    for (const name of unknown) printNotice(`  Replace ${name}: ${FILLED_BY[name] ?? 'write its name'}.`);
  }
  for (const [feature, hint] of leftOut) printNotice(`Left out: ${feature}; to have it, ${hint}.`);
  const roles = isRole ? [] : config.accounts.filter(({ roleArn }) => roleArn !== undefined);
  const withConfig = options.config === undefined ? [] : ['--config', options.config];
  for (const { name } of roles)
    printNotice(`The policy of the role in ${name}: ${command`alb502 setup iam --account ${name} ${withConfig}`}`);
  printNotice(
    isRole
      ? `Only the policy: the role must also trust the bot, with the external ID. ${join(packageRoot(), 'deploy', 'stackset-role.yml')} creates such a role.`
      : `Nothing was changed. Save it as policy.json, then: ${command`aws iam put-role-policy --role-name alb502 --policy-name alb502 --policy-document ${['file://policy.json']}`}`,
  );
}

function accountNamed({ accounts }: Config, name: string | undefined): Account | undefined {
  if (name === undefined) return undefined;
  const found = accounts.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = list(accounts.map((one) => one.name));
  throw new Problem(`The configuration has no account ${JSON.stringify(name)}. Choose from: ${names}.`, 1);
}

async function readStatements(): Promise<PolicyStatement[]> {
  const folder = join(packageRoot(), 'deploy');
  const files = (await readdir(folder)).filter((file) => POLICY_FILE.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return texts.flatMap((text) => (JSON.parse(text) as { Statement: PolicyStatement[] }).Statement);
}

/** Validates names for a policy: a * would allow more than the block says. */
function namesIn(names: readonly string[], pattern: RegExp, option: string): string[] {
  const wrong = names.find((name) => !pattern.test(name));
  if (wrong === undefined) return [...names];
  throw new Problem(`${option} ${JSON.stringify(wrong)} is not a name. Give the name alone, without arn: or s3://.`, 1);
}

function placeIn(text: string, option: string): PlaceOfLogs {
  const [, bucket, prefix = ''] = PLACE.exec(text) ?? [];
  if (bucket !== undefined) return { bucket, prefix };
  throw new Problem(`${option} ${JSON.stringify(text)} is not a bucket. Try: ${option} my-logs/AWSLogs/`, 1);
}

function keyIn(text: string | undefined, option: string): string | null {
  if (text === undefined) return null;
  const [, id] = KEY.exec(text) ?? [];
  if (id !== undefined) return id;
  throw new Problem(`${option} ${JSON.stringify(text)} is not the ID or the ARN of a KMS key.`, 1);
}

/** Returns the named log places, else those of the load balancers; null if AWS does not answer. */
async function findLogPlaces(
  accounts: readonly Account[],
  { deadlines }: Config,
  { logBucket, region, profile }: SetupIamOptions,
): Promise<{ places: PlaceOfLogs[] | null; region: string | null }> {
  if (logBucket !== undefined)
    return {
      places: logBucket.map((text) => placeIn(text, '--log-bucket')),
      region: region ?? accounts[0]?.regions[0] ?? null,
    };
  const [{ openSessions }, { logPlaces }] = await Promise.all([
    import('../collect/aws/accounts-to-search.ts'),
    import('../doctor/create-table.ts'),
  ]);
  const interruption = new AbortController();
  process.once('SIGINT', () => interruption.abort());
  const limits = { signal: interruption.signal, deadline: deadlines.evidenceSeconds * 1000 };
  try {
    const sessions = await openSessions(null, accounts, { region, profile }, limits);
    try {
      const found = (await Promise.all(sessions.map(logPlaces))).flat();
      // Use all accounts and regions in the bucket, since others may log there later.
      const prefixes = new Set(
        found.map(({ place: { bucket, root } }) => `${bucket}/${root.replace(/AWSLogs\/.*$/, 'AWSLogs/')}`),
      );
      const places = [...prefixes].sort().map((text) => placeIn(text, '--log-bucket'));
      return { places: places.length > 0 ? places : null, region: sessions[0]?.place.region ?? null };
    } finally {
      for (const session of sessions) session.close();
    }
  } catch (error) {
    if (!(error instanceof Problem) || interruption.signal.aborted) throw error;
    printNotice(
      `Could not look up the buckets of your access logs, so their names are left open; --log-bucket names them. ${errorMessage(error)}`,
    );
    return { places: null, region: region ?? null };
  }
}
