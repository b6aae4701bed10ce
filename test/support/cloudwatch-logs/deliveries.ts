/** Vended deliveries as CloudWatch Logs describes them. */
import { ARN } from '../s3/log-bucket.ts';

export interface DeliverySource {
  name: string;
  resourceArns: string[];
  logType: string;
}

export interface Delivery {
  deliverySourceName: string;
  deliveryDestinationType: string;
  deliveryDestinationArn: string;
  recordFields?: string[];
  fieldDelimiter?: string;
  s3DeliveryConfiguration?: { suffixPath?: string; enableHiveCompatiblePath?: boolean };
}

export interface DeliveryDestination {
  name: string;
  arn: string;
  deliveryDestinationType: string;
  outputFormat: string;
  deliveryDestinationConfiguration: { destinationResourceArn: string };
}

export interface DeliveriesOfAccount {
  sources: DeliverySource[];
  deliveries: Delivery[];
  destinations: DeliveryDestination[];
}

export const OTHER_ARN = ARN.replace('/shop/', '/other/');

export const source = (name: string, arn = ARN, logType = 'ALB_ACCESS_LOGS'): DeliverySource => ({
  name,
  resourceArns: [arn],
  logType,
});

const destinationArn = (name: string) => `arn:aws:logs:eu-west-1:123456789012:delivery-destination:${name}`;

export const RESOURCE = {
  CWL: 'arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vendedlogs/alb:*',
  FH: 'arn:aws:firehose:eu-west-1:123456789012:deliverystream/alb-logs',
  S3: 'arn:aws:s3:::example-logs/vended',
};

export const delivery = (
  deliverySourceName: string,
  deliveryDestinationType: keyof typeof RESOURCE,
  more: Partial<Delivery> = {},
): Delivery => ({
  deliverySourceName,
  deliveryDestinationType,
  deliveryDestinationArn: destinationArn(deliveryDestinationType.toLowerCase()),
  ...more,
});

export const destination = (
  deliveryDestinationType: keyof typeof RESOURCE,
  outputFormat: string,
  destinationResourceArn = RESOURCE[deliveryDestinationType],
): DeliveryDestination => ({
  name: deliveryDestinationType.toLowerCase(),
  arn: destinationArn(deliveryDestinationType.toLowerCase()),
  deliveryDestinationType,
  outputFormat,
  deliveryDestinationConfiguration: { destinationResourceArn },
});
