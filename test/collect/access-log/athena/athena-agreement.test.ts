/** Athena and the embedded engine give the same answers on the same log files, with any table. */
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { readLiveAccessLog } from '../../../../src/collect/aws/live-access-log.ts';
import type { AccessLog } from '../../../../src/evidence/access-log.ts';
import type { Question } from '../../../../src/evidence/question.ts';
import { type Fields, fileName, GROUP, line, textOf } from '../../../support/access-log/log-file.ts';
import { serveAthena } from '../../../support/athena/server.ts';
import { FORMS, type TableForm } from '../../../support/athena/tables.ts';
import { accessLogIn, question, settings, tableOver } from '../../../support/aws/live-log-session.ts';
import { fc } from '../../../support/property.ts';
import { BUCKET } from '../../../support/s3/log-bucket.ts';
import { serveS3 } from '../../../support/s3/server.ts';

afterEach(() => vi.unstubAllEnvs());

/** The same files by either engine, and by Athena with both queries at once. */
async function byBoth(
  objects: Map<string, Uint8Array>,
  form: TableForm,
  asked: Question = question,
  attributes: Record<string, string> = {},
) {
  const s3 = await serveS3({ name: BUCKET, objects });
  const athena = await serveAthena([tableOver(objects, form)]);
  const options = { ...settings({ s3, athena }, attributes), question: asked };
  const byEmbedded = accessLogIn(await readLiveAccessLog({ ...options, engine: 'duckdb' }));
  const byAthena = accessLogIn(await readLiveAccessLog({ ...options, engine: 'athena' }));
  const { sent } = athena;
  const sentInTurn = [...sent];
  const readAtOnce = () => readLiveAccessLog({ ...options, engine: 'athena', counted502s: Promise.resolve(1) });
  // Answers that are known come at once, so that none is late on a busy machine.
  await readAtOnce();
  const before = sent.length;
  const atOnce = accessLogIn(await readAtOnce());
  return { byEmbedded, byAthena, atOnce, sentInTurn, sentAtOnce: sent.slice(before) };
}

/** All but what tells the engines apart. */
const comparable = ({ cost: _, unanswered: __, rejected: ___, reading: ____, ...log }: AccessLog) => log;

const T = question.from;
const TRACE = (index: number) =>
  `Root=1-58337281-1d84f3d73c47ec4e${(index * 2654435761).toString(16).slice(-8).padStart(8, '0')}`;

/** Traffic with a keep-alive of five seconds, refused connections, a target that is down for 48 s, redirects, Lambda errors, clients that try again, IPv6 and odd requests. */
function traffic(): Map<string, Uint8Array> {
  const files = new Map<string, string[]>();
  const put = (fields: Partial<Fields> & { at: number }, node: string) => {
    const end = (Math.floor(fields.at / 300_000) + 1) * 300_000;
    const stamp = `${new Date(end).toISOString().slice(0, 16).replaceAll(/[-:]/g, '')}Z`;
    const name = fileName(stamp, node);
    const own = files.get(name) ?? [];
    own.push(line({ node, ...fields }));
    files.set(name, own);
  };
  const nodes = ['203.0.113.17', '203.0.113.18'];
  for (let index = 0; index < 1500; index++) {
    const at = T - 120_000 + index * 800 + ((index * 37) % 391) + 0.137;
    const node = nodes[index % 2] ?? '';
    const target = `10.0.0.${(index % 3) + 1}:8080`;
    // The first target is a group of its own, where one connection is closed early among many that are not.
    const isAlone = index % 3 === 0;
    const ordinary = {
      at,
      target,
      group: isAlone ? `${GROUP}9` : GROUP,
      trace: TRACE(index),
      client: `192.0.2.${index % 40}:${40000 + index}`,
    };
    const request = `GET https://www.example.com:443/api/orders/${index}?q=${index} HTTP/1.1`;
    const isDown = index % 3 === 2 && index >= 700 && index < 760;
    const refused = { status: '502', targetStatus: '-', times: [-1, -1, -1] as Fields['times'], created: at - 1 };
    put({ ...ordinary, request, ...(isDown ? refused : {}) }, node);
    const closing = {
      status: '502',
      targetStatus: '-',
      times: [0, 0.001, -1] as Fields['times'],
      trace: TRACE(7000 + index),
    };
    if (isAlone ? index === 600 : index % 25 === 0) put({ ...ordinary, ...closing, at: at + 5000 }, node);
    // Some that have been idle as long are answered all the same.
    if (index % 20 === 7 && !isDown) put({ ...ordinary, at: at + 5009, trace: TRACE(5000 + index) }, node);
    if (index % 60 === 0)
      put(
        {
          ...ordinary,
          at: at + 40,
          status: '502',
          targetStatus: '-',
          times: [-1, -1, -1],
          client: `192.0.2.${index % 40}:50000`,
          created: at + 39,
          trace: TRACE(9000 + index),
        },
        node,
      );
    if (index % 70 === 0)
      put(
        {
          ...ordinary,
          at: at + 60_000,
          status: '504',
          targetStatus: '-',
          times: [0.001, -1, -1],
          created: at,
          request: 'POST https://[2001:db8::1]:443/a/b%20c/550e8400-e29b-41d4-a716-446655440000 HTTP/2.0',
          client: '[2001:db8::7]:443',
          userAgent: 'Amazon CloudFront',
          trace: TRACE(11000 + index),
        },
        node,
      );
  }
  // A group of its own that answers nothing but 400.
  for (let index = 0; index < 6; index++) {
    const request = `GET https://www.example.com:443/bad/${index < 4 ? 'often' : 'seldom'} HTTP/1.1`;
    const rejected = { status: '400', targetStatus: '400', group: `${GROUP}b`, target: '10.0.0.9:8443', request };
    put({ at: T + 5000 + index * 1000, trace: TRACE(20000 + index), ...rejected }, nodes[index % 2] ?? '');
  }
  put(
    {
      at: T + 1000,
      target: '-',
      status: '503',
      targetStatus: '-',
      times: [-1, -1, -1],
      trace: TRACE(1),
      classification: 'UndefinedContentLengthSemantics',
    },
    nodes[0] ?? '',
  );
  put(
    {
      at: T + 2000,
      target: '-',
      status: '502',
      targetStatus: '-',
      times: [0, 0.001, 0],
      reason: 'LambdaUnhandled',
      group: `${GROUP}f`,
      trace: '-',
    },
    nodes[0] ?? '',
  );
  put(
    {
      at: T + 3000,
      target: '-',
      status: '503',
      targetStatus: '-',
      times: [0, 0, 0],
      actions: 'waf,fixed-response',
      group: '-',
      priority: '10',
      trace: TRACE(2),
    },
    nodes[1] ?? '',
  );
  put(
    { at: T + 4000, target: '-', status: '460', targetStatus: '-', times: [0, -1, -1], trace: TRACE(3) },
    nodes[1] ?? '',
  );
  put(
    { at: T + 5000, status: '400', targetStatus: '400', trace: TRACE(4), request: '- http://www.example.com:80- - ' },
    nodes[1] ?? '',
  );
  put(
    { at: T + 5000, status: '000', targetStatus: '-', times: [-1, -1, -1], trace: TRACE(5), type: 'h2' },
    nodes[1] ?? '',
  );
  // The same failure twice is two failures.
  for (const _ of [1, 2]) put({ at: T + 6000, status: '500', targetStatus: '500', trace: TRACE(6) }, nodes[1] ?? '');
  return new Map([...files].map(([name, lines]) => [name, gzipSync(textOf(lines))]));
}

describe('a table', () => {
  it.each(Object.entries(FORMS))('%s gives the same answers as the files', async (_, form) => {
    const { byEmbedded, byAthena, atOnce, sentAtOnce } = await byBoth(traffic(), form);
    expect(comparable(byAthena)).toEqual(comparable(byEmbedded));
    expect(comparable(atOnce)).toEqual(comparable(byEmbedded));
    // Neither has to be asked again.
    expect(sentAtOnce).toHaveLength(2);
    expect(byAthena.failuresTotal).toBeGreaterThan(60);
    expect(byAthena.cloudFrontClients).toHaveLength(1);
    expect(byAthena.idleGaps[0]?.failures.length).toBeGreaterThan(10);
    expect(byAthena.idleGaps[0]?.peers[0]?.controls.length).toBeGreaterThan(10);
    expect(byAthena.routes[0]?.times?.length).toBeGreaterThan(0);
    const down = byAthena.outages?.find(({ failures }) => failures >= 20);
    expect(down).toMatchObject({ target_group_arn: GROUP, target: '10.0.0.3:8080' });
    // Requests 701 to 758 of 1,500, one each 0.8 s; the target answers every third of them.
    expect((down?.last ?? 0) - (down?.first ?? 0)).toBeCloseTo(57 * 800, -3);
    expect((down?.nextAnswer ?? 0) - (down?.lastAnswer ?? 0)).toBeGreaterThan(57 * 800);
    expect(byAthena.unanswered).toEqual([]);
  });

  it.each([[['502', '504']], [['460']], [['4xx']], [['000', '5xx']]])('answers the same for %j', async (statuses) => {
    const { byEmbedded, byAthena, atOnce } = await byBoth(traffic(), FORMS["AWS's own"], { ...question, statuses });
    expect(comparable(byAthena)).toEqual(comparable(byEmbedded));
    expect(comparable(atOnce)).toEqual(comparable(byEmbedded));
  });

  it('is scanned once per statement, and at most twice in all', async () => {
    const { sentInTurn, sentAtOnce } = await byBoth(traffic(), FORMS["AWS's own"]);
    for (const sent of [sentInTurn, sentAtOnce])
      expect(sent.map(({ sql }) => sql.split('"alb_access_logs"').length - 1)).toEqual([1, 1]);
  });
});

describe('more requests than are compared', () => {
  it('are chosen alike', async () => {
    // A place with 2,500 completions within the longest horizon, and one with 4,200: more gaps than are computed.
    const lines = [2500, 4200].flatMap((requests, group) =>
      Array.from({ length: requests }, (_, index) => {
        const at = T + (index * 840_000) / requests + 0.137;
        const closed = { status: '502', targetStatus: '-', times: [0, 0.001, -1] as Fields['times'] };
        return line({
          ...{ at, target: `10.0.0.${group}:80`, group: `${GROUP}${group}`, node: '203.0.113.17' },
          ...{ trace: TRACE(index + group * 10_000), client: `192.0.2.${index % 40}:4000` },
          request: `GET http://www.example.com:80/${index % 3 === 0 ? 'a' : 'b'} HTTP/1.1`,
          ...(index % 40 === 7 ? closed : {}),
        });
      }),
    );
    const objects = new Map([[fileName('20260310T1215Z'), gzipSync(textOf(lines))]]);
    const longest = { 'idle_timeout.timeout_seconds': '4000' };
    const { byEmbedded, byAthena, atOnce, sentAtOnce } = await byBoth(objects, FORMS["AWS's own"], question, longest);
    expect(comparable(byAthena)).toEqual(comparable(byEmbedded));
    expect(comparable(atOnce)).toEqual(comparable(byEmbedded));
    expect(sentAtOnce).toHaveLength(2);
    expect(byEmbedded.failuresTotal).toBe(63 + 105);
    expect(byEmbedded.idleGaps.map(({ failures }) => failures.length)).toEqual([27, 20]);
    expect(byEmbedded.idleGaps.map(({ horizon }) => horizon < 4001)).toEqual([false, true]);
  });
});

describe('the table created by alb502', () => {
  const failed = (at: number, fields: Partial<Fields>) =>
    line({ status: '502', targetStatus: '-', times: [0, 0.001, -1], node: '203.0.113.17', ...fields, at: T + at });
  const twice = (text: string) => text.replace('"10.0.0.1:8080" "-"', '"10.0.0.1:8080 10.0.0.2:8080" "- 502"');

  it.each<[string, string[]]>([
    ['without an HTTP version', [failed(1000, { request: 'GET http://www.example.com:80/a' })]],
    ['without anything of a request', [failed(1000, { request: '-' }), failed(2000, { request: '' })]],
    ['with spaces in the URL', [failed(1000, { request: 'GET http://www.example.com:80/a b c HTTP/1.1' })]],
    ['with two targets', [twice(failed(1000, {}))]],
    ['with quotes in the user agent', [failed(1000, { userAgent: 'Mozilla "x" (X11; "Linux") - "y"' })]],
    ['with escaped quotes in the user agent', [failed(1000, { userAgent: 'Mozilla \\"x\\" 5.0' })]],
    ['with several reasons', [failed(1000, { classification: 'SpaceInUri NonCompliantHeader' })]],
  ])('loses no line %s', async (_, lines) => {
    const objects = new Map([[fileName('20260310T1205Z'), gzipSync(textOf([...lines, failed(3000, {})]))]]);
    const { byEmbedded, byAthena } = await byBoth(objects, FORMS['the one alb502 makes']);
    expect(byEmbedded.failuresTotal).toBe(lines.length + 1);
    expect(comparable(byAthena)).toEqual(comparable(byEmbedded));
  });
});

const entry = fc.record(
  {
    at: fc.integer({ min: T - 60_000, max: T + 15 * 60_000 + 60_000 }).map((at) => at + 0.123),
    client: fc.constantFrom('192.0.2.1:1', '192.0.2.2:2', '[2001:db8::1]:3'),
    target: fc.constantFrom('10.0.0.1:80', '10.0.0.2:80', '[2001:db8::2]:80', '-'),
    times: fc.constantFrom<Fields['times']>(
      [0, 0.01, 0],
      [-1, -1, -1],
      [0, 0.001, -1],
      [0.5, -1, -1],
      [0, 12.345, 0.001],
    ),
    status: fc.constantFrom('200', '404', '500', '502', '502', '503', '504', '460', '000'),
    targetStatus: fc.constantFrom('-', '-', '200', '400', '500', '502'),
    request: fc.constantFrom(
      'GET http://h:80/ HTTP/1.1',
      'GET http://h:80/a/1/2/3?x=1#y HTTP/2.0',
      'GET http://h:80/deadbeef01/cafe HTTP/1.0',
      'GET http://h:80/a;jsessionid=7A/2;v=1;w/3?x=;1 HTTP/1.1',
      'OPTIONS * HTTP/1.1',
      'GET http://h:80/\\x22quoted\\x22/é HTTP/1.1',
      '- - - ',
    ),
    group: fc.constantFrom(GROUP, `${GROUP}2`, '-'),
    trace: fc.integer({ min: 0, max: 40 }).map(TRACE),
    priority: fc.constantFrom('0', '-1', '-', '10'),
    actions: fc.constantFrom('forward', 'fixed-response', 'waf,forward', '-'),
    reason: fc.constantFrom('-', 'LambdaUnhandled', 'AuthInvalidCookie'),
    created: fc.option(fc.integer({ min: T - 70_000, max: T + 1000 }), { nil: null }),
  },
  { requiredKeys: ['at'] },
);

describe('random entries', () => {
  it('give the same answers', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { minLength: 1, maxLength: 60 }),
        fc.constantFrom<string[]>(['5xx'], ['502', '504'], ['4xx']),
        async (entries, statuses) => {
          const lines = entries.map((fields) => line({ ...fields, node: '203.0.113.17' }));
          const objects = new Map([[fileName('20260310T1205Z'), gzipSync(textOf(lines))]]);
          const { byEmbedded, byAthena, atOnce, sentAtOnce } = await byBoth(objects, FORMS['the one alb502 makes'], {
            ...question,
            statuses,
          });
          expect(comparable(byAthena)).toEqual(comparable(byEmbedded));
          expect(comparable(atOnce)).toEqual(comparable(byEmbedded));
          expect(sentAtOnce.length).toBeLessThanOrEqual(2);
        },
      ),
      { numRuns: 25 },
    );
  });
});
