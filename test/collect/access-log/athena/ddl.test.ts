/** The CREATE TABLE: what its pattern makes of lines of every age, and what may not stand in it. */
import { describe, expect, it } from 'vitest';
import { createTable, LINE_PATTERN } from '../../../../src/collect/access-log/athena/ddl.ts';

const PLACE = {
  database: 'logs',
  table: 'alb_access_logs',
  bucket: 'example-alb-logs',
  root: 'team/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/',
};

const statement = createTable(PLACE);
const columns = [...statement.matchAll(/^ {2}`(\w+)` \w+,?$/gm)].map((match) => match[1] ?? '');

/** The columns of a line, as RegexSerDe fills them; null when it does not match. */
function read(line: string): Record<string, string | undefined> | null {
  const found = new RegExp(`^(?:${LINE_PATTERN})$`).exec(line);
  return found && Object.fromEntries(columns.map((name, i) => [name, found[i + 1]]));
}

const UP_TO_REASON = (target: string, status: string) =>
  [
    `https 2026-11-20T02:42:11.083000Z app/shop-prod/50dc6c495c0c9188 198.51.100.7:40122 ${target} 0.000 11.083 -1 502 ${status} 340 290`,
    '"GET https://shop.example.com:443/cart?a=b HTTP/2.0" "Mozilla/5.0 (X11; Linux) Gecko" TLS_AES_128_GCM_SHA256 TLSv1.3',
    'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/api/73e2d6bc24d8a067 "Root=1-693bb3f2-71b560c458bf732c4d88fcf8"',
    '"shop.example.com" "-" 0 2026-11-20T02:42:00.000000Z "waf,forward" "-" "-" "10.0.1.12:8080" "-" "-" "-"',
  ].join(' ');

describe('a line', () => {
  const line = UP_TO_REASON('10.0.1.12:8080', '-');
  it.each([
    { age: '29 fields, until 2023', tail: '', ip: undefined, host: undefined, trace: undefined },
    { age: '30 fields', tail: ' TID_1cda3a', ip: undefined, host: undefined, trace: 'TID_1cda3a' },
    {
      age: '33 fields, from October 2025',
      tail: ' TID_1cda3a "h" "/u" "-"',
      ip: undefined,
      host: 'h',
      trace: 'TID_1cda3a',
    },
    {
      age: '34 fields, 2026',
      tail: ' TID_1cda3a "-" "-" "-" 192.0.2.17',
      ip: '192.0.2.17',
      host: '-',
      trace: 'TID_1cda3a',
    },
    {
      age: '36 fields, two of them not documented',
      tail: ' TID_1cda3a "-" "-" "-" 192.0.2.17 "-" "-"',
      ip: '192.0.2.17',
      host: '-',
      trace: 'TID_1cda3a',
    },
  ])('of $age fills the columns it has', ({ tail, ip, host, trace }) => {
    expect(read(line + tail)).toMatchObject({
      type: 'https',
      client_ip: '198.51.100.7',
      client_port: '40122',
      target_ip: '10.0.1.12',
      target_port: '8080',
      elb_status_code: '502',
      target_status_code: '-',
      request_verb: 'GET',
      request_url: 'https://shop.example.com:443/cart?a=b',
      request_creation_time: '2026-11-20T02:42:00.000000Z',
      actions_executed: 'waf,forward',
      lambda_error_reason: '-',
      classification_reason: '-',
      conn_trace_id: trace,
      transformed_host: host,
      ip_address: ip,
    });
  });

  it('may have no target or an IPv6 target', () => {
    expect(read(UP_TO_REASON('-', '-'))).toMatchObject({ target_ip: '', target_port: '' });
    expect(read(UP_TO_REASON('[2001:db8::1]:8080', '-'))).toMatchObject({
      target_ip: '[2001:db8::1]',
      target_port: '8080',
    });
  });

  it('of a health-check log does not match', () => {
    expect(read('http 2026-11-20T02:42:11.083000Z 0.003 10.0.1.12:8080 api PASS 200 - -')).toBeNull();
  });
});

describe('the statement', () => {
  it('has one group per column and one spare', () => {
    expect(new RegExp(`${LINE_PATTERN}|`).exec('')?.length).toBe(columns.length + 2);
    expect(columns).toHaveLength(38);
  });

  it('escapes the pattern like the official one, so that its quotes do not end the Hive string', () => {
    const pattern = /'input\.regex' = '(.*)'/.exec(statement)?.[1] ?? '';
    expect(pattern).toContain(String.raw` \"([^\"]*)\"`);
    expect(pattern).not.toContain("'");
    // A Hive string takes the backslash away from what follows it.
    expect(pattern.replace(/\\(.)/g, '$1')).toBe(LINE_PATTERN);
  });

  it('reads the folder of one account and region, by day', () => {
    expect(statement).toContain('IF NOT EXISTS `logs`.`alb_access_logs`');
    const folder = 's3://example-alb-logs/team/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/';
    expect(statement).toContain(`LOCATION '${folder}'`);
    expect(statement).toContain(`'storage.location.template' = '${folder}\${day}'`);
  });

  it.each([
    { database: 'logs`; DROP TABLE x' },
    { table: "a'b" },
    { bucket: "b'--" },
    { root: "x'/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/" },
    { root: `\${day}/AWSLogs/123456789012/elasticloadbalancing/eu-west-1/` },
    { root: 'AWSLogs/' },
  ])('rejects %j', (change) => {
    expect(() => createTable({ ...PLACE, ...change })).toThrow(/is not .* that a table can be made for/);
  });
});
