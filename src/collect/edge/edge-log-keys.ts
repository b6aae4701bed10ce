/**
 * Finds the S3 keys of a distribution's standard logs, v2 or legacy, for a window. Pure.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html#send-logs-s3
 */
import type { Window } from '../../evidence/question.ts';
import { ownValue } from '../../format/own-value.ts';
import type { ObjectInFolder } from '../access-log/vended/vended-place.ts';
import type { FoundDistribution } from './distributions.ts';
import type { EdgeLogPlace } from './legacy-log.ts';

const [HOUR, DAY] = [3_600_000, 86_400_000];
/** CloudFront usually delivers log files within an hour. */
const LAG = HOUR;

interface EdgeLogKeys {
  bucket: string;
  /** Common start of all keys, before the part that differs by day. */
  root: string;
  /** One for each day to list. */
  prefixes: string[];
}

/** Returns null if the bucket is unknown. */
export function edgeLogKeys(
  { name, suffix, isHive, isLegacy = false }: Pick<EdgeLogPlace, 'name' | 'suffix' | 'isHive' | 'isLegacy'>,
  { id, arn }: Pick<FoundDistribution, 'id' | 'arn'>,
  { from, to }: Window,
): EdgeLogKeys | null {
  if (name === null) return null;
  const [bucket = '', ...path] = name.split('/');
  const prefix = path.filter((part) => part !== '').join('/');
  const account = arn.split(':')[4] ?? '';
  const own = isLegacy ? '' : `AWSLogs/${isHive ? `aws-account-id=${account}` : account}/CloudFront/`;
  const front = prefix === '' ? own : `${prefix}/`;
  const hive: Record<string, string> = {
    yyyy: 'year',
    MM: 'month',
    dd: 'day',
    HH: 'hour',
    DistributionId: 'DistributionId',
  };
  const behind = (suffix ?? '')
    .replace(/\{([^{}]+)\}/g, (whole, variable: string) =>
      isHive && ownValue(hive, variable) !== undefined ? `${ownValue(hive, variable)}=${whole}` : whole,
    )
    .replace(/\{distributionid\}/gi, id)
    .replace(/^\/+|\/+$/g, '');
  const template = `${front}${behind === '' ? '' : `${behind}/`}`;
  // Without folders by day, object names begin with the distribution and the hour.
  const whole = template.includes('{dd}') ? template : `${upToVariable(template)}${id}.{yyyy}-{MM}-{dd}`;
  const prefixes = daysOf(from, to + LAG).map(([year = '', month = '', day = '']) =>
    upToVariable(whole.replaceAll('{yyyy}', year).replaceAll('{MM}', month).replaceAll('{dd}', day)),
  );
  return { bucket, root: folderOf(upToVariable(whole)), prefixes: [...new Set(prefixes)] };
}

/** Returns the key up to the folder before its first remaining variable. */
function upToVariable(key: string): string {
  const at = key.indexOf('{');
  return at === -1 ? key : folderOf(key.slice(0, at));
}

const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1);

function daysOf(from: number, to: number): string[][] {
  const first = Math.floor(from / DAY) * DAY;
  return Array.from({ length: Math.floor((to - first) / DAY) + 1 }, (_, index) =>
    new Date(first + index * DAY).toISOString().slice(0, 10).split('-'),
  );
}

/** Whether an object may hold records of the window: by the hour in its name, or else by its modification time. */
export function canHoldRecords({ key, modified }: ObjectInFolder, id: string, { from, to }: Window): boolean {
  const file = key.slice(key.lastIndexOf('/') + 1);
  if (file === '') return false;
  const [, distribution, hour] = /^(?:.*?\.)?(E[A-Z0-9]{6,})\.(\d{4}-\d{2}-\d{2}-\d{2})\./.exec(file) ?? [];
  if (distribution !== undefined && distribution !== id) return false;
  if (hour === undefined) return modified >= from && modified <= to + DAY;
  const begins = Date.parse(`${hour.slice(0, 10)}T${hour.slice(11)}:00:00Z`);
  return begins < to && begins + HOUR > from;
}
