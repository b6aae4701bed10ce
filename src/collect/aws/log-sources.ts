/** The order in which the places of an access log are tried. Pure. */

import type { DeliveredLog } from '../../evidence/delivered-log.ts';
import { LOGS_COMPLETE_AFTER } from '../../query/recheck.ts';
import { type FoundDeliveries, isReadable, type VendedDelivery } from '../access-log/deliveries.ts';
import { type LogPlace, logAt } from '../access-log/log-place.ts';
import { vendedPlace } from '../access-log/vended/vended-place.ts';
import type { LiveAccessLogOptions } from './live-log-read.ts';

/** One place to read: files in S3, or a log group. */
export type LogSource =
  | { log: DeliveredLog; place: LogPlace }
  | { log: DeliveredLog; delivery: VendedDelivery; why: string };

/**
 * Lists the sources, best first. Files in S3 cost least; while the window's files are still arriving, a log group has
 * the newest entries. `engine` overrides this. A Firehose stream counts by the files that it writes.
 */
export function logSources(
  legacy: LogPlace | null,
  { deliveries }: FoundDeliveries,
  { engine, question, loadBalancerArn }: Pick<LiveAccessLogOptions, 'engine' | 'question' | 'loadBalancerArn'>,
): LogSource[] {
  const files: LogSource[] = [
    ...(legacy === null ? [] : [sourceInS3(legacy)]),
    ...deliveries
      .filter(({ service }) => service === 's3')
      .flatMap((delivery) => {
        const place = vendedPlace(delivery, loadBalancerArn, legacy);
        return place === null ? [] : [sourceInS3(place)];
      }),
  ];
  const isArriving = question.now < question.to + LOGS_COMPLETE_AFTER;
  const asked = engine === 'cloudwatch-logs';
  const why = asked
    ? 'as asked'
    : files.length === 0
      ? 'the only log that can be read'
      : isArriving
        ? 'since files of the window may still be on their way to S3'
        : 'since no entry could be read from S3';
  const groups = deliveries
    .filter((delivery) => delivery.service === 'cloudwatch-logs' && isReadable(delivery))
    .map((delivery): LogSource => ({ log: delivery, delivery, why }));
  if (engine === 'athena' || engine === 'duckdb') return files.length === 0 && engine === 'duckdb' ? groups : files;
  return asked || isArriving ? [...groups, ...files] : [...files, ...groups];
}

const sourceInS3 = (place: LogPlace): LogSource => ({ log: logAt(place), place });
