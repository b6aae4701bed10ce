import { expect, it } from 'vitest';
import { alarmLink, loadBalancerLink, metricsLink } from '../../src/format/console-links.ts';

const arnIn = (partition: string, region: string): string =>
  `arn:${partition}:elasticloadbalancing:${region}:123456789012:loadbalancer/app/shop-prod/50dc6c495c0c9188`;

it.each([
  ['eu-west-1', 'aws', 'https://eu-west-1.console.aws.amazon.com/'],
  ['cn-north-1', 'aws-cn', 'https://cn-north-1.console.amazonaws.cn/'],
  ['us-gov-west-1', 'aws-us-gov', 'https://us-gov-west-1.console.amazonaws-us-gov.com/'],
])('leads to the console of the partition of %s', (region, partition, start) => {
  const arn = arnIn(partition, region);
  expect(loadBalancerLink(region, arn)).toBe(
    `${start}ec2/home?region=${region}#LoadBalancer:loadBalancerArn=${arn};tab=listeners`,
  );
  expect(metricsLink(region, arn)).toMatch(/;tab=monitoring$/);
  expect(alarmLink(region, 'shop')).toBe(`${start}cloudwatch/home?region=${region}#alarmsV2:alarm/shop`);
});

it('gives no link if region or ARN are not valid', () => {
  expect(loadBalancerLink('evil.example/', arnIn('aws', 'eu-west-1'))).toBeNull();
  expect(loadBalancerLink('eu-west-1', null)).toBeNull();
  expect(loadBalancerLink('eu-west-1', 'arn:aws:s3:::bucket')).toBeNull();
  expect(alarmLink('eu-west-1', '\ud800')).toBeNull();
});

it('does not let the name of an alarm end the address', () => {
  expect(alarmLink('eu-west-1', `a|b>c (d) 'e'`)).toMatch(/alarm\/a%7Cb%3Ec%20%28d%29%20%27e%27$/);
});
