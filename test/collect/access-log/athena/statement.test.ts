/**
 * The SQL for Athena: valid by a Trino grammar, functions of engine version 3, one scan of the table, values as
 * parameters.
 */

import { TrinoSQL } from 'dt-sql-parser';
import { describe, expect, it } from 'vitest';
import { createTable } from '../../../../src/collect/access-log/athena/ddl.ts';
import type { LogScope } from '../../../../src/collect/access-log/athena/entry-sql.ts';
import { gaps, gapsBeside, textKey } from '../../../../src/collect/access-log/athena/gaps-sql.ts';
import { failedRows, rollups } from '../../../../src/collect/access-log/athena/rollups-sql.ts';
import { inlined, type Statement } from '../../../../src/collect/access-log/athena/statement.ts';
import { type LogTable, readTable } from '../../../../src/collect/access-log/athena/table.ts';
import { logPlace } from '../../../../src/collect/access-log/log-place.ts';
import { deliveryDays, fileEndRange } from '../../../../src/collect/access-log/s3-log.ts';
import { GROUP } from '../../../support/access-log/log-file.ts';
import { columnsOf, FORMS, keysOf, type TableForm, without } from '../../../support/athena/tables.ts';
import { ARN, at } from '../../../support/s3/log-bucket.ts';

const place = logPlace({ 'access_logs.s3.enabled': 'true', 'access_logs.s3.bucket': 'example-logs' }, ARN);
if (place === null) throw new Error('There is no place.');

const window = { from: at('2026-03-09T23:50:00Z'), to: at('2026-03-10T00:10:00Z') };

function tableOf(form: TableForm): LogTable {
  const definition = { Name: 'alb', StorageDescriptor: { Columns: columnsOf(form) }, PartitionKeys: keysOf(form) };
  const table = readTable(
    'logs',
    { ...definition, Parameters: form.parameters },
    { account: '123456789012', region: 'eu-west-1' },
  );
  if ('reason' in table) throw new Error(table.reason);
  return table;
}

const scopeOf = (form: TableForm): LogScope => {
  const ends = fileEndRange(window, 60);
  const days = deliveryDays(ends, at('2026-03-12T00:00:00Z'));
  return { table: tableOf(form), place, days, ends, question: { ...window, statuses: ['5xx', '460'] } };
};

const search = {
  horizon: 60_000_000,
  places: [{ target_group_arn: GROUP, target: '10.0.0.1:8080', node: '203.0.113.17', reach: 60_000_000 }],
  peers: [{ peer: 1, place: 1, routeKey: textKey('GET /orders'), controls: 40 }],
  clients: [{ clientKey: textKey('192.0.2.1'), asking: 1 }],
  requests: [{ id: 1, place: 1, dispatched: 1_773_100_000_000_000 }],
};

const statements: [string, Statement][] = Object.entries({
  ...FORMS,
  'without optional parts': without(
    FORMS["AWS's own"],
    'target_group_arn',
    'trace_id',
    'client_ip',
    'client_port',
    'request_url',
  ),
}).flatMap(([name, form]): [string, Statement][] => [
  [`the counts of a table ${name}`, rollups(scopeOf(form))],
  [`the gaps of a table ${name}`, gaps(scopeOf(form), search)],
  [`the gaps beside the counts of a table ${name}`, gapsBeside(scopeOf(form), 60)],
]);

/** https://docs.aws.amazon.com/athena/latest/ug/reserved-words.html */
const RESERVED = new Set(
  'ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG CURRENT_DATE CURRENT_PATH CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE DESCRIBE DISTINCT DROP ELSE END ESCAPE EXCEPT EXECUTE EXISTS EXTRACT FALSE FIRST FOR FROM FULL GROUP GROUPING HAVING IN INNER INSERT INTERSECT INTO IS JOIN JSON_ARRAY JSON_EXISTS JSON_OBJECT JSON_QUERY JSON_TABLE JSON_VALUE LAST LEFT LIKE LISTAGG LOCALTIME LOCALTIMESTAMP NATURAL NORMALIZE NOT NULL OF ON OR ORDER OUTER PREPARE RECURSIVE RIGHT ROLLUP SELECT SKIP TABLE THEN TRIM TRUE UESCAPE UNION UNNEST USING VALUES WHEN WHERE WITH'.split(
    ' ',
  ),
);

const trino = new TrinoSQL();
const faults = (sql: string) => trino.validate(`${sql};`).map(({ message, startLine }) => `${startLine}: ${message}`);

/**
 * Functions of Athena engine version 3 that the statements may use, all in Trino's reference:
 * https://docs.aws.amazon.com/athena/latest/ug/functions-env3.html
 */
const FUNCTIONS = new Set([
  ...[
    'array_agg',
    'array_join',
    'cast',
    'coalesce',
    'concat_ws',
    'count',
    'count_if',
    'date_diff',
    'floor',
    'from_base',
    'greatest',
    'least',
    'length',
    'log2',
    'lower',
  ],
  ...[
    'lead',
    'max',
    'md5',
    'min',
    'nullif',
    'regexp_extract',
    'regexp_like',
    'regexp_replace',
    'replace',
    'round',
    'row_number',
    'rpad',
  ],
  ...['split_part', 'substr', 'sum', 'to_hex', 'to_utf8', 'try_cast', 'unnest'],
]);
/** Words that may stand ahead of a parenthesis and are no functions. */
const WORDS = new Set(
  'and or in as over filter values when then else by on not join where from select case exists any all array using between like end is null distinct having limit table varchar'.split(
    ' ',
  ),
);

const withoutText = (sql: string): string =>
  sql
    .replace(/--.*$/gm, '')
    .replace(/'(?:[^']|'')*'/g, "''")
    .replace(/"[^"]*"/g, 'name');

/** Names ahead of a parenthesis; those of relations with their columns are left out. */
function functionsIn(sql: string): string[] {
  const text = withoutText(sql).toLowerCase();
  const relations = new Set([
    ...[...text.matchAll(/\b([a-z_]+) (?:\([a-z_, ]+\) )?as \(/g)].map((match) => match[1] ?? ''),
    ...[...text.matchAll(/\bas ([a-z_]+) \(/g)].map((match) => match[1] ?? ''),
  ]);
  const called = [...text.matchAll(/\b([a-z_][a-z0-9_]*)\s*\(/g)].map((match) => match[1] ?? '');
  return [...new Set(called)].filter((name) => !WORDS.has(name) && !relations.has(name)).sort();
}

describe.each(statements)('%s', (_, statement) => {
  it('is valid Trino', () => {
    expect(faults(statement.sql)).toEqual([]);
    expect(faults(inlined(statement))).toEqual([]);
  });

  it('uses only functions of Athena', () => {
    expect(functionsIn(statement.sql).filter((name) => !FUNCTIONS.has(name))).toEqual([]);
  });

  it('scans the table once', () => {
    expect(statement.sql.split('"alb"')).toHaveLength(2);
  });

  it('prunes by plain comparisons of the path', () => {
    const [conditions = ''] = /WHERE [\s\S]*?"\$path"[\s\S]*?(?=\),\s*timed)/.exec(statement.sql) ?? [];
    expect(conditions).toMatch(/"\$path" >= [?] AND "\$path" < [?]/);
    expect(conditions).not.toMatch(/like|regexp|substr/i);
  });

  it('passes values as parameters', () => {
    expect(statement.parameters.length).toBe(withoutText(statement.sql).split('?').length - 1);
    expect(statement.sql).not.toMatch(/example-logs|app[.]shop|2026\/03\/10/);
    expect(statement.sql.length).toBeLessThan(262_144);
  });

  // "Currently, ? parameters can be placed only in the WHERE clause", and each has 1024 characters at most.
  it('uses parameters only where Athena accepts them', () => {
    const [, before = '', conditions = '', after = ''] =
      /^([\s\S]*?)\n {2}WHERE ([\s\S]*?)\),\s*timed AS([\s\S]*)$/.exec(withoutText(statement.sql)) ?? [];
    expect(conditions).toContain('?');
    expect(before + after).not.toContain('?');
    expect(statement.parameters.filter((literal) => literal.length > 1024)).toEqual([]);
  });

  it('uses no reserved word as a name', () => {
    const names = [
      ...withoutText(statement.sql).matchAll(/(?:\bAS ([a-z_]+)(?! \()|\b([a-z_]+)(?: \([a-z_, ]+\))? AS \()/g),
    ];
    const used = names.map(([, alias, relation]) => alias ?? relation ?? '');
    expect(used).toContain('ended');
    expect(used.filter((name) => RESERVED.has(name.toUpperCase()))).toEqual([]);
  });
});

describe('the grammar', () => {
  it('rejects invalid Trino', () => {
    expect(faults('SELECT a FROM t WHERE b ILIKE c QUALIFY 1')).not.toEqual([]);
    expect(faults("SELECT x::int FROM read_csv('a')")).not.toEqual([]);
  });
});

describe('functions', () => {
  it('are found where they are called', () => {
    expect(
      functionsIn("WITH a (x) AS (SELECT epoch_us(y), 'no(' FROM t) SELECT list_transform (x) FROM a AS b (c)"),
    ).toEqual(['epoch_us', 'list_transform']);
  });
});

describe('a value', () => {
  it('with a quote is escaped in its parameter', () => {
    const scope = scopeOf(FORMS["AWS's own"]);
    const odd = { ...scope, place: { ...scope.place, root: "o'clock/" } };
    expect(rollups(odd).parameters).toContain(
      "'s3://example-logs/o''clock/2026/03/09/123456789012_elasticloadbalancing_eu-west-1_app.shop.50dc6c495c0c9188_20260309T2349Z'",
    );
  });

  it.each(["10.0.0.1:80'", '10.0.0.1 OR 1=1', ''])('such as %j is rejected as a place', (target) => {
    const [known] = search.places;
    if (known === undefined) throw new Error('There is no place.');
    expect(() => gaps(scopeOf(FORMS["AWS's own"]), { ...search, places: [{ ...known, target }] })).toThrow(RangeError);
  });

  it('with a quotation mark is refused as the name of a load balancer', () => {
    const scope = scopeOf(FORMS["AWS's own"]);
    const odd = { ...scope.place, loadBalancer: { name: "shop' OR 'a", id: '50dc6c495c0c9188' } };
    expect(() => rollups({ ...scope, place: odd })).toThrow(RangeError);
  });

  it.each([
    ['text', 'string', "'eu-west-1'", "'123456789012'"],
    ['numbers', 'bigint', "'eu-west-1'", '123456789012'],
  ])('of a partition is written in its type, here %s', (_, type, region, account) => {
    const keys: [string, string][] = [
      ['region', 'string'],
      ['account_id', type],
      ['day', 'string'],
    ];
    expect(rollups(scopeOf({ ...FORMS["AWS's own"], keys })).parameters).toEqual(
      expect.arrayContaining([region, account]),
    );
  });

  it.each([
    ['int', 'yyyyMMdd', '20260310'],
    ['string', 'yyyyMMdd', "'20260310'"],
    ['string', 'yyyy-MM-dd', "'2026-03-10'"],
    ['date', 'yyyy-MM-dd', "'2026-03-10'"],
  ])('of a day is written as the %s in the format %s', (type, format, literal) => {
    const form = { ...FORMS["AWS's own"], keys: [['day', type]] as [string, string][] };
    const parameters = { 'projection.enabled': 'true', 'projection.day.format': format };
    expect(rollups(scopeOf({ ...form, parameters })).parameters).toContain(literal);
  });

  it('of a day is not compared when the format is unknown', () => {
    const form = { ...FORMS["AWS's own"], keys: [['day', 'timestamp']] as [string, string][], parameters: {} };
    expect(rollups(scopeOf(form)).sql).not.toContain('"day"');
  });

  it.each(['5xx; DROP TABLE alb', '50', '5.x'])('such as %j is rejected as a status', (status) => {
    const scope = scopeOf(FORMS["AWS's own"]);
    expect(() => rollups({ ...scope, question: { ...window, statuses: [status] } })).toThrow(RangeError);
  });
});

describe('the query for copying', () => {
  it('is one line of SQL that can be pasted', () => {
    const sql = failedRows(scopeOf(FORMS["AWS's own"]));
    expect(faults(sql)).toEqual([]);
    expect(sql).toBe(
      `SELECT * FROM "logs"."alb" WHERE "day" IN ('2026/03/09', '2026/03/10', '2026/03/11') AND (${['09', '10', '11']
        .map((day) => {
          const start = `s3://example-logs/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/03/${day}/123456789012_elasticloadbalancing_eu-west-1_app.shop.50dc6c495c0c9188_`;
          return `"$path" >= '${start}20260309T2349Z' AND "$path" < '${start}20260310T0021Z~'`;
        })
        .join(
          ' OR ',
        )}) AND (try_cast("elb_status_code" AS integer) BETWEEN 500 AND 599 OR try_cast("elb_status_code" AS integer) = 460)`,
    );
  });
});

describe('the created table', () => {
  it('is recognised as complete', () => {
    const statement = createTable({ database: 'logs', table: 'alb', bucket: 'example-logs', root: place.root });
    const columns = [...statement.matchAll(/^ {2}`(\w+)` (\w+),?$/gm)].map(([, Name = '', Type = '']) => ({
      Name,
      Type,
    }));
    const table = readTable(
      'logs',
      { Name: 'alb', StorageDescriptor: { Columns: columns }, PartitionKeys: [{ Name: 'day', Type: 'string' }] },
      place,
    );
    expect(table).toMatchObject({
      limitations: [],
      partitions: { by: 'day', column: 'day' },
      columns: { ip_address: 'ip_address' },
    });
  });
});
