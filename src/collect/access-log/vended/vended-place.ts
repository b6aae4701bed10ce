/**
 * Finds the S3 keys of a vended delivery, and which objects a question needs. Pure. Keys of V2 deliveries:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-S3.html#AWS-logs-infrastructure-V2-S3-object-key
 * Object names below the folder of a day are not documented, so only folders and modification times exclude objects.
 */
import type { Window } from '../../../evidence/evidence.ts';
import type { VendedDelivery } from '../deliveries.ts';
import { canMatter, type ParsedFileName, parseFileName } from '../log-files.ts';
import { type LogPlace, placeInArn } from '../s3-log.ts';
import { VENDED_FIELDS } from './record-line.ts';
import type { FieldOrder } from './reorder-files.ts';

/** How to find the objects of a vended delivery. */
export interface VendedLayout {
  /** The key of a day's folder, with the variables `{yyyy}`, `{MM}` and `{dd}`. */
  template: string;
  /** Whether the load balancer writes its own files to the same folders. */
  isShared: boolean;
  /** Of plain records that do not say so themselves: their fields in another order than usual, and their delimiter. */
  order?: FieldOrder;
}

/** Names of the variables in a Hive path. */
const HIVE_NAMES: Record<string, string> = {
  'account-id': 'aws-account-id',
  region: 'region',
  yyyy: 'year',
  MM: 'month',
  dd: 'day',
  HH: 'hour',
};

/** Returns null if the bucket is unknown. `legacy`: where the load balancer's attributes send its log. */
export function vendedPlace(
  { name, format, suffix, isHive, fields, delimiter }: VendedDelivery,
  loadBalancerArn: string,
  legacy: LogPlace | null,
): LogPlace | null {
  if (name === null) return null;
  const { account, region, ...rest } = placeInArn(loadBalancerArn);
  const [bucket = '', ...path] = name.split('/');
  const prefix = path.filter((part) => part !== '').join('/');
  const variable = (named: string) => (isHive ? `${HIVE_NAMES[named] ?? named}={${named}}` : `{${named}}`);
  // A prefix replaces AWS's default start of the key.
  const front = prefix === '' ? `AWSLogs/${variable('account-id')}/elasticloadbalancing/` : `${prefix}/`;
  const behind = (suffix ?? '{region}/{yyyy}/{MM}/{dd}').replace(/\{([^{}]+)\}/g, (_, named: string) =>
    variable(named),
  );
  const whole = `${front}${behind.replace(/^[/]+|[/]+$/g, '')}/`
    .replaceAll('{account-id}', account)
    .replaceAll('{region}', region);
  // Hourly and unknown folders are listed with their day.
  const unknown = whole.search(/\{(?!yyyy\}|MM\}|dd\})/);
  const template = folderOf(unknown === -1 ? whole : whole.slice(0, unknown));
  const first = template.indexOf('{');
  const root = folderOf(first === -1 ? template : template.slice(0, first));
  const isShared = legacy !== null && legacy.bucket === bucket && legacy.root.startsWith(root);
  const isUsual = fields.length === 0 || fields.join() === VENDED_FIELDS.join();
  const order = format === 'plain' && delimiter !== null && !isUsual ? { order: { fields, delimiter } } : {};
  return { bucket, root, account, region, ...rest, format, vended: { template, isShared, ...order } };
}

/** Up to and including the last slash. */
const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1);

/** Returns where the keys of a day ("yyyy/mm/dd") begin; the same for all days if the template has none. */
export function folderOfDay({ template }: VendedLayout, day: string): string {
  const [year = '', month = '', date = ''] = day.split('/');
  return template.replaceAll('{yyyy}', year).replaceAll('{MM}', month).replaceAll('{dd}', date);
}

/** Milliseconds after the window in which an object may still be written with its requests; AWS gives no limit. */
const LAG_MS = 3_600_000;

export interface ObjectInFolder {
  key: string;
  /** Time of the last change, in epoch milliseconds. */
  modified: number;
}

/** Whether an object may hold a relevant entry. `ends`: as returned by `fileEndRange`; `kinds`: of logs, by their names. */
export function canHoldEntries(
  { key, modified }: ObjectInFolder,
  { vended, loadBalancer }: LogPlace,
  {
    ends,
    window,
    idleTimeoutSeconds,
    kinds = ['access-log'],
  }: { ends: Window; window: Window; idleTimeoutSeconds: number; kinds?: readonly ParsedFileName['kind'][] },
): boolean {
  if (key.endsWith('/') || modified < ends.from || modified > ends.to + LAG_MS) return false;
  const name = parseFileName(key);
  if (!kinds.includes(name.kind)) return false;
  if (name.loadBalancer === null) return true;
  return vended?.isShared !== true && canMatter(name, loadBalancer, window, idleTimeoutSeconds);
}
