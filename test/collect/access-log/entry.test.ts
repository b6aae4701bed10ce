import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  addressAndPort,
  ENTRY_HEAD,
  elapsed,
  instant,
  type LogEntry,
  lineKind,
  listMembers,
  parseLine,
  printEntry,
} from '../../../src/collect/access-log/entry.ts';
import { fc } from '../../support/property.ts';

interface Sample {
  kind: string;
  line: string;
  /** What another parser made of the line. */
  expected?: Record<string, string | number | string[] | null>;
}

const samples: Sample[] = readFileSync(join(import.meta.dirname, '../../support/access-log/lines.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((text): Sample => JSON.parse(text));

const sample = (part: string): string => {
  const found = samples.find(({ line }) => line.includes(part));
  if (found === undefined) throw new Error(`no sample line has ${part}`);
  return found.line;
};

function parsed(line: string): LogEntry {
  const result = parseLine(line);
  if ('rejected' in result) throw new Error(`${result.rejected}: ${line}`);
  return result.entry;
}

function reason(line: string): string | null {
  const result = parseLine(line);
  return 'rejected' in result ? result.rejected : null;
}

/** A whole line of 33 fields, with some replaced by their number. */
function lineWith(fields: Record<number, string>): string {
  const whole = [
    ...['http', '2025-12-11T13:28:14.162359Z', 'app/alb-demo/1fa8b17e4c17e7c7', '192.0.2.1:46882', '10.0.0.1:80'],
    ...['0.001', '0.001', '0.000', '504', '504', '116', '556'],
    ...['"GET http://example.com:80/ HTTP/1.1"', '"curl/8.11.1"', '-', '-'],
    'arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/web/73e2d6bc24d8a067',
    ...['"Root=1-58337281-1d84f3d73c47ec4e58577259"', '"-"', '"-"', '0', '2025-12-11T13:28:14.159000Z'],
    ...['"forward"', '"-"', '"-"', '"10.0.0.1:80"', '"504"', '"-"', '"-"'],
    ...['TID_1cda3a622035454996cd2c4a60867901', '"-"', '"-"', '"-"'],
  ];
  for (const [number, value] of Object.entries(fields)) whole[Number(number) - 1] = value;
  return whole.join(' ');
}

/** The names of the documentation, in its order. */
const NAMES: (keyof LogEntry)[] = [
  'type',
  'time',
  'elb',
  'client',
  'target',
  'request_processing_time',
  'target_processing_time',
  'response_processing_time',
  'elb_status_code',
  'target_status_code',
  'received_bytes',
  'sent_bytes',
  'request_line',
  'user_agent',
  'ssl_cipher',
  'ssl_protocol',
  'target_group_arn',
  'trace_id',
  'domain_name',
  'chosen_cert_arn',
  'matched_rule_priority',
  'request_creation_time',
  'actions_executed',
  'redirect_url',
  'error_reason',
  'target_port_list',
  'target_status_code_list',
  'classification',
  'classification_reason',
  'conn_trace_id',
  'transformed_host',
  'transformed_uri',
  'request_transform_status',
  'ip_address',
];

describe('the sample lines', () => {
  /** A line whose article replaced fields by words with spaces, and one that writes quotes as \". */
  const redacted = sample('<<ALB-ARN>>');
  const backslashed = sample('Bot/1.0');

  it('cover every kind of line', () => {
    expect(samples).toHaveLength(285);
    expect(new Set(samples.map(({ line }) => line.split(' ')[0]))).toEqual(
      new Set(['http', 'https', 'h2', 'ws', 'wss', 'grpcs']),
    );
  });

  it('parse as entries, except the one with hidden fields', () => {
    expect(samples.filter(({ line }) => 'rejected' in parseLine(line)).map(({ line }) => line)).toEqual([redacted]);
    expect(reason(redacted)).toBe('field 3 is not a valid elb');
  });

  it('give each field its own text', () => {
    for (const { line } of samples.filter(({ line }) => line !== redacted && line !== backslashed)) {
      const tokens = (line.match(/"[^"]*"|[^ ]+/g) ?? []).map((token) => token.replace(/^"(.*)"$/, '$1'));
      const entry = parsed(line);
      const values = [...NAMES.map((name) => entry[name]).filter((value) => value !== undefined), ...entry.trailing];
      expect(values.map(String)).toEqual(
        tokens.map((token, index) => (index >= 5 && index <= 7 ? String(Number(token)) : token)),
      );
    }
  });

  it('give the same values as another parser', () => {
    const compared = samples.filter(({ expected }) => expected !== undefined);
    expect(compared.length).toBe(7);
    for (const { line, expected = {} } of compared) {
      const entry = parsed(line);
      const [method, url, protocol] = (entry.request_line ?? '').split(' ');
      const value = (text: string | undefined) => (text === undefined || text === '-' ? null : text);
      const named: Record<string, unknown> = {
        timestamp: entry.time,
        client_host: value(entry.client),
        target_host: value(entry.target),
        request_method: value(method),
        request_url: value(url),
        request_protocol: value(protocol),
        target_port_list: listMembers(entry.target_port_list),
        target_status_code_list: listMembers(entry.target_status_code_list),
        traceability_id: value(entry.conn_trace_id),
      };
      for (const [name, theirs] of Object.entries(expected)) {
        const ours = Object.hasOwn(named, name) ? named[name] : entry[name as keyof LogEntry];
        expect([name, typeof ours === 'string' ? value(ours) : ours]).toEqual([name, theirs]);
      }
    }
  });

  it('are recognised by their first fields', () => {
    expect(samples.filter(({ line }) => lineKind(line) !== 'access-log').map(({ line }) => line)).toEqual([redacted]);
  });

  it('stay the same when printed again', () => {
    for (const { line } of samples.filter(({ line }) => line !== redacted)) {
      const entry = parsed(line);
      expect(parsed(printEntry(entry))).toEqual(entry);
    }
  });
});

describe('optional fields', () => {
  it('are missing when the line ends before them', () => {
    const entry = parsed(sample('app/web/09603e7dbbd08802'));
    expect(entry.sent_bytes).toBe(150);
    expect(Object.keys(entry)).toEqual([...NAMES.slice(0, 12), 'trailing']);
  });

  it.each([18, 21, 23, 25, 29, 30, 33, 34])('of a line with %i fields are all known', (length) => {
    const all = [...(lineWith({}).match(/"[^"]*"|[^ ]+/g) ?? []), '10.0.0.9'];
    const entry = parsed(all.slice(0, length).join(' '));
    expect(Object.keys(entry)).toEqual([...NAMES.slice(0, length), 'trailing']);
    expect(entry.trailing).toEqual([]);
  });

  it('are kept if they are newer than this program', () => {
    const entry = parsed(sample('mc-alb-public/0780e6e7d84abe76 3.172.65.112:63554'));
    expect(entry.ip_address).toBe('3.34.116.99');
    expect(entry.trailing).toEqual(['-', '-']);
    expect(parsed(lineWith({ 34: '10.0.0.9', 35: '"a b"', 36: '""', 37: 'c' })).trailing).toEqual(['a b', '', 'c']);
  });

  it('are not invented for an entry with fewer than twelve', () => {
    expect(reason('http 2025-12-11T13:28:14.162359Z app/a/0123')).toBe(
      'it ends after 3 fields, and an entry has at least 12',
    );
    expect(reason('http')).toBe('it ends after 1 field, and an entry has at least 12');
    expect(reason('')).toBe('it is empty');
  });
});

describe('logged values', () => {
  it('may be -1 and "-"', () => {
    const entry = parsed(lineWith({ 5: '-', 6: '-1', 7: '-1', 8: '-1', 9: '502', 10: '-' }));
    expect([entry.request_processing_time, entry.target_processing_time, entry.response_processing_time]).toEqual([
      -1, -1, -1,
    ]);
    expect([entry.target, entry.target_status_code, entry.redirect_url]).toEqual(['-', '-', '-']);
  });

  it('may be a status of 000', () => {
    expect(parsed(lineWith({ 1: 'h2', 9: '000', 10: '-' })).elb_status_code).toBe('000');
  });

  it.each(['http', 'https', 'h2', 'grpcs', 'ws', 'wss', 'h3'])('takes type %s', (type) => {
    expect(parsed(lineWith({ 1: type })).type).toBe(type);
  });

  it.each([
    ['an unparseable request', '- - -'],
    ['one with a space behind it', '- - - '],
    ['a missing version', 'GET http://example.com:80/'],
    ['spaces in the URL', 'GET http://example.com:80/a b?c d HTTP/1.1'],
    ['escaped quotes', 'GET http://example.com:80/\\x22quoted\\x22 HTTP/1.1'],
    ['escaped backslashes', 'GET http://example.com:80/..\\x5C..\\x5Cwin.ini HTTP/1.1'],
    ['text in other alphabets', 'GET http://example.com:80/שלום/😀 HTTP/1.1'],
  ])('may be %s', (_, request) => {
    expect(parsed(lineWith({ 13: `"${request}"` })).request_line).toBe(request);
  });

  it('may be a user agent of 8 KB', () => {
    const agent = 'Mozilla/5.0 (compatible; \\x22crawler\\x22) '.repeat(200);
    expect(parsed(lineWith({ 14: `"${agent}"` })).user_agent).toBe(agent);
  });

  it('may be a user agent with a final backslash or quotes escaped by backslashes', () => {
    expect(parsed(lineWith({ 14: '"agent\\"' })).user_agent).toBe('agent\\');
    expect(parsed(sample('Bot/1.0')).user_agent).toBe('Bot/1.0 (\\"weird\\" agent)');
  });

  it('may be a user agent with bare quotes, as some tools write it', () => {
    const entry = parsed(lineWith({ 14: '"curl "a" (b)"' }));
    expect(entry.user_agent).toBe('curl \\x22a\\x22 (b)');
    expect(entry.trace_id).toMatch(/^Root=/);
  });

  it('keep lists as one string, split on request', () => {
    const entry = parsed(lineWith({ 23: '"waf,forward"', 26: '"10.0.0.1:80 10.0.0.2:80"', 27: '"502 200"' }));
    expect(entry.target_port_list).toBe('10.0.0.1:80 10.0.0.2:80');
    expect(listMembers(entry.target_port_list)).toEqual(['10.0.0.1:80', '10.0.0.2:80']);
    expect(listMembers(entry.target_status_code_list)).toEqual(['502', '200']);
    expect(listMembers(entry.actions_executed)).toEqual(['waf', 'forward']);
    expect(listMembers('-')).toEqual([]);
    expect(listMembers(undefined)).toEqual([]);
  });

  it('exclude a final line break', () => {
    expect(parsed(`${lineWith({})}\r`)).toEqual(parsed(lineWith({})));
  });
});

describe('a line that is no entry', () => {
  it.each([
    [
      'a quote that is never closed',
      lineWith({ 14: '"curl' }).split(' - - arn')[0] ?? '',
      'field 14 opens a quote that is never closed',
    ],
    ['a quote within a field', lineWith({ 13: '"a "b" c"' }), 'field 13 has a quote inside'],
    ['a quote in the middle of a word', lineWith({ 16: 'TLS"v1.2' }), 'field 16 has a quote inside'],
    ['two spaces', lineWith({ 10: '504 ' }), 'field 11 is empty'],
    ['an invalid status', lineWith({ 9: '50' }), 'field 9 is not a valid elb_status_code'],
    ['a quoted status', lineWith({ 9: '"504"' }), 'field 9 is not a valid elb_status_code'],
    ["a time in another log's format", lineWith({ 2: '11/Dec/2025:13:28:14' }), 'field 2 is not a valid time'],
    ['a day that does not exist', lineWith({ 2: '2025-02-31T13:28:14.162359Z' }), 'field 2 is not a date'],
    ['an invalid duration', lineWith({ 7: '-2' }), 'field 7 is not a valid target_processing_time'],
    ['a target without port', lineWith({ 5: '10.0.0.1' }), 'field 5 is not a valid target'],
    ['a request that is not quoted', lineWith({ 13: '-' }), 'field 13 is not a quoted request_line'],
    [
      'a field too many before the rule',
      lineWith({ 20: '"-" "session-reused"' }),
      'field 21 is not a valid matched_rule_priority',
    ],
    ['a field too many behind the rule', lineWith({ 21: '7 7' }), 'field 22 is not a valid request_creation_time'],
    [
      'a network load balancer',
      'tls 2.0 2018-12-20T02:59:40 net/my-nlb/c6e77e28c25b2234 g3d4b5e8bb8464cd 72.21.218.154:51341 172.100.100.185:443 5 2 98 246 -',
      'field 2 is not a valid time',
    ],
    [
      'a classic load balancer',
      '2015-05-13T23:39:43.945958Z my-loadbalancer 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -',
      'field 1 is not a valid type',
    ],
    ['words', 'Enable AccessLog for ELB: my-alb', 'field 1 is not a valid type'],
  ])('is rejected for %s', (_, line, expected) => {
    expect(reason(line)).toBe(expected);
  });

  it.each([
    '2026-09-23T07:11:27.691358Z 49.36.71.40 64326 443 TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 0.337 "-" - - Success TID_9f39d9aa6a47774d97089313f949866b secp256r1 app/k8s-tileserver-617dd1df30/98e3a879de9d6b42 3.228.177.57',
    '2026-09-23T07:11:32.882572Z 147.185.132.159 61814 80 - - - "-" - - - TID_14bdaac20df9aa4ca3139b3168e4e071 - app/k8s-tileserver-617dd1df30/98e3a879de9d6b42 3.228.177.57',
    '2023-10-04T17:05:15.514108Z 203.0.113.1 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "CN=amazondomains.com,O=endEntity,L=Seattle,ST=Washington,C=US" NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z FEF257372D5C14D4 Success TID_3180a73013c8ca4bac2f731159d4b0fe',
    '2024-10-04T17:05:15.514108Z 192.168.131.39 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "CN=amazondomains.com,O=endEntity,L=Seattle,ST=Washington,C=US" NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z FEF257372D5C14D4 Success',
    '2024-11-29T13:45:24.599544Z 172.31.43.26 58206 80 - - - "-" - - - TID_16132ed0b4112148',
  ])('may belong to a connection log: %#', (line) => {
    expect(lineKind(line)).toBe('connection-log');
    expect(reason(line)).toBe('it is a line of a connection log');
  });

  it.each([
    'http 2025-10-31T12:44:59.875678Z 0.019584011 172.31.20.97:80 HCLogsTestIPs PASS 200 -',
    'http 2025-10-31T12:44:58.901409Z 1.121980746 172.31.31.9:80 HCLogsTestIPs FAIL 502 TargetError',
    'lambda 2025-10-31T12:44:58.901409Z 1.121980746 - fn FAIL 502 TargetError app/a/0123456789abcdef 10.0.0.9',
  ])('may belong to a health-check log: %#', (line) => {
    expect(lineKind(line)).toBe('health-check-log');
    expect(reason(line)).toBe('it is a line of a health-check log');
  });

  it('is rejected when it belongs to no log at all', () => {
    expect(lineKind('')).toBeNull();
    expect(lineKind('Enable AccessLog for ELB: my-alb')).toBeNull();
  });
});

describe('addresses', () => {
  it.each([
    ['10.0.0.1:80', { address: '10.0.0.1', port: 80 }],
    ['[2001:db8::1]:443', { address: '2001:db8::1', port: 443 }],
    [
      '2601:6bbc:c529:9dad:6bbc:c529:9dad:6bbc:50599',
      { address: '2601:6bbc:c529:9dad:6bbc:c529:9dad:6bbc', port: 50599 },
    ],
    ['-', null],
    ['10.0.0.1', null],
    ['', null],
  ])('%s', (text, expected) => {
    expect(addressAndPort(text)).toEqual(expected);
  });

  it('may be IPv6', () => {
    const entry = parsed(lineWith({ 4: '[2001:db8::7]:46882', 5: '[fd00::1]:80' }));
    expect([entry.client, entry.target]).toEqual(['[2001:db8::7]:46882', '[fd00::1]:80']);
  });
});

describe('time', () => {
  it('keeps microseconds', () => {
    expect(instant('2025-12-11T13:28:14.162359Z')).toBeCloseTo(Date.UTC(2025, 11, 11, 13, 28, 14, 162) + 0.359, 3);
    expect(instant('2025-12-11T13:28:14Z')).toBe(Date.UTC(2025, 11, 11, 13, 28, 14));
    expect(instant('2025-12-11T13:28:14.5Z')).toBe(Date.UTC(2025, 11, 11, 13, 28, 14, 500));
    expect(instant('-')).toBeNull();
    expect(instant('yesterday')).toBeNull();
  });

  it.each([
    ['2025-12-11T13:28:14.159000Z', 0.003359],
    ['2025-12-11T13:28:04.162000Z', 10.000359],
    ['2025-12-10T13:28:14.162359Z', 86_400],
    ['2025-12-11T13:28:14.163000Z', -0.000641],
    ['-', null],
  ])('is counted from %s', (created, expected) => {
    expect(elapsed(parsed(lineWith({ 22: created })))).toBe(expected);
  });

  it('is unknown for a line that ends before it', () => {
    expect(elapsed(parsed(sample('app/web/09603e7dbbd08802')))).toBeNull();
  });
});

/** What a quoted field may hold, and what one without quotes may. */
const quotedText = fc.string({ unit: 'binary', maxLength: 60 }).map((text) => text.replace(/["\\\r\n]/g, ' '));
const bareText = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  .map((text) => text.replace(/[\s"]/g, '_'));
const time = fc
  .date({ min: new Date('2015-01-01'), max: new Date('2060-01-01'), noInvalidDate: true })
  .chain((date) => fc.nat(999).map((micros) => date.toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`)));
const duration = fc.oneof(
  fc.constant(-1),
  fc.nat(4_000_000).map((ms) => ms / 1000),
);
const address = fc.oneof(
  fc.constant('-'),
  fc.tuple(fc.ipV4(), fc.nat(65_535)).map(([ip, port]) => `${ip}:${port}`),
  fc.tuple(fc.ipV6(), fc.nat(65_535)).map(([ip, port]) => `[${ip}]:${port}`),
);
const status = fc.oneof(
  fc.constant('-'),
  fc.integer({ min: 0, max: 999 }).map((code) => String(code).padStart(3, '0')),
);

const entries: fc.Arbitrary<LogEntry> = fc
  .record({
    head: fc.record({
      type: fc.constantFrom('http', 'https', 'h2', 'grpcs', 'ws', 'wss', 'h3'),
      time,
      elb: fc.constantFrom('app/my-alb/50dc6c495c0c9188', 'app/a/0'),
      client: address,
      target: address,
      request_processing_time: duration,
      target_processing_time: duration,
      response_processing_time: duration,
      elb_status_code: status,
      target_status_code: status,
      received_bytes: fc.nat(),
      sent_bytes: fc.nat(),
    }),
    rest: fc.record({
      request_line: quotedText,
      user_agent: quotedText,
      ssl_cipher: bareText,
      ssl_protocol: bareText,
      target_group_arn: bareText,
      trace_id: quotedText,
      domain_name: quotedText,
      chosen_cert_arn: quotedText,
      matched_rule_priority: fc.constantFrom('-', '-1', '0', '50000'),
      request_creation_time: fc.oneof(fc.constant('-'), time),
      actions_executed: quotedText,
      redirect_url: quotedText,
      error_reason: quotedText,
      target_port_list: quotedText,
      target_status_code_list: quotedText,
      classification: quotedText,
      classification_reason: quotedText,
      conn_trace_id: bareText,
      transformed_host: quotedText,
      transformed_uri: quotedText,
      request_transform_status: quotedText,
      ip_address: bareText,
    }),
    length: fc.integer({ min: 0, max: 22 }),
    trailing: fc.array(quotedText, { maxLength: 3 }),
  })
  .map(({ head, rest, length, trailing }) => ({
    ...head,
    ...Object.fromEntries(Object.entries(rest).slice(0, length)),
    trailing: length === 22 ? trailing : [],
  }));

describe('a random entry', () => {
  it('has the values of its line', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        expect(parseLine(printEntry(entry))).toEqual({ entry });
      }),
    );
  });

  it('is recognised by its first fields', () => {
    fc.assert(
      fc.property(entries, (entry) => {
        expect(printEntry(entry)).toMatch(new RegExp(ENTRY_HEAD));
      }),
    );
  });

  it('never becomes a different entry when its line is cut', () => {
    fc.assert(
      fc.property(entries, fc.nat(), (entry, cut) => {
        const line = printEntry(entry);
        const result = parseLine(line.slice(0, cut % line.length));
        if ('rejected' in result) return;
        const { trailing, ...fields } = result.entry;
        const names = Object.keys(fields);
        // The last field there is may have lost its end; those before it are whole.
        expect(names.slice(0, -1).map((name) => [name, fields[name as keyof typeof fields]])).toEqual(
          names.slice(0, -1).map((name) => [name, entry[name as keyof LogEntry]]),
        );
        expect(trailing.length).toBeLessThanOrEqual(entry.trailing.length);
      }),
    );
  });
});

describe('random text', () => {
  it('is an entry or rejected with a reason', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(reason(text)).toEqual(expect.stringMatching(/^(?:field \d+|it) /));
      }),
    );
  });

  it('never mixes neighbouring fields', () => {
    const fields = fc.array(
      fc.oneof(
        bareText,
        quotedText.map((text) => `"${text}"`),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(fields, (extra) => {
        const line = [lineWith({ 34: '10.0.0.9' }), ...extra].join(' ');
        expect(parsed(line).trailing).toEqual(extra.map((field) => field.replace(/^"(.*)"$/s, '$1')));
      }),
    );
  });
});
