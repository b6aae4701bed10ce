/** Doctor about the deliveries of an access log. */
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openSession } from '../../src/collect/aws/session.ts';
import { checkLogging } from '../../src/doctor/logging.ts';
import { settings } from '../support/aws/live-log-session.ts';
import { delivery, destination, source } from '../support/cloudwatch-logs/deliveries.ts';
import { type LogsOfAccount, serveLogs } from '../support/cloudwatch-logs/server.ts';
import { ARN, at, BUCKET, deliverLogs } from '../support/s3/log-bucket.ts';
import { serveS3 } from '../support/s3/server.ts';

afterEach(() => vi.unstubAllEnvs());

const toGroup: LogsOfAccount = {
  sources: [source('ours')],
  deliveries: [delivery('ours', 'CWL')],
  destinations: [destination('CWL', 'json')],
};

async function findings(account: LogsOfAccount, enabled: 'true' | 'false') {
  const objects = deliverLogs({ from: '2026-03-10T12:00:00Z', to: '2026-03-10T12:20:00Z' });
  settings({ s3: await serveS3({ name: BUCKET, objects }), logs: await serveLogs(account) });
  const place = { account: 'default', region: 'eu-west-1' };
  const session = openSession(place, { signal: new AbortController().signal, deadline: 20_000 });
  onTestFinished(() => session.close());
  const attributes = { 'access_logs.s3.enabled': enabled, 'access_logs.s3.bucket': BUCKET };
  return (await checkLogging(session, ARN, attributes, at('2026-03-10T12:30:00Z'))).findings;
}

describe('doctor', () => {
  it("lists the vended log next to the load balancer's files", async () => {
    expect(await findings(toGroup, 'true')).toContainEqual({
      about: 'Vended log',
      state: 'ok',
      text: 'delivered to CloudWatch Logs (log group /aws/vendedlogs/alb, JSON)',
    });
  });

  it.each<[string, LogsOfAccount, string, string]>([
    ['the vended log is read', toGroup, 'ok', 'access_logs.s3.enabled is false; the vended log is read'],
    [
      'nothing is delivered',
      {},
      'missing',
      'off (access_logs.s3.enabled is false), and there is no vended delivery of its access log either. To switch it on',
    ],
    [
      'all of it goes to a stream',
      { ...toGroup, deliveries: [delivery('ours', 'FH')], destinations: [destination('FH', 'json')] },
      'missing',
      'but its access log is delivered to Firehose (stream alb-logs, JSON), which keeps nothing to read back',
    ],
  ])('reports with logging to S3 off: %s', async (_, account, state, said) => {
    const [off] = await findings(account, 'false');
    expect(off).toMatchObject({ about: 'Access log', state, text: expect.stringContaining(said) });
  });

  it('names the permission needed to see deliveries', async () => {
    expect(await findings({ ...toGroup, denied: 'DescribeDeliveries' }, 'true')).toContainEqual(
      expect.objectContaining({
        about: 'Vended log',
        state: 'missing',
        allow: { action: 'logs:DescribeDeliveries', resource: '*' },
      }),
    );
  });
});
