/** The locations of vended deliveries as AWS documents them, and the objects to read. */

import { describe, expect, it } from 'vitest';
import type { VendedDelivery } from '../../../../src/collect/access-log/deliveries.ts';
import { logPlace } from '../../../../src/collect/access-log/log-place.ts';
import { fileEndRange } from '../../../../src/collect/access-log/s3-log.ts';
import { canHoldEntries, folderOfDay, vendedPlace } from '../../../../src/collect/access-log/vended/vended-place.ts';
import { fileName } from '../../../support/access-log/log-file.ts';
import { ARN, at } from '../../../support/s3/log-bucket.ts';

const delivery = (more: Partial<VendedDelivery>): VendedDelivery => ({
  service: 's3',
  name: 'logs',
  format: 'json',
  fields: [],
  delimiter: null,
  suffix: null,
  isHive: false,
  ...more,
});

const OWN = 'AWSLogs/123456789012/elasticloadbalancing/eu-west-1/';

describe('the folder of a delivery', () => {
  it.each<[string, Partial<VendedDelivery>, string, string]>([
    ['the folder of the load balancer', {}, `${OWN}2026/03/10/`, OWN],
    [
      'Hive folders',
      { isHive: true },
      'AWSLogs/aws-account-id=123456789012/elasticloadbalancing/region=eu-west-1/year=2026/month=03/day=10/',
      'AWSLogs/aws-account-id=123456789012/elasticloadbalancing/region=eu-west-1/',
    ],
    [
      'Hive folders behind a suffix',
      { isHive: true, suffix: 'myFolder/{yyyy}/{MM}/{dd}' },
      'AWSLogs/aws-account-id=123456789012/elasticloadbalancing/myFolder/year=2026/month=03/day=10/',
      'AWSLogs/aws-account-id=123456789012/elasticloadbalancing/myFolder/',
    ],
    [
      'a prefix of their own',
      { name: 'logs/MyLogPrefix' },
      'MyLogPrefix/eu-west-1/2026/03/10/',
      'MyLogPrefix/eu-west-1/',
    ],
    [
      'folders of hours',
      { suffix: '{yyyy}/{MM}/{dd}/{HH}' },
      'AWSLogs/123456789012/elasticloadbalancing/2026/03/10/',
      'AWSLogs/123456789012/elasticloadbalancing/',
    ],
    [
      'folders of unknown variables',
      { suffix: '/{what}/{yyyy}/' },
      'AWSLogs/123456789012/elasticloadbalancing/',
      'AWSLogs/123456789012/elasticloadbalancing/',
    ],
    ['one folder for all days', { name: 'logs/a', suffix: 'all' }, 'a/all/', 'a/all/'],
  ])('%s', (_, more, folder, root) => {
    const place = vendedPlace(delivery(more), ARN, null);
    expect(place).toMatchObject({ bucket: 'logs', root, region: 'eu-west-1', format: 'json' });
    expect(place?.vended && folderOfDay(place.vended, '2026/03/10')).toBe(folder);
  });

  it('is unknown if the destination cannot be looked up', () => {
    expect(vendedPlace(delivery({ name: null }), ARN, null)).toBeNull();
  });
});

describe('an object is read', () => {
  const window = { from: at('2026-03-10T12:00:00Z'), to: at('2026-03-10T12:15:00Z') };
  const range = { window, idleTimeoutSeconds: 60, ends: fileEndRange(window, 60) };
  const legacy = logPlace({ 'access_logs.s3.enabled': 'true', 'access_logs.s3.bucket': 'logs' }, ARN);
  const key = (name: string) => `${OWN}2026/03/10/${name}`;

  it.each([
    ['under any name', key('0a1b2c.gz'), '2026-03-10T12:16:00Z', true],
    ['not when it was written before the window', key('0a1b2c.gz'), '2026-03-10T11:50:00Z', false],
    ['not when it was written hours after it', key('0a1b2c.gz'), '2026-03-10T15:00:00Z', false],
    ['not when it is a folder', key(''), '2026-03-10T12:16:00Z', false],
    ['not when the load balancer wrote it', fileName('20260310T1205Z'), '2026-03-10T12:16:00Z', false],
    [
      'not when it is a connection log',
      key(`conn_log_${fileName('20260310T1205Z').split('/').at(-1)}`),
      '2026-03-10T12:16:00Z',
      false,
    ],
  ])('from a shared folder %s', (_, name, modified, expected) => {
    const place = vendedPlace(delivery({}), ARN, legacy);
    expect(place?.vended?.isShared).toBe(true);
    expect(place && canHoldEntries({ key: name, modified: at(modified) }, place, range)).toBe(expected);
  });

  it.each([
    ['of the window', '20260310T1205Z', true],
    ['of hours before', '20260310T0905Z', false],
  ])('from its own folder, under a name of the load balancer %s', (_, end, expected) => {
    const place = vendedPlace(delivery({}), ARN, null);
    expect(place && canHoldEntries({ key: fileName(end), modified: at('2026-03-10T12:16:00Z') }, place, range)).toBe(
      expected,
    );
  });
});
