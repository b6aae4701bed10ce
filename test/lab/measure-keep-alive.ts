/**
 * Measures how each server closes connections, with its own defaults: after how long, by FIN or RST, after how many requests, and what
 * SIGTERM does. `node test/lab/measure-keep-alive.ts [part of a name]` writes test/lab/keep-alive.json; all servers at once take three
 * minutes. It runs itself again inside a namespace, where nothing else can reach the servers.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MeasuredServer } from './keep-alive.ts';
import { installServers, missingFor } from './missing.ts';
import { killGroup, LabNetwork } from './network.ts';
import { type LabServer, servers } from './servers.ts';

const RESULTS = join(import.meta.dirname, 'keep-alive.json');
/** The longest wait for a close. */
const MOST_IDLE_SECONDS = 155;
const CONNECTIONS = 5;
const MOST_REQUESTS = 1200;
const FIRST_PORT = 21_000;
/** A measuring process that was late by more says nothing about servers, milliseconds. */
const MOST_LATE_MS = 150;

interface Close {
  seconds: number;
  how: 'FIN' | 'RST';
}

const second = () => performance.now() / 1000;

class Connection {
  readonly closed: Promise<Close['how']>;
  private readonly socket: Socket;
  private text = '';

  constructor(port: number) {
    this.socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
    });
    this.closed = new Promise((resolve) => {
      this.socket.once('end', () => resolve('FIN'));
      this.socket.once('error', () => resolve('RST'));
    });
  }

  /** The head of the response; null when the connection closed before it was whole. */
  async ask(headers = ''): Promise<string | null> {
    this.text = '';
    this.socket.write(`GET /health HTTP/1.1\r\nHost: lab\r\n${headers}\r\n`);
    let isClosed = false;
    this.closed.then(() => {
      isClosed = true;
    });
    while (!isWhole(this.text)) {
      if (isClosed) return null;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return this.text.split('\r\n\r\n')[0] ?? '';
  }

  destroy(): void {
    this.socket.destroy();
  }
}

function isWhole(text: string): boolean {
  const [head, body = ''] = text.split(/\r\n\r\n([\s\S]*)/);
  if (!text.includes('\r\n\r\n') || head === undefined) return false;
  if (/^transfer-encoding: *chunked/im.test(head)) return body.endsWith('0\r\n\r\n');
  return body.length >= Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
}

async function idleClose(port: number): Promise<Close | null> {
  const connection = new Connection(port);
  if ((await connection.ask()) === null) return null;
  const from = second();
  const how = await Promise.race([connection.closed, sleep(MOST_IDLE_SECONDS * 1000, null, { ref: false })]);
  connection.destroy();
  return how === null ? null : { seconds: Math.round((second() - from) * 100) / 100, how };
}

async function requestLimit(port: number): Promise<MeasuredServer['requests']> {
  const connection = new Connection(port);
  for (let count = 1; count <= MOST_REQUESTS; count++) {
    const head = await connection.ask();
    if (head === null) return { count: count - 1, isAnnounced: false };
    if (/^connection: *close/im.test(head)) {
      connection.destroy();
      return { count, isAnnounced: true };
    }
  }
  connection.destroy();
  return null;
}

async function onSigterm(port: number, child: ChildProcess, works: boolean): Promise<MeasuredServer['sigterm']> {
  const idle = new Connection(port);
  await idle.ask();
  const busy = new Connection(port);
  const answer = busy.ask('X-Lab-Work: 2000\r\n');
  await sleep(500);
  const from = second();
  const since = () => Math.round((second() - from) * 10) / 10;
  const exit = new Promise<number>((resolve) => child.once('exit', () => resolve(since())));
  child.kill('SIGTERM');
  const limit = sleep(40_000, null, { ref: false });
  const idleClosed = Promise.race([idle.closed.then((how) => ({ seconds: since(), how })), limit]);
  const head = await Promise.race([answer, limit]);
  return {
    idle: await idleClosed,
    isAnswered: works ? head?.startsWith('HTTP/1.1 200') === true : null,
    exitSeconds: await Promise.race([exit, limit]),
  };
}

interface Running {
  server: LabServer;
  version: string;
  port: number;
  child: ChildProcess;
}

async function start(server: LabServer, port: number, folder: string): Promise<Running> {
  const { command, env } = server.command({ port, folder: join(folder, server.id) });
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    detached: true,
    stdio: 'ignore',
    env: { PATH: process.env.PATH, LANG: 'C.UTF-8', ...env },
  });
  while ((await new Connection(port).ask()) === null) {
    if (child.exitCode !== null) throw new Error(`${server.id} ended with ${child.exitCode} before it answered`);
    await sleep(300);
  }
  return { server, version: server.version(), port, child };
}

async function measure({ server, version, port, child }: Running): Promise<MeasuredServer> {
  const closes = await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, i) => {
      await sleep(370 * i);
      return idleClose(port);
    }),
  );
  const requests = await requestLimit(port);
  const sigterm = await onSigterm(port, child, server.works !== false);
  killGroup(child, 'SIGKILL');
  const { id, name, setting } = server;
  return {
    id,
    name,
    setting,
    version,
    closes: closes.filter((close) => close !== null),
    requests,
    sigterm,
  };
}

const [mode, ...words] = process.argv.slice(2);
if (mode === '--inside') {
  const wanted = servers.filter(({ id }) => words.length === 0 || words.some((word) => id.includes(word)));
  const folder = mkdtempSync(join(tmpdir(), 'alb502-keep-alive-'));
  // Starting is work, measuring is not: a late timer would be the machine's.
  const running = await Promise.all(wanted.map((server, i) => start(server, FIRST_PORT + i, folder)));
  const late = monitorEventLoopDelay({ resolution: 10 });
  late.enable();
  const measured = await Promise.all(running.map(measure));
  const lateMs = Math.round(late.max / 1e6);
  if (lateMs > MOST_LATE_MS)
    throw new Error(`This machine is too busy: timers were up to ${lateMs} ms late. Try again.`);
  rmSync(folder, { recursive: true, force: true });
  const earlier =
    words.length === 0 ? [] : (JSON.parse(readFileSync(RESULTS, 'utf8')) as { servers: MeasuredServer[] }).servers;
  const all = servers.flatMap(
    ({ id }) => measured.find((one) => one.id === id) ?? earlier.find((one) => one.id === id) ?? [],
  );
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(
    RESULTS,
    `${JSON.stringify({ date, mostIdleSeconds: MOST_IDLE_SECONDS, mostRequests: MOST_REQUESTS, servers: all }, null, 1)}\n`,
  );
  process.exit(0);
}
const missing = missingFor(servers);
if (missing !== null) {
  console.error(missing);
  process.exit(1);
}
installServers();
const network = new LabNetwork('keep');
network.addHost('servers', []);
const command = [process.execPath, import.meta.filename, '--inside', ...(mode === undefined ? [] : [mode, ...words])];
const inside = network.start('servers', command, { stdio: 'inherit' });
inside.once('exit', (code) => {
  network.close();
  process.exit(code ?? 1);
});
