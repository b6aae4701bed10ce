/** The format of doctor's findings, and the policies it prints. */
import { describe, expect, it } from 'vitest';
import { bucketPolicy, legacyPrincipal } from '../../src/doctor/bucket-policy.ts';
import { type DoctorFinding, policyFor, renderDoctorReports } from '../../src/doctor/finding.ts';

const plain = { columns: 80, colour: false };
const OK: DoctorFinding = {
  about: 'Credentials',
  state: 'ok',
  text: 'arn:aws:sts::123456789012:assumed-role/reader/me',
};
const DENIED: DoctorFinding = {
  about: 'Permission',
  state: 'missing',
  text: 'ec2:DescribeNetworkAcls was denied: whether a network ACL blocks the path is unknown',
  allow: { action: 'ec2:DescribeNetworkAcls', resource: '*' },
};

describe('the printed report', () => {
  it('has columns, is wrapped to the terminal, and gives the state in words', () => {
    expect(renderDoctorReports([{ title: 'shop in eu-west-1', findings: [OK, DENIED] }], plain)).toBe(`shop in eu-west-1
ok       Credentials  arn:aws:sts::123456789012:assumed-role/reader/me
missing  Permission   ec2:DescribeNetworkAcls was denied: whether a network ACL
                      blocks the path is unknown

1 thing is missing. This IAM policy allows what was denied:

{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "ec2:DescribeNetworkAcls"
      ],
      "Resource": "*"
    }
  ]
}
`);
  });

  it('ends with a plain word if nothing is missing', () => {
    expect(renderDoctorReports([{ title: 'eu-west-1', findings: [OK] }], plain)).toMatch(/\n\nNothing is missing\.\n$/);
  });

  it('keeps commands and policies on separate, unbroken lines', () => {
    const remedy = `aws elbv2 modify-load-balancer-attributes ${'x'.repeat(100)}`;
    const finding: DoctorFinding = { about: 'Access log', state: 'missing', text: 'off', remedy };
    const printed = renderDoctorReports([{ title: 'eu-west-1', findings: [finding] }], plain);
    expect(printed.split('\n').map((line) => line.trim())).toContain(remedy);
  });

  it('is coloured only on request', () => {
    const look = [{ title: 'eu-west-1', findings: [OK, DENIED] }];
    expect(renderDoctorReports(look, plain)).not.toContain('\u001b');
    expect(renderDoctorReports(look, { ...plain, colour: true })).toContain('\u001b[32mok');
  });
});

describe('the policy for denied actions', () => {
  it('has one statement per resource, with each action once', () => {
    const bucket = 'arn:aws:s3:::logs';
    const policy = policyFor([
      { action: 'ec2:DescribeSubnets', resource: '*' },
      { action: 's3:ListBucket', resource: bucket },
      { action: 'ec2:DescribeInstances', resource: '*' },
      { action: 'ec2:DescribeSubnets', resource: '*' },
    ]);
    expect(JSON.parse(policy ?? '')).toEqual({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: ['ec2:DescribeInstances', 'ec2:DescribeSubnets'], Resource: '*' },
        { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: bucket },
      ],
    });
  });

  it('is absent if nothing was denied', () => {
    expect(policyFor([])).toBeNull();
  });
});

describe('the policy of the log bucket', () => {
  it.each([
    { partition: 'aws', region: 'eu-west-1', prefix: '', legacy: 'arn:aws:iam::156460612806:root' },
    { partition: 'aws', region: 'eu-central-2', prefix: 'team/', legacy: null },
    { partition: 'aws-us-gov', region: 'us-gov-west-1', prefix: '', legacy: 'arn:aws-us-gov:iam::048591011584:root' },
  ])('in $region, with the prefix "$prefix"', ({ partition, region, prefix, legacy }) => {
    const root = `${prefix}AWSLogs/123456789012/elasticloadbalancing/${region}/`;
    const policy = JSON.parse(bucketPolicy({ partition, region, account: '123456789012', bucket: 'logs', root }));
    expect(policy.Statement).toEqual([
      expect.objectContaining({
        Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
        Action: 's3:PutObject',
        Resource: `arn:${partition}:s3:::logs/${prefix}AWSLogs/123456789012/*`,
        Condition: {
          ArnLike: { 'aws:SourceArn': `arn:${partition}:elasticloadbalancing:${region}:123456789012:loadbalancer/*` },
        },
      }),
    ]);
    expect(legacyPrincipal({ partition, region })).toBe(legacy);
  });
});
