/**
 * Access-log files as S3 holds them: one for each node and five minutes that has entries, the end of the interval in the name, under the
 * date of delivery (so the last file of a day can lie in the next day's folder).
 */
import { gzipSync } from 'node:zlib';
import { account, region } from './names.ts';
import type { Random } from './random.ts';
import type { LoadBalancerSpec } from './scenario.ts';

export interface LogFile {
  path: string;
  /** End of its interval, epoch milliseconds. */
  end: number;
  bytes: Buffer;
}

const interval = 300_000;

export function logFiles(
  loadBalancer: LoadBalancerSpec,
  lines: Map<string, { time: number; line: string }[]>,
  random: Random,
): LogFile[] {
  const files: LogFile[] = [];
  for (const [node, entries] of [...lines].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const byEnd = new Map<number, string[]>();
    for (const { time, line } of entries) {
      const end = (Math.floor(time / interval) + 1) * interval;
      const own = byEnd.get(end) ?? [];
      own.push(line);
      byEnd.set(end, own);
    }
    for (const [end, own] of byEnd) {
      const path = logPath(loadBalancer, end, node, randomName(random));
      files.push({ path, end, bytes: gzip(`${own.join('\n')}\n`) });
    }
  }
  return files;
}

export function logPath(
  loadBalancer: LoadBalancerSpec,
  end: number,
  node: string,
  random: string,
  prefix = '',
): string {
  const stamp = new Date(end).toISOString();
  const day = stamp.slice(0, 10).replaceAll('-', '/');
  const name = [
    `${prefix}${account}`,
    'elasticloadbalancing',
    region,
    `app.${loadBalancer.name}.${loadBalancer.id}`,
    `${stamp.slice(0, 16).replaceAll(/[-:]/g, '')}Z`,
    node,
    random,
  ].join('_');
  return `AWSLogs/${account}/elasticloadbalancing/${region}/${day}/${name}.log.gz`;
}

/** gzip with the two header bytes that vary between machines fixed: no modification time, unknown operating system. */
export function gzip(text: string): Buffer {
  const bytes = gzipSync(text, { level: 9 });
  bytes.fill(0, 4, 8);
  bytes[9] = 255;
  return bytes;
}

function randomName(random: Random): string {
  return Array.from({ length: 8 }, () => random.integer(0, 35).toString(36)).join('');
}
