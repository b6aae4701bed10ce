/** A proxy's or a network's web page in place of AWS, to real clients: never an answer, and one sentence that says so. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AthenaClient, GetWorkGroupCommand } from '@aws-sdk/client-athena';
import { CloudWatchClient, ListMetricsCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { DescribeLoadBalancersCommand, ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { describeAwsError } from '../../../src/collect/aws/aws-errors.ts';
import { findLive } from '../../../src/collect/aws/load-balancer.ts';
import { openSession, type Session } from '../../../src/collect/aws/session.ts';

afterEach(() => vi.unstubAllEnvs());

const PAGE =
  '<!DOCTYPE html><html><head><title>Sign in</title></head><body><p>Sign in to the network</p></body></html>';

interface Answer {
  status?: number;
  type?: string;
  body?: string;
  headers?: Record<string, string>;
}

/** A session whose every call is answered like this. */
async function answeredWith({ status = 200, type = 'text/html; charset=utf-8', body = PAGE, headers = {} }: Answer) {
  const server = createServer((_, response) => {
    response.writeHead(status, { 'content-type': type, ...headers }).end(body);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  for (const [name, value] of Object.entries({
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_MAX_ATTEMPTS: '1',
  }))
    vi.stubEnv(name, value);
  const session = openSession(
    { account: 'default', region: 'eu-west-1' },
    { signal: new AbortController().signal, deadline: 5000 },
  );
  session.settings.maxAttempts = 1;
  onTestFinished(() => {
    session.close();
    server.closeAllConnections();
    server.close();
  });
  return session;
}

const CALLS: Record<string, (session: Session) => Promise<unknown>> = {
  'elasticloadbalancing:DescribeLoadBalancers': (session) =>
    session.client(ElasticLoadBalancingV2Client).send(new DescribeLoadBalancersCommand({})),
  'ec2:DescribeSubnets': (session) => session.client(EC2Client).send(new DescribeSubnetsCommand({})),
  's3:ListBucket': (session) => session.client(S3Client).send(new ListObjectsV2Command({ Bucket: 'logs' })),
  's3:GetObject': (session) => session.client(S3Client).send(new GetObjectCommand({ Bucket: 'logs', Key: 'key' })),
  'sts:GetCallerIdentity': (session) => session.client(STSClient).send(new GetCallerIdentityCommand({})),
  'athena:GetWorkGroup': (session) => session.client(AthenaClient).send(new GetWorkGroupCommand({ WorkGroup: 'w' })),
  'cloudwatch:ListMetrics': (session) => session.client(CloudWatchClient).send(new ListMetricsCommand({})),
  'lambda:GetFunctionConfiguration': (session) =>
    session.client(LambdaClient).send(new GetFunctionConfigurationCommand({ FunctionName: 'f' })),
};

/** The sentence that a call came to; an answer is a failure of the test. */
async function sentence(action: string, session: Session): Promise<string> {
  const error = await CALLS[action]?.(session).then(
    (answer) => Promise.reject(new Error(`${action} answered ${JSON.stringify(answer)}`)),
    (reason: unknown) => reason,
  );
  return describeAwsError(error, { action, region: 'eu-west-1' });
}

describe('a web page instead of an answer', () => {
  const pages: Answer[] = [{}, { body: PAGE.replace('<p>', '<br><p>') }, { status: 403 }, { status: 502 }];
  const each = Object.keys(CALLS).flatMap((action) => pages.map((page) => ({ action, page })));

  it.each(each)('is reported for $action ($page.status)', async ({ action, page }) => {
    expect(await sentence(action, await answeredWith(page))).toBe(
      `${action} failed: what answered in place of AWS sent a web page (HTTP ${page.status ?? 200}, text/html); a proxy or the login page of a network is in between, or the endpoint is wrong (AWS_ENDPOINT_URL, HTTPS_PROXY)`,
    );
  });

  it('does not count as an account without load balancers', async () => {
    const session = await answeredWith({});
    await expect(findLive('my-alb', [session])).rejects.toThrow(/sent a web page .* the endpoint is wrong/);
  });

  it('may be the content of an object in a bucket', async () => {
    const session = await answeredWith({ headers: { 'x-amz-request-id': 'R' } });
    await expect(CALLS['s3:GetObject']?.(session)).resolves.toMatchObject({ ContentType: 'text/html; charset=utf-8' });
  });
});

it('is reported for text that is not JSON', async () => {
  const session = await answeredWith({ type: 'text/plain', body: 'no route to host' });
  expect(await sentence('athena:GetWorkGroup', session)).toMatch(
    /^athena:GetWorkGroup failed: what answered in place of AWS sent what no service of AWS sends \(HTTP 200, text\/plain\); /,
  );
});
