/** The engine gives the same answers as reading line by line, for any lines. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWithFileCounts } from '../../../src/collect/access-log/embedded/embedded-engine.ts';
import type { AccessLog } from '../../../src/evidence/access-log.ts';
import type { Question } from '../../../src/evidence/question.ts';
import { type Content, GROUP, LOAD_BALANCER, line, writeLogs } from '../../support/access-log/log-file.ts';
import { expectedAnswer, type LogFile } from '../../support/access-log/oracle.ts';
import { temporaryFolder } from '../../support/incident/folder.ts';
import { fc } from '../../support/property.ts';

const T = Date.parse('2026-03-10T12:00:00Z');
const question: Question = {
  loadBalancer: {
    name: 'shop',
    arn: `arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/${LOAD_BALANCER}`,
  },
  from: T,
  to: T + 900_000,
  now: T + 1_800_000,
  statuses: ['5xx'],
};

const samples: string[] = readFileSync(join(import.meta.dirname, '../../support/access-log/lines.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((text) => {
    const sample: { line: string } = JSON.parse(text);
    return sample.line.replace(/[\r\n]+/g, ' ');
  });

/** The answer without what the oracle does not work out. */
function comparable({ files: _, idleGaps: __, ...answer }: AccessLog) {
  const { first } = answer.rejected;
  return { ...answer, rejected: { ...answer.rejected, first: first && { ...first, text: '' } } };
}

async function agree(
  files: readonly LogFile[],
  asked: Question = question,
  loadBalancer = LOAD_BALANCER,
): Promise<AccessLog> {
  const folder = temporaryFolder();
  writeLogs(folder, Object.fromEntries(files.map(({ file, lines }): [string, Content] => [file, lines])));
  const { log, accounts } = await readWithFileCounts({ folder, question: asked, idleTimeoutSeconds: 60 });
  const inOrder = [...files].sort((a, b) => (a.file < b.file ? -1 : 1));
  expect(comparable(log)).toEqual(expectedAnswer(inOrder, loadBalancer, asked));
  for (const { file, lines, entries, rejected } of accounts) {
    const own = files.find((one) => one.file === file)?.lines.filter((text) => text !== '').length;
    expect({ file, lines, sum: entries + rejected }).toEqual({ file, lines: own, sum: lines });
  }
  return log;
}

describe('every sample line', () => {
  const balancers = [
    ...new Set(samples.map((text) => text.split(' ')[2] ?? '').filter((elb) => /^app\/[^/]+\/[^/]+$/.test(elb))),
  ];

  it('is accepted or rejected as the parser does', async () => {
    await agree([{ file: 'all.log.gz', node: null, lines: samples }]);
  });

  // Most of the samples are made up and of as many load balancers: every seventh of those will do.
  const chosen = balancers.filter((elb, index) => !elb.startsWith('app/example-prod-lb/') || index % 7 === 0);

  it.each(chosen)('gives the same answers for %s', async (elb) => {
    const asked = {
      ...question,
      loadBalancer: { name: elb, arn: null },
      from: Date.parse('2015-01-01'),
      to: Date.parse('2030-01-01'),
      statuses: ['5xx', '4xx', '000'],
    };
    await agree([{ file: 'all.log.gz', node: null, lines: samples }], asked, elb);
  });
});

it('names the routes of a target group that answers every request with 400, and no other', async () => {
  const bad = (second: number, path: string, group = `${GROUP}b`) =>
    line({
      ...{ at: T + 1000 * second, status: '400', targetStatus: '400', times: [0, 0.001, 0], group },
      request: `GET https://www.example.com:443${path} HTTP/1.1`,
    });
  const lines = [
    ...[1, 2, 3].map((second) => bad(second, `/orders/${second}?q=1`)),
    bad(4, '/cart'),
    bad(5, '/half', GROUP),
    line({ at: T + 6000, group: GROUP }),
  ];
  const log = await agree([{ file: 'all.log.gz', node: null, lines }]);
  expect(log.badRequestRoutes?.map(({ route, requests }) => [route, requests])).toEqual([
    ['GET /orders/:id', 3],
    ['GET /cart', 1],
  ]);
});

const text = fc.constantFrom(
  '-',
  '',
  'a b',
  '\\x22',
  '\\"',
  '"',
  '" "',
  'x" 1 "y',
  "o'clock",
  'é',
  '日本',
  '\u0001',
  '\t',
  '?q=1&r=2',
  '%',
  '_',
  '\\',
  'Root=1-58337281-1d84f3d73c47ec4e58577259',
);
const request = fc.oneof(
  fc
    .record({
      method: fc.constantFrom('GET', 'POST', '-', 'get', ''),
      host: fc.constantFrom('https://www.example.com:443', 'http://[2001:db8::1]:80', 'wss://h', '', '-', '*'),
      path: fc.array(
        fc.constantFrom(
          '/',
          '/a',
          '/17',
          '/0af3c2d1',
          '/deadbeef1',
          '/123e4567-e89b-12d3-a456-426614174000',
          '/x y',
          '//',
          '/é',
          '/1-2',
          '/17;v=1',
          ';jsessionid=0af3c2d1',
          '?q=/1',
          '#/2',
        ),
        { maxLength: 6 },
      ),
      version: fc.constantFrom(' HTTP/1.1', ' HTTP/2.0', '', ' -', ' - ', ' '),
    })
    .map(({ method, host, path, version }) => `${method} ${host}${path.join('')}${version}`),
  fc.constantFrom('- - -', '- http://example.com:80- -', '-'),
  text,
);
const status = fc.constantFrom('200', '201', '304', '404', '460', '500', '502', '503', '504', '000', '-', '561');
const client = fc.constantFrom(
  '192.0.2.1:1',
  '192.0.2.1:2',
  '[2001:db8::1]:443',
  '-',
  '198.51.100.7:65535',
  'x.0.0.0:50337',
  '2001:db8::1:443',
);

const entry = fc
  .record(
    {
      type: fc.constantFrom('http', 'https', 'h2', 'wss', 'grpcs', 'quic'),
      at: fc.oneof(
        fc.integer({ min: -700_000, max: 1_700_000 }).map((ms) => T + ms),
        fc.integer({ min: 0, max: 90_000_000 }).map((us) => T + us / 1000),
      ),
      elb: fc.constantFrom(
        LOAD_BALANCER,
        LOAD_BALANCER,
        LOAD_BALANCER,
        'app/shop/other',
        'app/shop2/50dc6c495c0c9188',
        'net/shop/1',
      ),
      client,
      target: fc.constantFrom('10.0.0.1:8080', '10.0.0.2:8080', '[2001:db8::5]:80', '-'),
      times: fc.tuple(
        fc.constantFrom(-1, 0, 0.001),
        fc.constantFrom(-1, 0, 0.004, 11.083, 60),
        fc.constantFrom(-1, 0, 0.002),
      ),
      status,
      targetStatus: status,
      request,
      userAgent: text,
      group: fc.constantFrom(GROUP, GROUP.replace('api', 'web'), '-'),
      trace: fc.oneof(
        fc.constantFrom('-', 'Self=1', 'zz', 'Root=1-5-00000000'),
        fc.integer({ min: 0, max: 99_999_999 }).map((n) => `Root=1-${n}`),
      ),
      priority: fc.constantFrom('0', '-1', '-', '10', 'x'),
      actions: fc.constantFrom('forward', 'fixed-response', 'waf,forward', '-'),
      reason: fc.constantFrom('-', 'LambdaUnhandled', 'AuthInvalidCookie', 'a b'),
      classification: fc.constantFrom('-', 'UndefinedContentLengthSemantics'),
      created: fc.option(
        fc.integer({ min: -70_000, max: 1000 }).map((ms) => T + ms),
        { nil: null },
      ),
      node: fc.constantFrom(null, '203.0.113.17', '203.0.113.18'),
    },
    { requiredKeys: ['at'] },
  )
  .map(line);

/** Lines as they come, cut, with bytes changed, with fields added, and none at all. */
const anyLine = fc.oneof(
  { weight: 8, arbitrary: entry },
  {
    weight: 1,
    arbitrary: fc
      .tuple(entry, fc.double({ min: 0, max: 1, noNaN: true }))
      .map(([whole, at]) => whole.slice(0, Math.floor(whole.length * at))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(entry, fc.nat(700), fc.constantFrom('"', ' ', '', 'x', '-', '\\"', '1', '\u00e9'), fc.nat(2))
      .map(([whole, at, put, drop]) => whole.slice(0, at) + put + whole.slice(at + drop)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(entry, fc.constantFrom(' "-" "-"', ' -', ' "', ' ""', '  ', ' 1.2.3.4 "-" "-"', '\t'))
      .map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: fc.constantFrom('', ' ', 'garbage', ...samples) },
);

describe('random lines', () => {
  it('give the same answers as reading line by line', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyLine, { minLength: 1, maxLength: 60 }),
        fc.array(anyLine, { maxLength: 30 }),
        fc.constantFrom<string[]>(['5xx'], ['502', '504'], ['4xx'], ['000', '404']),
        async (first, second, statuses) => {
          await agree(
            [
              { file: 'one.log', node: null, lines: first },
              { file: 'two.log.gz', node: null, lines: second },
            ].filter(({ lines }) => lines.length > 0),
            { ...question, statuses },
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});
