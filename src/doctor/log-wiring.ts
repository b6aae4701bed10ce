/**
 * Builds the commands that switch on the access log of a load balancer, for an operator to run. Pure. The permission
 * comes first, because AWS refuses to log to a bucket that does not allow it.
 */
import { type Command, command } from '../format/command.ts';
import { bucketPolicy } from './bucket-policy.ts';

/** The load balancer's own files in S3, or a vended log in S3 or in a log group. */
export type LogDestination =
  | { kind: 's3' | 'vended-s3'; bucket: string; prefix: string }
  | { kind: 'log-group'; name: string };

interface LogSetup {
  arn: string;
  partition: string;
  region: string;
  account: string;
  name: string;
  destination: LogDestination;
  /** Days after which logs are deleted. */
  days: number;
}

interface LogSetupStep {
  why: string;
  command: Command;
}

/**
 * Days that put-retention-policy accepts:
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
 */
export const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** In the order in which to run them. */
export function logSetupSteps(setup: LogSetup): LogSetupStep[] {
  const { destination } = setup;
  switch (destination.kind) {
    case 's3':
      return ownFiles(setup, destination);
    case 'vended-s3':
      return vendedFiles(setup, destination);
    case 'log-group':
      return logGroup(setup, destination.name);
  }
}

type Bucket = Extract<LogDestination, { bucket: string }>;

function ownFiles(setup: LogSetup, destination: Bucket): LogSetupStep[] {
  const { arn, partition, region, account } = setup;
  const { bucket, prefix } = destination;
  const folder = prefix === '' ? '' : `${prefix}/`;
  const policy = bucketPolicy({
    partition,
    region,
    account,
    bucket,
    root: `${folder}AWSLogs/${account}/elasticloadbalancing/${region}/`,
  });
  const attributes = [
    'Key=access_logs.s3.enabled,Value=true',
    `Key=access_logs.s3.bucket,Value=${bucket}`,
    ...(prefix === '' ? [] : [`Key=access_logs.s3.prefix,Value=${prefix}`]),
  ];
  return [
    makeBucket(setup, bucket),
    allowDelivery(bucket, JSON.parse(policy)),
    keepInBucket(setup, bucket, `${folder}AWSLogs/`),
    {
      why: 'Switch the log on, once the bucket allows it',
      command: command`aws elbv2 modify-load-balancer-attributes --region ${region} --load-balancer-arn ${arn} --attributes ${attributes}`,
    },
  ];
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-S3.html */
function vendedFiles(setup: LogSetup, { bucket, prefix }: Bucket): LogSetupStep[] {
  const { partition, region, account } = setup;
  const bucketArn = `arn:${partition}:s3:::${bucket}`;
  // A prefix replaces AWS's default start of the key.
  const folder = prefix === '' ? `AWSLogs/${account}/` : `${prefix}/`;
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'AWSLogDeliveryWrite',
        Effect: 'Allow',
        Principal: { Service: 'delivery.logs.amazonaws.com' },
        Action: 's3:PutObject',
        Resource: `${bucketArn}/${folder}*`,
        Condition: {
          StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control', 'aws:SourceAccount': [account] },
          ArnLike: { 'aws:SourceArn': [`arn:${partition}:logs:${region}:${account}:delivery-source:*`] },
        },
      },
    ],
  };
  return [
    makeBucket(setup, bucket),
    allowDelivery(bucket, policy),
    keepInBucket(setup, bucket, folder),
    ...delivery(setup, 'parquet', prefix === '' ? bucketArn : `${bucketArn}/${prefix}`),
  ];
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html */
function logGroup(setup: LogSetup, name: string): LogSetupStep[] {
  const { partition, region, account, days } = setup;
  const arn = `arn:${partition}:logs:${region}:${account}:log-group:${name}`;
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'AWSLogDeliveryWrite',
        Effect: 'Allow',
        Principal: { Service: 'delivery.logs.amazonaws.com' },
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: `${arn}:log-stream:*`,
        Condition: {
          StringEquals: { 'aws:SourceAccount': [account] },
          ArnLike: { 'aws:SourceArn': [`arn:${partition}:logs:${region}:${account}:*`] },
        },
      },
    ],
  };
  return [
    {
      why: 'The log group',
      command: command`aws logs create-log-group --region ${region} --log-group-name ${name}`,
    },
    {
      why: `It keeps events for ${days} days`,
      command: command`aws logs put-retention-policy --region ${region} --log-group-name ${name} --retention-in-days ${days}`,
    },
    {
      why: 'Allow the delivery',
      command: command`aws logs put-resource-policy --region ${region} --policy-name ${`alb-logs-${setup.name}`} --policy-document ${JSON.stringify(policy)}`,
    },
    ...delivery(setup, 'json', arn),
  ];
}

/** A source, a destination, and the delivery between them. */
function delivery({ arn, partition, region, account, name }: LogSetup, format: string, to: string): LogSetupStep[] {
  const own = `alb-access-log-${name}`;
  const destination = `arn:${partition}:logs:${region}:${account}:delivery-destination:${own}`;
  return [
    {
      why: 'What is delivered: the access log of this load balancer',
      command: command`aws logs put-delivery-source --region ${region} --name ${own} --resource-arn ${arn} --log-type ALB_ACCESS_LOGS`,
    },
    {
      why: `Where to, as ${format}`,
      command: command`aws logs put-delivery-destination --region ${region} --name ${own} --output-format ${format} --delivery-destination-configuration ${`destinationResourceArn=${to}`}`,
    },
    {
      why: 'Switch the delivery on',
      command: command`aws logs create-delivery --region ${region} --delivery-source-name ${own} --delivery-destination-arn ${destination}`,
    },
  ];
}

function makeBucket({ region }: LogSetup, bucket: string): LogSetupStep {
  // us-east-1 refuses its own name as a constraint.
  const constraint = region === 'us-east-1' ? [] : ['--create-bucket-configuration', `LocationConstraint=${region}`];
  return {
    why: 'The bucket, in the region of the load balancer and encrypted with SSE-S3; leave this out if there is one',
    command: command`aws s3api create-bucket --region ${region} --bucket ${bucket} ${constraint}`,
  };
}

const allowDelivery = (bucket: string, policy: object): LogSetupStep => ({
  why: 'Allow the delivery; this replaces a policy that the bucket has, so add the statement to that one instead',
  command: command`aws s3api put-bucket-policy --bucket ${bucket} --policy ${JSON.stringify(policy)}`,
});

function keepInBucket({ days }: LogSetup, bucket: string, prefix: string): LogSetupStep {
  const rules = {
    Rules: [
      {
        ID: 'access-logs',
        Status: 'Enabled',
        Filter: { Prefix: prefix },
        Expiration: { Days: days },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
      },
    ],
  };
  return {
    why: `Delete logs after ${days} days; this replaces lifecycle rules that the bucket has`,
    command: command`aws s3api put-bucket-lifecycle-configuration --bucket ${bucket} --lifecycle-configuration ${JSON.stringify(rules)}`,
  };
}
