/**
 * Follows deliveries to Firehose streams to the files that the streams write to S3.
 * https://docs.aws.amazon.com/firehose/latest/APIReference/API_DeliveryStreamDescription.html
 */

import type {
  DeliveryStreamDescription,
  DestinationDescription,
  ExtendedS3DestinationDescription,
} from '@aws-sdk/client-firehose';
import type { DeliveredLog } from '../../../evidence/delivered-log.ts';
import type { Session } from '../../aws/session.ts';
import { AccessLogError, accessLogErrorFrom } from '../access-log-error.ts';
import type { FoundDeliveries, VendedDelivery } from '../deliveries.ts';
import { placeInArn } from '../log-place.ts';

type FollowStreams = (found: FoundDeliveries, loadBalancerArn: string) => Promise<FoundDeliveries>;

/**
 * Replaces each delivery to a stream that writes to S3 by its files there; describes each stream once. Does not reject on
 * errors from AWS.
 */
export function streamFollower(session: Pick<Session, 'client' | 'place'>, signal: AbortSignal): FollowStreams {
  const described = new Map<string, ReturnType<typeof describeStream>>();
  return async (found, loadBalancerArn) => {
    const arns = [...found.deliveries, ...found.healthChecks].flatMap(({ streamArn }) => streamArn ?? []);
    const own = placeInArn(loadBalancerArn);
    for (const arn of arns)
      if (!described.has(arn)) described.set(arn, describeStream(arn, session, { ...own, signal }));
    const streams = await Promise.all(arns.map(async (arn) => [arn, await described.get(arn)] as const));
    return withStreams(found, new Map(streams));
  };
}

function withStreams(
  found: FoundDeliveries,
  streams: ReadonlyMap<string, StreamFiles | AccessLogError | undefined>,
): FoundDeliveries {
  const followed = (all: readonly VendedDelivery[]): VendedDelivery[] =>
    all.map((one) => {
      const stream = streams.get(one.streamArn ?? '');
      if (stream === undefined || stream instanceof AccessLogError) return one;
      return 'unread' in stream ? { ...one, ...stream } : filesOfStream(one, stream);
    });
  const refusal = [...streams.values()].find((one) => one instanceof AccessLogError) ?? null;
  return {
    ...found,
    deliveries: followed(found.deliveries),
    healthChecks: followed(found.healthChecks),
    refusal: found.refusal ?? refusal,
  };
}

/** What a stream writes to S3, or a clause that follows "which": why that cannot be read. */
type StreamFiles = { bucket: string; template: string; isLocalTime: boolean; isParquet: boolean } | { unread: string };

const STREAM = /^arn:[^:]+:firehose:([^:]+):([0-9]{12}):deliverystream[/](.+)$/;

async function describeStream(
  arn: string,
  { client, place }: Pick<Session, 'client' | 'place'>,
  { signal, ...own }: { account: string; region: string; signal: AbortSignal },
): Promise<StreamFiles | AccessLogError> {
  const [, region, account, name] = STREAM.exec(arn) ?? [];
  // Streams are described by name: another account may have one of the same name.
  if (name === undefined) return { unread: 'has an ARN of another kind' };
  if (account !== own.account || region !== own.region)
    return { unread: `is in account ${account}, ${region}, so where it writes is unknown` };
  const { DescribeDeliveryStreamCommand, FirehoseClient } = await import('@aws-sdk/client-firehose');
  try {
    const { DeliveryStreamDescription: description } = await client(FirehoseClient).send(
      new DescribeDeliveryStreamCommand({ DeliveryStreamName: name }),
      { abortSignal: signal },
    );
    return filesOf(description);
  } catch (error) {
    return accessLogErrorFrom(error, {
      action: 'firehose:DescribeDeliveryStream',
      resource: arn,
      region: place.region,
    });
  }
}

/** The destination in S3, or the backup there of everything that goes elsewhere. */
function filesOf(description: Pick<DeliveryStreamDescription, 'Destinations'> | undefined): StreamFiles {
  const destination = (description?.Destinations ?? []).flatMap(s3DestinationsIn)[0];
  const bucket = /^arn:[^:]+:s3:::(.+)$/.exec(destination?.BucketARN ?? '')?.[1];
  if (destination === undefined || bucket === undefined) return { unread: 'does not write all of it to S3' };
  const { Prefix = '', CompressionFormat = 'UNCOMPRESSED', CustomTimeZone = 'UTC' } = destination;
  const conversion = destination.DataFormatConversionConfiguration;
  const isConverted = conversion !== undefined && conversion.Enabled !== false;
  const isParquet = isConverted && conversion.OutputFormatConfiguration?.Serializer?.ParquetSerDe !== undefined;
  if (isConverted && !isParquet) return { unread: 'writes ORC to S3, which cannot be read here' };
  if (!['UNCOMPRESSED', 'GZIP'].includes(CompressionFormat))
    return { unread: `writes to S3 with ${CompressionFormat} compression, which cannot be read here` };
  return { bucket, template: keyTemplate(Prefix), isLocalTime: CustomTimeZone !== 'UTC', isParquet };
}

/** Another destination backs up everything if its mode says so: AllDocuments, AllEvents or AllData. */
function s3DestinationsIn(destination: DestinationDescription): Partial<ExtendedS3DestinationDescription>[] {
  const own = destination.ExtendedS3DestinationDescription ?? destination.S3DestinationDescription;
  if (own !== undefined) return [own];
  return Object.values(destination).flatMap((other: unknown) =>
    isBackedUp(other) ? [other.S3DestinationDescription] : [],
  );
}

const isBackedUp = (other: unknown): other is { S3DestinationDescription: Partial<ExtendedS3DestinationDescription> } =>
  typeof other === 'object' &&
  other !== null &&
  'S3DestinationDescription' in other &&
  typeof other.S3DestinationDescription === 'object' &&
  'S3BackupMode' in other &&
  String(other.S3BackupMode).startsWith('All');

/**
 * How the keys of a day begin, with the variables of `VendedLayout`: up to the first expression that is not part of a
 * date. A prefix without a time gets one.
 * https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
 */
export function keyTemplate(prefix: string): string {
  const whole = prefix.includes('!{timestamp:') ? prefix : `${prefix}!{timestamp:yyyy/MM/dd/HH}/`;
  let template = '';
  for (const part of whole.split(/(!\{[^{}]*\})/)) {
    const pattern = /^!\{timestamp:(.*)\}$/.exec(part)?.[1];
    if (pattern === undefined && part.startsWith('!{')) break;
    const { text, isWhole } = pattern === undefined ? { text: part, isWhole: true } : dateTemplate(pattern);
    template += text;
    if (!isWhole) break;
  }
  return template;
}

/** Translates a pattern of Java's DateTimeFormatter, up to what is not a date. */
function dateTemplate(pattern: string): { text: string; isWhole: boolean } {
  let text = '';
  for (const [part, quoted] of pattern.matchAll(/'([^']*)'|([A-Za-z])\2*|[^A-Za-z']/g)) {
    const isDate = ['yyyy', 'uuuu', 'MM', 'dd'].includes(part);
    if (quoted === undefined && !isDate && /^[A-Za-z]/.test(part)) return { text, isWhole: false };
    text += quoted ?? (isDate ? `{${part.replace('uuuu', 'yyyy')}}` : part);
  }
  return { text, isWhole: true };
}

function filesOfStream(
  { service: _, streamArn, ...delivery }: VendedDelivery,
  { bucket, template, isLocalTime, isParquet }: Exclude<StreamFiles, { unread: string }>,
): VendedDelivery {
  const fixed = template.split('{')[0] ?? '';
  const log: DeliveredLog = {
    service: 's3',
    name: `${bucket}/${fixed}`.replace(/[/]+$/, ''),
    format: isParquet ? 'parquet' : delivery.format,
    stream: delivery.name ?? streamArn ?? '',
  };
  return { ...delivery, ...log, keys: { template, isLocalTime } };
}
