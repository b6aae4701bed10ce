/** A live load balancer for tests of its access log: a question, a session to local endpoints, and what came back. */
import { onTestFinished, vi } from 'vitest';
import { beginDeliveryLookup } from '../../../src/collect/aws/delivery-lookup.ts';
import type { LiveAccessLog, LiveAccessLogOptions } from '../../../src/collect/aws/live-log-read.ts';
import { openSession } from '../../../src/collect/aws/session.ts';
import type { AccessLog } from '../../../src/evidence/access-log.ts';
import type { Question } from '../../../src/evidence/question.ts';
import type { LocalTable } from '../athena/server.ts';
import type { TableForm } from '../athena/tables.ts';
import { ARN, at, BUCKET } from '../s3/log-bucket.ts';

export const question: Question = {
  loadBalancer: { name: 'shop', arn: ARN },
  from: at('2026-03-10T12:00:00Z'),
  to: at('2026-03-10T12:15:00Z'),
  now: at('2026-03-10T13:00:00Z'),
  statuses: ['5xx'],
};

const LOGGING = { 'access_logs.s3.enabled': 'true', 'access_logs.s3.bucket': BUCKET, 'access_logs.s3.prefix': '' };

const ROOT = 'AWSLogs/123456789012/elasticloadbalancing/eu-west-1/';

/** logs.alb_access_logs over these objects of the bucket. */
export const tableOver = (objects: ReadonlyMap<string, Uint8Array>, form: TableForm): LocalTable => ({
  database: 'logs',
  name: 'alb_access_logs',
  form,
  location: `s3://${BUCKET}/${ROOT}`,
  bucket: BUCKET,
  objects,
});

export interface Endpoints {
  s3?: { endpoint: string };
  athena?: { endpoint: string };
  logs?: { endpoint: string };
}

/** Reads like a user: by DuckDB by default, with credentials from the environment. */
export function settings(endpoints: Endpoints, attributes: Record<string, string> = {}): LiveAccessLogOptions {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  // What no endpoint is given for is not there.
  const nowhere = 'http://127.0.0.1:9';
  vi.stubEnv('AWS_ENDPOINT_URL_S3', endpoints.s3?.endpoint ?? nowhere);
  vi.stubEnv('AWS_ENDPOINT_URL_ATHENA', endpoints.athena?.endpoint ?? nowhere);
  vi.stubEnv('AWS_ENDPOINT_URL_GLUE', endpoints.athena?.endpoint ?? nowhere);
  vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH_LOGS', endpoints.logs?.endpoint ?? nowhere);
  vi.stubEnv('AWS_ENDPOINT_URL_FIREHOSE', endpoints.logs?.endpoint ?? nowhere);
  vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH', endpoints.logs?.endpoint ?? nowhere);
  const session = openSession(
    { account: 'default', region: 'eu-west-1' },
    { signal: new AbortController().signal, deadline: 20_000 },
  );
  onTestFinished(() => session.close());
  return {
    session,
    question,
    attributes: {
      status: 'collected',
      source: 'aws elbv2 …',
      value: { ...LOGGING, 'idle_timeout.timeout_seconds': '60', ...attributes },
    },
    loadBalancerArn: ARN,
    engine: 'duckdb',
    athena: {
      workGroup: 'primary',
      catalog: 'AwsDataCatalog',
      database: 'logs',
      outputLocation: 's3://results/athena/',
    },
    maxUsd: null,
    keepIn: null,
    deadline: 30_000,
  };
}

/** Deliveries are looked up beforehand: a read that does not need them waits for half a second only. */
export async function withDeliveries(options: LiveAccessLogOptions): Promise<LiveAccessLogOptions> {
  const deliveries = beginDeliveryLookup(options.session, options.loadBalancerArn);
  onTestFinished(deliveries.stop);
  await deliveries.found;
  return { ...options, deliveries };
}

export function accessLogIn({ log }: Pick<LiveAccessLog, 'log'>): AccessLog {
  if (log.status !== 'collected') throw new Error(log.reason);
  return log.value;
}

export const reasonOf = ({ log }: Pick<LiveAccessLog, 'log'>): string =>
  log.status === 'unavailable' ? log.reason : log.status;
