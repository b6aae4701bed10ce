/** Access logs that do not go to S3 by the attributes: what is found of vended delivery, through the real client. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { readLiveAccessLog } from '../../../src/collect/aws/live-access-log.ts';
import { reasonOf, settings } from '../../support/aws/live-log-session.ts';
import { ARN } from '../../support/s3/log-bucket.ts';

afterEach(() => vi.unstubAllEnvs());

type Source = { name: string; resourceArns: string[]; logType: string };
type Delivery = { deliverySourceName: string; deliveryDestinationType: string; deliveryDestinationArn?: string };

interface Deliveries {
  sources?: Source[];
  deliveries?: Delivery[];
  /** An operation that is denied. */
  denied?: string;
}

/** CloudWatch Logs that has two items to a page. */
async function serveLogs({ sources = [], deliveries = [], denied }: Deliveries): Promise<{ endpoint: string }> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const input: { nextToken?: string } = JSON.parse(Buffer.concat(chunks).toString() || '{}');
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    response.setHeader('Content-Type', 'application/x-amz-json-1.1');
    if (operation === denied) {
      const message = `User: x is not authorized to perform: logs:${operation} on resource: arn:aws:logs:eu-west-1:123456789012:delivery:* because no policy allows it`;
      response.writeHead(400).end(JSON.stringify({ __type: 'AccessDeniedException', message }));
      return;
    }
    const from = Number(input.nextToken ?? 0);
    const items = operation === 'DescribeDeliverySources' ? sources : deliveries;
    const page = items.slice(from, from + 2);
    const more = from + 2 < items.length ? { nextToken: String(from + 2) } : {};
    const name = operation === 'DescribeDeliverySources' ? 'deliverySources' : 'deliveries';
    response.end(JSON.stringify({ [name]: page, ...more }));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}` };
}

const OTHER = ARN.replace('/shop/', '/other/');
const source = (name: string, arn = ARN, logType = 'ALB_ACCESS_LOGS'): Source => ({
  name,
  resourceArns: [arn],
  logType,
});
const delivery = (
  deliverySourceName: string,
  deliveryDestinationType: string,
  deliveryDestinationArn?: string,
): Delivery => ({
  deliverySourceName,
  deliveryDestinationType,
  ...(deliveryDestinationArn === undefined ? {} : { deliveryDestinationArn }),
});

describe('logging to S3 that is off', () => {
  it.each<[string, Deliveries, string]>([
    ['and nothing else', {}, 'and there is no vended delivery of its access log either'],
    [
      'while others are delivered',
      {
        sources: [source('a', OTHER), source('b', OTHER), source('c', ARN, 'ALB_CONNECTION_LOGS')],
        deliveries: [delivery('a', 'CWL'), delivery('b', 'CWL'), delivery('c', 'S3')],
      },
      'and there is no vended delivery of its access log either',
    ],
    [
      'while it goes to CloudWatch Logs and Firehose',
      {
        sources: [source('a', OTHER), source('b', OTHER), source('ours')],
        deliveries: [
          delivery('a', 'CWL'),
          delivery('ours', 'FH'),
          delivery('ours', 'CWL', 'arn:aws:logs:eu-west-1:123456789012:delivery-destination:alb'),
        ],
      },
      'but its access log is delivered to CloudWatch Logs (arn:aws:logs:eu-west-1:123456789012:delivery-destination:alb) and Firehose, which is not read',
    ],
    [
      'with a source that goes nowhere',
      { sources: [source('ours')] },
      'and its vended delivery source (ours) has no destination',
    ],
    [
      'and deliveries may not be looked at',
      { denied: 'DescribeDeliverySources' },
      'and whether the log is delivered another way is not known: logs:DescribeDeliverySources on arn:aws:logs:eu-west-1:123456789012:delivery:* was denied',
    ],
  ])('%s is said', async (_, found, said) => {
    const logs = await serveLogs(found);
    const live = await readLiveAccessLog(settings({ logs }, { 'access_logs.s3.enabled': 'false' }));
    expect(reasonOf(live)).toBe(`access logging to S3 is off (access_logs.s3.enabled is false), ${said}`);
    expect(live).toMatchObject({ cost: { usd: 0 }, toSave: null });
  });
});
