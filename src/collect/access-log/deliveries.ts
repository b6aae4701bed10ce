/**
 * Vended deliveries of the access log to CloudWatch Logs, S3 and Firehose, which are configured apart from the load
 * balancer's attributes.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-logs.html
 */
import type {
  CloudWatchLogsClient,
  Delivery,
  DeliveryDestination,
  DeliverySource,
} from '@aws-sdk/client-cloudwatch-logs';
import { type DeliveredLog, deliveredLogWords, logOf } from '../../evidence/delivered-log.ts';
import { byText } from '../../format/by-text.ts';
import { list } from '../../format/wording.ts';
import { AccessLogError, accessLogErrorFrom } from './access-log-error.ts';

/** The access log of an Application Load Balancer, and the log of its health checks. */
export const ALB_ACCESS_LOGS = 'ALB_ACCESS_LOGS';
const ALB_HEALTH_CHECK_LOGS = 'ALB_HEALTH_CHECK_LOGS';
const SERVICES: Record<string, DeliveredLog['service']> = { CWL: 'cloudwatch-logs', FH: 'firehose', S3: 's3' };

interface DescribeCalls {
  logs: CloudWatchLogsClient;
  region: string;
  signal: AbortSignal;
}

interface DeliveryCalls extends DescribeCalls {
  /** ARN of the load balancer whose log it delivers. */
  resourceArn: string;
  logType: string;
}

/** One delivery, and what reading it needs. */
export interface VendedDelivery extends DeliveredLog {
  /** Field order of plain and W3C records; empty if AWS does not say. */
  fields: readonly string[];
  delimiter: string | null;
  /** S3 only: the part of a key after the prefix, with `{yyyy}` and other variables; null for the default. */
  suffix: string | null;
  isHive: boolean;
  /** Of a delivery to Firehose that is not followed to S3. */
  streamArn?: string;
  /** Why the files of its stream are not read, as a clause after "which". */
  unread?: string;
  /** How the keys of a day's files begin in a Firehose stream; see `VendedLayout`. */
  keys?: { template: string; isLocalTime: boolean };
}

export interface FoundDeliveries {
  /** Sorted by service and name. */
  deliveries: VendedDelivery[];
  /** Of the health-check log of the same load balancer, sorted likewise. */
  healthChecks: VendedDelivery[];
  /** Names of access-log delivery sources without a delivery; sorted. */
  idleSources: string[];
  /** Why some deliveries are unknown; null if every call was answered. */
  refusal: AccessLogError | null;
}

export const NO_DELIVERIES: FoundDeliveries = { deliveries: [], healthChecks: [], idleSources: [], refusal: null };

/** All deliveries of an account and region, or why they cannot be listed. */
interface DescribedDeliveries {
  sources: DeliverySource[] | AccessLogError;
  deliveries: Delivery[] | AccessLogError;
  destinations: DeliveryDestination[] | AccessLogError;
}

/** Lists sources, deliveries and destinations in parallel. Does not reject on errors from AWS. */
export async function describeDeliveries(calls: DescribeCalls): Promise<DescribedDeliveries> {
  const [sources, deliveries, destinations] = await Promise.all([
    answerOf(sourcesIn(calls)),
    answerOf(deliveriesIn(calls)),
    answerOf(destinationsIn(calls)),
  ]);
  return { sources, deliveries, destinations };
}

/** Finds the deliveries of one resource. Does not reject on errors from AWS. */
export const findDeliveries = async (lookup: DeliveryCalls): Promise<FoundDeliveries> =>
  deliveriesOf(await describeDeliveries(lookup), lookup);

export function deliveriesOf(
  { sources, deliveries, destinations }: DescribedDeliveries,
  lookup: Pick<DeliveryCalls, 'resourceArn' | 'logType'>,
): FoundDeliveries {
  const refusal = [sources, deliveries, destinations].find((one) => one instanceof AccessLogError) ?? null;
  if (sources instanceof AccessLogError || deliveries instanceof AccessLogError) return { ...NO_DELIVERIES, refusal };
  const sourcesOf = (wanted: string): string[] =>
    sources
      .filter(({ resourceArns, logType }) => logType === wanted && resourceArns?.includes(lookup.resourceArn))
      .map(({ name }) => name ?? '');
  const known = destinations instanceof AccessLogError ? [] : destinations;
  const deliveredFrom = (named: readonly string[]): Delivery[] =>
    deliveries.filter(({ deliverySourceName }) => named.includes(deliverySourceName ?? ''));
  const described = (all: readonly Delivery[]): VendedDelivery[] =>
    all
      .map((one) =>
        logDelivery(
          one,
          known.find(({ arn }) => arn === one.deliveryDestinationArn),
        ),
      )
      .sort((a, b) => byText(deliveredLogWords(a), deliveredLogWords(b)));
  const names = sourcesOf(lookup.logType);
  const own = deliveredFrom(names);
  return {
    deliveries: described(own),
    healthChecks: described(deliveredFrom(sourcesOf(ALB_HEALTH_CHECK_LOGS))),
    idleSources: names
      .filter((name) => !own.some(({ deliverySourceName }) => deliverySourceName === name))
      .sort(byText),
    // Without a delivery, unreadable destinations do not matter.
    refusal: own.length === 0 ? null : refusal,
  };
}

/** Where the log is delivered; undefined if that is unknown. */
export const deliveredIn = ({ deliveries, refusal }: FoundDeliveries): DeliveredLog[] | undefined =>
  refusal !== null && deliveries.length === 0 ? undefined : deliveries.map(logOf);

/** Whether alb502 can read a delivery. */
export const isReadable = ({ service, name }: DeliveredLog): boolean =>
  name !== null && (service === 's3' || service === 'cloudwatch-logs');

/** Completes a sentence saying that logging to S3 by the attributes is off. */
export function deliveriesWords({ deliveries, idleSources, refusal }: FoundDeliveries): string {
  if (refusal !== null && deliveries.length === 0)
    return `and whether the log is delivered another way is unknown: ${refusal.message}`;
  if (deliveries.length > 0) {
    const unread = deliveries.find(({ service }) => service === 'firehose')?.unread;
    const why =
      refusal !== null
        ? `, and where that is, is unknown: ${refusal.message}`
        : unread === undefined
          ? ', which is not read'
          : `, which ${unread}: deliver it to S3 or CloudWatch Logs as well`;
    return `but the access log is delivered to ${list(deliveries.map(deliveredLogWords))}${why}`;
  }
  return idleSources.length === 0
    ? 'and there is no vended delivery of its access log either'
    : `and its vended delivery source (${idleSources.join(', ')}) has no destination`;
}

async function answerOf<Item>(items: Promise<Item[]>): Promise<Item[] | AccessLogError> {
  try {
    return await items;
  } catch (error) {
    if (error instanceof AccessLogError) return error;
    throw error;
  }
}

function logDelivery(delivery: Delivery, destination: DeliveryDestination | undefined): VendedDelivery {
  const service = SERVICES[delivery.deliveryDestinationType ?? ''] ?? 'other';
  const resource = destination?.deliveryDestinationConfiguration?.destinationResourceArn ?? null;
  const { suffixPath, enableHiveCompatiblePath } = delivery.s3DeliveryConfiguration ?? {};
  return {
    service,
    name: resource === null ? null : resourceName(service, resource),
    format: destination?.outputFormat ?? null,
    fields: delivery.recordFields ?? [],
    delimiter: delivery.fieldDelimiter || null,
    suffix: suffixPath || null,
    isHive: enableHiveCompatiblePath ?? false,
    ...(service === 'firehose' && resource !== null ? { streamArn: resource } : {}),
  };
}

const RESOURCES: Record<DeliveredLog['service'], RegExp> = {
  s3: /^arn:[^:]+:s3:::(.+?)[/]*$/,
  'cloudwatch-logs': /^arn:[^:]+:logs:[^:]*:[^:]*:log-group:([^:]+)(?::[*])?$/,
  firehose: /^arn:[^:]+:firehose:[^:]*:[^:]*:deliverystream[/](.+)$/,
  other: /^(.+)$/s,
};

/** The part of an ARN after the service; the whole ARN if it has another form. */
const resourceName = (service: DeliveredLog['service'], arn: string): string =>
  RESOURCES[service].exec(arn)?.[1] ?? arn;

async function sourcesIn(lookup: DescribeCalls): Promise<DeliverySource[]> {
  const { DescribeDeliverySourcesCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  return await pagesOf(lookup, 'logs:DescribeDeliverySources', async (token, options) => {
    const page = await lookup.logs.send(new DescribeDeliverySourcesCommand({ ...token }), options);
    return { items: page.deliverySources ?? [], next: page.nextToken };
  });
}

async function deliveriesIn(lookup: DescribeCalls): Promise<Delivery[]> {
  const { DescribeDeliveriesCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  return await pagesOf(lookup, 'logs:DescribeDeliveries', async (token, options) => {
    const page = await lookup.logs.send(new DescribeDeliveriesCommand({ ...token }), options);
    return { items: page.deliveries ?? [], next: page.nextToken };
  });
}

async function destinationsIn(lookup: DescribeCalls): Promise<DeliveryDestination[]> {
  const { DescribeDeliveryDestinationsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  return await pagesOf(lookup, 'logs:DescribeDeliveryDestinations', async (token, options) => {
    const page = await lookup.logs.send(new DescribeDeliveryDestinationsCommand({ ...token }), options);
    return { items: page.deliveryDestinations ?? [], next: page.nextToken };
  });
}

/** `fetch` takes the page token: undefined for the first page. Rejects with AccessLogError. */
async function pagesOf<Item>(
  { region, signal }: DescribeCalls,
  action: string,
  fetch: (
    token: { nextToken?: string },
    options: { abortSignal: AbortSignal },
  ) => Promise<{ items: readonly Item[]; next: string | undefined }>,
): Promise<Item[]> {
  const items: Item[] = [];
  let next: string | undefined;
  do {
    const page = await fetch(next === undefined ? {} : { nextToken: next }, { abortSignal: signal }).catch(
      (error: unknown) => {
        throw accessLogErrorFrom(error, { action, resource: '*', region });
      },
    );
    items.push(...page.items);
    next = page.next;
  } while (next !== undefined);
  return items;
}
