/**
 * iam-policy.json and what goes with parts of alb502 that not everybody uses, against the calls that src can make: none allows more than is
 * called, and nothing is called that none allows.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NAMING_ACTIONS } from '../../src/evidence/naming-actions.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** The prefix of the actions, by client. */
const SERVICES: Record<string, string> = {
  athena: 'athena',
  'auto-scaling': 'autoscaling',
  cloudfront: 'cloudfront',
  cloudtrail: 'cloudtrail',
  cloudwatch: 'cloudwatch',
  'cloudwatch-logs': 'logs',
  codedeploy: 'codedeploy',
  ec2: 'ec2',
  ecs: 'ecs',
  'elastic-load-balancing': 'elasticloadbalancing',
  'elastic-load-balancing-v2': 'elasticloadbalancing',
  firehose: 'firehose',
  glue: 'glue',
  lambda: 'lambda',
  s3: 's3',
  'secrets-manager': 'secretsmanager',
  sqs: 'sqs',
  ssm: 'ssm',
  sts: 'sts',
};

/** Where the action has another name than the call (Service Authorization Reference). */
const RENAMED: Record<string, string> = {
  's3:ListObjectsV2': 's3:ListBucket',
  's3:HeadObject': 's3:GetObject',
  's3:HeadBucket': 's3:ListBucket',
};

/** What Athena does in the name of who starts a query. */
const BEHIND: Record<string, string[]> = {
  'athena:StartQueryExecution': [
    'glue:GetDatabase',
    'glue:GetPartitions',
    'glue:GetTable',
    's3:AbortMultipartUpload',
    's3:GetBucketLocation',
    's3:GetObject',
    's3:ListBucket',
    's3:PutObject',
  ],
};

/** Called, and not a part of the policy: needs no permission; belongs to who assumes the roles of other accounts. */
const ELSEWHERE = ['sts:GetCallerIdentity', 'sts:AssumeRole'];

/** The operations of each client that a file names in its imports, plain or awaited. */
function callsIn(code: string): string[] {
  const clause = /\{([^{}]*)\}\s*(?:from|=\s*await\s+import\()\s*'@aws-sdk\/client-([a-z0-9-]+)'/g;
  return [...code.matchAll(clause)].flatMap(([, names = '', client = '']) => {
    const service = SERVICES[client];
    if (service === undefined) throw new Error(`which actions does @aws-sdk/client-${client} call?`);
    return [...names.matchAll(/\b(?:paginate([A-Z]\w+)|([A-Z]\w+)Command)\b/g)].map(([, paginated, sent]) => {
      const call = `${service}:${paginated ?? sent}`;
      return RENAMED[call] ?? call;
    });
  });
}

/** What only some need has a policy of its own: by the file that makes the calls. */
const RUNS_IN_S3 = 'src/runs/store/s3-store.ts';
const STORED_CONFIG = 'src/collect/aws/stored-config.ts';
const OF_THEIR_OWN = [RUNS_IN_S3, STORED_CONFIG];

const sources = globSync('src/**/*.ts', { cwd: root }).map((file) => file.replaceAll('\\', '/'));
const calls = new Set(sources.filter((file) => !OF_THEIR_OWN.includes(file)).flatMap((file) => callsIn(read(file))));
if (globSync('src/**/*.ts', { cwd: root }).some((file) => read(file).includes('fromTemporaryCredentials(')))
  calls.add('sts:AssumeRole');
/** Of alarms alone. */
const ofAlarms = sources.filter((file) => file.startsWith('src/alarms/'));
const alarmCalls = new Set(ofAlarms.flatMap((file) => callsIn(read(file))).filter((call) => !callsElsewhere(call)));
/** Calls that sqs-consumer makes for its user. */
if (ofAlarms.some((file) => read(file).includes("from 'sqs-consumer'")))
  for (const call of ['sqs:ChangeMessageVisibility', 'sqs:DeleteMessage', 'sqs:ReceiveMessage']) alarmCalls.add(call);
for (const call of alarmCalls) calls.delete(call);

/** Whether something beside alarms makes the call too. */
function callsElsewhere(call: string): boolean {
  return sources.some((file) => !ofAlarms.includes(file) && callsIn(read(file)).includes(call));
}

interface Statement {
  Sid: string;
  Effect: string;
  Action: string | string[];
  Resource: string | string[];
  Condition?: unknown;
}
const statementsIn = (file: string) => (JSON.parse(read(file)) as { Statement: Statement[] }).Statement;
const statements = statementsIn('deploy/iam-policy.json');

it('allows the calls of the code and of Athena on its behalf, and no others', () => {
  const needed = new Set([...calls].flatMap((call) => [call, ...(BEHIND[call] ?? [])]));
  for (const call of ELSEWHERE) needed.delete(call);
  const allowed = new Set(statements.flatMap(({ Action }) => Action));
  expect([...allowed].sort()).toEqual([...needed].sort());
});

it('covers every call: all are made by imported names', () => {
  const code = globSync('src/**/*.ts', { cwd: root }).map(read).join('\n');
  const made = [...code.matchAll(/\bnew ([A-Z]\w+)Command\(|\bpaginate([A-Z]\w+)\(/g)].map(
    ([, sent, paginated]) => sent ?? paginated,
  );
  const seen = sources.flatMap((file) => callsIn(read(file))).map((call) => call.replace(/^\w+:/, ''));
  const renamed = Object.entries(RENAMED).map(([call]) => call.replace(/^\w+:/, ''));
  expect(made.length).toBeGreaterThan(20);
  expect(made.filter((name) => !seen.includes(name ?? '') && !renamed.includes(name ?? ''))).toEqual([]);
});

/** Denied, these change no answer: they stop a query that nobody waits for, or Athena makes them and says what it lacks. */
const NOT_DENIED_ALONE = [
  'athena:StopQueryExecution',
  'logs:StopQuery',
  ...(BEHIND['athena:StartQueryExecution'] ?? []),
];

it('has the actions that name targets', () => {
  const names = statements.find(({ Sid }) => Sid === 'NamesOfTargets')?.Action ?? [];
  const elsewhere: string[] = [...NAMING_ACTIONS.aliases, ...NAMING_ACTIONS.tags];
  const listed: string[] = Object.values(NAMING_ACTIONS).flat();
  expect(listed.filter((action) => !elsewhere.includes(action)).sort()).toEqual([...names].sort());
});

it('has each action denied alone in a test: a gap names it', () => {
  const tests = globSync('test/{collect,doctor}/**/*.test.ts', { cwd: root }).map(read).join('\n');
  const isDenied = (action: string) =>
    [
      `'${action}'`,
      `denied: '${action.replace('logs:', '')}'`,
      `['${action.replace('logs:', '')}'`,
      `/^${action} on `,
    ].some((text) => tests.includes(text));
  const actions = [...new Set(statements.flatMap(({ Action }) => Action))];
  expect(actions.filter((action) => !NOT_DENIED_ALONE.includes(action) && !isDenied(action))).toEqual([]);
});

it('allows writing only query results, and nothing in the log bucket', () => {
  const writes = statements.filter(({ Action }) =>
    [Action].flat().some((action) => !/:(Get|BatchGet|Describe|List|Lookup)/.test(action)),
  );
  expect(writes.map(({ Sid, Resource }) => [Sid, Resource])).toEqual([
    ['ReadLogGroup', 'arn:aws:logs:*:*:log-group:LOG-GROUP:*'],
    ['AnswersOfLogGroup', '*'],
    ['QueryLogFiles', 'arn:aws:athena:*:*:workgroup/WORKGROUP'],
    ['WriteQueryResults', 'arn:aws:s3:::RESULTS-BUCKET/RESULTS-PREFIX*'],
  ]);
});

it('allows reading log files below their prefix, and nothing else in the bucket', () => {
  const ofTheLog = statements.filter(({ Resource }) => String(Resource).includes('LOG-BUCKET'));
  expect(ofTheLog.map(({ Action, Resource, Condition }) => [Action, Resource, Condition])).toEqual([
    ['s3:ListBucket', 'arn:aws:s3:::LOG-BUCKET', { StringLike: { 's3:prefix': 'LOG-PREFIX*' } }],
    ['s3:GetObject', 'arn:aws:s3:::LOG-BUCKET/LOG-PREFIX*', undefined],
  ]);
});

it('has the calls for alarms in a separate policy', () => {
  const own = statementsIn('deploy/iam-policy-alarms.json');
  expect(own.flatMap(({ Action }) => Action).sort()).toEqual([...alarmCalls].sort());
  expect(own.map(({ Sid, Resource }) => [Sid, Resource])).toEqual([
    ['FindLoadBalancersOfAlarms', '*'],
    ['TakeAlarmsFromTheQueue', 'arn:aws:sqs:*:*:ALARM-QUEUE'],
    ['LookAtTheQueue', ['arn:aws:sqs:*:*:ALARM-QUEUE', 'arn:aws:sqs:*:*:ALARM-QUEUE-dead-letters']],
  ]);
});

it('has the log of CloudFront in a separate policy', () => {
  const own = statementsIn('deploy/iam-policy-cloudfront-log.json');
  expect(own.map(({ Action, Resource, Condition }) => [Action, Resource, Condition])).toEqual([
    ['s3:ListBucket', 'arn:aws:s3:::EDGE-LOG-BUCKET', { StringLike: { 's3:prefix': 'EDGE-LOG-PREFIX*' } }],
    ['s3:GetObject', 'arn:aws:s3:::EDGE-LOG-BUCKET/EDGE-LOG-PREFIX*', undefined],
    [['logs:FilterLogEvents', 'logs:StartQuery'], 'arn:aws:logs:us-east-1:*:log-group:EDGE-LOG-GROUP:*', undefined],
  ]);
});

it('allows keys of encrypted logs and results only through S3', () => {
  const own = statementsIn('deploy/iam-policy-encrypted-logs.json');
  const throughS3 = { StringLike: { 'kms:ViaService': 's3.*.amazonaws.com*' } };
  expect(own.map(({ Action, Resource, Condition }) => [Action, Resource, Condition])).toEqual([
    ['kms:Decrypt', 'arn:aws:kms:*:*:key/LOG-KEY', throughS3],
    [['kms:Decrypt', 'kms:GenerateDataKey'], 'arn:aws:kms:*:*:key/RESULTS-KEY', throughS3],
  ]);
});

it('allows reading a table of Lake Formation', () => {
  expect(statementsIn('deploy/iam-policy-lake-formation.json')).toEqual([
    expect.objectContaining({ Effect: 'Allow', Action: 'lakeformation:GetDataAccess', Resource: '*' }),
  ]);
});

it('writes ARNs so that another partition changes only one place', () => {
  for (const file of globSync('deploy/iam-policy*.json', { cwd: root }))
    for (const { Resource } of statementsIn(file))
      for (const arn of [Resource].flat()) expect(arn).toMatch(/^(\*$|arn:aws:)/);
});

it('allows all resources only for calls that read', () => {
  for (const { Action, Resource, Effect } of statements) {
    expect(Effect).toBe('Allow');
    if (Resource === '*')
      for (const action of [Action].flat())
        expect(action).toMatch(/^[a-z0-9]+:(Get|BatchGet|Describe|List|Lookup)|^logs:StopQuery$/);
    expect(JSON.stringify(Action)).not.toContain('*');
  }
});

it('allows the calls of the run store in S3 below its prefix only', () => {
  const own = statementsIn('deploy/iam-policy-runs-in-s3.json');
  const needed = new Set(callsIn(read(RUNS_IN_S3)));
  expect(own.flatMap(({ Action }) => Action).sort()).toEqual([...needed].sort());
  for (const { Effect, Action, Resource, Condition } of own) {
    expect(Effect).toBe('Allow');
    // A list is of the bucket; its condition holds it to the prefix.
    const isList = Action === 's3:ListBucket';
    expect(Resource).toBe(isList ? 'arn:aws:s3:::RUNS-BUCKET' : 'arn:aws:s3:::RUNS-BUCKET/RUNS-PREFIX/*');
    expect(Condition).toEqual(isList ? { StringLike: { 's3:prefix': 'RUNS-PREFIX/*' } } : undefined);
  }
});

it('allows reading a configuration in AWS, by name', () => {
  const own = statementsIn('deploy/iam-policy-configuration.json');
  expect(own.map(({ Effect, Action, Resource }) => [Effect, Action, Resource])).toEqual([
    ['Allow', 'ssm:GetParameter', 'arn:aws:ssm:*:*:parameter/CONFIG-PARAMETER'],
    ['Allow', 'secretsmanager:GetSecretValue', 'arn:aws:secretsmanager:*:*:secret:CONFIG-SECRET'],
  ]);
  expect(own.map(({ Action }) => Action)).toEqual(expect.arrayContaining(callsIn(read(STORED_CONFIG))));
});
