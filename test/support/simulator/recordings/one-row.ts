/**
 * A real line, from a laboratory where a target answered garbage after eleven seconds, with real lines of the same day that lie outside
 * the window. Two plain successes were made up so that the window holds more than the failure. Written out, not simulated.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzip } from '../log-files.ts';
import { clear, type Expectation, readable } from '../recording.ts';

export const oneRowName = '004-one-row-undecided';

const account = '592752082067';
const region = 'ap-southeast-2';
const elb = `arn:aws:elasticloadbalancing:${region}:${account}`;
const loadBalancer = `${elb}:loadbalancer/app/alb-demo/1fa8b17e4c17e7c7`;
const group = `${elb}:targetgroup/alb-demo/e1419229e570d841`;

const lines = {
  '20251212T0610Z': [
    `http 2025-12-12T06:08:57.412906Z app/alb-demo/1fa8b17e4c17e7c7 13.239.55.82:55590 172.31.6.52:80 0.001 0.002 0.000 200 200 116 264 "GET http://demo.ultimatenetworkwarrior.com:80/ HTTP/1.1" "curl/8.11.1" - - ${group} "Root=1-693bb179-2d41c7f06a1b53e8790c4d12" "-" "-" 0 2025-12-12T06:08:57.409000Z "forward" "-" "-" "172.31.6.52:80" "200" "-" "-" TID_52bd0c8e917f4a63a0de1f7b84c6932e "-" "-" "-"`,
  ],
  '20251212T0620Z': [
    `http 2025-12-12T06:17:03.118274Z app/alb-demo/1fa8b17e4c17e7c7 13.239.55.82:55602 172.31.6.52:80 0.000 0.002 0.000 200 200 116 264 "GET http://demo.ultimatenetworkwarrior.com:80/ HTTP/1.1" "curl/8.11.1" - - ${group} "Root=1-693bb35f-0f7c26e15b8d4a93c1e6702a" "-" "-" 0 2025-12-12T06:17:03.115000Z "forward" "-" "-" "172.31.6.52:80" "200" "-" "-" TID_0b9a6e5d4c3f42718e2d7c6b5a493810 "-" "-" "-"`,
    `http 2025-12-12T06:19:41.701455Z app/alb-demo/1fa8b17e4c17e7c7 13.239.55.82:55614 172.31.6.52:80 0.000 11.083 -1 502 - 39 277 "GET http://52.63.142.248:80/ HTTP/1.1" "-" - - ${group} "Root=1-693bb3f2-71b560c458bf732c4d88fcf8" "-" "-" 0 2025-12-12T06:19:28.938000Z "forward" "-" "-" "172.31.6.52:80" "-" "-" "-" TID_aedf5f6ebcb04c44bc925caec81449a4 "-" "-" "-"`,
  ],
  '20251212T0750Z': [
    `h2 2025-12-12T07:46:28.345473Z app/alb-demo/1fa8b17e4c17e7c7 13.239.55.82:55608 172.31.6.52:443 -1 -1 -1 502 - 42 192 "GET https://demo.ultimatenetworkwarrior.com:443/ HTTP/2.0" "curl/8.11.1" TLS_AES_128_GCM_SHA256 TLSv1.3 ${elb}:targetgroup/alb-demo-https/fbf6f0e501cf0e4e "Root=1-693bc854-5f79074a0775e27e2223ebf3" "demo.ultimatenetworkwarrior.com" "arn:aws:acm:ap-southeast-2:592752082067:certificate/56609dae-79ce-4b2b-b54a-55a73dca1485" 0 2025-12-12T07:46:28.343000Z "forward" "-" "-" "172.31.6.52:443" "-" "-" "-" TID_9b58dfc3ffd1f642b5f5ce813d6f3f12 "-" "-" "-"`,
  ],
};

const expected: Expectation = {
  verdict: { cause: null, standing: 'undecided' },
  between: ['closed-mid-request', 'malformed-response', 'response-header-too-large'],
  ruledOut: ['keep-alive-race'],
  mustNotClaim: [
    'keep-alive-race',
    'closed-mid-request',
    'malformed-response',
    'response-header-too-large',
    'worker-timeout',
    'security-group-blocked',
    'slow-target',
  ],
  requests: 2,
  errors: 1,
  byStatus: { '502': 1 },
  signatures: { 'closed-before-response': 1 },
  why: 'A target answered garbage after 11 s; one row `0.000 11.083 -1 502` cannot say whether the connection was closed, the response malformed or its headers too large. 11 s is far from the instant failure of a keep-alive race, which the short default advice would name.',
};

export function writeOneRow(root: string): number {
  const folder = join(root, oneRowName);
  clear(folder);
  let bytes = 0;
  const write = (path: string, content: string | Buffer) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
    bytes += content.length;
  };
  const json = (path: string, value: unknown) => write(path, readable(value));
  json('incident.json', {
    loadBalancer: 'app/alb-demo/1fa8b17e4c17e7c7',
    from: '2025-12-12T06:15:00Z',
    to: '2025-12-12T06:30:00Z',
    now: '2025-12-12T08:30:00Z',
  });
  for (const [end, own] of Object.entries(lines))
    write(
      `logs/AWSLogs/${account}/elasticloadbalancing/${region}/2025/12/12/${account}_elasticloadbalancing_${region}_app.alb-demo.1fa8b17e4c17e7c7_${end}_52.63.142.248_3k9d2x7q.log.gz`,
      gzip(`${own.join('\n')}\n`),
    );
  const dimensions = { LoadBalancer: 'app/alb-demo/1fa8b17e4c17e7c7' };
  const counter = (MetricName: string, Dimensions: Record<string, string>, points: Record<string, number>) => ({
    MetricName,
    Dimensions,
    Stat: 'Sum',
    Period: 60,
    Timestamps: Object.keys(points),
    Values: Object.values(points),
  });
  const ofGroup = { ...dimensions, TargetGroup: 'targetgroup/alb-demo/e1419229e570d841' };
  json('metrics.json', [
    counter('RequestCount', dimensions, { '2025-12-12T06:17:00Z': 1, '2025-12-12T06:19:00Z': 1 }),
    counter('HTTPCode_ELB_502_Count', dimensions, { '2025-12-12T06:19:00Z': 1 }),
    counter('HTTPCode_ELB_504_Count', dimensions, {}),
    counter('HTTPCode_ELB_5XX_Count', dimensions, { '2025-12-12T06:19:00Z': 1 }),
    counter('TargetConnectionErrorCount', ofGroup, {}),
    counter('HTTPCode_Target_5XX_Count', ofGroup, {}),
  ]);
  json('aws/describe-load-balancers.json', {
    LoadBalancers: [
      {
        LoadBalancerArn: loadBalancer,
        DNSName: 'alb-demo-1974023788.ap-southeast-2.elb.amazonaws.com',
        CanonicalHostedZoneId: 'Z1GM3OXH4ZPM65',
        CreatedTime: '2025-12-11T12:58:31.410000+00:00',
        LoadBalancerName: 'alb-demo',
        Scheme: 'internet-facing',
        VpcId: 'vpc-0123456789abcdef0',
        State: { Code: 'active' },
        Type: 'application',
        SecurityGroups: ['sg-0123456789abcdef0'],
        IpAddressType: 'ipv4',
      },
    ],
  });
  json('aws/describe-load-balancer-attributes.json', {
    [loadBalancer]: {
      Attributes: [
        { Key: 'access_logs.s3.enabled', Value: 'true' },
        { Key: 'access_logs.s3.bucket', Value: 'example-alb-logs' },
        { Key: 'idle_timeout.timeout_seconds', Value: '60' },
      ],
    },
  });
  json('aws/describe-target-groups.json', {
    TargetGroups: [
      {
        TargetGroupArn: group,
        TargetGroupName: 'alb-demo',
        Protocol: 'HTTP',
        Port: 80,
        VpcId: 'vpc-0123456789abcdef0',
        HealthCheckProtocol: 'HTTP',
        HealthCheckPort: 'traffic-port',
        HealthCheckEnabled: true,
        HealthCheckIntervalSeconds: 30,
        HealthCheckTimeoutSeconds: 5,
        HealthyThresholdCount: 5,
        UnhealthyThresholdCount: 2,
        HealthCheckPath: '/',
        Matcher: { HttpCode: '200' },
        LoadBalancerArns: [loadBalancer],
        TargetType: 'instance',
        ProtocolVersion: 'HTTP1',
        IpAddressType: 'ipv4',
      },
    ],
  });
  json('aws/describe-target-health.json', {
    [group]: {
      TargetHealthDescriptions: [
        {
          Target: { Id: 'i-0123456789abcdef0', Port: 80 },
          HealthCheckPort: '80',
          TargetHealth: { State: 'healthy' },
        },
      ],
    },
  });
  json('expected.json', expected);
  return bytes;
}
