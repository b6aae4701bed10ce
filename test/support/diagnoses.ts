/** Diagnoses written by hand, as a person could receive them. Numbers in one agree with each other. */

import { CAUSE_IDS, type CauseId } from '../../src/diagnose/causes/index.ts';
import { STEP_TITLES } from '../../src/diagnose/checks/check.ts';
import type { CheckId } from '../../src/diagnose/checks/index.ts';
import type {
  CauseResult,
  CheckFinding,
  ChecklistStep,
  CheckOutcome,
  Diagnosis,
  Fix,
  Gap,
  StepNumber,
  TimelineBucket,
} from '../../src/diagnose/diagnosis.ts';
import { gapSentence } from '../../src/diagnose/gaps.ts';
import type { Command } from '../../src/format/command.ts';

const GUIDE = 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application';
const REFERENCE = `${GUIDE}/load-balancer-troubleshooting.html`;
const ARN = 'arn:aws:elasticloadbalancing:eu-west-1:111122223333';

/** "keep-alive-race" → "Keep-alive race". */
const title = (id: CauseId): string => {
  const words = id.replaceAll('-', ' ').replace('keep alive', 'keep-alive').replace('mid request', 'mid-request');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

const fix = (summary: string, commands: string[] = [], sideEffects: string[] = []): Fix => ({
  summary,
  commands: commands as Command[],
  sideEffects,
});

const cause = (id: CauseId, told: Partial<CauseResult> = {}): CauseResult => ({
  id,
  title: title(id),
  standing: 'untested',
  summary: null,
  explains: 0,
  for: [],
  against: [],
  missing: [],
  fix: fix('Nothing to do.'),
  reference: REFERENCE,
  ...told,
});

/** Every cause: the given ones first, in their order, then the others untested. */
const causes = (...told: CauseResult[]): CauseResult[] => [
  ...told,
  ...CAUSE_IDS.filter((id) => !told.some((one) => one.id === id)).map((id) => cause(id)),
];

const finding = (
  check: CheckId,
  outcome: CheckOutcome,
  summary: string,
  told: Partial<CheckFinding> = {},
): CheckFinding => ({
  check,
  outcome,
  summary,
  facts: [],
  missing: [],
  sources: [],
  why: 'It says where the error was made.',
  fix: null,
  reference: REFERENCE,
  ...told,
});

/** The gaps as sentences and as data. */
export const gaps = (...all: Gap[]): Pick<Diagnosis, 'gaps' | 'gapDetails'> => ({
  gaps: all.map(gapSentence),
  gapDetails: all,
});

const logGap = (sentence: string): Gap => ({ kind: 'incomplete', sentence, iamStatement: null, evidence: 'accessLog' });

const RANK: CheckOutcome[] = ['fail', 'unknown', 'pass', 'not-applicable'];

const steps = (findings: Record<StepNumber, CheckFinding[]>): ChecklistStep[] =>
  ([1, 2, 3, 4, 5, 6] as const).map((step) => ({
    step,
    title: STEP_TITLES[step],
    outcome: RANK.find((outcome) => findings[step].some((one) => one.outcome === outcome)) ?? 'not-applicable',
    findings: findings[step],
  }));

const minutes = (
  start: string,
  requests: number[],
  bySignature: (index: number) => TimelineBucket['bySignature'],
): TimelineBucket[] =>
  requests.map((amount, index) => ({
    from: new Date(Date.parse(start) + index * 60_000).toISOString(),
    to: new Date(Date.parse(start) + (index + 1) * 60_000).toISOString(),
    requests: amount,
    bySignature: bySignature(index),
  }));

const SQL = `SELECT elb_status_code, target_status_code, count(*)
FROM entries
WHERE elb = 'app/shop-prod/50dc6c495c0c9188' AND time >= '2026-11-20T02:40:00' AND time < '2026-11-20T02:55:00'
GROUP BY 1, 2`;

const RACES = [7, 11, 13, 9, 6, 14, 17, 10, 8, 12, 9, 6, 8, 9, 7];
const REQUESTS = [5210, 4802, 4377, 4699, 5105, 4301, 3988, 4720, 4890, 4412, 4787, 5203, 4950, 4811, 4949];

/** A likely keep-alive race beside a second, smaller cause. */
export const race: Diagnosis = {
  schema: 1,
  loadBalancer: { name: 'shop-prod', arn: `${ARN}:loadbalancer/app/shop-prod/50dc6c495c0c9188` },
  window: { from: '2026-11-20T02:40:00.000Z', to: '2026-11-20T02:55:00.000Z' },
  asked: { statuses: ['5xx'], targetGroup: null, zone: null, now: '2026-11-20T03:11:00.000Z' },
  provisional: false,
  triage: {
    requests: 71_204,
    errors: 149,
    byStatus: { '502': 149 },
    errorRate: 149 / 71_204,
    firstError: '2026-11-20T02:40:02.118Z',
    lastError: '2026-11-20T02:54:51.904Z',
    ongoing: true,
    clients: 139,
    routes: [
      { route: 'GET /orders/:id', errors: 31, requests: 14_210 },
      { route: 'GET /', errors: 22, requests: 11_877 },
      { route: 'POST /reports', errors: 4, requests: 212 },
    ],
    retriedOk: 131,
    clientClosed: 4,
    summary:
      '149 of 71,204 requests failed (0.21 %), steady, 3 routes, 139 clients; 131 succeeded on retry. Still happening at 02:54:51 UTC.',
  },
  completeness: {
    errorsInLog: 149,
    errorsInMetrics: 149,
    newestEntry: '2026-11-20T02:59:58.410Z',
    unreadableLines: 0,
  },
  signatures: [
    {
      id: 'closed-before-response',
      count: 149,
      share: 1,
      ambiguousBetween: [
        'keep-alive-race',
        'closed-mid-request',
        'worker-timeout',
        'malformed-response',
        'response-header-too-large',
      ],
    },
  ],
  timeline: minutes('2026-11-20T02:40:00.000Z', REQUESTS, (index) => ({
    'closed-before-response': (RACES[index] ?? 0) + ([3, 8, 12].includes(index) ? 1 : 0),
  })),
  steps: steps({
    1: [
      finding('access-logging', 'pass', 'Access logging is on (s3://shop-logs/prod).', {
        sources: [
          'aws elbv2 describe-load-balancer-attributes --load-balancer-arn arn:aws:elasticloadbalancing:…',
          SQL,
        ],
      }),
      finding('error-origin', 'pass', 'The load balancer generated all 149 errors; no target sent any.', {
        sources: [SQL],
      }),
      finding(
        'error-reason',
        'not-applicable',
        'error_reason is "-" for all 149 errors, as is normal unless Lambda, WAF or authentication fails.',
      ),
    ],
    2: [finding('target-group-protocol', 'pass', 'api speaks HTTP; the traffic is consistent with that.')],
    3: [
      finding(
        'measured-keep-alive',
        'fail',
        'Targets of api close idle connections after 6.00 s (seen in 141 of 146 immediate closes); the load balancer reuses connections for up to 60 s.',
        {
          facts: [
            { label: 'errors at the edge', value: 141, unit: 'requests' },
            { label: 'measured', value: 6, unit: 'seconds' },
            { label: 'expected by chance', value: 3, unit: 'requests' },
            { label: 'rate against traffic', value: 'r = −0.71 over 15 minutes' },
          ],
          fix: 'Make the targets keep idle connections longer than 60 s.',
          sources: [SQL],
        },
      ),
    ],
    4: [
      finding(
        'failing-routes',
        'pass',
        'No route always fails. 3 routes with errors; the worst is POST /reports: 1.9 % of its 212 requests.',
      ),
    ],
    5: [finding('traffic-port-path', 'pass', 'The paths to all 6 registered targets are open.')],
    6: [
      finding('target-health', 'pass', 'Target health now: api 6 healthy.'),
      finding('recent-changes', 'unknown', 'Could not check recent changes: cloudtrail:LookupEvents was denied.'),
    ],
  }),
  causes: causes(
    cause('keep-alive-race', {
      title: 'Keep-alive race',
      standing: 'likely',
      explains: 146 / 149,
      for: [
        '146 connections closed within 4 ms of the request, as in a race.',
        '141 failed requests came 6.00 to 6.01 s after an earlier response on the same node and target; 3 would be expected by chance.',
        'The rate falls when traffic rises (r = −0.71 over 15 minutes)',
        'Idle timeout of the load balancer: 60 s',
      ],
      fix: fix(
        "Raise the keep-alive timeout of api to 65 s or more, above the load balancer's idle timeout of 60 s.",
        [
          'server.keepAliveTimeout = 65_000;   // milliseconds, above the idle timeout of the load balancer\nserver.headersTimeout = 66_000;     // only needed before Node 18.2',
          'aws elbv2 modify-load-balancer-attributes --load-balancer-arn arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop-prod/50dc6c495c0c9188 --attributes Key=idle_timeout.timeout_seconds,Value=5',
        ],
        [
          'Call server.closeIdleConnections() on SIGTERM, or shutdown waits up to 65 s.',
          'The AWS command is a stopgap: it ends requests idle for 5 s. Undo it once api is fixed.',
        ],
      ),
    }),
    cause('worker-timeout', {
      standing: 'possible',
      explains: 3 / 149,
      for: ['3 of 149 were closed after 30.0 s on POST /reports, 3 different targets'],
      against: ['3 errors are too few to tell a fixed duration from chance'],
      missing: ["The worker timeout of the application's server"],
      fix: fix('Raise the worker timeout above the slowest request, or make POST /reports asynchronous.'),
    }),
    cause('malformed-response', {
      standing: 'ruled-out',
      against: ['the same 3 routes succeed 99.8 % of the time'],
    }),
    cause('response-header-too-large', {
      standing: 'ruled-out',
      against: ['146 of 149 were closed within 4 ms, before a header of 32 KB could be sent'],
    }),
    cause('closed-mid-request', {
      standing: 'ruled-out',
      against: ['no target stands out (22 to 28 errors each), all 6 stayed healthy'],
    }),
    cause('connection-refused', { standing: 'ruled-out', against: ['0 connection errors in CloudWatch'] }),
    cause('security-group-blocked', {
      standing: 'ruled-out',
      against: ['All 149 failed requests were sent on an open connection; a dropped SYN times out after 10 s'],
    }),
    cause('network-acl-blocked', {
      standing: 'ruled-out',
      against: ['All 149 failed requests were sent on an open connection; a dropped SYN times out after 10 s'],
    }),
    cause('shutdown-before-drain', { missing: ['cloudtrail:LookupEvents was denied'] }),
  ),
  verdict: {
    cause: 'keep-alive-race',
    standing: 'likely',
    between: [],
    explains: 146 / 149,
    summary:
      'Keep-alive race on target group api: its targets close idle connections after 6 s, but the load balancer reuses them for up to 60 s.',
    decidedBy: null,
  },
  parts: [
    { causes: ['keep-alive-race'], standing: 'likely', errors: 146, share: 146 / 149, event: null },
    { causes: ['worker-timeout'], standing: 'likely', errors: 3, share: 3 / 149, event: null },
  ],
  events: [],
  beside: {
    targetMade: {},
    clientClosed: 4,
    statuses: [
      {
        status: '460',
        madeBy: 'load-balancer',
        requests: 4,
        share: 4 / 71_204,
        medianSeconds: 5,
        routes: [{ route: 'GET /', requests: 4 }],
      },
    ],
    badRequestGroups: [],
  },
  impact: 'high',
  keepAlive: {
    targetGroup: 'api',
    measuredSeconds: 6,
    idleTimeoutSeconds: 60,
    errorsAtEdge: 141,
    errorsExamined: 146,
    runtimes: ['Node.js 20 or later (keepAliveTimeout 5 s + 1 s buffer)'],
    measuredFrom: null,
    longerLook: null,
  },
  traces: null,
  networkPaths: [],
  ...gaps({
    kind: 'denied',
    sentence:
      'Could not check recent changes (CloudTrail): cloudtrail:LookupEvents was denied for arn:aws:iam::111122223333:role/alb502.',
    iamStatement: '{"Effect":"Allow","Action":"cloudtrail:LookupEvents","Resource":"*"}',
    evidence: 'changes',
  }),
  cost: { bytesScanned: 12_400_000, usd: 0.0001, queries: 6 },
};

const TRACE = 'Root=1-693bb3f2-71b560c458bf732c4d88fcf8';

/** One row that several causes would leave. */
export const undecided: Diagnosis = {
  ...race,
  loadBalancer: { name: 'alb-demo', arn: null },
  window: { from: '2025-12-12T06:15:00.000Z', to: '2025-12-12T06:25:00.000Z' },
  asked: { statuses: ['502'], targetGroup: null, zone: null, now: '2025-12-12T06:45:00.000Z' },
  triage: {
    requests: 1,
    errors: 1,
    byStatus: { '502': 1 },
    errorRate: 1,
    firstError: '2025-12-12T06:19:41.701Z',
    lastError: '2025-12-12T06:19:41.701Z',
    ongoing: false,
    clients: 1,
    routes: [{ route: 'GET /', errors: 1, requests: 1 }],
    retriedOk: 0,
    clientClosed: 0,
    summary: '1 of 1 request failed, at 06:19:41 UTC; 1 route, 1 client, no successful retry.',
  },
  completeness: { errorsInLog: 1, errorsInMetrics: null, newestEntry: '2025-12-12T06:19:41.701Z', unreadableLines: 0 },
  signatures: [
    {
      id: 'closed-before-response',
      count: 1,
      share: 1,
      ambiguousBetween: ['closed-mid-request', 'malformed-response', 'response-header-too-large'],
    },
  ],
  timeline: minutes(
    '2025-12-12T06:15:00.000Z',
    [0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
    (index): TimelineBucket['bySignature'] => (index === 4 ? { 'closed-before-response': 1 } : {}),
  ),
  steps: steps({
    1: [
      finding('error-origin', 'pass', 'The load balancer generated the error; no target sent it.'),
      finding(
        'log-completeness',
        'unknown',
        'The log has 1 error generated by the load balancer; the CloudWatch metrics could not be read to compare with.',
      ),
    ],
    2: [
      finding(
        'target-group-protocol',
        'unknown',
        'Could not check target group protocol: the incident folder has no data on target groups.',
      ),
    ],
    3: [
      finding(
        'measured-keep-alive',
        'not-applicable',
        'No request failed within 100 ms of being sent, so none looks like a keep-alive race.',
      ),
    ],
    4: [
      finding('failing-routes', 'not-applicable', '1 route with errors; 1 request in all, too few to compare routes.'),
    ],
    5: [finding('traffic-port-path', 'pass', 'The path to the traffic port is open.')],
    6: [
      finding(
        'target-health',
        'unknown',
        'Could not check target health: the incident folder has no data on target groups and target health.',
      ),
    ],
  }),
  causes: causes(
    cause('closed-mid-request', {
      standing: 'possible',
      explains: 1,
      for: ['1 connection closed 11.1 s after the request was sent.'],
      fix: fix("Read the application's log around the error: look for an exception, a kill or a restart."),
    }),
    cause('malformed-response', {
      standing: 'possible',
      explains: 1,
      for: ['1 error looks like a response that the load balancer rejected.'],
      fix: fix('Look at the raw response (curl --raw -sSi) from inside the VPC.'),
    }),
    cause('response-header-too-large', {
      standing: 'possible',
      explains: 1,
      for: ['1 error looks like a response that the load balancer rejected.'],
      fix: fix('Measure the response headers from inside the VPC; over 32,768 bytes, shorten cookies.'),
    }),
    cause('keep-alive-race', {
      standing: 'ruled-out',
      against: ['The request on the closed connection failed 11.1 s after being sent; a race fails within 100 ms.'],
    }),
    cause('security-group-blocked', {
      standing: 'ruled-out',
      against: ['The failed request went over an open connection.'],
    }),
    cause('slow-target', { missing: ['load balancer attributes were not recorded'] }),
  ),
  verdict: {
    cause: null,
    standing: 'undecided',
    between: ['closed-mid-request', 'malformed-response', 'response-header-too-large'],
    explains: 1,
    summary:
      'Undecided between connection closed by the target mid-request, malformed HTTP response and response headers over 32 KB (1 error).',
    decidedBy: `What the application logged for ${TRACE}.`,
  },
  parts: [
    {
      causes: ['closed-mid-request', 'malformed-response', 'response-header-too-large'],
      standing: 'undecided',
      errors: 1,
      share: 1,
      event: null,
    },
  ],
  events: [],
  beside: { targetMade: {}, clientClosed: 0, statuses: [], badRequestGroups: [] },
  impact: 'low',
  keepAlive: {
    ...{ targetGroup: 'demo', measuredSeconds: null, idleTimeoutSeconds: null },
    errorsAtEdge: 0,
    errorsExamined: 0,
    runtimes: [],
    measuredFrom: null,
    longerLook: null,
  },
  traces: {
    ids: [TRACE],
    grep: "grep -rE '1-693bb3f2-71b560c458bf732c4d88fcf8' /var/log/",
    logsInsights:
      "fields @timestamp, @logStream, @message\n| filter @message like '1-693bb3f2-71b560c458bf732c4d88fcf8'\n| sort @timestamp asc",
    logFormat: ['log_format traced \'$remote_addr [$time_iso8601] "$request" $status trace=$http_x_amzn_trace_id\';'],
    meaning: {
      absent: 'the request never reached the application (if it logs trace IDs)',
      started: 'it crashed or was killed',
      finished: 'the response was malformed, or its headers were over 32 KB',
    },
  },
  ...gaps(
    {
      kind: 'not-recorded',
      sentence: 'Could not check CloudWatch metrics: metrics.json is missing.',
      iamStatement: null,
      evidence: 'metrics',
    },
    {
      kind: 'not-recorded',
      sentence: 'Could not check target health: aws/describe-target-health.json is missing.',
      iamStatement: null,
      evidence: 'targetHealth',
    },
  ),
  cost: { bytesScanned: 412, usd: 0, queries: 6 },
};

/** Rows were read and nothing failed. */
export const nothing: Diagnosis = {
  ...race,
  triage: {
    ...race.triage,
    requests: 71_055,
    errors: 0,
    byStatus: {},
    errorRate: 0,
    firstError: null,
    lastError: null,
    ongoing: false,
    clients: 0,
    routes: [],
    retriedOk: 0,
    clientClosed: 0,
    summary: '',
  },
  completeness: { ...race.completeness, errorsInLog: 0, errorsInMetrics: 0 },
  signatures: [],
  timeline: minutes('2026-11-20T02:40:00.000Z', REQUESTS, () => ({})),
  steps: steps({
    1: [finding('access-logging', 'pass', 'Access logging is on (s3://shop-logs/prod).')],
    2: [finding('target-group-protocol', 'pass', 'api speaks HTTP; the traffic is consistent with that.')],
    3: [
      finding(
        'measured-keep-alive',
        'not-applicable',
        "No target closed a connection before a response, so the targets' keep-alive timeout cannot be measured.",
      ),
    ],
    4: [finding('failing-routes', 'not-applicable', 'No matching errors in the window.')],
    5: [
      finding('traffic-port-path', 'fail', 'sg-0a1b2c3d of api refers to sg-0dead, which does not exist.', {
        fix: 'Replace the reference with the security group of the load balancer, sg-0123.',
      }),
    ],
    6: [finding('target-health', 'pass', 'Target health now: api 6 healthy.')],
  }),
  causes: causes(),
  verdict: {
    cause: null,
    standing: 'none',
    between: [],
    explains: 0,
    summary:
      'No request failed with 5xx from 02:40:00 to 02:55:00 UTC. The access log has 71,055 requests in that time; its newest entry is from 02:59:58 UTC.',
    decidedBy: null,
  },
  parts: [],
  beside: { targetMade: {}, clientClosed: 0, statuses: [], badRequestGroups: [] },
  impact: 'low',
  keepAlive: null,
  ...gaps(),
};

/** No entry has arrived yet; CloudWatch counts errors. */
export const early: Diagnosis = {
  ...race,
  asked: { statuses: ['5xx'], targetGroup: null, zone: null, now: '2026-11-20T02:56:10.000Z' },
  provisional: true,
  triage: {
    requests: null,
    errors: null,
    byStatus: {},
    errorRate: null,
    firstError: null,
    lastError: null,
    ongoing: null,
    clients: null,
    routes: [],
    retriedOk: null,
    clientClosed: 0,
    summary: 'CloudWatch counts 149 × 502; no entry of the window has arrived.',
  },
  completeness: { errorsInLog: 0, errorsInMetrics: 149, newestEntry: '2026-11-20T02:38:07.220Z', unreadableLines: 2 },
  signatures: [],
  timeline: [],
  steps: steps({
    1: [
      finding(
        'access-logging',
        'unknown',
        'The log has no entries for this load balancer in the window (newest: 02:38:07 UTC).',
      ),
      finding('log-completeness', 'pass', 'CloudWatch counts 149 errors.'),
    ],
    2: [
      finding(
        'target-group-protocol',
        'unknown',
        'api is set to HTTP; could not check the traffic: the log has no entry in the window.',
      ),
    ],
    3: [finding('measured-keep-alive', 'unknown', 'The log has no entries for this load balancer in the window.')],
    4: [finding('failing-routes', 'unknown', 'The log has no entries for this load balancer in the window.')],
    5: [
      finding(
        'traffic-port-path',
        'unknown',
        'Could not check traffic port path: ec2:DescribeNetworkAcls was denied for arn:aws:iam::111122223333:role/alb502.',
        {
          facts: [{ label: 'subnets', value: 3 }],
        },
      ),
    ],
    6: [finding('target-health', 'pass', 'Target health now: api 6 healthy.')],
  }),
  causes: causes(),
  verdict: {
    cause: null,
    standing: 'undecided',
    between: [],
    explains: 1,
    summary: 'Undecided: no access-log entry between 02:40:00 and 02:55:00 UTC has arrived yet.',
    decidedBy: 'Files usually arrive within 5 to 10 minutes: check again at 03:01:00 UTC.',
  },
  parts: [{ causes: [], standing: 'unread', errors: 149, share: 1, event: null }],
  beside: { targetMade: {}, clientClosed: 0, statuses: [], badRequestGroups: [] },
  keepAlive: null,
  traces: null,
  ...gaps(
    {
      kind: 'denied',
      sentence:
        'Could not check network ACLs: ec2:DescribeNetworkAcls was denied for arn:aws:iam::111122223333:role/alb502.',
      iamStatement: '{"Effect":"Allow","Action":"ec2:DescribeNetworkAcls","Resource":"*"}',
      evidence: 'networkAcls',
    },
    logGap(
      'logs/111122223333_elasticloadbalancing_eu-west-1_app.shop-prod.50dc6c495c0c9188_20261120T0240Z_10.0.1.17_2w8k1xqz.log.gz: not gzip, 0 lines used.',
    ),
    logGap('2 lines in 1 file are not access-log entries.'),
  ),
  cost: { bytesScanned: 0, usd: 0, queries: 6 },
};

/** What a stranger can write into a path, a header or a tag. */
export const HOSTILE =
  '<!channel> @everyone #1 \u001b[31mred\u001b[0m `code` | [x](https://evil.example) <script> \u202egnp.exe \u200b\u0007\r\n**b** _i_ www.evil.example &amp; ```';

/** Everything that comes from outside is hostile. */
export const hostile: Diagnosis = {
  ...race,
  loadBalancer: { name: `shop${HOSTILE}`, arn: null },
  triage: {
    ...race.triage,
    byStatus: { '502': 148, '5\u001b[2J|\u202e': 1 },
    routes: [{ route: `GET /${HOSTILE}`, errors: 149, requests: 200 }],
    summary: `149 of 200 requests of GET /${HOSTILE} failed.`,
  },
  steps: race.steps.map((step) => ({
    ...step,
    title: step.title,
    findings: [
      finding('failing-routes', 'fail', `GET /${HOSTILE} fails`, {
        facts: [{ label: HOSTILE, value: HOSTILE }],
        sources: [`SELECT '${HOSTILE}'`],
        fix: `Look at ${HOSTILE}`,
      }),
    ],
  })),
  causes: race.causes.map((one) => ({
    ...one,
    for: one.for.map((text) => `${text} ${HOSTILE}`),
    against: one.against.map((text) => `${text} ${HOSTILE}`),
    missing: one.missing.map((text) => `${text} ${HOSTILE}`),
    fix: fix(`${one.fix.summary} ${HOSTILE}`, [`echo '${HOSTILE}'`], [HOSTILE]),
  })),
  verdict: { ...race.verdict, summary: `GET /${HOSTILE} fails.` },
  keepAlive: race.keepAlive && { ...race.keepAlive, targetGroup: HOSTILE, runtimes: [HOSTILE] },
  traces: undecided.traces && { ...undecided.traces, ids: [HOSTILE], grep: `grep '${HOSTILE}'` },
  ...gaps(logGap(`${HOSTILE}.log.gz: not gzip`)),
};
