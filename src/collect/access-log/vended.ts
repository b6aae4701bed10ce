/**
 * Access logs that do not go to S3 by the attributes of the load balancer: vended delivery through CloudWatch Logs, set up beside it.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-logs.html
 */
import type { CloudWatchLogsClient, Delivery, DeliverySource } from '@aws-sdk/client-cloudwatch-logs';
import { AccessLogError, accessLogErrorFrom } from './access-log-error.ts';
import { byText } from './log-files.ts';

const LOG_TYPE = 'ALB_ACCESS_LOGS';
const DESTINATIONS: Record<string, string> = { CWL: 'CloudWatch Logs', FH: 'Firehose', S3: 'S3', XRAY: 'X-Ray' };

export interface VendedOptions {
  logs: CloudWatchLogsClient;
  loadBalancerArn: string;
  region: string;
  signal: AbortSignal;
}

/**
 * What was found of vended delivery, as the end of a sentence about logging to S3 that is off; a refusal is part of it. Rejects with
 * AccessLogError only when stopped.
 */
export async function vendedDelivery(options: VendedOptions): Promise<VendedFinding> {
  try {
    const [sources, deliveries] = await Promise.all([sourcesIn(options), deliveriesIn(options)]);
    const own = sources.filter(
      ({ resourceArns, logType }) => logType === LOG_TYPE && resourceArns?.includes(options.loadBalancerArn),
    );
    const names = own.map(({ name }) => name ?? '').sort(byText);
    if (names.length === 0) return words('and there is no vended delivery of its access log either');
    const to = deliveries
      .filter(({ deliverySourceName }) => names.includes(deliverySourceName ?? ''))
      .map(({ deliveryDestinationType: type = '', deliveryDestinationArn: arn }) => {
        return `${DESTINATIONS[type] ?? type}${arn === undefined ? '' : ` (${arn})`}`;
      })
      .sort(byText);
    return words(
      to.length === 0
        ? `and its vended delivery source (${names.join(', ')}) has no destination`
        : `but its access log is delivered to ${to.join(' and ')}, which is not read`,
    );
  } catch (error) {
    if (!(error instanceof AccessLogError) || error.kind === 'stopped') throw error;
    const { message, iamStatement } = error;
    return { words: `and whether the log is delivered another way is not known: ${message}`, iamStatement };
  }
}

interface VendedFinding {
  /** The end of a sentence. */
  words: string;
  iamStatement: string | null;
}

const words = (text: string): VendedFinding => ({ words: text, iamStatement: null });

async function sourcesIn({ logs, region, signal }: VendedOptions): Promise<DeliverySource[]> {
  const { DescribeDeliverySourcesCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  return await collectPages(async (nextToken) => {
    const page = await logs
      .send(new DescribeDeliverySourcesCommand({ ...nextToken }), { abortSignal: signal })
      .catch((error: unknown) => {
        throw accessLogErrorFrom(error, { action: 'logs:DescribeDeliverySources', resource: '*', region });
      });
    return { items: page.deliverySources ?? [], next: page.nextToken };
  });
}

async function deliveriesIn({ logs, region, signal }: VendedOptions): Promise<Delivery[]> {
  const { DescribeDeliveriesCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  return await collectPages(async (nextToken) => {
    const page = await logs
      .send(new DescribeDeliveriesCommand({ ...nextToken }), { abortSignal: signal })
      .catch((error: unknown) => {
        throw accessLogErrorFrom(error, { action: 'logs:DescribeDeliveries', resource: '*', region });
      });
    return { items: page.deliveries ?? [], next: page.nextToken };
  });
}

/** `fetch` gets the token of the page as a call takes it: nothing for the first. */
async function collectPages<Item>(
  fetch: (nextToken: { nextToken?: string }) => Promise<{ items: readonly Item[]; next: string | undefined }>,
): Promise<Item[]> {
  const items: Item[] = [];
  let next: string | undefined;
  do {
    const page = await fetch(next === undefined ? {} : { nextToken: next });
    items.push(...page.items);
    next = page.next;
  } while (next !== undefined);
  return items;
}
