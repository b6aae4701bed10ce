/** Builds the IAM policy of one bot from the policies in deploy/: one block per feature, with names filled in. Pure. */
import type { Config } from '../config.ts';
import { parseQueueAddress, partitionOf } from './queue-address.ts';

export interface PolicyStatement {
  Sid: string;
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
}

interface PolicyBlock {
  /** The feature that needs the block. */
  feature: string;
  statements: PolicyStatement[];
  /** Placeholders without a known name. */
  unknown: string[];
}

/** A log bucket, and the prefix of the log's keys. */
export interface PlaceOfLogs {
  bucket: string;
  prefix: string;
}

/** The identity and setup that a policy is for. */
export interface PolicySubject {
  /** The bot itself, or a role it assumes in another account. */
  who: 'bot' | 'role';
  /** Whether this identity reads load balancers. */
  reads: boolean;
  region: string | null;
  config: Pick<Config, 'accounts' | 'athena' | 'runs' | 'alarms'>;
  /** Null if unknown. */
  logPlaces: readonly PlaceOfLogs[] | null;
  logGroups: readonly string[];
  /** Buckets of the standard logs of CloudFront distributions. */
  edgeLogPlaces: readonly PlaceOfLogs[];
  edgeLogGroups: readonly string[];
  /** IDs of KMS keys; null without such encryption. */
  logKey: string | null;
  resultsKey: string | null;
  usesAthena: boolean;
  usesLakeFormation: boolean;
  /** `ssm:…` or `secretsmanager:…`; null if the configuration is stored elsewhere. */
  configAddress: string | null;
}

/** Statements of the policies by feature. Each is in exactly one block. */
export const POLICY_BLOCKS = [
  ['configuration, metrics and changes', ['ConfigurationMetricsAndChanges', 'TimeoutsOfLambdaTargets']],
  ['CloudFront in front', ['FindDistributions']],
  ['log of CloudFront in S3', ['FindEdgeLogFiles', 'ReadEdgeLogFiles']],
  ['log of CloudFront in CloudWatch Logs', ['ReadEdgeLogGroup']],
  ['names of targets', ['NamesOfTargets', 'WeightsOfLambdaAliases']],
  ['access log in S3', ['FindLogFiles', 'ReadLogFiles']],
  ['access log in CloudWatch Logs', ['ReadLogGroup']],
  ['queries of log groups', ['AnswersOfLogGroup']],
  ['Athena', ['QueryLogFiles', 'FindTheTable', 'QueryResults', 'WriteQueryResults']],
  ['encrypted logs', ['DecryptLogFiles']],
  ['encrypted query results', ['EncryptQueryResults']],
  ['Lake Formation', ['ReadTheTableByLakeFormation']],
  ['alarms', ['TakeAlarmsFromTheQueue', 'LookAtTheQueue']],
  ['composite alarms', ['FindLoadBalancersOfAlarms']],
  ['run records in S3', ['FindRuns', 'KeepRuns']],
  ['configuration in the Parameter Store', ['ReadTheParameter']],
  ['configuration in Secrets Manager', ['ReadTheSecret']],
] as const;
type Feature = (typeof POLICY_BLOCKS)[number][0] | 'other accounts';

/** Features that `subject` does not use, with the setting that enables each. */
type LeftOut = Map<Feature, string>;

const PLACEHOLDER = /\b(?:[A-Z]+-[A-Z]+|WORKGROUP|DATABASE)\b/g;

/** Returns the blocks this identity needs, in the order above, and the features left out. */
export function policyBlocks(
  statements: readonly PolicyStatement[],
  subject: PolicySubject,
): { blocks: PolicyBlock[]; leftOut: LeftOut } {
  const leftOut: LeftOut = new Map();
  const blocks: PolicyBlock[] = [];
  const names = namesOf(subject);
  for (const [feature, sids] of POLICY_BLOCKS) {
    const reason = reasonToLeaveOut(feature, subject);
    if (reason !== null) {
      if (reason !== '') leftOut.set(feature, reason);
      continue;
    }
    const own = statements.filter(({ Sid }) => sids.some((sid) => sid === Sid));
    const placeholders = [...new Set(JSON.stringify(own).match(PLACEHOLDER))].sort();
    const unknown = placeholders.filter((one) => ![...names.keys()].some((name) => name.includes(one)));
    blocks.push({ feature, statements: own.map((one) => fillIn(one, names)), unknown });
  }
  const assumed = assumedRoles(subject);
  if (assumed !== null) blocks.push({ feature: 'other accounts', statements: [assumed], unknown: [] });
  return { blocks, leftOut };
}

/** Returns null if the feature is needed, '' if it never applies to this identity, else how to enable it. */
function reasonToLeaveOut(feature: Feature, subject: PolicySubject): string | null {
  const { who, reads, config, logGroups, edgeLogPlaces, edgeLogGroups } = subject;
  const { logKey, resultsKey, usesAthena, usesLakeFormation, configAddress } = subject;
  const ofBot = (isUsed: boolean, hint: string): string | null => (who === 'role' ? '' : isUsed ? null : hint);
  const ofReader = (isUsed: boolean, hint: string): string | null => (!reads ? '' : isUsed ? null : hint);
  switch (feature) {
    case 'access log in CloudWatch Logs':
      return ofReader(logGroups.length > 0, 'name the log group with --log-group');
    case 'log of CloudFront in S3':
      return ofReader(
        edgeLogPlaces.length > 0,
        edgeLogGroups.length > 0 ? '' : 'name its bucket with --cloudfront-log-bucket',
      );
    case 'log of CloudFront in CloudWatch Logs':
      return ofReader(edgeLogGroups.length > 0, '');
    case 'queries of log groups':
      return ofReader(logGroups.length + edgeLogGroups.length > 0, '');
    case 'Athena':
      return ofReader(usesAthena, 'set athena.table or athena.outputLocation, or add --athena');
    case 'encrypted logs':
      return ofReader(logKey !== null, 'name the KMS key with --log-key');
    case 'encrypted query results':
      return ofReader(resultsKey !== null, usesAthena ? 'name the KMS key with --results-key' : '');
    case 'Lake Formation':
      return ofReader(usesLakeFormation, usesAthena ? 'add --lake-formation' : '');
    case 'composite alarms':
      return ofReader(config.alarms.sqs !== undefined || config.alarms.sns !== undefined, '');
    case 'alarms':
      return ofBot(config.alarms.sqs !== undefined, 'set alarms.sqs.queueUrl');
    case 'run records in S3':
      return ofBot(config.runs.s3 !== undefined, 'set runs.s3.bucket');
    case 'configuration in the Parameter Store':
      return ofBot(configAddress?.startsWith('ssm:') ?? false, '');
    case 'configuration in Secrets Manager':
      return ofBot(configAddress?.startsWith('secretsmanager:') ?? false, '');
    default:
      return ofReader(true, '');
  }
}

/** Returns the values of each policy placeholder. */
function namesOf(subject: PolicySubject): Map<string, readonly string[]> {
  const { config, region, logPlaces, logGroups, edgeLogPlaces, edgeLogGroups } = subject;
  const { logKey, resultsKey, configAddress } = subject;
  const { athena, runs, alarms } = config;
  const names = new Map<string, readonly string[]>([
    ['arn:aws:', [`arn:${partitionOf(region ?? '')}:`]],
    // Longer names first: replacing a shorter one would break them.
    ['EDGE-LOG-GROUP', edgeLogGroups],
    ...bucketNames('EDGE-LOG', edgeLogPlaces),
    ['LOG-GROUP', logGroups],
    ['WORKGROUP', [athena.workGroup]],
    ['DATABASE', [athena.database]],
    ...bucketNames('LOG', logPlaces ?? []),
  ]);
  if (logKey !== null) names.set('LOG-KEY', [logKey]);
  if (resultsKey !== null) names.set('RESULTS-KEY', [resultsKey]);
  const [, resultsBucket, resultsPrefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(athena.outputLocation ?? '') ?? [];
  if (resultsBucket !== undefined) {
    names.set('RESULTS-BUCKET', [resultsBucket]);
    names.set('RESULTS-PREFIX', [resultsPrefix]);
  }
  const queue = parseQueueAddress(alarms.sqs?.queueUrl ?? '');
  if (queue !== null) names.set('*:*:ALARM-QUEUE', [`${queue.region}:${queue.account}:${queue.name}`]);
  if (runs.s3 !== undefined) {
    names.set('RUNS-BUCKET', [runs.s3.bucket]);
    names.set('RUNS-PREFIX/', [runs.s3.prefix]);
  }
  // Use only the name in an ARN: parameter ARNs add a slash before it, secret ARNs add a hyphen and six characters
  // after it.
  const [, service, stored = ''] = /^(ssm|secretsmanager):(.*)$/.exec(configAddress ?? '') ?? [];
  if (service === 'ssm') names.set('CONFIG-PARAMETER', [stored.replace(/^.*:parameter\//, '').replace(/^\//, '')]);
  if (service === 'secretsmanager')
    names.set('CONFIG-SECRET', [stored.startsWith('arn:') ? stored.replace(/^.*:secret:/, '') : `${stored}-??????`]);
  return names;
}

/** Empty if the places are unknown. */
const bucketNames = (kind: string, places: readonly PlaceOfLogs[]): [placeholder: string, names: string[]][] =>
  places.length === 0
    ? []
    : [
        [`${kind}-BUCKET/${kind}-PREFIX`, places.map(({ bucket, prefix }) => `${bucket}/${prefix}`)],
        [`${kind}-BUCKET`, places.map(({ bucket }) => bucket)],
        [`${kind}-PREFIX`, places.map(({ prefix }) => prefix)],
      ];

/** Fills in placeholders; each value of a placeholder makes one resource. */
function fillIn(statement: PolicyStatement, names: ReadonlyMap<string, readonly string[]>): PolicyStatement {
  const fill = (text: string): string[] =>
    [...names].reduce(
      (texts, [placeholder, values]) =>
        texts.flatMap((one) =>
          one.includes(placeholder) ? values.map((value) => one.replaceAll(placeholder, () => value)) : [one],
        ),
      [text],
    );
  const fillAll = (value: string | string[]): string | string[] => {
    const all = [...new Set([value].flat().flatMap(fill))];
    const [only, ...more] = all;
    return only !== undefined && more.length === 0 && typeof value === 'string' ? only : all;
  };
  const { Condition, ...rest } = statement;
  const filled = { ...rest, Resource: fillAll(statement.Resource) };
  if (Condition === undefined) return filled;
  const conditions = Object.entries(Condition).map(([operator, keys]) => {
    const values = Object.entries(keys).map(([key, value]) => [key, fillAll(value)] as const);
    return [operator, Object.fromEntries(values)] as const;
  });
  return { ...filled, Condition: Object.fromEntries(conditions) };
}

/** Returns the statement for roles of other accounts, which only the bot itself assumes; null without roles. */
function assumedRoles({ who, config }: PolicySubject): PolicyStatement | null {
  const roles = [...new Set(config.accounts.flatMap(({ roleArn }) => roleArn ?? []))];
  if (who === 'role' || roles.length === 0) return null;
  return { Sid: 'AssumeRolesOfOtherAccounts', Effect: 'Allow', Action: 'sts:AssumeRole', Resource: roles };
}
