/**
 * Measures how many connections to S3 a read of the access log needs: downloads and reads the log files of a folder from
 * a bucket on 127.0.0.1, in a process of its own, whose answers take some time and whose bodies have a limited speed.
 *
 *     node bench/download.ts <incident folder> [--connections 4,8,16,24,48] [--each 40] [--all 600] [--rounds 3]
 *
 * --each, --all   megabytes a second of one connection, and of all together
 *
 * Prints the seconds to download and read all files, those to download them first and read them then, and the peak memory.
 * Each measurement runs in a process of its own, so that its memory holds nothing of the one before.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { S3Client } from '@aws-sdk/client-s3';
import { readAccessLog } from '../src/collect/access-log/embedded/embedded-engine.ts';
import type { LogPlace } from '../src/collect/access-log/log-place.ts';
import { download } from '../src/collect/access-log/s3-log.ts';
import { serveS3 } from '../test/support/s3/server.ts';
import { median } from './measured.ts';

const BUCKET = 'logs';
/** Milliseconds until the first byte of an answer. */
const LATENCY = 30;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connections: { type: 'string', default: '4,8,16,24,48' },
    each: { type: 'string', default: '40' },
    all: { type: 'string', default: '600' },
    rounds: { type: 'string', default: '3' },
  },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error('Name the folder of an incident: node bench/download.ts <incident folder>');
  process.exit(1);
}
const logs = join(folder, 'logs');
const names = readdirSync(logs, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.gz'));
const incident: { loadBalancer: string; from: string; to: string } = JSON.parse(
  readFileSync(join(folder, 'incident.json'), 'utf8'),
);

async function serve(): Promise<void> {
  const objects = new Map(names.map((name) => [name, readFileSync(join(logs, name))] as const));
  const speed = { each: Number(values.each) * 1e6, all: Number(values.all) * 1e6 };
  const { endpoint } = await serveS3({ name: BUCKET, objects, latency: LATENCY, speed }, () => {});
  process.send?.({ endpoint, sizes: [...objects].map(([key, { length: bytes }]) => ({ key, bytes })) });
  process.on('disconnect', () => process.exit());
}

interface Measured {
  seconds: number;
  /** Megabytes. */
  peak: number;
}

interface Reading {
  endpoint: string;
  sizes: Size[];
  atOnce: number;
  isOverlapped: boolean;
}

interface Size {
  key: string;
  bytes: number;
}

async function measure({ endpoint, sizes, atOnce, isOverlapped }: Reading): Promise<Measured> {
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
  const s3 = new S3Client({ region: 'eu-west-1', endpoint, forcePathStyle: true, credentials });
  const [name = '', id = ''] = incident.loadBalancer.split('/').slice(-2);
  const place: LogPlace = {
    ...{ bucket: BUCKET, root: '', account: '', region: 'eu-west-1', partition: 'aws' },
    loadBalancer: { name, id },
  };
  const to = mkdtempSync(join(tmpdir(), 'alb502-bench-'));
  const arrived = new Readable({ objectMode: true, read() {} });
  const question = {
    ...{ loadBalancer: { name: incident.loadBalancer, arn: null }, statuses: ['5xx'] },
    ...{ from: Date.parse(incident.from), to: Date.parse(incident.to), now: Date.parse(incident.to) },
  };
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  const started = performance.now();
  const bytes = sizes.reduce((sum, one) => sum + one.bytes, 0);
  const read = (now: boolean) =>
    readAccessLog({
      ...{ folder: to, question, idleTimeoutSeconds: 60 },
      ...(now ? { arriving: { count: sizes.length, bytes, names: arrived } } : {}),
    });
  const early = isOverlapped ? read(true) : null;
  const signal = new AbortController().signal;
  await download({ s3, place, objects: sizes, folder: to, signal, atOnce, onArrival: (file) => arrived.push(file) });
  arrived.push(null);
  await (early ?? read(false));
  const seconds = (performance.now() - started) / 1000;
  clearInterval(watch);
  s3.destroy();
  rmSync(to, { recursive: true });
  return { seconds, peak: peak / 1e6 };
}

/** What a child process does: serves the bucket, or measures one read. */
type Task = { serve: true } | Reading;

function child(task: Task): ChildProcess {
  const started = fork(import.meta.filename, process.argv.slice(2), { execArgv: process.execArgv });
  started.send(task);
  return started;
}

async function measureApart(task: Reading): Promise<Measured> {
  const [answer] = await once(child(task), 'message');
  return answer;
}

if (process.send !== undefined) {
  const [task]: Task[] = await once(process, 'message');
  if (task !== undefined && 'serve' in task) await serve();
  else if (task !== undefined) {
    process.send(await measure(task));
    process.disconnect();
  }
} else {
  const server = child({ serve: true });
  const [served] = await once(server, 'message');
  const { endpoint, sizes }: { endpoint: string; sizes: Size[] } = served;
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  process.stdout.write(`${names.length} files, ${(total / 1e6).toFixed(0)} MB, ${values.each} MB/s a connection\n\n`);
  process.stdout.write('| connections | s | download first, s | peak MB |\n| -: | -: | -: | -: |\n');
  for (const connections of values.connections.split(',').map(Number)) {
    const [both, apart]: [Measured[], Measured[]] = [[], []];
    for (let left = Number(values.rounds); left > 0; left--) {
      both.push(await measureApart({ endpoint, sizes, atOnce: connections, isOverlapped: true }));
      apart.push(await measureApart({ endpoint, sizes, atOnce: connections, isOverlapped: false }));
    }
    const cells = [
      connections,
      median(both.map(({ seconds }) => seconds)).toFixed(2),
      median(apart.map(({ seconds }) => seconds)).toFixed(2),
      Math.max(...both.map(({ peak }) => peak)).toFixed(0),
    ];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
  server.disconnect();
}
