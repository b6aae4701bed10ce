/**
 * Finds the S3 keys of a vended delivery, and which objects a question needs. Pure. Keys of V2 deliveries:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-S3.html#AWS-logs-infrastructure-V2-S3-object-key
 * Object names below the folder of a day are not documented, so only folders and modification times exclude objects.
 */
import type { Window } from '../../../evidence/question.ts';
import { ownValue } from '../../../format/own-value.ts';
import type { VendedDelivery } from '../deliveries.ts';
import { canMatter, type ParsedFileName, parseFileName } from '../log-files.ts';
import { type LogPlace, placeInArn, type VendedLayout } from '../log-place.ts';
import { VENDED_FIELDS } from './record-line.ts';

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
  delivery: VendedDelivery,
  loadBalancerArn: string,
  legacy: LogPlace | null,
): LogPlace | null {
  const { name, format, stream, fields, delimiter, keys } = delivery;
  if (name === null) return null;
  const own = placeInArn(loadBalancerArn);
  const [bucket = '', ...path] = name.split('/');
  const prefix = path.filter((part) => part !== '').join('/');
  const template = keys?.template ?? templateOf(prefix, delivery, own);
  const fixed = template.split('{')[0] ?? '';
  const root = keys === undefined ? folderOf(fixed) : fixed;
  const isShared = legacy !== null && legacy.bucket === bucket && legacy.root.startsWith(root);
  const isUsual = fields.length === 0 || fields.join() === VENDED_FIELDS.join();
  const isDelimited = format === 'plain' || format === 'raw';
  const vended: VendedLayout = {
    ...{ template, isShared },
    ...(isDelimited && delimiter !== null && !isUsual ? { order: { fields, delimiter } } : {}),
    ...(keys?.isLocalTime === true ? { isLocalTime: true } : {}),
  };
  return { bucket, root, ...own, format, vended, ...(stream === undefined ? {} : { stream }) };
}

/** The keys of a delivery to S3 itself. */
function templateOf(
  prefix: string,
  { suffix, isHive }: VendedDelivery,
  { account, region }: Pick<LogPlace, 'account' | 'region'>,
): string {
  const variable = (named: string) => (isHive ? `${ownValue(HIVE_NAMES, named) ?? named}={${named}}` : `{${named}}`);
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
  return folderOf(unknown === -1 ? whole : whole.slice(0, unknown));
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
