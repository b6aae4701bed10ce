/** Tables as they are found in a database: which one fits, and what it is. */
import type { Table } from '@aws-sdk/client-glue';
import { describe, expect, it } from 'vitest';
import { covers, type LogTable, readTable } from '../../../../src/collect/access-log/athena/table.ts';
import { columnsOf, FORMS, keysOf, type TableForm, without } from '../../../support/athena/tables.ts';

const PLACE = { account: '123456789012', region: 'eu-west-1' };
const ROOT = { bucket: 'logs', root: 'web/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/' };

const definition = (form: TableForm, more: Partial<Table> = {}): Table => ({
  Name: 'alb',
  StorageDescriptor: { Columns: columnsOf(form) },
  PartitionKeys: keysOf(form),
  Parameters: form.parameters,
  ...more,
});

function read(form: TableForm, more: Partial<Table> = {}): LogTable {
  const table = readTable('logs', definition(form, more), PLACE);
  if ('reason' in table) throw new Error(table.reason);
  return table;
}

const at = (Location: string, Parameters: Record<string, string> = {}): Table => ({
  Name: 'alb',
  StorageDescriptor: { Location },
  Parameters,
});

describe('a location', () => {
  it.each<[string, Table, boolean]>([
    ['of the folder', at('s3://logs/web/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/'), true],
    ['without its last slash', at('s3://logs/web/AWSLogs/123456789012/elasticloadbalancing/eu-west-1'), true],
    ['around it', at('s3://logs/web/AWSLogs/'), true],
    ['of the bucket', at('s3a://logs'), true],
    ['without the prefix', at('s3://logs/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/'), false],
    ['of another account', at('s3://logs/web/AWSLogs/210987654321/elasticloadbalancing/eu-west-1/'), false],
    [
      'in a region with the same beginning',
      at('s3://logs/web/AWSLogs/123456789012/elasticloadbalancing/eu-west-10/'),
      false,
    ],
    ['of one day', at('s3://logs/web/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/'), false],
    ['in a bucket with the same beginning', at('s3://log/'), false],
    ['that is not there', { Name: 'alb' }, false],
    [
      'with a projection that leads there',
      at('s3://logs/elsewhere/', {
        'projection.enabled': 'true',
        'storage.location.template': `s3://logs/web/AWSLogs/\${account}/\${day}`,
      }),
      true,
    ],
    [
      'with a projection that leads elsewhere',
      at('s3://logs/web/', { 'projection.enabled': 'true', 'storage.location.template': `s3://logs/api/\${day}` }),
      false,
    ],
  ])('%s', (_, table, isCovered) => {
    expect(covers(table, ROOT)).toBe(isCovered);
  });
});

describe('columns', () => {
  it('are found by name, by other names and by position', () => {
    expect(read(FORMS['with text for statuses and times']).columns.error_reason).toBe('error_reason');
    expect(read(FORMS["AWS's own"]).columns.error_reason).toBe('lambda_error_reason');
    expect(read(FORMS['with another name for the time']).columns).toMatchObject({
      time: 'logged',
      elb: 'balancer_name',
    });
  });

  it('are not guessed by position if known columns have gaps between them', () => {
    const columns = FORMS["AWS's own"].columns
      .filter(([name]) => name !== 'type')
      .map(([name, type]) => [name === 'time' ? 'moment' : name, type] as const);
    const form = { ...FORMS["AWS's own"], columns: columns.map(([name, type]): [string, string] => [name, type]) };
    expect(readTable('logs', definition(form), PLACE)).toEqual({
      reason: 'logs.alb is no table of access logs: it has no time',
    });
  });

  it('are reported if missing', () => {
    const { limitations } = read(without(FORMS["AWS's own"], 'trace_id', 'request_url', 'client_ip'));
    expect(limitations).toEqual([
      'The Athena table logs.alb has no column client_ip: unknown how many clients were hit and which requests succeeded on a second try.',
      'The Athena table logs.alb has no column request_url: unknown which routes failed.',
      'The Athena table logs.alb has no column trace_id: unknown the trace IDs to look for in the application.',
    ]);
  });

  it('are not queried if their name has a quotation mark', () => {
    const columns = [...columnsOf(FORMS["AWS's own"]), { Name: 'a" OR 1=1 --', Type: 'string' }];
    expect(
      readTable('logs', definition(FORMS["AWS's own"], { StorageDescriptor: { Columns: columns } }), PLACE),
    ).toEqual({
      reason: 'logs.alb has a name in it that cannot be queried: "a\\" OR 1=1 --"',
    });
  });
});

describe('partitions', () => {
  const literals = ({ partitions }: LogTable) =>
    partitions.by === 'day'
      ? partitions.literal('2026/03/10')
      : partitions.by === 'year-month-day'
        ? ['2026', '03', '10'].map(partitions.literal)
        : null;
  it.each<[keyof typeof FORMS, string | string[] | null, string | null]>([
    ["AWS's own", "'2026/03/10'", '2022/01/01'],
    ['with days written another way', "'2026-03-10'", '2020/01/01'],
    ['with a date', "'2026-03-10'", null],
    ['with year, month and day', ["'2026'", "'03'", "'10'"], null],
    ['with year, month and day as numbers', ['2026', '3', '10'], null],
    ['without partitions', null, null],
  ])('%s', (name, literal, since) => {
    const table = read(FORMS[name]);
    expect(literals(table)).toEqual(literal);
    expect(table.since).toBe(since);
  });

  it("by region or account are limited to the load balancer's", () => {
    const keys = ['day', 'region', 'account_id', 'team'].map((Name) => ({ Name, Type: 'string' }));
    expect(read(FORMS["AWS's own"], { PartitionKeys: keys }).fixed).toEqual([
      { column: 'region', literal: "'eu-west-1'" },
      { column: 'account_id', literal: "'123456789012'" },
    ]);
  });

  it.each(['yyyy/MM/dd/HH', 'MM/yyyy'])('by %s are none of days', (format) => {
    const parameters = { ...FORMS["AWS's own"].parameters, 'projection.day.format': format };
    expect(read(FORMS["AWS's own"], { Parameters: parameters }).partitions.by).toBe('nothing');
  });

  it('have no known first day when their start is relative', () => {
    const parameters = { ...FORMS["AWS's own"].parameters, 'projection.day.range': 'NOW-1YEARS,NOW' };
    expect(read(FORMS["AWS's own"], { Parameters: parameters }).since).toBeNull();
  });
});
