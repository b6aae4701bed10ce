/** Parses queue addresses: a URL, an ARN, or a name with region and account. Pure. */

export interface QueueAddress {
  name: string;
  account: string;
  region: string;
  arn: string;
  url: string;
}

const NAME = /^[\w-]{1,80}$/;
const URL_OF_QUEUE = /^https:\/\/sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/(\d{12})\/([\w-]{1,80})$/;
const ARN_OF_QUEUE = /^arn:(?:aws[a-z-]*):sqs:([a-z0-9-]+):(\d{12}):([\w-]{1,80})$/;

/** Returns the ARN partition of a region. */
export const partitionOf = (region: string): string =>
  region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';

export function queueAt({ region, account }: { region: string; account: string }, name: string): QueueAddress {
  const partition = partitionOf(region);
  const domain = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
  const arn = `arn:${partition}:sqs:${region}:${account}:${name}`;
  return { name, account, region, arn, url: `https://sqs.${region}.${domain}/${account}/${name}` };
}

/** Parses a URL or ARN. Null for anything else, such as a bare name, a FIFO queue or a queue of a local server. */
export function parseQueueAddress(text: string): QueueAddress | null {
  const [, region, account, name] = URL_OF_QUEUE.exec(text) ?? ARN_OF_QUEUE.exec(text) ?? [];
  if (region === undefined || account === undefined || name === undefined) return null;
  return queueAt({ region, account }, name);
}

export const isQueueName = (text: string): boolean => NAME.test(text);
