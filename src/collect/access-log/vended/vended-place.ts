/**
 * Where a vended delivery puts its objects, and which of them a question needs. Pure. Keys of V2 deliveries:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-S3.html#AWS-logs-infrastructure-V2-S3-object-key
 * The names behind the folder of the day are not documented: only the folders and the time of the last change leave objects out.
 */
import type { Window } from '../../../evidence/evidence.ts';
import type { VendedDelivery } from '../deliveries.ts';
import { canMatter, parseFileName } from '../log-files.ts';
import { type LogPlace, placeInArn } from '../s3-log.ts';

/** How the objects of a vended delivery are found. */
export interface VendedLayout {
  /** The key of the folder of a day: variables `{yyyy}`, `{MM}` and `{dd}` are left in it. */
  template: string;
  /** The load balancer writes its own files into the same folders. */
  isShared: boolean;
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

/** Null where the bucket is not known. `legacy`: where the attributes of the load balancer send its log. */
export function vendedPlace(
  { name, format, suffix, isHive }: VendedDelivery,
  loadBalancerArn: string,
  legacy: LogPlace | null,
): LogPlace | null {
  if (name === null) return null;
  const { account, region, ...rest } = placeInArn(loadBalancerArn);
  const [bucket = '', ...path] = name.split('/');
  const prefix = path.filter((part) => part !== '').join('/');
  const variable = (named: string) => (isHive ? `${HIVE_NAMES[named] ?? named}={${named}}` : `{${named}}`);
  // A prefix takes the place of what AWS puts in front.
  const front = prefix === '' ? `AWSLogs/${variable('account-id')}/elasticloadbalancing/` : `${prefix}/`;
  const behind = (suffix ?? '{region}/{yyyy}/{MM}/{dd}').replace(/\{([^{}]+)\}/g, (_, named: string) =>
    variable(named),
  );
  const whole = `${front}${behind.replace(/^[/]+|[/]+$/g, '')}/`
    .replaceAll('{account-id}', account)
    .replaceAll('{region}', region);
  // A folder of an hour, or of what is not known here, is listed with that of its day.
  const unknown = whole.search(/\{(?!yyyy\}|MM\}|dd\})/);
  const template = folderOf(unknown === -1 ? whole : whole.slice(0, unknown));
  const first = template.indexOf('{');
  const root = folderOf(first === -1 ? template : template.slice(0, first));
  const isShared = legacy !== null && legacy.bucket === bucket && legacy.root.startsWith(root);
  return { bucket, root, account, region, ...rest, format, vended: { template, isShared } };
}

/** Up to and with the last slash. */
const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1);

/** Where the objects of a day ("yyyy/mm/dd") begin; a template without days has the same for all. */
export function folderOfDay({ template }: VendedLayout, day: string): string {
  const [year = '', month = '', date = ''] = day.split('/');
  return template.replaceAll('{yyyy}', year).replaceAll('{MM}', month).replaceAll('{dd}', date);
}

/** Milliseconds. How long after the end of the window an object may be written that still holds requests of it: AWS names no bound. */
const LAG_MS = 3_600_000;

export interface ObjectInFolder {
  key: string;
  /** Epoch milliseconds of the last change. */
  modified: number;
}

/** Whether an object can hold an entry that matters. `ends` as `fileEndRange` has it. */
export function canHoldEntries(
  { key, modified }: ObjectInFolder,
  { vended, loadBalancer }: LogPlace,
  { ends, window, idleTimeoutSeconds }: { ends: Window; window: Window; idleTimeoutSeconds: number },
): boolean {
  if (key.endsWith('/') || modified < ends.from || modified > ends.to + LAG_MS) return false;
  const name = parseFileName(key);
  if (name.kind !== 'access-log') return false;
  if (name.loadBalancer === null) return true;
  return vended?.isShared !== true && canMatter(name, loadBalancer, window, idleTimeoutSeconds);
}
