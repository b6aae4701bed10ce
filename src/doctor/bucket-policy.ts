/**
 * Builds the bucket policy for access log delivery. Pure.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html#attach-bucket-policy
 */

/** Elastic Load Balancing accounts named by older bucket policies. Other regions support only the service principal. */
const LEGACY_ACCOUNTS: Record<string, string> = {
  'us-east-1': '127311923021',
  'us-east-2': '033677994240',
  'us-west-1': '027434742980',
  'us-west-2': '797873946194',
  'af-south-1': '098369216593',
  'ap-east-1': '754344448648',
  'ap-southeast-3': '589379963580',
  'ap-south-1': '718504428378',
  'ap-northeast-3': '383597477331',
  'ap-northeast-2': '600734575887',
  'ap-southeast-1': '114774131450',
  'ap-southeast-2': '783225319266',
  'ap-northeast-1': '582318560864',
  'ca-central-1': '985666609251',
  'eu-central-1': '054676820928',
  'eu-west-1': '156460612806',
  'eu-west-2': '652711504416',
  'eu-south-1': '635631232127',
  'eu-west-3': '009996457667',
  'eu-north-1': '897822967062',
  'me-south-1': '076674570225',
  'sa-east-1': '507241528517',
  'us-gov-east-1': '190560391635',
  'us-gov-west-1': '048591011584',
};

interface LogDelivery {
  partition: string;
  region: string;
  account: string;
  bucket: string;
  /** Start of every log file key, up to the slash before the year. */
  root: string;
}

/** Returns a whole policy; add its statement to an existing one. */
export function bucketPolicy({ partition, region, account, bucket, root }: LogDelivery): string {
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'AccessLogsOfLoadBalancers',
        Effect: 'Allow',
        Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
        Action: 's3:PutObject',
        Resource: `arn:${partition}:s3:::${bucket}/${root.replace(/elasticloadbalancing\/[^/]+\/$/, '')}*`,
        Condition: {
          ArnLike: { 'aws:SourceArn': `arn:${partition}:elasticloadbalancing:${region}:${account}:loadbalancer/*` },
        },
      },
    ],
  };
  return JSON.stringify(policy, null, 2);
}

/** Returns the principal of older policies in this region; null if there never was one. */
export function legacyPrincipal({ partition, region }: Pick<LogDelivery, 'partition' | 'region'>): string | null {
  const account = LEGACY_ACCOUNTS[region];
  return account === undefined ? null : `arn:${partition}:iam::${account}:root`;
}
