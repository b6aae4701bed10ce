/** Reads the beginning of a log object, as a diagnosis would read all of it. */

import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { LogPlace } from '../collect/access-log/log-place.ts';
import { bucketArn, type LogObject } from '../collect/access-log/s3-log.ts';
import type { Session } from '../collect/aws/session.ts';
import type { DoctorFinding } from './finding.ts';
import { probeCall } from './probe.ts';

/** Bytes; the compressed first line always fits. */
const BEGINNING = 65_536;

/** `about`: of the finding; `beginning` is null if the object cannot be read. */
export async function readBeginning(
  session: Session,
  place: LogPlace,
  { key }: LogObject,
  about: string,
): Promise<{ finding: DoctorFinding; beginning: Uint8Array | null }> {
  const answer = await probeCall(session, 's3:GetObject', async (options) => {
    const { Body } = await session
      .client(S3Client)
      .send(new GetObjectCommand({ Bucket: place.bucket, Key: key, Range: `bytes=0-${BEGINNING - 1}` }), options);
    return await Body?.transformToByteArray();
  });
  if ('value' in answer)
    return {
      finding: { about, state: 'ok', text: 'the newest one can be read' },
      beginning: answer.value ?? new Uint8Array(),
    };
  const resource = `${bucketArn(place)}/${place.root}*`;
  return {
    finding: {
      about,
      state: 'missing',
      text: `they are there and cannot be read: ${answer.reason}`,
      ...(answer.isDenied ? { allow: { action: 's3:GetObject', resource } } : {}),
    },
    beginning: null,
  };
}
