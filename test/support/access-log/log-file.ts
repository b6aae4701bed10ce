/** Log lines and log files for tests. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Question } from '../../../src/evidence/question.ts';

export const LOAD_BALANCER = 'app/shop/50dc6c495c0c9188';
export const GROUP = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/api/73e2d6bc24d8a067';

const NOON = Date.parse('2026-03-10T12:00:00Z');
/** Asks about the quarter of an hour in which `line` puts its entries. */
export const quarterHour: Question = {
  loadBalancer: { name: LOAD_BALANCER, arn: null },
  from: NOON,
  to: NOON + 900_000,
  now: NOON + 1_800_000,
  statuses: ['5xx'],
};

export interface Fields {
  type: string;
  /** Epoch milliseconds, may have a fraction. */
  at: number;
  elb: string;
  client: string;
  target: string;
  times: [number, number, number];
  status: string;
  targetStatus: string;
  bytes: [number, number];
  request: string;
  userAgent: string;
  group: string;
  trace: string;
  created: number | null;
  priority: string;
  actions: string;
  reason: string;
  classification: string;
  /** Field 34; null for a line that ends before. */
  node: string | null;
}

const stamp = (at: number): string => {
  const micros = Math.round(at * 1000);
  const millis = Math.floor(micros / 1000);
  return `${new Date(millis).toISOString().slice(0, 23)}${String(micros % 1000).padStart(3, '0')}Z`;
};

const seconds = (value: number) => (value < 0 ? '-1' : value.toFixed(3));

const ORDINARY: Fields = {
  type: 'https',
  at: Date.parse('2026-03-10T12:00:00Z'),
  elb: LOAD_BALANCER,
  client: '192.0.2.1:40000',
  target: '10.0.0.1:8080',
  times: [0, 0.01, 0],
  status: '200',
  targetStatus: '200',
  bytes: [100, 500],
  request: 'GET https://www.example.com:443/api/orders/17 HTTP/1.1',
  userAgent: 'curl/8.11.1',
  group: GROUP,
  trace: 'Root=1-58337281-1d84f3d73c47ec4e58577259',
  created: null,
  priority: '0',
  actions: 'forward',
  reason: '-',
  classification: '-',
  node: null,
};

/** An entry of 33 fields, or 34 with a node. `created` is the time of dispatch unless given. */
export function line(fields: Partial<Fields> = {}): string {
  const f = { ...ORDINARY, ...fields };
  const created = f.created ?? Math.floor(f.at - 1000 * Math.max(0, f.times[1]));
  return [
    ...[f.type, stamp(f.at), f.elb, f.client, f.target, ...f.times.map(seconds), f.status, f.targetStatus, ...f.bytes],
    ...[`"${f.request}"`, `"${f.userAgent}"`, 'ECDHE-RSA-AES128-GCM-SHA256', 'TLSv1.2', f.group, `"${f.trace}"`],
    ...['"www.example.com"', '"arn:aws:acm:eu-west-1:123456789012:certificate/7f3b1c52"', f.priority, stamp(created)],
    ...[
      `"${f.actions}"`,
      '"-"',
      `"${f.reason}"`,
      `"${f.target}"`,
      `"${f.targetStatus}"`,
      '"-"',
      `"${f.classification}"`,
    ],
    ...['TID_1cda3a622035454996cd2c4a60867901', '"-"', '"-"', '"-"', ...(f.node === null ? [] : [f.node])],
  ].join(' ');
}

/** What is written into a file: lines to be compressed when the name ends in .gz, or bytes as they are. */
export type Content = string[] | Uint8Array;

export const textOf = (lines: readonly string[]): string => lines.map((text) => `${text}\n`).join('');

export function writeLogs(folder: string, files: Record<string, Content>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    const bytes = content instanceof Uint8Array ? content : Buffer.from(textOf(content));
    writeFileSync(path, !(content instanceof Uint8Array) && name.endsWith('.gz') ? gzipSync(bytes) : bytes);
  }
}

/** A file name as the load balancer gives it; `end` such as "20260310T1205Z". */
export const fileName = (end: string, node = '203.0.113.17', elb = LOAD_BALANCER, random = '7tj887d8'): string =>
  `AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/03/10/123456789012_elasticloadbalancing_eu-west-1_${elb.replaceAll('/', '.')}_${end}_${node}_${random}.log.gz`;
