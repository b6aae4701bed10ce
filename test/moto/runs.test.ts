/** The S3 run store against moto: its contract, and that its policy is enough and no more. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, DeleteObjectsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { openS3Store } from '../../src/runs/store/s3-store.ts';
import { describeStore } from '../support/runs/store-contract.ts';
import { reset } from './account.ts';
import { forgetPermissions, userWith } from './permissions.ts';

const endpoint = inject('endpoint');
const region = 'eu-west-1';
const Bucket = 'example-runs';
const PREFIX = 'alb502/';
const s3 = new S3Client({
  endpoint,
  region,
  forcePathStyle: true,
  credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' },
});
const place = { bucket: Bucket, prefix: PREFIX, region, endpoint };

beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'testing');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'testing');
  await reset(endpoint);
  await s3.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration: { LocationConstraint: region } }));
});
afterAll(() => {
  vi.unstubAllEnvs();
});

async function empty(): Promise<void> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
  if (Contents.length > 0)
    await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: Contents.map(({ Key }) => ({ Key })) } }));
}

describeStore('an S3 prefix of moto', async () => {
  await empty();
  return () => openS3Store(place);
});

describe('with iam-policy-runs-in-s3.json', () => {
  it('everything works below its prefix, and nothing elsewhere', async () => {
    const text = readFileSync(join(import.meta.dirname, '../../deploy/iam-policy-runs-in-s3.json'), 'utf8')
      .replaceAll('RUNS-BUCKET', Bucket)
      .replaceAll('RUNS-PREFIX', PREFIX.replace(/[/]$/, ''));
    // moto knows nothing of the prefix of a list, and so takes its condition for one that is not met.
    const policy = JSON.stringify(JSON.parse(text, (key, value) => (key === 'Condition' ? undefined : value)));
    await empty();
    const user = await userWith(endpoint, 'runs', policy);
    for (const [name, value] of Object.entries(user)) vi.stubEnv(name, value);
    try {
      const store = await openS3Store(place);
      expect(await store.write('runs/a/run.json', '{}', 'absent')).not.toBeNull();
      expect(await store.list('')).toContain('runs/a/run.json');
      await expect(openS3Store({ ...place, prefix: 'elsewhere/' })).rejects.toThrow('was denied');
    } finally {
      await forgetPermissions(endpoint);
    }
  });
});
