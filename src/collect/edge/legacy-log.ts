/**
 * Where a CloudFront distribution writes its standard log (legacy), which its own configuration names:
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html
 */
import { CloudFrontClient, GetDistributionConfigCommand } from '@aws-sdk/client-cloudfront';
import type { VendedDelivery } from '../access-log/deliveries.ts';
import { type Call, callAws } from '../aws/call.ts';
import type { FoundDistribution } from './distributions.ts';

/** A delivery of CloudFront's log to read. */
export interface EdgeLogPlace extends VendedDelivery {
  /** Keys begin with the prefix alone, not with AWSLogs. */
  isLegacy?: boolean;
}

/** Null if the distribution writes no such log; why that is unknown if the call is refused. */
export async function findLegacyLog(
  { session }: Call,
  { id }: Pick<FoundDistribution, 'id'>,
): ReturnType<typeof callAws<unknown, EdgeLogPlace | null>> {
  return await callAws(
    session,
    'cloudfront:GetDistributionConfig',
    () => undefined,
    async ({ options }) => {
      const { DistributionConfig } = await session
        .client(CloudFrontClient)
        .send(new GetDistributionConfigCommand({ Id: id }), options);
      const { Enabled = false, Bucket = '', Prefix = '' } = DistributionConfig?.Logging ?? {};
      const [, bucket] = /^(.+?)[.]s3[.-][a-z0-9.-]*amazonaws[.]com(?:[.]cn)?$/.exec(Bucket) ?? [];
      if (!Enabled || bucket === undefined) return null;
      const prefix = Prefix.replace(/^[/]+|[/]+$/g, '');
      return {
        ...{ service: 's3', name: prefix === '' ? bucket : `${bucket}/${prefix}`, format: 'w3c', isLegacy: true },
        ...{ fields: [], delimiter: null, suffix: null, isHive: false },
      };
    },
  );
}
