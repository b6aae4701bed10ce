/**
 * Generates the access logs of a busy shop for an hour: `node bench/generate.ts <millions of lines> <folder>
 * [ordinary|heavy]`. This file generates the ordinary ones; generate-heavy.ts describes the heavy ones.
 *
 * The same numbers give the same bytes. Four nodes of one load balancer write a file each every five minutes; one line
 * in fifty belongs to a second load balancer in the same folder, in files of its own. Entropy matches real logs: random
 * client addresses and ports, trace ids, certificates, user agents from a list weighted towards few, numeric, UUID and
 * hexadecimal ids in paths, and most queries with a random token. About 740 bytes a line, 110 when compressed.
 *
 * About 0.9 % of the requests fail:
 *  - keep-alive race: the "admin" group has little traffic on each (node, target); a target closes connections idle for
 *    5 s, and a request within 10 ms after the close is a 502 `x t -1`
 *  - one target of the "api" group refuses connections for five minutes: 502 `-1 -1 -1` within milliseconds
 *  - a slow report route: 504 `x -1 -1` after 60 s, and clients that give up on it (460)
 *  - a route whose response is malformed for one request in ten: 502 `x t -1`
 *  - 500 and 503 answered by the targets themselves, on all routes
 *  - "search" has no healthy target for two minutes: 503 with target "-"
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { HEAVY_LOAD_BALANCERS, heavyFileText } from './generate-heavy.ts';
import { randomFrom } from './random.ts';

export const TRAFFIC = ['ordinary', 'heavy'] as const;
export type Traffic = (typeof TRAFFIC)[number];

const LOAD_BALANCER = { name: 'shop', id: '50dc6c495c0c9188' };
const OTHER = { name: 'intranet', id: '9aa3f1b27c44d0e1' };
const NODES = ['203.0.113.17', '203.0.113.81', '198.51.100.44', '198.51.100.203'];
const FROM = Date.parse('2026-03-10T09:00:00Z');
const INTERVAL_MS = 300_000;
/** Lines of one file; the number of intervals follows from the total. */
const LINES_PER_FILE = 66_600;
const KEEP_ALIVE_MS = 5000;
const ACCOUNT = '123456789012';
const REGION = 'eu-west-1';

const GROUPS = {
  api: { targets: 12, port: 8080, id: '73e2d6bc24d8a067' },
  search: { targets: 4, port: 9200, id: '2453ed029918f21f' },
  admin: { targets: 24, port: 3000, id: '8d1e0bb0a41c92f3' },
} as const;
type GroupName = keyof typeof GROUPS;

const targetsOf = (group: GroupName, octet: number): string[] =>
  Array.from(
    { length: GROUPS[group].targets },
    (_, n) => `10.0.${octet + (n % 3)}.${20 + n * 7}:${GROUPS[group].port}`,
  );
const TARGETS: Record<GroupName, string[]> = {
  api: targetsOf('api', 10),
  search: targetsOf('search', 40),
  admin: targetsOf('admin', 70),
};

/** # is a number, @ a UUID, ~ 16 hexadecimal characters. */
const ROUTES: { weight: number; group: GroupName; method: string; path: string; ms: number }[] = [
  { weight: 22, group: 'api', method: 'GET', path: '/api/products/#', ms: 12 },
  { weight: 14, group: 'api', method: 'GET', path: '/api/carts/@', ms: 9 },
  { weight: 9, group: 'api', method: 'POST', path: '/api/carts/@/items', ms: 25 },
  { weight: 8, group: 'api', method: 'GET', path: '/api/users/#/orders/#', ms: 40 },
  { weight: 7, group: 'api', method: 'GET', path: '/static/js/~/bundle.js', ms: 2 },
  { weight: 7, group: 'api', method: 'GET', path: '/health', ms: 1 },
  { weight: 6, group: 'api', method: 'POST', path: '/api/events', ms: 5 },
  { weight: 5, group: 'api', method: 'PUT', path: '/api/users/#/preferences', ms: 18 },
  { weight: 2, group: 'api', method: 'GET', path: '/api/export/#', ms: 300 },
  { weight: 0.4, group: 'api', method: 'GET', path: '/api/reports/#', ms: 20_000 },
  { weight: 12, group: 'search', method: 'GET', path: '/search', ms: 70 },
  { weight: 5, group: 'search', method: 'GET', path: '/search/suggest', ms: 15 },
  { weight: 1.2, group: 'admin', method: 'GET', path: '/admin/orders/#', ms: 30 },
  { weight: 0.8, group: 'admin', method: 'POST', path: '/admin/orders/#/refund', ms: 60 },
];
const WEIGHT = ROUTES.reduce((sum, route) => sum + route.weight, 0);

/** The route whose range of weights contains the number. */
function routeAt(ticket: number): (typeof ROUTES)[number] {
  let rest = ticket;
  for (const route of ROUTES) {
    rest -= route.weight;
    if (rest < 0) return route;
  }
  throw new RangeError(`${ticket} is more than all weights`);
}

const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.7444.59 Mobile Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0',
  'ShopApp/8.14.2 (com.example.shop; build:41207; iOS 18.6.1) Alamofire/5.10.2',
  'okhttp/4.12.0',
  'python-requests/2.32.5',
];

const HEX = '0123456789abcdef';

interface TextFile {
  name: string;
  text: string;
}

/** Compressed files, interval by interval. */
async function* accessLogFiles(lines: number, traffic: Traffic): AsyncGenerator<{ name: string; content: Buffer }> {
  const compress = promisify(gzip);
  const intervals = Math.max(1, Math.round(lines / (LINES_PER_FILE * NODES.length)));
  const perFile = Math.round(lines / (intervals * NODES.length));
  // The last completion of each (node, target), because races depend on the gap, also across files.
  const lastCompletion = new Map<string, number>();
  for (let interval = 0; interval < intervals; interval++) {
    for (const [index, node] of NODES.entries()) {
      const seed = interval * 16 + index;
      const files =
        traffic === 'heavy'
          ? heavyFiles(node, interval, perFile, seed)
          : ordinaryFiles(node, interval, perFile, seed, lastCompletion);
      for (const { name, text } of files) yield { name, content: await compress(text, { level: 6 }) };
    }
  }
}

function ordinaryFiles(
  node: string,
  interval: number,
  lines: number,
  seed: number,
  lastCompletion: Map<string, number>,
): TextFile[] {
  const own = Math.round(lines * 0.98);
  return [
    fileOf(node, interval, own, seed, LOAD_BALANCER, lastCompletion),
    fileOf(node, interval, lines - own, seed + 8, OTHER, new Map()),
  ];
}

function heavyFiles(node: string, interval: number, lines: number, seed: number): TextFile[] {
  return HEAVY_LOAD_BALANCERS.map(({ name, id, share }, index) => ({
    name: fileName({ name, id }, node, interval, `${(seed * 4 + index).toString(16).padStart(8, '0')}`),
    text: heavyFileText({
      ...{ node, from: FROM + interval * INTERVAL_MS, interval: INTERVAL_MS },
      ...{ count: Math.round(lines * share), seed: seed * 4 + index, loadBalancer: { name, id } },
    }),
  }));
}

/** Name of the file for a node's interval, which contains the end of the interval. */
function fileName({ name, id }: { name: string; id: string }, node: string, interval: number, random: string): string {
  const end = new Date(FROM + (interval + 1) * INTERVAL_MS).toISOString().replace(/[-:]/g, '').slice(0, 13);
  return `${ACCOUNT}_elasticloadbalancing_${REGION}_app.${name}.${id}_${end}Z_${node}_${random}.log.gz`;
}

function fileOf(
  node: string,
  interval: number,
  count: number,
  seed: number,
  { name, id }: { name: string; id: string },
  lastCompletion: Map<string, number>,
): TextFile {
  const random = randomFrom(seed * 7919 + 1);
  const hex = (length: number) => Array.from({ length }, () => HEX[Math.floor(random() * 16)]).join('');
  const int = (below: number) => Math.floor(random() * below);
  const pick = <T>(list: readonly [T, ...T[]] | readonly T[]): T => {
    const value = list[int(list.length)];
    if (value === undefined) throw new Error('nothing to choose from');
    return value;
  };
  const start = FROM + interval * INTERVAL_MS;
  const lines: string[] = [];
  for (let n = 0; n < count; n++) {
    // Requests arrive evenly with jitter, and are in the order of dispatch.
    const arrival = start + ((n + random()) * INTERVAL_MS) / count;
    const route = routeAt(random() * WEIGHT);
    const group = GROUPS[route.group];
    const target = pick(TARGETS[route.group]);
    const pair = `${node} ${target}`;
    const chance = random();
    const created = Math.floor(arrival);
    let rpt = random() < 0.9 ? 0 : 0.001;
    let tpt = (route.ms * (0.4 + random() * random() * 3)) / 1000;
    let rspt = 0;
    let elb = route.method === 'POST' && chance < 0.5 ? '201' : chance < 0.03 ? '404' : '200';
    let own = elb;
    let shown = target;
    const idle = arrival - (lastCompletion.get(pair) ?? Number.NEGATIVE_INFINITY);
    if (route.group === 'admin' && idle >= KEEP_ALIVE_MS && idle < KEEP_ALIVE_MS + 10) {
      [tpt, rspt, elb, own] = [random() * 0.004, -1, '502', '-'];
    } else if (interval % 6 === 2 && target === TARGETS.api[3]) {
      if (chance < 0.2) [rpt, tpt, rspt, elb, own] = [-1, -1, -1, '502', '-'];
    } else if (route.group === 'search' && interval % 10 === 1 && arrival - start < 12_000) {
      [rpt, tpt, rspt, elb, own, shown] = [-1, -1, -1, '503', '-', '-'];
    } else if (route.path === '/api/reports/#' && tpt > 40) {
      const gaveUp = chance < 0.3;
      [tpt, rspt, elb, own] = [-1, -1, gaveUp ? '460' : '504', '-'];
    } else if (route.path === '/api/export/#' && chance < 0.1) {
      [rspt, elb, own] = [-1, '502', '-'];
    } else if (chance > 0.995) {
      elb = chance > 0.998 ? '500' : '503';
      own = elb;
    }
    const wall = elb === '504' ? 60 : rpt < 0 || tpt < 0 ? 0.002 + random() * 0.002 : rpt + tpt;
    const time = arrival + wall * 1000;
    if (own !== '-') lastCompletion.set(pair, Math.max(time, lastCompletion.get(pair) ?? 0));
    const path = route.path.replace(/[#@~]/g, (kind) =>
      kind === '#'
        ? String(int(9_000_000) + 1000)
        : kind === '~'
          ? hex(16)
          : `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`,
    );
    const query = route.path.startsWith('/search')
      ? `?q=${hex(6)}&page=${int(9)}`
      : random() < 0.6
        ? `?session=${hex(32)}&t=${created}${int(1000)}`
        : '';
    const http2 = random() < 0.6;
    const arn = `arn:aws:elasticloadbalancing:${REGION}:${ACCOUNT}:targetgroup/${route.group}/${group.id}`;
    // A few clients make most of the requests.
    const who = Math.floor(random() ** 3 * 60_000);
    const client = `${20 + (who % 180)}.${(who >> 4) % 256}.${(who * 7) % 256}.${(who * 131) % 256}:${1024 + int(64_000)}`;
    const seconds = (value: number) => (value < 0 ? '-1' : value.toFixed(3));
    const micros = String(Math.floor((time % 1) * 1000)).padStart(3, '0');
    const iso = new Date(time).toISOString();
    const root = `Root=1-${Math.floor(created / 1000).toString(16)}-${hex(24)}`;
    lines.push(
      `${http2 ? 'h2' : 'https'} ${iso.slice(0, 23)}${micros}Z app/${name}/${id} ${client} ${shown} ${seconds(rpt)} ${seconds(tpt)} ${seconds(rspt)} ${elb} ${own} ${80 + int(1200)} ${200 + int(40_000)} ` +
        `"${route.method} https://www.example.com:443${path}${query} HTTP/${http2 ? '2.0' : '1.1'}" "${AGENTS[Math.floor(random() ** 2 * AGENTS.length)]}" ` +
        `ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 ${arn} "${root}" "www.example.com" ` +
        `"arn:aws:acm:${REGION}:${ACCOUNT}:certificate/7f3b1c52-6a1e-4f0d-9b57-2d1c3e4f5a6b" ${route.group === 'api' ? 0 : route.group === 'admin' ? 10 : 20} ` +
        `${new Date(created).toISOString().slice(0, 23)}000Z "forward" "-" "-" "${shown}" "${own}" "-" "-" TID_${hex(32)} "-" "-" "-" ${node}\n`,
    );
  }
  return { name: fileName({ name, id }, node, interval, hex(8)), text: lines.join('') };
}

/** Writes an incident folder with about `lines` lines of the load balancer in question. */
export async function writeIncident(folder: string, lines: number, traffic: Traffic): Promise<void> {
  const logs = join(folder, 'logs');
  mkdirSync(logs, { recursive: true });
  let last = '';
  for await (const { name, content } of accessLogFiles(lines, traffic)) {
    writeFileSync(join(logs, name), content);
    last = name;
  }
  const stamp = /_(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})Z_/.exec(last);
  const to = `${stamp?.[1]}-${stamp?.[2]}-${stamp?.[3]}T${stamp?.[4]}:${stamp?.[5]}:00Z`;
  const from = new Date(FROM).toISOString();
  const { name, id } = traffic === 'heavy' ? HEAVY_LOAD_BALANCERS[0] : LOAD_BALANCER;
  const incident = { loadBalancer: `app/${name}/${id}`, from, to };
  writeFileSync(join(folder, 'incident.json'), `${JSON.stringify(incident, null, 2)}\n`);
}

if (import.meta.main) {
  const [millions, folder, named = 'ordinary'] = process.argv.slice(2);
  const traffic = TRAFFIC.find((known) => known === named);
  if (!folder || !(Number(millions) > 0) || traffic === undefined) {
    process.stderr.write(`usage: node bench/generate.ts <millions of lines> <folder> [${TRAFFIC.join('|')}]\n`);
    process.exitCode = 1;
  } else await writeIncident(folder, Number(millions) * 1_000_000, traffic);
}
