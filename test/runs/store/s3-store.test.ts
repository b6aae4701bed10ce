import { startFauxqs } from 'fauxqs';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openS3Store } from '../../../src/runs/store/s3-store.ts';
import { describeStore } from '../../support/runs/store-contract.ts';
import { type WritableBucket, writableBucket } from '../../support/s3/run-store-server.ts';

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'testing');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'testing');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const PLACE = { prefix: 'team/alb502/', region: 'eu-west-1' };
const opened = ({ name: bucket, endpoint }: WritableBucket) => openS3Store({ ...PLACE, bucket, endpoint });

describeStore('an S3 prefix', async () => {
  const bucket = await writableBucket();
  bucket.objects.set('team/another.json', 'of somebody else');
  bucket.objects.set('team/alb502/', '');
  return () => opened(bucket);
});

describe('a store in S3', () => {
  it('uses only its prefix, and removes its test object', async () => {
    const bucket = await writableBucket();
    const store = await opened(bucket);
    expect(bucket.objects.size).toBe(0);
    await store.write('runs/a/run.json', '{}', 'absent');
    expect([...bucket.objects.keys()]).toEqual(['team/alb502/runs/a/run.json']);
    expect(bucket.asked.every((one) => one.split(' ')[1]?.startsWith('team/alb502/'))).toBe(true);
  });

  it('accepts a folder with or without a final slash', async () => {
    const bucket = await writableBucket();
    const store = await openS3Store({ ...PLACE, prefix: 'alb502', bucket: bucket.name, endpoint: bucket.endpoint });
    await store.write('a', '1', 'absent');
    expect([...bucket.objects.keys()]).toEqual(['alb502/a']);
  });

  it('lists all pages', async () => {
    const bucket = await writableBucket();
    const store = await opened(bucket);
    const keys = Array.from({ length: 30 }, (_, at) => `runs/${String(at).padStart(2, '0')}`);
    for (const key of keys) bucket.objects.set(`team/alb502/${key}`, key);
    expect(await store.list('runs/')).toEqual(keys);
    expect(await store.list('runs/', 'runs/11')).toEqual(keys.slice(12));
  });

  it.each([-90_000, 90_000])(
    'uses the clock of S3 for all replicas: %i ms from that of this machine',
    async (ahead) => {
      const bucket = await writableBucket();
      bucket.ahead = ahead;
      const store = await opened(bucket);
      const off = () => (store.now?.() ?? 0) - Date.now();
      expect(Math.abs(off() - ahead)).toBeLessThan(3000);
      // Set right, or nearly: what is left is how long answers take.
      bucket.ahead = 2000;
      await store.read('a');
      expect(off()).toBe(0);
      bucket.ahead = ahead;
      bucket.denied.add('GET');
      await expect(store.read('a')).rejects.toThrow('denied');
      expect(Math.abs(off() - ahead)).toBeLessThan(3000);
    },
  );

  it('recognises its own write after a lost answer', async () => {
    const bucket = await writableBucket();
    const store = await opened(bucket);
    bucket.faults.push({ method: 'PUT', fault: 'lost' });
    const version = await store.write('a', 'mine', 'absent');
    expect(version).not.toBeNull();
    bucket.faults.push({ method: 'PUT', fault: 'lost' });
    expect(await store.write('a', 'mine too', { version: version ?? '' })).not.toBeNull();
    expect((await store.read('a'))?.body).toBe('mine too');
  });

  it('recognises its own write after a lost answer and a conflict', async () => {
    const bucket = await writableBucket();
    const store = await opened(bucket);
    bucket.faults.push({ method: 'PUT', fault: 'lost' });
    bucket.faults.push({ method: 'PUT', fault: { status: 409, code: 'ConditionalRequestConflict' } });
    expect(await store.write('a', 'mine', 'absent')).not.toBeNull();
  });

  it("does not mistake another's write for its own", async () => {
    const bucket = await writableBucket();
    const store = await opened(bucket);
    await store.write('a', 'same words', 'absent');
    expect(await store.write('a', 'same words', 'absent')).toBeNull();
    bucket.faults.push({ method: 'PUT', fault: { status: 409, code: 'ConditionalRequestConflict' } });
    expect(await store.write('a', 'same words', 'absent')).toBeNull();
  });

  it('retries when S3 reports a conflict or is busy', async () => {
    const bucket = await writableBucket();
    const store = await opened(bucket);
    bucket.faults.push({ method: 'PUT', fault: { status: 409, code: 'ConditionalRequestConflict' } });
    bucket.faults.push({ method: 'PUT', fault: { status: 503, code: 'SlowDown' } });
    expect(await store.write('a', 'mine', 'absent')).not.toBeNull();
    for (let at = 0; at < 50; at++)
      bucket.faults.push({ method: 'PUT', fault: { status: 409, code: 'ConditionalRequestConflict' } });
    expect(await store.write('a', 'never', { version: 'x' })).toBeNull();
  });

  it('fails when an unconditional write only ever meets conflicts', async () => {
    const bucket = await writableBucket();
    const store = await opened(bucket);
    for (let at = 0; at < 50; at++)
      bucket.faults.push({ method: 'PUT', fault: { status: 409, code: 'OperationAborted' } });
    await expect(store.write('a', 'findings', 'any')).rejects.toThrow(
      /^Run records cannot be kept in s3:.*s3:PutObject failed: .*OperationAborted/,
    );
  });

  it.each([
    ['LIST', 's3:ListBucket'],
    ['PUT', 's3:PutObject'],
    ['GET', 's3:GetObject'],
    ['DELETE', 's3:DeleteObject'],
  ])('is not opened without permission to %s, and names the action', async (method, action) => {
    const bucket = await writableBucket();
    bucket.denied.add(method);
    await expect(opened(bucket)).rejects.toThrow(
      `Run records cannot be kept in s3://example-runs/team/alb502/: ${action} was denied; iam-policy-runs-in-s3.json, with this bucket and prefix, allows what they need.`,
    );
  });

  it('is not opened when the bucket does not exist', async () => {
    const bucket = await writableBucket();
    await expect(opened({ ...bucket, name: 'another' })).rejects.toThrow(
      'there is no such bucket; create it, or name another',
    );
  });

  it('is not opened when S3 ignores conditional writes', async () => {
    const bucket = await writableBucket();
    bucket.ignoresConditions = true;
    await expect(opened(bucket)).rejects.toThrow('it ignores conditional writes');
    expect(bucket.objects.size).toBe(0);
  });

  it("is not opened when another vendor's S3 ignores conditional writes", async () => {
    const server = await startFauxqs({ port: 0, logger: false });
    onTestFinished(() => server.stop());
    server.createBucket('example-runs');
    const endpoint = `http://127.0.0.1:${server.port}`;
    await expect(openS3Store({ ...PLACE, bucket: 'example-runs', endpoint })).rejects.toThrow(
      'it ignores conditional writes',
    );
  });

  it('is not opened when nothing answers', { timeout: 60_000 }, async () => {
    const place = { ...PLACE, bucket: 'example-runs', endpoint: 'http://127.0.0.1:9' };
    await expect(openS3Store(place)).rejects.toThrow(
      /cannot be kept in s3:.*s3:ListBucket failed: its endpoint in eu-west-1/,
    );
  });

  it('reports a later failure', async () => {
    const bucket = await writableBucket();
    const store = await opened(bucket);
    for (let at = 0; at < 9; at++) bucket.faults.push({ method: 'GET', fault: { status: 500, code: 'InternalError' } });
    await expect(store.read('a')).rejects.toThrow(
      'Run records cannot be kept in s3://example-runs/team/alb502/: s3:GetObject',
    );
  });
});
